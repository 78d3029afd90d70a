//! `subrosa keys rotate`: a new vault key, or a new root key, without losing a secret.
//!
//! Order is everything: a new way in works before an old one goes, and an entry of the keychain goes last.

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::unlock::{self, Key, Source};
use crate::ways::{self, Way};
use crate::{ask, output};
use clap::ArgMatches;
use std::fs;
#[cfg(unix)]
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use subrosa_keychain::{Account, Keychain};
use subrosa_vault::{Location, SlotId, SlotInfo, SlotKind, Vault, VaultError};

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let location = unlock::location(context)?;
    let _alone = match unlock::source(context) {
        Source::KeyFile(file) => Some(alone(&file)?),
        Source::Keychain | Source::Other => None,
    };
    let root_key = arguments.get_flag("root");
    let (key, opened) = unlock::attempt(context, &location, Vault::open)?;
    let vault = match opened {
        Err(VaultError::WrongKey) if !root_key => return finish(context, &location, &key),
        opened => opened.map_err(|error| unlock::refused(context, &location, error, &key))?,
    };
    if root_key { root(context, arguments, vault, key) } else { vault_key(context, vault, &key) }
}

/// Keeps other processes from replacing the key in this file, for as long as the answer lives.
#[cfg(unix)]
fn alone(file: &Path) -> Outcome<File> {
    use std::os::unix::fs::MetadataExt;
    let failed = |verb| move |error| Failure::file(verb, file, &error);
    let locked = File::open(file).map_err(failed("read"))?;
    let place = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let tried = locked.try_lock();
    // while it was opened, another process may have put a new key in its place and be done
    let named = file.metadata().map(place).map_err(failed("read"))?;
    let opened = locked.metadata().map(place).map_err(failed("read"))?;
    match tried {
        Ok(()) if named == opened => Ok(locked),
        Ok(()) | Err(TryLockError::WouldBlock) => {
            Err(Failure::general(format!("another process is replacing the key in {}", file.display())))
        }
        Err(TryLockError::Error(error)) => Err(failed("lock")(error)),
    }
}

/// Elsewhere a locked file cannot be read by anybody.
#[cfg(not(unix))]
fn alone(_: &Path) -> Outcome {
    Ok(())
}

/// Replaces the vault key that opened the vault by a new one in the same place.
fn vault_key(context: &Context, mut vault: Vault, key: &Key) -> Outcome {
    let Key::Vault(_) = key else {
        return Err(Failure::usage("the vault was not opened with a vault key, so there is none to replace")
            .hint("subrosa keys add passphrase, then subrosa keys remove SLOT"));
    };
    match unlock::source(context) {
        Source::KeyFile(file) => of_file(context, &mut vault, key, &file),
        Source::Keychain => of_keychain(&mut vault),
        Source::Other => Err(Failure::usage("the vault key came from neither a file nor the keychain")
            .hint("subrosa keys rotate --key-file FILE")),
    }
}

fn of_file(context: &Context, vault: &mut Vault, key: &Key, file: &Path) -> Outcome {
    let (old, path) = (vault.slot(), unlock::successor_of(file));
    if path.symlink_metadata().is_ok_and(|there| there.len() == 0) {
        // it was interrupted before it had written anything
        ways::take_back_file(&path);
    }
    let new = match unlock::successor(context, vault.location()) {
        Some((_, opened)) => opened.slot(),
        None if path.symlink_metadata().is_ok() => {
            return Err(Failure::general(format!(
                "{} is there already and opens nothing here",
                path.display()
            ))
            .hint(format!("if it opens no other vault either: rm {}", quoted(&path.display().to_string()))));
        }
        None => add(vault, &Way::key_file_to_be(&path, file, &vault.location().dir)?)?,
    };
    let removed = vault.replace_slots(&[old], new);
    if removed.is_err() && !matches!(vault.slot_opened_by(&key.as_unlock()), Ok(None)) {
        let both = format!("both keys open the vault, the new one in {}", path.display());
        return removed.map_err(|error| Failure::from(error).detail(both).hint("subrosa keys rotate"));
    }
    replace(file, &path)?;
    removed?;
    done()
}

/// Every key of this vault that this keychain holds is replaced: after a rotation that was interrupted there are two.
fn of_keychain(vault: &mut Vault) -> Outcome {
    let new = add(vault, &Way::keychain(vault.id())?)?;
    let used = vault.slot();
    let here = |slot| {
        let account = Account { vault: vault.id(), slot };
        slot == used || matches!(Keychain::connect().and_then(|it| it.load(&account)), Ok(Some(_)))
    };
    let slots = vault.slots()?.into_iter().filter(|info| info.kind == SlotKind::VaultKey && info.id != new);
    let replaced: Vec<SlotId> = slots.map(|info| info.id).filter(|slot| here(*slot)).collect();
    vault.replace_slots(&replaced, new)?;
    replaced.into_iter().for_each(|slot| super::keys::forget(vault, slot));
    done()
}

/// Adds a way in and tries it, before any other goes.
fn add(vault: &mut Vault, way: &Way) -> Outcome<SlotId> {
    let (slot, new) = way.new_slot();
    let added = vault.add_slot(slot, &new).and_then(|()| match vault.slot_opened_by(&new.as_unlock())? {
        Some(opened) if opened == slot => Ok(()),
        _ => Err(VaultError::WrongKey),
    });
    if added.is_err() && !way.may_open(vault) {
        way.take_back();
    }
    Ok(added.map(|()| slot)?)
}

/// Finishes a rotation that was interrupted after the old key had gone.
fn finish(context: &Context, location: &Location, key: &Key) -> Outcome {
    match (unlock::successor(context, location), unlock::source(context)) {
        (Some((new, _)), Source::KeyFile(file)) => {
            replace(&file, &new)?;
            done()
        }
        _ => Err(unlock::refused(context, location, VaultError::WrongKey, key)),
    }
}

fn replace(file: &Path, new: &Path) -> Outcome {
    let replaced = fs::rename(new, file).and_then(|()| ways::sync_folder_of(file));
    replaced.map_err(|error| {
        Failure::file("replace", file, &error).detail(format!("the new key is in {}", new.display()))
    })
}

fn done() -> Outcome {
    output::done("the vault has a new key; the old one opens nothing any more");
    Ok(())
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
    let rotated = vault.rotate_root(&new);
    // work that failed after the commit is no reason to keep the new recovery key from its owner
    let opens = rotated.is_ok() || ways.last().is_some_and(|way| way.may_open(&vault));
    match save {
        None if opens => ways.iter().try_for_each(|way| way.hand_over(None, terminal.as_mut()))?,
        Some(path) if had_recovery && !opens => ways::take_back_file(path),
        _ => {}
    }
    rotated?;
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
