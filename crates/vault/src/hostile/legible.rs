//! What a thief of the files can read without a key.

use std::{collections::BTreeSet, fs};

use data_encoding::{BASE64, BASE64URL, HEXLOWER};
use subrosa_secret::{Access, HostRule, Tag};

use crate::scratch::{Scratch, name, store};

/// A word as it could stand in a file: as text of any width, or encoded at any of base64's three alignments.
fn spellings(word: &str) -> BTreeSet<Vec<u8>> {
    let wide = |order: fn(u16) -> [u8; 2]| word.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let mut all: BTreeSet<Vec<u8>> = [
        word.into(),
        word.to_uppercase().into(),
        wide(u16::to_le_bytes),
        wide(u16::to_be_bytes),
        word.chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect(),
        HEXLOWER.encode(word.as_bytes()).into(),
        word.bytes().rev().collect(),
    ]
    .into();
    for alignment in 0..3 {
        let shifted = [&vec![0; alignment], word.as_bytes()].concat();
        for encoding in [BASE64, BASE64URL] {
            let text = encoding.encode(&shifted);
            // characters that hold bits of the word only
            let (from, to) = (alignment * 8usize.div_ceil(6), shifted.len() * 8 / 6);
            all.insert(text.as_bytes()[from.min(to)..to].to_vec());
        }
    }
    all
}

#[test]
fn hostile_a16_nothing_told_of_a_secret_is_legible() {
    let (scratch, mut vault) = Scratch::new();
    let words = ["kingfisher", "estuary", "api.river.example", "heron-tag", "a-made-up-value", "willow-bank"];
    store(&mut vault, "kingfisher", "a-made-up-value");
    store(&mut vault, "kingfisher", "a-made-up-value of later");
    vault
        .change(|change| {
            change.update(&name("kingfisher"), |metadata, policy| {
                metadata.description = "where the estuary begins".to_owned();
                metadata.tags = [Tag::parse("heron-tag").expect("tag")].into();
                let rule = HostRule::parse("api.river.example").expect("rule").rule;
                policy.access = Access::Restricted(vec![rule]);
            })?;
            change.rename(&name("kingfisher"), &name("willow-bank"))?;
            change.set(&name("kingfisher"), None)?;
            change.remove(&name("kingfisher"))
        })
        .expect("change");
    let copy = scratch.folder.path().join("copy");
    vault.backup(&copy).expect("backup");
    let pins = scratch.location.state.join("pins");
    let mut looked_at = 0;
    for folder in [&scratch.location.dir, &copy, &pins] {
        for file in fs::read_dir(folder).expect("folder") {
            let path = file.expect("file").path();
            let content = fs::read(&path).expect("read");
            looked_at += content.len();
            for word in words {
                for spelling in spellings(word) {
                    let found = content.windows(spelling.len()).any(|window| window == spelling);
                    assert!(!found, "{word} stands in {}: {spelling:x?}", path.display());
                }
            }
        }
    }
    assert!(looked_at > 50_000, "{looked_at}");
}

#[test]
fn spellings_are_found_where_they_stand() {
    let hay = |bytes: &[u8]| BASE64.encode(bytes).into_bytes();
    for before in ["", "x", "xy"] {
        let content = hay(format!("{before}kingfisher and more").as_bytes());
        let found = spellings("kingfisher")
            .iter()
            .any(|spelling| content.windows(spelling.len()).any(|window| window == spelling));
        assert!(found, "{before:?}");
    }
}
