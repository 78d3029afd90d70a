//! Exports: what is in them, where they go, what they are locked with.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::{PASSPHRASE, export, hand_over, import, mode, traveller, value};
use crate::home::{Home, text};

/// A recipient of age's whose key nobody kept.
const NOBODY: &str = "age1083t4sx67uz8wh7k9lcfm7jvwyvq3m7j3fedlxyemw2dtqhqusxs9ae8zc";

#[test]
fn what_leaves_one_vault_stands_in_the_next() {
    let (one, other) = (traveller(), traveller());
    one.store("key", "made-up-first", &[]);
    one.store("key", "made-up-second", &["--host", "api.example.com", "--tag", "t", "--description", "d"]);
    one.store("binary", b"\0\xff\xfe", &["--send-only", "--unrestricted"]);
    one.run(&["set", "empty", "--empty"]).ok();
    one.run(&["disable", "key"]).ok();
    export(&one, "file", &["--history"]).ok();
    assert_eq!(mode(&one, "file"), 0o600);
    hand_over(&one, "file", &other);
    assert_eq!(import(&other, "file", &[]).ok().text(), "3 new\n");
    // times among it
    let listed = |home: &Home| home.run(&["list", "--json"]).ok().json();
    assert_eq!(listed(&one), listed(&other));
    other.run(&["enable", "key"]).ok();
    assert_eq!(value(&other, "key"), "made-up-second");
    other.run(&["undo", "key"]).ok();
    assert_eq!(value(&other, "key"), "made-up-first");
    other.run(&["send-only", "--off", "binary"]).ok();
    assert_eq!(other.run(&["get", "binary"]).ok().out, b"\0\xff\xfe");
    other.run(&["verify"]).ok();
    assert_eq!(import(&one, "file", &[]).ok().text(), "3 unchanged\n");
}

