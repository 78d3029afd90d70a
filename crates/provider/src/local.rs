//! The local vault as registry and provider.

use subrosa_secret::{Name, SecretValue};
use subrosa_vault::{Entry, Vault, VaultError};

use crate::{Capabilities, ErrorKind, Provider, ProviderError, Registered, Registry};

/// Reads an open vault. Locators are the entries themselves: the value that opens is the one whose policy was judged.
///
/// The value of a linked secret is not here; asked for it, this source says that nothing is connected.
pub struct LocalSource<'v> {
    vault: &'v Vault,
}

impl<'v> LocalSource<'v> {
    /// The source over this vault.
    #[must_use]
    pub fn new(vault: &'v Vault) -> Self {
        Self { vault }
    }
}

impl Registry for LocalSource<'_> {
    type Locator = Entry;

    fn find(&self, names: &[Name]) -> Result<Vec<Option<Registered<Entry>>>, ProviderError> {
        let entries = self.vault.find_many(names).map_err(explain)?;
        let registered = |entry: Entry| Registered {
            policy: entry.policy.clone(),
            locator: (entry.has_value() || entry.link.is_some()).then_some(entry),
        };
        Ok(entries.into_iter().map(|entry| entry.map(registered)).collect())
    }
}

impl Provider for LocalSource<'_> {
    type Locator = Entry;

    fn name(&self) -> &str {
        "vault"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { batch: true, write: true, browse: false }
    }

    fn lookup(&self, entry: &Entry) -> Result<Option<SecretValue>, ProviderError> {
        if entry.link.is_some() {
            let text = format!("{} is linked, and no connection was asked", entry.metadata.name);
            return Err(ProviderError::new(ErrorKind::NotConnected, text));
        }
        self.vault.value(entry).map_err(explain)
    }
}

fn explain(error: VaultError) -> ProviderError {
    let kind = match &error {
        VaultError::WrongKey => ErrorKind::Locked,
        VaultError::Damaged(_) | VaultError::RolledBack { .. } | VaultError::NeedsNewer { .. } => {
            ErrorKind::Damaged
        }
        _ => ErrorKind::Unavailable,
    };
    ProviderError::new(kind, error.to_string()).caused_by(error)
}

#[cfg(test)]
mod tests {
    use subrosa_vault::{Location, NewSlot, SlotId, VaultId, VaultKey};

    use super::*;
    use crate::conformance;

    #[test]
    fn the_local_source_conforms() {
        let folder = tempfile::TempDir::new().expect("temporary folder");
        let location = Location { dir: folder.path().join("vault"), state: folder.path().join("state") };
        let key = VaultKey::generate().expect("random");
        let ids = (VaultId::random().expect("random"), SlotId::random().expect("random"));
        let slots = [(ids.1, NewSlot::VaultKey { key: &key, label: "test" })];
        let mut vault = Vault::create(&location, ids.0, &slots).expect("create");
        let name = |text: &str| Name::parse(text).expect("name");
        let contents: [(&str, &[u8]); 3] =
            [("text", b"one"), ("binary", &[0, 255, 10]), ("large", &[7; 100_000])];
        vault
            .change(|change| {
                for (text, content) in contents {
                    change.set(&name(text), Some(&SecretValue::new(content.to_vec())?))?;
                }
                change.set(&name("no value yet"), None)
            })
            .expect("set");
        let source = LocalSource::new(&vault);
        let names: Vec<Name> = contents.iter().map(|(text, _)| name(text)).collect();
        let found = source.find(&names).expect("find");
        let present: Vec<_> = found
            .into_iter()
            .zip(contents)
            .map(|(found, (_, content))| {
                (found.and_then(|found| found.locator).expect("there"), content.to_vec())
            })
            .collect();
        let absent = vault.find(&name("no value yet")).expect("find").expect("there");
        conformance::check(&source, &present, &absent);
        let connection = subrosa_vault::RecordId::from_bytes([7; 16]);
        let link = subrosa_vault::Link { connection, target: "there".to_owned(), ttl: None };
        let linked = vault.change(|change| change.link(&name("linked"), link)).expect("link");
        let source = LocalSource::new(&vault);
        conformance::check_failure(&source, &linked, ErrorKind::NotConnected, &["there"]);
        let missing = source.find(&[name("missing"), name("no value yet")]).expect("find");
        assert!(missing[0].is_none());
        assert!(missing[1].as_ref().is_some_and(|found| found.locator.is_none()));
    }
}
