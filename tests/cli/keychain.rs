//! The vault key in a real keychain, and the ways in which there is none.
#![cfg(target_os = "linux")]

use crate::home::{Home, SUBROSA, both};
use std::process::{Command, Output};
use subrosa_testkit::{KeyringState, PrivateKeyring};

/// A home whose user has this keyring.
struct User {
    home: Home,
    keyring: PrivateKeyring,
}

impl User {
    fn with(state: KeyringState) -> Option<User> {
        Some(User { home: Home::empty(), keyring: PrivateKeyring::start(state)? })
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(SUBROSA);
        command.env_clear().args(words).current_dir(self.home.0.path()).stdin(std::process::Stdio::null());
        self.keyring.apply(&mut command);
        // the keyring's folders are its own; the vault's are the home's
        for name in ["DATA", "STATE", "CONFIG"] {
            command.env(format!("XDG_{name}_HOME"), self.home.0.join(name));
        }
        command.output().expect("subrosa runs")
    }

    fn done(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", both(&output));
        String::from_utf8(output.stdout).expect("text")
    }
}

#[test]
fn the_keychain_opens_the_vault_without_a_question() {
    let Some(user) = User::with(KeyringState::Unlocked) else { return };
    user.done(&["init", "--no-recovery"]);
    user.done(&["set", "a", "--empty"]);
    assert!(user.done(&["list"]).starts_with("a\tempty\t"));
    assert!(user.done(&["keys", "list"]).contains("\tvault key\tkeychain\t"));
    user.done(&["keys", "rotate"]);
    assert!(user.done(&["list"]).starts_with("a\tempty\t"));
    assert_eq!(user.keyring.search("subrosa").matches("label = ").count(), 1, "the old key is still there");
    user.done(&["reset", "--yes"]);
    assert!(!user.keyring.search("subrosa").contains("label = "), "a key that opens nothing is left");
}

#[test]
fn hostile_b26_locked_and_absent_keychains_are_told_apart() {
    for (state, said) in [
        (KeyringState::NoBus, "no D-Bus session"),
        (KeyringState::NoService, "Secret Service"),
        (KeyringState::Locked, "locked"),
    ] {
        let Some(user) = User::with(state) else { return };
        let output = user.run(&["init", "--no-recovery"]);
        let text = both(&output);
        assert_eq!(output.status.code(), Some(104), "{state:?}: {text}");
        assert!(text.contains(said), "{state:?}: {text}");
        assert!(text.contains("hint: subrosa init --key-file FILE"), "{state:?}: {text}");
        assert!(
            !user.home.0.join("DATA/subrosa/default/vault.db").exists(),
            "a vault was made that nothing opens"
        );
    }
}

#[test]
fn hostile_b26_a_lost_entry_names_the_other_ways_in() {
    let Some(user) = User::with(KeyringState::Unlocked) else { return };
    user.done(&["init", "--save-recovery", "recovery"]);
    user.keyring.lock();
    let locked = user.run(&["list"]);
    assert_eq!(locked.status.code(), Some(104), "{}", both(&locked));
    let Some(other) = User::with(KeyringState::Unlocked) else { return };
    let user = User { home: user.home, keyring: other.keyring };
    let lost = user.run(&["list"]);
    assert_eq!(lost.status.code(), Some(101), "{}", both(&lost));
    assert!(both(&lost).contains("hint: with the recovery key: --recovery"), "{}", both(&lost));
}
