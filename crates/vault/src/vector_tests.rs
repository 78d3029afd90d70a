//! The language-neutral vectors of what is private to this crate. They were made by another implementation, from the
//! specification.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use subrosa_secret::SecretValue;

use crate::{
    AuditKey, Context, Epoch, ManifestKey, MetadataKey, NameKey, Padding, PolicyKey, RecoveryKey, RootKey,
    SealingKey, SlotId, TreeKey, Unlock, ValueKey, VaultId, VaultKey, open,
    seal::seal_with,
    slot::open_any,
    store::Row,
    tree::{Builder, Tree, is_nothing},
};

#[derive(Clone)]
struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        HEXLOWER.decode(text.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Hex {
    fn sized<const N: usize>(&self) -> [u8; N] {
        self.0.as_slice().try_into().expect("length")
    }

    fn vault(&self) -> VaultId {
        VaultId::from_bytes(self.sized())
    }
}

#[derive(Deserialize)]
struct File<T> {
    vectors: Vec<T>,
}

fn vectors<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = format!("{}/../../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    serde_json::from_str::<File<T>>(&text).expect(&path).vectors
}

#[derive(Deserialize)]
struct RoleVector {
    root: Hex,
    vault: Hex,
    epoch: u32,
    keys: std::collections::BTreeMap<String, Hex>,
}

#[test]
fn role_keys() {
    for vector in vectors::<RoleVector>("role-key/valid.json") {
        let root = RootKey::from_slice(&vector.root.0).expect("32 bytes");
        let (vault, epoch) = (vector.vault.vault(), Epoch(vector.epoch));
        let derived: [(&str, [u8; 32]); 7] = [
            ("name", *NameKey::derive(&root, &vault, epoch).expose_key()),
            ("metadata", *MetadataKey::derive(&root, &vault, epoch).expose_key()),
            ("policy", *PolicyKey::derive(&root, &vault, epoch).expose_key()),
            ("value", *ValueKey::derive(&root, &vault, epoch).expose_key()),
            ("tree", *TreeKey::derive(&root, &vault, epoch).expose_key()),
            ("manifest", *ManifestKey::derive(&root, &vault, epoch).expose_key()),
            ("audit", *AuditKey::derive(&root, &vault, epoch).expose_key()),
        ];
        for (role, key) in derived {
            assert_eq!(vector.keys[role].0, key, "{role}");
        }
    }
}

/// A key that stands in no role.
struct BareKey([u8; 32]);

impl SealingKey for BareKey {
    fn expose_key(&self) -> &[u8; 32] {
        &self.0
    }
}

#[derive(Deserialize)]
struct PlaceVector {
    vault: Hex,
    table: String,
    record: Hex,
    field: String,
    version: u64,
    epoch: u32,
}

#[derive(Deserialize)]
struct SealVector {
    key: Hex,
    context: PlaceVector,
    context_bytes: Option<Hex>,
    padding: String,
    random: Option<Hex>,
    plain: Option<Hex>,
    head: Hex,
    ciphertext: Hex,
    comment: Option<String>,
}

impl SealVector {
    fn padding(&self) -> Padding {
        match self.padding.as_str() {
            "row" => Padding::Row,
            "value" => Padding::Value,
            "none" => Padding::None,
            other => panic!("no such padding: {other}"),
        }
    }

    fn with_context<T>(&self, run: impl FnOnce(&BareKey, &Context<'_>) -> T) -> T {
        let PlaceVector { vault, table, record, field, version, epoch } = &self.context;
        let vault = vault.vault();
        let context = Context {
            vault: &vault,
            table,
            record: &record.0,
            field,
            version: *version,
            epoch: Epoch(*epoch),
        };
        run(&BareKey(self.key.sized()), &context)
    }
}

#[test]
fn seals() {
    let all = vectors::<SealVector>("seal/valid.json");
    assert!(all.len() >= 10);
    for vector in all {
        let (random, plain) = (vector.random.clone().expect("random"), vector.plain.clone().expect("plain"));
        vector.with_context(|key, context| {
            assert_eq!(Some(context.encode()), vector.context_bytes.clone().map(|bytes| bytes.0));
            let sealed = seal_with(key, context, vector.padding(), &plain.0, &random.sized());
            assert_eq!(
                (sealed.head.as_slice(), &sealed.body),
                (vector.head.0.as_slice(), &vector.ciphertext.0)
            );
            let opened = open(key, context, vector.padding(), &sealed.head, sealed.body).expect("opens");
            assert_eq!(*opened, plain.0);
        });
    }
}

#[test]
fn seals_that_do_not_open() {
    let all = vectors::<SealVector>("seal/invalid.json");
    assert!(all.len() >= 20);
    for vector in all {
        vector.with_context(|key, context| {
            let opened =
                open(key, context, vector.padding(), &vector.head.sized(), vector.ciphertext.0.clone());
            assert!(opened.is_err(), "{:?}", vector.comment);
        });
    }
}

#[derive(Deserialize)]
struct SlotVector {
    vault: Hex,
    epoch: u32,
    slot: Hex,
    kind: String,
    secret: String,
    public: Hex,
    wrapped: Hex,
    root: Option<Hex>,
    failure: Option<String>,
    comment: Option<String>,
}

impl SlotVector {
    fn open(&self) -> Result<RootKey, crate::SlotError> {
        let with = |unlock: &Unlock<'_>| {
            let slot =
                (SlotId::from_bytes(self.slot.sized()), self.public.0.as_slice(), self.wrapped.0.as_slice());
            open_any([slot], &self.vault.vault(), Epoch(self.epoch), unlock).map(|(_, root)| root)
        };
        match self.kind.as_str() {
            "vault" => with(&Unlock::VaultKey(&VaultKey::parse(&self.secret).expect("key"))),
            "recovery" => with(&Unlock::Recovery(&RecoveryKey::parse(&self.secret).expect("key"))),
            "passphrase" => {
                let passphrase = SecretValue::new(self.secret.clone().into()).expect("short");
                with(&Unlock::Passphrase(&passphrase))
            }
            other => panic!("no such kind: {other}"),
        }
    }
}

#[test]
fn keyslots() {
    let all = vectors::<SlotVector>("keyslot/valid.json");
    assert!(all.len() >= 5);
    for vector in all {
        let root = vector.open().expect("opens");
        assert_eq!(Some(root.expose_key().as_slice()), vector.root.as_ref().map(|root| root.0.as_slice()));
    }
}

#[test]
fn keyslots_that_do_not_open() {
    let all = vectors::<SlotVector>("keyslot/invalid.json");
    assert!(all.len() >= 20);
    for vector in all {
        let error = vector.open().map(drop).expect_err(vector.comment.as_deref().unwrap_or_default());
        assert_eq!(Some(error.kind().replace('_', "-")), vector.failure, "{:?}", vector.comment);
    }
}

#[derive(Deserialize)]
struct RowVector {
    key: Hex,
    kind: i64,
    seq: i64,
    id: Hex,
    version: i64,
    value_version: i64,
    public: Hex,
    metadata: Hex,
    policy: Hex,
    sealed: Hex,
}

#[derive(Deserialize)]
struct TreeVector {
    root_key: Hex,
    vault: Hex,
    epoch: u32,
    rows: Vec<RowVector>,
    leaf_of_first: Option<Hex>,
    groups: std::collections::BTreeMap<usize, Hex>,
    root_node_sha256: Hex,
    root: Hex,
    comment: String,
}

#[test]
fn trees() {
    let all = vectors::<TreeVector>("tree/valid.json");
    assert!(all.len() >= 5);
    for vector in all {
        let root = RootKey::from_slice(&vector.root_key.0).expect("32 bytes");
        let tree = Tree::new(&TreeKey::derive(&root, &vector.vault.vault(), Epoch(vector.epoch)));
        let rows: Vec<Row> = vector
            .rows
            .iter()
            .map(|row| Row {
                key: row.key.0.clone(),
                kind: row.kind,
                seq: row.seq,
                id: row.id.0.clone(),
                version: row.version,
                value_version: row.value_version,
                public: row.public.0.clone(),
                metadata: row.metadata.0.clone(),
                policy: row.policy.0.clone(),
                sealed: row.sealed.0.clone(),
            })
            .collect();
        let first = rows.first().map(|row| tree.leaf(row.borrowed()).to_vec());
        assert_eq!(first, vector.leaf_of_first.map(|leaf| leaf.0), "{}", vector.comment);
        let mut builder = Builder::new(&tree);
        rows.iter().for_each(|row| builder.push(row.borrowed()).expect("a proper key"));
        let (root, groups) = builder.finish();
        for (number, group) in groups.iter().enumerate() {
            let expected = vector.groups.get(&number).map(|digest| digest.0.clone());
            let found = (!is_nothing(group)).then(|| Sha256::digest(group).to_vec());
            assert_eq!(found, expected, "{}: group {number}", vector.comment);
        }
        assert_eq!(Sha256::digest(&root).to_vec(), vector.root_node_sha256.0, "{}", vector.comment);
        assert_eq!(tree.root(&root).as_slice(), vector.root.0, "{}", vector.comment);
    }
}
