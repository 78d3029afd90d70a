//! For tests: secrets of every shape, and a derivation that costs little.

use serde_json::{Value, json};
use subrosa_secret::{Access, HostRule, Name, Policy, SecretValue};
use subrosa_vault::{Kdf, KdfParams, Passphrase};

use crate::{Contents, Earlier, Item, Items, Link, Place};

pub(super) const PASSPHRASE: &str = "made up for tests";

pub(super) fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.as_bytes()).expect("a passphrase")
}

/// The least that is accepted from a file: weaker than what is written.
pub(super) fn cheap() -> Kdf {
    Kdf::from_parts(KdfParams::accept(19 << 10, 2, 1).expect("accepted"), [7; 16])
}

/// An export of `items` that opens quickly.
pub(super) fn sealed(items: &[Item]) -> Vec<u8> {
    sealed_under(items, PASSPHRASE)
}

/// The same under another passphrase.
pub(super) fn sealed_under(items: &[Item], text: &str) -> Vec<u8> {
    let items = Items::of(items).expect("few");
    let file = super::seal_with(&items, &passphrase(text), cheap()).expect("sealed");
    file.to_bytes().expect("written").to_vec()
}

/// The same in plain text.
pub(super) fn written(items: &[Item]) -> Vec<u8> {
    let items = Items::of(items).expect("few");
    super::write_plain(&items).expect("ready").to_bytes().expect("written").to_vec()
}

pub(super) fn item(name: &str, value: &[u8]) -> Item {
    let value = SecretValue::new(value.to_vec()).expect("short");
    Item::new(Name::parse(name).expect("a name"), Some(value), Place::File)
}

/// Text, bytes, no value; every field, and as few as there can be.
pub(super) fn items() -> Vec<Item> {
    let rules = ["*.example.com;header", "http://localhost:8080"];
    let rules = rules.map(|rule| HostRule::parse(rule).expect("a rule").rule).to_vec();
    let earlier =
        |value: &[u8], changed| Earlier { value: SecretValue::new(value.to_vec()).expect("short"), changed };
    vec![
        Item {
            description: "a \"token\"\nof two lines".to_owned(),
            tags: ["payments".parse().expect("a tag"), "prod".parse().expect("a tag")].into(),
            policy: Policy { enabled: false, send_only: true, access: Access::Restricted(rules) },
            created: Some(1_700_000_000),
            changed: Some(1_700_000_600),
            history: vec![earlier(b"first", 1_700_000_000), earlier(b"\xff\0", 1_700_000_300)],
            ..item("prod/stripe-key", b"made-up <<vault:other>>\n")
        },
        Item {
            policy: Policy { access: Access::Unrestricted, ..Policy::default() },
            ..item("bytes", b"\xff\xfe\0")
        },
        Item::new(Name::parse("schl\u{fc}ssel: 1").expect("a name"), None, Place::File),
        item("empty", b""),
        Item {
            link: Some(Box::new(Link {
                connection: "k8s".to_owned(),
                system: "folder".to_owned(),
                settings: [("path".to_owned(), "/run/s\u{e9}crets".to_owned())].into(),
                target: "db/pass word".to_owned(),
                ttl: Some(900),
            })),
            policy: Policy { access: Access::Restricted(Vec::new()), ..Policy::default() },
            ..Item::new(Name::parse("linked").expect("a name"), None, Place::File)
        },
    ]
}

/// All that is told of the secrets, to be compared.
pub(super) fn told(items: &[Item]) -> Vec<Value> {
    let bytes = |value: &SecretValue| value.expose_secret().to_vec();
    let one = |item: &Item| {
        json!({
            "name": item.name,
            "value": item.value.as_ref().map(bytes),
            "link": item.link,
            "description": item.description,
            "tags": item.tags,
            "policy": item.policy,
            "created": item.created,
            "changed": item.changed,
            "history": item.history.iter().map(|past| json!([bytes(&past.value), past.changed])).collect::<Vec<_>>(),
        })
    };
    items.iter().map(one).collect()
}

pub(super) fn told_of(contents: &Contents) -> Vec<Value> {
    told(&contents.items.iter().collect::<Vec<_>>())
}
