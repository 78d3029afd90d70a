//! How the vault is opened.
//!
//! The first of these that is given: `--key-file`, `--passphrase-file`, `--passphrase`, `--recovery`; then
//! `SUBROSA_KEY_FD`, `SUBROSA_KEY_FILE`, `SUBROSA_KEY`; then the keychain, without a question; then, on a terminal,
//! a passphrase if the vault has one. What was given and does not work is an error: nothing falls back in silence.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::{self, Terminal};
use crate::{input, output};
use std::env;
use std::path::{Path, PathBuf};
use subrosa_keychain::{Account, Keychain, KeychainError};
use subrosa_secret::{SecretValue, wipe_dead_stack};
use subrosa_vault::{Header, Location, RecoveryKey, SlotKind, Unlock, Vault, VaultError, VaultKey};
use zeroize::Zeroizing;

/// Holds the vault key itself; masked in what is shown and taken away from every program that is started.
const KEY: &str = "SUBROSA_KEY";
/// Names a file that holds it.
const KEY_FILE: &str = "SUBROSA_KEY_FILE";
/// Names an open file descriptor to read it from.
const KEY_FD: &str = "SUBROSA_KEY_FD";

/// What no other program is to see.
pub(crate) const ENVIRONMENT: [&str; 3] = [KEY, KEY_FILE, KEY_FD];

/// A key, passphrase or recovery key that was presented.
pub(crate) enum Key {
    Vault(VaultKey),
    Passphrase(SecretValue),
    Recovery(RecoveryKey),
}

impl Key {
    pub(crate) fn as_unlock(&self) -> Unlock<'_> {
        match self {
            Key::Vault(key) => Unlock::VaultKey(key),
            Key::Passphrase(passphrase) => Unlock::Passphrase(passphrase),
            Key::Recovery(key) => Unlock::Recovery(key),
        }
    }
}

/// Where this run's vault and its pins stand.
pub(crate) fn location(context: &Context) -> Outcome<Location> {
    Ok(Location { dir: context.vault_folder()?, state: crate::paths::state()? })
}

/// Opens the vault of this run.
pub(crate) fn open(context: &Context) -> Outcome<Vault> {
    open_by(context, Vault::open).map(|(vault, _)| without_traces(vault))
}

/// Opens it although it was rolled back, to tell or to accept that.
pub(crate) fn open_despite_rollback(context: &Context) -> Outcome<Vault> {
    open_by(context, Vault::open_despite_rollback).map(|(vault, _)| without_traces(vault))
}

/// Opens it and keeps what opened it.
pub(crate) fn open_with_key(context: &Context) -> Outcome<(Vault, Key)> {
    open_by(context, Vault::open)
}

/// vault-key.md, section 3. A vault that cannot be read, such as one that was rolled back, has worse to tell.
fn warn_if_weak(vault: &Vault) {
    let slots = vault.slots().unwrap_or_default();
    if let Some(slot) = slots.iter().find(|slot| slot.id == vault.slot() && crate::report::is_weak(slot)) {
        output::warn("this passphrase is protected less than a new one would be");
        output::hint(&format!("subrosa keys add passphrase, then subrosa keys remove {}", slot.id));
    }
}

/// The vault may wait for a person or a server now, when the key is gone.
fn without_traces(vault: Vault) -> Vault {
    wipe_dead_stack();
    vault
}

