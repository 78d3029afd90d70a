//! What happens when someone edits the file of a locked vault (hostile inputs, part A).

use std::path::Path;

use subrosa_secret::Access;

use crate::{
    Unlock, Vault, VaultError,
    scratch::{Scratch, name, read, store},
};

/// Both a lookup of each name and the complete check refuse what `sql` has done.
fn refused(sql: &str) {
    let scratch = Scratch::furnished();
    scratch.tamper(sql);
    let outcome = |result: Result<Option<String>, VaultError>| match result {
        Err(error) => error.kind(),
        Ok(_) => "ok",
    };
    match scratch.open() {
        Err(error) => assert!(matches!(error.kind(), "damaged" | "wrong_key"), "{sql}: {error}"),
        Ok(vault) => {
            let outcomes = [outcome(read(&vault, "one")), outcome(read(&vault, "two"))];
            assert!(outcomes.contains(&"damaged"), "{sql}: {outcomes:?}");
            assert!(!vault.verify().expect("verify").is_sound(), "{sql}");
        }
    }
}

/// The complete check notices what `sql` has done, and so does listing; a lookup elsewhere need not.
fn noticed(sql: &str) {
    let scratch = Scratch::furnished();
    scratch.tamper(sql);
    let vault = scratch.open().expect("open");
    assert!(!vault.verify().expect("verify").is_sound(), "{sql}");
}

#[test]
fn hostile_a03_swapped_values() {
    refused(
        "CREATE TEMP TABLE s AS SELECT id, value_version, sealed FROM record WHERE kind = 1; \
         UPDATE record SET sealed = (SELECT s.sealed FROM s WHERE s.id <> record.id) WHERE kind = 1;",
    );
    refused(
        "CREATE TEMP TABLE b AS SELECT body.* FROM body JOIN record ON record.id = body.id AND record.value_version = body.version WHERE kind = 1; \
         UPDATE body SET body = (SELECT b.body FROM b WHERE b.id <> body.id) WHERE EXISTS (SELECT 1 FROM b WHERE b.id = body.id AND b.version = body.version);",
    );
}

#[test]
fn hostile_a04_metadata_of_another_record() {
    refused(
        "CREATE TEMP TABLE s AS SELECT id, metadata FROM record WHERE kind = 1; \
         UPDATE record SET metadata = (SELECT s.metadata FROM s WHERE s.id <> record.id) WHERE kind = 1;",
    );
}

#[test]
fn hostile_a06_an_older_version_in_place_of_the_current() {
    refused(
        "CREATE TEMP TABLE h AS SELECT * FROM record WHERE kind = 2; \
         UPDATE record SET version = (SELECT version FROM h), value_version = (SELECT value_version FROM h), \
         metadata = (SELECT metadata FROM h), policy = (SELECT policy FROM h), sealed = (SELECT sealed FROM h) \
         WHERE kind = 1 AND id = (SELECT id FROM h);",
    );
}

#[test]
fn hostile_a07_deleted_and_hidden_rows() {
    refused("DELETE FROM record WHERE kind = 1");
    refused("UPDATE record SET kind = 3 WHERE kind = 1");
    refused("UPDATE record SET key = zeroblob(32) WHERE kind = 1 AND version = 1");
    noticed("DELETE FROM record WHERE kind = 2");
    noticed("DELETE FROM record WHERE kind = 3");
    noticed("DELETE FROM body WHERE (id, version) IN (SELECT id, value_version FROM record WHERE kind = 2)");
    noticed("INSERT INTO body VALUES (zeroblob(16), 1, zeroblob(64))");
}

#[test]
fn hostile_a07_a_tombstone_made_current_again() {
    let scratch = Scratch::furnished();
    scratch.tamper("UPDATE record SET kind = 1, seq = 0 WHERE kind = 3");
    let vault = scratch.open().expect("open");
    assert!(matches!(read(&vault, "gone"), Err(VaultError::Damaged(_))));
}

