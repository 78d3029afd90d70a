//! Many secrets in little memory: a few bytes beside what the file says of each.
//!
//! An [`Item`] takes some 400 bytes and an allocation for each of its parts, many times the line of a file that it came
//! from. So a list of them is kept as bytes, packed one behind the other into blocks, and each is unpacked when its turn
//! comes. The notation is nobody's but this process's; nothing of it is ever stored.

mod pack;

use std::cmp::Ordering;

use subrosa_secret::{Access, HostRule, Policy};
use zeroize::Zeroizing;

use crate::{InterchangeError, Item, Link};

/// The length of a block, in bytes; a secret that is longer has a block of its own. A block never grows, so that no copies
/// of what is in it are left behind.
const BLOCK_LEN: usize = 1 << 16;
/// How far back an equal policy is looked for.
const NEAR: usize = 16;

/// Secrets in an order, each as long as what is told of it.
#[derive(Default)]
pub struct Items {
    blocks: Vec<Block>,
    places: Vec<Slot>,
    text_len: usize,
}

/// Where a packed secret begins: its block, and the byte in it.
#[derive(Clone, Copy)]
struct Slot {
    block: u16,
    at: u16,
}

/// Packed secrets, and what is told of them that is not packed.
#[derive(Default)]
struct Block {
    bytes: Zeroizing<Vec<u8>>,
    policies: Vec<Policy>,
    links: Vec<Link>,
    proposed: Vec<Vec<HostRule>>,
}

impl Items {
    /// Packs secrets into no more memory than they take.
    ///
    /// # Errors
    /// That of [`Items::push`].
    pub fn of(items: &[Item]) -> Result<Self, InterchangeError> {
        let mut all = Self { places: Vec::with_capacity(items.len()), ..Self::default() };
        let mut rest: usize = items.iter().map(pack::longest).sum();
        for item in items {
            all.add(item, rest)?;
            rest -= pack::longest(item);
        }
        Ok(all)
    }

    /// Adds a secret at the end.
    ///
    /// # Errors
    /// [`InterchangeError::TooLong`] where all together are longer than any file.
    pub fn push(&mut self, item: &Item) -> Result<(), InterchangeError> {
        self.add(item, BLOCK_LEN)
    }

    /// Puts a secret in the place of another one, counted from 0, whose bytes stay behind.
    ///
    /// # Errors
    /// That of [`Items::push`].
    ///
    /// # Panics
    /// If there are not so many.
    pub(crate) fn replace(&mut self, number: usize, item: &Item) -> Result<(), InterchangeError> {
        self.push(item)?;
        self.places.swap_remove(number);
        Ok(())
    }

    /// Adds a secret, into a block of `room` bytes where it needs a new one.
    fn add(&mut self, item: &Item, room: usize) -> Result<(), InterchangeError> {
        let len = pack::longest(item);
        let fits = |block: &Block| block.bytes.len() < BLOCK_LEN && block.has_room(len);
        if !self.blocks.last().is_some_and(fits) {
            let bytes = Zeroizing::new(Vec::with_capacity(room.min(BLOCK_LEN).max(len)));
            self.blocks.push(Block { bytes, ..Block::default() });
        }
        let last = self.blocks.len() - 1;
        let block = &mut self.blocks[last];
        self.places.push(Slot { block: numbered(last)?, at: numbered(block.bytes.len())? });
        pack::pack(item, block);
        self.text_len = self.text_len.saturating_add(text_len(item));
        Ok(())
    }

    /// Adds all of another list at the end.
    ///
    /// # Errors
    /// That of [`Items::push`].
    pub fn append(&mut self, other: Self) -> Result<(), InterchangeError> {
        let first = self.blocks.len();
        self.text_len = self.text_len.saturating_add(other.text_len);
        self.blocks.extend(other.blocks);
        for Slot { block, at } in other.places {
            self.places.push(Slot { block: numbered(first + usize::from(block))?, at });
        }
        Ok(())
    }

