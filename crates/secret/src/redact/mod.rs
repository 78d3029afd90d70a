//! Masking of values where something is shown.

mod escapes;
pub(crate) mod forms;
mod patterns;
mod stream;
#[cfg(test)]
mod tests;
pub(crate) mod trivial;

use std::{borrow::Cow, cmp::Reverse, sync::Arc};

pub use stream::RedactStream;

use crate::{Name, SecretValue};
use patterns::{Found, Patterns, Search};

/// Replaces the values of secrets by their references, `<<vault:name>>`.
///
/// Values are found as they are; in base64 and base64url, whatever stands before and after; in hexadecimal;
/// percent- and form-encoded; in JSON strings; with HTML entities; and the lines of multi-line values one by
/// one. Where several occurrences overlap all their bytes are masked, and the longest lends its name. Of base64
/// a character that the value shares with a neighbour may stay.
///
/// A display aid, never a boundary: other encodings of a value are not recognised. Values of fewer than four
/// bytes, and words such as `true` that stand everywhere, are left as they are and listed by
/// [`Redactor::unmasked`].
///
/// Copies of the values live in the searcher until it is dropped, not all of them in wiped memory.
#[derive(Clone)]
pub struct Redactor {
    patterns: Option<Arc<Patterns>>,
    unmasked: Vec<Name>,
}

impl Redactor {
    /// A redactor for these secrets. Without any it costs nothing.
    pub fn new<'a>(values: impl IntoIterator<Item = (Name, &'a SecretValue)>) -> Self {
        let present = values.into_iter().filter(|(_, value)| !value.is_empty());
        let (trivial, telling): (Vec<_>, Vec<_>) = present
            .map(|(name, value)| (name, value.expose_secret()))
            .partition(|(_, value)| trivial::is_trivial(value));
        Self {
            patterns: Patterns::build(telling).map(Arc::new),
            unmasked: trivial.into_iter().map(|(name, _)| name).collect(),
        }
    }

    /// The secrets whose values are too short or too common to be masked.
    pub fn unmasked(&self) -> &[Name] {
        &self.unmasked
    }

    /// A copy of `text` with every value replaced; the text itself when there is none in it.
    pub fn redact<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let Some(patterns) = &self.patterns else { return Cow::Borrowed(text) };
        let mut found = Vec::new();
        Search::new().feed(patterns, text, &mut found);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = Vec::with_capacity(text.len());
        let mut done = 0;
        for cluster in clusters(&mut found) {
            out.extend_from_slice(&text[done..cluster.start]);
            cluster.write(patterns, &mut out);
            done = cluster.end;
        }
        out.extend_from_slice(&text[done..]);
        Cow::Owned(out)
    }

    /// As [`Redactor::redact`], for text. Where a binary value ends within a character, the rest of that is
    /// shown as U+FFFD.
    pub fn redact_str<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.redact(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
                Ok(masked) => masked,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            }),
        }
    }

    /// Masks output that comes in pieces, with the same result however it is cut.
    pub fn stream(&self) -> RedactStream {
        RedactStream::new(self.patterns.clone())
    }
}

/// Occurrences that overlap, which are replaced together.
struct Cluster<'f> {
    start: usize,
    end: usize,
    found: &'f [Found],
}

/// Sorts occurrences and groups those that overlap.
fn clusters(found: &mut [Found]) -> impl Iterator<Item = Cluster<'_>> {
    found.sort_unstable_by_key(|f| (f.start, Reverse(f.end), f.name));
    let mut rest = &*found;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let mut end = first.end;
        let overlapping = rest.iter().take_while(|f| {
            let inside = f.start < end;
            end = if inside { end.max(f.end) } else { end };
            inside
        });
        let len = overlapping.count();
        let (found, after) = rest.split_at(len);
        rest = after;
        Some(Cluster { start: first.start, end, found })
    })
}

impl Cluster<'_> {
    /// Writes the reference of the leftmost and longest occurrence, then of those that cover what it leaves.
    fn write(&self, patterns: &Patterns, out: &mut Vec<u8>) {
        let mut rest = self.found.iter().peekable();
        let (mut covered, mut last) = (self.start, None);
        while covered < self.end {
            let mut best: Option<&Found> = None;
            while let Some(next) = rest.next_if(|f| f.start <= covered) {
                best = best.filter(|best| best.end >= next.end).or(Some(next));
            }
            let Some(best) = best.filter(|best| best.end > covered) else { return };
            if last != Some(best.name) {
                out.extend_from_slice(b"<<vault:");
                out.extend_from_slice(patterns.name(best.name).as_str().as_bytes());
                out.extend_from_slice(b">>");
            }
            (covered, last) = (best.end, Some(best.name));
        }
    }
}
