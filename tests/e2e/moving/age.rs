//! Exports as age files, in both directions.

use std::fs;
use std::process::Command;

use subrosa_testkit::needs;

use super::{export, hand_over, import, mode, traveller, value};
use crate::home::{Home, Run};

/// A key of age's own; answers the file, and the recipient that it belongs to.
fn age_key(home: &Home, file: &str) -> String {
    Run::of(home_command(home, "age-keygen", &["-o", file]), b"").ok();
    let text = fs::read_to_string(home.work().join(file)).expect("the key");
    let line = text.lines().find_map(|line| line.strip_prefix("# public key: "));
    line.expect("a public key").to_owned()
}

fn home_command(home: &Home, program: &str, words: &[&str]) -> Command {
    let mut command = home.program(program);
    command.args(words);
    command
}

#[test]
fn an_export_for_recipients_opens_with_their_keys() {
    if !needs(&["age", "age-keygen"]) {
        return;
    }
    let (home, other) = (traveller(), traveller());
    home.store("key", "made-up-value", &["--host", "api.example.com"]);
    let recipient = age_key(&home, "mine");
    let second = age_key(&home, "second");
    home.write("team", format!("# the team\n{second}\n"));
    let sealed = ["export", "-o", "file.age", "--recipient", &recipient, "--recipients-file", "team"];
    home.run(&sealed).ok();
    assert_eq!(mode(&home, "file.age"), 0o600);
    for key in ["mine", "second"] {
        let run = Run::of(home_command(&home, "age", &["-d", "-i", key, "file.age"]), b"").ok();
        assert_eq!(run.json()["secrets"][0]["name"], "key");
        for file in [key, "file.age"] {
            hand_over(&home, file, &other);
        }
        other.run(&["import", "file.age", "--identity", key, "--on-conflict", "replace"]).ok();
    }
    assert_eq!(value(&other, "key"), "made-up-value");
    assert_eq!(other.run(&["allow", "key"]).ok().text(), "api.example.com\n");
    age_key(&home, "foreign");
    home.run(&["import", "file.age", "--identity", "foreign"])
        .ends(1)
        .says("none of the keys given opens the file");
    home.run(&["import", "file.age"]).ends(2).says("hint: --identity FILE");
    home.run(&["import", "file.age", "--identity", "team"]).ends(101).says("has mode 644");
    home.run(&["export", "-o", "x", "--recipient", "age1nonsense"]).ends(2);
    home.run(&["export", "-o", "x", "--armor"]).ends(2).says("--armor is for age files");
    // any file can lie within one
    home.write("plain.env", "NEW=made-up\n");
    Run::of(home_command(&home, "age", &["-a", "-r", &recipient, "-o", "env.age", "plain.env"]), b"").ok();
    assert_eq!(home.run(&["import", "env.age", "--identity", "mine"]).ok().text(), "1 new\n");
    let mut terminal = home.terminal(&["export", "-o", "-", "--recipient", &recipient]);
    terminal.expect("standard output is a terminal");
    assert!(!terminal.finish().status.success());
}

#[test]
fn an_age_file_under_a_passphrase() {
    let home = traveller();
    home.store("key", "made-up-value", &[]);
    export(&home, "file.age", &["--age-passphrase", "--armor"]).ok();
    let text = fs::read_to_string(home.work().join("file.age")).expect("text");
    assert!(text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"), "{text}");
    assert_eq!(import(&home, "file.age", &[]).ok().text(), "1 unchanged\n");
}
