//! What a service account can read.

use std::fmt::Write as _;

use serde::Deserialize;
use subrosa_provider::{ErrorKind, Offers, ProviderError};
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use super::ServiceAccount;
use super::fault::Fault;
use crate::item::Item;
use crate::named::{Named, id};
use crate::offer::{Bounds, Stand, Take, offers};

/// Each item that is looked into is a request of the few that a service account has by the hour.
const BOUNDS: Bounds = Bounds { at_once: 25, at_most: 50 };

/// A vault, or an item of one, as lists have them.
#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(default, alias = "title")]
    name: String,
}

impl ServiceAccount<'_> {
    pub(super) fn offered(&self, search: &str, limit: usize) -> Result<Offers, ProviderError> {
        let token = self.token()?;
        let vaults = self.list(&["vault", "list"], token)?;
        let mut lists = Vec::new();
        for vault in vaults {
            let items = self.list(&["item", "list", "--vault", id(&vault.id)?], token)?;
            lists.push((vault, items));
        }
        offers(&lists, search, limit, &BOUNDS, |stands, take| self.look_into(stands, token, take))
    }

    pub(super) fn list(&self, arguments: &[&str], token: &SecretValue) -> Result<Vec<Named>, ProviderError> {
        let list = self.op.json(arguments, token, "what op lists")?;
        let list: Vec<Listed> = serde_json::from_slice(&list).map_err(|_| bad())?;
        Ok(list.into_iter().map(|one| Named { id: one.id, name: one.name }).collect())
    }

    /// One process for all of them: what is to be got stands on its standard input.
    fn look_into(&self, stands: &[Stand], token: &SecretValue, take: Take<'_>) -> Result<(), ProviderError> {
        let mut wanted = String::from("[");
        for (at, stand) in stands.iter().enumerate() {
            let (comma, item, vault) = (if at == 0 { "" } else { "," }, id(&stand.item)?, id(&stand.vault)?);
            let _ = write!(wanted, r#"{comma}{{"id":"{item}","vault":{{"id":"{vault}"}}}}"#);
        }
        wanted.push(']');
        let input = Zeroizing::new(wanted.into_bytes());
        let ended = self.op.run(&["item", "get", "-", "--format", "json"], Some(token), Some(input))?;
        if !ended.success {
            return Err(Fault::of(&ended.complaint, &[]).error("op item get"));
        }
        for item in serde_json::Deserializer::from_slice(&ended.output).into_iter::<Item<'_>>() {
            let item = item.map_err(|_| bad())?;
            if let Some(stand) = stands.iter().find(|stand| stand.item == item.id) {
                take(stand, &item);
            }
        }
        Ok(())
    }
}

fn bad() -> ProviderError {
    ProviderError::new(ErrorKind::BadAnswer, "what op prints is not the JSON that it should be")
}
