//! How a secret is packed: a byte that says what there is of it, and the parts behind each other, numbers in groups of
//! seven bits.

use subrosa_secret::{Name, Policy, SecretValue, Tag};
use zeroize::Zeroizing;

use super::{Block, shared};
use crate::{Earlier, Item, Place};

const VALUE: u8 = 1;
const DESCRIPTION: u8 = 2;
const TAGS: u8 = 4;
const POLICY: u8 = 8;
const LINK: u8 = 16;
const PROPOSED: u8 = 32;
const TIMES: u8 = 64;
const HISTORY: u8 = 128;

/// The most bytes of a number.
const NUMBER_LEN: usize = 10;

/// What a place begins with, in its lowest bits.
const FILE: u64 = 0;
const LINE: u64 = 1;
const PATH: u64 = 2;
const SECRET: u64 = 3;

/// No fewer bytes than [`pack`] takes, and for small secrets not many more.
pub(super) fn longest(item: &Item) -> usize {
    let Item { name, value, description, tags, history, place, .. } = item;
    let text = |len: usize| len + len_of(len as u64);
    let optional = |there: bool, len: usize| if there { len } else { 0 };
    let place = match place {
        Place::Path(path) => NUMBER_LEN + path.len(),
        Place::File => 1,
        Place::Line(number) | Place::Secret(number) => len_of((*number as u64) << 2),
    };
    let tags: usize = tags.iter().map(|tag| text(tag.as_str().len())).sum();
    let history: usize = history.iter().map(|past| text(past.value.len()) + NUMBER_LEN).sum();
    1 + text(name.as_str().len())
        + place
        + value.as_ref().map_or(0, |value| text(value.len()))
        + optional(!description.is_empty(), text(description.len()))
        + optional(tags > 0, tags + NUMBER_LEN)
        + optional(item.policy != Policy::default(), len_of(u64::from(u16::MAX)))
        + optional(item.link.is_some(), len_of(u64::from(u16::MAX)))
        + optional(!item.proposed.is_empty(), len_of(u64::from(u16::MAX)))
        + optional(item.created.is_some() || item.changed.is_some(), 1 + 2 * NUMBER_LEN)
        + optional(history > 0, history + NUMBER_LEN)
}

/// Adds a secret to a block that has room for it.
pub(super) fn pack(item: &Item, block: &mut Block) {
    let Block { bytes, policies, links, proposed } = block;
    let room = bytes.capacity();
    let mut there = 0;
    let mut has = |part: u8, is_there: bool| {
        there |= if is_there { part } else { 0 };
        is_there
    };
    let has_policy = has(POLICY, item.policy != Policy::default());
    let has_times = has(TIMES, item.created.is_some() || item.changed.is_some());
    has(VALUE, item.value.is_some());
    has(DESCRIPTION, !item.description.is_empty());
    has(TAGS, !item.tags.is_empty());
    has(LINK, item.link.is_some());
    has(PROPOSED, !item.proposed.is_empty());
    has(HISTORY, !item.history.is_empty());
    bytes.push(there);
    text(bytes, item.name.as_str().as_bytes());
    place(bytes, &item.place);
    if let Some(value) = &item.value {
        text(bytes, value.expose_secret());
    }
    if !item.description.is_empty() {
        text(bytes, item.description.as_bytes());
    }
    if !item.tags.is_empty() {
        number(bytes, item.tags.len() as u64);
        item.tags.iter().for_each(|tag| text(bytes, tag.as_str().as_bytes()));
    }
    if has_policy {
        number(bytes, shared(policies, &item.policy) as u64);
    }
    if let Some(link) = &item.link {
        number(bytes, shared(links, link.as_ref()) as u64);
    }
    if !item.proposed.is_empty() {
        number(bytes, shared(proposed, &item.proposed) as u64);
    }
    if has_times {
        times(bytes, item.created, item.changed);
    }
    if !item.history.is_empty() {
        number(bytes, item.history.len() as u64);
        for past in &item.history {
            text(bytes, past.value.expose_secret());
            number(bytes, folded(past.changed));
        }
    }
    debug_assert_eq!(bytes.capacity(), room, "what is in a block would have moved");
}

/// The bytes of the name alone.
pub(super) fn key(block: &Block, at: usize) -> &[u8] {
    Cursor(&block.bytes[at + 1..]).bytes()
}

/// Whether it is linked.
pub(super) fn is_linked(block: &Block, at: usize) -> bool {
    block.bytes[at] & LINK != 0
}

/// Whether the file suggests hosts for it.
pub(super) fn proposes(block: &Block, at: usize) -> bool {
    block.bytes[at] & PROPOSED != 0
}

