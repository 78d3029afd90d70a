//! Secrets that leave a vault and arrive in one.

use std::collections::BTreeSet;

use proptest::prelude::*;
use subrosa_secret::{Access, HostRule, Name, Policy, SecretValue, Tag as Label};

use crate::{
    Entry, Link, MAX_TARGET_LEN, RecordId, Vault, VaultError,
    scratch::{Scratch, name, read, store, value},
    transfer::{Arrival, Over, Past, Portable},
};

fn portable(text: &str, content: &str) -> Portable {
    Portable {
        name: name(text),
        value: Some(value(content)),
        link: None,
        description: String::new(),
        tags: BTreeSet::new(),
        policy: Policy::default(),
        created: None,
        changed: None,
        history: Vec::new(),
    }
}

fn restore(vault: &mut Vault, secret: &Portable, over: Over) -> Result<(), VaultError> {
    vault.change(|change| change.restore([Arrival { secret, over }].as_slice()))
}

fn entry(vault: &Vault, text: &str) -> Entry {
    vault.find(&name(text)).expect("find").expect("there")
}

fn earlier(vault: &Vault, text: &str) -> Vec<String> {
    let revisions = vault.history(&name(text)).expect("history");
    let one = |version| vault.value_at(&name(text), version).expect("opens").expect("a value");
    let texts = revisions.iter().map(|it| one(it.version).expose_secret().to_vec());
    texts.map(|bytes| String::from_utf8(bytes).expect("text")).collect()
}

