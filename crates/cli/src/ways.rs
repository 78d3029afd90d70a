//! New ways into a vault: made, put where they are kept, and taken back if the vault does not take them.
//!
//! A key is where it is kept before the vault knows it, so that a vault never waits for a key that got lost in
//! between. No key is ever written in clear unless the user named the file.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::Terminal;
use crate::unlock::Key;
use crate::{input, output, unlock};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use subrosa_keychain::{Account, Keychain, KeychainError};
use subrosa_secret::SecretValue;
use subrosa_vault::{KdfParams, NewSlot, RecoveryKey, SlotId, Vault, VaultId, VaultKey};
use zeroize::Zeroizing;

/// Shorter passphrases are taken with a warning.
const ADVISED_PASSPHRASE: usize = 12;

/// A way in that is being made.
pub(crate) struct Way {
    pub(crate) slot: SlotId,
    secret: Secret,
    label: String,
    kept: Kept,
}

enum Secret {
    VaultKey(VaultKey),
    Passphrase(SecretValue, KdfParams),
    Recovery(RecoveryKey),
}

/// Where the key is, for taking it back.
enum Kept {
    InMemory,
    Keychain(Account),
    File(PathBuf),
}

impl Way {
    /// A random vault key that the keychain holds.
    pub(crate) fn keychain(vault: VaultId) -> Result<Way, KeychainError> {
        let keychain = Keychain::connect()?;
        let failed = |_| KeychainError::Failed { what: "no random numbers for a key", source: None };
        let (slot, key) = (SlotId::random().map_err(failed)?, VaultKey::generate().map_err(failed)?);
        let account = Account { vault, slot };
        keychain.store(&account, &key)?;
        let way = Way {
            slot,
            secret: Secret::VaultKey(key),
            label: "keychain".into(),
            kept: Kept::Keychain(account),
        };
        // a keychain that says yes and keeps nothing would be found out when it is too late
        match keychain.load(&account) {
            Ok(Some(_)) => Ok(way),
            Ok(None) => Err(KeychainError::Denied),
            Err(error) => {
                way.take_back();
                Err(error)
            }
        }
    }

    /// A random vault key in a new file.
    pub(crate) fn key_file(path: &Path, vault_folder: &Path) -> Outcome<Way> {
        if path == Path::new("-") {
            return Err(Failure::usage("--key-file -: a new key cannot be written to standard input")
                .hint("--key-file FILE makes a file for it"));
        }
        Way::key_file_to_be(path, path, vault_folder)
    }

    /// A random vault key in a new file that will be renamed once the vault has taken the key.
    pub(crate) fn key_file_to_be(path: &Path, later: &Path, vault_folder: &Path) -> Outcome<Way> {
        unlock::outside_of_vault(path, vault_folder)?;
        let key = VaultKey::generate().map_err(no_random)?;
        write_key(path, &key.to_text())?;
        let later = std::path::absolute(later).unwrap_or_else(|_| later.to_owned());
        let label = format!("key file {}", later.display());
        Ok(Way { slot: slot()?, secret: Secret::VaultKey(key), label, kept: Kept::File(path.to_owned()) })
    }

    /// What opened the vault, as a slot of the vault's next root key.
    pub(crate) fn kept(slot: SlotId, key: Key, label: String) -> Outcome<Way> {
        let secret = match key {
            Key::Vault(key) => Secret::VaultKey(key),
            Key::Passphrase(passphrase) => Secret::Passphrase(passphrase, calibrated()?),
            Key::Recovery(key) => Secret::Recovery(key),
        };
        Ok(Way { slot, secret, label, kept: Kept::InMemory })
    }

    /// A passphrase: that of `--passphrase-file`, else typed twice.
    pub(crate) fn passphrase(context: &Context) -> Outcome<Way> {
        let bytes = match &context.unlock.passphrase_file {
            Some(path) => {
                // what opens the vault is refused in a file that others can read, so it is refused from the start
                unlock::private(path, "passphrase file")?;
                input::line_of_file(path)?
            }
            None => match context.terminal()? {
                Some(mut terminal) => terminal.new_secret("new passphrase of the vault:")?,
                None => {
                    return Err(Failure::usage("no terminal to ask for the new passphrase")
                        .hint("--passphrase-file FILE"));
                }
            },
        };
        Way::of_passphrase(bytes)
    }

    pub(crate) fn of_passphrase(bytes: Zeroizing<Vec<u8>>) -> Outcome<Way> {
        if bytes.is_empty() {
            return Err(Failure::usage("the passphrase is empty"));
        }
        if bytes.len() < ADVISED_PASSPHRASE {
            output::warn("the passphrase is short; five random words would be better");
        }
        let passphrase =
            SecretValue::from_zeroizing(bytes).map_err(|error| Failure::usage(error.to_string()))?;
        let secret = Secret::Passphrase(passphrase, calibrated()?);
        Ok(Way { slot: slot()?, secret, label: "passphrase".into(), kept: Kept::InMemory })
    }

