//! Secrets on their way: out of a vault, into another, out of a project's files.

mod age;
mod conflicts;
mod exports;
mod formats;
mod hostile;
mod links;
mod memory;
mod policy;
mod rewriting;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::home::{Home, Run};

const PASSPHRASE: &str = "gather-lunch-violin-absent";

/// A user with a file that holds the passphrase of exports.
fn traveller() -> Home {
    let home = Home::new();
    let path = home.write("pass", PASSPHRASE);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a private file");
    home
}

/// Exports to `file`, which lies where commands run; under the passphrase, unless in plain text.
fn export(home: &Home, file: &str, words: &[&str]) -> Run {
    let lock: &[&str] =
        if words.contains(&"--plaintext") { &[] } else { &["--export-passphrase-file", "pass"] };
    home.run(&[&["export", "-o", file], lock, words].concat())
}

fn import(home: &Home, file: &str, words: &[&str]) -> Run {
    home.run(&[&["import", file, "--export-passphrase-file", "pass"], words].concat())
}

/// The same file in the hands of another user.
fn hand_over(from: &Home, file: &str, to: &Home) {
    fs::copy(from.work().join(file), to.work().join(file)).expect("copied");
}

fn value(home: &Home, name: &str) -> String {
    home.run(&["get", name]).ok().text().to_owned()
}

fn names(home: &Home) -> Vec<String> {
    let listed = home.run(&["list"]).ok();
    listed.text().lines().map(|line| line.split('\t').next().expect("a name").to_owned()).collect()
}

fn mode(home: &Home, file: &str) -> u32 {
    fs::metadata(home.work().join(file)).expect("the file").permissions().mode() & 0o777
}

/// A file of variables and a vault that has one of the names with another value.
fn project() -> Home {
    let home = traveller();
    home.store("API_KEY", "made-up-old", &["--host", "api.example.com", "--tag", "mine"]);
    home.store("SAME", "made-up-same", &[]);
    home.write(".env", "# the project\nAPI_KEY=made-up-new\nSAME=made-up-same\nexport NEW='made-up third'\n");
    home
}
