//! What is told of a file holds no value of it.

use serde_json::Value;
use subrosa_interchange::{Contents, InterchangeError};

/// Stands in values of seeds. No variable of a shell can be called so.
const CANARY: &str = "canary=7c1e";

/// Whether the canary stands in the file, once, so that where it is found is the only place where it stands.
pub(crate) fn is_in(data: &[u8]) -> bool {
    data.windows(CANARY.len()).filter(|window| *window == CANARY.as_bytes()).count() == 1
}

/// Whether it is part of a text.
pub(crate) fn is_part_of(text: &[u8]) -> bool {
    is_in(text)
}

/// Whether it is part of what one of these fields of a document says.
pub(crate) fn is_said_by(fields: &[&str], document: &Value) -> bool {
    match document {
        Value::Object(all) => all.iter().any(|(name, value)| match value {
            Value::String(text) => fields.contains(&name.as_str()) && is_part_of(text.as_bytes()),
            value => is_said_by(fields, value),
        }),
        Value::Array(list) => list.iter().any(|value| is_said_by(fields, value)),
        _ => false,
    }
}

/// Whether it is part of one of the values that were read.
pub(crate) fn is_read(read: &Result<Contents, InterchangeError>) -> bool {
    let Ok(contents) = read else { return false };
    contents.items.iter().any(|item| item.value.is_some_and(|value| is_part_of(value.expose_secret())))
}

/// Where the canary is a value, neither a notice nor an error has it.
pub(crate) fn is_kept(read: &Result<Contents, InterchangeError>) {
    let told = match read {
        Ok(contents) => contents.notices.iter().map(|notice| format!("{notice:?}")).collect(),
        Err(error) => format!("{error} {error:?}"),
    };
    assert!(!told.contains(CANARY), "{told}");
}
