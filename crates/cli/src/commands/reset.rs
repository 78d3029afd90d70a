//! `subrosa reset`: destroy the vault.

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{ask, output, unlock};
use clap::{ArgMatches, Command};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use subrosa_keychain::{Account, Keychain};
use subrosa_vault::{CACHE_FILES, Header, SlotKind, Vault};

/// What a vault's folder consists of; anything else in it is somebody else's and stays.
const FILES: [&str; 3] = ["vault.db", "vault.db-journal", "audit.log"];
/// How the names begin of what an interrupted command may have left.
const LEFT: [&str; 2] = [".vault.db.", ".audit.log."];

pub(super) fn command() -> Command {
    Command::new("reset").about("Destroy the vault with all its secrets").arg(ask::flag()).after_help(
        "Needs no key: it is the way out when every key is lost. Backups are left alone.\n\n\
             Example:\n  subrosa reset",
    )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let location = unlock::location(context)?;
    if !location.exists() {
        return Err(subrosa_vault::VaultError::NotFound(location.dir).into());
    }
    // a vault too damaged to be read can be destroyed as well
    let header = Vault::inspect(&location).ok();
    let what = format!("the vault in {} and every secret in it will be destroyed", location.dir.display());
    ask::confirm(context, arguments, &what, "destroy")?;
    for name in FILES.into_iter().chain(CACHE_FILES) {
        remove(&location.dir.join(name))?;
    }
    for entry in fs::read_dir(&location.dir).into_iter().flatten().flatten() {
        if LEFT.iter().any(|begin| entry.file_name().to_string_lossy().starts_with(begin)) {
            remove(&entry.path())?;
        }
    }
    // only an empty folder goes
    let _ = fs::remove_dir(&location.dir);
    if let Some(header) = header {
        remove(&location.state.join("pins").join(header.id.to_string()))?;
        if !context.unlock.no_keychain {
            forget_keys(&header);
        }
    }
    output::done(&format!("destroyed the vault in {}", location.dir.display()));
    Ok(())
}

fn remove(path: &Path) -> Outcome {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::file("remove", path, &error)),
        _ => Ok(()),
    }
}

/// Keys of a vault that is gone open nothing; that one stays in the keychain is worth a word, no more.
fn forget_keys(header: &Header) {
    let slots = header.slots.iter().filter(|slot| slot.kind == SlotKind::VaultKey);
    let mut keychain = None;
    for slot in slots {
        let Some(keychain) = keychain.get_or_insert_with(|| Keychain::connect().ok()) else { return };
        if let Err(error) = keychain.delete(&Account { vault: header.id, slot: slot.id }) {
            output::warn(&format!("the keychain still holds a key that opens nothing any more: {error}"));
        }
    }
}
