//! The user's own configuration file, `config.toml`.
//!
//! ```toml
//! profile = "dev"            # the profile of commands that are given none
//! ask = "terminal"           # or "never": nothing is asked, what needs an answer is an error
//!
//! [[trust]]                  # where requests with secrets may leave the beaten track
//! host = "*.internal.example"
//! allow = ["--cacert", "--resolve"]
//! ```
//!
//! It is the only file of its kind: nothing is read from a project's folder, because what lies there was often
//! written by somebody else, and trust is the user's to give.

use crate::failure::{Failure, Outcome, reason};
use crate::paths;
use serde::Deserialize;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Larger files are no configuration.
const MAX_LEN: u64 = 1 << 20;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) profile: Option<String>,
    #[serde(default)]
    pub(crate) ask: Ask,
    #[serde(default)]
    pub(crate) trust: Vec<Trust>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ask {
    #[default]
    Terminal,
    Never,
}

/// Deviations from plain trust and routing that the user allows for some hosts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trust {
    pub(crate) host: String,
    pub(crate) allow: Vec<String>,
}

/// Reads the user's file; a file that is not there is an empty one.
pub(crate) fn load() -> Outcome<Config> {
    load_from(&paths::config()?)
}

fn load_from(path: &Path) -> Outcome<Config> {
    let text = match fs::metadata(path) {
        // opening a FIFO would wait for its writer, and a device may have no end
        Ok(file) if !file.is_file() => {
            return Err(Failure::general(format!("{} is not a regular file", path.display())));
        }
        Ok(file) if file.len() > MAX_LEN => {
            return Err(Failure::general(format!("{} is larger than 1 MiB", path.display())));
        }
        Ok(_) => fs::read_to_string(path),
        Err(error) => Err(error),
    };
    match text {
        Ok(text) => parse(&text, path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Config::default()),
        Err(error) => Err(Failure::general(format!("cannot read {}: {}", path.display(), reason(&error)))),
    }
}

pub(crate) fn parse(text: &str, path: &Path) -> Outcome<Config> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(0, |span| 1 + text[..span.start].matches('\n').count());
        Failure::general(format!("{}, line {line}: {}", path.display(), error.message()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_file() {
        let text =
            "profile = \"dev\"\nask = \"never\"\n[[trust]]\nhost = \"*.a.example\"\nallow = [\"-k\"]\n";
        let config = parse(text, Path::new("c")).unwrap();
        assert_eq!(config.profile.as_deref(), Some("dev"));
        assert_eq!(config.ask, Ask::Never);
        assert_eq!(config.trust[0].host, "*.a.example");
        assert_eq!(config.trust[0].allow, ["-k"]);
    }

    #[test]
    fn a_mistyped_key_is_an_error_that_names_the_line() {
        let error = parse("profile = \"a\"\nprofil = \"b\"\n", Path::new("c.toml")).unwrap_err();
        assert!(error.message().starts_with("c.toml, line 2: unknown field `profil`"), "{}", error.message());
    }

    #[test]
    fn no_file_is_an_empty_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let config = load_from(&folder.path().join("config.toml")).unwrap();
        assert_eq!(config.ask, Ask::Terminal);
        assert!(config.trust.is_empty());
    }
}
