//! Values of a document, as they are met on the way through it.

use subrosa_secret::SecretValue;

use crate::item::holds_reference;
use crate::{Contents, InterchangeError, Item, MAX_DEPTH, MAX_FILE_LEN, MAX_ITEMS, Notice, Place, naming};

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

    /// And out again.
    pub(super) fn leave(&mut self) {
        self.path.truncate(self.lengths.pop().unwrap_or_default());
    }

    /// Where this is; what could turn a terminal's head is escaped.
    pub(super) fn place(&self) -> Place {
        match self.path.as_str() {
            "" => Place::File,
            path => Place::Path(path.escape_debug().to_string()),
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

    /// Takes a value, `None` for null.
    pub(super) fn value(&mut self, text: Option<&str>) -> Result<(), InterchangeError> {
        if self.lengths.is_empty() {
            return Err(self.malformed("one value alone has no name"));
        }
        let Some(name) = self.name().map(str::to_owned) else { return Ok(()) };
        self.met = true;
        let place = self.place();
        let text = text.unwrap_or_default();
        if holds_reference(text.as_bytes()) {
            self.notice("this holds a reference already and is left out");
            return Ok(());
        }
        self.bytes += text.len();
        if self.bytes > MAX_FILE_LEN {
            return Err(InterchangeError::TooLong { len: self.bytes as u64 });
        }
        let name = naming::name(&name, &place, &mut self.contents.notices)?;
        if self.contents.items.len() == MAX_ITEMS {
            return Err(InterchangeError::TooMany);
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