#[test]
fn names_patterns_tags_and_profiles_choose() {
    let home = traveller();
    for (name, tag) in [("prod/a", "x"), ("prod/b", "y"), ("dev/a", "x"), ("a", "x")] {
        home.store(name, "made-up", &["--tag", tag]);
    }
    let exported = |words: &[&str]| {
        export(&home, "file", &[words, &["--force"]].concat()).ok();
        let seen = import(&home, "file", &["--dry-run", "--json"]).ok().json();
        let secrets = seen["secrets"].as_array().expect("secrets").clone();
        secrets.iter().map(|one| one["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(exported(&["prod/*"]), ["prod/a", "prod/b"]);
    assert_eq!(exported(&["a"]), ["a"]);
    assert_eq!(exported(&["--tag", "x"]), ["a", "dev/a", "prod/a"]);
    assert_eq!(exported(&["prod/*", "a", "--tag", "x"]), ["a", "prod/a"]);
    assert_eq!(exported(&["--profile", "prod"]), ["prod/a", "prod/b"]);
    assert_eq!(exported(&["--profile", "prod", "b"]), ["prod/b"]);
    for (words, text) in [
        (&["nothing/*"][..], "no secret fits nothing/*; nothing was exported"),
        (&["prod/*", "a", "stagnig/*"], "no secret fits stagnig/*; nothing was exported"),
        (&["prod/*", "dev/?", "--tag", "y"], "no secret fits dev/?; nothing was exported"),
        (&["--tag", "z"], "no secret fits; nothing was exported"),
        (&["c"], "no secret named c"),
        (&["--profile", "dev", "b"], "no secret named dev/b"),
    ] {
        // without a passphrase, from which a key would be derived each time
        home.run(&[&["export", "-o", "another", "--recipient", NOBODY], words].concat()).ends(1).says(text);
        assert!(!home.work().join("another").exists());
    }
    let empty = traveller();
    export(&empty, "file", &[]).ends(1).says("the vault holds no secrets");
}

#[test]
fn an_export_replaces_nothing_and_goes_nowhere_near_the_vault() {
    let home = traveller();
    home.store("key", "made-up-value", &[]);
    home.write("there", "something else");
    export(&home, "there", &[]).ends(1).says("there exists already");
    assert_eq!(fs::read(home.work().join("there")).expect("the file"), b"something else");
    let inside = text(&home.vault().join("file"));
    export(&home, &inside, &["--force"]).ends(2).says("lies in the vault's own folder");
    export(&home, "no/folder/file", &[]).ends(1).says("no such file or directory");
    export(&home, ".", &["--force"]).ends(2).says("is a folder");
    // as root it would take the place of the device
    symlink("/dev/null", home.work().join("null")).expect("a link");
    export(&home, "null", &["--force"]).ends(2).says("null is not a regular file");
    // before there is anybody to be asked for a passphrase
    let run = home.run(&["export", "-o", "no/folder/file"]).ends(1).says("no such file or directory");
    assert_eq!(run.hints(), ["mkdir -p no/folder"]);
    fs::set_permissions(home.work().join("there"), fs::Permissions::from_mode(0o644)).expect("a mode");
    export(&home, "there", &["--force"]).ok();
    assert_eq!(mode(&home, "there"), 0o600);
    let run = export(&home, "-", &[]).ok();
    assert!(run.json().is_object());
    assert!(home.files_with(&[b"made-up-value"]).is_empty());
    let drafts = home.files().into_iter().filter(|path| text(path).contains(".subrosa-draft-")).count();
    assert_eq!(drafts, 0);
}

#[test]
fn passphrases_of_exports_are_held_to_twelve_characters() {
    let home = traveller();
    home.store("key", "made-up", &[]);
    let private = |name: &str, content: &str| {
        let path = home.write(name, content);
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a private file");
    };
    private("short", "elevenchars");
    private("weak", "passwordpassword");
    private("wrong", "gather-lunch-violin-absenT");
    let run = |file: &str, words: &[&str]| home.run(&[words, &["--export-passphrase-file", file]].concat());
    run("short", &["export", "-o", "file"]).ends(2).says("at least 12 are needed");
    run("weak", &["export", "-o", "file"]).ok().says("is weak");
    run("wrong", &["import", "file"]).ends(1).says("does not open");
    home.run(&["import", "file"]).ends(2).says("no terminal to ask for the passphrase");
    home.run(&["export", "-o", "none"]).ends(2).says("no terminal to ask for the passphrase");
    fs::set_permissions(home.work().join("weak"), fs::Permissions::from_mode(0o644)).expect("a mode");
    run("weak", &["import", "file"]).ends(101).says("has mode 644");
    let piped = home.feed(&["export", "-o", "piped", "--export-passphrase-file", "-"], PASSPHRASE).ok();
    assert!(piped.out.is_empty());
    assert_eq!(import(&home, "piped", &[]).ok().text(), "1 unchanged\n");
}

#[test]
fn plain_text_is_asked_for_and_never_holds_what_is_send_only() {
    let home = traveller();
    home.store("KEY", "made-up-value", &[]);
    home.store("hidden", "made-up-hidden", &["--send-only"]);
    let plain =
        |words: &[&str]| home.run(&[&["export", "-o", "plain", "--plaintext", "dotenv"], words].concat());
    plain(&["--yes"]).ends(1).says("hidden\n");
    plain(&["KEY"]).ends(2).says("has to be confirmed");
    assert!(!home.work().join("plain").exists());
    plain(&["--without-send-only", "--yes"]).ok().says("everybody who gets to see the file");
    assert_eq!(fs::read_to_string(home.work().join("plain")).expect("the file"), "KEY=made-up-value\n");
    assert_eq!(mode(&home, "plain"), 0o600);
    home.store("binary", b"\xff", &[]);
    plain(&["binary", "KEY", "--yes", "--force"])
        .ends(1)
        .says("dotenv cannot hold the value of binary: it is no text; nothing was exported");
    plain(&["hidden", "--without-send-only", "--yes", "--force"])
        .ends(1)
        .says("nothing is left to be exported");
    // what would be dropped without a word, and what sounds like a lock
    plain(&["KEY", "--yes", "--force", "--history"])
        .ends(2)
        .says("--history: dotenv holds no earlier values");
    for words in
        [&["--plaintext", "json", "--armor"][..], &["--plaintext", "json"], &["--recipient", "age1x"]]
    {
        let lock = ["export", "-o", "none", "--export-passphrase-file", "pass", "--yes"];
        home.run(&[&lock[..], words].concat()).ends(2).says("cannot be used with");
    }
    let mut terminal = home.terminal(&["export", "KEY", "-o", "typed", "--plaintext", "json"]);
    terminal.expect("type 'plaintext' to go on:");
    terminal.type_line("yes");
    assert_eq!(terminal.finish().status.code(), Some(1));
    assert!(!home.work().join("typed").exists());
    let mut terminal = home.terminal(&["export", "KEY", "-o", "typed", "--plaintext", "json"]);
    terminal.expect("type 'plaintext' to go on:");
    terminal.type_line("plaintext");
    assert!(terminal.finish().status.success());
    assert_eq!(home.run(&["import", "typed"]).ok().text(), "1 unchanged\n");
}

#[test]
fn a_new_passphrase_is_typed_twice_and_its_strength_is_shown() {
    let home = Home::new();
    home.store("key", "made-up", &[]);
    let mut terminal = home.terminal(&["export", "-o", "file"]);
    terminal.expect("new passphrase of the export:");
    terminal.type_line("short");
    terminal.expect("at least 12 are needed");
    terminal.expect("new passphrase of the export:");
    terminal.type_line("passwordpassword");
    terminal.expect("weak");
    terminal.expect("use it all the same? [y/n]");
    terminal.type_line("n");
    terminal.expect("new passphrase of the export:");
    terminal.type_line(PASSPHRASE);
    terminal.expect("strength: strong");
    terminal.expect("the same again:");
    terminal.type_line("gather-lunch-violin-absenT");
    terminal.expect("the two differ");
    for prompt in ["new passphrase of the export:", "the same again:"] {
        terminal.expect(prompt);
        terminal.type_line(PASSPHRASE);
    }
    let finished = terminal.finish();
    assert!(finished.status.success(), "{}", finished.shown);
    assert!(!finished.shown.contains(PASSPHRASE));
    let mut terminal = home.terminal(&["import", "file"]);
    terminal.expect("passphrase of file:");
    terminal.type_line(PASSPHRASE);
    let finished = terminal.finish();
    assert!(finished.status.success() && finished.shown.contains("1 unchanged"), "{}", finished.shown);
}