/// How many bytes it takes, but for those of its rules.
pub(super) fn len(block: &Block, at: usize) -> usize {
    let packed = &block.bytes[at..];
    let (there, mut cursor) = (packed[0], Cursor(&packed[1..]));
    let has = |part: u8| usize::from(there & part != 0);
    cursor.bytes();
    cursor.place();
    cursor.skip(has(VALUE) + has(DESCRIPTION));
    if has(TAGS) > 0 {
        let count = cursor.length();
        cursor.skip(count);
    }
    for _ in 0..has(POLICY) + has(LINK) + has(PROPOSED) {
        cursor.number();
    }
    if has(TIMES) > 0 {
        cursor.times();
    }
    if has(HISTORY) > 0 {
        for _ in 0..cursor.number() {
            cursor.skip(1);
            cursor.number();
        }
    }
    packed.len() - cursor.0.len()
}

/// The secret as it was packed.
pub(super) fn unpack(block: &Block, at: usize) -> Item {
    let there = block.bytes[at];
    let mut cursor = Cursor(&block.bytes[at + 1..]);
    let name = Name::parse(cursor.text()).expect("a name was packed");
    let mut item = Item::new(name, None, cursor.place());
    let has = |part: u8| there & part != 0;
    if has(VALUE) {
        item.value = Some(cursor.value());
    }
    if has(DESCRIPTION) {
        item.description = cursor.text().to_owned();
    }
    if has(TAGS) {
        let count = cursor.number();
        item.tags = (0..count).map(|_| Tag::parse(cursor.text()).expect("a tag was packed")).collect();
    }
    if has(POLICY) {
        item.policy = block.policies[cursor.length()].clone();
    }
    if has(LINK) {
        item.link = Some(Box::new(block.links[cursor.length()].clone()));
    }
    if has(PROPOSED) {
        item.proposed = block.proposed[cursor.length()].clone();
    }
    if has(TIMES) {
        (item.created, item.changed) = cursor.times();
    }
    if has(HISTORY) {
        let count = cursor.number();
        let past = |_| Earlier { value: cursor.value(), changed: cursor.signed() };
        item.history = (0..count).map(past).collect();
    }
    item
}

type Bytes = Zeroizing<Vec<u8>>;

fn number(bytes: &mut Bytes, mut number: u64) {
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn len_of(number: u64) -> usize {
    let bits = (u64::BITS - number.leading_zeros()) as usize;
    bits.div_ceil(7).max(1)
}

fn text(bytes: &mut Bytes, text: &[u8]) {
    number(bytes, text.len() as u64);
    bytes.extend_from_slice(text);
}

/// Numbers near zero become small ones.
fn folded(number: i64) -> u64 {
    (number << 1 ^ number >> 63) as u64
}

fn place(bytes: &mut Bytes, place: &Place) {
    match place {
        Place::File => number(bytes, FILE),
        Place::Line(line) => number(bytes, (*line as u64) << 2 | LINE),
        Place::Secret(at) => number(bytes, (*at as u64) << 2 | SECRET),
        Place::Path(path) => {
            number(bytes, (path.len() as u64) << 2 | PATH);
            bytes.extend_from_slice(path.as_bytes());
        }
    }
}

fn times(bytes: &mut Bytes, created: Option<i64>, changed: Option<i64>) {
    bytes.push(u8::from(created.is_some()) | u8::from(changed.is_some()) << 1);
    [created, changed].into_iter().flatten().for_each(|time| number(bytes, folded(time)));
}

/// What is left to be unpacked. It was packed by this process, so that nothing can be wrong with it.
struct Cursor<'b>(&'b [u8]);

impl<'b> Cursor<'b> {
    fn take(&mut self, len: usize) -> &'b [u8] {
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }

    fn number(&mut self) -> u64 {
        let mut number = 0;
        for shift in (0..).step_by(7) {
            let byte = self.take(1)[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        number
    }

    fn length(&mut self) -> usize {
        self.number() as usize
    }

    fn signed(&mut self) -> i64 {
        let number = self.number();
        (number >> 1) as i64 ^ -((number & 1) as i64)
    }

    fn bytes(&mut self) -> &'b [u8] {
        let len = self.length();
        self.take(len)
    }

    /// Passes over so many texts.
    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.bytes();
        }
    }

    fn text(&mut self) -> &'b str {
        str::from_utf8(self.bytes()).expect("a text was packed")
    }

    fn value(&mut self) -> SecretValue {
        SecretValue::new(self.bytes().to_vec()).expect("a value was packed")
    }

    fn place(&mut self) -> Place {
        let packed = self.number();
        let number = (packed >> 2) as usize;
        match packed & 3 {
            LINE => Place::Line(number),
            SECRET => Place::Secret(number),
            PATH => {
                let path = str::from_utf8(self.take(number)).expect("a path was packed");
                Place::Path(path.to_owned())
            }
            _ => Place::File,
        }
    }

    fn times(&mut self) -> (Option<i64>, Option<i64>) {
        let there = self.take(1)[0];
        let mut time = |part: u8| (there & part != 0).then(|| self.signed());
        (time(1), time(2))
    }
}
