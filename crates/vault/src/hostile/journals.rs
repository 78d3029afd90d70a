//! Files beside the database that SQLite would take for its own: it would follow, apply, empty or delete them.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use rusqlite::Connection;

use crate::{
    VaultError,
    scratch::{Scratch, read, store},
};

/// What a journal ends with that names another file.
const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

fn beside(scratch: &Scratch, suffix: &str) -> PathBuf {
    scratch.location.dir.join(format!("vault.db{suffix}"))
}

/// A journal that a crash in the middle of a commit would have left.
fn hot_journal(database: &Path) -> Vec<u8> {
    let folder = tempfile::TempDir::new().expect("temporary folder");
    let copy = folder.path().join("copy.db");
    fs::copy(database, &copy).expect("copy");
    let file = Connection::open(&copy).expect("open");
    file.execute_batch(
        "PRAGMA journal_mode=PERSIST; PRAGMA cache_spill=1; PRAGMA cache_size=1; BEGIN IMMEDIATE; \
         UPDATE record SET version = version + 1; INSERT INTO body SELECT randomblob(16), 1, randomblob(90000);",
    )
    .expect("write");
    fs::read(folder.path().join("copy.db-journal")).expect("a journal")
}

/// The same, saying that it is a part of a change of several databases that `super_journal` lists.
fn naming(mut journal: Vec<u8>, super_journal: &Path) -> Vec<u8> {
    let name = super_journal.to_str().expect("text").as_bytes();
    let sum: u32 = name.iter().map(|byte| u32::from(*byte)).sum();
    journal.extend(0x4000_0000_u32.div_euclid(4096).wrapping_add(1).to_be_bytes());
    journal.extend(name);
    journal.extend((name.len() as u32).to_be_bytes());
    journal.extend(sum.to_be_bytes());
    journal.extend(MAGIC);
    journal
}

/// Opening, and using one that is open already, is refused; neither vault nor `victim` is touched.
#[track_caller]
fn refused(scratch: &Scratch, victim: &Path, place: impl FnOnce()) {
    let mut open = scratch.open().expect("open");
    let (database, held) = (fs::read(scratch.location.database()).expect("read"), fs::read(victim).ok());
    // the one that the last commit emptied
    let _ = fs::remove_file(beside(scratch, "-journal"));
    place();
    let opened = scratch.open().map(drop);
    let inspected = crate::Vault::inspect(&scratch.location).map(drop);
    let used = [read(&open, "one").map(drop), open.list().map(drop)];
    let changed = open.change(|change| change.remove(&crate::scratch::name("one")));
    assert!(fs::read(victim).ok() == held, "{} was touched", victim.display());
    assert!(fs::read(scratch.location.database()).expect("read") == database, "the vault was touched");
    for outcome in used.into_iter().chain([opened, inspected, changed]) {
        let error = outcome.expect_err("refused");
        assert!(matches!(error.kind(), "unsafe_path" | "damaged"), "{error}");
    }
}

fn victim(scratch: &Scratch) -> PathBuf {
    let victim = scratch.folder.path().join("victim");
    fs::write(&victim, "nothing to do with any vault").expect("write");
    victim
}

#[test]
fn hostile_c33_a_stale_journal_of_another_vault() {
    let scratch = Scratch::furnished();
    let other = Scratch::furnished();
    fs::write(beside(&scratch, "-journal"), hot_journal(&other.location.database())).expect("write");
    // the other vault's pages are in this one's place now: no keyslot of them opens
    let error = scratch.open().and_then(|vault| read(&vault, "one")).expect_err("refused");
    assert!(matches!(error.kind(), "damaged" | "wrong_key"), "{error}");
}

#[test]
fn hostile_c33_a_crash_is_still_recovered_from() {
    let scratch = Scratch::furnished();
    let journal = hot_journal(&scratch.location.database());
    fs::write(beside(&scratch, "-journal"), journal).expect("write");
    let vault = scratch.open().expect("open");
    assert_eq!(read(&vault, "one").expect("get").as_deref(), Some("current"));
    assert!(vault.verify().expect("verify").is_sound());
}

#[test]
fn hostile_c33_a_journal_of_an_older_state() {
    let scratch = Scratch::furnished();
    let journal = hot_journal(&scratch.location.database());
    store(&mut scratch.open().expect("open"), "one", "newest");
    fs::write(beside(&scratch, "-journal"), journal).expect("write");
    let error = scratch.open().and_then(|vault| read(&vault, "one")).expect_err("refused");
    assert!(matches!(error.kind(), "damaged" | "rolled_back"), "{error}");
}