    pub(crate) fn recovery() -> Outcome<Way> {
        let key = RecoveryKey::generate().map_err(no_random)?;
        Ok(Way {
            slot: slot()?,
            secret: Secret::Recovery(key),
            label: "recovery".into(),
            kept: Kept::InMemory,
        })
    }

    /// The slot as the vault takes it.
    pub(crate) fn new_slot(&self) -> (SlotId, NewSlot<'_>) {
        let label = self.label.as_str();
        let slot = match &self.secret {
            Secret::VaultKey(key) => NewSlot::VaultKey { key, label },
            Secret::Passphrase(passphrase, params) => NewSlot::Passphrase { passphrase, params, label },
            Secret::Recovery(key) => NewSlot::Recovery { key, label },
        };
        (self.slot, slot)
    }

    /// The file that holds the key, if a file does.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.kept {
            Kept::File(path) => Some(path),
            Kept::InMemory | Kept::Keychain(_) => None,
        }
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// Puts a recovery key where the user wants it: into a file, or on the terminal, once.
    pub(crate) fn hand_over(&self, file: Option<&Path>, terminal: Option<&mut Terminal>) -> Outcome {
        let Secret::Recovery(key) = &self.secret else { return Ok(()) };
        let text = key.to_text();
        match (file, terminal) {
            (Some(path), _) => write_key(path, &text),
            (None, Some(terminal)) => {
                terminal.say("")?;
                terminal.say(
                    "Recovery key, shown this once. Write it down and keep it apart from this machine:",
                )?;
                terminal.say("")?;
                terminal.say(&Zeroizing::new(format!("  {}", text.as_str())))?;
                terminal.say("")
            }
            (None, None) => Err(nowhere_for_recovery()),
        }
    }

    /// Whether the vault opens with it, or nobody can tell: a write can fail after it has become durable.
    pub(crate) fn may_open(&self, vault: &Vault) -> bool {
        let (_, new) = self.new_slot();
        !matches!(vault.slot_opened_by(&new.as_unlock()), Ok(None))
    }

    /// Undoes the keeping, after the vault did not take the slot.
    pub(crate) fn take_back(&self) {
        match &self.kept {
            Kept::InMemory => {}
            Kept::Keychain(account) => {
                let _ = Keychain::connect().and_then(|keychain| keychain.delete(account));
            }
            Kept::File(path) => take_back_file(path),
        }
    }
}

/// Removes a file that was written for a way in which the vault did not take.
pub(crate) fn take_back_file(path: &Path) {
    let _ = fs::remove_file(path);
}

pub(crate) fn nowhere_to_show() -> Failure {
    Failure::usage("no terminal to show the recovery key on")
}

/// The recovery key has to go somewhere: this is known before anything is made.
pub(crate) fn nowhere_for_recovery() -> Failure {
    nowhere_to_show()
        .hint("--save-recovery FILE writes it to a new file")
        .hint("--no-recovery makes none: whoever loses the key loses the secrets")
}

/// Writes a key to a file that is not there yet, readable by its owner only.
pub(crate) fn write_key(path: &Path, text: &str) -> Outcome {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let line = Zeroizing::new(format!("{text}\n"));
    let written = folder_of(path).and_then(|()| options.open(path)).and_then(|mut file| {
        let kept = file.write_all(line.as_bytes()).and_then(|()| file.sync_all());
        // half a key is none, and stands in the way of the next attempt
        kept.and_then(|()| sync_folder_of(path)).inspect_err(|_| drop(fs::remove_file(path)))
    });
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::general(format!("{} is there already; it was left as it is", path.display()))
        }
        _ => Failure::file("write", path, &error),
    })
}

/// Makes the folder that a key is to lie in, for its owner only: `~/.config/subrosa` is seldom there yet.
fn folder_of(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => builder.create(folder),
        None => Ok(()),
    }
}

/// Makes a new or changed name survive a power failure: a vault must not wait for a key that never was. Windows cannot flush a folder; NTFS journals the names.
pub(crate) fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

pub(crate) fn calibrated() -> Outcome<KdfParams> {
    KdfParams::calibrate().map_err(|error| Failure::general(format!("passphrase: {error}")))
}

fn slot() -> Outcome<SlotId> {
    SlotId::random().map_err(no_random)
}

pub(crate) fn no_random(error: getrandom::Error) -> Failure {
    Failure::new(Exit::GENERAL, format!("the system gives no random numbers: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_written_over_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write_key(&path, "one").unwrap();
        assert!(write_key(&path, "two").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_and_the_folder_made_for_it_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config/subrosa/key");
        write_key(&path, "one").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(path.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
}
