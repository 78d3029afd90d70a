//! Policies: for what subrosa reads, and for whoever sets that up.

use std::fmt::Write as _;

use subrosa_provider::{ErrorKind, ProviderError};

use crate::target;

/// A mount that is named, and how its secrets are reached.
pub(super) struct Mount {
    pub(super) path: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Versioned,
    Plain,
    /// Any other engine: this path of it alone.
    Path,
}

impl Mount {
    /// Reads `PATH`, `kv2:PATH`, `kv1:PATH` or `path:PATH`, separated by commas.
    pub(super) fn list(text: &str) -> Result<Vec<Self>, ProviderError> {
        text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(Self::parse).collect()
    }

    fn parse(text: &str) -> Result<Self, ProviderError> {
        let (kind, path) = match text.split_once(':') {
            None => (Kind::Versioned, text),
            Some(("kv2", path)) => (Kind::Versioned, path),
            Some(("kv1", path)) => (Kind::Plain, path),
            Some(("path", path)) => (Kind::Path, path),
            Some(_) => return Err(refuse(text, "write secret, kv1:plain or path:database/creds/app")),
        };
        // in a policy these are more than letters
        let plain = |letter: char| !letter.is_control() && !"*+\"{}\\,".contains(letter);
        let path = target::joined(path).filter(|path| path.chars().all(plain));
        let path = path.ok_or_else(|| refuse(text, "it is no path of letters"))?;
        Ok(Self { path, kind })
    }

    fn rules(&self) -> Vec<(String, &'static str)> {
        let path = &self.path;
        match self.kind {
            Kind::Versioned => {
                vec![(format!("{path}/data/*"), r#""read""#), (format!("{path}/metadata/*"), r#""list""#)]
            }
            Kind::Plain => vec![(format!("{path}/*"), r#""read", "list""#)],
            Kind::Path => vec![(path.clone(), r#""read""#)],
        }
    }
}

fn refuse(text: &str, why: &str) -> ProviderError {
    ProviderError::new(ErrorKind::BadSettings, format!("mount {text:?} is refused: {why}"))
}

/// What subrosa may: read and list in the mounts, and take back leases of theirs.
pub(super) fn of_mounts(mounts: &[Mount]) -> String {
    let rules: Vec<_> = mounts.iter().flat_map(Mount::rules).collect();
    let mut text = written(rules.iter().map(|(path, may)| (path.as_str(), *may)));
    let leases: Vec<_> = mounts.iter().map(|mount| format!("\"{}/*\"", mount.path)).collect();
    let _ = writeln!(
        text,
        "path \"sys/leases/revoke\" {{\n  capabilities = [\"update\"]\n  allowed_parameters = {{ \"lease_id\" = [{}], \"sync\" = [] }}\n}}",
        leases.join(", ")
    );
    text
}

/// A policy of rules: a path and what is allowed there.
pub(super) fn written<'r>(rules: impl Iterator<Item = (&'r str, &'r str)>) -> String {
    rules.map(|(path, may)| format!("path \"{path}\" {{ capabilities = [{may}] }}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_names_what_is_read_and_nothing_else() {
        let mounts = Mount::list("secret, kv1:plain,path:database/creds/app").expect("mounts");
        assert_eq!(
            of_mounts(&mounts),
            r#"path "secret/data/*" { capabilities = ["read"] }
path "secret/metadata/*" { capabilities = ["list"] }
path "plain/*" { capabilities = ["read", "list"] }
path "database/creds/app" { capabilities = ["read"] }
path "sys/leases/revoke" {
  capabilities = ["update"]
  allowed_parameters = { "lease_id" = ["secret/*", "plain/*", "database/creds/app/*"], "sync" = [] }
}
"#
        );
    }

    #[test]
    fn hostile_h82_a_mount_is_a_path_and_no_pattern() {
        for text in ["*", "secret/*", "+/x", "a\"b", "a{b}", "kv3:x", "../x", "a//../b", "kv1:", "\u{1b}[2J"]
        {
            let Err(error) = Mount::list(text) else { panic!("{text:?} was taken") };
            assert_eq!(error.kind(), ErrorKind::BadSettings, "{text}");
        }
    }
}
