//! Each way in which the keychain fails, in gnome-keyring and in KeePassXC: what is said, and that what the hints name
//! really helps.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;

use subrosa_testkit::KeyringState;

use crate::home::{Home, Run, text};
use crate::keychain::{User, shown_key};
use crate::stage::VALUE;

const ADD: &str = "subrosa keys add keychain --recovery";

/// A user whose vault opens with the keychain, and whose recovery key lies in the file `recovery`.
fn user(state: KeyringState) -> Option<User> {
    let user = User::with(state)?;
    user.home.run(&["init", "--save-recovery", &recovery(&user.home)]).ok();
    user.home.store("key", VALUE, &[]);
    assert_eq!(user.home.run(&["get", "key"]).ok().text(), VALUE);
    Some(user)
}

fn recovery(home: &Home) -> String {
    text(&home.path("recovery"))
}

/// Runs what a hint says on a terminal, and types the recovery key where it is asked for.
#[track_caller]
fn recovered(home: &Home, hint: &str) -> String {
    let mut command = home.program("sh");
    command.args(["-c", hint]);
    let mut terminal = subrosa_testkit::Terminal::start(command);
    terminal.expect("recovery key:");
    let key = fs::read_to_string(recovery(home)).expect("the recovery key");
    terminal.type_line(key.trim());
    let finished = terminal.finish();
    assert!(finished.status.success(), "{hint}: {}", finished.shown);
    assert!(!finished.shown.contains(key.trim()), "the key was echoed");
    finished.shown
}

/// The hint that holds these words.
#[track_caller]
fn hint<'r>(run: &'r Run, words: &str) -> &'r str {
    let hints = run.hints();
    hints.iter().find(|hint| hint.contains(words)).unwrap_or_else(|| panic!("no hint with {words:?}: {run}"))
}

/// The command that stands in a hint in grave accents, or behind its last colon.
fn command_of(hint: &str) -> &str {
    match hint.split('`').nth(1) {
        Some(command) => command,
        None => hint.rsplit(": ").next().expect("a command"),
    }
}

#[test]
fn keepassxc_is_a_keychain_like_another() {
    let Some(user) = user(KeyringState::KeePassXC) else { return };
    let home = &user.home;
    assert_eq!(user.entries(), 1);
    let old = shown_key(home, &[]);
    home.run(&["keys", "rotate"]).ok();
    let new = shown_key(home, &[]);
    assert_ne!(old, new);
    assert_eq!(home.run(&["get", "key"]).ok().text(), VALUE);
    home.run(&["keys", "rotate", "--root", "--yes", "--save-recovery", &text(&home.path("next"))]).ok();
    assert_eq!(home.run(&["get", "key"]).ok().text(), VALUE);
    home.run(&["verify"]).ok();
    home.run(&["doctor"]).ok();
    for key in [old, new] {
        assert_eq!(user.files_with_key(&key), Vec::<std::path::PathBuf>::new());
    }
    home.run(&["reset", "--yes"]).ok();
    assert_eq!(home.run(&["get", "key"]).code, 103);
}

#[test]
fn hostile_b26_keepassxc_locked() {
    let Some(user) = user(KeyringState::KeePassXC) else { return };
    let home = &user.home;
    let key = shown_key(home, &[]);
    user.keyring.lock_database();
    let run = home.run(&["get", "key"]).ends(104).says("vault locked: the keychain is locked");
    assert!(hint(&run, "KeePassXC").contains("opening the database") && run.out.is_empty(), "{run}");
    hint(&run, "--recovery");
    let shown = recovered(home, "subrosa --recovery get key");
    assert!(shown.contains(VALUE), "{shown}");
    let mut command = home.command(&["get", "key"]);
    command.env("SUBROSA_KEY", &key);
    assert_eq!(Run::of(command, b"").ok().text(), VALUE);
    let doctor = home.run(&["doctor"]).ends(1);
    assert!(doctor.text().contains("keychain\tbad\tthe keychain is locked"), "{doctor}");
}

#[test]
fn hostile_b26_entry_deleted_in_either_service() {
    for state in [KeyringState::Unlocked, KeyringState::KeePassXC] {
        let Some(user) = user(state) else { continue };
        user.keyring.clear("subrosa");
        let run = user.home.run(&["get", "key"]).ends(101).says("the keychain holds no key for it");
        let add = command_of(hint(&run, "keys add keychain"));
        assert_eq!(add, ADD);
        recovered(&user.home, add);
        assert_eq!(user.home.run(&["get", "key"]).ok().text(), VALUE);
        assert_eq!(user.entries(), 1);
        user.home.run(&["doctor"]).ok();
    }
}

