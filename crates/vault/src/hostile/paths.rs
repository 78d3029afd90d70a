//! What stands in the place of a vault's files: nothing is followed, waited for or read without end.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Vault, VaultError,
    scratch::{Scratch, name, read, store},
};

fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
}

/// Every way to look at the vault is refused.
#[track_caller]
fn refused(scratch: &Scratch, kind: &str) {
    for outcome in [scratch.open().map(drop), Vault::inspect(&scratch.location).map(drop)] {
        assert_eq!(outcome.expect_err("refused").kind(), kind);
    }
}

#[test]
fn hostile_a18_the_file_is_something_else() {
    let put: [fn(&Scratch, &Path, &Path); 5] = [
        |_, file, _| mkfifo(file),
        |_, file, _| fs::create_dir(file).expect("mkdir"),
        |_, file, moved| symlink(moved, file).expect("symlink"),
        |_, file, _| symlink("/dev/zero", file).expect("symlink"),
        |_, file, _| symlink(file, file).expect("symlink"),
    ];
    for put in put {
        let scratch = Scratch::furnished();
        let (file, moved) = (scratch.location.database(), scratch.folder.path().join("moved.db"));
        fs::rename(&file, &moved).expect("rename");
        refused(&scratch, "vault_not_found");
        put(&scratch, &file, &moved);
        refused(&scratch, "unsafe_path");
    }
}

#[test]
fn hostile_a18_file_or_folder_that_others_may_write() {
    for mode in [0o620, 0o602, 0o666] {
        let scratch = Scratch::furnished();
        chmod(&scratch.location.database(), mode);
        refused(&scratch, "unsafe_path");
        let scratch = Scratch::furnished();
        chmod(&scratch.location.dir, mode | 0o111);
        refused(&scratch, "unsafe_path");
    }
}

#[test]
fn hostile_a18_the_folder_is_something_else() {
    let scratch = Scratch::furnished();
    let moved = scratch.folder.path().join("moved");
    fs::rename(&scratch.location.dir, &moved).expect("rename");
    symlink(&moved, &scratch.location.dir).expect("symlink");
    refused(&scratch, "unsafe_path");
    fs::remove_file(&scratch.location.dir).expect("remove");
    fs::write(&scratch.location.dir, "a file").expect("write");
    refused(&scratch, "unsafe_path");
    fs::remove_file(&scratch.location.dir).expect("remove");
    mkfifo(&scratch.location.dir);
    refused(&scratch, "unsafe_path");
}

/// A second name of the file is no second vault: it is the same generation, and the pin is by the vault's id.
#[test]
fn hostile_a18_a_hard_link() {
    let scratch = Scratch::furnished();
    let second = scratch.folder.path().join("second.db");
    fs::hard_link(scratch.location.database(), &second).expect("link");
    store(&mut scratch.open().expect("open"), "one", "newest");
    assert!(fs::read(&second).expect("read") == fs::read(scratch.location.database()).expect("read"));
    let old = fs::read(&second).expect("read");
    store(&mut scratch.open().expect("open"), "one", "newer than that");
    fs::write(&second, old).expect("write through the other name");
    assert!(matches!(scratch.open(), Err(VaultError::RolledBack { .. })));
}

/// The paths of the pin, its lock and its draft.
fn pin(scratch: &Scratch) -> [PathBuf; 3] {
    let id = scratch.open().expect("open").id().to_string();
    let pin = scratch.location.state.join("pins").join(id);
    [pin.clone(), pin.with_extension("lock"), pin.with_extension("new")]
}

