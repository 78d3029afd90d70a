//! The vault and, through its links, everything behind it, as one source.

use super::{Fetch, Wanted};
use subrosa_provider::{Capabilities, LocalSource, Provider, ProviderError, Registered, Registry};
use subrosa_secret::{Name, SecretValue};
use subrosa_vault::{Entry, Vault};

/// Registered is what the vault says; values come from there or from where the link leads.
pub(crate) struct Sources<'v> {
    vault: &'v Vault,
    local: LocalSource<'v>,
    fetch: &'v Fetch,
}

impl<'v> Sources<'v> {
    pub(crate) fn new(vault: &'v Vault, fetch: &'v Fetch) -> Self {
        Self { vault, local: LocalSource::new(vault), fetch }
    }
}

impl Registry for Sources<'_> {
    type Locator = Entry;

    fn find(&self, names: &[Name]) -> Result<Vec<Option<Registered<Entry>>>, ProviderError> {
        self.local.find(names)
    }
}

impl Provider for Sources<'_> {
    type Locator = Entry;

    fn name(&self) -> &str {
        self.local.name()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { batch: true, ..Capabilities::default() }
    }

    fn lookup(&self, entry: &Entry) -> Result<Option<SecretValue>, ProviderError> {
        self.lookup_many(&[entry]).pop().unwrap_or(Ok(None))
    }

    fn lookup_many(&self, entries: &[&Entry]) -> Vec<Result<Option<SecretValue>, ProviderError>> {
        let wanted: Vec<Wanted<'_>> = entries
            .iter()
            .filter_map(|entry| {
                Some(Wanted { secret: entry.metadata.name.as_str(), link: entry.link.as_ref()? })
            })
            .collect();
        let mut fetched = self.fetch.values(self.vault, &wanted).into_iter();
        let mut one = |entry: &&Entry| match entry.link {
            Some(_) => fetched.next().unwrap_or(Ok(None)),
            None => self.local.lookup(entry),
        };
        entries.iter().map(&mut one).collect()
    }
}
