//! JSON that is read into something definite.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::text::line_of;
use crate::{InterchangeError, MAX_ITEMS, Place};

/// A document.
pub(crate) fn document<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, InterchangeError> {
    serde_json::from_str(text).map_err(|error| malformed(&error))
}

/// The same of one in which what is read takes more memory than the fewest bytes that make it: objects are counted first.
pub(crate) fn document_of_objects<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, InterchangeError> {
    match memchr::memchr_iter(b'{', text.as_bytes()).count() {
        objects if objects > MAX_ITEMS => Err(InterchangeError::TooMany),
        _ => document(text),
    }
}

/// Reads the items of a list, which is a part of `text`, one after the other with their numbers: they are never all in
/// memory.
pub(crate) fn each<'a, T: Deserialize<'a>>(
    text: &'a str,
    list: &'a RawValue,
    each: impl FnMut(usize, T) -> Result<(), InterchangeError>,
) -> Result<(), InterchangeError> {
    let mut stopped = None;
    let visitor = Each { each, stopped: &mut stopped, item: PhantomData };
    let read = serde_json::Deserializer::from_str(list.get()).deserialize_seq(visitor);
    let begin = list.get().as_ptr().addr().saturating_sub(text.as_ptr().addr());
    read.map_err(|error| stopped.unwrap_or_else(|| malformed_behind(line_of(text, begin) - 1, &error)))
}

struct Each<'e, T, F> {
    each: F,
    /// What stopped the reading, where it was not the parser.
    stopped: &'e mut Option<InterchangeError>,
    item: PhantomData<T>,
}

impl<'de, T, F> Visitor<'de> for Each<'_, T, F>
where
    T: Deserialize<'de>,
    F: FnMut(usize, T) -> Result<(), InterchangeError>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let mut number = 0;
        while let Some(item) = list.next_element()? {
            (self.each)(number, item).map_err(|error| {
                *self.stopped = Some(error);
                A::Error::custom("stopped")
            })?;
            number += 1;
        }
        Ok(())
    }
}

/// The error of the parser, without its text, which may quote a value.
pub(crate) fn malformed(error: &serde_json::Error) -> InterchangeError {
    malformed_behind(0, error)
}

/// The same of a part with so many lines before it.
fn malformed_behind(lines: usize, error: &serde_json::Error) -> InterchangeError {
    let what = match error.classify() {
        // the one case of this kind that is not about the letters
        Category::Syntax if error.to_string().starts_with("recursion limit") => {
            "the JSON document is nested too deep"
        }
        Category::Eof => "the JSON document ends too early",
        Category::Data => "the JSON document has another form here than its format asks for",
        Category::Syntax | Category::Io => "this is no JSON",
    };
    InterchangeError::Malformed { place: Place::Line(lines + error.line().max(1)), what: what.to_owned() }
}

/// The text of a value: what a string says, a number or a word as it is written. `None` for null, a list and an object.
pub(crate) fn scalar(raw: &RawValue) -> Option<Zeroizing<String>> {
    match raw.get().as_bytes().first()? {
        b'"' => serde_json::from_str(raw.get()).ok().map(Zeroizing::new),
        b'n' | b'[' | b'{' => None,
        _ => Some(Zeroizing::new(raw.get().to_owned())),
    }
}
