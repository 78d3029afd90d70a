//! What a vault keeps beside its secrets: sealed documents of a few kinds (vault-format.md, section 6).
//!
//! All documents of a kind stand in one bucket, so that they are found without a scan and proven to be all there are. What is in
//! them is the business of whoever stores them; here they are bytes.

use zeroize::Zeroizing;

use crate::{
    Change, Location, RecordId, Vault, VaultError,
    entry::signed,
    keys::RoleKeys,
    seal::{Padding, Sealed, open, seal},
    store::{Mode, Row, Store},
    tree,
    vault::open_store,
};

/// The longest document, in bytes: 256 KiB. Whoever reads a secret of the same bucket reads it too.
pub const MAX_DOCUMENT_LEN: usize = 256 << 10;

const FIELD: &str = "document";

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DocumentKind {
    /// A connection to an external vault.
    Connection,
    /// A rule for the vault as a whole.
    Policy,
    /// A client certificate with its key.
    Certificate,
    /// A certificate authority that the user trusts.
    Authority,
    /// A preference of the user's for this vault.
    Preference,
    /// What a connection logs in with, where the user lets the vault keep it.
    Credential,
}

impl DocumentKind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Connection,
        Self::Policy,
        Self::Certificate,
        Self::Authority,
        Self::Preference,
        Self::Credential,
    ];

    /// The `kind` of its rows, and its bucket.
    const fn number(self) -> u8 {
        match self {
            Self::Connection => 5,
            Self::Policy => 9,
            Self::Certificate => 10,
            Self::Authority => 11,
            Self::Preference => 12,
            Self::Credential => 13,
        }
    }

    pub(crate) fn of(kind: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|known| i64::from(known.number()) == kind)
    }

    const fn table(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Policy => "policy",
            Self::Certificate => "certificate",
            Self::Authority => "authority",
            Self::Preference => "preference",
            Self::Credential => "credential",
        }
    }

    const fn prefix(self) -> [u8; 2] {
        [0, self.number() << 4]
    }

    fn key_of(self, id: RecordId) -> Vec<u8> {
        [self.prefix().as_slice(), id.as_bytes()].concat()
    }
}

/// One document, opened.
pub struct Document {
    /// Stays the same through every new version.
    pub id: RecordId,
    /// Counts its versions, from 1.
    pub version: u64,
    /// Documents of a kind come in the order in which they were first stored.
    pub position: u64,
    /// What it says.
    pub content: Zeroizing<Vec<u8>>,
}

impl Document {
    /// Opens a row that the tree has proven.
    pub(crate) fn open(keys: &RoleKeys, row: &Row) -> Result<Self, VaultError> {
        let damaged = VaultError::damaged;
        let kind = DocumentKind::of(row.kind).ok_or_else(|| damaged("a document is of no known kind"))?;
        let id = RecordId::from_slice(&row.id).ok_or_else(|| damaged("a record id is not 16 bytes"))?;
        if row.key != kind.key_of(id) {
            return Err(damaged("a document stands under the key of another"));
        }
        let number = |number: i64| u64::try_from(number).map_err(|_| damaged("a version is negative"));
        let (version, position) = (number(row.version)?, number(row.seq)?);
        let sealed = Sealed::from_slice(&row.sealed).ok_or(crate::Unsealable)?;
        let context = keys.context(kind.table(), &row.id, FIELD, version);
        let content = open(&keys.value, &context, Padding::Row, &sealed.head, sealed.body)?;
        Ok(Self { id, version, position, content })
    }

    pub(crate) fn seal(&self, keys: &RoleKeys, kind: DocumentKind) -> Result<Row, VaultError> {
        let context = keys.context(kind.table(), self.id.as_bytes(), FIELD, self.version);
        Ok(Row {
            key: kind.key_of(self.id),
            kind: i64::from(kind.number()),
            seq: signed(self.position)?,
            id: self.id.as_bytes().to_vec(),
            version: signed(self.version)?,
            value_version: signed(self.version)?,
            sealed: seal(&keys.value, &context, Padding::Row, &self.content)?.to_bytes(),
            ..Row::default()
        })
    }
}

