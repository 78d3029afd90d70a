//! References where the values of a project's file stood.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::{mode, names, project, value};

#[test]
fn a_projects_file_is_left_with_references() {
    let home = project();
    fs::set_permissions(home.work().join(".env"), fs::Permissions::from_mode(0o640)).expect("a mode");
    home.run(&["import", ".env", "--rewrite", "--on-conflict", "skip", "--profile", "dev"]).ok();
    let content = fs::read_to_string(home.work().join(".env")).expect("the file");
    let expected = "# the project\nAPI_KEY=\"<<vault:dev/API_KEY>>\"\nSAME=\"<<vault:dev/SAME>>\"\n\
                    export NEW=\"<<vault:dev/NEW>>\"\n";
    assert_eq!(content, expected);
    assert_eq!(mode(&home, ".env"), 0o640);
    assert_eq!(value(&home, "dev/NEW"), "made-up third");
    let found = home.run(&["refs", ".env"]).ok();
    assert!(found.text().lines().count() == 3 && !found.text().contains("missing"), "{found}");
    // again: there is nothing left to do
    home.run(&["import", ".env", "--rewrite", "--profile", "dev"]).ok().says("holds a reference already");
    assert_eq!(fs::read_to_string(home.work().join(".env")).expect("the file"), expected);
}

#[test]
fn a_value_that_was_skipped_stays_in_the_file() {
    let home = project();
    home.run(&["import", ".env", "--rewrite", "--on-conflict", "skip"]).ok();
    let content = fs::read_to_string(home.work().join(".env")).expect("the file");
    assert!(content.contains("API_KEY=made-up-new\nSAME=\"<<vault:SAME>>\"\n"), "{content}");
}

#[test]
fn a_value_that_a_later_line_takes_the_place_of_is_not_lost() {
    let home = project();
    for text in ["NEW=made-up-test\nOTHER=made-up\nNEW=made-up-live\n", "NEW=made-up-test\nOTHER=x\nNEW=\n"] {
        home.write(".env", text);
        let run = home.run(&["import", ".env", "--rewrite"]).ends(1);
        let run = run
            .says("--rewrite: .env gives names several values; nothing was imported\n  NEW: lines 1 and 3\n");
        assert!(!run.shows("made-up"), "{run}");
        assert_eq!(fs::read_to_string(home.work().join(".env")).expect("the file"), text);
    }
    assert_eq!(names(&home), ["API_KEY", "SAME"]);
    home.write(".env", "NEW=made-up-live\nNEW='made-up-live'\n");
    home.run(&["import", ".env", "--rewrite"]).ok();
    let content = fs::read_to_string(home.work().join(".env")).expect("the file");
    assert_eq!(content, "NEW=\"<<vault:NEW>>\"\n".repeat(2));
}

#[test]
fn a_file_that_cannot_be_rewritten_is_refused_before_anything_is_stored() {
    let home = project();
    home.write("data.json", "{\"format\": \"something\"}");
    symlink(home.work().join(".env"), home.work().join("link")).expect("a link");
    for (words, said) in [(&["link"][..], "is a symbolic link"), (&["-", "--format", "dotenv"], "is no file")]
    {
        let run = home.feed(&[&["import", "--rewrite", "--on-conflict", "skip"], words].concat(), "NEW=x\n");
        assert_ne!(run.code, 0, "{run}");
        run.says(said);
    }
    assert_eq!(names(&home), ["API_KEY", "SAME"]);
}
