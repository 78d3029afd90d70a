//! Values of a document, as they are met on the way through it.

use std::collections::HashSet;

use subrosa_secret::SecretValue;

use crate::item::holds_reference;
use crate::{Contents, InterchangeError, Item, MAX_DEPTH, MAX_FILE_LEN, MAX_ITEMS, Notice, Place, naming};

/// How many characters of a path are told.
const SHOWN: usize = 300;

/// The keys of a mapping so far, of which none can stand twice.
pub(super) type Keys = HashSet<String>;

/// Takes values under the path that leads to them.
pub(super) struct Collector {
    /// The keys and numbers that lead here, joined with dots.
    path: String,
    /// How long the path was before each of its parts.
    lengths: Vec<usize>,
    /// What is read of the document; empty for all.
    wanted: String,
    contents: Contents,
    /// Bytes of all values: aliases of YAML can repeat one.
    bytes: usize,
    /// Bytes of all names and places: a long key stands in those of all that is below it.
    named: usize,
    /// The keys of those mappings that this is within.
    keys: usize,
    met: bool,
}

impl Collector {
    pub(super) fn new(wanted: Option<&str>) -> Self {
        Self {
            path: String::new(),
            lengths: Vec::new(),
            wanted: wanted.unwrap_or_default().to_owned(),
            contents: Contents::default(),
            bytes: 0,
            named: 0,
            keys: 0,
            met: false,
        }
    }

    /// Goes into a field or an item of a list.
    pub(super) fn enter(&mut self, part: &str) -> Result<(), InterchangeError> {
        if self.lengths.len() == MAX_DEPTH {
            return Err(InterchangeError::TooDeep { place: self.place() });
        }
        self.lengths.push(self.path.len());
        if self.lengths.len() > 1 {
            self.path.push('.');
        }
        self.path.push_str(part);
        Ok(())
    }

    /// Goes into a field of a mapping, by a key that stands there once.
    pub(super) fn enter_field(&mut self, keys: &mut Keys, key: &str) -> Result<(), InterchangeError> {
        self.enter(key)?;
        if !keys.insert(key.to_owned()) {
            return Err(self.malformed("this key stands twice"));
        }
        self.keys += 1;
        // not all of them have to be secrets
        if self.keys > MAX_ITEMS { Err(InterchangeError::TooMany) } else { Ok(()) }
    }

    /// Forgets the keys of a mapping that has ended.
    pub(super) fn forget(&mut self, keys: &Keys) {
        self.keys -= keys.len();
    }

    /// And out again.
    pub(super) fn leave(&mut self) {
        self.path.truncate(self.lengths.pop().unwrap_or_default());
    }

    /// Where this is; what could turn a terminal's head is escaped, and what would fill it is cut.
    pub(super) fn place(&self) -> Place {
        match (self.path.as_str(), self.path.char_indices().nth(SHOWN)) {
            ("", _) => Place::File,
            (path, None) => Place::Path(path.escape_debug().to_string()),
            (path, Some((end, _))) => Place::Path(format!("{}…", path[..end].escape_debug())),
        }
    }

    pub(super) fn malformed(&self, what: &str) -> InterchangeError {
        InterchangeError::Malformed { place: self.place(), what: what.to_owned() }
    }

    pub(super) fn notice(&mut self, text: &str) {
        let place = self.place();
        self.contents.notices.push(Notice { place, text: text.to_owned() });
    }

    /// The name that is wanted for what stands here; `None` for what is not asked for.
    fn name(&self) -> Option<&str> {
        if self.wanted.is_empty() {
            return Some(&self.path);
        }
        match self.path.strip_prefix(self.wanted.as_str())? {
            "" => self.path.rsplit('.').next(),
            rest => rest.strip_prefix('.'),
        }
    }

    /// Whether what stands here is asked for.
    pub(super) fn is_wanted(&self) -> bool {
        self.name().is_some()
    }

    /// Takes a value, `None` for null.
    pub(super) fn value(&mut self, text: Option<&str>) -> Result<(), InterchangeError> {
        if self.lengths.is_empty() {
            return Err(self.malformed("one value alone has no name"));
        }
        // also of what is not asked for or left out: an alias is work all the same
        let text = text.unwrap_or_default();
        self.bytes += text.len();
        if self.bytes > MAX_FILE_LEN {
            return Err(InterchangeError::TooLong { len: self.bytes as u64 });
        }
        let Some(name) = self.name() else { return Ok(()) };
        let place = self.place();
        naming::check_len(name, &place)?;
        let name = name.to_owned();
        self.met = true;
        if holds_reference(text.as_bytes()) {
            self.notice("this holds a reference already and is left out");
            return Ok(());
        }
        let name = naming::name(&name, &place, &mut self.contents.notices)?;
        if self.contents.items.len() == MAX_ITEMS {
            return Err(InterchangeError::TooMany);
        }
        self.named += name.as_str().len() + place_len(&place);
        if self.named > MAX_FILE_LEN {
            return Err(InterchangeError::TooLong { len: self.named as u64 });
        }
        let value = SecretValue::new(text.as_bytes().to_vec())
            .map_err(|source| InterchangeError::Value { place: place.clone(), source })?;
        self.contents.items.push(&Item::new(name, Some(value).filter(|value| !value.is_empty()), place))
    }

    pub(super) fn done(self) -> Result<Contents, InterchangeError> {
        if !self.met && !self.wanted.is_empty() {
            let place = Place::Path(self.wanted.escape_debug().to_string());
            return Err(InterchangeError::Malformed {
                place,
                what: "the document has nothing there".to_owned(),
            });
        }
        if let Some((first, later)) = self.contents.items.doubles().first() {
            let (first, later) = (self.contents.items.get(*first), self.contents.items.get(*later));
            let what = format!("{} would have the same name, {}", first.place, first.name);
            return Err(InterchangeError::Malformed { place: later.place, what });
        }
        Ok(self.contents)
    }
}

fn place_len(place: &Place) -> usize {
    if let Place::Path(path) = place { path.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_i88_names_are_counted_as_values_are() {
        // two bytes of a list for each, and some hundred for the name and the place
        let mut collector = Collector { named: MAX_FILE_LEN - 3, ..Collector::new(None) };
        for (name, taken) in [("a", true), ("b", false)] {
            collector.enter(name).expect("not deep");
            let kind = collector.value(Some("1")).err().map(|error| error.kind());
            assert_eq!(kind, (!taken).then_some("too_long"));
            collector.leave();
        }
    }

    #[test]
    fn hostile_i88_keys_of_nothing_are_counted_while_their_object_is_open() {
        let mut collector = Collector { keys: MAX_ITEMS - 1, ..Collector::new(None) };
        let mut keys = Keys::new();
        let mut enter = |key: &str| {
            let kind = collector.enter_field(&mut keys, key).err().map(|error| error.kind());
            collector.leave();
            kind
        };
        assert_eq!([enter("a"), enter("b")], [None, Some("too_many")]);
        collector.forget(&keys);
        assert_eq!(collector.keys, MAX_ITEMS - 1);
    }

    #[test]
    fn hostile_i88_an_alias_is_counted_where_nothing_is_taken_too() {
        let near = |wanted| Collector { bytes: MAX_FILE_LEN - 11, ..Collector::new(wanted) };
        for (mut collector, value) in [(near(None), "<<vault:a>>"), (near(Some("other")), "of no matter")] {
            collector.enter("a").expect("not deep");
            let kinds = [(); 2].map(|()| collector.value(Some(&value[..11])).err().map(|error| error.kind()));
            assert_eq!(kinds, [None, Some("too_long")], "{value}");
        }
    }
}
