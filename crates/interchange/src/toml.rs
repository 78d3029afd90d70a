//! TOML documents, by path.

use ::toml::de::DeTable;

/// The longest document that is read, in bytes: 16 MiB. The parser keeps a mark for each word of it.
pub const MAX_LEN: usize = 16 << 20;

/// Whether these bytes are a TOML document.
pub(crate) fn is_document(bytes: &[u8]) -> bool {
    bytes.len() <= MAX_LEN && str::from_utf8(bytes).is_ok_and(|text| DeTable::parse(text).is_ok())
}
