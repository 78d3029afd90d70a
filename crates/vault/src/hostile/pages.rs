//! Pages edited so that SQLite itself is lied to: a lookup and a scan see different rows, types are others, pages lead elsewhere.

use std::{collections::BTreeSet, fs};

use super::flips::{Outcomes, Small};
use crate::{
    VaultError,
    scratch::{Scratch, read},
};

const PAGE: usize = 4096;

/// A page of a tree, as it lies in the file (SQLite's file format, section 1.6).
struct Page<'b> {
    /// Where its own header begins.
    at: usize,
    kind: u8,
    bytes: &'b [u8],
}

impl<'b> Page<'b> {
    fn all(bytes: &'b [u8]) -> Vec<Self> {
        let starts = (0..bytes.len()).step_by(PAGE).map(|start| if start == 0 { 100 } else { start });
        let pages = starts.map(|at| Self { at, kind: bytes[at], bytes });
        pages.filter(|page| matches!(page.kind, 2 | 5 | 10 | 13)).collect()
    }

    fn is_interior(&self) -> bool {
        matches!(self.kind, 2 | 5)
    }

    fn cells(&self) -> usize {
        usize::from(u16::from_be_bytes([self.bytes[self.at + 3], self.bytes[self.at + 4]]))
    }

    /// Where the place of a cell stands.
    fn pointer(&self, cell: usize) -> usize {
        self.at + if self.is_interior() { 12 } else { 8 } + 2 * cell
    }

    fn cell(&self, cell: usize) -> [u8; 2] {
        let at = self.pointer(cell);
        [self.bytes[at], self.bytes[at + 1]]
    }

    /// Where the numbers of the pages below stand.
    fn children(&self) -> Vec<usize> {
        if !self.is_interior() {
            return Vec::new();
        }
        let start = self.at / PAGE * PAGE;
        let cells = (0..self.cells()).map(|cell| start + usize::from(u16::from_be_bytes(self.cell(cell))));
        cells.chain([self.at + 8]).collect()
    }
}

/// One edit of the file: bytes at places.
type Edit = Vec<(usize, Vec<u8>)>;

fn outcomes(small: &Small, edits: &[Edit]) -> Outcomes {
    small.try_all_in_parallel(edits.len(), |copy, number| {
        copy.restore(small);
        for (at, bytes) in &edits[number] {
            copy.write(*at, bytes);
        }
    })
}

/// Every cell hidden, doubled or in another's place, on every page of every table.
#[test]
fn hostile_a07_rows_hidden_swapped_or_doubled_in_the_index() {
    let small = Small::with(24);
    let bytes = small.bytes.clone();
    let mut edits: Vec<Edit> = Vec::new();
    for page in Page::all(&bytes) {
        let cells = page.cells();
        for one in 0..cells {
            // the last one out of sight, the others one by one in its place
            let fewer = u16::try_from(cells - 1).expect("few").to_be_bytes().to_vec();
            edits.push(vec![(page.at + 3, fewer), (page.pointer(one), page.cell(cells - 1).to_vec())]);
            for other in (0..cells).filter(|other| *other != one) {
                edits.push(vec![(page.pointer(one), page.cell(other).to_vec())]);
                if one < other {
                    edits.push(vec![
                        (page.pointer(one), page.cell(other).to_vec()),
                        (page.pointer(other), page.cell(one).to_vec()),
                    ]);
                }
            }
        }
    }
    let outcomes = outcomes(&small, &edits);
    outcomes.show("edits of indexes", edits.len());
    assert_eq!(outcomes.identical, 0, "{outcomes:?}");
}

/// Every interior page made to lead to every page of the file, itself among them, and to none.
#[test]
fn hostile_a07_pages_that_lead_elsewhere() {
    let small = Small::with(24);
    let bytes = small.bytes.clone();
    let count = bytes.len() / PAGE;
    let mut edits: Vec<Edit> = Vec::new();
    for place in Page::all(&bytes).iter().flat_map(Page::children) {
        let targets = (0..=count as u32 + 1).chain([u32::MAX, 1 << 31]);
        let edit = |target: u32| vec![(place, target.to_be_bytes().to_vec())];
        edits.extend(targets.map(edit).filter(|edit| bytes[place..place + 4] != edit[0].1));
    }
    assert!(edits.len() > 50, "no interior page");
    // a page in the place of another: two of the same rows
    for one in 1..count {
        for other in (1..count).filter(|other| *other != one) {
            edits.push(vec![(one * PAGE, bytes[other * PAGE..(other + 1) * PAGE].to_vec())]);
        }
    }
    let outcomes = outcomes(&small, &edits);
    outcomes.show("edits of pages", edits.len());
    assert_eq!(outcomes.identical, 0, "{outcomes:?}");
}