#[test]
fn hostile_a07_a_withdrawn_host_rule_put_back() {
    let replays = [
        "UPDATE record SET policy = (SELECT policy FROM older.record WHERE kind = 1) WHERE kind = 1",
        "REPLACE INTO record SELECT * FROM older.record",
        "REPLACE INTO record SELECT * FROM older.record; REPLACE INTO node SELECT * FROM older.node",
        "REPLACE INTO record SELECT * FROM older.record; REPLACE INTO node SELECT * FROM older.node; \
         UPDATE header SET value = (SELECT value FROM older.header WHERE name = 'manifest') WHERE name = 'manifest'",
        "REPLACE INTO record SELECT * FROM older.record; REPLACE INTO node SELECT * FROM older.node; \
         REPLACE INTO header SELECT * FROM older.header",
    ];
    for replay in replays {
        let (scratch, mut vault) = Scratch::new();
        store(&mut vault, "one", "value");
        let mut allow = |access: Access| {
            let change =
                vault.change(|change| change.update(&name("one"), |_, policy| policy.access = access));
            change.map(drop).expect("change");
        };
        allow(Access::Unrestricted);
        let older = scratch.folder.path().join("older.db");
        std::fs::copy(scratch.location.database(), &older).expect("copy");
        allow(Access::Restricted(Vec::new()));
        drop(vault);
        scratch.tamper(&format!("ATTACH '{}' AS older; {replay}", older.display()));
        let found = scratch.open().and_then(|vault| vault.find(&name("one")));
        let error = found.map(drop).expect_err(replay);
        assert!(matches!(error.kind(), "damaged" | "rolled_back"), "{replay}: {error}");
    }
}

#[test]
fn hostile_a08_a_row_under_a_new_id() {
    refused(
        "INSERT INTO record SELECT key, 1, 1, zeroblob(16), version, value_version, public, metadata, policy, sealed \
         FROM record WHERE kind = 1",
    );
}

#[test]
fn hostile_a09_a_policy_of_another_secret() {
    refused(
        "CREATE TEMP TABLE s AS SELECT id, policy FROM record WHERE kind = 1; \
         UPDATE record SET policy = (SELECT s.policy FROM s WHERE s.id <> record.id) WHERE kind = 1;",
    );
}

#[test]
fn hostile_a11_edited_keyslots() {
    refused("UPDATE record SET public = x'02' WHERE kind = 4");
    refused("UPDATE record SET sealed = zeroblob(112) WHERE kind = 4");
    let scratch = Scratch::furnished();
    scratch.tamper(
        "INSERT INTO record SELECT CAST(x'0000' || zeroblob(16) AS BLOB), 4, 0, zeroblob(16), 1, 0, public, metadata, policy, sealed \
         FROM record WHERE kind = 4",
    );
    assert!(matches!(scratch.open(), Err(VaultError::Damaged(_) | VaultError::WrongKey)));
}

#[test]
fn hostile_a12_other_formats_and_suites_are_left_alone() {
    let edits = [
        ("UPDATE header SET value = x'02000000' WHERE name = 'format'", "needs_newer"),
        ("UPDATE header SET value = x'0000' WHERE name = 'suite'", "needs_newer"),
        ("UPDATE header SET value = x'0900' WHERE name = 'suite'", "needs_newer"),
        ("PRAGMA user_version=2", "needs_newer"),
        ("PRAGMA user_version=2; DROP TABLE header; CREATE TABLE head (all_of_it BLOB)", "needs_newer"),
        ("DELETE FROM header WHERE name = 'suite'", "damaged"),
        ("INSERT INTO header VALUES ('more', x'00')", "damaged"),
    ];
    for (sql, kind) in edits {
        let scratch = Scratch::furnished();
        scratch.tamper(sql);
        let before = std::fs::read(scratch.location.database()).expect("read");
        let Err(error) = scratch.open() else { panic!("{sql}: opened") };
        assert_eq!(error.kind(), kind, "{sql}");
        assert!(
            std::fs::read(scratch.location.database()).expect("read") == before,
            "{sql}: file was touched"
        );
    }
}

