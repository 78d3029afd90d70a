//! Against a real gnome-keyring and a real KeePassXC, each test on a session bus of its own.

#![cfg(target_os = "linux")]

use std::error::Error as _;
use std::process::{Command, Stdio};

use subrosa_keychain::{Account, Keychain, KeychainError, SERVICE, UNATTENDED};
use subrosa_testkit::{KeyringState, in_keyring};
use subrosa_vault::{SlotId, VaultId, VaultKey};

fn account() -> Account {
    Account { vault: VaultId::random().expect("random"), slot: SlotId::random().expect("random") }
}

fn key() -> VaultKey {
    VaultKey::generate().expect("random")
}

fn connect() -> Keychain {
    Keychain::connect().expect("the private keyring answers")
}

fn text(key: Option<VaultKey>) -> Option<String> {
    key.map(|key| key.to_text().to_string())
}

#[test]
fn a_key_is_stored_loaded_and_deleted() {
    in_keyring(KeyringState::Unlocked, |_| {
        let (keychain, account, key) = (connect(), account(), key());
        keychain.store(&account, &key).expect("stored");
        assert_eq!(text(connect().load(&account).expect("loaded")), text(Some(key)));
        assert!(keychain.delete(&account).expect("deleted"));
        assert_eq!(text(keychain.load(&account).expect("looked for")), None);
        assert!(!keychain.delete(&account).expect("looked for"), "it was deleted twice");
    });
}

#[test]
fn accounts_do_not_mix() {
    in_keyring(KeyringState::Unlocked, |_| {
        let (keychain, first, first_key, second_key) = (connect(), account(), key(), key());
        let second = Account { slot: SlotId::random().expect("random"), ..first };
        keychain.store(&first, &first_key).expect("stored");
        keychain.store(&second, &second_key).expect("stored");
        assert!(keychain.delete(&first).expect("deleted"));
        assert_eq!(text(keychain.load(&second).expect("loaded")), text(Some(second_key)));
    });
}

#[test]
fn an_entry_is_labelled_and_found_by_others() {
    in_keyring(KeyringState::Unlocked, |keyring| {
        let account = account();
        connect().store(&account, &key()).expect("stored");
        let found = keyring.search(SERVICE);
        let vault = account.vault.to_string();
        assert!(found.contains(&format!("label = Key of the subrosa vault {}", &vault[..8])), "{found}");
        assert!(found.contains(&format!("attribute.username = {account}")), "{found}");
    });
}

#[test]
fn nothing_is_overwritten() {
    in_keyring(KeyringState::Unlocked, |keyring| {
        let (keychain, account, kept) = (connect(), account(), key());
        keychain.store(&account, &kept).expect("stored");
        let error = keychain.store(&account, &key()).expect_err("it overwrote a key");
        assert_eq!(error.kind(), "already_there");
        keychain.store(&account, &kept).expect("the same key is there already");
        assert_eq!(text(keychain.load(&account).expect("loaded")), text(Some(kept)));

        let foreign = self::account();
        keyring.plant(SERVICE, &foreign.to_string(), b"of another program");
        let error = keychain.store(&foreign, &key()).expect_err("it overwrote a foreign entry");
        assert_eq!(error.kind(), "already_there");
        assert!(keyring.search(SERVICE).contains("of another program"));
    });
}

#[test]
fn hostile_b26_keychain_locked() {
    in_keyring(KeyringState::Unlocked, |keyring| {
        let (keychain, account) = (connect(), account());
        keychain.store(&account, &key()).expect("stored");
        keyring.lock();
        for keychain in [keychain, connect()] {
            refused(&keychain.load(&account).map(|_| ()), "locked");
            refused(&keychain.delete(&account).map(|_| ()), "locked");
            refused(&keychain.store(&self::account(), &key()), "locked");
        }
    });
}

#[test]
fn the_hint_for_a_locked_keychain_unlocks_it() {
    in_keyring(KeyringState::Unlocked, |keyring| {
        let (keychain, account, key) = (connect(), account(), key());
        keychain.store(&account, &key).expect("stored");
        keyring.lock();
        let error = keychain.load(&account).map(|_| ()).expect_err("it is locked");
        let command = "gnome-keyring-daemon --replace --unlock";
        assert!(error.hint().contains(command), "{}", error.hint());
        let mut unlock = Command::new("sh");
        unlock.args(["-c", &format!("printf %s test | {command}")]).stdout(Stdio::null());
        assert!(keyring.apply(&mut unlock).status().expect("a shell").success());
        assert_eq!(text(connect().load(&account).expect("loaded")), text(Some(key)));
    });
}