    /// How many secrets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// One of them, counted from 0.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn get(&self, number: usize) -> Item {
        let Slot { block, at } = self.places[number];
        pack::unpack(&self.blocks[usize::from(block)], usize::from(at))
    }

    /// The name of one of them, counted from 0.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn name(&self, number: usize) -> &str {
        str::from_utf8(self.key(self.places[number])).expect("a name was packed")
    }

    /// All of them in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Item> + '_ {
        (0..self.len()).map(|number| self.get(number))
    }

    /// No fewer bytes than all of them take as JSON.
    pub(crate) fn text_len(&self) -> usize {
        self.text_len
    }

    /// About how many bytes there are of one of them, counted from 0.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn weight(&self, number: usize) -> usize {
        let Slot { block, at } = self.places[number];
        pack::len(&self.blocks[usize::from(block)], usize::from(at))
    }

    /// Whether one of them, counted from 0, is linked.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn is_linked(&self, number: usize) -> bool {
        let Slot { block, at } = self.places[number];
        pack::is_linked(&self.blocks[usize::from(block)], usize::from(at))
    }

    /// Whether the file suggests hosts for one of them, counted from 0.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn proposes(&self, number: usize) -> bool {
        let Slot { block, at } = self.places[number];
        pack::proposes(&self.blocks[usize::from(block)], usize::from(at))
    }

    /// Those that are linked.
    pub fn linked(&self) -> impl Iterator<Item = Item> + '_ {
        let any = self.blocks.iter().any(|block| !block.links.is_empty());
        self.iter().take(if any { self.len() } else { 0 }).filter(|item| item.link.is_some())
    }

    /// Puts them into the order of their names.
    pub fn sort(&mut self) {
        let mut places = std::mem::take(&mut self.places);
        places.sort_unstable_by(|one, other| self.key(*one).cmp(self.key(*other)));
        self.places = places;
    }

    /// The number of the one with this name, where they are in the order of their names.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.places.binary_search_by(|slot| self.key(*slot).cmp(name.as_bytes())).ok()
    }

    /// Where a name stands again: the number of the first that has it, and that of one behind it, in the order of the latter.
    #[must_use]
    pub fn doubles(&self) -> Vec<(usize, usize)> {
        self.doubles_by(|one, other| self.key(self.places[one]).cmp(self.key(self.places[other])))
    }

    /// The same of secrets whose names are alike in some way.
    pub(crate) fn doubles_by(&self, compare: impl Fn(usize, usize) -> Ordering) -> Vec<(usize, usize)> {
        let compare = |one: &u32, other: &u32| compare(*one as usize, *other as usize);
        // numbers take a quarter of the memory of a set of names
        let mut numbers: Vec<u32> = (0..).take(self.len()).collect();
        numbers.sort_unstable_by(|one, other| compare(one, other).then(one.cmp(other)));
        let groups = numbers.chunk_by(|one, other| compare(one, other).is_eq());
        let behind = |group: &[u32]| {
            let first = group[0] as usize;
            group[1..].iter().map(|later| (first, *later as usize)).collect::<Vec<_>>()
        };
        let mut doubles: Vec<_> = groups.filter(|group| group.len() > 1).flat_map(behind).collect();
        doubles.sort_unstable_by_key(|(_, later)| *later);
        doubles
    }

    /// Their names, to look others up among them.
    #[must_use]
    pub fn names(&self) -> Names<'_> {
        let key = |number: &u32| self.key(self.places[*number as usize]);
        let mut numbers: Vec<u32> = (0..).take(self.len()).collect();
        numbers.sort_unstable_by(|one, other| key(one).cmp(key(other)));
        Names { items: self, numbers }
    }

    /// Lets the last secret of each name stand where the first of [`Items::doubles`] stood.
    pub(crate) fn keep_last(&mut self, doubles: &[(usize, usize)]) {
        doubles.iter().for_each(|(first, later)| self.places[*first] = self.places[*later]);
        self.remove(doubles.iter().map(|(_, later)| *later));
    }

    /// Leaves out those with these numbers, which have to come in their order.
    pub fn remove(&mut self, numbers: impl IntoIterator<Item = usize>) {
        let mut gone = numbers.into_iter().peekable();
        let mut number = 0..;
        self.places.retain(|_| number.next().is_none_or(|number| gone.next_if_eq(&number).is_none()));
    }

    /// What they are ordered by: the bytes of the name.
    fn key(&self, Slot { block, at }: Slot) -> &[u8] {
        pack::key(&self.blocks[usize::from(block)], usize::from(at))
    }
}

/// The names of secrets in their order.
pub struct Names<'a> {
    items: &'a Items,
    numbers: Vec<u32>,
}