#[test]
fn hostile_b26_entries_that_are_no_keys_of_this_vault() {
    let foreign = Home::new_key();
    for state in [KeyringState::Unlocked, KeyringState::KeePassXC] {
        for (planted, code) in [("no key at all", 104), (&foreign[..40], 104), (&foreign, 101)] {
            let Some(user) = user(state) else { return };
            let home = &user.home;
            let list = home.run(&["keys", "list", "--json"]).ok().json();
            let word = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
            let used = list["slots"].as_array().expect("slots").iter().find(|slot| slot["used_now"] == true);
            let account = format!("{}/{}", word(&list["vault"]), word(&used.expect("the slot")["id"]));
            user.keyring.clear("subrosa");
            user.keyring.plant("subrosa", &account, planted.as_bytes());
            let run = home.run(&["list"]).ends(code);
            assert!(!run.shows(planted), "{run}");
            // the hint of a damaged entry, or that of doctor, to whom a wrong key is sent
            let doctor = home.run(&["doctor"]).ends(1);
            let told = if code == 104 { &run } else { &doctor };
            assert_eq!(command_of(hint(told, "keys add keychain")), ADD, "{told}");
            recovered(home, ADD);
            assert_eq!(home.run(&["get", "key"]).ok().text(), VALUE);
            home.run(&["doctor"]).ok();
        }
    }
}

/// The dialog that would ask for the password cannot be shown, which the service calls a refusal.
#[test]
fn hostile_b26_access_denied() {
    let Some(mut user) = user(KeyringState::Unlocked) else { return };
    user.keyring.lock();
    user.home.set("DISPLAY", ":no-such-display");
    let run = user.home.run(&["get", "key"]).ends(104).says("access to the keychain was denied");
    let unlock = hint(&run, "gnome-keyring-daemon").rsplit('`').nth(1).expect("a command").to_owned();
    // `read -rs` is bash's, and the password comes from a person
    let unlock = unlock.replace("read -rs p;", "p=test;");
    let mut command = std::process::Command::new("sh");
    user.keyring.apply(command.args(["-c", &unlock]));
    Run::of(command, b"").ok();
    assert_eq!(user.home.run(&["get", "key"]).ok().text(), VALUE);
}

#[test]
fn hostile_b26_a_service_that_stops_answering() {
    let Some(user) = user(KeyringState::Unlocked) else { return };
    user.keyring.freeze();
    let run = user.home.run(&["get", "key"]).ends(104).says("the keychain did not answer within");
    hint(&run, "--recovery");
    assert!(recovered(&user.home, "subrosa get key --recovery --no-keychain").contains(VALUE));
}

/// The vault's folder is copied; the keychain stays where it was.
#[test]
fn hostile_b26_a_vault_that_was_moved_to_another_machine() {
    for state in [KeyringState::Unlocked, KeyringState::KeePassXC] {
        let (Some(old), Some(new)) = (user(KeyringState::Unlocked), User::with(state)) else { return };
        copy(&old.home.vault(), &new.home.vault());
        fs::copy(recovery(&old.home), recovery(&new.home)).expect("the recovery key");
        let run =
            new.home.run(&["get", "key"]).ends(101).says("vault locked: the keychain holds no key for it");
        for words in ["--key-file FILE", "with the recovery key: --recovery", ADD] {
            hint(&run, words);
        }
        let doctor = new.home.run(&["doctor"]).ends(1);
        assert_eq!(hint(&doctor, "--recovery"), ADD);
        recovered(&new.home, command_of(hint(&run, "keys add keychain")));
        assert_eq!(new.home.run(&["get", "key"]).ok().text(), VALUE);
        new.home.run(&["doctor"]).ok();
        // nothing was taken from the old machine
        assert_eq!(old.home.run(&["get", "key"]).ok().text(), VALUE);
    }
}

/// Where there is no keychain at all, a passphrase can take its place.
#[test]
fn hostile_b26_a_vault_that_was_moved_to_a_server() {
    let (Some(old), Some(new)) = (user(KeyringState::Unlocked), User::with(KeyringState::NoBus)) else {
        return;
    };
    copy(&old.home.vault(), &new.home.vault());
    fs::copy(recovery(&old.home), recovery(&new.home)).expect("the recovery key");
    let run = new.home.run(&["get", "key"]).ends(104).says("no D-Bus session");
    hint(&run, "with the recovery key: --recovery");
    let key = text(&new.home.path("own-key"));
    recovered(&new.home, &format!("subrosa keys add key-file '{key}' --recovery"));
    assert_eq!(new.home.run(&["get", "key", "--key-file", &key]).ok().text(), VALUE);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("a private folder");
    for entry in fs::read_dir(from).expect("the vault") {
        let entry = entry.expect("a file");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}
