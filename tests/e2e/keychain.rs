//! The vault's key in a real Secret Service, and what is said where there is none.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use data_encoding::{Encoding, HEXLOWER, Specification};
use subrosa_testkit::{Folder, KeyringState, PrivateKeyring};

use crate::home::{Home, Run, contains, text};
use crate::stage::VALUE;

/// A user on whose session bus this keyring is, or is not.
pub(crate) struct User {
    pub(crate) home: Home,
    pub(crate) keyring: PrivateKeyring,
}

impl User {
    pub(crate) fn with(state: KeyringState) -> Option<Self> {
        let mut user = Self { home: Home::bare(), keyring: PrivateKeyring::start(state)? };
        user.move_to_session();
        Some(user)
    }

    /// The session's bus; the folders stay those of the home.
    fn move_to_session(&mut self) {
        let mut probe = Command::new("true");
        self.keyring.apply(&mut probe);
        for (name, value) in probe.get_envs() {
            let name = name.to_str().expect("a name of UTF-8 text");
            match value {
                _ if name.starts_with("XDG_") && name != "XDG_RUNTIME_DIR" => {}
                Some(value) => self.home.set(name, value),
                None => self.home.unset(name),
            }
        }
    }

    /// The same user after the keyring became this.
    pub(crate) fn with_another(mut self, state: KeyringState) -> Self {
        self.keyring = PrivateKeyring::start(state).expect("a keyring, as there was one before");
        self.move_to_session();
        self
    }

    /// How many keys the keyring holds.
    pub(crate) fn entries(&self) -> usize {
        self.keyring.search("subrosa").matches("label = ").count()
    }

    /// Files of this user, those of the keyring among them, that hold the key in any likely spelling.
    pub(crate) fn files_with_key(&self, key: &str) -> Vec<PathBuf> {
        let spellings = spellings(key);
        let holds = |path: &PathBuf| {
            // what cannot be read is a socket of the session
            fs::read(path).is_ok_and(|content| spellings.iter().any(|spelling| contains(&content, spelling)))
        };
        let session = files_below(self.home.folder("HOME"));
        let mut all: Vec<PathBuf> = self.home.files().into_iter().chain(session).collect();
        all.retain(holds);
        all
    }
}

fn files_below(folder: PathBuf) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

/// The text of a vault key, and the key itself (docs/spec/vault-key.md, section 1), as they could lie on a disk.
fn spellings(key: &str) -> Vec<Vec<u8>> {
    let symbols: String = key.strip_prefix("SRVK1-").expect("a vault key").replace('-', "");
    assert_eq!(symbols.len(), 56);
    let decoded = crockford().decode(symbols.as_bytes()).expect("base32");
    let raw = decoded[..32].to_vec();
    vec![
        key.as_bytes().to_vec(),
        key.to_lowercase().into_bytes(),
        symbols.to_lowercase().into_bytes(),
        symbols.into_bytes(),
        HEXLOWER.encode(&raw).into_bytes(),
        raw,
    ]
}

fn crockford() -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    specification.encoding().expect("an alphabet of 32")
}

pub(crate) fn shown_key(home: &Home, words: &[&str]) -> String {
    home.run(&[words, &["keys", "show"]].concat()).ok().text().trim().to_owned()
}

#[test]
fn nothing_is_asked_and_no_key_is_left_on_the_disk() {
    let Some(user) = User::with(KeyringState::Unlocked) else { return };
    let home = &user.home;
    home.run(&["init", "--no-recovery"]).ok();
    home.store("key", VALUE, &[]);
    assert_eq!(home.run(&["get", "key"]).ok().text(), VALUE);
    home.run(&["list"]).ok();
    assert_eq!(user.entries(), 1);
    let key = shown_key(home, &[]);
    assert_eq!(user.files_with_key(&key), Vec::<PathBuf>::new());
    // the search does find a key that is there
    let saved = home.path("saved-key");
    home.run(&["keys", "save", &text(&saved)]).ok();
    assert_eq!(user.files_with_key(&key), [saved]);
}

#[test]
fn a_terminal_shows_the_recovery_key_and_asks_nothing() {
    let Some(user) = User::with(KeyringState::Unlocked) else { return };
    let finished = user.home.terminal(&["init"]).finish();
    assert!(finished.status.success(), "{}", finished.shown);
    assert!(finished.shown.contains("SRRK1-") && !finished.shown.contains("SRVK1-"), "{}", finished.shown);
    assert!(!finished.shown.contains('?'), "{}", finished.shown);
    user.home.store("key", VALUE, &[]);
    let finished = user.home.terminal(&["get", "key"]).finish();
    assert_eq!(finished.shown.trim(), VALUE);
}

/// What stands in place of a key where nothing can keep one.
#[track_caller]
fn nothing_was_made(user: &User) {
    assert!(!user.home.database().exists(), "a vault was made that nothing opens");
    let left = user.home.files_with(&[b"SRVK1"]);
    assert_eq!(left, Vec::<PathBuf>::new());
}

#[test]
fn hostile_b26_init_without_a_keychain_says_what_to_do() {
    use KeyringState::{Dangling, Locked, NoBus, NoService};
    for (state, said) in
        [(NoBus, "no D-Bus session"), (Dangling, "D-Bus"), (NoService, "Secret Service"), (Locked, "locked")]
    {
        let Some(user) = User::with(state) else { continue };
        let run = user.home.run(&["init", "--no-recovery"]).ends(104);
        assert!(run.err.contains(said), "{state:?}: {run}");
        let hints = run.hints();
        for hint in ["subrosa init --passphrase", "subrosa init --key-file FILE"] {
            assert!(hints.contains(&hint), "{state:?}: {run}");
        }
        nothing_was_made(&user);
        // the hint, with a name for the file
        let key = text(&user.home.path("own-key"));
        user.home.run(&["init", "--key-file", &key, "--no-recovery"]).ok();
        user.home.feed(&["set", "key", "--key-file", &key], VALUE).ok();
        assert_eq!(user.home.run(&["get", "key", "--key-file", &key]).ok().text(), VALUE);
    }
}