#[test]
fn hostile_c33_garbage_for_a_journal() {
    let scratch = Scratch::furnished();
    let sound = hot_journal(&scratch.location.database());
    for (what, journal) in [
        ("short", sound[..100].to_vec()),
        ("torn", sound[..sound.len() / 2].to_vec()),
        ("noise", vec![0xa5; 70_000]),
        ("one byte", vec![1]),
        ("all set", [&sound[..8], &[0xff; 4096]].concat()),
    ] {
        let scratch = Scratch::furnished();
        fs::write(beside(&scratch, "-journal"), journal).expect("write");
        match scratch.open().and_then(|vault| read(&vault, "one")) {
            Ok(text) => assert_eq!(text.as_deref(), Some("current"), "{what}"),
            Err(error) => assert!(matches!(error.kind(), "damaged" | "wrong_key"), "{what}: {error}"),
        }
    }
}

/// SQLite opens the file that such a journal names, and may delete it.
#[test]
fn hostile_c33_a_journal_that_names_another_file() {
    let scratch = Scratch::furnished();
    let victim = victim(&scratch);
    let sound = hot_journal(&scratch.location.database());
    let journal = naming(sound.clone(), &victim);
    refused(&scratch, &victim, || fs::write(beside(&scratch, "-journal"), journal).expect("write"));
    // such a name as SQLite gives, the list in it as it should be
    let scratch = Scratch::furnished();
    let listing = scratch.folder.path().join("vault.db-mj0123456789");
    let own = [beside(&scratch, "-journal").to_str().expect("text").as_bytes(), b"\0"].concat();
    fs::write(&listing, own).expect("write");
    let journal = naming(sound.clone(), &listing);
    refused(&scratch, &listing, || fs::write(beside(&scratch, "-journal"), journal).expect("write"));
    // opening a FIFO would wait for its writer
    let scratch = Scratch::furnished();
    let fifo = scratch.folder.path().join("vault.db-mj0123456789");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let journal = naming(sound, &fifo);
    refused(&scratch, Path::new("/nonexistent"), || {
        fs::write(beside(&scratch, "-journal"), journal).expect("write");
    });
}

/// SQLite follows such a link, takes what it finds for a journal, and empties it.
#[test]
fn hostile_c33_a_journal_that_is_a_link() {
    let scratch = Scratch::furnished();
    let victim = victim(&scratch);
    refused(&scratch, &victim, || symlink(&victim, beside(&scratch, "-journal")).expect("symlink"));
    let scratch = Scratch::furnished();
    let nowhere = scratch.folder.path().join("nowhere");
    refused(&scratch, &nowhere, || symlink(&nowhere, beside(&scratch, "-journal")).expect("symlink"));
}

#[test]
fn hostile_c33_a_journal_that_is_no_file_or_that_others_may_write() {
    let nobody = Path::new("/nonexistent");
    let scratch = Scratch::furnished();
    refused(&scratch, nobody, || {
        // opening one would wait for its writer
        let made = Command::new("mkfifo").arg(beside(&scratch, "-journal")).status().expect("mkfifo");
        assert!(made.success());
    });
    let scratch = Scratch::furnished();
    refused(&scratch, nobody, || fs::create_dir(beside(&scratch, "-journal")).expect("mkdir"));
    let scratch = Scratch::furnished();
    refused(&scratch, nobody, || {
        fs::write(beside(&scratch, "-journal"), "").expect("write");
        let others = fs::Permissions::from_mode(0o666);
        fs::set_permissions(beside(&scratch, "-journal"), others).expect("chmod");
    });
}

/// SQLite applies a write-ahead log that lies beside a database, whatever the database says of itself.
#[test]
fn hostile_c33_a_write_ahead_log_beside_the_file() {
    let other = Scratch::furnished();
    let file = Connection::open(other.location.database()).expect("open");
    file.execute_batch("PRAGMA journal_mode=WAL; UPDATE record SET version = version + 1").expect("write");
    let log = fs::read(beside(&other, "-wal")).expect("a log");
    drop(file);
    for (suffix, content) in [("-wal", log), ("-wal", Vec::new()), ("-shm", vec![0; 32_768])] {
        let scratch = Scratch::furnished();
        let path = beside(&scratch, suffix);
        refused(&scratch, Path::new("/nonexistent"), || fs::write(&path, &content).expect("write"));
        assert!(fs::read(&path).expect("read") == content, "{suffix} was touched");
    }
}

#[test]
fn hostile_a12_a_file_in_another_journal_mode_is_left_alone() {
    // read and write version: 1 is a rollback journal, 2 a write-ahead log
    for (write, read) in [(2, 2), (1, 2), (2, 1), (3, 3)] {
        let scratch = Scratch::furnished();
        let mut bytes = fs::read(scratch.location.database()).expect("read");
        bytes[18..20].copy_from_slice(&[write, read]);
        fs::write(scratch.location.database(), &bytes).expect("write");
        assert!(matches!(scratch.open(), Err(VaultError::Damaged(_))), "{write} {read}");
        assert!(fs::read(scratch.location.database()).expect("read") == bytes, "it was written to");
        assert!(!beside(&scratch, "-wal").exists() && !beside(&scratch, "-shm").exists());
    }
}