fn of_kind(keys: &RoleKeys, rows: &[Row], kind: DocumentKind) -> Result<Vec<Document>, VaultError> {
    let rows = rows.iter().filter(|row| row.kind == i64::from(kind.number()));
    let mut documents = rows.map(|row| Document::open(keys, row)).collect::<Result<Vec<_>, _>>()?;
    documents.sort_unstable_by_key(|document| document.position);
    Ok(documents)
}

impl Vault {
    /// All documents of a kind, proven, in the order in which they were first stored.
    pub fn documents(&self, kind: DocumentKind) -> Result<Vec<Document>, VaultError> {
        let snapshot = self.read()?;
        let rows = snapshot.bucket(tree::bucket_of(&kind.prefix())?)?;
        of_kind(&self.keys, &rows, kind)
    }

    /// Whether the file of a closed vault seems to hold a document of one of these kinds.
    ///
    /// Nothing is proven: who can write the file can make this say yes, or no. It only saves opening a vault for
    /// documents that are not there, and may decide nothing else.
    pub fn seems_to_hold(location: &Location, kinds: &[DocumentKind]) -> Result<bool, VaultError> {
        if !location.exists() {
            return Ok(false);
        }
        let store = open_store(location)?;
        store.begin(Mode::Read)?;
        let found = kinds.iter().try_fold(false, |found, kind| {
            let (from, to) = tree::bucket_range(tree::bucket_of(&kind.prefix())?);
            let rows = store.rows(&from, to.as_ref().map(<[u8; 2]>::as_slice))?;
            Ok(found || rows.iter().any(|row| row.kind == i64::from(kind.number())))
        });
        store.roll_back();
        found
    }
}

