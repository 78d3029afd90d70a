//! Keys from the environment and from files, and what must not get out.

use crate::home::{Home, SUBROSA, both, files_with};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_key_comes_from_a_file_a_descriptor_or_the_variable_itself() {
    let home = Home::with_vault();
    home.store("a", "one");
    let key = fs::read_to_string(home.0.join("key")).expect("the key");
    let get = |name: &str, value: &str| home.command(SUBROSA).args(["get", "a"]).env(name, value).output();
    for (name, value) in [("SUBROSA_KEY_FILE", "key"), ("SUBROSA_KEY", key.trim())] {
        let output = get(name, value).expect("subrosa runs");
        assert_eq!(output.stdout, b"one", "{name}: {}", both(&output));
    }
    let script = format!("SUBROSA_KEY_FD=7 '{SUBROSA}' get a 7<key");
    let output = home.command("sh").args(["-c", &script]).output().expect("sh runs");
    assert_eq!(output.stdout, b"one", "{}", both(&output));
    let output = get("SUBROSA_KEY_FD", "/etc/passwd").expect("subrosa runs");
    assert_eq!(output.status.code(), Some(2), "{}", both(&output));
}

#[test]
fn a_wrong_key_is_not_a_mistyped_one() {
    let home = Home::with_vault();
    let other = Home::with_vault();
    let mistyped =
        fs::read_to_string(home.0.join("key")).expect("the key").replacen(['0', '1', '2', '3'], "Z", 9);
    for (key, code, said) in [
        (fs::read_to_string(other.0.join("key")).expect("the key"), 101, "no keyslot of this vault opens"),
        (mistyped, 101, "vault key of SUBROSA_KEY: "),
        (String::from("nonsense"), 101, "vault key of SUBROSA_KEY: "),
    ] {
        let output =
            home.command(SUBROSA).arg("list").env("SUBROSA_KEY", key.trim()).output().expect("subrosa runs");
        assert_eq!(output.status.code(), Some(code), "{}", both(&output));
        assert!(both(&output).contains(said), "{}", both(&output));
        assert!(!both(&output).contains(key.trim()), "the key was shown: {}", both(&output));
    }
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let home = Home::with_vault();
    fs::set_permissions(home.0.join("key"), fs::Permissions::from_mode(0o644)).expect("chmod");
    let output = home.run(&["list"]);
    assert_eq!(output.status.code(), Some(101), "{}", both(&output));
    assert!(both(&output).contains("hint: chmod 600 "), "{}", both(&output));
}

#[test]
fn a_key_beside_the_vault_is_refused() {
    let home = Home::with_vault();
    let inside = home.0.join("data/subrosa/default/key");
    fs::copy(home.0.join("key"), &inside).expect("copied");
    let output =
        home.command(SUBROSA).arg("list").env("SUBROSA_KEY_FILE", &inside).output().expect("subrosa runs");
    assert_eq!(output.status.code(), Some(2), "{}", both(&output));
}

#[test]
fn the_editor_gets_neither_key_nor_value() {
    let home = Home::with_vault();
    home.store("a", "canary-2718281");
    let key = fs::read_to_string(home.0.join("key")).expect("the key");
    let script = home.0.write("editor", "#!/bin/sh\nenv > seen\ncat \"$1\" >> seen\nls -l \"$1\" >> seen\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).expect("chmod");
    let mut command = home.command(SUBROSA);
    command.args(["edit", "a"]).env("SUBROSA_KEY", key.trim()).env("EDITOR", &script);
    let output = command.output().expect("subrosa runs");
    assert!(output.status.success(), "{}", both(&output));
    let seen = fs::read_to_string(home.0.join("seen")).expect("what the editor saw");
    assert!(seen.contains("name = \"a\"") && seen.contains("-rw-------"), "{seen}");
    assert!(!seen.contains("canary") && !seen.contains("SUBROSA_KEY"), "{seen}");
}

#[test]
fn a_value_is_in_no_file_and_no_message() {
    let home = Home::with_vault();
    let canary = "canary-1618033988";
    home.store("a", canary);
    home.store("a", "another");
    home.done(&["describe", "a", "for tests"]);
    let mut said = String::new();
    for words in [
        &["list"][..],
        &["list", "--json"],
        &["history", "a", "--json"],
        &["verify"],
        &["doctor"],
        &["allow", "a", "*.com"],
        &["get", "b"],
        &["keys", "list"],
        &["undo", "a"],
    ] {
        said.push_str(&both(&home.run(words)));
    }
    assert!(!said.contains(canary), "{said}");
    assert_eq!(files_with(home.0.path(), canary.as_bytes()), Vec::<String>::new());
}

#[test]
fn a_reader_that_goes_away_ends_the_work_quietly() {
    let home = Home::with_vault();
    for number in 0..40 {
        home.done(&["set", &format!("secret-{number}"), "--empty"]);
    }
    let script = format!("{{ '{SUBROSA}' list; echo code $? >&2; }} | true");
    let mut command = home.command("sh");
    command.args(["-c", &script]).env("SUBROSA_KEY_FILE", home.0.join("key")).env("RUST_BACKTRACE", "1");
    let output = command.output().expect("sh runs");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "code 0\n");
}

#[test]
fn hostile_b28_the_last_way_in_stays() {
    let home = Home::with_vault();
    let slot = home.done(&["keys", "list"]).split('\t').next().expect("a slot").to_owned();
    let output = home.run(&["keys", "remove", &slot]);
    assert_eq!(output.status.code(), Some(1));
    assert!(both(&output).contains("last way in"), "{}", both(&output));
    assert_eq!(home.done(&["keys", "list"]).lines().count(), 1);
}

#[test]
fn rotating_keeps_every_secret() {
    let home = Home::with_vault();
    home.store("a", "one");
    let before = fs::read_to_string(home.0.join("key")).expect("the key");
    home.done(&["keys", "rotate"]);
    assert_ne!(before, fs::read_to_string(home.0.join("key")).expect("the key"));
    assert!(!home.0.join("key.new").exists());
    home.done(&["keys", "add", "recovery", "--save", "recovery"]);
    home.done(&["keys", "rotate", "--root", "--yes", "--save-recovery", "recovery-2"]);
    assert_eq!(home.done(&["get", "a"]), "one");
    assert_eq!(home.done(&["keys", "list"]).lines().count(), 2);
    let output =
        home.command(SUBROSA).arg("list").env("SUBROSA_KEY", before.trim()).output().expect("subrosa runs");
    assert_eq!(output.status.code(), Some(101), "the old key still opens: {}", both(&output));
    home.done(&["verify"]);
}

#[test]
fn a_recovery_key_is_never_written_over_a_file() {
    let home = Home::empty();
    home.0.write("recovery", "precious");
    let output = home.run(&["init", "--key-file", "key", "--save-recovery", "recovery"]);
    assert_eq!(output.status.code(), Some(1), "{}", both(&output));
    assert_eq!(fs::read_to_string(home.0.join("recovery")).expect("read"), "precious");
    // nothing of the attempt stays behind
    assert!(!home.0.join("key").exists() && !home.0.join("data/subrosa/default/vault.db").exists());
}