fn open_by(
    context: &Context,
    open: fn(&Location, &Unlock<'_>) -> Result<Vault, VaultError>,
) -> Outcome<(Vault, Key)> {
    let location = location(context)?;
    let (key, opened) = attempt(context, &location, open)?;
    match opened {
        Ok(vault) => {
            if matches!(key, Key::Passphrase(_)) {
                warn_if_weak(&vault);
            }
            Ok((vault, key))
        }
        Err(error) => Err(refused(context, &location, error, &key)),
    }
}

/// Presents the key of this run; what the vault says to it is for the caller to tell.
pub(crate) fn attempt(
    context: &Context,
    location: &Location,
    open: fn(&Location, &Unlock<'_>) -> Result<Vault, VaultError>,
) -> Outcome<(Key, Result<Vault, VaultError>)> {
    let key = present(context, location)?;
    match open(location, &key.as_unlock()) {
        // seldom worth its time, so only now: another entry of the keychain may be the right one
        Err(VaultError::WrongKey) if matches!(source(context), Source::Keychain) => {
            let other = Vault::inspect(location).ok().and_then(|header| fitting(&header, location));
            let key = other.map_or(key, Key::Vault);
            let opened = open(location, &key.as_unlock());
            Ok((key, opened))
        }
        opened => Ok((key, opened)),
    }
}

/// A key that does not fit, called what the person gave.
pub(crate) fn refused(context: &Context, location: &Location, error: VaultError, key: &Key) -> Failure {
    let what = match (&error, key) {
        (VaultError::WrongKey, Key::Passphrase(_)) => "passphrase",
        (VaultError::WrongKey, Key::Recovery(_)) => "recovery key",
        (VaultError::WrongKey, Key::Vault(_)) => {
            return match successor(context, location) {
                Some((new, _)) => Failure::new(Exit::LOCKED, error.to_string())
                    .detail(format!(
                        "a change of the key was interrupted; the new one is in {}",
                        new.display()
                    ))
                    .hint("subrosa keys rotate"),
                None => error.into(),
            };
        }
        _ => return error.into(),
    };
    Failure::new(Exit::LOCKED, format!("no keyslot of this vault opens with that {what}"))
}

/// Where a new key lies until it takes the place of the one in this file.
pub(crate) fn successor_of(file: &Path) -> PathBuf {
    let mut new = file.to_owned().into_os_string();
    new.push(".new");
    PathBuf::from(new)
}

/// The file with a key that opens the vault and was to take the place of the one that was presented.
pub(crate) fn successor(context: &Context, location: &Location) -> Option<(PathBuf, Vault)> {
    let Source::KeyFile(file) = source(context) else { return None };
    let new = successor_of(&file);
    let key = key_of_file(&new, location).ok()?;
    Some((new, Vault::open(location, &Unlock::VaultKey(&key)).ok()?))
}

/// Where the key of this run comes from.
pub(crate) enum Source {
    KeyFile(PathBuf),
    Keychain,
    Other,
}

/// Where [`present`] takes the key from.
pub(crate) fn source(context: &Context) -> Source {
    let flags = &context.unlock;
    let is_set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = &flags.key_file {
        return if path == Path::new("-") { Source::Other } else { Source::KeyFile(path.clone()) };
    }
    if flags.passphrase || flags.passphrase_file.is_some() || flags.recovery || is_set(KEY_FD).is_some() {
        return Source::Other;
    }
    match (is_set(KEY_FILE), is_set(KEY)) {
        (Some(path), _) => Source::KeyFile(path.into()),
        (None, Some(_)) => Source::Other,
        (None, None) => Source::Keychain,
    }
}

/// The key that this run presents.
pub(crate) fn present(context: &Context, location: &Location) -> Outcome<Key> {
    if !location.exists() {
        let hint = format!("subrosa init{}", context.vault_flag());
        let text = format!("no vault in {}", location.dir.display());
        return Err(Failure::new(Exit::NO_VAULT, text).hint(hint));
    }
    if let Some(key) = flagged(context, location)? {
        return Ok(key);
    }
    if let Some(key) = from_environment(location)? {
        return Ok(Key::Vault(key));
    }
    let header = Vault::inspect(location)?;
    let keychain = if context.unlock.no_keychain { Ok(None) } else { from_keychain(&header) };
    if let Ok(Some(key)) = keychain {
        return Ok(Key::Vault(key));
    }
    if header.slots.iter().any(|slot| slot.kind == SlotKind::Passphrase)
        && let Some(mut terminal) = context.terminal()?
    {
        // a keychain that was expected to answer is worth a word; one that this machine never had is not
        if let Err(error) = &keychain
            && !matches!(error, KeychainError::Absent { .. })
        {
            output::note(&error.to_string());
        }
        return Ok(Key::Passphrase(passphrase(&mut terminal)?));
    }
    Err(locked(&header, keychain.err(), context.unlock.no_keychain))
}

/// The key of a flag or of the environment, if it can be had without a question.
pub(crate) fn at_hand(context: &Context, location: &Location) -> Outcome<Option<Key>> {
    let flags = &context.unlock;
    let is_asked_for = flags.key_file.as_deref() == Some(Path::new("-"))
        || (flags.key_file.is_none()
            && flags.passphrase_file.is_none()
            && (flags.passphrase || flags.recovery));
    if is_asked_for {
        return Ok(None);
    }
    match flagged(context, location)? {
        Some(key) => Ok(Some(key)),
        None => Ok(from_environment(location)?.map(Key::Vault)),
    }
}

fn flagged(context: &Context, location: &Location) -> Outcome<Option<Key>> {
    let flags = &context.unlock;
    if let Some(path) = &flags.key_file {
        let key =
            if path == Path::new("-") { typed_or_piped(context)? } else { key_of_file(path, location)? };
        return Ok(Some(Key::Vault(key)));
    }
    if let Some(path) = &flags.passphrase_file {
        private(path, "passphrase file")?;
        let passphrase = input::line_of_file(path)?;
        let passphrase = SecretValue::from_zeroizing(passphrase);
        return passphrase
            .map(|it| Some(Key::Passphrase(it)))
            .map_err(|error| Failure::usage(error.to_string()));
    }
    if !flags.passphrase && !flags.recovery {
        return Ok(None);
    }
    let Some(mut terminal) = context.terminal()? else {
        return Err(Failure::new(Exit::LOCKED, "no terminal to ask for the passphrase or recovery key")
            .hint("--passphrase-file FILE, or --key-file FILE"));
    };
    if flags.passphrase {
        return Ok(Some(Key::Passphrase(passphrase(&mut terminal)?)));
    }
    let text = terminal.secret("recovery key:")?;
    Ok(Some(Key::Recovery(recovery_key(&text)?)))
}

fn passphrase(terminal: &mut Terminal) -> Outcome<SecretValue> {
    let bytes = terminal.secret("passphrase of the vault:")?;
    SecretValue::from_zeroizing(bytes).map_err(|error| Failure::usage(error.to_string()))
}

fn recovery_key(text: &[u8]) -> Outcome<RecoveryKey> {
    let text = std::str::from_utf8(text).unwrap_or_default().trim();
    RecoveryKey::parse(text).map_err(|error| Failure::new(Exit::LOCKED, format!("recovery key: {error}")))
}

fn from_environment(location: &Location) -> Outcome<Option<VaultKey>> {
    if let Some(number) = env::var_os(KEY_FD) {
        let number =
            number.to_str().filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
        let Some(number) = number.filter(|_| cfg!(unix)) else {
            return Err(Failure::usage(format!("{KEY_FD} names no file descriptor")));
        };
        let path = PathBuf::from(format!("/dev/fd/{number}"));
        return vault_key(&input::line_of_file(&path)?, KEY_FD).map(Some);
    }
    if let Some(path) = env::var_os(KEY_FILE).filter(|path| !path.is_empty()) {
        return key_of_file(Path::new(&path), location).map(Some);
    }
    match env::var_os(KEY).filter(|text| !text.is_empty()) {
        Some(text) => {
            let text = Zeroizing::new(text.into_encoded_bytes());
            vault_key(&text, KEY).map(Some)
        }
        None => Ok(None),
    }
}

/// `--key-file -`: typed without echo where standard input is a terminal, read from it otherwise.
fn typed_or_piped(context: &Context) -> Outcome<VaultKey> {
    let text = if terminal::stdin_is_terminal() {
        let terminal = context.terminal()?;
        let mut terminal =
            terminal.ok_or_else(|| Failure::new(Exit::LOCKED, "no terminal to ask for the vault key"))?;
        terminal.secret("vault key:")?
    } else {
        input::line_of_stdin()?
    };
    vault_key(&text, "standard input")
}

/// The vault key in a file. The file must not lie beside what it opens, and nobody else may read it.
fn key_of_file(path: &Path, location: &Location) -> Outcome<VaultKey> {
    outside_of_vault(path, &location.dir)?;
    private(path, "key file")?;
    vault_key(&input::line_of_file(path)?, &path.display().to_string())
}

fn vault_key(text: &[u8], from: &str) -> Outcome<VaultKey> {
    let text = std::str::from_utf8(text).unwrap_or_default().trim();
    VaultKey::parse(text).map_err(|error| Failure::new(Exit::LOCKED, format!("vault key of {from}: {error}")))
}

/// Whoever copies the vault's folder must not get its key along.
pub(crate) fn outside_of_vault(path: &Path, vault: &Path) -> Outcome {
    if lies_in(path, vault) {
        return Err(Failure::usage(format!(
            "the key file {} lies in the vault's own folder",
            path.display()
        ))
        .hint("keep it elsewhere: a copy of the folder would hold both"));
    }
    Ok(())
}

/// Whether a path, be it of a file that is not there yet, leads into a folder.
pub(crate) fn lies_in(path: &Path, folder: &Path) -> bool {
    real(path).starts_with(real(folder))
}

/// The path without links and dots, as far as it exists; what does not exist yet follows as it is written.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for above in path.ancestors() {
        if let (Ok(real), Ok(below)) = (above.canonicalize(), path.strip_prefix(above)) {
            return if below.as_os_str().is_empty() { real } else { real.join(below) };
        }
    }
    path
}