/// Everything, by name.
fn all(vault: &Vault) -> Result<Vec<Portable>, VaultError> {
    let mut all: Vec<_> =
        vault.export(|_| true, true, |some| some)?.into_iter().flatten().map(|it| it.secret).collect();
    all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

#[track_caller]
fn sound(vault: &Vault) {
    let report = vault.verify().expect("verify");
    assert!(report.is_sound(), "{:?}", report.problems);
}

#[test]
fn what_is_kept_goes_into_the_history_as_the_last_before_the_new_one() {
    let (_scratch, mut vault) = Scratch::new();
    for text in ["first", "second"] {
        store(&mut vault, "k", text);
    }
    let old = entry(&vault, "k");
    let mut secret = portable("k", "new");
    secret.history.push(Past { value: value("of the file"), changed: 5 });
    restore(&mut vault, &secret, Over::Keeping(old.seen())).expect("restore");
    assert_eq!(read(&vault, "k").expect("read").as_deref(), Some("new"));
    assert_eq!(earlier(&vault, "k"), ["second", "of the file", "first"]);
    assert_eq!(entry(&vault, "k").record, old.record);
    sound(&vault);
    vault.change(|change| change.undo(&name("k"))).expect("undo");
    assert_eq!(read(&vault, "k").expect("read").as_deref(), Some("second"));
    sound(&vault);
}

#[test]
fn what_is_replaced_can_be_brought_back_until_it_is_purged() {
    let (_scratch, mut vault) = Scratch::new();
    for (number, text) in ["one", "two", "three"].into_iter().enumerate() {
        match number {
            0 => store(&mut vault, "k", text),
            _ => {
                let old = entry(&vault, "k");
                restore(&mut vault, &portable("k", text), Over::Replacing(old.seen())).expect("restore");
            }
        }
    }
    assert_eq!(read(&vault, "k").expect("read").as_deref(), Some("three"));
    assert!(earlier(&vault, "k").is_empty());
    sound(&vault);
    vault.change(|change| change.rename(&name("k"), &name("new"))).expect("rename");
    vault.change(|change| change.undo(&name("k"))).expect("undo");
    assert_eq!(read(&vault, "k").expect("read").as_deref(), Some("two"));
    sound(&vault);
}

#[test]
fn what_was_decided_about_another_state_is_refused_and_nothing_is_changed() {
    let (_scratch, mut vault) = Scratch::new();
    store(&mut vault, "k", "one");
    let old = entry(&vault, "k");
    store(&mut vault, "k", "two");
    let generation = vault.generation().expect("generation");
    let (new, other) = (portable("k", "new"), portable("other", "new"));
    for over in [Over::Nothing, Over::Keeping(old.seen()), Over::Replacing(old.seen())] {
        let arrivals = [Arrival { secret: &other, over: Over::Nothing }, Arrival { secret: &new, over }];
        let refused =
            vault.change(|change| change.restore(arrivals.as_slice())).expect_err("changed meanwhile");
        assert_eq!(refused.kind(), "changed_meanwhile");
    }
    let gone = restore(&mut vault, &other, Over::Replacing(old.seen())).expect_err("gone");
    assert_eq!(gone.kind(), "changed_meanwhile");
    let twice = [0, 1].map(|_| Arrival { secret: &other, over: Over::Nothing });
    let twice = vault.change(|change| change.restore(twice.as_slice())).expect_err("twice");
    assert_eq!(twice.kind(), "name_taken");
    assert_eq!(vault.generation().expect("generation"), generation);
    assert_eq!(read(&vault, "other").expect("read"), None);
    sound(&vault);
}

#[test]
fn an_export_holds_what_is_wanted_and_no_more() {
    let scratch = Scratch::furnished();
    let vault = scratch.open().expect("open");
    let all = all(&vault).expect("export");
    let names: Vec<_> = all.iter().map(|secret| secret.name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(all[0].history.len(), 1);
    assert_eq!(all[0].history[0].value.expose_secret(), b"old");
    let some = vault.export(|entry| entry.metadata.name.as_str() == "one", false, |some| some);
    let some: Vec<_> = some.expect("export").into_iter().flatten().collect();
    assert_eq!((some.len(), some[0].secret.history.len()), (1, 0));
}

fn link(target: &str) -> Link {
    Link { connection: RecordId::from_bytes([7; 16]), target: target.to_owned(), ttl: Some(60) }
}

fn linked(text: &str, target: &str) -> Portable {
    Portable { value: None, link: Some(link(target)), ..portable(text, "") }
}

#[test]
fn a_link_leaves_and_arrives_without_a_value() {
    let (_scratch, mut vault) = Scratch::new();
    store(&mut vault, "a", "own");
    vault.change(|change| change.link(&name("a"), link("there"))).expect("link");
    let exported = all(&vault).expect("export");
    assert_eq!((exported[0].link.as_ref(), exported[0].value.is_some()), (Some(&link("there")), false));
    assert_eq!(exported[0].history.len(), 1);
    let (_scratch, mut other) = Scratch::new();
    restore(&mut other, &exported[0], Over::Nothing).expect("restore");
    assert_eq!(entry(&other, "a").link, Some(link("there")));
    assert_eq!(read(&other, "a").expect("read"), None);
    assert_eq!(earlier(&other, "a"), ["own"]);
    // a link that was taken back is no earlier value
    vault.change(|change| change.undo(&name("a"))).expect("undo");
    let exported = all(&vault).expect("export");
    assert!(exported[0].link.is_none() && exported[0].history.is_empty());
    for wrong in [
        Portable { value: Some(value("x")), ..linked("b", "there") },
        linked("b", &"x".repeat(MAX_TARGET_LEN + 1)),
    ] {
        restore(&mut other, &wrong, Over::Nothing).expect_err("refused");
    }
    sound(&other);
}

#[test]
fn a_link_that_is_kept_beside_a_value_goes_into_the_history_and_so_does_the_value() {
    let (_scratch, mut vault) = Scratch::new();
    store(&mut vault, "k", "own");
    for (secret, now) in [
        (linked("k", "one"), (Some(link("one")), None)),
        (portable("k", "new"), (None, Some("new"))),
        (linked("k", "two"), (Some(link("two")), None)),
        (linked("k", "three"), (Some(link("three")), None)),
    ] {
        let old = entry(&vault, "k");
        restore(&mut vault, &secret, Over::Keeping(old.seen())).expect("restore");
        assert_eq!((entry(&vault, "k").link, read(&vault, "k").expect("read").as_deref()), now);
        sound(&vault);
    }
    assert_eq!(earlier(&vault, "k"), ["new", "own"]);
    vault.change(|change| change.undo(&name("k"))).expect("undo");
    assert_eq!(entry(&vault, "k").link, Some(link("two")));
    let old = entry(&vault, "k");
    restore(&mut vault, &portable("k", "last"), Over::Replacing(old.seen())).expect("restore");
    assert_eq!((entry(&vault, "k").link, earlier(&vault, "k").len()), (None, 0));
    sound(&vault);
}

#[test]
fn hostile_i90_a_row_that_does_not_belong_ends_an_export() {
    for sql in ["DELETE FROM record WHERE kind = 2", "UPDATE body SET body = zeroblob(64)"] {
        let scratch = Scratch::furnished();
        scratch.tamper(sql);
        let vault = scratch.open().expect("keyslots are elsewhere");
        let answer = all(&vault);
        assert_eq!(answer.err().expect(sql).kind(), "damaged", "{sql}");
    }
}

fn any_name() -> impl Strategy<Value = Name> {
    "[\\p{L}\\p{N}_.-]{1,12}(/[\\p{L}\\p{N}:_.-]{1,12})?"
        .prop_filter_map("a name", |text| Name::parse(&text).ok())
}

fn any_value() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..200)
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let rules = proptest::collection::vec("[a-z]{1,8}\\.example\\.com(:[1-9][0-9]{0,3})?(;header)?", 0..4);
    let access = prop_oneof![
        Just(Access::Undecided),
        Just(Access::Unrestricted),
        rules.prop_map(|rules| {
            let rules = rules.iter().map(|text| HostRule::parse(text).expect("a rule").rule);
            Access::Restricted(rules.collect())
        }),
    ];
    (any::<bool>(), any::<bool>(), access).prop_map(|(enabled, send_only, access)| Policy {
        enabled,
        send_only,
        access,
    })
}

