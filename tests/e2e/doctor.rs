//! What `doctor` finds, and that its hints help.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::home::{Home, text};

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn a_vault_that_opens_is_well() {
    let home = Home::new();
    let run = home.run(&["doctor"]).ok();
    assert!(run.text().contains("SUBROSA_KEY_FILE\tgood\topens this vault"), "{run}");
    assert!(!run.text().contains("\tbad\t"), "{run}");
}

#[test]
fn without_a_key_at_hand_nothing_is_known() {
    let mut home = Home::new();
    home.unset("SUBROSA_KEY_FILE");
    let run = home.run(&["doctor"]).ends(1);
    assert!(run.text().contains("key\tbad\tnone at hand that opens this vault"), "{run}");
    let key = text(&home.path("key"));
    home.shell(
        &format!(
            "{} && subrosa doctor",
            run.hints().last().expect("a hint").replace("FILE=FILE", &format!("FILE={key}"))
        ),
        "",
    )
    .ok();
    home.run(&["doctor", "--key-file", &key]).ok();
}

/// A passphrase is not asked for by what is to explain why other commands ask.
#[test]
fn a_passphrase_that_is_not_given_is_no_fault() {
    let home = Home::bare();
    let passphrase = home.write("passphrase", "five made up random words");
    mode(&passphrase, 0o600);
    let passphrase = text(&passphrase);
    home.run(&["init", "--no-recovery", "--passphrase-file", &passphrase]).ok();
    let run = home.run(&["doctor"]).ok();
    assert!(run.text().contains("key\tnote\tnone at hand; the passphrase"), "{run}");
    let run = home.run(&["doctor", "--passphrase-file", &passphrase]).ok();
    assert!(run.text().contains("--passphrase-file\tgood\topens this vault"), "{run}");
    let wrong = home.write("wrong", "five other random words");
    mode(&wrong, 0o600);
    let run = home.run(&["doctor", "--passphrase-file", &text(&wrong)]).ends(1);
    assert!(run.text().contains("--passphrase-file\tbad\t"), "{run}");
}

#[test]
fn what_others_can_look_into_is_named_and_the_hint_mends_it() {
    let home = Home::new();
    home.store("key", "made-up", &[]);
    home.run(&["get", "key"]).ok();
    let pins = home.folder("XDG_STATE_HOME").join("subrosa/pins");
    let audit = home.vault().join("audit.log");
    for (path, wide) in [
        (home.vault(), 0o755),
        (home.vault(), 0o770),
        (home.database(), 0o644),
        (home.database(), 0o664),
        (audit, 0o640),
        (pins, 0o755),
    ] {
        let before = fs::metadata(&path).expect("it").permissions().mode() & 0o777;
        mode(&path, wide);
        let run = home.run(&["doctor"]).ends(1);
        assert!(run.text().contains(&text(&path)), "{run}");
        for hint in run.hints().into_iter().filter(|hint| hint.starts_with("chmod ")) {
            home.shell(hint, "").ok();
        }
        assert_eq!(fs::metadata(&path).expect("it").permissions().mode() & 0o777, before, "{run}");
        home.run(&["doctor"]).ok();
    }
}

/// The hint of a key file that others can read is the file's, not the variable's.
#[test]
fn a_key_file_that_is_open_gets_the_command_that_closes_it() {
    let home = Home::new();
    mode(&home.path("key"), 0o644);
    let run = home.run(&["doctor"]).ends(1);
    let hint =
        run.hints().into_iter().find(|hint| hint.starts_with("chmod 600 ")).expect("the command").to_owned();
    home.shell(&hint, "").ok();
    home.run(&["doctor"]).ok();
}

#[test]
fn a_link_in_place_of_the_vault_is_not_mended_by_a_mode() {
    let home = Home::new();
    let moved = home.path("moved");
    fs::rename(home.vault(), &moved).expect("moved");
    std::os::unix::fs::symlink(&moved, home.vault()).expect("a link");
    let run = home.run(&["doctor"]).ends(1);
    assert!(run.text().contains("symbolic link"), "{run}");
    assert!(!run.hints().iter().any(|hint| hint.starts_with("chmod")), "{run}");
    home.run(&["--vault", &text(&moved), "doctor"]).ok();
}
