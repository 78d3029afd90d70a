//! Values that do not count because their name is set again.

use std::collections::HashMap;

use subrosa_secret::Name;

use super::escape::decode;
use super::scanner::{Entry, Scanner};
use crate::InterchangeError;
use crate::item::holds_reference;
use crate::text::text;

/// A value that stands in the file and is not what [`read`](super::read) answers for its name.
pub struct Superseded {
    /// The name that is set again.
    pub name: Name,
    /// The line in which it has this value, counted from 1.
    pub line: usize,
    /// The line in which it is set to something else.
    pub by: usize,
}

/// Values that [`rewrite`](super::rewrite) would replace although nobody has read them, since a later line gives their
/// name another one, or none.
///
/// # Errors
/// Those of [`read`](super::read).
pub fn superseded(bytes: &[u8]) -> Result<Vec<Superseded>, InterchangeError> {
    let text = text(bytes)?;
    let value = |entry: &Entry| decode(entry.quote, &text[entry.inner.clone()]);
    let (mut scanner, mut last, mut found) = (Scanner::new(text), HashMap::new(), Vec::new());
    while let Some(entry) = scanner.next_entry()? {
        let now = value(&entry);
        if holds_reference(&now) {
            continue;
        }
        let (name, by) = (entry.name(text)?, entry.line);
        let before = last.insert(&text[entry.name.clone()], entry);
        let before = before.filter(|before| !before.inner.is_empty() && value(before) != now);
        found.extend(before.map(|before| Superseded { name, line: before.line, by }));
    }
    Ok(found)
}