/// The fields of the file's own header: sizes, encoding, lists of free pages, cookies.
#[test]
fn hostile_a13_every_field_of_the_files_header() {
    let small = Small::with(0);
    let bytes = small.bytes.clone();
    let mut edits: Vec<Edit> = Vec::new();
    for at in (16..100).step_by(2) {
        for value in [0u16, 1, 2, 3, 4, 0x0200, 0x1000, 0x2000, 0x8000, 0xffff] {
            edits.push(vec![(at, value.to_be_bytes().to_vec())]);
        }
    }
    let count = u32::try_from(bytes.len() / PAGE).expect("few");
    for at in (24..100).step_by(4) {
        for value in (0..=count + 1).chain([0x7fff_ffff, u32::MAX]) {
            edits.push(vec![(at, value.to_be_bytes().to_vec())]);
        }
    }
    edits.retain(|edit| edit.iter().any(|(at, new)| bytes[*at..*at + new.len()] != new[..]));
    let outcomes = outcomes(&small, &edits);
    outcomes.show("edits of the header", edits.len());
    // most fields are hints that SQLite itself passes over
    assert!(outcomes.refused > 50 && outcomes.noticed > 50, "{outcomes:?}");
}

/// Tables that are rooted in each other's pages.
#[test]
fn hostile_a13_tables_with_other_roots() {
    let tables = ["body", "header", "node", "record"];
    for one in tables {
        for other in tables.iter().filter(|other| **other != one) {
            let scratch = Scratch::furnished();
            scratch.tamper(&format!(
                "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET rootpage = \
                 (SELECT rootpage FROM sqlite_schema WHERE name = '{other}') WHERE name = '{one}'"
            ));
            let sound = scratch.open().and_then(|vault| {
                assert!(!vault.verify()?.is_sound(), "{one} in {other}");
                read(&vault, "one")
            });
            if let Ok(text) = sound {
                assert_eq!(text.as_deref(), Some("current"), "{one} in {other}");
            }
        }
    }
}

/// Columns of other types than the schema says, as pages can hold them.
#[test]
fn hostile_a13_values_of_other_types() {
    let edits = [
        "kind = 'one'",
        "seq = 0.5",
        "version = 1e300",
        "version = 'two'",
        "version = -version",
        "version = -9223372036854775808",
        "value_version = 9223372036854775807",
        "key = 'text'",
        "key = CAST(key AS TEXT)",
        "key = x''",
        "id = x'00'",
        "metadata = 7",
        "policy = NULL",
        "sealed = NULL",
        "public = char(0, 0, 0)",
        "metadata = zeroblob(5000000)",
    ];
    for edit in edits {
        let scratch = Scratch::furnished();
        let lax = "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(sql, ' STRICT,', ' ')";
        let loose = format!("{lax}; UPDATE sqlite_schema SET sql = replace(sql, ' NOT NULL', '')");
        let sql: String = {
            let file = rusqlite::Connection::open(scratch.location.database()).expect("open");
            file.query_row("SELECT sql FROM sqlite_schema WHERE name = 'record'", [], |row| row.get(0))
                .expect("sql")
        };
        scratch.tamper(&loose);
        scratch.tamper(&format!(
            "UPDATE record SET {edit} WHERE (key, kind) IN (SELECT key, kind FROM record WHERE kind = 1 LIMIT 1)"
        ));
        scratch.tamper(&format!(
            "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = '{sql}' WHERE name = 'record'; \
             UPDATE sqlite_schema SET sql = 'CREATE TABLE body (id BLOB NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (id, version)) STRICT, WITHOUT ROWID' WHERE name = 'body'; \
             UPDATE sqlite_schema SET sql = 'CREATE TABLE header (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID' WHERE name = 'header'; \
             UPDATE sqlite_schema SET sql = 'CREATE TABLE node (id INTEGER NOT NULL PRIMARY KEY, data BLOB NOT NULL) STRICT' WHERE name = 'node'"
        ));
        let vault = scratch.open().expect("the keyslot is sound");
        let error = vault.list().map(drop).expect_err(edit);
        assert!(matches!(error, VaultError::Damaged(_)), "{edit}: {error}");
        assert!(!vault.verify().expect("verify").is_sound(), "{edit}");
        // one of the two secrets is the edited one, the other may be as it was
        let kinds: BTreeSet<_> =
            ["one", "two"].map(|name| read(&vault, name).map_err(|error| error.kind()).err()).into();
        assert!(kinds.iter().flatten().all(|kind| *kind == "damaged"), "{edit}: {kinds:?}");
        assert!(kinds.contains(&Some("damaged")), "{edit}");
    }
}

/// A pile of rows that nobody sealed, where every unlock looks for its keyslot.
#[test]
fn hostile_a11_ten_thousand_keyslots() {
    let scratch = Scratch::furnished();
    for (kind, public) in [(4, "x'02' || randomblob(30)"), (4, "x'01'"), (9, "x''")] {
        scratch.tamper(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
             INSERT INTO record SELECT CAST(x'0000' || randomblob(16) AS BLOB), {kind}, 0, randomblob(16), 1, 1, \
             CAST({public} AS BLOB), x'', x'', zeroblob(112) FROM n"
        ));
    }
    let passphrase = crate::scratch::value("a passphrase");
    let error = crate::Vault::open(&scratch.location, &crate::Unlock::Passphrase(&passphrase)).map(drop);
    let error = error.expect_err("none of them opens");
    assert!(matches!(error.kind(), "keyslot" | "wrong_key"), "{error}");
    let error = scratch.open().map(drop).expect_err("not the rows that are vouched for");
    assert_eq!(error.kind(), "damaged");
    assert!(fs::metadata(scratch.location.database()).expect("file").len() > 1 << 20);
}
