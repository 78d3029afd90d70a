//! Keys that are changed while the program is killed: at every step at least one working way in, at the end one.

use std::fs;
use std::process::Command;

use subrosa_testkit::faults::{self, Call, Fault};
use subrosa_testkit::{KeyringState, PrivateKeyring, needs};
use subrosa_vault::{RecoveryKey, Unlock, Vault};

use super::contents::location;
use crate::home::{Home, Run, text};

const VALUE: &str = "made-up-of-b27";
const PASSPHRASE: &str = "five made up words here";

/// Whether the recovery key in a file opens the vault.
fn recovers(home: &Home, file: &str) -> bool {
    let Ok(content) = fs::read_to_string(home.path(file)) else { return false };
    let Ok(key) = RecoveryKey::parse(content.trim()) else { return false };
    Vault::open(&location(home), &Unlock::Recovery(&key)).is_ok()
}

/// The calls of a command of which a round strikes some: `count` of them, others in every round.
fn some(calls: &[Call], count: usize, round: usize) -> Vec<&Call> {
    let step = calls.len().div_ceil(count).max(1);
    calls.iter().skip(round % step).step_by(step).collect()
}

fn rounds() -> usize {
    faults::kills().div_ceil(1000)
}

fn killed(run: &Run) -> usize {
    assert!([0, 137].contains(&run.code), "{run}");
    usize::from(run.code == 137)
}

/// A user with a recovery key in a file, and what opens the vault otherwise.
fn user(words: &[&str]) -> Home {
    let home = Home::bare();
    let recovery = text(&home.path("recovery"));
    home.run(&[&["init", "--save-recovery", &recovery], words].concat()).ok();
    home.feed(&[&["set", "kept", "--exact"], words].concat(), VALUE).ok();
    home
}

#[test]
fn hostile_b27_root_key_with_a_key_file() {
    if !needs(&["strace"]) {
        return;
    }
    let template = user(&["--key-file", "../key"]);
    let words = ["keys", "rotate", "--root", "--yes", "--key-file", "../key", "--save-recovery", "../next"];
    let calls = faults::calls(&template.copy().command(&words), b"");
    for round in 0..rounds() {
        let mut kills = 0;
        for call in some(&calls, 70, round) {
            let home = template.copy();
            kills += killed(&Run::of(call.with(Fault::Kill, &home.command(&words)), b""));
            assert_eq!(home.run(&["get", "kept", "--key-file", "../key"]).ok().text(), VALUE);
            assert_ne!(
                recovers(&home, "recovery"),
                recovers(&home, "next"),
                "{call:?}: one of the recovery keys"
            );
            // and at the end there is the one that was handed over last
            let last = [&words[..7], &["../last"]].concat();
            home.run(&last).ok();
            assert!(recovers(&home, "last") && !recovers(&home, "next") && !recovers(&home, "recovery"));
        }
        faults::tally("keys rotate --root", "killed at a step", kills);
    }
}

