//! Tags of secrets.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::name::{NameError, is_word, normalized};

/// The longest tag, in bytes of UTF-8.
pub const MAX_TAG_LEN: usize = 64;

/// A tag: letters, digits, `.`, `_` and `-`, in NFC, at most [`MAX_TAG_LEN`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

impl Tag {
    /// Reads a tag, bringing it to NFC.
    ///
    /// # Errors
    /// [`NameError`] as for names, with fewer characters allowed.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        Self::read(text.into())
    }

    fn read(text: Cow<'_, str>) -> Result<Self, NameError> {
        let tag = normalized(text, MAX_TAG_LEN)?;
        match tag.chars().find(|&c| !(is_word(c) || c == '.' || c == '-')) {
            Some(wrong) => Err(NameError::Character(wrong)),
            None => Ok(Self(tag)),
        }
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0
    }
}

impl TryFrom<String> for Tag {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::read(text.into())
    }
}

impl std::str::FromStr for Tag {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_plain_word() {
        assert_eq!(Tag::parse("team.payments-2").unwrap().as_str(), "team.payments-2");
        for (text, wrong) in [("a b", ' '), ("a/b", '/'), ("a,b", ','), ("a:b", ':')] {
            assert_eq!(Tag::parse(text), Err(NameError::Character(wrong)));
        }
        assert!(Tag::parse(&"x".repeat(65)).is_err());
    }
}
