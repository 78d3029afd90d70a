//! Variables, which environments, globals, collections and the vault scope share.

use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::json;

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

    pub(super) fn is_secret(&self) -> bool {
        text(self.kind).as_deref() == Some("secret") || self.secret.is_some_and(|raw| raw.get() == "true")
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.enabled.is_none_or(|raw| raw.get() != "false")
            && self.disabled.is_none_or(|raw| raw.get() != "true")
    }

    /// The program that keeps the value, where the file does not.
    pub(super) fn provider(&self) -> Option<String> {
        let source = self.source.filter(|raw| raw.get() != "null")?;
        let provider =
            serde_json::from_str::<Source<'_>>(source.get()).ok().and_then(|source| text(source.provider));
        Some(provider.unwrap_or_else(|| "another program".to_owned()))
    }

    /// Free text, or an object that holds it.
    pub(super) fn description(&self) -> String {
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