#[test]
fn hostile_a13_extra_schema() {
    for sql in [
        "CREATE TRIGGER t AFTER INSERT ON record BEGIN SELECT 1; END",
        "CREATE VIEW v AS SELECT 1",
        "ALTER TABLE record ADD COLUMN more BLOB",
        "CREATE TABLE extra (x)",
        "CREATE INDEX i ON record (version)",
        "CREATE UNIQUE INDEX i ON record (kind) WHERE kind = 99",
        "CREATE TABLE extra (x INTEGER PRIMARY KEY AUTOINCREMENT)",
        "ALTER TABLE record ADD COLUMN more BLOB GENERATED ALWAYS AS (id) VIRTUAL",
        "ALTER TABLE record RENAME COLUMN id TO ident",
        "ANALYZE",
        "CREATE VIRTUAL TABLE v USING fts5(x)",
        "DROP TABLE node",
        // the same meaning in other words
        "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = sql || ' ' WHERE name = 'record'",
        "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(sql, 'TABLE', 'table')",
        "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(sql, 'data BLOB', 'data/**/BLOB')",
        "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(sql, ' STRICT,', '') WHERE name = 'body'",
        "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(sql, 'TEXT NOT NULL', 'TEXT COLLATE NOCASE NOT NULL')",
        "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = NULL WHERE name = 'node'",
        "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET name = 'noda' WHERE name = 'node'",
        "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET type = 'view' WHERE name = 'node'",
        "PRAGMA writable_schema=ON; INSERT INTO sqlite_schema VALUES ('trigger', 't', 'record', 0, 'CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM record; END')",
        "PRAGMA writable_schema=ON; DELETE FROM sqlite_schema",
    ] {
        let scratch = Scratch::furnished();
        scratch.tamper(sql);
        assert!(matches!(scratch.open(), Err(VaultError::Damaged(_))), "{sql}");
    }
}

#[test]
fn edited_header_values_do_not_open() {
    for sql in [
        "UPDATE header SET value = zeroblob(16) WHERE name = 'vault'",
        "UPDATE header SET value = x'02000000' WHERE name = 'epoch'",
        "UPDATE header SET value = x'0100000000000000' WHERE name = 'generation'",
        "UPDATE header SET value = zeroblob(400) WHERE name = 'manifest'",
    ] {
        let scratch = Scratch::furnished();
        scratch.tamper(sql);
        let Err(error) = scratch.open() else { panic!("{sql}: opened") };
        assert!(matches!(error.kind(), "damaged" | "wrong_key"), "{sql}: {error}");
    }
}

#[test]
fn edited_nodes_are_refused() {
    refused("DELETE FROM node WHERE id = 0");
    refused("DELETE FROM node WHERE id BETWEEN 1 AND 64");
    refused("UPDATE node SET data = zeroblob(2048) WHERE id = 0");
    noticed("UPDATE node SET data = randomblob(1024) WHERE id > 65");
    noticed("DELETE FROM node WHERE id = 65");
    noticed("INSERT INTO node VALUES (900, zeroblob(8))");
}

