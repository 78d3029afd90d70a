//! What every command knows: the flags that all of them have, the user's configuration, and the vault's place.

use crate::config::{self, Ask, Config};
use crate::failure::{Failure, Outcome};
use crate::output::{Color, Output};
use crate::paths;
use crate::terminal::Terminal;
use clap::{Arg, ArgAction, ArgMatches, ValueHint, value_parser};
use std::cell::OnceCell;
use std::fmt::Display;
use std::path::PathBuf;
use subrosa_secret::{Deviation, HostRule, Profile, TrustRules};

/// Which key the user named to open the vault with.
#[derive(Debug, Default)]
pub(crate) struct UnlockFlags {
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) passphrase: bool,
    pub(crate) passphrase_file: Option<PathBuf>,
    pub(crate) recovery: bool,
    pub(crate) no_keychain: bool,
}

/// One run of a command.
pub(crate) struct Context {
    pub(crate) unlock: UnlockFlags,
    pub(crate) output: Output,
    vault: Option<PathBuf>,
    profile: Option<Profile>,
    no_ask: bool,
    config: OnceCell<Config>,
}

/// The flags as text, wherever they were read.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) vault: Option<PathBuf>,
    pub(crate) profile: Option<String>,
    pub(crate) no_ask: bool,
    pub(crate) color: Option<String>,
    pub(crate) unlock: UnlockFlags,
}

impl Context {
    pub(crate) fn new(given: Given) -> Outcome<Context> {
        let color = match given.color.as_deref() {
            Some(text) => Color::parse(text)
                .ok_or_else(|| Failure::usage(format!("--color {text}: write auto, always or never")))?,
            None => Color::Auto,
        };
        Ok(Context {
            unlock: given.unlock,
            output: Output::new(color),
            vault: given.vault,
            profile: given.profile.as_deref().map(parse_profile).transpose()?,
            no_ask: given.no_ask,
            config: OnceCell::new(),
        })
    }

    pub(crate) fn from_matches(matches: &ArgMatches) -> Outcome<Context> {
        let path = |id| matches.get_one::<PathBuf>(id).cloned();
        Context::new(Given {
            vault: path("vault"),
            profile: matches.get_one::<String>("profile").cloned(),
            no_ask: matches.get_flag("no-ask"),
            color: matches.get_one::<String>("color").cloned(),
            unlock: UnlockFlags {
                key_file: path("key-file"),
                passphrase: matches.get_flag("passphrase"),
                passphrase_file: path("passphrase-file"),
                recovery: matches.get_flag("recovery"),
                no_keychain: matches.get_flag("no-keychain"),
            },
        })
    }

    /// The user's configuration, read when it is first needed.
    pub(crate) fn config(&self) -> Outcome<&Config> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let config = config::load()?;
        Ok(self.config.get_or_init(|| config))
    }

    /// The profile that was asked for by flag: the one that a new secret goes to.
    pub(crate) fn given_profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// The profile in which secrets are looked for first: that of the flag, else that of the configuration.
    pub(crate) fn profile(&self) -> Outcome<Option<Profile>> {
        if let Some(profile) = &self.profile {
            return Ok(Some(profile.clone()));
        }
        self.config()?.profile.as_deref().map(parse_profile).transpose()
    }

    /// Where the user's own configuration lets requests with secrets leave plain trust and routing.
    pub(crate) fn trust(&self) -> Outcome<TrustRules> {
        let mut rules = TrustRules::new();
        for trust in &self.config()?.trust {
            let wrong = |error: &dyn Display| {
                let text = format!("[[trust]] of config.toml, host {:?}: {error}", trust.host);
                Failure::general(text)
            };
            let rule = HostRule::parse(&trust.host).map_err(|error| wrong(&error))?.rule;
            let mut allowed = Vec::new();
            for word in &trust.allow {
                let known =
                    Deviation::ALL.into_iter().find(|one| one.to_string() == *word || one.word() == word);
                let known = known.ok_or_else(|| {
                    wrong(&format!(
                        "{word:?} is none of -k, --cacert, --resolve, --connect-to, foreign-host, proxy"
                    ))
                })?;
                allowed.push(known);
            }
            rules.allow(rule, allowed);
        }
        Ok(rules)
    }

    pub(crate) fn vault_folder(&self) -> Outcome<PathBuf> {
        paths::vault(self.vault.as_deref())
    }

    /// Whether the vault is another than the user's default one, so that hints have to name it.
    pub(crate) fn vault_flag(&self) -> String {
        match &self.vault {
            Some(folder) => format!(" --vault {}", crate::fault::quoted(&folder.display().to_string())),
            None => String::new(),
        }
    }

    /// A terminal to ask on; `None` where nobody can or wants to answer.
    pub(crate) fn terminal(&self) -> Outcome<Option<Terminal>> {
        Ok(if self.asks()? { Terminal::open() } else { None })
    }

    /// Whether anybody may be asked, if there is somebody.
    pub(crate) fn asks(&self) -> Outcome<bool> {
        Ok(!self.no_ask && self.config()?.ask != Ask::Never)
    }
}

fn parse_profile(text: &str) -> Outcome<Profile> {
    Profile::parse(text).map_err(|error| Failure::usage(format!("profile {text:?}: {error}")))
}

/// Whether a flag of every command is followed by its value.
pub(crate) fn takes_value(word: &str) -> bool {
    ["--vault", "--profile", "--color", "--key-file", "--passphrase-file"].contains(&word)
}

/// The flags that every command has.
pub(crate) fn flags() -> Vec<Arg> {
    let heading = "Every command";
    let path = |id: &'static str, name: &'static str, hint, help: &'static str| {
        Arg::new(id)
            .long(id)
            .value_name(name)
            .value_parser(value_parser!(PathBuf))
            .value_hint(hint)
            .help(help)
    };
    let switch =
        |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    let flags = [
        path("vault", "FOLDER", ValueHint::DirPath, "the vault's folder [env: SUBROSA_VAULT]"),
        Arg::new("profile")
            .long("profile")
            .value_name("NAME")
            .help("the profile to look for secrets in first"),
        path(
            "key-file",
            "FILE",
            ValueHint::FilePath,
            "unlock with the vault key in this file; '-' asks for it or reads standard input [env: SUBROSA_KEY_FILE]",
        ),
        switch("passphrase", "unlock with a passphrase, which is asked for"),
        path("passphrase-file", "FILE", ValueHint::FilePath, "unlock with the passphrase in this file"),
        switch("recovery", "unlock with the recovery key, which is asked for"),
        switch("no-keychain", "leave the keychain alone"),
        switch("no-ask", "ask nothing; what needs an answer is an error"),
        Arg::new("color").long("color").value_name("WHEN").help("auto, always or never"),
    ];
    flags.into_iter().map(|flag| flag.global(true).help_heading(heading)).collect()
}
