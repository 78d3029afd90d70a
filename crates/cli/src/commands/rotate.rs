//! `subrosa keys rotate`: a new vault key, or a new root key, without losing a secret.
//!
//! Order is everything: a new way in works before an old one goes, and an entry of the keychain goes last.

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::unlock::{self, Key, Source};
use crate::ways::{self, Way};
use crate::{ask, output};
use clap::ArgMatches;
use std::path::{Path, PathBuf};
use subrosa_vault::{SlotId, SlotInfo, SlotKind, Vault};

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let (vault, key) = unlock::open_with_key(context)?;
    if arguments.get_flag("root") {
        root(context, arguments, vault, key)
    } else {
        vault_key(context, vault, &key)
    }
}

/// Replaces the vault key that opened the vault by a new one in the same place.
fn vault_key(context: &Context, mut vault: Vault, key: &Key) -> Outcome {
    let Key::Vault(_) = key else {
        return Err(Failure::usage("the vault was not opened with a vault key, so there is none to replace")
            .hint("subrosa keys add passphrase, then subrosa keys remove SLOT"));
    };
    let old = vault.slot();
    let (way, file) = replacement(context, &vault)?;
    let (slot, new) = way.new_slot();
    let added = vault.add_slot(slot, &new).and_then(|()| match vault.slot_opened_by(&new.as_unlock())? {
        Some(opened) if opened == slot => Ok(()),
        _ => Err(subrosa_vault::VaultError::WrongKey),
    });
    if let Err(error) = added {
        way.take_back();
        return Err(error.into());
    }
    vault.remove_slot(old)?;
    match file {
        Some((new, old)) => {
            std::fs::rename(&new, &old).and_then(|()| ways::settle(&old)).map_err(|error| {
                Failure::file("replace", &old, &error).hint(format!("the new key is in {}", new.display()))
            })?
        }
        None => super::keys::forget(&vault, old),
    }
    output::done("the vault has a new key; the old one opens nothing any more");
    Ok(())
}

/// A new key, kept in the manner of the old one; for a file: where it is, and where it is to be in the end.
fn replacement(context: &Context, vault: &Vault) -> Outcome<(Way, Option<(PathBuf, PathBuf)>)> {
    let old = match unlock::source(context) {
        Source::KeyFile(path) => path,
        Source::Keychain => return Ok((Way::keychain(vault.id())?, None)),
        Source::Other => {
            return Err(Failure::usage("the vault key came from neither a file nor the keychain")
                .hint("subrosa keys rotate --key-file FILE"));
        }
    };
    let mut new = old.clone().into_os_string();
    new.push(".new");
    let new = PathBuf::from(new);
    Ok((Way::key_file_to_be(&new, &old, &vault.location().dir)?, Some((new, old))))
}

/// Seals everything anew. What opened the vault goes on opening it; a new recovery key is made; the rest is dropped.
fn root(context: &Context, arguments: &ArgMatches, mut vault: Vault, key: Key) -> Outcome {
    let used = vault.slot();
    let slots = vault.slots()?;
    let had_recovery = slots.iter().any(|info| info.kind == SlotKind::Recovery);
    let save = arguments.get_one::<PathBuf>("save-recovery").map(PathBuf::as_path);
    let mut terminal = context.terminal()?;
    if had_recovery && save.is_none() && terminal.is_none() {
        return Err(ways::nowhere_to_show().hint("--save-recovery FILE writes it to a new file"));
    }
    ask::confirm(context, arguments, &what_happens(&slots, used), "rotate")?;
    let mut ways = vec![Way::kept(used, key, label(&slots, used))?];
    if had_recovery {
        ways.push(Way::recovery()?);
    }
    hand_over(&ways, save)?;
    let new: Vec<_> = ways.iter().map(Way::new_slot).collect();
    vault.rotate_root(&new)?;
    if save.is_none() {
        ways.iter().try_for_each(|way| way.hand_over(None, terminal.as_mut()))?;
    }
    let dropped = slots.iter().filter(|info| info.id != used && info.kind == SlotKind::VaultKey);
    dropped.for_each(|info| super::keys::forget(&vault, info.id));
    output::done("everything is sealed with a new root key");
    Ok(())
}

fn hand_over(ways: &[Way], save: Option<&Path>) -> Outcome {
    match save {
        Some(_) => ways.iter().try_for_each(|way| way.hand_over(save, None)),
        None => Ok(()),
    }
}

fn label(slots: &[SlotInfo], used: SlotId) -> String {
    slots.iter().find(|info| info.id == used).and_then(|info| info.label.clone()).unwrap_or_default()
}

fn what_happens(slots: &[SlotInfo], used: SlotId) -> String {
    let name = |info: &SlotInfo| info.label.clone().unwrap_or_else(|| info.kind.to_string());
    let dropped: Vec<String> = slots.iter().filter(|info| info.id != used).map(name).collect();
    let kept = slots.iter().find(|info| info.id == used).map(name).unwrap_or_default();
    let dropped = if dropped.is_empty() { String::from("none") } else { dropped.join(", ") };
    let recovery = match slots.iter().any(|info| info.kind == SlotKind::Recovery) {
        true => "; a new recovery key will take the place of the old one",
        false => "",
    };
    format!("ways in that stay: {kept}; ways in that will open nothing any more: {dropped}{recovery}")
}
