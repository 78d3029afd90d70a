//! Rows deleted, hidden, swapped or replayed in the database: refused at the next lookup of that name.

use std::fs;
use std::path::PathBuf;

use rusqlite::Connection;

use crate::home::{Run, text};
use crate::stage::{Stage, VALUE};

const EARLIER: &str = "made-up-earlier-value";
const OTHER: &str = "made-up-other-value";

/// A user with the secrets `key` (with an earlier value, for which it might go anywhere) and `other`, and a deleted one.
struct Prepared {
    stage: Stage,
    /// The database as its owner left it.
    sound: Vec<u8>,
    /// What it was before the last changes.
    older: PathBuf,
    /// Keys of rows, as SQL writes them.
    key: String,
    other: String,
}

impl Prepared {
    fn new() -> Self {
        let stage = Stage::new();
        let home = &stage.home;
        home.store("other", OTHER, &["--host", &stage.origin()]);
        let other = rows(&stage).remove(0);
        home.store("key", EARLIER, &["--unrestricted"]);
        let key = rows(&stage).into_iter().find(|row| *row != other).expect("the row of key");
        home.store("gone", "made-up-deleted-value", &["--host", &stage.origin()]);
        let older = home.path("older.db");
        fs::copy(home.database(), &older).expect("a copy");
        stage.allowed("key");
        home.run(&["rm", "gone"]).ok();
        let sound = fs::read(home.database()).expect("the database");
        Self { stage, sound, older, key, other }
    }

    /// Edits the database as its owner left it.
    fn edit(&self, sql: &str) {
        fs::write(self.stage.home.database(), &self.sound).expect("the sound database");
        let older = text(&self.older);
        let sql = sql.replace("KEY", &self.key).replace("OTHER", &self.other);
        let database = Connection::open(self.stage.home.database()).expect("a database");
        database.execute_batch(&format!("ATTACH '{older}' AS older; {sql}")).expect("SQL");
        drop(database);
        let edited = fs::read(self.stage.home.database()).expect("the database");
        assert!(edited != self.sound, "nothing was edited: {sql}");
    }

    /// What `sql` did to the secret is refused wherever it would be used or listed, and in the check of everything.
    #[track_caller]
    fn refused(&self, name: &str, sql: &str) {
        self.refused_where_used(name, sql);
        let run = self.stage.home.run(&["list"]).ends(102);
        assert!(run.out.is_empty(), "{sql}\n{run}");
    }

    /// The same but for the list, which opens no value.
    #[track_caller]
    fn refused_where_used(&self, name: &str, sql: &str) {
        self.edit(sql);
        let quiet = |run: Run| {
            assert_eq!(run.code, 102, "{sql}\n{run}");
            assert!(run.out.is_empty(), "{sql}\n{run}");
            for value in [VALUE, EARLIER, OTHER] {
                assert!(!run.shows(value), "{sql}\n{run}");
            }
        };
        let reference = format!("X-Key: <<vault:{name}>>");
        quiet(self.stage.home.run(&["get", name]));
        quiet(self.stage.home.run(&["get", name, "--json"]));
        quiet(self.stage.send_here(&["-H", &reference], "/"));
        quiet(self.stage.home.run(&["verify"]));
        self.stage.untouched();
    }
}

