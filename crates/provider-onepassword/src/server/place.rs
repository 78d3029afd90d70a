//! From names to ids. References know no upper and lower case, and Connect's filters do not say whether they do: so the lists
//! themselves are asked for, one of all vaults and one of each vault in which an item is named.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use subrosa_provider::{ErrorKind, ProviderError};

use super::{Connect, api};
use crate::named::{Named, id, one};
use crate::target::{Place, is_id};

/// Where an item is.
pub(super) enum Spot {
    Item {
        vault: String,
        item: String,
    },
    /// There is none. The id of the vault in which it could be, where it is not an id itself that leads nowhere.
    Nothing(Option<String>),
    Failed(ProviderError),
}

impl Spot {
    /// Whether it is the item of that id.
    pub(super) fn is(&self, id: &str) -> bool {
        matches!(self, Self::Item { item, .. } if item == id)
    }

    /// The item's path, of something that is there.
    pub(super) fn path(&self) -> Option<String> {
        match self {
            Self::Item { vault, item } => Some(format!("/v1/vaults/{vault}/items/{item}")),
            Self::Nothing(_) | Self::Failed(_) => None,
        }
    }
}

/// A vault, or an item of one, as the server lists them.
#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(default, alias = "title")]
    name: String,
    #[serde(default)]
    state: String,
}

/// What names of vaults lead to.
type Ids = BTreeMap<String, Result<Option<String>, ProviderError>>;

impl Connect<'_> {
    /// All vaults that the token was granted.
    pub(super) fn vaults(&self) -> Result<Vec<Named>, ProviderError> {
        self.list(&["/v1/vaults".to_owned()])?.pop().unwrap_or_else(|| Ok(Vec::new()))
    }

    /// All items of some vaults.
    pub(super) fn items_of(
        &self,
        vaults: &[&String],
    ) -> Result<Vec<Result<Vec<Named>, ProviderError>>, ProviderError> {
        self.list(&vaults.iter().map(|vault| format!("/v1/vaults/{vault}/items")).collect::<Vec<_>>())
    }

    fn list(&self, paths: &[String]) -> Result<Vec<Result<Vec<Named>, ProviderError>>, ProviderError> {
        let listed = |answer| {
            let answer = api::list(answer, "the server's list")?;
            let listed: Vec<Listed> = answer.json().map_err(|error| error.about("the server's list"))?;
            // what was archived or deleted is named by nothing
            let listed = listed.into_iter().filter(|one| one.state.is_empty());
            Ok(listed.map(|one| Named { id: one.id, name: one.name }).collect())
        };
        Ok(self.get(paths)?.into_iter().map(listed).collect())
    }

    /// Where each place is.
    pub(super) fn spots(&self, places: &BTreeSet<&Place>) -> Result<Vec<Spot>, ProviderError> {
        let vaults = self.vault_ids(places)?;
        let vault_of = |place: &Place| match vaults.get(&place.vault) {
            Some(Ok(Some(id))) => Some(id),
            _ => None,
        };
        let named = places.iter().filter(|place| !is_id(&place.item));
        let wanted: Vec<&String> =
            named.filter_map(|place| vault_of(place)).collect::<BTreeSet<_>>().into_iter().collect();
        let lists = if wanted.is_empty() { Vec::new() } else { self.items_of(&wanted)? };
        let lists: BTreeMap<&String, _> = wanted.into_iter().zip(lists).collect();
        let spot = |place: &Place| -> Result<Spot, ProviderError> {
            let vault = match vaults.get(&place.vault) {
                Some(Ok(Some(id))) => id,
                Some(Err(error)) => return Err(error.again()),
                _ => {
                    let text = format!("op://{}: the token was granted no such vault", place.vault);
                    return Err(ProviderError::new(ErrorKind::NotFound, text));
                }
            };
            if is_id(&place.item) {
                return Ok(Spot::Item { vault: vault.clone(), item: place.item.clone() });
            }
            let list = match lists.get(vault) {
                Some(Ok(list)) => list,
                Some(Err(error)) => return Err(error.again().about(&format!("op://{}", place.vault))),
                None => return Ok(Spot::Nothing(None)),
            };
            let item = one(list, &place.item, "item").map_err(|error| error.about(&place.to_string()))?;
            let vault = vault.clone();
            Ok(match item {
                Some(item) => Spot::Item { vault, item: id(&item.id)?.to_owned() },
                None => Spot::Nothing(Some(vault)),
            })
        };
        Ok(places.iter().map(|place| spot(place).unwrap_or_else(Spot::Failed)).collect())
    }

    fn vault_ids(&self, places: &BTreeSet<&Place>) -> Result<Ids, ProviderError> {
        let names: BTreeSet<&String> = places.iter().map(|place| &place.vault).collect();
        let list = match names.iter().all(|name| is_id(name)) {
            true => Vec::new(),
            false => self.vaults()?,
        };
        let id_of = |name: &String| match is_id(name) {
            true => Ok(Some(name.clone())),
            false => match one(&list, name, "vault").map_err(|error| error.about(&format!("op://{name}")))? {
                Some(vault) => Ok(Some(id(&vault.id)?.to_owned())),
                None => Ok(None),
            },
        };
        Ok(names.into_iter().map(|name| (name.clone(), id_of(name))).collect())
    }
}
