//! `subrosa init`: make a vault.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::terminal::Terminal;
use crate::ways::{self, Way};
use crate::{output, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use std::path::{Path, PathBuf};
use subrosa_keychain::KeychainError;
use subrosa_vault::{Location, Vault, VaultError, VaultId};

pub(super) fn command() -> Command {
    Command::new("init")
        .about("Make a vault, and a key for it in the keychain")
        .arg(
            Arg::new("save-recovery")
                .long("save-recovery")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help("write the recovery key to a new file instead of showing it"),
        )
        .arg(
            Arg::new("no-recovery")
                .long("no-recovery")
                .action(ArgAction::SetTrue)
                .conflicts_with("save-recovery")
                .help("make no recovery key"),
        )
        .after_help(
            "The vault is sealed with a random key, which the keychain of the operating system keeps. Instead of the \
             keychain, --key-file FILE puts the key into a new file, and --passphrase opens the vault with a passphrase. \
             The recovery key, shown once, is the way in when everything else is lost.\n\n\
             Examples:\n  subrosa init\n  subrosa init --passphrase\n  \
             subrosa init --key-file ~/.config/subrosa/key --save-recovery ./recovery.txt",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let location = unlock::location(context)?;
    if location.exists() {
        return Err(VaultError::AlreadyExists(location.dir).into());
    }
    let save = arguments.get_one::<PathBuf>("save-recovery").map(PathBuf::as_path);
    let recovery = !arguments.get_flag("no-recovery");
    let mut terminal = context.terminal()?;
    if recovery && save.is_none() && terminal.is_none() {
        return Err(ways::nowhere_for_recovery());
    }
    let id = VaultId::random().map_err(ways::no_random)?;
    let mut made = ways_in(context, &location, id, terminal.as_mut())?;
    if recovery {
        made.push(Way::recovery()?);
    }
    create(&location, id, &made, save)?;
    output::done(&format!("made a vault in {}", location.dir.display()));
    for way in &made {
        output::done(&format!("it opens with: {}", way.label()));
    }
    if save.is_none() {
        made.iter().try_for_each(|way| way.hand_over(None, terminal.as_mut()))?;
    }
    if let Some(path) = made.iter().find_map(Way::file) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        output::hint(&format!("export SUBROSA_KEY_FILE={}", quoted(&path.display().to_string())));
    }
    output::done(&format!("next: subrosa set my-first-key{}", context.vault_flag()));
    Ok(())
}

/// Makes the vault; if that fails nothing of the keys stays behind.
fn create(location: &Location, id: VaultId, made: &[Way], save: Option<&Path>) -> Outcome {
    let saved = made.iter().filter(|_| save.is_some()).try_for_each(|way| way.hand_over(save, None));
    let created = saved.and_then(|()| {
        let slots: Vec<_> = made.iter().map(Way::new_slot).collect();
        Vault::create(location, id, &slots).map(drop).map_err(|error| {
            // written a moment ago, for a vault that never was
            save.map(std::fs::remove_file);
            error.into()
        })
    });
    if created.is_err() {
        made.iter().for_each(Way::take_back);
    }
    created
}

/// The ways in that the user asked for; without a wish, the keychain.
fn ways_in(
    context: &Context,
    location: &Location,
    id: VaultId,
    terminal: Option<&mut Terminal>,
) -> Outcome<Vec<Way>> {
    let flags = &context.unlock;
    let mut made = Vec::new();
    if let Some(path) = &flags.key_file {
        made.push(Way::key_file(path, &location.dir)?);
    }
    if flags.passphrase || flags.passphrase_file.is_some() {
        made.push(Way::passphrase(context)?);
    }
    if !made.is_empty() {
        return Ok(made);
    }
    let why = if flags.no_keychain {
        String::from("the keychain is left alone")
    } else {
        match Way::keychain(id) {
            Ok(way) => return Ok(vec![way]),
            Err(error @ KeychainError::Absent { .. }) => error.to_string(),
            // a keychain that is there is worth a try again; nothing weaker takes its place by itself
            Err(error) => return Err(without_keychain(Failure::from(error))),
        }
    };
    match terminal {
        Some(terminal) => instead(context, location, terminal, &why).map(|way| vec![way]),
        None => Err(without_keychain(Failure::new(
            Exit::KEYCHAIN,
            format!("no place for the vault's key: {why}"),
        ))),
    }
}

fn without_keychain(failure: Failure) -> Failure {
    failure.hint("subrosa init --passphrase").hint("subrosa init --key-file FILE")
}

/// Asks what takes the place of the keychain.
fn instead(context: &Context, location: &Location, terminal: &mut Terminal, why: &str) -> Outcome<Way> {
    terminal.say(&format!("{why}. The vault can be opened with a passphrase, or with a key in a file."))?;
    match terminal.choose("[p]assphrase, key [f]ile, or [q]uit?", &['p', 'f', 'q'])? {
        'p' => Way::passphrase(context),
        'f' => {
            let path = in_home(&terminal.ask("new file for the key:")?);
            Way::key_file(&path, &location.dir)
        }
        _ => Err(Failure::general("no vault was made")),
    }
}

/// No shell stands between the question and the answer, so `~/` is made out here.
fn in_home(text: &str) -> PathBuf {
    match (text.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(text),
    }
}
