//! What stands behind a passphrase, for fuzz targets and benchmarks.
//!
//! Whoever has no passphrase cannot feed it. Whoever made a file for somebody else to import can.

use subrosa_vault::{Kdf, KdfParams};

use crate::subrosa::{Export, Key, seal_items, seal_lines};
use crate::{Contents, InterchangeError, Items, Outgoing};

fn kdf() -> Kdf {
    Kdf::from_parts(KdfParams::MINIMUM, [7; 16])
}

fn key() -> Key {
    Key::from_bytes(&[9; 32]).expect("32 bytes")
}

/// Seals these lines as a holder of the passphrase would, under a key that nothing has to be derived for.
///
/// # Errors
/// None but those of the system's random generator.
pub fn seal(lines: &[u8]) -> Result<Outgoing<'_>, InterchangeError> {
    seal_lines(kdf(), &key(), |out| out.write_all(lines))
}

/// Seals secrets under the same key: an export without the work of its passphrase, to be measured.
///
/// # Errors
/// Those of [`crate::subrosa::seal`], but for what comes of passphrases.
pub fn seal_secrets(items: &Items) -> Result<Outgoing<'_>, InterchangeError> {
    seal_items(items, kdf(), &key())
}

/// Opens a document with the key of [`seal`].
///
/// # Errors
/// What opening says of it.
pub fn open(document: &[u8]) -> Result<Contents, InterchangeError> {
    Export::parse(document)?.open_with(&key())
}