#[test]
fn hostile_a18_the_pin_is_something_else() {
    let other = Scratch::furnished();
    let [foreign, ..] = pin(&other);
    let put: [&dyn Fn(&Path); 6] = [
        &|pin| mkfifo(pin),
        &|pin| fs::create_dir(pin).expect("mkdir"),
        &|pin| symlink(&foreign, pin).expect("symlink"),
        &|pin| symlink("/dev/zero", pin).expect("symlink"),
        &|pin| _ = fs::copy(&foreign, pin).expect("copy"),
        &|pin| fs::File::create(pin).and_then(|file| file.set_len(1 << 40)).expect("a huge one"),
    ];
    for put in put {
        let scratch = Scratch::furnished();
        let [pin, ..] = pin(&scratch);
        let mut open = scratch.open().expect("open");
        fs::remove_file(&pin).expect("remove");
        put(&pin);
        assert_eq!(scratch.open().map(drop).expect_err("refused").kind(), "pin");
        assert_eq!(read(&open, "one").expect_err("refused").kind(), "pin");
        let before = fs::read(scratch.location.database()).expect("read");
        assert!(open.change(|change| change.remove(&name("one"))).is_err());
        assert!(fs::read(scratch.location.database()).expect("read") == before, "it was written to");
    }
    let scratch = Scratch::furnished();
    chmod(&scratch.location.state.join("pins"), 0o777);
    assert_eq!(scratch.open().map(drop).expect_err("refused").kind(), "pin");
}

/// The change is saved, and it is said that it is not protected; nothing is waited for or written elsewhere.
#[test]
fn hostile_a18_the_pins_lock_or_draft_is_something_else() {
    let victim = |scratch: &Scratch| scratch.folder.path().join("victim");
    let put: [fn(&Path, &Path); 3] = [
        |place, _| mkfifo(place),
        |place, _| fs::create_dir(place).expect("mkdir"),
        |place, victim| symlink(victim, place).expect("symlink"),
    ];
    for (number, put) in put.iter().enumerate() {
        let scratch = Scratch::furnished();
        let [_, lock, draft] = pin(&scratch);
        fs::remove_file(&lock).expect("remove");
        put(&lock, &victim(&scratch));
        let mut vault = scratch.open().expect("reading needs no lock");
        let outcome = vault.change(|change| change.remove(&name("two")));
        assert_eq!(outcome.expect_err("told").kind(), "saved_unpinned");
        assert!(!victim(&scratch).exists());

        let scratch = Scratch::furnished();
        let [_, _, own] = pin(&scratch);
        put(&own, &victim(&scratch));
        let mut vault = scratch.open().expect("open");
        let outcome = vault.change(|change| change.remove(&name("two")));
        // a folder cannot be put out of the way; anything else is
        assert_eq!(outcome.is_ok(), number != 1, "{} {outcome:?}", draft.display());
        assert!(!victim(&scratch).exists());
    }
}

#[test]
fn hostile_a18_a_backup_follows_no_link_and_waits_for_nobody() {
    let scratch = Scratch::furnished();
    let vault = scratch.open().expect("open");
    let log = scratch.location.dir.join("audit.log");
    let private = scratch.folder.path().join("private");
    fs::write(&private, "of no concern to any backup").expect("write");
    let put: [&dyn Fn(); 3] = [&|| mkfifo(&log), &|| symlink(&private, &log).expect("symlink"), &|| {
        symlink("/dev/zero", &log).expect("symlink")
    }];
    for (number, put) in put.iter().enumerate() {
        put();
        let target = scratch.folder.path().join(format!("backup-{number}"));
        assert_eq!(vault.backup(&target).expect_err("refused").kind(), "unsafe_path");
        assert!(!target.join("vault.db").exists() && !target.join("audit.log").exists());
        fs::remove_file(&log).expect("remove");
    }
    // links that wait where the copies go
    fs::write(&log, "a log").expect("write");
    let target = scratch.folder.path().join("backup");
    fs::create_dir(&target).expect("mkdir");
    for waiting in ["audit.log", ".audit.log.new", ".vault.db.new"] {
        symlink(&private, target.join(waiting)).expect("symlink");
    }
    vault.backup(&target).expect("backup");
    assert_eq!(fs::read_to_string(&private).expect("read"), "of no concern to any backup");
    assert_eq!(fs::read_to_string(target.join("audit.log")).expect("read"), "a log");
    assert!(!target.join("audit.log").is_symlink());
}
