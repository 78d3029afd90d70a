//! The one seam between the vault and whatever keeps its rows.
//!
//! A store holds rows of sealed or public bytes and knows nothing of keys. Statements behind it stay portable, so that a
//! shared SQL engine can stand here one day; nothing that it answers is believed before the hash tree has proven it.

use crate::VaultError;

/// What a row of `record` is (vault-format.md, section 6).
pub(crate) mod kind {
    /// The current state of a secret.
    pub const SECRET: i64 = 1;
    /// An earlier value.
    pub const HISTORY: i64 = 2;
    /// A deleted secret.
    pub const TOMBSTONE: i64 = 3;
    /// A keyslot.
    pub const KEYSLOT: i64 = 4;
}

/// A row of `record`, every column of which is part of its leaf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub key: Vec<u8>,
    pub kind: i64,
    pub seq: i64,
    pub id: Vec<u8>,
    pub version: i64,
    pub value_version: i64,
    pub public: Vec<u8>,
    pub metadata: Vec<u8>,
    pub policy: Vec<u8>,
    pub sealed: Vec<u8>,
}

impl Row {
    /// The primary key.
    pub fn place(&self) -> (&[u8], i64, i64) {
        (&self.key, self.kind, self.seq)
    }

    /// The same without owning it.
    pub fn borrowed(&self) -> RowRef<'_> {
        let Self { key, kind, seq, id, version, value_version, public, metadata, policy, sealed } = self;
        let (kind, seq, version, value_version) = (*kind, *seq, *version, *value_version);
        RowRef { key, kind, seq, id, version, value_version, public, metadata, policy, sealed }
    }

    /// Becomes a copy of another row, in the memory that it has.
    pub fn assign(&mut self, row: RowRef<'_>) {
        (self.kind, self.seq) = (row.kind, row.seq);
        (self.version, self.value_version) = (row.version, row.value_version);
        for (mine, theirs) in [
            (&mut self.key, row.key),
            (&mut self.id, row.id),
            (&mut self.public, row.public),
            (&mut self.metadata, row.metadata),
            (&mut self.policy, row.policy),
            (&mut self.sealed, row.sealed),
        ] {
            mine.clear();
            mine.extend_from_slice(theirs);
        }
    }
}

/// A row as the store shows it while it is read.
#[derive(Clone, Copy)]
pub(crate) struct RowRef<'r> {
    pub key: &'r [u8],
    pub kind: i64,
    pub seq: i64,
    pub id: &'r [u8],
    pub version: i64,
    pub value_version: i64,
    pub public: &'r [u8],
    pub metadata: &'r [u8],
    pub policy: &'r [u8],
    pub sealed: &'r [u8],
}

impl From<RowRef<'_>> for Row {
    fn from(row: RowRef<'_>) -> Self {
        let mut owned = Self::default();
        owned.assign(row);
        owned
    }
}

/// How a transaction will be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One consistent snapshot, nothing written.
    Read,
    /// The write lock is taken at once.
    Write,
}

/// What is done with each row of a walk.
pub(crate) type EachRow<'e> = dyn FnMut(RowRef<'_>) -> Result<(), VaultError> + 'e;
/// The same with the body of the row's value, where it has one.
pub(crate) type EachRowWithBody<'e> = dyn FnMut(RowRef<'_>, Option<&[u8]>) -> Result<(), VaultError> + 'e;

/// Rows, bodies, nodes and header values in transactions.
pub(crate) trait Store {
    fn begin(&self, mode: Mode) -> Result<(), VaultError>;
    fn commit(&self) -> Result<(), VaultError>;
    fn roll_back(&self);

    /// Compares the schema with that of the format, unless the file says that it is of a greater one.
    fn check_schema(&self) -> Result<(), VaultError>;

    fn header(&self) -> Result<Vec<(String, Vec<u8>)>, VaultError>;
    fn put_header(&self, name: &str, value: &[u8]) -> Result<(), VaultError>;

    fn node(&self, id: i64) -> Result<Option<Vec<u8>>, VaultError>;
    fn node_ids(&self) -> Result<Vec<i64>, VaultError>;
    /// Stores a node; `None` removes it.
    fn put_node(&self, id: i64, data: Option<&[u8]>) -> Result<(), VaultError>;

    /// The rows with `from <= key`, and `key < to` where there is a `to`, in the order of their places.
    fn rows(&self, from: &[u8], to: Option<&[u8]>) -> Result<Vec<Row>, VaultError>;
    /// Calls `each` with every row, in the order of their places.
    fn each_row(&self, each: &mut EachRow<'_>) -> Result<(), VaultError>;
    /// The same, and of rows of `kind` also the body.
    fn each_row_with_body(&self, kind: i64, each: &mut EachRowWithBody<'_>) -> Result<(), VaultError>;
    /// Stores a row where there is none, which is an error otherwise.
    fn insert_row(&self, row: &Row) -> Result<(), VaultError>;
    fn put_row(&self, row: &Row) -> Result<(), VaultError>;
    fn delete_row(&self, row: &Row) -> Result<(), VaultError>;

    fn body(&self, id: &[u8], version: i64) -> Result<Option<Vec<u8>>, VaultError>;
    fn body_places(&self) -> Result<Vec<(Vec<u8>, i64)>, VaultError>;
    /// Stores a body where there is none, which is an error otherwise.
    fn insert_body(&self, id: &[u8], version: i64, body: &[u8]) -> Result<(), VaultError>;
    fn put_body(&self, id: &[u8], version: i64, body: &[u8]) -> Result<(), VaultError>;
    fn delete_body(&self, id: &[u8], version: i64) -> Result<(), VaultError>;

    /// The engine's own check of its file: a line a finding.
    fn check_engine(&self) -> Result<Vec<String>, VaultError>;
    /// Writes a compact consistent copy to a path where there is no file.
    fn copy_to(&self, path: &std::path::Path) -> Result<(), VaultError>;
    /// Rewrites the file so that nothing deleted is left in it.
    fn compact(&self) -> Result<(), VaultError>;
}
