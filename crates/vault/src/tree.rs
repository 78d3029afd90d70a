//! The keyed hash tree over all rows (vault-format.md, section 7). Hashing only; who reads and writes nodes is elsewhere.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{
    VaultError,
    role::{SealingKey, TreeKey},
    store::RowRef,
};

/// Buckets, each a leaf of the upper part.
pub(crate) const BUCKETS: u16 = 4096;
/// Children of a node.
pub(crate) const FAN: usize = 64;
/// A hash's length in bytes.
pub(crate) const HASH_LEN: usize = 32;
/// A node's length in bytes.
pub(crate) const NODE_LEN: usize = FAN * HASH_LEN;

/// A keyed SHA-256 hash.
pub(crate) type Hash = [u8; HASH_LEN];
/// What stands for a part with nothing in it.
pub(crate) const NOTHING: Hash = [0; HASH_LEN];

/// The bucket of a row's key, or an error where the key is too short to be one.
pub(crate) fn bucket_of(key: &[u8]) -> Result<u16, VaultError> {
    match key {
        [first, second, ..] => Ok(u16::from(*first) << 4 | u16::from(*second) >> 4),
        _ => Err(VaultError::damaged("a row has no proper key")),
    }
}

/// The keys of a bucket: from the first, inclusive, to the second, exclusive.
pub(crate) fn bucket_range(bucket: u16) -> ([u8; 2], Option<[u8; 2]>) {
    let start = |bucket: u16| (bucket << 4).to_be_bytes();
    (start(bucket), (bucket + 1 < BUCKETS).then(|| start(bucket + 1)))
}

/// The tree's hash functions under one key.
pub(crate) struct Tree {
    mac: Hmac<Sha256>,
}

impl Tree {
    pub fn new(key: &TreeKey) -> Self {
        Self { mac: Hmac::new_from_slice(key.expose_key()).expect("HMAC takes keys of any length") }
    }

    fn hash(&self, fields: &[&[u8]]) -> Hash {
        let mut mac = self.mac.clone();
        for field in fields {
            let length = u32::try_from(field.len()).expect("no field comes near 4 GiB");
            mac.update(&length.to_le_bytes());
            mac.update(field);
        }
        mac.finalize().into_bytes().into()
    }

    pub fn leaf(&self, row: RowRef<'_>) -> Hash {
        self.hash(&[
            b"leaf",
            row.key,
            &row.kind.to_le_bytes(),
            &row.seq.to_le_bytes(),
            row.id,
            &row.version.to_le_bytes(),
            &row.value_version.to_le_bytes(),
            row.public,
            row.metadata,
            row.policy,
            row.sealed,
        ])
    }

    /// The hash of a bucket from its leaves, in the order of their places.
    pub fn bucket(&self, bucket: u16, leaves: &[Hash]) -> Hash {
        if leaves.is_empty() {
            return NOTHING;
        }
        self.hash(&[b"bucket", &bucket.to_le_bytes(), leaves.as_flattened()])
    }

    pub fn group(&self, group: u16, node: &[u8]) -> Hash {
        self.numbered(b"group", group, node)
    }

    pub fn chunk(&self, chunk: u16, tags: &[u8]) -> Hash {
        self.numbered(b"recent", chunk, tags)
    }

    pub fn root(&self, node: &[u8]) -> Hash {
        self.hash(&[b"root", node])
    }

    pub fn recent(&self, node: &[u8]) -> Hash {
        self.hash(&[b"recent root", node])
    }

    fn numbered(&self, label: &[u8], number: u16, data: &[u8]) -> Hash {
        if is_nothing(data) {
            return NOTHING;
        }
        self.hash(&[label, &number.to_le_bytes(), data])
    }
}

/// Whether a node or chunk is all zero, in which case it is not stored.
pub(crate) fn is_nothing(data: &[u8]) -> bool {
    data.iter().all(|byte| *byte == 0)
}

/// The hash at one place of a node.
pub(crate) fn child(node: &[u8], index: usize) -> &[u8] {
    &node[index * HASH_LEN..(index + 1) * HASH_LEN]
}

/// The whole tree, built from rows that come in the order of their places.
pub(crate) struct Builder<'t> {
    tree: &'t Tree,
    nodes: Vec<u8>,
    current: Option<u16>,
    leaves: Vec<Hash>,
}

impl<'t> Builder<'t> {
    pub fn new(tree: &'t Tree) -> Self {
        Self { tree, nodes: vec![0; usize::from(BUCKETS) * HASH_LEN], current: None, leaves: Vec::new() }
    }

    pub fn push(&mut self, row: RowRef<'_>) -> Result<(), VaultError> {
        self.push_leaf(bucket_of(row.key)?, self.tree.leaf(row));
        Ok(())
    }

