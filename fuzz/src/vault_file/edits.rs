//! An attacker's edits, read from the input: of the file's bytes, and of its rows with SQL.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params};

use crate::input::Numbers;

const PAGE: usize = 4096;
/// The file never grows beyond this.
const MOST: usize = 256 << 10;

/// `x` changes bytes, `n` a whole number as SQLite writes them, `w` swaps pages, `c` cuts the end, `a` appends.
pub(super) fn patch(bytes: &mut Vec<u8>, numbers: &mut Numbers<'_>) {
    while !numbers.is_empty() && !bytes.is_empty() && bytes.len() < MOST {
        match numbers.byte() {
            b'x' => {
                let at = numbers.below(bytes.len());
                let length = usize::from(numbers.byte()).min(bytes.len() - at);
                let with = numbers.bytes(length);
                bytes[at..at + with.len()].copy_from_slice(with);
            }
            b'f' => {
                let at = numbers.below(bytes.len());
                bytes[at] ^= 1 << (numbers.byte() % 8);
            }
            b'n' => {
                let at = numbers.below(bytes.len());
                let number = [0, 1, 0x7f, 0x80, 0xff, 0xffff][numbers.below(6)];
                let with = u32::to_be_bytes(number);
                let length = with.len().min(bytes.len() - at);
                bytes[at..at + length].copy_from_slice(&with[..length]);
            }
            b'w' => {
                let pages = bytes.len() / PAGE;
                let (one, other) = (numbers.below(pages), numbers.below(pages));
                for offset in 0..PAGE.min(bytes.len()) {
                    bytes.swap(one * PAGE + offset, other * PAGE + offset);
                }
            }
            b'c' => bytes.truncate(numbers.below(bytes.len())),
            b'a' => {
                let length = usize::from(numbers.byte()) * 64;
                let from = numbers.below(bytes.len());
                bytes.extend_from_within(from..(from + length).min(bytes.len()));
            }
            _ => return,
        }
    }
}

/// Changes rows while the engine's own rules are off; what it refuses is left as it was.
pub(super) fn change_rows(file: &Path, numbers: &mut Numbers<'_>) {
    let connection = Connection::open(file).expect("the golden vault is a database");
    let pragmas = "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY; PRAGMA ignore_check_constraints=ON;";
    connection.execute_batch(pragmas).expect("pragmas");
    for _ in 0..32 {
        if numbers.is_empty() {
            return;
        }
        let _ = change(&connection, numbers);
    }
}

/// A table with its key and all of its columns.
struct Table {
    name: &'static str,
    key: &'static str,
    columns: &'static [&'static str],
}

const TABLES: [Table; 4] = [
    Table {
        name: "record",
        key: "key, kind, seq",
        columns: &[
            "key",
            "kind",
            "seq",
            "id",
            "version",
            "value_version",
            "public",
            "metadata",
            "policy",
            "sealed",
        ],
    },
    Table { name: "body", key: "id, version", columns: &["id", "version", "body"] },
    Table { name: "header", key: "name", columns: &["name", "value"] },
    Table { name: "node", key: "id", columns: &["id", "data"] },
];

/// One edit: of which table, which row, which column.
fn change(connection: &Connection, numbers: &mut Numbers<'_>) -> rusqlite::Result<()> {
    let edit = numbers.byte();
    let table = &TABLES[usize::from(numbers.byte()) % TABLES.len()];
    let count = format!("SELECT count(*) FROM {}", table.name);
    let rows: usize = connection.query_row(&count, [], |row| row.get::<_, u32>(0))? as usize;
    let (row, other) = (usize::from(numbers.byte()) % rows.max(1), usize::from(numbers.byte()) % rows.max(1));
    let column = table.columns[usize::from(numbers.byte()) % table.columns.len()];
    match edit {
        b's' => {
            let value = a_value(numbers);
            set(connection, table, row, column, &value)
        }
        b'b' => {
            let mut value = read(connection, table, row, column)?;
            flip(&mut value, numbers);
            set(connection, table, row, column, &value)
        }
        b'w' => {
            let (one, two) = (read(connection, table, row, column)?, read(connection, table, other, column)?);
            set(connection, table, row, column, &two)?;
            set(connection, table, other, column, &one)
        }
        b'c' => {
            let value = read(connection, table, row, column)?;
            set(connection, table, other, column, &value)
        }
        b'd' => {
            let sql = format!("DELETE FROM {} WHERE ({}) = {}", table.name, table.key, place(table));
            connection.execute(&sql, params![row as i64]).map(drop)
        }
        b'i' => {
            let value = a_value(numbers);
            let columns = table.columns.join(", ");
            let taken = columns.replacen(column, "?2", 1);
            let sql = format!(
                "INSERT INTO {} ({columns}) SELECT {taken} FROM {0} WHERE ({}) = {}",
                table.name,
                table.key,
                place(table)
            );
            connection.execute(&sql, params![row as i64, value]).map(drop)
        }
        b'q' => {
            let sql = [
                "CREATE VIEW v AS SELECT 1",
                "CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM body; END",
                "ALTER TABLE record ADD COLUMN more",
                "CREATE INDEX i ON record (id)",
                "PRAGMA user_version=2",
                "PRAGMA application_id=1",
                "PRAGMA journal_mode=WAL",
                "PRAGMA encoding='UTF-16'",
                "VACUUM",
                "DROP TABLE node",
                "CREATE TABLE more (a)",
            ][row % 11];
            connection.execute_batch(sql)
        }
        _ => Ok(()),
    }
}

/// The key of the row at a place, which is the statement's first parameter.
fn place(table: &Table) -> String {
    format!("(SELECT {0} FROM {1} ORDER BY {0} LIMIT 1 OFFSET ?1)", table.key, table.name)
}

fn read(connection: &Connection, table: &Table, row: usize, column: &str) -> rusqlite::Result<Value> {
    let sql = format!("SELECT {column} FROM {} ORDER BY {} LIMIT 1 OFFSET ?1", table.name, table.key);
    connection.query_row(&sql, params![row as i64], |found| found.get(0))
}

fn set(
    connection: &Connection,
    table: &Table,
    row: usize,
    column: &str,
    value: &Value,
) -> rusqlite::Result<()> {
    let sql = format!("UPDATE {} SET {column} = ?2 WHERE ({}) = {}", table.name, table.key, place(table));
    connection.execute(&sql, params![row as i64, value]).map(drop)
}

/// Text, bytes or a number, among them those at the ends of what numbers can be.
fn a_value(numbers: &mut Numbers<'_>) -> Value {
    const ENDS: [i64; 8] = [0, 1, -1, 2, 4, i64::MAX, i64::MIN, u32::MAX as i64];
    match numbers.byte() {
        b't' => Value::Text(String::from_utf8_lossy(numbers.bytes(8)).into_owned()),
        b'n' => Value::Integer(ENDS[usize::from(numbers.byte()) % ENDS.len()]),
        b'z' => Value::Blob(vec![0; numbers.below(1 << 17)]),
        length => Value::Blob(numbers.bytes(usize::from(length)).to_vec()),
    }
}

fn flip(value: &mut Value, numbers: &mut Numbers<'_>) {
    match value {
        Value::Blob(bytes) if !bytes.is_empty() => {
            let at = numbers.below(bytes.len());
            bytes[at] ^= numbers.byte().max(1);
        }
        Value::Integer(number) => *number ^= 1 << (numbers.byte() % 64),
        _ => {}
    }
}