#[test]
fn hostile_b27_root_key_with_a_passphrase() {
    if !needs(&["strace"]) {
        return;
    }
    let unlock = ["--passphrase-file", "../passphrase"];
    let template = {
        let home = Home::bare();
        let passphrase = home.path("passphrase");
        fs::write(&passphrase, PASSPHRASE).expect("the passphrase");
        fs::set_permissions(&passphrase, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("its mode");
        home.run(&[&["init", "--save-recovery", "../recovery"], &unlock[..]].concat()).ok();
        home.feed(&[&["set", "kept", "--exact"], &unlock[..]].concat(), VALUE).ok();
        home
    };
    let words = [&["keys", "rotate", "--root", "--yes", "--save-recovery", "../next"], &unlock[..]].concat();
    let calls = faults::calls(&template.copy().command(&words), b"");
    for round in 0..rounds() {
        let mut kills = 0;
        // deriving a key takes its time, as it should
        for call in some(&calls, 6, round) {
            let home = template.copy();
            kills += killed(&Run::of(call.with(Fault::Kill, &home.command(&words)), b""));
            assert_eq!(home.run(&[&["get", "kept"], &unlock[..]].concat()).ok().text(), VALUE);
            assert_ne!(
                recovers(&home, "recovery"),
                recovers(&home, "next"),
                "{call:?}: one of the recovery keys"
            );
        }
        faults::tally("keys rotate --root", "killed at a step", kills);
    }
}

/// The new recovery key is shown on a terminal after the root key has changed: whoever never saw it has the way in that
/// the vault was opened with, and makes another one.
#[test]
fn hostile_b27_killed_before_the_recovery_key_is_shown() {
    if !needs(&["strace"]) {
        return;
    }
    let template = user(&["--key-file", "../key"]);
    let words = ["keys", "rotate", "--root", "--yes", "--key-file", "../key"];
    let on_terminal = |command: Command| subrosa_testkit::Terminal::start(command).finish();
    let calls = {
        // the same calls without a terminal, but for those that show the key
        let more = [&words[..], &["--save-recovery", "../next"]].concat();
        faults::calls(&template.copy().command(&more), b"")
    };
    let writes = (1..=8).map(|nth| Call { name: "write".to_owned(), nth, file: None });
    let mut unseen = 0;
    for call in some(&calls, 30, 0).into_iter().cloned().chain(writes) {
        let home = template.copy();
        let shown = on_terminal(call.with(Fault::Kill, &home.command(&words))).shown;
        assert_eq!(home.run(&["get", "kept", "--key-file", "../key"]).ok().text(), VALUE);
        let new = shown.split_whitespace().find_map(|word| RecoveryKey::parse(word).ok());
        let opens = new.is_some_and(|key| Vault::open(&location(&home), &Unlock::Recovery(&key)).is_ok());
        if !recovers(&home, "recovery") && !opens {
            unseen += 1;
            home.run(&["keys", "add", "recovery", "--save", "../another", "--key-file", "../key"]).ok();
            assert!(recovers(&home, "another"));
        }
    }
    assert!(unseen > 0, "it was never killed in between");
}

#[test]
fn hostile_b27_an_interrupted_rotation_names_the_command_that_finishes_it() {
    if !needs(&["strace"]) {
        return;
    }
    let mut template = user(&["--key-file", "../key"]);
    template.set("SUBROSA_KEY_FILE", template.path("key"));
    let calls = faults::calls(&template.copy().command(&["keys", "rotate"]), b"");
    let is_last =
        |call: &&Call| call.name == "rename" && call.file.as_ref().is_some_and(|file| file.ends_with("key"));
    let last = calls.iter().find(is_last).expect("the new key takes the place of the old one");
    let home = template.copy();
    assert_eq!(killed(&Run::of(last.with(Fault::Kill, &home.command(&["keys", "rotate"])), b"")), 1);
    let refused = home.run(&["get", "kept"]).ends(101);
    let place = text(&home.path("key.new"));
    let refused = refused.says(&format!("a change of the key was interrupted; the new one is in {place}"));
    assert_eq!(refused.hints(), ["subrosa keys rotate"]);
    home.shell(refused.hints()[0], b"").ok();
    assert_eq!(home.run(&["get", "kept"]).ok().text(), VALUE);
    assert!(!home.path("key.new").exists());
}

/// The session in which commands of this home look for the keychain.
fn enter(home: &mut Home, keyring: &PrivateKeyring) {
    let mut probe = Command::new("true");
    keyring.apply(&mut probe);
    for (name, value) in probe.get_envs() {
        let name = name.to_str().expect("a name of UTF-8 text");
        // the user's own folders stay where they are
        match value {
            _ if name.starts_with("XDG_") && name != "XDG_RUNTIME_DIR" => {}
            Some(value) => home.set(name, value),
            None => home.unset(name),
        }
    }
}

fn rotated_in_the_keychain(words: &[&str], count: usize) {
    let Some(keyring) = PrivateKeyring::start(KeyringState::Unlocked) else { return };
    if !needs(&["strace"]) {
        return;
    }
    let fresh = || {
        let mut home = Home::bare().copy();
        enter(&mut home, &keyring);
        home.run(&["init", "--no-recovery"]).ok();
        home.store("kept", VALUE, &[]);
        home
    };
    let calls = faults::calls(&fresh().command(words), b"");
    // between two words with the keychain a thread is started, and before and after each the vault is written
    let calls: Vec<Call> = calls.into_iter().filter(|call| call.name != "fcntl").collect();
    for round in 0..rounds() {
        let mut kills = 0;
        for call in some(&calls, count, round) {
            let home = fresh();
            let old = home.run(&["keys", "show"]).ok().text().trim().to_owned();
            kills += killed(&Run::of(call.with(Fault::Kill, &home.command(words)), b""));
            assert_eq!(home.run(&["get", "kept"]).ok().text(), VALUE, "{call:?}");
            // run again, it leaves one way in, and that is another one
            home.run(&["keys", "rotate"]).ok();
            assert_eq!(home.run(&["get", "kept"]).ok().text(), VALUE, "{call:?}");
            let slots = home.run(&["keys", "list", "--json"]).ok().json();
            assert_eq!(slots["slots"].as_array().expect("slots").len(), 1, "{call:?}: {slots}");
            home.feed(&["get", "kept", "--key-file", "-"], &old).ends(101);
        }
        faults::tally("keys rotate, keychain", "killed at a step", kills);
    }
}

#[test]
fn hostile_b27_vault_key_in_the_keychain() {
    rotated_in_the_keychain(&["keys", "rotate"], 24);
}

#[test]
fn hostile_b27_root_key_with_the_keychain() {
    rotated_in_the_keychain(&["keys", "rotate", "--root", "--yes"], 10);
}
