//! The store in one SQLite file (vault-format.md, sections 5 and 10).

use std::{
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, config::DbConfig, limits::Limit, params,
};

use crate::{
    FORMAT, SUITE, VaultError, journal,
    store::{EachRow, EachRowWithBody, Mode, Row, RowRef, Store},
};

const APPLICATION_ID: u32 = 0x7375_6272;
/// The longest pause before a process looks again whether the locks of others are gone. SQLite's own pauses grow to 100 ms:
/// of many writers, whoever came last would look most often, and whoever has waited longest would go on waiting.
const PAUSE: i32 = 5;
/// How often it looks before it gives up: for at least a minute, which is a thousand writes of others.
const LOOKS: i32 = 12_000;
/// No row comes near this: a value's body is at most 1 MiB and its padding.
const LENGTH_LIMIT: i32 = 4 << 20;

/// The schema, in the order of the tables' names, as `sqlite_schema` shows it.
const SCHEMA: [&str; 4] = [
    "CREATE TABLE body (id BLOB NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (id, version)) STRICT, WITHOUT ROWID",
    "CREATE TABLE header (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE node (id INTEGER NOT NULL PRIMARY KEY, data BLOB NOT NULL) STRICT",
    "CREATE TABLE record (key BLOB NOT NULL, kind INTEGER NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, version INTEGER NOT NULL, value_version INTEGER NOT NULL, public BLOB NOT NULL, metadata BLOB NOT NULL, policy BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (key, kind, seq)) STRICT, WITHOUT ROWID",
];
const COLUMNS: &str = "key, kind, seq, id, version, value_version, public, metadata, policy, sealed";

/// An open database.
pub(crate) struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    /// Dropped after the connection; `None` while the file is being made.
    held: Option<journal::Held>,
}

impl SqliteStore {
    /// Makes the schema in an empty file that exists already, so that its permissions are the caller's business.
    pub fn create(path: &Path) -> Result<Self, VaultError> {
        let store = Self::connect(path, None)?;
        let run = |sql: &str| store.connection.execute_batch(sql).map_err(|error| store.blame(error));
        // one transaction, since each flushes the disk several times
        run(&format!(
            "BEGIN IMMEDIATE; PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={FORMAT}; {}; COMMIT;",
            SCHEMA.join(";")
        ))?;
        Ok(store)
    }

    /// Opens a database for reading and writing, or for reading alone where the system allows no more.
    pub fn open(path: &Path) -> Result<Self, VaultError> {
        let held = journal::Held::open(path)?;
        Self::connect(path, Some(held))
    }

    fn connect(path: &Path, held: Option<journal::Held>) -> Result<Self, VaultError> {
        journal::check(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let blame = |error| explain(path, error);
        // SQLite's NOFOLLOW also refuses links among the folders above, such as macOS's /tmp: resolve those first
        let real = resolve_folder(path)?;
        let mut connection = Connection::open_with_flags(&real, flags).map_err(blame)?;
        connection.busy_handler(Some(wait)).map_err(blame)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(blame)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(blame)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LENGTH_LIMIT).map_err(blame)?;
        connection
            .execute_batch(
                "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; \
                 PRAGMA secure_delete=ON; PRAGMA synchronous=FULL; PRAGMA fullfsync=ON; PRAGMA journal_mode=TRUNCATE;",
            )
            .map_err(blame)?;
        Ok(Self { connection, path: path.to_owned(), held })
    }

    fn blame(&self, error: rusqlite::Error) -> VaultError {
        explain(&self.path, error)
    }

    fn run(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize, VaultError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(|error| self.blame(error))
    }

    /// All rows of a query, each turned by `read`.
    fn all<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, VaultError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_map(values, read)?.collect())
            .map_err(|error| self.blame(error))
    }

    /// The first row of a query, if there is one.
    fn one<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, VaultError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(values, read).optional())
            .map_err(|error| self.blame(error))
    }
}

impl Store for SqliteStore {
    fn begin(&self, mode: Mode) -> Result<(), VaultError> {
        // again: a process may have the vault open for long
        journal::check(&self.path)?;
        if let Some(held) = &self.held {
            held.check_name(&self.path)?;
        }
        let sql = if mode == Mode::Write { "BEGIN IMMEDIATE" } else { "BEGIN" };
        self.run(sql, []).map(drop)
    }

    fn commit(&self) -> Result<(), VaultError> {
        self.run("COMMIT", []).map(drop)
    }

    fn roll_back(&self) {
        // an error here means that the engine has rolled back already
        let _ = self.run("ROLLBACK", []);
    }

