//! A file that was rolled back or forked discloses nothing until its owner says so.

use std::fs;
use std::path::Path;

use crate::home::{Home, Run};
use crate::stage::{Stage, VALUE};

const WITHDRAWN: &str = "made-up-withdrawn-rule";

/// Every command that would tell or change something.
fn nothing_is_told(stage: &Stage) {
    let home = &stage.home;
    let url = stage.server.url("/");
    home.write("requests.sh", "curl -H 'X-Key: <<vault:key>>' https://api.example.com");
    let commands: &[&[&str]] = &[
        &["get", "key"],
        &["get", "key", "--json"],
        &["get", "no-such-name"],
        &["list"],
        &["list", "--json"],
        &["send", "-H", "X-Key: <<vault:key>>", &url],
        &["send", "-H", "X-Key: <<vault:no-such-name>>", &url],
        &["history", "key"],
        &["history", "key", "--json"],
        &["refs", "requests.sh"],
        &["backup", "copy"],
        &["allow", "key"],
        &["allow", "--from", "requests.sh"],
        &["profiles"],
        &["keys", "list"],
        &["keys", "show"],
        &["keys", "save", "saved-key"],
        &["keys", "add", "key-file", "new-key"],
        &["keys", "rotate"],
        &["keys", "rotate", "--root", "--yes"],
        &["set", "new", "--empty"],
        &["set", "key", "--empty"],
        &["edit", "key"],
        &["describe", "key", "text"],
        &["tag", "key", "word"],
        &["rename", "key", "another"],
        &["rm", "key"],
        &["undo", "key"],
        &["purge", "--yes"],
        &["enable", "key"],
        &["disable", "key"],
        &["send-only", "key"],
    ];
    let before = fs::read(home.database()).expect("the database");
    for words in commands {
        let run = home.run(words);
        assert_eq!(run.code, 102, "{run}");
        assert!(run.err.contains("rolled back or forked"), "{run}");
        assert!(run.err.contains("subrosa verify") && run.err.contains("subrosa accept-rollback"), "{run}");
        assert!(run.out.is_empty() && !run.shows(VALUE) && !run.shows("described"), "{run}");
    }
    stage.untouched();
    assert!(fs::read(home.database()).expect("the database") == before, "something was written");
    for made in ["copy/vault.db", "saved-key", "new-key"] {
        assert!(!home.work().join(made).exists(), "{made} was made");
    }
    assert_eq!(home.files_with(&[VALUE.as_bytes()]), Vec::<std::path::PathBuf>::new());
}

/// What may be run says what happened.
fn it_is_told(home: &Home) -> Run {
    let verify = home.run(&["verify"]).ends(102).says("rolled back or forked");
    let json = home.run(&["verify", "--json"]).ends(102).json();
    assert_eq!((&json["rolled_back"], &json["sound"]), (&true.into(), &false.into()));
    let doctor = home.run(&["doctor"]).ends(1);
    assert!(doctor.text().contains("rolled back or forked"), "{doctor}");
    assert!(doctor.hints().iter().any(|hint| hint.contains("subrosa accept-rollback")), "{doctor}");
    verify
}

/// A user whose secret had a wide rule, which was withdrawn; `old` is the file of before.
fn rolled_back() -> Stage {
    let stage = Stage::new();
    let home = &stage.home;
    stage.allowed("key");
    home.run(&["describe", "key", "described"]).ok();
    let old = fs::read(home.database()).expect("the database");
    home.run(&["allow", "key", "--nowhere"]).ok();
    home.store("newer", WITHDRAWN, &[]);
    fs::write(home.database(), old).expect("the old file");
    stage
}

#[test]
fn hostile_a10_rolled_back() {
    let stage = rolled_back();
    nothing_is_told(&stage);
    it_is_told(&stage.home);
}

#[test]
fn accepting_goes_on_from_the_old_file() {
    let stage = rolled_back();
    let home = &stage.home;
    home.run(&["accept-rollback"]).ends(2);
    home.run(&["get", "key"]).ends(102);
    home.run(&["accept-rollback", "--yes"]).ok();
    assert_eq!(home.run(&["get", "key"]).ok().out, VALUE.as_bytes());
    home.run(&["get", "newer"]).ends(1);
    home.run(&["verify"]).ok();
    home.run(&["doctor"]).ok();
    home.store("more", VALUE, &[]);
    home.run(&["verify"]).ok();
    // what was accepted is the newest now: the branch that was given up is a fork
    home.run(&["accept-rollback", "--yes"]).ok();
}

#[test]
fn a_person_confirms_with_a_word() {
    let stage = rolled_back();
    for (answer, code) in [("yes", 1), ("accept", 0)] {
        let mut terminal = stage.home.terminal(&["accept-rollback"]);
        terminal.expect("type 'accept' to go on:");
        terminal.type_line(answer);
        let finished = terminal.finish();
        assert_eq!(finished.status.code(), Some(code), "{}", finished.shown);
    }
    stage.home.run(&["list"]).ok();
}

/// Another machine with the same key that goes its own way from the same file.
fn branch(stage: &Stage, writes: usize) -> Vec<u8> {
    let mut other = Home::bare();
    fs::create_dir_all(other.vault().parent().expect("its folder")).expect("the vault's folder");
    copy_folder(&stage.home.vault(), &other.vault());
    other.set("SUBROSA_KEY_FILE", stage.home.path("key"));
    for number in 0..writes {
        other.store(&format!("foreign-{number}"), "made-up", &[]);
    }
    fs::read(other.database()).expect("the database")
}

fn copy_folder(from: &Path, to: &Path) {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the vault's folder") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

#[test]
fn hostile_a10_forked_at_the_same_and_at_a_higher_generation() {
    for foreign_writes in [1, 3] {
        let stage = Stage::new();
        stage.allowed("key");
        let fork = branch(&stage, foreign_writes);
        stage.home.run(&["allow", "key", "--nowhere"]).ok();
        fs::write(stage.home.database(), fork).expect("the fork");
        nothing_is_told(&stage);
        it_is_told(&stage.home);
        stage.home.run(&["accept-rollback", "--yes"]).ok();
        assert_eq!(stage.home.run(&["get", "foreign-0"]).ok().text(), "made-up");
    }
}

/// The same machine's next generation is no fork, however far it is ahead.
#[test]
fn what_another_machine_wrote_since_is_taken() {
    let stage = Stage::new();
    stage.allowed("key");
    let ahead = branch(&stage, 3);
    fs::write(stage.home.database(), ahead).expect("the newer file");
    assert_eq!(stage.home.run(&["get", "foreign-2"]).ok().text(), "made-up");
    stage.home.run(&["verify"]).ok();
}

#[test]
fn a_pin_that_cannot_be_read_is_no_absent_pin() {
    let stage = Stage::new();
    stage.allowed("key");
    let pins = stage.home.folder("XDG_STATE_HOME").join("subrosa/pins");
    let pin = fs::read_dir(pins).expect("pins").map(|entry| entry.expect("a pin").path());
    let pin = pin.into_iter().find(|path| path.extension().is_none()).expect("the vault's pin");
    fs::write(&pin, "damaged\n").expect("a damaged pin");
    for words in [&["get", "key"][..], &["list"], &["set", "new", "--empty"]] {
        let run = stage.home.run(words);
        assert_ne!(run.code, 0, "{run}");
        assert!(run.err.contains("pin") && run.out.is_empty(), "{run}");
    }
    stage.send_here(&["-H", "X-Key: <<vault:key>>"], "/").says("pin");
    stage.untouched();
}