#[test]
fn hostile_b26_get_without_the_keychain_says_what_to_do() {
    use KeyringState::{Dangling, NoBus, NoService};
    let Some(mut user) = User::with(KeyringState::Unlocked) else { return };
    let recovery = text(&user.home.path("recovery"));
    user.home.run(&["init", "--save-recovery", &recovery]).ok();
    user.home.store("key", VALUE, &[]);
    let key = shown_key(&user.home, &[]);
    let check = |run: Run, code: i32, said: &str| {
        let run = run.ends(code).says("error: vault locked: ").says(said);
        let hints = run.hints().join("\n");
        assert!(hints.contains("--key-file FILE") && hints.contains("--recovery"), "{run}");
        assert!(run.out.is_empty() && !run.shows(&key), "{run}");
    };
    user.keyring.lock();
    check(user.home.run(&["get", "key"]), 104, "locked");
    for (state, code, said) in [
        (NoBus, 104, "no D-Bus session"),
        (Dangling, 104, "D-Bus"),
        (NoService, 104, "Secret Service"),
        // a keyring that is well, and knows nothing of this vault
        (KeyringState::Unlocked, 101, "holds no key"),
    ] {
        user = user.with_another(state);
        check(user.home.run(&["get", "key"]), code, said);
    }
    // the way in that the hint names
    let mut command = user.home.command(&["get", "key"]);
    command.env("SUBROSA_KEY", &key);
    assert_eq!(Run::of(command, b"").ok().text(), VALUE);
}

#[test]
fn two_vaults_in_one_keyring() {
    let Some(user) = User::with(KeyringState::Unlocked) else { return };
    let home = &user.home;
    let folders = ["one", "two"].map(|name| text(&home.path(name)));
    for folder in &folders {
        home.run(&["--vault", folder, "init", "--no-recovery"]).ok();
        home.feed(&["--vault", folder, "set", "key"], folder).ok();
    }
    assert_eq!(user.entries(), 2);
    let keys = folders.each_ref().map(|folder| shown_key(home, &["--vault", folder]));
    assert_ne!(keys[0], keys[1]);
    home.run(&["--vault", &folders[0], "reset", "--yes"]).ok();
    assert_eq!(user.entries(), 1);
    home.run(&["--vault", &folders[0], "get", "key"]).ends(103);
    assert_eq!(home.run(&["--vault", &folders[1], "get", "key"]).ok().text(), folders[1]);
    home.run(&["--vault", &folders[1], "reset", "--yes"]).ok();
    assert_eq!(user.entries(), 0);
}

#[test]
fn rotating_the_vault_key() {
    let Some(user) = User::with(KeyringState::Unlocked) else { return };
    let home = &user.home;
    home.run(&["init", "--no-recovery"]).ok();
    home.store("key", VALUE, &[]);
    let old = shown_key(home, &[]);
    home.run(&["keys", "rotate"]).ok();
    let new = shown_key(home, &[]);
    assert_ne!(old, new);
    assert_eq!(user.entries(), 1);
    let with = |key: &str| {
        let mut command = home.command(&["get", "key"]);
        command.env("SUBROSA_KEY", key);
        Run::of(command, b"")
    };
    with(&old).ends(101);
    assert_eq!(with(&new).ok().text(), VALUE);
    home.run(&["verify"]).ok();
    for key in [old, new] {
        assert_eq!(user.files_with_key(&key), Vec::<PathBuf>::new());
    }
}

#[test]
fn rotating_the_root_key() {
    let Some(user) = User::with(KeyringState::Unlocked) else { return };
    let home = &user.home;
    home.run(&["init", "--no-recovery"]).ok();
    home.store("key", VALUE, &[]);
    home.run(&["get", "key"]).ok();
    let before = fs::read(home.database()).expect("the database");
    home.run(&["keys", "rotate", "--root", "--yes"]).ok();
    assert_eq!(user.entries(), 1);
    assert_eq!(home.run(&["get", "key"]).ok().text(), VALUE);
    home.run(&["verify"]).ok();
    // the audit log went along
    home.run(&["audit", "verify"]).ok();
    let entries = home.run(&["audit", "show", "--json"]).ok().json();
    assert_eq!(entries["entries"].as_array().expect("entries").len(), 2);
    let key = shown_key(home, &[]);
    assert_eq!(user.files_with_key(&key), Vec::<PathBuf>::new());
    // the file of before, which the same key still opens, is a rolled-back one
    fs::write(home.database(), before).expect("the old file");
    home.run(&["get", "key"]).ends(102);
}

#[test]
fn a_keychain_is_left_alone_when_told_so() {
    let Some(user) = User::with(KeyringState::Unlocked) else { return };
    user.home.run(&["init", "--no-keychain", "--no-recovery"]).ends(104);
    nothing_was_made(&user);
    let key = text(&user.home.path("own-key"));
    user.home.run(&["init", "--key-file", &key, "--no-recovery"]).ok();
    assert_eq!(user.entries(), 0);
    user.home.run(&["list", "--no-keychain"]).ends(101);
}

/// The private folder of a keyring is not where these tests look by accident.
#[test]
fn files_below_a_folder_are_found_at_any_depth() {
    let folder = Folder::new();
    let deep = folder.write("a/b/c", "x");
    assert_eq!(files_below(folder.path().to_owned()), [deep]);
}
