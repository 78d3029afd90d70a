//! What the vault has of the names of a file.

use super::planned::{Told, is_news};
use crate::exchange;
use crate::failure::Outcome;
use std::collections::HashMap;
use std::sync::OnceLock;
use subrosa_interchange::{InterchangeError, Item, Items, Place};
use subrosa_secret::Name;
use subrosa_vault::{Entry, Portable, Vault};

/// More names than this are looked up by walking through the vault, which proves all of it at once.
const FEW: usize = 64;

pub(super) struct Known {
    /// Secrets that are as the file has them, without their values, by name: little is kept of each.
    pub(super) same: Items,
    /// The others, and few that may be the same.
    pub(super) others: HashMap<String, Box<Entry>>,
}

impl Known {
    pub(super) fn of(vault: &Vault, items: &Items, keeps_rules: bool) -> Outcome<Known> {
        if items.len() <= FEW {
            let names: Vec<Name> = items.iter().map(|item| item.name).collect();
            return Ok(Known { same: Items::default(), others: by_name(vault.find_many(&names)?) });
        }
        // an empty vault asks for none
        let names = OnceLock::new();
        let number = |name: &Name| names.get_or_init(|| items.names()).find(name.as_str());
        let sort_out = |secrets: Vec<Portable>| {
            let hits = secrets.iter().filter_map(|old| Some((items.get(number(&old.name)?), old)));
            Sorted::of(hits, keeps_rules)
        };
        let sorted = vault.export(|entry| number(&entry.metadata.name).is_some(), false, sort_out)?;
        let (mut same, mut others) = (Items::default(), Vec::new());
        for sorted in sorted {
            let sorted = sorted.map_err(exchange::failure)?;
            same.append(sorted.same).map_err(exchange::failure)?;
            others.extend(sorted.others);
        }
        same.sort();
        let others = match others.len() {
            0..=FEW => vault.find_many(&others)?,
            _ => {
                let is_other = |name: &Name| number(name).is_some() && same.find(name.as_str()).is_none();
                vault.select(|entry| is_other(&entry.metadata.name))?.into_iter().map(Some).collect()
            }
        };
        Ok(Known { same, others: by_name(others) })
    }
}

/// Some secrets of the vault, told apart.
struct Sorted {
    same: Items,
    others: Vec<Name>,
}

impl Sorted {
    fn of<'a>(
        hits: impl Iterator<Item = (Item, &'a Portable)>,
        keeps_rules: bool,
    ) -> Result<Self, InterchangeError> {
        let (mut same, mut others) = (Vec::new(), Vec::new());
        for (item, old) in hits {
            if is_same(&item, old, keeps_rules) {
                same.push(Item { policy: old.policy.clone(), ..Item::new(item.name, None, Place::File) });
            } else {
                others.push(item.name);
            }
        }
        Ok(Self { same: Items::of(&same)?, others })
    }
}

/// Whether nothing has to be decided. Without a value there is something to look into.
fn is_same(item: &Item, old: &Portable, keeps_rules: bool) -> bool {
    let Portable { description, tags, policy, .. } = old;
    let values = item.value.as_ref().zip(old.value.as_ref());
    item.link.is_none()
        && values.is_some_and(|(one, other)| one.expose_secret() == other.expose_secret())
        && Told { description, tags, policy }.is_said_by(item, keeps_rules)
        && !item.proposed.iter().any(|rule| is_news(rule, &policy.access))
}

fn by_name(entries: Vec<Option<Entry>>) -> HashMap<String, Box<Entry>> {
    let named = |entry: Entry| (entry.metadata.name.to_string(), Box::new(entry));
    entries.into_iter().flatten().map(named).collect()
}
