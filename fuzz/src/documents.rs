//! JSON, YAML and TOML by path.

use serde_json::Value;
use subrosa_interchange::document::{read_json, read_toml, read_yaml};
use subrosa_interchange::{Contents, InterchangeError, Item, Place};

type Read = fn(&[u8], Option<&str>) -> Result<Contents, InterchangeError>;

/// The first byte says what the rest is: `j`SON, `y`AML or `t`OML.
pub fn documents(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    match kind {
        b'j' => json(data),
        b'y' => drop(is_found_by_path(data, read_yaml)),
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
        // escaped for people
        if path.contains('\\') {
            continue;
        }
        if let Ok(part) = read(data, Some(path)) {
            assert!(part.items.iter().any(|other| value(&other) == value(&item)), "{path}");
        }
    }
    Some(contents)
}

/// As many values as another reader finds, none of them cut; YAML, which JSON is part of, makes the same of it.
fn json(data: &[u8]) {
    let Some(contents) = is_found_by_path(data, read_json) else { return };
    let text = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let document: Value = serde_json::from_slice(text).expect("it is JSON");
    let mut texts = Vec::new();
    let count = leaves(&document, &mut texts);
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
    let Some(contents) = is_found_by_path(data, read_toml) else { return };
    let text = std::str::from_utf8(data).expect("it was read");
    // what does not fit into 64 bits is TOML, and is kept as it is written
    let Ok(document) = toml::from_str::<toml::Table>(text.strip_prefix('\u{feff}').unwrap_or(text)) else {
        return;
    };
    let count = values(&toml::Value::Table(document));
    assert!(contents.items.len() <= count && count <= contents.items.len() + contents.notices.total());
}

fn values(value: &toml::Value) -> usize {
    match value {
        toml::Value::Table(fields) => fields.iter().map(|(_, value)| values(value)).sum(),
        toml::Value::Array(list) => list.iter().map(values).sum(),
        _ => 1,
    }
}
