//! JSON that is read into something definite.

use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

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

/// The error of the parser, without its text, which may quote a value.
pub(crate) fn malformed(error: &serde_json::Error) -> InterchangeError {
    let what = match error.classify() {
        // the one case of this kind that is not about the letters
        Category::Syntax if error.to_string().starts_with("recursion limit") => {
            "the JSON document is nested too deep"
        }
        Category::Eof => "the JSON document ends too early",
        Category::Data => "the JSON document has another form here than its format asks for",
        Category::Syntax | Category::Io => "this is no JSON",
    };
    InterchangeError::Malformed { place: Place::Line(error.line().max(1)), what: what.to_owned() }
}

/// The text of a value: what a string says, a number or a word as it is written. `None` for null, a list and an object.
pub(crate) fn scalar(raw: &RawValue) -> Option<Zeroizing<String>> {
    match raw.get().as_bytes().first()? {
        b'"' => serde_json::from_str(raw.get()).ok().map(Zeroizing::new),
        b'n' | b'[' | b'{' => None,
        _ => Some(Zeroizing::new(raw.get().to_owned())),
    }
}