#[test]
fn hostile_a10_rolled_back_and_forked_files_disclose_nothing() {
    let scratch = Scratch::furnished();
    let copy = |from: &Path, to: &Path| {
        std::fs::copy(from, to).expect("copy");
    };
    let database = scratch.location.database();
    let old = scratch.folder.path().join("old.db");
    copy(&database, &old);
    store(&mut scratch.open().expect("open"), "one", "newest");

    // rolled back as a whole
    let new = scratch.folder.path().join("new.db");
    copy(&database, &new);
    copy(&old, &database);
    assert!(matches!(scratch.open(), Err(VaultError::RolledBack { .. })));

    // forked at the same and at a higher generation, by another machine with the same key
    let elsewhere =
        crate::Location { dir: scratch.location.dir.clone(), state: scratch.folder.path().join("elsewhere") };
    for _ in 0..2 {
        let mut fork = Vault::open(&elsewhere, &Unlock::VaultKey(&scratch.key)).expect("no pin there");
        store(&mut fork, "one", "forked");
        assert!(matches!(scratch.open(), Err(VaultError::RolledBack { .. })));
    }
    let vault = Vault::open_despite_rollback(&scratch.location, &Unlock::VaultKey(&scratch.key))
        .expect("key is right");
    assert!(matches!(read(&vault, "one"), Err(VaultError::RolledBack { .. })));
    assert!(matches!(vault.list().map(drop), Err(VaultError::RolledBack { .. })));
    assert!(vault.verify().expect("verify").rolled_back);

    // a successor of what was last seen is no roll-back
    copy(&new, &database);
    let vault = scratch.open().expect("open");
    assert_eq!(read(&vault, "one").expect("get").as_deref(), Some("newest"));
}

#[test]
fn an_accepted_rollback_goes_on_above_both() {
    let scratch = Scratch::furnished();
    let old = std::fs::read(scratch.location.database()).expect("read");
    for _ in 0..3 {
        store(&mut scratch.open().expect("open"), "one", "newest");
    }
    let pinned = scratch.open().expect("open").generation().expect("generation");
    std::fs::write(scratch.location.database(), old).expect("write");
    let mut vault = Vault::open_despite_rollback(&scratch.location, &Unlock::VaultKey(&scratch.key))
        .expect("key is right");
    assert_eq!(vault.accept_rollback().expect("accept"), pinned + 1);
    let vault = scratch.open().expect("open");
    assert_eq!(read(&vault, "one").expect("get").as_deref(), Some("current"));
    assert!(vault.verify().expect("verify").is_sound());
}

#[test]
fn a_pin_among_the_recent_generations_is_accepted_and_raised() {
    let scratch = Scratch::furnished();
    let elsewhere =
        crate::Location { dir: scratch.location.dir.clone(), state: scratch.folder.path().join("elsewhere") };
    for round in 0..130 {
        let mut vault = Vault::open(&elsewhere, &Unlock::VaultKey(&scratch.key)).expect("open");
        store(&mut vault, "one", &round.to_string());
    }
    assert_eq!(read(&scratch.open().expect("open"), "one").expect("get").as_deref(), Some("129"));
}

/// Everything that can be read, or the kind of the first refusal.
fn contents(scratch: &Scratch) -> Result<Vec<String>, &'static str> {
    let read_all = || -> Result<Vec<String>, VaultError> {
        let vault = scratch.open()?;
        let mut all = Vec::new();
        for text in ["one", "two", "gone"] {
            all.push(format!("{text}={:?}", read(&vault, text)?));
        }
        for entry in vault.list()? {
            all.push(format!("{:?} {:?}", entry.metadata, entry.policy));
        }
        for revision in vault.history(&name("one"))? {
            let value = vault.value_at(&name("one"), revision.version)?.expect("there");
            all.push(String::from_utf8_lossy(value.expose_secret()).into_owned());
        }
        Ok(all)
    };
    read_all().map_err(|error| error.kind())
}

#[test]
fn hostile_a05_rows_of_another_vault_with_the_same_key() {
    let scratch = Scratch::furnished();
    let other = Scratch::furnished();
    scratch.tamper(&format!(
        "ATTACH '{}' AS other; \
         UPDATE record SET sealed = (SELECT r.sealed FROM other.record AS r WHERE r.kind = 1 AND r.version = 2), \
         metadata = (SELECT r.metadata FROM other.record AS r WHERE r.kind = 1 AND r.version = 2) WHERE kind = 1 AND version = 2;",
        other.location.database().display()
    ));
    assert_eq!(contents(&scratch), Err("damaged"));
}

