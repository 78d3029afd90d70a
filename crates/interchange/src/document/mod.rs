//! JSON, YAML and TOML documents: each value by the path to it.
//!
//! `services.api[0].token` is the secret `services.api.0.token`. Keys are joined with dots and places in lists are
//! counted from 0. Texts are taken as they are, numbers and words as they are written: nothing is rounded. `null` and an
//! empty text are a secret without a value.

mod collector;
mod json;
mod toml;
mod yaml;

pub use json::read_json;
pub(crate) use toml::is_document as is_toml;
pub use toml::read_toml;
pub use yaml::read_yaml;

/// The longest YAML or TOML document that is read, in bytes: 16 MiB. Their parsers keep a mark for each word.
pub const MAX_LEN: usize = 16 << 20;

/// The text of a YAML or TOML document.
fn bounded(bytes: &[u8]) -> Result<&str, crate::InterchangeError> {
    match bytes.len() {
        len if len > MAX_LEN => Err(crate::InterchangeError::DocumentTooLong { len: len as u64 }),
        _ => crate::text::text(bytes),
    }
}

#[cfg(test)]
mod tests;
