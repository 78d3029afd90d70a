//! Exports of subrosa: the document in clear, what is sealed in it, and the same in plain text.

use serde_json::{Value, json};
use subrosa_interchange::{Contents, InterchangeError, Item, Items, fuzzing, subrosa};

use crate::input::Numbers;
use crate::silence;

/// The first byte says what the rest is: a `d`ocument, sealed `l`ines, a `p`lain document, or changes of the `c`hunks of
/// an export that is sound.
pub fn export(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    match kind {
        b'd' => document(data),
        b'l' => lines(data),
        b'p' => plain(data),
        b'c' => chunks(&mut Numbers(data)),
        _ => {}
    }
}

/// Any document: what is judged to be an export is JSON, and its costs are within the limits.
fn document(data: &[u8]) {
    let Ok(export) = subrosa::Export::parse(data) else { return };
    let text = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    serde_json::from_slice::<Value>(text).expect("an export is JSON");
    let params = export.params();
    assert!((19 << 10..=1 << 20).contains(&params.memory()));
    assert!((2..=10).contains(&params.passes()) && (1..=16).contains(&params.lanes()));
    assert!(fuzzing::open(data).is_err(), "it opens with a key that it was not made with");
}

/// Lines that a holder of the passphrase sealed: what is read is what is written again.
fn lines(data: &[u8]) {
    let sealed = fuzzing::seal(data).expect("random bytes").to_bytes().expect("random bytes");
    let read = fuzzing::open(&sealed);
    for line in data.split(|byte| *byte == b'\n') {
        tells_no_value(line, &read);
    }
    let Ok(contents) = read else { return };
    assert_eq!(contents.items.len(), data.iter().filter(|byte| **byte == b'\n').count());
    is_written_again(&contents);
}

fn plain(data: &[u8]) {
    let read = subrosa::read_plain(data);
    tells_no_value(data, &read);
    if let Ok(contents) = read {
        is_written_again(&contents);
    }
}

fn tells_no_value(text: &[u8], read: &Result<Contents, InterchangeError>) {
    if !silence::is_in(text) {
        return;
    }
    let Ok(document) = serde_json::from_slice(text) else { return };
    if silence::is_said_by(&["value", "base64"], &document) {
        silence::is_kept(read);
    }
}

fn is_written_again(contents: &Contents) {
    let written = subrosa::write_plain(&contents.items).expect("it was read").to_bytes().expect("in memory");
    let again = subrosa::read_plain(&written).expect("what is written is read");
    assert!(again.notices.is_empty(), "{:?}", again.notices);
    assert_eq!(told(&again.items), told(&contents.items));
}

/// All that is told of secrets.
fn told(items: &Items) -> Vec<Value> {
    let one = |item: Item| {
        let value = item.value.as_ref().map(|value| value.expose_secret());
        let history = item.history.iter().map(|past| json!([past.value.expose_secret(), past.changed]));
        json!([
            item.name,
            value,
            item.link,
            item.description,
            item.tags,
            item.policy,
            item.created,
            item.changed,
            history.collect::<Vec<_>>(),
        ])
    };
    items.iter().map(one).collect()
}

/// Chunks in another order, or with a character changed: refused, unless all are as they were.
fn chunks(numbers: &mut Numbers<'_>) {
    let line = format!("{{\"name\":\"a\",\"value\":\"{}\"}}\n", "x".repeat(150_000));
    let sealed = fuzzing::seal(line.as_bytes()).expect("random bytes").to_bytes().expect("random bytes");
    let mut document: Value = serde_json::from_slice(&sealed).expect("JSON");
    let sound = document["payload"].as_array().expect("chunks").clone();
    let mut changed: Vec<Value> = Vec::new();
    while !numbers.is_empty() && changed.len() < 8 {
        let mut chunk = sound[numbers.below(sound.len())].as_str().expect("base64").to_owned();
        if numbers.byte().is_multiple_of(4) {
            let (at, byte) = (numbers.below(chunk.len()), numbers.byte());
            chunk.replace_range(at..=at, char::from(byte % 128).encode_utf8(&mut [0; 4]));
        }
        changed.push(chunk.into());
    }
    let is_sound = changed == sound;
    document["payload"] = changed.into();
    assert_eq!(fuzzing::open(document.to_string().as_bytes()).is_ok(), is_sound);
}
