//! What the user prefers for one vault: for how long values are cached.

use serde::{Deserialize, Serialize};
use subrosa_vault::{Change, Document, DocumentKind, Vault, VaultError};

/// Sixty minutes, where nobody said otherwise.
pub(crate) const DEFAULT_TTL: u64 = 3600;

const CACHE_TTL: &str = "cache-ttl";

/// One document a preference, so that each can be set by itself.
#[derive(Serialize, Deserialize)]
struct Preference {
    preference: String,
    seconds: Option<u64>,
}

fn read(document: &Document) -> Option<u64> {
    let preference: Preference = serde_json::from_slice(&document.content).ok()?;
    preference.seconds.filter(|_| preference.preference == CACHE_TTL)
}

/// For how many seconds values are kept where neither link nor connection says it; `None` where nobody said.
pub(crate) fn vault_ttl(vault: &Vault) -> Result<Option<u64>, VaultError> {
    Ok(vault.documents(DocumentKind::Preference)?.iter().find_map(read))
}

pub(crate) fn set_vault_ttl(change: &mut Change<'_>, seconds: u64) -> Result<(), VaultError> {
    let kind = DocumentKind::Preference;
    let id = change.documents(kind)?.iter().find(|one| read(one).is_some()).map(|one| one.id);
    let preference = Preference { preference: CACHE_TTL.to_owned(), seconds: Some(seconds) };
    let content = serde_json::to_vec(&preference).expect("a preference is text and a number");
    change.put_document(kind, id, &content).map(drop)
}