/// A secret as a test may show and compare it.
#[derive(Debug, Clone, PartialEq)]
struct Plain {
    name: Name,
    value: Option<Vec<u8>>,
    link: Option<Link>,
    about: (String, BTreeSet<Label>),
    policy: Policy,
    times: (i64, i64),
    history: Vec<(Vec<u8>, i64)>,
}

impl Plain {
    fn of(secret: &Portable) -> Self {
        let bytes = |value: &SecretValue| value.expose_secret().to_vec();
        Self {
            name: secret.name.clone(),
            value: secret.value.as_ref().map(bytes),
            link: secret.link.clone(),
            about: (secret.description.clone(), secret.tags.clone()),
            policy: secret.policy.clone(),
            times: (secret.created.expect("a time"), secret.changed.expect("a time")),
            history: secret.history.iter().map(|past| (bytes(&past.value), past.changed)).collect(),
        }
    }

    fn portable(&self) -> Portable {
        let value = |bytes: &Vec<u8>| SecretValue::new(bytes.clone()).expect("short");
        Portable {
            name: self.name.clone(),
            value: self.value.as_ref().map(value),
            link: self.link.clone(),
            description: self.about.0.clone(),
            tags: self.about.1.clone(),
            policy: self.policy.clone(),
            created: Some(self.times.0),
            changed: Some(self.times.1),
            history: self
                .history
                .iter()
                .map(|(bytes, changed)| Past { value: value(bytes), changed: *changed })
                .collect(),
        }
    }
}

/// A value, a link, or neither.
fn any_content() -> impl Strategy<Value = (Option<Vec<u8>>, Option<Link>)> {
    let any_link = (any::<[u8; 16]>(), any::<String>(), proptest::option::of(any::<u64>()));
    let any_link = any_link.prop_map(|(connection, target, ttl)| Link {
        connection: RecordId::from_bytes(connection),
        target,
        ttl,
    });
    prop_oneof![
        1 => Just((None, None)),
        7 => any_value().prop_map(|value| (Some(value), None)),
        2 => any_link.prop_map(|link| (None, Some(link))),
    ]
}

/// By name, since names are unique within a vault.
fn any_secrets() -> impl Strategy<Value = Vec<Plain>> {
    let tag = "[a-z]{1,5}".prop_map(|text| Label::parse(&text).expect("a tag"));
    let about = (any::<String>(), proptest::collection::btree_set(tag, 0..3));
    let history = proptest::collection::vec((any_value(), 0i64..1 << 40), 0..4);
    let times = (0i64..1 << 40, 0i64..1 << 40);
    let rest = (any_content(), about, any_policy(), times, history);
    proptest::collection::btree_map(any_name(), rest, 0..150).prop_map(|secrets| {
        let one = |(name, ((value, link), about, policy, times, history))| Plain {
            name,
            value,
            link,
            about,
            policy,
            times,
            history,
        };
        secrets.into_iter().map(one).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_leaves_one_vault_stands_in_the_next_as_it_was(plain in any_secrets()) {
        let (_scratch, mut vault) = Scratch::in_memory();
        let secrets: Vec<_> = plain.iter().map(Plain::portable).collect();
        let arrivals: Vec<_> =
            secrets.iter().map(|secret| Arrival { secret, over: Over::Nothing }).collect();
        vault.change(|change| change.restore(arrivals.as_slice())).expect("restore");
        sound(&vault);
        prop_assert_eq!(vault.generation().expect("generation"), if plain.is_empty() { 1 } else { 2 });
        let exported = all(&vault).expect("export");
        prop_assert_eq!(exported.iter().map(Plain::of).collect::<Vec<_>>(), plain);
    }
}