#[test]
fn hostile_b26_keychain_locked_from_the_start() {
    in_keyring(KeyringState::Locked, |_| {
        refused(&connect().store(&account(), &key()), "locked");
        // what such a keychain does not find may be there all the same
        refused(&connect().load(&account()).map(|_| ()), "locked");
        refused(&connect().delete(&account()).map(|_| ()), "locked");
    });
}

#[test]
fn keepassxc_stores_loads_and_deletes() {
    in_keyring(KeyringState::KeePassXC, |keyring| {
        let (keychain, account, key) = (connect(), account(), key());
        keychain.store(&account, &key).expect("stored");
        assert_eq!(keychain.store(&account, &self::key()).expect_err("overwritten").kind(), "already_there");
        assert_eq!(text(connect().load(&account).expect("loaded")), text(Some(key)));
        let label = format!("label = Key of the subrosa vault {}", &account.vault.to_string()[..8]);
        assert!(keyring.search(SERVICE).contains(&label));
        assert!(keychain.delete(&account).expect("deleted"));
        assert_eq!(text(keychain.load(&account).expect("looked for")), None);
        assert!(!keychain.delete(&account).expect("looked for"), "it was deleted twice");
    });
}

/// It tells of no entry while its database is locked.
#[test]
fn hostile_b26_keychain_locked_in_keepassxc() {
    in_keyring(KeyringState::KeePassXC, |keyring| {
        let (keychain, account) = (connect(), account());
        keychain.store(&account, &key()).expect("stored");
        keyring.lock_database();
        for keychain in [keychain, connect()] {
            refused(&keychain.load(&account).map(|_| ()), "locked");
            refused(&keychain.delete(&account).map(|_| ()), "locked");
        }
    });
}

#[test]
fn hostile_b26_keychain_absent_no_service() {
    in_keyring(KeyringState::NoService, |_| absent("no Secret Service", "gnome-keyring"));
}

#[test]
fn hostile_b26_keychain_absent_no_bus() {
    in_keyring(KeyringState::NoBus, |_| absent("no D-Bus session", "dbus-run-session"));
}

#[test]
fn hostile_b26_keychain_absent_dangling_address() {
    in_keyring(KeyringState::Dangling, |_| absent("no D-Bus session", "dbus-run-session"));
}

#[test]
fn hostile_b26_entry_deleted() {
    in_keyring(KeyringState::Unlocked, |_| {
        assert_eq!(text(connect().load(&account()).expect("looked for")), None);
    });
}

#[test]
fn hostile_b26_entry_not_a_vault_key() {
    in_keyring(KeyringState::Unlocked, |keyring| {
        let keychain = connect();
        let whole = key().to_text().to_string();
        let cases: [&[u8]; 5] = [
            b"x",
            b"not a vault key",
            &whole.as_bytes()[..whole.len() - 1],
            &[0xff, 0xfe, 0x00, 0x01],
            &[b'0'; 65536],
        ];
        for entry in cases {
            let account = account();
            keyring.plant(SERVICE, &account.to_string(), entry);
            let Err(error) = keychain.load(&account) else { panic!("it took {entry:?} for a vault key") };
            assert_eq!(error.kind(), "damaged");
            let said = format!("{error} {error:?} {}", error.hint());
            assert!(said.contains(&account.to_string()), "{said}");
            assert!(error.source().is_none() && !said.contains(&whole[..whole.len() - 1]), "{said}");
            assert!(keychain.delete(&account).expect("a damaged entry can be deleted"));
        }
    });
}

#[test]
fn hostile_b26_a_keychain_that_stops_answering() {
    in_keyring(KeyringState::Unlocked, |keyring| {
        let (keychain, account) = (connect(), account());
        keychain.store(&account, &key()).expect("stored");
        keyring.freeze();
        let error = keychain.load(&account).map(|_| ()).expect_err("it answered");
        assert!(matches!(error, KeychainError::NoAnswer { waited } if waited == UNATTENDED), "{error:?}");
    });
}

fn refused(answer: &Result<(), KeychainError>, kind: &str) {
    match answer {
        Ok(()) => panic!("not refused"),
        Err(error) => assert_eq!(error.kind(), kind, "{error:?}"),
    }
}

fn absent(line: &str, command: &str) {
    let Err(error) = Keychain::connect() else { panic!("there is no keychain to connect to") };
    assert_eq!(error.kind(), "absent", "{error:?}");
    assert!(error.to_string().contains(line), "{error}");
    assert!(error.hint().contains(command) && error.hint().contains("subrosa init --passphrase"));
}