    /// The same where the leaf is known already.
    pub fn push_leaf(&mut self, bucket: u16, leaf: Hash) {
        if self.current != Some(bucket) {
            self.close_bucket();
            self.current = Some(bucket);
        }
        self.leaves.push(leaf);
    }

    fn close_bucket(&mut self) {
        if let Some(bucket) = self.current.take() {
            let at = usize::from(bucket) * HASH_LEN;
            let hash = self.tree.bucket(bucket, &self.leaves);
            self.nodes[at..at + HASH_LEN].copy_from_slice(&hash);
            self.leaves.clear();
        }
    }

    /// Root node and groups.
    pub fn finish(mut self) -> (Vec<u8>, Vec<Vec<u8>>) {
        self.close_bucket();
        let groups: Vec<Vec<u8>> = self.nodes.chunks(NODE_LEN).map(<[u8]>::to_vec).collect();
        let root = (0..).zip(&groups).flat_map(|(number, group)| self.tree.group(number, group)).collect();
        (root, groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Epoch, RootKey, VaultId, store::Row};

    fn tree() -> Tree {
        let root = RootKey::from_slice(&[3; 32]).expect("32 bytes");
        Tree::new(&TreeKey::derive(&root, &VaultId::from_bytes([4; 16]), Epoch(1)))
    }

    fn row(first: u8, second: u8) -> Row {
        Row {
            key: vec![first, second, 0],
            kind: 1,
            seq: 0,
            id: vec![1; 16],
            version: 1,
            value_version: 1,
            public: vec![],
            metadata: vec![2; 8],
            policy: vec![3; 8],
            sealed: vec![4; 8],
        }
    }

    #[test]
    fn buckets_cover_every_key_once() {
        assert_eq!(bucket_of(&[0, 0x0f]).expect("key"), 0);
        assert_eq!(bucket_of(&[0, 0x10]).expect("key"), 1);
        assert_eq!(bucket_of(&[0xff, 0xff]).expect("key"), 4095);
        assert!(bucket_of(&[1]).is_err());
        for bucket in [0, 1, 2047, 4095] {
            let (from, to) = bucket_range(bucket);
            assert_eq!(bucket_of(&from).expect("key"), bucket);
            if let Some(to) = to {
                assert_eq!(bucket_of(&to).expect("key"), bucket + 1);
            }
        }
    }

    #[test]
    fn every_column_is_part_of_the_leaf() {
        let tree = tree();
        let base = tree.leaf(row(1, 2).borrowed());
        let changes: [fn(&mut Row); 10] = [
            |row| row.key[2] ^= 1,
            |row| row.kind += 1,
            |row| row.seq += 1,
            |row| row.id[0] ^= 1,
            |row| row.version += 1,
            |row| row.value_version += 1,
            |row| row.public.push(0),
            |row| row.metadata[0] ^= 1,
            |row| row.policy[0] ^= 1,
            |row| row.sealed[0] ^= 1,
        ];
        for change in changes {
            let mut other = row(1, 2);
            change(&mut other);
            assert_ne!(tree.leaf(other.borrowed()), base);
        }
    }

    #[test]
    fn order_number_and_place_are_part_of_the_hashes() {
        let tree = tree();
        let (one, two) = (tree.leaf(row(1, 2).borrowed()), tree.leaf(row(1, 3).borrowed()));
        assert_ne!(tree.bucket(16, &[one, two]), tree.bucket(16, &[two, one]));
        assert_ne!(tree.bucket(16, &[one, two]), tree.bucket(16, &[one]));
        assert_ne!(tree.bucket(16, &[one]), tree.bucket(17, &[one]));
        assert_eq!(tree.bucket(16, &[]), NOTHING);
        let node = [vec![0; 32], vec![1; 32]].concat();
        assert_ne!(tree.group(1, &node), tree.group(2, &node));
        assert_ne!(tree.group(1, &node), tree.chunk(1, &node));
        assert_eq!(tree.group(1, &[0; NODE_LEN]), NOTHING);
    }

    #[test]
    fn the_builder_agrees_with_hashing_by_hand() {
        let tree = tree();
        let rows = [row(0, 0x20), row(0, 0x21), row(0xff, 0xff)];
        let mut builder = Builder::new(&tree);
        for row in &rows {
            builder.push(row.borrowed()).expect("push");
        }
        let (root, groups) = builder.finish();
        assert_eq!(
            child(&groups[0], 2),
            tree.bucket(2, &[tree.leaf(rows[0].borrowed()), tree.leaf(rows[1].borrowed())])
        );
        assert_eq!(child(&groups[63], 63), tree.bucket(4095, &[tree.leaf(rows[2].borrowed())]));
        assert_eq!(child(&root, 63), tree.group(63, &groups[63]));
        assert_eq!(child(&root, 1), NOTHING);
    }
}