/// The keys of the secrets' rows.
fn rows(stage: &Stage) -> Vec<String> {
    let database = Connection::open(stage.home.database()).expect("a database");
    let mut rows = database.prepare("SELECT quote(key) FROM record WHERE kind = 1").expect("SQL");
    let rows = rows.query_map([], |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("keys")
}

#[test]
fn the_secrets_are_there_before_anything_is_edited() {
    let prepared = Prepared::new();
    assert_eq!(prepared.stage.home.run(&["get", "key"]).ok().text(), VALUE);
    assert_eq!(prepared.stage.home.run(&["get", "other"]).ok().text(), OTHER);
    prepared.stage.home.run(&["get", "gone"]).ends(1);
    prepared.stage.send_here(&["-H", "X-Key: <<vault:key>>"], "/").ok();
}

#[test]
fn hostile_a07_deleted() {
    let prepared = Prepared::new();
    prepared.refused("key", "DELETE FROM record WHERE key = KEY");
    prepared.refused_where_used("key", "DELETE FROM body WHERE id = (SELECT id FROM record WHERE key = KEY)");
    prepared.refused(
        "key",
        "DELETE FROM body WHERE id = (SELECT id FROM record WHERE key = KEY); DELETE FROM record WHERE key = KEY; \
         DELETE FROM node WHERE id > 0",
    );
    prepared.refused("gone", "DELETE FROM record WHERE kind = 3");
}

#[test]
fn hostile_a07_hidden() {
    let prepared = Prepared::new();
    prepared.refused("key", "UPDATE record SET kind = 3 WHERE key = KEY AND kind = 1");
    prepared.refused("key", "UPDATE record SET kind = 9 WHERE key = KEY AND kind = 1");
    prepared.refused("key", "UPDATE record SET seq = 1 WHERE key = KEY AND kind = 1");
    prepared
        .refused("key", "UPDATE record SET key = CAST(substr(key, 1, 31) || x'00' AS BLOB) WHERE key = KEY");
}

#[test]
fn hostile_a03_swapped() {
    let prepared = Prepared::new();
    let swap = |column: &str| {
        format!(
            "CREATE TEMP TABLE swap AS SELECT key, {column} AS it FROM record WHERE key IN (KEY, OTHER) AND kind = 1; \
             UPDATE record SET {column} = (SELECT it FROM swap WHERE swap.key <> record.key) WHERE key IN (KEY, OTHER) AND kind = 1"
        )
    };
    for column in ["sealed", "policy", "metadata", "id"] {
        for name in ["key", "other"] {
            prepared.refused(name, &swap(column));
        }
    }
    // whole rows under each other's name
    for name in ["key", "other"] {
        prepared.refused(
            name,
            "UPDATE record SET key = x'ff' WHERE key = KEY AND kind = 1; \
             UPDATE record SET key = KEY WHERE key = OTHER AND kind = 1; \
             UPDATE record SET key = OTHER WHERE key = x'ff'",
        );
    }
}

#[test]
fn hostile_a03_swapped_values() {
    let prepared = Prepared::new();
    prepared.refused_where_used(
        "key",
        "CREATE TEMP TABLE swap AS SELECT record.key AS k, body.body AS it FROM record JOIN body \
         ON body.id = record.id AND body.version = record.value_version WHERE record.kind = 1; \
         UPDATE body SET body = (SELECT it FROM swap WHERE k = OTHER) WHERE (id, version) = \
         (SELECT id, value_version FROM record WHERE key = KEY AND kind = 1)",
    );
}

#[test]
fn hostile_a06_replayed() {
    let prepared = Prepared::new();
    let replay = "REPLACE INTO record SELECT * FROM older.record WHERE key = KEY; ";
    let body = "REPLACE INTO body SELECT * FROM older.body; ";
    let tree = "DELETE FROM node; INSERT INTO node SELECT * FROM older.node; ";
    let manifest = "UPDATE header SET value = (SELECT value FROM older.header WHERE name = 'manifest') WHERE name = 'manifest'; ";
    prepared.refused("key", replay);
    prepared.refused("key", &format!("{replay}{body}"));
    prepared.refused("key", &format!("{replay}{body}{tree}"));
    prepared.refused(
        "key",
        &format!("DELETE FROM record; INSERT INTO record SELECT * FROM older.record; {body}{tree}{manifest}"),
    );
    // the rule that was taken back
    prepared.refused(
        "key",
        "UPDATE record SET policy = (SELECT policy FROM older.record WHERE key = KEY AND kind = 1) WHERE key = KEY AND kind = 1",
    );
    prepared.refused("gone", "DELETE FROM record WHERE kind = 3; INSERT INTO record SELECT * FROM older.record WHERE kind = 1 AND key NOT IN (KEY, OTHER)");
    prepared.refused("gone", "UPDATE record SET kind = 1, seq = 0 WHERE kind = 3");
}

#[test]
fn hostile_a13_things_that_a_vault_has_not() {
    let prepared = Prepared::new();
    for sql in [
        "CREATE VIEW spy AS SELECT * FROM record",
        "CREATE TRIGGER spy AFTER INSERT ON record BEGIN DELETE FROM record; END",
        "CREATE INDEX spy ON record (kind)",
        "CREATE TABLE spy (a)",
        "ALTER TABLE record ADD COLUMN spy INTEGER",
    ] {
        prepared.refused("key", sql);
    }
}

/// Of a purged secret not even the ciphertext is left: in the database, its journal, or any other file of the user.
#[test]
fn hostile_a17_the_ciphertext_of_a_purged_secret_is_gone() {
    let stage = Stage::new();
    let home = &stage.home;
    home.store("other", OTHER, &[]);
    home.store("big", "x".repeat(20_000), &[]);
    home.store("big", "y".repeat(20_000), &[]);
    let bodies: Vec<Vec<u8>> = {
        let database = Connection::open(home.database()).expect("a database");
        let mut bodies = database.prepare("SELECT body FROM body WHERE length(body) > 20000").expect("SQL");
        let bodies = bodies.query_map([], |row| row.get(0)).expect("rows");
        bodies.collect::<Result<_, _>>().expect("bodies")
    };
    assert_eq!(bodies.len(), 2);
    let parts = bodies.iter().flat_map(|body| [0, 8_000, 16_000].map(|at| &body[at..at + 16]));
    let parts: Vec<&[u8]> = parts.collect();
    assert_eq!(home.files_with(&parts), [home.database()]);
    home.run(&["rm", "big"]).ok();
    home.run(&["purge", "--yes"]).ok();
    assert_eq!(home.files_with(&parts), Vec::<PathBuf>::new());
    assert_eq!(home.run(&["get", "other"]).ok().text(), OTHER);
}

/// After all of that the file that its owner left is as good as before: nothing was written to it or about it.
#[test]
fn the_sound_file_works_after_a_refusal() {
    let prepared = Prepared::new();
    prepared.refused("key", "DELETE FROM record WHERE key = KEY");
    prepared.stage.home.run(&["set", "key", "--empty"]).ends(102);
    fs::write(prepared.stage.home.database(), &prepared.sound).expect("the sound database");
    prepared.stage.home.run(&["verify"]).ok();
    assert_eq!(prepared.stage.home.run(&["get", "key"]).ok().text(), VALUE);
}
