//! Vaults, and items of one, as lists have them.

use subrosa_provider::{ErrorKind, ProviderError};

use crate::item::shown;

/// One of them.
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// The one of that id, else of that name, which is in lower case. Several are no guess.
pub(crate) fn one<'l>(list: &'l [Named], name: &str, what: &str) -> Result<Option<&'l Named>, ProviderError> {
    if let Some(known) = list.iter().find(|one| one.id == name) {
        return Ok(Some(known));
    }
    let called: Vec<&Named> = list.iter().filter(|one| one.name.to_ascii_lowercase() == name).collect();
    match called[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => {
            let ids = called.iter().map(|one| shown(&one.id)).collect::<Vec<_>>().join(", ");
            let text = format!("more than one {what} has that name; name the one by its id ({ids})");
            Err(ProviderError::new(ErrorKind::BadLink, text))
        }
    }
}

/// An id that was given, fit for a path and for a command line.
pub(crate) fn id(text: &str) -> Result<&str, ProviderError> {
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true => Ok(text),
        false => Err(ProviderError::new(ErrorKind::BadAnswer, "the answer holds an id that is none")),
    }
}

/// What they are called, for a line.
pub(crate) fn listed(list: &[Named]) -> String {
    match list {
        [] => "no vault".to_owned(),
        _ => list.iter().map(|one| shown(&one.name)).collect::<Vec<_>>().join(", "),
    }
}
