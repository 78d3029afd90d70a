//! Which flags `--help` is about.

use super::flags::Section;
use std::ffi::OsStr;

/// What stands behind `--help`, as in curl.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Topic {
    /// `all`, or nothing
    #[default]
    All,
    /// `category`
    Categories,
    Of(Section),
}

impl Topic {
    pub(super) fn parse(word: &OsStr) -> Option<Self> {
        let of = |section: &Section| word == section.word();
        match word.to_str() {
            Some("all") => Some(Self::All),
            Some("category") => Some(Self::Categories),
            _ => Section::ALL.into_iter().find(of).map(Self::Of),
        }
    }
}
