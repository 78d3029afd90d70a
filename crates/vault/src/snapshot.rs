//! Reading with proof: what comes out of a snapshot is what the manifest says (vault-format.md, sections 7 and 9).

use std::{cell::RefCell, collections::BTreeMap};

use crate::{
    FORMAT, Pin, SUITE, Tag, VaultError, VaultId,
    entry::signed,
    keys::RoleKeys,
    manifest::{Manifest, TAG_LEN},
    role::Epoch,
    store::{EachRow, Mode, Row, Store},
    tree::{self, Builder, FAN, NODE_LEN},
};

/// How many earlier generations the manifest vouches for.
pub(crate) const RECENT: u64 = 4096;
/// The node of the chunks of recent tags; chunk c is node `CHUNK + c`.
pub(crate) const RECENT_ROOT: i64 = 65;
pub(crate) const CHUNK: i64 = 66;
pub(crate) const CHUNK_LEN: usize = FAN * TAG_LEN;

/// The rows of `header`, checked for form only.
pub(crate) struct Preamble {
    pub vault: VaultId,
    pub epoch: Epoch,
    pub generation: u64,
    pub manifest: Vec<u8>,
}

impl Preamble {
    /// Reads the header of a store whose transaction has begun; format and suite are judged before all else.
    pub fn read(store: &dyn Store) -> Result<Self, VaultError> {
        store.check_schema()?;
        let rows = store.header()?;
        // counted before the names are: pages that were edited can hold a name twice
        let count = rows.len();
        let mut rows: BTreeMap<String, Vec<u8>> = rows.into_iter().collect();
        let mut take = |name: &str| {
            rows.remove(name).ok_or_else(|| VaultError::damaged(format!("its header has no {name}")))
        };
        let format = u32::from_le_bytes(sized(&take("format")?)?);
        let suite = u16::from_le_bytes(sized(&take("suite")?)?);
        if format != FORMAT || suite != SUITE {
            return Err(VaultError::NeedsNewer { format, suite });
        }
        let preamble = Self {
            vault: VaultId::from_bytes(sized(&take("vault")?)?),
            epoch: Epoch(u32::from_le_bytes(sized(&take("epoch")?)?)),
            generation: u64::from_le_bytes(sized(&take("generation")?)?),
            manifest: take("manifest")?,
        };
        if count == 6 {
            Ok(preamble)
        } else {
            Err(VaultError::damaged("its header has rows of no known name"))
        }
    }
}

fn sized<const N: usize>(bytes: &[u8]) -> Result<[u8; N], VaultError> {
    bytes.try_into().map_err(|_| VaultError::damaged("a value of its header has the wrong length"))
}

/// One read transaction, or the reading half of a write.
pub(crate) struct Snapshot<'v> {
    pub store: &'v dyn Store,
    pub keys: &'v RoleKeys,
    pub manifest: Manifest,
    pub tag: Tag,
    nodes: RefCell<BTreeMap<i64, Vec<u8>>>,
    open: bool,
}

impl<'v> Snapshot<'v> {
    /// Begins a transaction and opens the manifest.
    pub fn begin(store: &'v dyn Store, keys: &'v RoleKeys, mode: Mode) -> Result<Self, VaultError> {
        store.begin(mode)?;
        Self::in_transaction(store, keys).inspect_err(|_| store.roll_back())
    }

    fn in_transaction(store: &'v dyn Store, keys: &'v RoleKeys) -> Result<Self, VaultError> {
        let preamble = Preamble::read(store)?;
        if preamble.vault != keys.vault {
            return Err(VaultError::damaged("its file was replaced by another vault's"));
        }
        if preamble.epoch.0 > keys.epoch.0 {
            return Err(VaultError::Rekeyed);
        }
        if preamble.epoch != keys.epoch {
            // an old file was put back, or the header was edited
            return Err(VaultError::WrongKey);
        }
        let (manifest, tag) = Manifest::open(keys, preamble.generation, &preamble.manifest)?;
        Ok(Self { store, keys, manifest, tag, nodes: RefCell::default(), open: true })
    }

    /// Refuses a file that is not the pinned one or a successor of it.
    pub fn check_pin(&self, pin: Option<&Pin>) -> Result<(), VaultError> {
        let Some(pin) = pin else { return Ok(()) };
        let found = self.manifest.generation;
        let refused = Err(VaultError::RolledBack { pinned: pin.generation, found });
        if pin.generation > found || found - pin.generation > RECENT {
            return refused;
        }
        let expected = if pin.generation == found { self.tag } else { self.recent_tag(pin.generation)? };
        if expected == pin.tag { Ok(()) } else { refused }
    }

    /// The proven tag of one of the recent generations.
    fn recent_tag(&self, generation: u64) -> Result<Tag, VaultError> {
        let (chunk, place) = recent_place(generation);
        let tags = self.chunk(chunk)?;
        Ok(tags[place..place + TAG_LEN].try_into().expect("a tag's length"))
    }