impl Names<'_> {
    /// The number of the secret that has this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        let key = |number: &u32| self.items.key(self.items.places[*number as usize]);
        let at = self.numbers.binary_search_by(|number| key(number).cmp(name.as_bytes())).ok()?;
        Some(self.numbers[at] as usize)
    }

    /// Whether one of the secrets has this name.
    #[must_use]
    pub fn hold(&self, name: &str) -> bool {
        self.find(name).is_some()
    }
}

impl Block {
    fn has_room(&self, len: usize) -> bool {
        self.bytes.capacity() - self.bytes.len() >= len
    }
}

/// The most bytes of a rule as text: a host of 253, a scheme, a port, placements, quotes.
const RULE_LEN: usize = 320;
/// What stands around the parts of a secret: names of fields, numbers, punctuation.
const FRAME_LEN: usize = 256;
/// A byte as JSON: `\u0000`.
const ESCAPED_LEN: usize = 6;

/// No fewer bytes than a secret takes as JSON, told without writing it.
fn text_len(item: &Item) -> usize {
    let rules = if let Access::Restricted(rules) = &item.policy.access { rules.len() } else { 0 };
    let link = item.link.as_ref().map_or(0, |link| {
        let settings = link.settings.iter().map(|(name, text)| name.len() + text.len() + 6).sum::<usize>();
        link.connection.len() + link.system.len() + link.target.len() + settings
    });
    let history = item.history.len() * FRAME_LEN;
    FRAME_LEN + (pack::longest(item) + link) * ESCAPED_LEN + rules * RULE_LEN + history
}

/// The largest file fills an eighth of the blocks that two bytes can number.
fn numbered(number: usize) -> Result<u16, InterchangeError> {
    u16::try_from(number).map_err(|_| InterchangeError::TooLong { len: (number * BLOCK_LEN) as u64 })
}

/// The number of an equal thing that stands near, or of this one behind all others.
fn shared<T: PartialEq + Clone>(all: &mut Vec<T>, thing: &T) -> usize {
    let far = all.len().saturating_sub(NEAR);
    all[far..].iter().rposition(|other| other == thing).map_or_else(
        || {
            all.push(thing.clone());
            all.len() - 1
        },
        |at| far + at,
    )
}

#[cfg(test)]
mod tests {
    use subrosa_secret::{Name, SecretValue};

    use super::*;
    use crate::{Earlier, Place};

    fn value(bytes: &[u8]) -> SecretValue {
        SecretValue::new(bytes.to_vec()).expect("short")
    }

    fn item(name: &str, content: &[u8]) -> Item {
        Item::new(Name::parse(name).expect("a name"), Some(value(content)), Place::Line(7))
    }

    fn items(names: &[&str]) -> Items {
        Items::of(&names.iter().map(|name| item(name, name.as_bytes())).collect::<Vec<_>>()).expect("few")
    }

    fn named(items: &Items) -> Vec<String> {
        items.iter().map(|item| item.name.to_string()).collect()
    }

    /// With every part that there is, and numbers at their ends.
    fn full() -> Item {
        let rule = |text: &str| HostRule::parse(text).expect("a rule").rule;
        Item {
            link: Some(Box::new(Link {
                connection: "k8s".to_owned(),
                system: "folder".to_owned(),
                settings: [("path".to_owned(), "/run".to_owned())].into(),
                target: "t".to_owned(),
                ttl: None,
            })),
            description: "what it is".to_owned(),
            tags: ["a", "b"].map(|tag| tag.parse().expect("a tag")).into(),
            policy: Policy {
                access: Access::Restricted(vec![rule("*.example.com;body")]),
                ..Policy::default()
            },
            proposed: vec![rule("b.example.com"), rule("http://localhost")],
            created: Some(i64::MIN),
            changed: Some(i64::MAX),
            history: vec![
                Earlier { value: value(b""), changed: -1 },
                Earlier { value: value(&[0xff; 200]), changed: 0 },
            ],
            ..Item::new(
                Name::parse("n\u{e9}").expect("a name"),
                Some(value(b"\xff\0")),
                Place::Path("a.\u{e9}".to_owned()),
            )
        }
    }

