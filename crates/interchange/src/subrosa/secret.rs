//! A secret as JSON (export-format.md, section 5): the same in a sealed payload and in a document in plain text.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::io::Write;

use data_encoding::BASE64;
use serde::de::{self, Deserializer, Visitor};
use serde::ser::{SerializeMap, SerializeSeq as _, Serializer};
use serde::{Deserialize, Serialize};
use subrosa_secret::{Access, HostRule, MAX_VALUE_LEN, Name, Policy, SecretValue, Tag, ValueTooLarge};
use zeroize::Zeroizing;

use super::json::{malformed, refused};
use crate::{Contents, Earlier, InterchangeError, Item, Items, Link, Notice, Notices, Place};

/// The times that are read: the years 1 to 9999, in seconds since 1970.
const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_207_200;

/// Writes one secret as a JSON object without line breaks.
pub(super) fn write(item: &Item, out: impl Write) -> serde_json::Result<()> {
    let mut json = serde_json::Serializer::new(out);
    let mut map = json.serialize_map(None)?;
    map.serialize_entry("name", &item.name)?;
    if let Some(value) = &item.value {
        write_value(&mut map, value)?;
    }
    if let Some(link) = &item.link {
        map.serialize_entry("link", link)?;
    }
    if !item.description.is_empty() {
        map.serialize_entry("description", &item.description)?;
    }
    if !item.tags.is_empty() {
        map.serialize_entry("tags", &item.tags)?;
    }
    map.serialize_entry("policy", &item.policy)?;
    for (field, time) in [("created", item.created), ("changed", item.changed)] {
        if let Some(time) = time {
            map.serialize_entry(field, &time)?;
        }
    }
    if !item.history.is_empty() {
        map.serialize_entry("history", &History(&item.history))?;
    }
    SerializeMap::end(map)
}

/// Text as it is, all else as base64.
fn write_value<M: SerializeMap>(map: &mut M, value: &SecretValue) -> Result<(), M::Error> {
    let bytes = value.expose_secret();
    match str::from_utf8(bytes) {
        Ok(text) => map.serialize_entry("value", text),
        Err(_) => {
            let mut text = Zeroizing::new(String::with_capacity(BASE64.encode_len(bytes.len())));
            BASE64.encode_append(bytes, &mut text);
            map.serialize_entry("base64", text.as_str())
        }
    }
}

/// Written only; it cannot be kept or shown.
struct History<'a>(&'a [Earlier]);

impl Serialize for History<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        self.0.iter().try_for_each(|earlier| list.serialize_element(&Written(earlier)))?;
        list.end()
    }
}

struct Written<'a>(&'a Earlier);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write_value(&mut map, &self.0.value)?;
        map.serialize_entry("changed", &self.0.changed)?;
        map.end()
    }
}

