//! What is changed in an item to write one value.

use subrosa_provider::{ErrorKind, ProviderError, WriteMode};
use subrosa_secret::SecretValue;

use crate::item::{Item, Meant};
use crate::target::{Aspect, Target};

/// The kind of field that a new one is.
pub(crate) const KIND: &str = "CONCEALED";
/// The kind of item that a new one is.
pub(crate) const CATEGORY: &str = "API_CREDENTIAL";

/// The change.
pub(crate) enum Edit {
    /// The field of this id gets another value.
    Replace(String),
    /// There is one field more, in the section of this id or in none.
    Add(Option<String>),
}

/// The value as text, if it could stand there at all.
pub(crate) fn check<'v>(target: &Target, value: &'v SecretValue) -> Result<&'v str, ProviderError> {
    let refuse = |why: &str| Err(ProviderError::new(ErrorKind::Unsupported, format!("{target}: {why}")));
    match (target.aspect, std::str::from_utf8(value.expose_secret())) {
        (Aspect::Value, Ok(text)) => Ok(text),
        (Aspect::Value, Err(_)) => refuse("the value is not UTF-8 text, and fields hold nothing else"),
        _ => refuse("what an attribute names cannot be written"),
    }
}

/// What to change in an item that is there.
pub(crate) fn edit(item: &Item<'_>, target: &Target, mode: WriteMode) -> Result<Edit, ProviderError> {
    let refuse = |kind, why: &str| Err(ProviderError::new(kind, format!("{target}: {why}")));
    match (item.find(target)?, &target.section) {
        (Some(Meant::File(_)), _) => refuse(ErrorKind::Unsupported, "files are not written"),
        (Some(Meant::Field(field)), _) if mode == WriteMode::New && field.has_value() => {
            refuse(ErrorKind::Exists, "there is a value already")
        }
        (Some(Meant::Field(field)), _) => Ok(Edit::Replace(field.id.clone())),
        (None, None) => Ok(Edit::Add(None)),
        (None, Some(section)) => match item.section_id(section) {
            Some(id) => Ok(Edit::Add(Some(id.to_owned()))),
            None => refuse(ErrorKind::BadLink, "the item has no such section, and none is made"),
        },
    }
}

/// Whether there can be a new item for it.
pub(crate) fn check_new(target: &Target) -> Result<(), ProviderError> {
    let refuse = |why: &str| Err(ProviderError::new(ErrorKind::NotFound, format!("{target}: {why}")));
    match (&target.section, crate::target::is_id(&target.place.item)) {
        (_, true) => refuse("there is no such item, and a new one has a name"),
        (Some(_), false) => refuse("there is no such item, and a new one has no sections"),
        (None, false) => Ok(()),
    }
}