    /// The proven chunk hashes.
    pub fn recent_root(&self) -> Result<Vec<u8>, VaultError> {
        self.node(RECENT_ROOT, NODE_LEN, |node| self.keys.tree.recent(node) == self.manifest.recent)
    }

    /// A proven chunk of tags.
    pub fn chunk(&self, chunk: u16) -> Result<Vec<u8>, VaultError> {
        let root = self.recent_root()?;
        self.node(CHUNK + i64::from(chunk), CHUNK_LEN, |node| {
            self.keys.tree.chunk(chunk, node) == tree::child(&root, usize::from(chunk))
        })
    }

    /// The proven root node.
    pub fn root(&self) -> Result<Vec<u8>, VaultError> {
        self.node(0, NODE_LEN, |node| self.keys.tree.root(node) == self.manifest.tree)
    }

    /// A proven group.
    pub fn group(&self, group: u16) -> Result<Vec<u8>, VaultError> {
        let root = self.root()?;
        self.node(1 + i64::from(group), NODE_LEN, |node| {
            self.keys.tree.group(group, node) == tree::child(&root, usize::from(group))
        })
    }

    fn node(
        &self,
        id: i64,
        length: usize,
        proven: impl FnOnce(&[u8]) -> bool,
    ) -> Result<Vec<u8>, VaultError> {
        if let Some(node) = self.nodes.borrow().get(&id) {
            return Ok(node.clone());
        }
        let node = self.store.node(id)?.unwrap_or_else(|| vec![0; length]);
        if node.len() != length || !proven(&node) {
            return Err(VaultError::damaged("its hash tree is broken"));
        }
        self.nodes.borrow_mut().insert(id, node.clone());
        Ok(node)
    }

    /// All rows of a bucket, proven to be all there are.
    pub fn bucket(&self, bucket: u16) -> Result<Vec<Row>, VaultError> {
        let group = self.group(bucket / FAN as u16)?;
        self.bucket_with(bucket, tree::child(&group, usize::from(bucket) % FAN))
    }

    /// The same where its hash is known from elsewhere.
    pub fn bucket_with(&self, bucket: u16, hash: &[u8]) -> Result<Vec<Row>, VaultError> {
        let (from, to) = tree::bucket_range(bucket);
        let rows = self.store.rows(&from, to.as_ref().map(<[u8; 2]>::as_slice))?;
        let leaves: Vec<_> = rows.iter().map(|row| self.keys.tree.leaf(row.borrowed())).collect();
        if self.keys.tree.bucket(bucket, &leaves) != hash {
            return Err(VaultError::damaged("rows were changed, removed or added outside subrosa"));
        }
        Ok(rows)
    }

    /// The proven rows with one key, none being proven absence.
    pub fn rows_of(&self, key: &[u8]) -> Result<Vec<Row>, VaultError> {
        let mut rows = self.bucket(tree::bucket_of(key)?)?;
        rows.retain(|row| row.key == key);
        Ok(rows)
    }

    /// Calls `each` with every row, then proves that they were all there are: nothing may be believed before this returns.
    pub fn each_row(&self, each: &mut EachRow<'_>) -> Result<(), VaultError> {
        let mut builder = Builder::new(&self.keys.tree);
        let mut count = 0u64;
        self.store.each_row(&mut |row| {
            count += 1;
            builder.push(row)?;
            each(row)
        })?;
        self.check_all(builder, count)
    }

    /// Whether the rows that a builder was given are all that the manifest vouches for.
    pub fn check_all(&self, builder: Builder<'_>, count: u64) -> Result<(), VaultError> {
        let (root, _) = builder.finish();
        if self.keys.tree.root(&root) != self.manifest.tree || count != self.manifest.records {
            return Err(VaultError::damaged("rows were changed, removed or added outside subrosa"));
        }
        Ok(())
    }

    /// Ends the transaction for good: the caller commits.
    pub fn into_commit(mut self) -> Result<(), VaultError> {
        self.open = false;
        self.store.commit().inspect_err(|_| self.store.roll_back())
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        if self.open {
            self.store.roll_back();
        }
    }
}

/// The chunk that holds a generation's tag, and where in it the tag begins.
pub(crate) fn recent_place(generation: u64) -> (u16, usize) {
    let position = generation % RECENT;
    let fan = FAN as u64;
    ((position / fan) as u16, (position % fan) as usize * TAG_LEN)
}

/// A generation as SQL and contexts have it, refused before it can overflow.
pub(crate) fn next_generation(generation: u64) -> Result<u64, VaultError> {
    let next =
        generation.checked_add(1).ok_or_else(|| VaultError::damaged("its generation is out of range"))?;
    signed(next).map(|_| next)
}
