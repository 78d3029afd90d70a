//! Masking, compared with a search at every place for every spelling.

use std::ops::Range;

use subrosa_secret::{Name, Redactor, SecretValue, fuzzing};

use crate::input::{Numbers, parts, pieces};

/// The names of the secrets; none of them stands in a text that is looked at.
const NAMES: [&str; 3] = ["M0", "M1", "M2"];
const MARK: &[u8] = b"<<vault:M";
/// In a text, stands for one of the spellings: the next byte says which, the one after it how much of it.
const SPELLING: u8 = 0x1b;
/// Longer texts show nothing that shorter ones do not.
const LONGEST: usize = 1024;

/// Three values, sizes of pieces, and a text: what is masked is what the spellings cover, and nothing else.
pub fn redactor(data: &[u8]) {
    let [first, second, third, sizes, text] = parts::<5>(data);
    let values = [first, second, third].map(|value| &value[..value.len().min(300)]);
    let secrets = values.map(|value| SecretValue::new(value.to_vec()).expect("a short value"));
    let names = NAMES.map(|name| Name::parse(name).expect("a name"));
    let redactor = Redactor::new(names.iter().cloned().zip(&secrets));
    let spellings: Vec<Vec<u8>> = values.into_iter().flat_map(fuzzing::spellings).collect();
    for (name, value) in names.iter().zip(values) {
        let skipped = redactor.unmasked().contains(name);
        assert_eq!(skipped, !value.is_empty() && fuzzing::spellings(value).is_empty(), "{name}");
    }
    let text = written(text, &spellings);
    if text.windows(MARK.len()).any(|window| window == MARK) {
        return;
    }
    let shown = redactor.redact(&text);
    assert_eq!(kept(&shown), left_over(&text, &spellings), "masked is what the spellings cover");
    if let Ok(text) = std::str::from_utf8(&text) {
        assert_eq!(redactor.redact_str(text), String::from_utf8_lossy(&shown));
    }
    let mut stream = redactor.stream();
    let mut out = Vec::new();
    for piece in pieces(&text, sizes) {
        out.extend_from_slice(&stream.push(piece));
    }
    stream.finish(&mut out);
    assert_eq!(out, *shown, "another result in pieces");
}

/// The text with spellings, or beginnings of them, where it asks for them.
fn written(data: &[u8], spellings: &[Vec<u8>]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut bytes = Numbers(data);
    while !bytes.is_empty() && text.len() < LONGEST {
        match bytes.byte() {
            SPELLING if !spellings.is_empty() => {
                let spelling = &spellings[usize::from(bytes.byte()) % spellings.len()];
                let cut = usize::from(bytes.byte());
                text.extend_from_slice(
                    &spelling[..if cut == 0 { spelling.len() } else { cut.min(spelling.len()) }],
                );
            }
            byte => text.push(byte),
        }
    }
    text
}

/// What stands between the masks of what is shown.
fn kept(shown: &[u8]) -> Vec<Vec<u8>> {
    let mut kept = vec![Vec::new()];
    let mut rest = shown;
    while let Some((&first, after)) = rest.split_first() {
        if rest.starts_with(MARK) {
            rest = &rest[MARK.len() + 3..];
            kept.push(Vec::new());
            continue;
        }
        kept.last_mut().expect("one at least").push(first);
        rest = after;
    }
    without_empty_middles(kept)
}

/// What no spelling covers, between what is covered.
fn left_over(text: &[u8], spellings: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut covered: Vec<Range<usize>> = Vec::new();
    for start in 0..text.len() {
        let found = spellings.iter().filter(|spelling| text[start..].starts_with(spelling));
        let Some(end) = found.map(|spelling| start + spelling.len()).max() else { continue };
        match covered.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => covered.push(start..end),
        }
    }
    let mut left = Vec::new();
    let mut done = 0;
    for span in covered {
        left.push(text[done..span.start].to_vec());
        done = span.end;
    }
    left.push(text[done..].to_vec());
    without_empty_middles(left)
}

/// Two masks side by side are told from one by nothing.
fn without_empty_middles(parts: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let last = parts.len() - 1;
    let kept = parts.into_iter().enumerate();
    kept.filter(|(index, part)| *index == 0 || *index == last || !part.is_empty())
        .map(|(_, part)| part)
        .collect()
}