/// A value as it was read. One that is too long is counted, not copied.
struct Text(Result<SecretValue, ValueTooLarge>);
/// The same in base64.
struct Binary(Result<SecretValue, ValueTooLarge>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    value: Option<Text>,
    base64: Option<Binary>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    tags: BTreeSet<Tag>,
    #[serde(default)]
    policy: Policy,
    created: Option<i64>,
    changed: Option<i64>,
    #[serde(default)]
    history: Vec<Past>,
    link: Option<Box<Link>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Past {
    value: Option<Text>,
    base64: Option<Binary>,
    changed: i64,
}

/// Refuses two secrets of one name, and two connections: a vault has none, and nobody is to guess which is meant.
pub(super) fn check_names(contents: &Contents) -> Result<(), InterchangeError> {
    if let Some((_, later)) = contents.items.doubles().first() {
        let place = contents.items.get(*later).place;
        return Err(malformed(place, "another secret before it has the same name"));
    }
    let mut connections: HashMap<String, Box<Link>> = HashMap::new();
    for item in contents.items.linked() {
        let Some(link) = item.link else { continue };
        match connections.get(&link.connection) {
            Some(known) if !known.is_beside(&link) => {
                let what = "a link before it describes the connection of this name otherwise";
                return Err(malformed(item.place, what));
            }
            Some(_) => {}
            None => drop(connections.insert(link.connection.clone(), link)),
        }
    }
    Ok(())
}

/// Refuses to write links that would not be read.
pub(super) fn check_links(items: &Items) -> Result<(), InterchangeError> {
    for item in items.linked() {
        let Some(link) = &item.link else { continue };
        let wrong = match link.check() {
            Ok(()) if item.value.is_some() => "it has a value and a link",
            Ok(()) => continue,
            Err(wrong) => wrong,
        };
        return Err(InterchangeError::Unwritable { what: format!("{}: {wrong}", item.name) });
    }
    Ok(())
}

/// Reads one secret into `contents`.
pub(super) fn read(json: &[u8], place: Place, contents: &mut Contents) -> Result<(), InterchangeError> {
    let fields: Fields<'_> = serde_json::from_slice(json).map_err(|error| refused(&place, &error))?;
    if let Some(Err(wrong)) = fields.link.as_deref().map(Link::check) {
        return Err(malformed(place, wrong));
    }
    if fields.link.is_some() && (fields.value.is_some() || fields.base64.is_some()) {
        return Err(malformed(place, "a linked secret has a value of its own"));
    }
    let name = Name::parse(&fields.name)
        .map_err(|source| InterchangeError::Name { place: place.clone(), source })?;
    let mut times = fields.history.iter().map(|past| past.changed);
    if !times.all(is_time) || ![fields.created, fields.changed].into_iter().flatten().all(is_time) {
        return Err(malformed(place, "a time is not within the years 1 to 9999"));
    }
    let mut history = Vec::with_capacity(fields.history.len());
    for past in fields.history {
        let value = one_of(past.value, past.base64, &place)?;
        let value = value.ok_or_else(|| malformed(place.clone(), "an earlier value is missing"))?;
        history.push(Earlier { value, changed: past.changed });
    }
    let value = one_of(fields.value, fields.base64, &place)?;
    let policy = narrowed(fields.policy, &place, &mut contents.notices);
    contents.items.push(&Item {
        name,
        value,
        link: fields.link,
        description: fields.description,
        tags: fields.tags,
        policy,
        proposed: Vec::new(),
        created: fields.created,
        changed: fields.changed,
        history,
        place,
    })
}

fn is_time(time: i64) -> bool {
    TIMES.contains(&time)
}

fn one_of(
    text: Option<Text>,
    binary: Option<Binary>,
    place: &Place,
) -> Result<Option<SecretValue>, InterchangeError> {
    let value = match (text, binary) {
        (Some(Text(value)), None) | (None, Some(Binary(value))) => Some(value),
        (None, None) => None,
        (Some(_), Some(_)) => {
            return Err(malformed(place.clone(), "a value is given twice, as text and as base64"));
        }
    };
    value.transpose().map_err(|source| InterchangeError::Value { place: place.clone(), source })
}

/// Takes out the rules that nobody could save today: a file can be written by anybody, and the list of public suffixes
/// grows. What is left allows less.
fn narrowed(mut policy: Policy, place: &Place, notices: &mut Notices) -> Policy {
    if let Access::Restricted(rules) = &mut policy.access {
        rules.retain(|rule| {
            let kept = HostRule::parse(&rule.to_string()).is_ok();
            if !kept {
                let text = format!("the rule {rule} allows more than a rule may, and was left out");
                notices.push(Notice { place: place.clone(), text });
            }
            kept
        });
    }
    policy
}

struct TextVisitor;
struct BinaryVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(match text.len() {
            len if len > MAX_VALUE_LEN => Err(ValueTooLarge { len }),
            _ => SecretValue::new(text.as_bytes().to_vec()),
        }))
    }
}

impl Visitor<'_> for BinaryVisitor {
    type Value = Binary;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Binary, E> {
        if text.len() > BASE64.encode_len(MAX_VALUE_LEN) {
            return Ok(Binary(Err(ValueTooLarge { len: text.len() / 4 * 3 })));
        }
        let invalid = || E::custom("not base64");
        let room = BASE64.decode_len(text.len()).map_err(|_| invalid())?;
        let mut bytes = Zeroizing::new(vec![0; room]);
        let length = BASE64.decode_mut(text.as_bytes(), &mut bytes).map_err(|_| invalid())?;
        bytes.truncate(length);
        Ok(Binary(SecretValue::from_zeroizing(bytes)))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(BinaryVisitor)
    }
}
