//! Variables, which environments, globals, collections and the vault scope share.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use subrosa_secret::{Name, SecretValue};
use zeroize::Zeroizing;

use super::Take;
use crate::item::holds_reference;
use crate::{Contents, InterchangeError, Item, Items, MAX_ITEMS, Notice, Notices, Place, json, naming};

/// How many names a notice about variables that were left out gives.
const NAMED: usize = 10;

/// A variable as it is written.
#[derive(Deserialize)]
pub(super) struct Variable<'a> {
    #[serde(borrow)]
    key: Option<&'a RawValue>,
    /// What older files have in place of a key.
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    enabled: Option<&'a RawValue>,
    #[serde(borrow)]
    disabled: Option<&'a RawValue>,
    #[serde(borrow)]
    secret: Option<&'a RawValue>,
    /// Where a newer variable has its value from.
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    description: Option<&'a RawValue>,
    #[serde(borrow, rename = "_domains")]
    pub(super) domains: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Source<'a> {
    #[serde(borrow)]
    provider: Option<&'a RawValue>,
}

/// A text that is no value.
fn text(raw: Option<&RawValue>) -> Option<String> {
    raw.and_then(json::scalar).map(|text| text.as_str().to_owned())
}

/// Whether a value is made of variables of Postman, and so is none itself.
pub(super) fn is_made_of_variables(value: &str) -> bool {
    value.split_once("{{").is_some_and(|(_, rest)| rest.contains("}}"))
}

impl Variable<'_> {
    pub(super) fn key(&self) -> String {
        text(self.key).or_else(|| text(self.id)).unwrap_or_default()
    }

    pub(super) fn value(&self) -> Option<Zeroizing<String>> {
        self.value.and_then(json::scalar)
    }

    fn is_secret(&self) -> bool {
        text(self.kind).as_deref() == Some("secret") || self.secret.is_some_and(|raw| raw.get() == "true")
    }

    fn is_enabled(&self) -> bool {
        self.enabled.is_none_or(|raw| raw.get() != "false")
            && self.disabled.is_none_or(|raw| raw.get() != "true")
    }

    /// The program that keeps the value, where the file does not.
    fn provider(&self) -> Option<String> {
        let source = self.source.filter(|raw| raw.get() != "null")?;
        let provider =
            serde_json::from_str::<Source<'_>>(source.get()).ok().and_then(|source| text(source.provider));
        Some(provider.unwrap_or_else(|| "another program".to_owned()))
    }

    /// Free text, or an object that holds it.
    fn description(&self) -> String {
        #[derive(Deserialize)]
        struct Description<'a> {
            #[serde(borrow)]
            content: Option<&'a RawValue>,
        }
        let inner = |raw: &RawValue| {
            serde_json::from_str::<Description<'_>>(raw.get()).ok().and_then(|it| text(it.content))
        };
        self.description.and_then(|raw| text(Some(raw)).or_else(|| inner(raw))).unwrap_or_default()
    }
}

/// Secrets as they are found, each name once.
#[derive(Default)]
pub(super) struct Found {
    items: Vec<Item>,
    notices: Notices,
    known: HashMap<Name, usize>,
    /// What was written in place of those names that were made of other texts.
    mended: HashMap<Name, String>,
    /// Variables that are no secrets by their type.
    passed: Vec<String>,
}

impl Found {
    pub(super) fn notice(&mut self, place: &Place, text: String) {
        self.notices.push(Notice { place: place.clone(), text });
    }

    pub(super) fn name(&mut self, text: &str, place: &Place) -> Result<Name, InterchangeError> {
        naming::name(text, place, &mut self.notices)
    }

    pub(super) fn item(&mut self, name: &Name) -> Option<&mut Item> {
        self.known.get(name).map(|at| &mut self.items[*at])
    }

    pub(super) fn push(&mut self, item: Item) -> Result<(), InterchangeError> {
        if self.known.len() == MAX_ITEMS {
            return Err(InterchangeError::TooMany);
        }
        self.known.insert(item.name.clone(), self.items.len());
        self.items.push(item);
        Ok(())
    }

    /// Takes a variable over and gives its name, if it is a secret. Of several of one name the last enabled one counts,
    /// as in Postman.
    pub(super) fn variable(
        &mut self,
        variable: &Variable<'_>,
        key: &str,
        take: Take,
        place: Place,
    ) -> Result<Option<Name>, InterchangeError> {
        if key.is_empty() {
            self.notice(&place, "a variable without a name is left out".to_owned());
            return Ok(None);
        }
        if let Some(provider) = variable.provider() {
            self.notice(
                &place,
                format!("the value of {key:?} is kept by {provider:?} and is not in the file"),
            );
            return Ok(None);
        }
        if take == Take::Secrets && !variable.is_secret() {
            self.passed.push(key.to_owned());
            return Ok(None);
        }
        let text = variable.value().unwrap_or_default();
        if is_made_of_variables(&text) || holds_reference(text.as_bytes()) {
            self.notice(
                &place,
                format!("the value of {key:?} is made of variables or references and is left out"),
            );
            return Ok(None);
        }
        let name = self.name(key, &place)?;
        let mut item = Item::new(name.clone(), value(&text, &place)?, place);
        item.policy.enabled = variable.is_enabled();
        item.description = variable.description();
        self.last_enabled(item, key)?;
        Ok(Some(name))
    }

    fn last_enabled(&mut self, item: Item, key: &str) -> Result<(), InterchangeError> {
        let (name, place) = (item.name.clone(), item.place.clone());
        let key = if Name::parse(key).is_ok() { name.as_str() } else { key };
        let other = self.mended.get(&name).map_or(name.as_str(), String::as_str);
        if self.known.contains_key(&name) && other != key {
            let what = format!("{other:?} and {key:?} would both be called {name}");
            return Err(InterchangeError::Malformed { place, what });
        }
        if key != name.as_str() {
            self.mended.insert(name.clone(), key.to_owned());
        }
        let Some(other) = self.item(&name) else { return self.push(item) };
        if item.policy.enabled || !other.policy.enabled {
            *other = item;
        }
        self.notice(&place, format!("{name} is there several times; the last enabled one counts"));
        Ok(())
    }

    /// Names what was passed over, at last.
    pub(super) fn done(mut self) -> Result<Contents, InterchangeError> {
        if !self.passed.is_empty() {
            let mut names = self.passed.iter().take(NAMED).map(|key| format!("{key:?}")).collect::<Vec<_>>();
            if self.passed.len() > NAMED {
                names.push("...".to_owned());
            }
            let text = format!(
                "{} variables are not of type secret and are left out: {}",
                self.passed.len(),
                names.join(", ")
            );
            self.notice(&Place::File, text);
        }
        Ok(Contents { items: Items::of(&self.items)?, notices: self.notices })
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