impl Change<'_> {
    /// All documents of a kind, proven, as they will be.
    pub fn documents(&mut self, kind: DocumentKind) -> Result<Vec<Document>, VaultError> {
        let rows = self.bucket(&kind.prefix())?.clone();
        of_kind(self.snapshot.keys, &rows, kind)
    }

    /// Stores a document: a new one, or the next version of that with this id.
    ///
    /// # Errors
    /// [`VaultError::DocumentTooLarge`] above [`MAX_DOCUMENT_LEN`], [`VaultError::NoSuchDocument`] for an id that is not there.
    pub fn put_document(
        &mut self,
        kind: DocumentKind,
        id: Option<RecordId>,
        content: &[u8],
    ) -> Result<RecordId, VaultError> {
        if content.len() > MAX_DOCUMENT_LEN {
            return Err(VaultError::DocumentTooLarge { len: content.len() });
        }
        let known = self.documents(kind)?;
        let mut document = match id {
            Some(id) => {
                let there = known.into_iter().find(|document| document.id == id);
                let mut document = there.ok_or(VaultError::NoSuchDocument(id))?;
                document.version += 1;
                document
            }
            None => Document {
                id: RecordId::random()?,
                version: 1,
                position: known.last().map_or(0, |last| last.position + 1),
                content: Zeroizing::default(),
            },
        };
        document.content = Zeroizing::new(content.to_vec());
        let row = document.seal(self.snapshot.keys, kind)?;
        self.put(row)?;
        Ok(document.id)
    }

    /// Removes a document; earlier versions of it are not kept.
    ///
    /// # Errors
    /// [`VaultError::NoSuchDocument`].
    pub fn remove_document(&mut self, kind: DocumentKind, id: RecordId) -> Result<(), VaultError> {
        let is_it = |row: &&Row| row.kind == i64::from(kind.number());
        let row = self.rows(&kind.key_of(id))?.iter().find(is_it).cloned();
        self.delete(&row.ok_or(VaultError::NoSuchDocument(id))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        NewSlot,
        scratch::{Scratch, read, store},
    };

    fn texts(vault: &Vault, kind: DocumentKind) -> Vec<String> {
        let documents = vault.documents(kind).expect("documents");
        documents.iter().map(|one| String::from_utf8(one.content.to_vec()).expect("text")).collect()
    }

    fn put(vault: &mut Vault, kind: DocumentKind, id: Option<RecordId>, text: &str) -> RecordId {
        vault.change(|change| change.put_document(kind, id, text.as_bytes())).expect("put")
    }

    #[test]
    fn documents_are_kept_in_order_edited_and_removed() {
        let (scratch, mut vault) = Scratch::new();
        let kind = DocumentKind::Certificate;
        assert!(!Vault::seems_to_hold(&scratch.location, &DocumentKind::ALL).expect("look"));
        let ids: Vec<_> = (0..20).map(|number| put(&mut vault, kind, None, &format!("{number}"))).collect();
        put(&mut vault, kind, Some(ids[3]), "three");
        vault.change(|change| change.remove_document(kind, ids[0])).expect("remove");
        let mut expected: Vec<_> = (1..20).map(|number| number.to_string()).collect();
        expected[2] = "three".to_owned();
        assert_eq!(texts(&vault, kind), expected);
        assert!(texts(&vault, DocumentKind::Authority).is_empty());
        assert!(Vault::seems_to_hold(&scratch.location, &[kind]).expect("look"));
        assert!(!Vault::seems_to_hold(&scratch.location, &[DocumentKind::Policy]).expect("look"));
        let gone = vault.change(|change| change.remove_document(kind, ids[0]));
        assert_eq!(gone.expect_err("gone").kind(), "no_such_document");
        let report = vault.verify().expect("verify");
        assert!(report.is_sound(), "{:?}", report.problems);
    }

    #[test]
    fn a_new_root_key_keeps_documents() {
        let (scratch, mut vault) = Scratch::new();
        store(&mut vault, "a", "one");
        let id = put(&mut vault, DocumentKind::Policy, None, "first");
        put(&mut vault, DocumentKind::Policy, Some(id), "second");
        let slot = NewSlot::VaultKey { key: &scratch.key, label: "" };
        vault.rotate_root(&[(vault.slot(), slot)]).expect("rotate");
        assert_eq!(texts(&vault, DocumentKind::Policy), ["second"]);
        assert_eq!(read(&vault, "a").expect("read").as_deref(), Some("one"));
        assert!(vault.verify().expect("verify").is_sound());
    }

    #[test]
    fn a_document_has_a_longest_length() {
        let (_scratch, mut vault) = Scratch::new();
        let mut put = |len| {
            vault.change(|change| change.put_document(DocumentKind::Policy, None, &vec![b'x'; len]).map(drop))
        };
        assert!(put(MAX_DOCUMENT_LEN).is_ok());
        assert_eq!(put(MAX_DOCUMENT_LEN + 1).expect_err("too long").kind(), "document_too_large");
    }

    #[test]
    fn hostile_a7_a_document_that_was_removed_changed_or_moved_is_noticed() {
        for sql in [
            "DELETE FROM record WHERE kind = 9",
            "UPDATE record SET kind = 10 WHERE kind = 9",
            "UPDATE record SET seq = 7 WHERE kind = 9",
            "UPDATE record SET sealed = (SELECT sealed FROM record WHERE kind = 11) WHERE kind = 9",
        ] {
            let (scratch, mut vault) = Scratch::new();
            put(&mut vault, DocumentKind::Policy, None, "strict");
            put(&mut vault, DocumentKind::Authority, None, "other");
            drop(vault);
            scratch.tamper(sql);
            let vault = scratch.open().expect("keyslots are elsewhere");
            let answer = vault.documents(DocumentKind::Policy);
            assert_eq!(answer.err().expect(sql).kind(), "damaged", "{sql}");
            assert!(!vault.verify().expect("verify").is_sound(), "{sql}");
        }
    }
}
