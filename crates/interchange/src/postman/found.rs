//! What is found in a file of Postman, each name once.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;
use subrosa_secret::{HostRule, Name, SecretValue};

use super::Take;
use super::variable::{Variable, is_made_of_variables};
use crate::item::holds_reference;
use crate::{Contents, InterchangeError, Item, Items, MAX_ITEMS, Notice, Notices, Place, naming};

/// How many names a notice about variables that were left out gives.
const NAMED: usize = 10;

/// Secrets as they are found, packed as they come: a later one can take the place of an earlier one.
#[derive(Default)]
pub(super) struct Found {
    items: Items,
    notices: Notices,
    known: Index,
    /// What was written in place of those names that were made of other texts.
    mended: HashMap<Name, String>,
    passed: Passed,
}

/// The numbers of secrets by their names, which stand with the secrets and not once more here.
#[derive(Default)]
struct Index {
    numbers: HashTable<u32>,
    hasher: RandomState,
}

/// Variables that are no secrets by their type: how many, and what the first are called.
#[derive(Default)]
struct Passed {
    count: usize,
    first: Vec<String>,
}

impl Index {
    fn find(&self, items: &Items, name: &Name) -> Option<usize> {
        let is = |number: &u32| items.name(*number as usize) == name.as_str();
        self.numbers.find(self.hasher.hash_one(name.as_str()), is).map(|number| *number as usize)
    }

    /// Notes the last of the secrets.
    fn note_last(&mut self, items: &Items) {
        let number = items.len() - 1;
        let hash = |number: &u32| self.hasher.hash_one(items.name(*number as usize));
        // a file has no more secrets than fit
        let number = number as u32;
        self.numbers.insert_unique(hash(&number), number, hash);
    }
}

impl Found {
    pub(super) fn notice(&mut self, place: &Place, text: String) {
        self.notices.push(Notice { place: place.clone(), text });
    }

    pub(super) fn name(&mut self, text: &str, place: &Place) -> Result<Name, InterchangeError> {
        naming::name(text, place, &mut self.notices)
    }

    /// The secret that has this name, and its number.
    pub(super) fn find(&self, name: &Name) -> Option<(usize, Item)> {
        self.known.find(&self.items, name).map(|number| (number, self.items.get(number)))
    }

    /// Adds a secret with a name that none has yet.
    pub(super) fn push(&mut self, item: &Item) -> Result<(), InterchangeError> {
        if self.items.len() == MAX_ITEMS {
            return Err(InterchangeError::TooMany);
        }
        self.items.push(item)?;
        self.known.note_last(&self.items);
        Ok(())
    }

    /// Puts a secret in the place of one with the same name.
    pub(super) fn replace(&mut self, number: usize, item: &Item) -> Result<(), InterchangeError> {
        self.items.replace(number, item)
    }

    /// Takes a variable over, if it is a secret, with the hosts that the file suggests for it. Of several of one name the
    /// last enabled one counts, as in Postman.
    pub(super) fn variable(
        &mut self,
        variable: &Variable<'_>,
        key: &str,
        take: Take,
        place: Place,
        hosts: impl FnOnce(&mut Self, &Name) -> Result<Vec<HostRule>, InterchangeError>,
    ) -> Result<(), InterchangeError> {
        if key.is_empty() {
            self.notice(&place, "a variable without a name is left out".to_owned());
            return Ok(());
        }
        naming::check_len(key, &place)?;
        if let Some(provider) = variable.provider() {
            self.notice(
                &place,
                format!("the value of {key:?} is kept by {provider:?} and is not in the file"),
            );
            return Ok(());
        }
        if take == Take::Secrets && !variable.is_secret() {
            self.passed.add(key);
            return Ok(());
        }
        let text = variable.value().unwrap_or_default();
        if is_made_of_variables(&text) || holds_reference(text.as_bytes()) {
            self.notice(
                &place,
                format!("the value of {key:?} is made of variables or references and is left out"),
            );
            return Ok(());
        }
        let name = self.name(key, &place)?;
        let mut item = Item::new(name, value(&text, &place)?, place);
        item.policy.enabled = variable.is_enabled();
        item.description = variable.description();
        item.proposed = hosts(self, &item.name)?;
        self.last_enabled(&item, key)
    }

    fn last_enabled(&mut self, item: &Item, key: &str) -> Result<(), InterchangeError> {
        let name = &item.name;
        let key = if Name::parse(key).is_ok() { name.as_str() } else { key };
        let number = self.known.find(&self.items, name);
        let other = self.mended.get(name).map_or(name.as_str(), String::as_str);
        if number.is_some() && other != key {
            let what = format!("{other:?} and {key:?} would both be called {name}");
            return Err(InterchangeError::Malformed { place: item.place.clone(), what });
        }
        let Some(number) = number else {
            if key != name.as_str() {
                self.mended.insert(name.clone(), key.to_owned());
            }
            return self.push(item);
        };
        if item.policy.enabled || !self.items.get(number).policy.enabled {
            self.replace(number, item)?;
        }
        self.notice(&item.place, format!("{name} is there several times; the last enabled one counts"));
        Ok(())
    }

    /// Names what was passed over, at last.
    pub(super) fn done(mut self) -> Contents {
        if let Some(text) = self.passed.told() {
            self.notice(&Place::File, text);
        }
        Contents { items: self.items, notices: self.notices }
    }
}

impl Passed {
    fn add(&mut self, key: &str) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(format!("{key:?}"));
        }
    }

    fn told(&self) -> Option<String> {
        let (count, first) = (self.count, self.first.join(", "));
        let more = if count > NAMED { ", ..." } else { "" };
        let are = if count == 1 { "variable is" } else { "variables are" };
        (count > 0).then(|| format!("{count} {are} not of type secret and left out: {first}{more}"))
    }
}

/// The value of a text; an empty one is none.
pub(super) fn value(text: &str, place: &Place) -> Result<Option<SecretValue>, InterchangeError> {
    if text.is_empty() {
        return Ok(None);
    }
    let value = SecretValue::new(text.as_bytes().to_vec());
    value.map(Some).map_err(|source| InterchangeError::Value { place: place.clone(), source })
}
