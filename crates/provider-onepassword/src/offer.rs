//! What of an item can be linked.

use std::collections::BTreeMap;

use subrosa_provider::{Offer, Offers, ProviderError};

use crate::item::{Field, Item, shown};
use crate::named::Named;
use crate::target::{Aspect, Place, Target, is_name};

/// An item somewhere.
pub(crate) struct Stand {
    pub(crate) vault: String,
    pub(crate) item: String,
    /// How references name it.
    pub(crate) place: Place,
    title: String,
}

/// What things are called in references: their names, in lower case, where those can stand there and no other has them.
fn names<'n>(all: impl Iterator<Item = &'n Named> + Clone) -> BTreeMap<&'n str, String> {
    let mut counts = BTreeMap::new();
    for one in all.clone() {
        *counts.entry(one.name.to_ascii_lowercase()).or_insert(0) += 1;
    }
    let name = |one: &'n Named| {
        let name = one.name.to_ascii_lowercase();
        let plain = counts.get(&name) == Some(&1) && is_name(&name);
        (one.id.as_str(), if plain { name } else { one.id.clone() })
    };
    all.map(name).collect()
}

/// Every item of these vaults, those first whose own place has the text in it.
fn stands(vaults: &[(Named, Vec<Named>)], search: &str) -> Vec<Stand> {
    let vault_names = names(vaults.iter().map(|(vault, _)| vault));
    let mut stands = Vec::new();
    for (vault, items) in vaults {
        let item_names = names(items.iter());
        for item in items {
            let place = Place {
                vault: vault_names[vault.id.as_str()].clone(),
                item: item_names[item.id.as_str()].clone(),
            };
            let (vault, title) = (vault.id.clone(), item.name.clone());
            stands.push(Stand { vault, item: item.id.clone(), place, title });
        }
    }
    let misses = |stand: &Stand| !stand.place.to_string().contains(search);
    stands.sort_by_cached_key(|stand| (misses(stand), stand.place.to_string()));
    stands
}

/// What an item offers, as far as the text is in it. Nothing is offered that has no value.
fn of_item(stand: &Stand, item: &Item<'_>, search: &str, offers: &mut Vec<Offer>) {
    let mut offer = |section: Option<&str>, name: &str, id: &str, aspect: Aspect, kind: &str| {
        let target = |section: Option<&str>, field: &str| Target {
            place: stand.place.clone(),
            section: section.map(str::to_ascii_lowercase),
            field: field.to_ascii_lowercase(),
            aspect,
        };
        let fits = |part: &str| is_name(&part.to_ascii_lowercase());
        let section = section.filter(|section| fits(section));
        // the first that means this one and nothing else
        let named = [target(None, name), target(section, name), target(section, id)];
        let named = named.into_iter().find(|target| fits(&target.field) && item.means(target, id));
        let Some(target) = named.map(|target| target.to_string()) else { return };
        if !target.contains(search) {
            return;
        }
        let about = match stand.place.item == stand.item {
            true => format!("{kind} of {}", shown(&stand.title)),
            false => kind.to_owned(),
        };
        offers.push(Offer { target, about });
    };
    for field in item.fields.iter().flatten().filter(|field| field.has_value()) {
        let aspect = if field.has_code() { Aspect::Otp } else { Aspect::Value };
        offer(item.section_of(field.section()), name_of(field), &field.id, aspect, &field.kind());
    }
    for file in item.files.iter().flatten().filter(|file| file.is_short()) {
        offer(item.section_of(file.section()), &file.name, &file.id, Aspect::Value, "file");
    }
}

fn name_of<'f>(field: &'f Field<'_>) -> &'f str {
    if field.label.is_empty() { &field.id } else { &field.label }
}

/// How many items are looked into: values come with them.
pub(crate) struct Bounds {
    pub(crate) at_once: usize,
    pub(crate) at_most: usize,
}

/// Hands over items with where they stand.
pub(crate) type Take<'t> = &'t mut dyn FnMut(&Stand, &Item<'_>);

/// What these vaults offer, by items that are fetched until there is enough.
pub(crate) fn offers(
    vaults: &[(Named, Vec<Named>)],
    search: &str,
    limit: usize,
    bounds: &Bounds,
    mut fetch: impl FnMut(&[Stand], Take<'_>) -> Result<(), ProviderError>,
) -> Result<Offers, ProviderError> {
    let search = search.to_ascii_lowercase();
    let all = stands(vaults, &search);
    let (mut found, mut looked) = (Vec::new(), 0);
    for some in all.chunks(bounds.at_once) {
        if found.len() > limit || looked >= bounds.at_most {
            break;
        }
        fetch(some, &mut |stand, item| of_item(stand, item, &search, &mut found))?;
        looked += some.len();
    }
    found.sort_by(|one, other| one.target.cmp(&other.target));
    found.dedup_by(|one, other| one.target == other.target);
    let more = looked < all.len() || found.len() > limit;
    found.truncate(limit);
    Ok(Offers { found, more })
}