    fn check_schema(&self) -> Result<(), VaultError> {
        // another format may well have other tables, which make it no damaged vault
        let format: u32 = self.one("PRAGMA user_version", [], |row| row.get(0))?.unwrap_or_default();
        if format > FORMAT {
            return Err(VaultError::NeedsNewer { format, suite: SUITE });
        }
        let found = self
            .all("SELECT sql FROM sqlite_schema ORDER BY name", [], |row| row.get::<_, Option<String>>(0))?;
        if found.len() == SCHEMA.len()
            && found.iter().zip(SCHEMA).all(|(found, ours)| found.as_deref() == Some(ours))
        {
            return Ok(());
        }
        Err(VaultError::damaged("its tables are not those of the format"))
    }

    fn header(&self) -> Result<Vec<(String, Vec<u8>)>, VaultError> {
        self.all("SELECT name, value FROM header ORDER BY name", [], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    fn put_header(&self, name: &str, value: &[u8]) -> Result<(), VaultError> {
        self.run("DELETE FROM header WHERE name = ?1", [name])?;
        self.run("INSERT INTO header (name, value) VALUES (?1, ?2)", params![name, value]).map(drop)
    }

    fn node(&self, id: i64) -> Result<Option<Vec<u8>>, VaultError> {
        self.one("SELECT data FROM node WHERE id = ?1", [id], |row| row.get(0))
    }

    fn node_ids(&self) -> Result<Vec<i64>, VaultError> {
        self.all("SELECT id FROM node ORDER BY id", [], |row| row.get(0))
    }

    fn put_node(&self, id: i64, data: Option<&[u8]>) -> Result<(), VaultError> {
        self.run("DELETE FROM node WHERE id = ?1", [id])?;
        match data {
            Some(data) => {
                self.run("INSERT INTO node (id, data) VALUES (?1, ?2)", params![id, data]).map(drop)
            }
            None => Ok(()),
        }
    }

    fn rows(&self, from: &[u8], to: Option<&[u8]>) -> Result<Vec<Row>, VaultError> {
        match to {
            Some(to) => {
                let sql = format!(
                    "SELECT {COLUMNS} FROM record WHERE key >= ?1 AND key < ?2 ORDER BY key, kind, seq"
                );
                self.all(&sql, params![from, to], read_row)
            }
            None => {
                let sql = format!("SELECT {COLUMNS} FROM record WHERE key >= ?1 ORDER BY key, kind, seq");
                self.all(&sql, params![from], read_row)
            }
        }
    }

    fn each_row(&self, each: &mut EachRow<'_>) -> Result<(), VaultError> {
        let blame = |error| self.blame(error);
        let sql = format!("SELECT {COLUMNS} FROM record ORDER BY key, kind, seq");
        let mut statement = self.connection.prepare_cached(&sql).map_err(blame)?;
        let mut rows = statement.query([]).map_err(blame)?;
        while let Some(row) = rows.next().map_err(blame)? {
            each(look_at(row).map_err(blame)?)?;
        }
        Ok(())
    }

    fn each_row_with_body(&self, kind: i64, each: &mut EachRowWithBody<'_>) -> Result<(), VaultError> {
        let blame = |error| self.blame(error);
        let columns =
            COLUMNS.split(", ").map(|column| format!("record.{column}")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT {columns}, body.body FROM record LEFT JOIN body \
             ON record.kind = ?1 AND body.id = record.id AND body.version = record.value_version \
             ORDER BY record.key, record.kind, record.seq"
        );
        let mut statement = self.connection.prepare_cached(&sql).map_err(blame)?;
        let mut rows = statement.query([kind]).map_err(blame)?;
        while let Some(row) = rows.next().map_err(blame)? {
            let body = row.get_ref(10).and_then(|body| Ok(body.as_blob_or_null()?)).map_err(blame)?;
            each(look_at(row).map_err(blame)?, body)?;
        }
        Ok(())
    }

    fn insert_row(&self, row: &Row) -> Result<(), VaultError> {
        let sql = format!("INSERT INTO record ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
        let Row { key, kind, seq, id, version, value_version, public, metadata, policy, sealed } = row;
        self.run(&sql, params![key, kind, seq, id, version, value_version, public, metadata, policy, sealed])
            .map(drop)
    }

    fn put_row(&self, row: &Row) -> Result<(), VaultError> {
        self.delete_row(row)?;
        self.insert_row(row)
    }

    fn delete_row(&self, row: &Row) -> Result<(), VaultError> {
        let (key, kind, seq) = row.place();
        self.run("DELETE FROM record WHERE key = ?1 AND kind = ?2 AND seq = ?3", params![key, kind, seq])
            .map(drop)
    }

    fn body(&self, id: &[u8], version: i64) -> Result<Option<Vec<u8>>, VaultError> {
        self.one("SELECT body FROM body WHERE id = ?1 AND version = ?2", params![id, version], |row| {
            row.get(0)
        })
    }

    fn body_places(&self) -> Result<Vec<(Vec<u8>, i64)>, VaultError> {
        self.all("SELECT id, version FROM body ORDER BY id, version", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    fn insert_body(&self, id: &[u8], version: i64, body: &[u8]) -> Result<(), VaultError> {
        self.run("INSERT INTO body (id, version, body) VALUES (?1, ?2, ?3)", params![id, version, body])
            .map(drop)
    }

    fn put_body(&self, id: &[u8], version: i64, body: &[u8]) -> Result<(), VaultError> {
        self.delete_body(id, version)?;
        self.insert_body(id, version, body)
    }

    fn delete_body(&self, id: &[u8], version: i64) -> Result<(), VaultError> {
        self.run("DELETE FROM body WHERE id = ?1 AND version = ?2", params![id, version]).map(drop)
    }

    fn check_engine(&self) -> Result<Vec<String>, VaultError> {
        let mut found: Vec<String> = self.all("PRAGMA integrity_check", [], |row| row.get(0))?;
        found.retain(|line| line != "ok");
        Ok(found)
    }

    fn copy_to(&self, path: &Path) -> Result<(), VaultError> {
        let text =
            path.to_str().ok_or(VaultError::Unsafe { path: path.to_owned(), why: "is not a UTF-8 path" })?;
        self.run("VACUUM INTO ?1", [text]).map(drop)
    }

    fn compact(&self) -> Result<(), VaultError> {
        self.run("VACUUM", []).map(drop)
    }
}

/// What SQLite calls when a lock is held by another process; whether it shall try again.
fn wait(looks: i32) -> bool {
    thread::sleep(Duration::from_millis(looks.saturating_add(1).clamp(1, PAUSE) as u64));
    looks < LOOKS
}

fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    look_at(row).map(Row::from)
}

/// The row that the engine is at, in the engine's own memory.
fn look_at<'r>(row: &'r rusqlite::Row<'_>) -> rusqlite::Result<RowRef<'r>> {
    let blob = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_blob()?);
    Ok(RowRef {
        key: blob(0)?,
        kind: row.get(1)?,
        seq: row.get(2)?,
        id: blob(3)?,
        version: row.get(4)?,
        value_version: row.get(5)?,
        public: blob(6)?,
        metadata: blob(7)?,
        policy: blob(8)?,
        sealed: blob(9)?,
    })
}

fn resolve_folder(path: &Path) -> Result<PathBuf, VaultError> {
    let (Some(folder), Some(file)) = (path.parent(), path.file_name()) else {
        return Err(VaultError::Unsafe { path: path.to_owned(), why: "is not the path of a file" });
    };
    Ok(folder.canonicalize().map_err(VaultError::io("open", folder))?.join(file))
}

/// What the engine was doing to its file, or to the journal beside it.
fn operation(extended_code: i32) -> &'static str {
    use rusqlite::ffi;
    match extended_code {
        ffi::SQLITE_IOERR_WRITE => "write",
        ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC => "flush",
        ffi::SQLITE_IOERR_TRUNCATE => "truncate",
        ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_SHORT_READ => "read",
        ffi::SQLITE_IOERR_LOCK | ffi::SQLITE_IOERR_RDLOCK | ffi::SQLITE_IOERR_UNLOCK => "lock",
        ffi::SQLITE_CANTOPEN => "open",
        _ => "use",
    }
}

/// Sorts the engine's errors by who can mend them.
fn explain(path: &Path, error: rusqlite::Error) -> VaultError {
    use rusqlite::Error as E;
    match &error {
        E::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => VaultError::Busy,
            ErrorCode::ReadOnly => VaultError::ReadOnly(path.to_owned()),
            ErrorCode::DiskFull => VaultError::DiskFull,
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => VaultError::Io {
                action: operation(failure.extended_code),
                path: path.to_owned(),
                source: io::Error::other(rusqlite::ffi::code_to_str(failure.extended_code)),
            },
            ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt | ErrorCode::TooBig => {
                VaultError::damaged("its file is not a sound SQLite database")
            }
            // what the engine has no name for: a file format, a schema that it does not understand
            ErrorCode::Unknown => VaultError::damaged("its file is not a sound SQLite database"),
            _ => VaultError::Store(error),
        },
        // a column of another type, text that is not UTF-8, a table that is not there
        E::FromSqlConversionFailure(..)
        | E::InvalidColumnType(..)
        | E::IntegralValueOutOfRange(..)
        | E::Utf8Error(..) => VaultError::damaged("a column is not of its type"),
        E::SqlInputError { .. } => VaultError::damaged("its tables are not those of the format"),
        _ => VaultError::Store(error),
    }
}
