//! What a server offers.

use subrosa_provider::{Offers, ProviderError};
use subrosa_rest::Answer;

use super::{Connect, api};
use crate::item::Item;
use crate::named::Named;
use crate::offer::{Bounds, offers};

const BOUNDS: Bounds = Bounds { at_once: 32, at_most: 256 };

impl Connect<'_> {
    pub(super) fn offered(&self, search: &str, limit: usize) -> Result<Offers, ProviderError> {
        let vaults = self.vaults()?;
        let lists = self.items_of(&vaults.iter().map(|vault| &vault.id).collect::<Vec<_>>())?;
        let lists: Vec<(Named, Vec<Named>)> = vaults
            .into_iter()
            .zip(lists)
            .map(|(vault, items)| Ok((vault, items?)))
            .collect::<Result<_, ProviderError>>()?;
        offers(&lists, search, limit, &BOUNDS, |stands, take| {
            let path = |vault, item| format!("/v1/vaults/{vault}/items/{item}");
            let paths: Vec<String> = stands.iter().map(|stand| path(&stand.vault, &stand.item)).collect();
            for (stand, answer) in stands.iter().zip(self.get(&paths)?) {
                let answer: Option<Answer> = api::item(answer?, &stand.place)?;
                if let Some(answer) = answer {
                    take(stand, &answer.json::<Item<'_>>()?);
                }
            }
            Ok(())
        })
    }
}