/// A process that has a vault open goes on with the file that it has, or refuses; it never takes the other one's contents.
#[test]
fn hostile_c34_the_file_replaced_while_open() {
    type Replace = (&'static str, fn(&Path, &Path));
    let replace: [Replace; 3] = [
        ("another file under its name", |from, to| {
            std::fs::remove_file(to).and_then(|()| std::fs::copy(from, to)).map(drop).expect("replace");
        }),
        ("renamed over it", |from, to| {
            let copy = to.with_extension("copy");
            std::fs::copy(from, &copy).and_then(|_| std::fs::rename(&copy, to)).expect("rename");
        }),
        ("written over in place", |from, to| {
            std::fs::write(to, std::fs::read(from).expect("read")).expect("write");
        }),
    ];
    for (what, replace) in replace {
        let scratch = Scratch::furnished();
        let older = scratch.folder.path().join("older.db");
        std::fs::copy(scratch.location.database(), &older).expect("copy");
        store(&mut scratch.open().expect("open"), "one", "newest");
        let foreign = Scratch::furnished();
        for other in [foreign.location.database(), older] {
            let sound = std::fs::read(scratch.location.database()).expect("read");
            let mut vault = scratch.open().expect("open");
            let entry = vault.find(&name("one")).expect("find").expect("there");
            replace(&other, &scratch.location.database());
            let replaced = std::fs::read(scratch.location.database()).expect("read");
            let value = vault.value(&entry).map(|value| value.map(|it| it.expose_secret().to_vec()));
            assert!(value.is_err() || value.is_ok_and(|it| it.as_deref() == Some(b"newest")), "{what}");
            match read(&vault, "one") {
                Ok(text) => assert_eq!(text.as_deref(), Some("newest"), "{what}"),
                Err(error) => {
                    let kinds = ["damaged", "wrong_key", "rolled_back", "store"];
                    assert!(kinds.contains(&error.kind()), "{what}: {error}");
                }
            }
            let changed = vault.change(|change| change.remove(&name("one")));
            drop(vault);
            let found = std::fs::read(scratch.location.database()).expect("read");
            assert!(changed.is_err() && found == replaced, "{what}: {changed:?}");
            assert!(scratch.open().is_err(), "{what}");
            // as its owner restores it
            std::fs::remove_file(scratch.location.database()).expect("remove");
            crate::files::make_private_file(&scratch.location.database()).expect("make");
            std::fs::write(scratch.location.database(), sound).expect("write");
        }
    }
}

#[test]
fn hostile_c32_many_writers_lose_nothing() {
    let (scratch, vault) = Scratch::new();
    drop(vault);
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let scratch = &scratch;
            scope.spawn(move || {
                let mut vault = scratch.open().expect("open");
                for number in 0..10 {
                    store(&mut vault, &format!("w{writer}-{number}"), "x");
                }
            });
        }
    });
    let vault = scratch.open().expect("open");
    assert_eq!(vault.list().expect("list").len(), 80);
    let report = vault.verify().expect("verify");
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!(report.generation, 81);
}

#[test]
fn a_damaged_pin_stops_everything_until_the_file_is_accepted() {
    let scratch = Scratch::furnished();
    let pins = scratch.location.state.join("pins");
    let mut files = std::fs::read_dir(&pins).expect("pins").map(|file| file.expect("file").path());
    let pin = files.find(|path| path.extension().is_none()).expect("a pin");
    std::fs::write(&pin, "garbage").expect("write");
    assert_eq!(contents(&scratch), Err("pin"));
    let mut vault = Vault::open_despite_rollback(&scratch.location, &Unlock::VaultKey(&scratch.key))
        .expect("key is right");
    assert!(vault.verify().expect("verify").rolled_back);
    vault.accept_rollback().expect("accept");
    assert!(contents(&scratch).is_ok());
}
