//! Linked secrets, which have no value of their own.

use std::fs;

use super::{export, hand_over, import, names, traveller, value};
use crate::home::{Home, text};

/// A user with a secret that is linked, and one that is not.
fn linked() -> Home {
    let home = traveller();
    fs::create_dir_all(home.path("mounted")).expect("a folder");
    fs::write(home.path("mounted").join("token"), "made-up-elsewhere").expect("a file");
    home.run(&["connect", "folder", "k8s", "--path", &text(&home.path("mounted"))]).ok();
    home.run(&["link", "LINKED", "k8s:token"]).ok();
    home.store("OWN", "made-up-own", &[]);
    home
}

fn link(home: &Home) -> String {
    home.run(&["link", "LINKED"]).ok().text().to_owned()
}

#[test]
fn a_linked_secret_is_exported_neither_without_its_link_nor_unnoticed() {
    let (home, other) = (linked(), traveller());
    // looked up once, so that a value of it is cached
    assert_eq!(value(&home, "LINKED"), "made-up-elsewhere");
    for form in
        [&[][..], &["--age-passphrase"], &["--plaintext", "json", "--yes"], &["--plaintext", "dotenv"]]
    {
        for names in [&[][..], &["LINKED"], &["LINK*", "OWN"]] {
            let run = export(&home, "file", &[form, names].concat()).ends(1).says("  LINKED\n");
            assert!(run.hints()[0].contains("--without-linked"), "{run}");
        }
        assert!(!home.work().join("file").exists());
    }
    export(&home, "file", &["LINKED", "--without-linked"]).ends(1).says("nothing is left to be exported");
    export(&home, "file", &["OWN"]).ok();
    export(&home, "file", &["--without-linked", "--force"]).ok().says("1 secret is linked and not in it");
    hand_over(&home, "file", &other);
    assert_eq!(import(&other, "file", &[]).ok().text(), "1 new\n");
    assert_eq!(names(&other), ["OWN"]);
    export(&home, "plain", &["--plaintext", "dotenv", "--without-linked", "--yes"]).ok();
    assert_eq!(fs::read_to_string(home.work().join("plain")).expect("the file"), "OWN=made-up-own\n");
}

#[test]
fn a_value_that_meets_a_link_is_told_before_anything_is_stored() {
    let home = linked();
    home.write(".env", "NEW=made-up-new\nLINKED=made-up-value\n");
    home.run(&["import", ".env"]).ends(1).says("LINKED  (line 2; linked in the vault)");
    for extra in [&[][..], &["--dry-run"]] {
        let run = home.run(&[&["import", ".env", "--on-conflict", "keep-both"], extra].concat()).ends(1);
        let run = run.says("it cannot keep both; nothing was imported").says("  LINKED\n");
        assert!(run.hints()[0].contains("--on-conflict replace"), "{run}");
        assert_eq!((names(&home).len(), link(&home).as_str()), (2, "k8s:token\n"));
    }
    let mut terminal = home.terminal(&["import", ".env"]);
    terminal.expect("[o]ne by one:");
    terminal.type_line("o");
    terminal.expect("LINKED: linked; [r]eplace, [s]kip:");
    terminal.type_line("s");
    assert!(terminal.finish().shown.contains("1 new, 1 skipped"));
    assert_eq!(link(&home), "k8s:token\n");
    // a file that knows the name alone
    let other = traveller();
    other.run(&["set", "LINKED", "--empty"]).ok();
    export(&other, "empty", &[]).ok();
    hand_over(&other, "empty", &home);
    assert_eq!(import(&home, "empty", &[]).ok().text(), "1 skipped\n");
    assert_eq!(link(&home), "k8s:token\n");
    home.run(&["import", ".env", "--on-conflict", "replace"]).ok();
    assert_eq!(value(&home, "LINKED"), "made-up-value");
    // what was replaced comes back
    home.run(&["rename", "LINKED", "aside"]).ok();
    home.run(&["undo", "LINKED"]).ok();
    assert_eq!(link(&home), "k8s:token\n");
    home.run(&["verify"]).ok();
}
