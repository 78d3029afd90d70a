//! What the vault has of the names of a file.

use super::planned::{Open, Verdict, judge};
use crate::exchange;
use crate::failure::Outcome;
use std::collections::HashMap;
use std::sync::OnceLock;
use subrosa_interchange::{InterchangeError, Item, Items};
use subrosa_secret::{Name, Policy};
use subrosa_vault::{Exported, Link, Vault};

/// More names than this are looked up by walking through the vault, which proves all of it at once.
const FEW: usize = 64;

/// Secrets of the file whose names the vault knows, packed: there can be many.
#[derive(Default)]
pub(super) struct Known {
    /// The numbers of those that the vault has as they are,
    pub(super) same: Vec<u32>,
    /// and what it has of those that it has rules for, without their values.
    pub(super) governed: Items,
    /// The others,
    pub(super) open: Vec<Open>,
    /// and what they would be, without their values.
    pub(super) would: Items,
}

/// The file, as it is compared with the vault.
pub(super) struct Arriving<'f> {
    pub(super) items: &'f Items,
    /// Where links lead here, by the numbers of the secrets.
    pub(super) links: &'f HashMap<usize, Link>,
    pub(super) keeps_rules: bool,
}

impl Known {
    pub(super) fn of(vault: &Vault, file: &Arriving<'_>) -> Outcome<Known> {
        let items = file.items;
        if items.len() <= FEW {
            return few(vault, file);
        }
        // an empty vault asks for none
        let names = OnceLock::new();
        let number = |name: &Name| names.get_or_init(|| items.names()).find(name.as_str());
        let packed = |some: Vec<Exported>| {
            let judged = some.iter().filter_map(|old| Some(file.judge(number(&old.secret.name)?, Some(old))));
            Known::packed(judged)
        };
        let wanted = |name: &Name| number(name).is_some();
        let parts = vault.export(|entry| wanted(&entry.metadata.name), false, packed)?;
        let parts: Vec<Known> = parts.into_iter().collect::<Result<_, _>>().map_err(exchange::failure)?;
        let mut known = Known::default();
        known.open.reserve_exact(parts.iter().map(|some| some.open.len()).sum());
        parts.into_iter().try_for_each(|some| known.append(some)).map_err(exchange::failure)?;
        Ok(known)
    }

    /// Packed into no more memory than they take.
    fn packed(judged: impl Iterator<Item = Verdict>) -> Result<Self, InterchangeError> {
        let (mut same, mut governed) = (Vec::new(), Vec::new());
        let (mut open, mut would) = (Vec::new(), Vec::new());
        for verdict in judged {
            match verdict {
                Verdict::Same(number, item) => {
                    same.push(number);
                    governed.extend((item.policy != Policy::default()).then_some(item));
                }
                Verdict::Open(one, item) => {
                    open.push(Open { would: would.len() as u32, ..one });
                    would.push(item);
                }
            }
        }
        open.shrink_to_fit();
        Ok(Self { same, governed: Items::of(&governed)?, open, would: Items::of(&would)? })
    }

    fn append(&mut self, other: Self) -> Result<(), InterchangeError> {
        let first = self.would.len() as u32;
        self.same.extend(other.same);
        self.governed.append(other.governed)?;
        self.would.append(other.would)?;
        self.open.extend(other.open.into_iter().map(|open| Open { would: first + open.would, ..open }));
        Ok(())
    }

    /// Adds a secret about which there is something to decide.
    pub(super) fn push(&mut self, open: Open, would: &Item) -> Outcome {
        self.open.push(Open { would: self.would.len() as u32, ..open });
        self.would.push(would).map_err(exchange::failure)
    }
}

impl Arriving<'_> {
    pub(super) fn judge(&self, number: usize, old: Option<&Exported>) -> Verdict {
        let link = self.links.get(&number).cloned();
        judge(number, self.items.get(number), link, old, self.keeps_rules)
    }
}

fn few(vault: &Vault, file: &Arriving<'_>) -> Outcome<Known> {
    let names: Vec<Name> = file.items.iter().map(|item| item.name).collect();
    let mut judged = Vec::new();
    for (number, entry) in vault.find_many(&names)?.into_iter().enumerate() {
        if let Some(entry) = entry {
            let value = vault.value(&entry)?;
            judged.push(file.judge(number, Some(&Exported::of(entry, value))));
        }
    }
    Known::packed(judged.into_iter()).map_err(exchange::failure)
}
