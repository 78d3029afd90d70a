//! Names of secrets.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark, is_nfc};

use crate::Profile;

/// The longest name, in bytes of UTF-8.
pub const MAX_NAME_LEN: usize = 256;

/// The name of a secret in Unicode form NFC, at most [`MAX_NAME_LEN`] bytes.
///
/// Letters and digits of any script, `.`, `_`, `-`, `:`, inner spaces, and `/` between segments. A suffix
/// after `:` is part of the name. Names compare byte by byte after normalisation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Why a text cannot be the name of a secret, a profile or a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// There is no character in it.
    #[error("the name is empty")]
    Empty,
    /// More bytes than the limit of its kind.
    #[error("the name has {len} bytes, at most {max} are allowed")]
    TooLong {
        /// Bytes of UTF-8 that the name has.
        len: usize,
        /// Bytes that it may have.
        max: usize,
    },
    /// A character that no name may hold.
    #[error("a name cannot hold {0:?}")]
    Character(char),
    /// Nothing before, between or after two `/`.
    #[error("a name cannot have an empty part before or after '/'")]
    EmptySegment,
    /// A space at the beginning or end, or beside a `/`.
    #[error("a name cannot begin or end with a space, nor have one beside '/'")]
    OuterSpace,
    /// A combining mark with no letter to stand on.
    #[error("a name cannot begin with a combining mark")]
    LeadingMark,
}

impl NameError {
    /// A stable name for this kind of error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "name_empty",
            Self::TooLong { .. } => "name_too_long",
            Self::Character(_) => "name_character",
            Self::EmptySegment => "name_empty_segment",
            Self::OuterSpace => "name_outer_space",
            Self::LeadingMark => "name_leading_mark",
        }
    }
}

impl Name {
    /// Reads a name, bringing it to NFC.
    ///
    /// # Errors
    /// [`NameError`] with the first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        Self::read(text.into())
    }

    fn read(text: Cow<'_, str>) -> Result<Self, NameError> {
        let name = normalized(text, MAX_NAME_LEN)?;
        name.split('/').try_for_each(check_segment)?;
        Ok(Self(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that stands for this one in `profile`: `stripe-key` in `prod` is `prod/stripe-key`.
    ///
    /// # Errors
    /// [`NameError::TooLong`] when both together pass the limit.
    pub fn in_profile(&self, profile: &Profile) -> Result<Self, NameError> {
        let len = profile.as_str().len() + 1 + self.0.len();
        if len > MAX_NAME_LEN {
            return Err(NameError::TooLong { len, max: MAX_NAME_LEN });
        }
        Ok(Self(format!("{profile}/{self}")))
    }
}

/// NFC of `text`, not empty and at most `max` bytes long.
pub(crate) fn normalized(text: Cow<'_, str>, max: usize) -> Result<String, NameError> {
    // NFC can shrink a text to a third at most: refuse what is hopeless before spending work on it
    if text.len() > max * 4 {
        return Err(NameError::TooLong { len: text.len(), max });
    }
    let name = if text.is_ascii() || is_nfc(&text) { text.into_owned() } else { text.nfc().collect() };
    match name.len() {
        0 => Err(NameError::Empty),
        len if len > max => Err(NameError::TooLong { len, max }),
        _ => Ok(name),
    }
}

/// One part of a name between two `/`.
pub(crate) fn check_segment(segment: &str) -> Result<(), NameError> {
    let Some(first) = segment.chars().next() else { return Err(NameError::EmptySegment) };
    if let Some(wrong) = segment.chars().find(|&c| !(is_word(c) || ".-: ".contains(c))) {
        return Err(NameError::Character(wrong));
    }
    if segment.starts_with(' ') || segment.ends_with(' ') {
        return Err(NameError::OuterSpace);
    }
    if is_combining_mark(first) {
        return Err(NameError::LeadingMark);
    }
    Ok(())
}

/// A letter, digit, underscore or mark on a letter that can be seen.
pub(crate) fn is_word(c: char) -> bool {
    (c.is_alphanumeric() || c == '_' || is_combining_mark(c)) && !is_invisible(c)
}

/// Letters and marks that Unicode lists as default ignorable: two names would look the same.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}'
        | '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::read(text.into())
    }
}

impl std::str::FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_rules_allow() {
        for text in [
            "a",
            "stripe-key",
            "prod/stripe_key.v2",
            "postman-api:token",
            "my api key",
            "schlüssel",
            "鍵",
            "हिन्दी",
        ] {
            assert_eq!(Name::parse(text).as_ref().map(Name::as_str), Ok(text));
        }
    }

    #[test]
    fn refuses_each_fault_by_its_kind() {
        let cases = [
            ("", NameError::Empty),
            ("/a", NameError::EmptySegment),
            ("a//b", NameError::EmptySegment),
            ("a/", NameError::EmptySegment),
            (" a", NameError::OuterSpace),
            ("a ", NameError::OuterSpace),
            ("a /b", NameError::OuterSpace),
            ("a\tb", NameError::Character('\t')),
            ("a\0", NameError::Character('\0')),
            ("a<b", NameError::Character('<')),
            ("a{b", NameError::Character('{')),
            ("a\u{202e}b", NameError::Character('\u{202e}')),
            ("a\u{200d}b", NameError::Character('\u{200d}')),
            ("a\u{3164}b", NameError::Character('\u{3164}')),
            ("\u{feff}a", NameError::Character('\u{feff}')),
            ("\u{0301}a", NameError::LeadingMark),
        ];
        for (text, error) in cases {
            assert_eq!(Name::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn the_two_spellings_of_an_accent_are_one_name() {
        assert_eq!(Name::parse("e\u{301}"), Name::parse("\u{e9}"));
    }

    #[test]
    fn counts_bytes_after_normalisation() {
        assert!(Name::parse(&"x".repeat(256)).is_ok());
        assert_eq!(Name::parse(&"x".repeat(257)), Err(NameError::TooLong { len: 257, max: 256 }));
        assert!(Name::parse(&"e\u{301}".repeat(128)).is_ok());
        assert!(matches!(Name::parse(&"x".repeat(1 << 20)), Err(NameError::TooLong { .. })));
    }

    #[test]
    fn a_profile_goes_before_the_name() {
        let profile = Profile::parse("prod").unwrap();
        assert_eq!(Name::parse("a/b").unwrap().in_profile(&profile).unwrap().as_str(), "prod/a/b");
        let long = Name::parse(&"x".repeat(252)).unwrap();
        assert_eq!(long.in_profile(&profile), Err(NameError::TooLong { len: 257, max: 256 }));
    }
}
