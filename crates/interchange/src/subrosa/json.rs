//! What the two JSON documents have in common: their first fields, and how a fault in them is told.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::error::Category;

use crate::{InterchangeError, Place};

/// The version of both formats that this program writes, and the only one that it reads.
pub(super) const VERSION: u32 = 1;

/// The fields that every version has.
#[derive(Deserialize)]
pub(super) struct Preamble<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    version: u64,
}

/// A document that begins with a [`Preamble`], whose fields stand in it.
pub(super) trait Document<'a>: Deserialize<'a> {
    /// What its `format` has to be.
    const FORMAT: &'static str;

    /// The fields that it was read with.
    fn preamble(&self) -> (&str, u64);
}

/// Reads a whole document. What is wrong with one of a greater version is not looked into.
pub(super) fn document<'a, D: Document<'a>>(text: &'a str) -> Result<D, InterchangeError> {
    match serde_json::from_str::<D>(text) {
        Ok(document) => {
            let (format, version) = document.preamble();
            check_preamble::<D>(format, version).map(|()| document)
        }
        Err(error) if error.is_data() => {
            if let Ok(Preamble { format, version }) = serde_json::from_str(text) {
                check_preamble::<D>(&format, version)?;
            }
            Err(refused(&Place::File, &error))
        }
        Err(error) => Err(refused(&Place::File, &error)),
    }
}

fn check_preamble<'a, D: Document<'a>>(format: &str, version: u64) -> Result<(), InterchangeError> {
    match version {
        _ if format != D::FORMAT => {
            Err(malformed(Place::File, &format!("its format is not {:?}", D::FORMAT)))
        }
        0 => Err(malformed(Place::File, "there is no version 0 of the format")),
        version if version > u64::from(VERSION) => Err(newer(Place::File, "its version")),
        _ => Ok(()),
    }
}

/// The error of the parser, without what it may quote.
pub(super) fn refused(place: &Place, error: &serde_json::Error) -> InterchangeError {
    let what = match error.classify() {
        Category::Eof => "it ends too early",
        Category::Data if is_unknown(error) => return newer(place.clone(), "a field in it"),
        Category::Data => "a field is missing, stands twice, or is not what the format says",
        Category::Syntax | Category::Io => "this is no JSON",
    };
    malformed(place.clone(), what)
}

/// Whether a field or a word is not known: a newer version may know it. serde tells this in words only.
fn is_unknown(error: &serde_json::Error) -> bool {
    let text = error.to_string();
    text.starts_with("unknown field") || text.starts_with("unknown variant")
}

pub(super) fn malformed(place: Place, what: &str) -> InterchangeError {
    InterchangeError::Malformed { place, what: what.to_owned() }
}

pub(super) fn newer(place: Place, what: &'static str) -> InterchangeError {
    InterchangeError::NeedsNewer { place, what }
}