/// Refuses a file with a key or passphrase in it that others can read.
#[cfg(unix)]
pub(crate) fn private(path: &Path, what: &str) -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    let metadata = path.metadata().map_err(|error| Failure::file("read", path, &error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_file() && mode & 0o177 != 0 {
        return Err(Failure::new(Exit::LOCKED, format!("{what} {} has mode {mode:03o}", path.display()))
            .hint(format!("chmod 600 {}", crate::fault::quoted(&path.display().to_string()))));
    }
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn private(_path: &Path, _what: &str) -> Outcome {
    Ok(())
}

/// The key that the keychain holds for one of the vault's keyslots; `None` if it holds none. An entry that is no key does
/// not stand in the way of one that is.
pub(crate) fn from_keychain(header: &Header) -> Result<Option<VaultKey>, KeychainError> {
    let (keys, damaged) = keychain_keys(header, true)?;
    match (keys.into_iter().next(), damaged) {
        (None, Some(error)) => Err(error),
        (key, _) => Ok(key),
    }
}

/// The key in the keychain that opens the vault, where the first is one of something else.
pub(crate) fn fitting(header: &Header, location: &Location) -> Option<VaultKey> {
    let (keys, _) = keychain_keys(header, false).ok()?;
    keys.into_iter().find(|key| {
        let opened = Vault::open_despite_rollback(location, &Unlock::VaultKey(key));
        !matches!(opened, Err(VaultError::WrongKey))
    })
}

/// The keys that the keychain holds for this vault, or the first of them, and an entry that is none.
fn keychain_keys(
    header: &Header,
    only_first: bool,
) -> Result<(Vec<VaultKey>, Option<KeychainError>), KeychainError> {
    let mut slots = header.slots.iter().filter(|slot| slot.kind == SlotKind::VaultKey).peekable();
    let (mut keys, mut damaged) = (Vec::new(), None);
    if slots.peek().is_none() {
        return Ok((keys, damaged));
    }
    let keychain = Keychain::connect()?;
    for slot in slots {
        match keychain.load(&Account { vault: header.id, slot: slot.id }) {
            Ok(Some(key)) => keys.push(key),
            Ok(None) => {}
            Err(error @ KeychainError::Damaged { .. }) => damaged = Some(error),
            Err(error) => return Err(error),
        }
        if only_first && !keys.is_empty() {
            break;
        }
    }
    Ok((keys, damaged))
}

/// Why there is no key, and every way in that this vault has.
fn locked(header: &Header, keychain: Option<KeychainError>, left_alone: bool) -> Failure {
    let has = |kind| header.slots.iter().any(|slot| slot.kind == kind);
    let mut failure = match keychain {
        // what to do about a missing keychain is to take another way, and those follow
        Some(error @ KeychainError::Absent { .. }) => {
            Failure::new(Exit::KEYCHAIN, format!("vault locked: {error}"))
        }
        Some(error) => Failure::new(Exit::KEYCHAIN, format!("vault locked: {error}")).hint(error.hint()),
        None if left_alone || !has(SlotKind::VaultKey) => {
            Failure::new(Exit::LOCKED, "vault locked: nothing that opens it was given")
        }
        None => Failure::new(Exit::LOCKED, "vault locked: the keychain holds no key for it"),
    };
    let lost = failure.exit() == Exit::LOCKED && !left_alone && has(SlotKind::VaultKey);
    for kind in [SlotKind::VaultKey, SlotKind::Passphrase, SlotKind::Recovery] {
        if has(kind) {
            failure = failure.hint(match kind {
                SlotKind::VaultKey => {
                    "with the vault key in a file: --key-file FILE, or SUBROSA_KEY_FILE=FILE"
                }
                SlotKind::Passphrase => "with the passphrase: --passphrase, or --passphrase-file FILE",
                _ => "with the recovery key: --recovery",
            });
        }
    }
    // a vault that was moved here, or whose entry was deleted
    let way = match (has(SlotKind::Recovery), has(SlotKind::Passphrase)) {
        (true, _) => "--recovery",
        (false, true) => "--passphrase",
        (false, false) => "--key-file FILE",
    };
    if lost { failure.hint(format!("to be asked no more: subrosa keys add keychain {way}")) } else { failure }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_key_beside_the_vault_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let vault = folder.path().join("vault");
        fs::create_dir_all(vault.join("deep")).unwrap();
        for inside in ["vault/key", "vault/deep/key", "vault/../vault/key"] {
            assert!(outside_of_vault(&folder.path().join(inside), &vault).is_err(), "{inside}");
        }
        for later in ["new/vault/key", "new/vault/deep/key"] {
            assert!(
                outside_of_vault(&folder.path().join(later), &folder.path().join("new/vault")).is_err(),
                "{later}"
            );
        }
        for outside in ["key", "vault-key", "vault/../key"] {
            assert!(outside_of_vault(&folder.path().join(outside), &vault).is_ok(), "{outside}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "x").unwrap();
        for (mode, good) in
            [(0o600, true), (0o400, true), (0o644, false), (0o640, false), (0o606, false), (0o700, false)]
        {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(private(&path, "key file").is_ok(), good, "{mode:o}");
        }
    }
}