    /// All there is of one, to be compared.
    fn told(item: &Item) -> String {
        let Item { name, link, description, tags, policy, proposed, created, changed, place, .. } = item;
        let value = item.value.as_ref().map(SecretValue::expose_secret);
        let history: Vec<_> =
            item.history.iter().map(|past| (past.value.expose_secret(), past.changed)).collect();
        format!(
            "{name:?} {value:?} {link:?} {description:?} {tags:?} {policy:?} {proposed:?} {created:?} {changed:?} {place:?} \
             {history:?}"
        )
    }

    #[test]
    fn what_is_packed_comes_back_whole() {
        let mut all = vec![full(), Item { created: None, ..full() }, Item { changed: None, ..full() }];
        for place in [Place::File, Place::Line(usize::MAX >> 2), Place::Secret(0), Place::Path(String::new())]
        {
            all.push(Item { place, ..item("a", b"") });
        }
        all.push(item("large", &vec![7; 1 << 20]));
        all.extend((0..5_000).map(|number| item(&format!("n{number}"), &[b'x'; 40])));
        let (packed, mut pushed) = (Items::of(&all).expect("few"), Items::default());
        all.iter().for_each(|item| pushed.push(item).expect("few"));
        for (number, item) in all.iter().enumerate() {
            assert_eq!(told(&packed.get(number)), told(item));
            assert_eq!(told(&pushed.get(number)), told(item));
            assert!(packed.weight(number) <= pack::longest(item), "{number}");
        }
        assert!(packed.blocks.len() > 3);
        assert_eq!((packed.is_linked(0), packed.proposes(0)), (true, true));
        assert_eq!((packed.is_linked(3), packed.proposes(3)), (false, false));
        let same = |block: &Block| block.policies.len() + block.links.len() + block.proposed.len();
        assert_eq!(same(&packed.blocks[0]), 3, "what is equal is kept once");
    }

    #[test]
    fn no_block_ever_moves() {
        let mut items = Items::default();
        let mut known: Vec<*const u8> = Vec::new();
        for number in 0..3_000 {
            items.push(&item(&format!("n{number}"), &[b'x'; 100])).expect("few");
            let now: Vec<_> = items.blocks.iter().map(|block| block.bytes.as_ptr()).collect();
            assert!(now.starts_with(&known));
            known = now;
        }
        assert!(known.len() > 3);
    }

    #[test]
    fn lists_are_joined_sorted_and_searched_by_name() {
        let mut all = items(&["b", "\u{e9}"]);
        all.append(items(&["a", "c"])).expect("few");
        assert_eq!(named(&all), ["b", "\u{e9}", "a", "c"]);
        assert_eq!((all.names().find("a"), all.names().find("d")), (Some(2), None));
        all.sort();
        assert_eq!(named(&all), ["a", "b", "c", "\u{e9}"]);
        assert_eq!((all.find("c"), all.find("d"), all.name(3)), (Some(2), None, "\u{e9}"));
        assert_eq!(all.get(0).value.expect("a value").expose_secret(), b"a");
    }

    #[test]
    fn doubles_are_found_and_the_first_or_the_last_of_them_is_kept() {
        let mut all = items(&["b", "a", "b", "c", "a", "b"]);
        all.places[5] = all.places[2];
        let doubles = all.doubles();
        assert_eq!(doubles, [(0, 2), (1, 4), (0, 5)]);
        let mut first = items(&["b", "a", "b", "c", "a", "b"]);
        first.remove(doubles.iter().map(|(_, later)| *later));
        assert_eq!(named(&first), ["b", "a", "c"]);
        let mut last = Items::of(&[item("b", b"1"), item("a", b"2"), item("b", b"3")]).expect("few");
        last.keep_last(&last.doubles());
        let values: Vec<_> =
            last.iter().map(|item| item.value.expect("a value").expose_secret().to_vec()).collect();
        assert_eq!(
            (named(&last), values),
            (vec!["b".to_owned(), "a".to_owned()], vec![b"3".to_vec(), b"2".to_vec()])
        );
        assert!(items(&["a", "b"]).doubles().is_empty() && Items::default().doubles().is_empty());
    }

    #[test]
    fn one_takes_the_place_of_another() {
        let mut all = items(&["a", "b", "c"]);
        all.replace(1, &item("x", b"new")).expect("few");
        all.replace(2, &item("y", b"new")).expect("few");
        assert_eq!(named(&all), ["a", "x", "y"]);
    }
}
