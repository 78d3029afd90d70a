//! Environments and globals, which differ in one word.

use std::io;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Take;
use super::found::Found;
use super::variable::{Variable, is_made_of_variables};
use crate::item::check_unlinked;
use crate::text::text;
use crate::{Contents, InterchangeError, Item, Items, Notice, Notices, Outgoing, Place, json};

#[derive(Deserialize)]
struct Environment<'a> {
    #[serde(borrow)]
    values: &'a RawValue,
}

/// Reads an environment or globals.
///
/// A disabled variable becomes a disabled secret. Of several of one name the last enabled one counts, as in Postman.
/// A variable whose value another program keeps (`source`) is told and left out.
///
/// # Errors
/// [`InterchangeError`]: no text, no JSON, another form, or a name that none can be made of.
pub fn read_environment(bytes: &[u8], take: Take) -> Result<Contents, InterchangeError> {
    let text = text(bytes)?;
    let environment: Environment<'_> = json::document(text)?;
    let mut found = Found::default();
    json::each(text, environment.values, |at, variable: Variable<'_>| {
        let place = Place::Path(format!("values[{at}]"));
        found.variable(&variable, &variable.key(), take, place, |_, _| Ok(Vec::new()))
    })?;
    Ok(found.done())
}

/// Writes an environment called `name`, every variable of type `secret`, as Postman and newman import it.
///
/// A secret without a value gets an empty one. An environment holds names, values, descriptions and whether something is
/// enabled: hosts, tags and earlier values are not in it.
///
/// # Errors
/// [`InterchangeError::Unwritable`] for a value that is no text.
pub fn write_environment<'a>(items: &'a Items, name: &'a str) -> Result<Outgoing<'a>, InterchangeError> {
    check_unlinked(items, "an environment of Postman")?;
    let mut notices = Notices::default();
    for item in items.iter() {
        let text = value(&item)?;
        if is_made_of_variables(text) {
            let text = format!("{} holds '{{{{', which Postman takes for a variable", item.name);
            notices.push(Notice { place: Place::File, text });
        }
    }
    Ok(Outgoing::new(notices, move |out| emit(out, items, name)))
}

fn value(item: &Item) -> Result<&str, InterchangeError> {
    let bytes = item.value.as_ref().map(|value| value.expose_secret()).unwrap_or_default();
    str::from_utf8(bytes).map_err(|_| InterchangeError::Unwritable {
        what: format!("an environment of Postman cannot hold the value of {}: it is no text", item.name),
    })
}

/// By hand but for the strings: no type that holds a value can be serialised.
fn emit(out: &mut dyn io::Write, items: &Items, name: &str) -> io::Result<()> {
    out.write_all(b"{\n  \"name\": ")?;
    string(out, name)?;
    out.write_all(b",\n  \"values\": [")?;
    for (at, item) in items.iter().enumerate() {
        out.write_all(if at == 0 { b"\n    {\"key\": " } else { b",\n    {\"key\": " })?;
        string(out, item.name.as_str())?;
        out.write_all(b", \"value\": ")?;
        string(out, value(&item).map_err(io::Error::other)?)?;
        // the app looks at one word, newman at the other
        let state: &[u8] = match item.policy.enabled {
            true => b"\"enabled\": true",
            false => b"\"enabled\": false, \"disabled\": true",
        };
        out.write_all(b", \"type\": \"secret\", ")?;
        out.write_all(state)?;
        if !item.description.is_empty() {
            out.write_all(b", \"description\": ")?;
            string(out, &item.description)?;
        }
        out.write_all(b"}")?;
    }
    out.write_all(b"\n  ],\n  \"_postman_variable_scope\": \"environment\"\n}\n")
}

fn string(out: &mut dyn io::Write, text: &str) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}
