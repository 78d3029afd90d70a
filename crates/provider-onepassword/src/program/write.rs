//! Writing a field. The item is got, changed and given back as a whole on standard input, for what stood on a command line others
//! could see.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use subrosa_provider::{ErrorKind, ProviderError, WriteMode};
use subrosa_secret::SecretValue;

use super::ServiceAccount;
use super::fault::Fault;
use super::json::Json;
use crate::edit::{CATEGORY, Edit, KIND, check, check_new, edit};
use crate::item::Item;
use crate::named::{id, one};
use crate::target::Target;

impl ServiceAccount<'_> {
    pub(super) fn written(
        &self,
        target: &Target,
        value: &SecretValue,
        mode: WriteMode,
    ) -> Result<(), ProviderError> {
        let value = check(target, value)?;
        let token = self.token()?;
        let about = |error: ProviderError| error.about(&target.place.to_string());
        let vaults = self.list(&["vault", "list"], token)?;
        let vault = one(&vaults, &target.place.vault, "vault").map_err(about)?.ok_or_else(|| {
            let text = format!("op://{}: the service account was granted no such vault", target.place.vault);
            ProviderError::new(ErrorKind::NotFound, text)
        })?;
        let vault = id(&vault.id)?;
        let items = self.list(&["item", "list", "--vault", vault], token)?;
        let Some(item) = one(&items, &target.place.item, "item").map_err(about)? else {
            check_new(target)?;
            return self.give(&["item", "create", "--vault", vault, "-"], new(target, value), token, target);
        };
        let item = id(&item.id)?;
        let json =
            self.op.json(&["item", "get", item, "--vault", vault], token, &target.place.to_string())?;
        let parsed: Item<'_> = serde_json::from_slice(&json).map_err(|_| bad(target))?;
        if parsed.may_hold_more() {
            // https://developer.1password.com/docs/cli/item-edit: templates know no passkeys, and overwrite them
            let text =
                format!("{}: by op an item that may hold a passkey or files is not changed", target.place);
            return Err(ProviderError::new(ErrorKind::Unsupported, text));
        }
        let edited =
            edited(&json, &edit(&parsed, target, mode)?, target, value).ok_or_else(|| bad(target))?;
        self.give(&["item", "edit", item, "--vault", vault], edited, token, target)
    }

    fn give(
        &self,
        arguments: &[&str],
        json: Json,
        token: &SecretValue,
        target: &Target,
    ) -> Result<(), ProviderError> {
        let ended = self.op.run(
            &[arguments, &["--format", "json"]].concat(),
            Some(token),
            Some(json.into_bytes()),
        )?;
        match ended.success {
            true => Ok(()),
            false => Err(Fault::of(&ended.complaint, &[target]).error(&target.to_string())),
        }
    }
}

fn bad(target: &Target) -> ProviderError {
    let text = format!("{}: what op prints is not the JSON that it should be", target.place);
    ProviderError::new(ErrorKind::BadAnswer, text)
}

/// A field that is new.
fn field(json: &mut Json, target: &Target, value: &str, section: Option<&str>) {
    json.raw(r#"{"id":"#).text(&target.field).raw(r#","label":"#).text(&target.field);
    json.raw(r#","type":"#).text(KIND).raw(r#","value":"#).text(value);
    if let Some(id) = section {
        json.raw(r#","section":{"id":"#).text(id).raw("}");
    }
    json.raw("}");
}

/// An item that is new.
fn new(target: &Target, value: &str) -> Json {
    let mut json = Json::default();
    json.raw(r#"{"title":"#).text(&target.place.item).raw(r#","category":"#).text(CATEGORY);
    json.raw(r#","fields":["#);
    field(&mut json, target, value, None);
    json.raw("]}");
    json
}

/// The item with one field changed; all else is given back as it came.
fn edited(item: &[u8], edit: &Edit, target: &Target, value: &str) -> Option<Json> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_slice(item).ok()?;
    let fields: Vec<&RawValue> = match members.get("fields") {
        Some(fields) => serde_json::from_str(fields.get()).ok()?,
        None => Vec::new(),
    };
    let mut json = Json::default();
    json.raw("{");
    for (name, member) in members.iter().filter(|(name, _)| *name != "fields") {
        json.text(name).raw(":").raw(member.get()).raw(",");
    }
    json.raw(r#""fields":["#);
    let mut comma = "";
    for one in fields {
        json.raw(std::mem::replace(&mut comma, ","));
        match edit {
            Edit::Replace(id) => replaced(&mut json, one, id, value)?,
            Edit::Add(_) => drop(json.raw(one.get())),
        }
    }
    if let Edit::Add(section) = edit {
        json.raw(comma);
        field(&mut json, target, value, section.as_deref());
    }
    json.raw("]}");
    Some(json)
}

/// A field, with another value if it is the one of that id.
fn replaced(json: &mut Json, field: &RawValue, id: &str, value: &str) -> Option<()> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(field.get()).ok()?;
    let known: String = serde_json::from_str(members.get("id")?.get()).ok()?;
    if known != id {
        json.raw(field.get());
        return Some(());
    }
    json.raw("{");
    for (name, member) in members.iter().filter(|(name, _)| *name != "value") {
        json.text(name).raw(":").raw(member.get()).raw(",");
    }
    json.raw(r#""value":"#).text(value).raw("}");
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: &str =
        r#"{"id":"x","fields":[{"id":"a","value":"one","totp":"1"},{"id":"b"}],"urls":[ 1.50 ]}"#;

    fn changed(edit: &Edit, value: &str) -> serde_json::Value {
        let target = Target::parse("op://v/i/new one").expect("a reference");
        let json = edited(ITEM.as_bytes(), edit, &target, value).expect("an item").into_bytes();
        assert!(
            String::from_utf8_lossy(&json).contains("[ 1.50 ]"),
            "what is not changed is not written anew"
        );
        serde_json::from_slice(&json).expect("JSON")
    }

    #[test]
    fn one_field_is_changed_and_nothing_else() {
        let value = "a \"value\"\n\\ with \u{1} and é";
        let replaced = changed(&Edit::Replace("a".to_owned()), value);
        assert_eq!(replaced["fields"], serde_json::json!([{"id":"a","value":value,"totp":"1"},{"id":"b"}]));
        let given = changed(&Edit::Replace("b".to_owned()), value);
        assert_eq!(given["fields"][1], serde_json::json!({"id":"b","value":value}));
        let added = changed(&Edit::Add(Some("s".to_owned())), value);
        assert_eq!(
            added["fields"][2],
            serde_json::json!({"id":"new one","label":"new one","type":"CONCEALED","value":value,"section":{"id":"s"}})
        );
        assert_eq!(added["id"], "x");
    }
}
