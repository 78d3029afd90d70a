//! JSON, YAML and TOML by path.

use serde_json::Value;
use subrosa_interchange::document::{read_json, read_toml, read_yaml};
use subrosa_interchange::{Contents, InterchangeError, Item, Place};

use crate::silence;

type Read = fn(&[u8], Option<&str>) -> Result<Contents, InterchangeError>;

/// The first byte says what the rest is: `j`SON, `y`AML or `t`OML.
pub fn documents(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    match kind {
        b'j' => json(data),
        b'y' => yaml(data),
        b't' => toml(data),
        _ => {}
    }
}

fn value(item: &Item) -> &[u8] {
    item.value.as_ref().map(|value| value.expose_secret()).unwrap_or_default()
}

/// Every value is there again where its own path is asked for, unless two things would have one name then.
fn is_found_by_path(data: &[u8], read: Read) -> Option<Contents> {
    let contents = read(data, None).ok()?;
    for item in contents.items.iter().take(4) {
        let Place::Path(path) = &item.place else { continue };
        // escaped for people, or cut
        if path.contains(['\\', '…']) {
            continue;
        }
        if let Ok(part) = read(data, Some(path)) {
            assert!(part.items.iter().any(|other| value(&other) == value(&item)), "{path}");
        }
    }
    Some(contents)
}

fn yaml(data: &[u8]) {
    let read = read_yaml(data, None);
    if silence::is_in(data) && silence::is_read(&read) {
        silence::is_kept(&read);
    }
    is_found_by_path(data, read_yaml);
}

/// As many values as another reader finds, none of them cut; YAML, which JSON is part of, makes the same of it.
fn json(data: &[u8]) {
    let text = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let document: Option<Value> = serde_json::from_slice(text).ok();
    let mut texts = Vec::new();
    let count = document.as_ref().map_or(0, |document| leaves(document, &mut texts));
    if silence::is_in(data) && texts.iter().any(|text| silence::is_part_of(text.as_bytes())) {
        silence::is_kept(&read_json(data, None));
    }
    let Some(contents) = is_found_by_path(data, read_json) else { return };
    assert!(document.is_some(), "it is no JSON");
    assert!(contents.items.len() <= count && count <= contents.items.len() + contents.notices.total());
    for item in contents.items.iter() {
        let is_text = texts.iter().any(|text| text.as_bytes() == value(&item));
        let is_plain = std::str::from_utf8(value(&item)).is_ok_and(|text| {
            matches!(text, "" | "true" | "false") || serde_json::from_str::<serde_json::Number>(text).is_ok()
        });
        assert!(is_text || is_plain, "{}", item.place);
    }
    if let Ok(yaml) = read_yaml(data, None) {
        let told = |contents: &Contents| {
            let items = contents.items.iter();
            items.map(|item| (item.name.to_string(), value(&item).to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(told(&yaml), told(&contents), "YAML makes something else of it");
    }
}

/// How many values there are; those that are texts are kept.
fn leaves<'v>(value: &'v Value, texts: &mut Vec<&'v str>) -> usize {
    match value {
        Value::Object(fields) => fields.values().map(|value| leaves(value, texts)).sum(),
        Value::Array(list) => list.iter().map(|value| leaves(value, texts)).sum(),
        Value::String(text) => {
            texts.push(text);
            1
        }
        _ => 1,
    }
}

/// As many values as another reader finds.
fn toml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // what does not fit into 64 bits is TOML, and is kept as it is written
    let document = toml::from_str::<toml::Table>(text.strip_prefix('\u{feff}').unwrap_or(text));
    let found = document.ok().map(|table| values(&toml::Value::Table(table)));
    if silence::is_in(data) && found.is_some_and(|(_, has_canary)| has_canary) {
        silence::is_kept(&read_toml(data, None));
    }
    let Some(contents) = is_found_by_path(data, read_toml) else { return };
    let Some((count, _)) = found else { return };
    assert!(contents.items.len() <= count && count <= contents.items.len() + contents.notices.total());
}

/// How many values there are, and whether one of them has the canary.
fn values(value: &toml::Value) -> (usize, bool) {
    let both = |(count, has): (usize, bool), (more, has_too): (usize, bool)| (count + more, has || has_too);
    match value {
        toml::Value::Table(fields) => fields.iter().map(|(_, value)| values(value)).fold((0, false), both),
        toml::Value::Array(list) => list.iter().map(values).fold((0, false), both),
        toml::Value::String(text) => (1, silence::is_part_of(text.as_bytes())),
        _ => (1, false),
    }
}
