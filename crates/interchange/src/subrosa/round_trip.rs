//! Any secrets, written and read.

use std::collections::BTreeSet;

use proptest::prelude::*;
use subrosa_secret::{Access, HostRule, Name, Policy, SecretValue};

use super::scratch::{cheap, told, told_of};
use super::*;
use crate::{Earlier, Item, Link};

/// What can be shown where a test fails: it is made up.
#[derive(Debug)]
struct Draft {
    content: Content,
    description: String,
    tags: Vec<String>,
    policy: Policy,
    times: (Option<i64>, Option<i64>),
    history: Vec<(Vec<u8>, i64)>,
}

/// A secret has a value, a link, or neither.
#[derive(Debug, Clone)]
enum Content {
    None,
    Value(Vec<u8>),
    Link(Box<Link>),
}

impl Draft {
    fn item(self, name: Name) -> Item {
        let kept = |bytes: Vec<u8>| SecretValue::new(bytes).expect("short");
        let earlier = |(value, changed)| Earlier { value: kept(value), changed };
        let (value, link) = match self.content {
            Content::None => (None, None),
            Content::Value(bytes) => (Some(kept(bytes)), None),
            Content::Link(link) => (None, Some(link)),
        };
        Item {
            link,
            description: self.description,
            tags: self.tags.iter().filter_map(|tag| tag.parse().ok()).collect(),
            policy: self.policy,
            created: self.times.0,
            changed: self.times.1,
            history: self.history.into_iter().map(earlier).collect(),
            ..Item::new(name, value, Place::File)
        }
    }
}

fn values() -> impl Strategy<Value = Vec<u8>> {
    let text = any::<String>().prop_map(String::into_bytes);
    prop_oneof![text, proptest::collection::vec(any::<u8>(), 0..300)]
}

/// To one of two connections, which are described alike wherever they are named.
fn links() -> impl Strategy<Value = Link> {
    let settings = [
        ("path".to_owned(), "/run/\u{30b7}\"\\".to_owned()),
        ("ca".to_owned(), "-----BEGIN\n-----END".to_owned()),
    ];
    let target = "[^\\p{Cc}]{1,40}";
    (any::<bool>(), target, proptest::option::of(0..=2_592_000_u64)).prop_map(move |(first, target, ttl)| {
        let connection = if first { "a" } else { "k8s.dev-1" };
        let settings = if first { settings.clone().into() } else { Default::default() };
        Link { connection: connection.to_owned(), system: "folder".to_owned(), settings, target, ttl }
    })
}

fn contents() -> impl Strategy<Value = Content> {
    prop_oneof![
        1 => Just(Content::None),
        7 => values().prop_map(Content::Value),
        2 => links().prop_map(|link| Content::Link(Box::new(link))),
    ]
}

fn policies() -> impl Strategy<Value = Policy> {
    let exact = "[a-z]{1,8}\\.example\\.com(:[1-9][0-9]{0,3})?(;header)?";
    let rule = prop_oneof![exact, "\\*\\.[a-z]{1,8}\\.example\\.org(;body,query)?"]
        .prop_map(|text| HostRule::parse(&text).expect("a rule").rule);
    let access = prop_oneof![
        Just(Access::Undecided),
        Just(Access::Unrestricted),
        proptest::collection::vec(rule, 0..4).prop_map(Access::Restricted),
    ];
    (any::<bool>(), any::<bool>(), access).prop_map(|(enabled, send_only, access)| Policy {
        enabled,
        send_only,
        access,
    })
}

fn drafts() -> impl Strategy<Value = Draft> {
    let time = || -2_000_000_000_i64..4_000_000_000;
    (
        contents(),
        any::<String>(),
        proptest::collection::vec("[\\p{L}0-9._-]{1,12}", 0..4),
        policies(),
        (proptest::option::of(time()), proptest::option::of(time())),
        proptest::collection::vec((values(), time()), 0..4),
    )
        .prop_map(|(content, description, tags, policy, times, history)| Draft {
            content,
            description,
            tags,
            policy,
            times,
            history,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_secrets_come_back_with_all_that_is_told(
        names in proptest::collection::vec("[\\p{L}0-9._:/ -]{1,20}", 0..8),
        drafts in proptest::collection::vec(drafts(), 8),
    ) {
        let names: BTreeSet<Name> = names.iter().filter_map(|name| Name::parse(name).ok()).collect();
        let items: Vec<Item> = names.into_iter().zip(drafts).map(|(name, draft)| draft.item(name)).collect();
        let key = Key::from_bytes(&[7; 32]).expect("32 bytes");
        let packed = Items::of(&items).expect("few");
        let file = seal_items(&packed, cheap(), &key).expect("sealed").to_bytes().expect("written");
        let contents = Export::parse(&file).expect("an export").open_with(&key).expect("opens");
        prop_assert_eq!(told_of(&contents), told(&items));
        let plain = write_plain(&packed).expect("ready").to_bytes().expect("written");
        prop_assert!(plain.len() <= packed.text_len() + 4096, "no file is longer than was counted on");
        prop_assert_eq!(told_of(&read_plain(&plain).expect("read")), told(&items));
    }
}
