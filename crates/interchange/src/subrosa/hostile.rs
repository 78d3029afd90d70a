//! Exports as an attacker would leave them: the section numbers of `docs/spec/export-format.md`, section 9.

use serde_json::{Value, json};

use super::scratch::{PASSPHRASE, cheap, item, items, passphrase, sealed, sealed_under, written};
use super::*;

fn kind(file: &[u8]) -> Option<&'static str> {
    open(file, &passphrase(PASSPHRASE)).err().map(|error| error.kind())
}

/// What judging the document says of it. There is no passphrase at hand, so nothing can have been derived.
fn judged(file: &[u8]) -> Option<&'static str> {
    Export::parse(file).err().map(|error| error.kind())
}

/// An export with one field of its derivation replaced.
fn with_kdf(field: &str, value: Value) -> Vec<u8> {
    let mut document: Value = serde_json::from_slice(&sealed(&items())).expect("JSON");
    document["keys"][0]["kdf"][field] = value;
    document.to_string().into_bytes()
}

#[test]
fn hostile_b19_extreme_costs_are_refused_before_there_is_a_passphrase() {
    for (field, value) in [
        ("memory", json!(1_u64 << 32)),
        ("memory", json!(u64::MAX)),
        ("memory", json!((1 << 20) + 1)),
        ("passes", json!(u32::MAX)),
        ("passes", json!(u64::MAX)),
        ("passes", json!(11)),
        ("lanes", json!(0)),
        ("lanes", json!(17)),
        ("lanes", json!(u64::MAX)),
    ] {
        assert_eq!(judged(&with_kdf(field, value.clone())), Some("kdf_parameters"), "{field} {value}");
    }
    for (field, value) in
        [("memory", json!(-1)), ("passes", json!(3.0)), ("lanes", json!("4")), ("lanes", json!(null))]
    {
        assert_eq!(judged(&with_kdf(field, value.clone())), Some("malformed"), "{field} {value}");
    }
}

#[test]
fn hostile_b20_weak_costs_other_algorithms_and_versions_are_refused() {
    for (field, value) in [
        ("memory", json!(8)),
        ("memory", json!(0)),
        ("memory", json!((19 << 10) - 1)),
        ("passes", json!(1)),
        ("algorithm", json!("argon2d")),
        ("algorithm", json!("argon2i")),
        ("algorithm", json!("Argon2id")),
        ("algorithm", json!("pbkdf2")),
        ("version", json!(0x10)),
        ("version", json!(0x12)),
        ("version", json!(0)),
    ] {
        assert_eq!(judged(&with_kdf(field, value.clone())), Some("kdf_parameters"), "{field} {value}");
    }
}

#[test]
fn hostile_b21_salts_of_other_lengths_are_refused() {
    for length in [0, 8, 15, 17, 1 << 20] {
        let salt = json!("07".repeat(length));
        assert_eq!(judged(&with_kdf("salt", salt)), Some("kdf_parameters"), "{length}");
    }
    assert_eq!(judged(&with_kdf("salt", json!("0".repeat(31)))), Some("kdf_parameters"));
}

#[test]
fn hostile_b22_wrapped_keys_of_other_lengths_are_refused() {
    let kdf = cheap();
    let key = Key::derive(&kdf, &passphrase(PASSPHRASE)).expect("derived");
    let mut document: Value = serde_json::from_slice(&sealed(&items())).expect("JSON");
    for length in [0, 31, 33, 48] {
        document["keys"][0]["wrapped"] = json!(data_encoding::BASE64.encode(&vec![9; 80 + length]));
        let file = document.to_string().into_bytes();
        assert_eq!(judged(&file), Some("malformed"), "{length}");
    }
    // of the right length, and not what the passphrase wrapped
    document["keys"][0]["wrapped"] = json!(data_encoding::BASE64.encode(&[9; 112]));
    let file = document.to_string().into_bytes();
    let error = Export::parse(&file).expect("an export").open_with(&key).err().expect("refused");
    assert_eq!(error.kind(), "wrong_passphrase");
}

#[test]
fn hostile_b23_passphrases_with_nul_of_a_mebibyte_and_decomposed() {
    let opens = |sealed: &[u8], with: &str| open(sealed, &passphrase(with)).is_ok();
    let seal = |under: &str| sealed_under(&items(), under);
    let composed = seal("\u{e9}\u{1e69} made up");
    assert!(opens(&composed, "e\u{301}s\u{307}\u{323} made up") && !opens(&composed, "es made up"));
    let nul = seal("made\0up");
    assert!(opens(&nul, "made\0up") && !opens(&nul, "made\0uq") && !opens(&nul, "made"));
    let mut long = "x".repeat(1 << 20);
    let file = seal(&long);
    assert!(opens(&file, &long));
    long.replace_range(long.len() - 1.., "y");
    assert!(!opens(&file, &long));
    assert!(Passphrase::new(b"").is_err());
}

#[test]
fn hostile_b24_a_wrong_passphrase_and_a_damaged_file_say_the_same() {
    let file = sealed(&items());
    let wrong = open(&file, &passphrase("made up for testt")).err().expect("refused").to_string();
    let document: Value = serde_json::from_slice(&file).expect("JSON");
    let said = |path: &str, value: Value| {
        let mut document = document.clone();
        *document.pointer_mut(path).expect("a field") = value;
        let file = document.to_string();
        open(file.as_bytes(), &passphrase(PASSPHRASE)).err().expect("refused").to_string()
    };
    let wrapped = document["keys"][0]["wrapped"].as_str().expect("base64").to_owned();
    for at in [0, 60, 100, 140] {
        let mut bytes = wrapped.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(said("/keys/0/wrapped", json!(String::from_utf8(bytes).expect("text"))), wrong, "{at}");
    }
    assert_eq!(said("/keys/0/kdf/salt", json!("08".repeat(16))), wrong);
    assert_eq!(said("/keys/0/kdf/passes", json!(3)), wrong);
    assert_eq!(said("/id", json!("00".repeat(16))), wrong);
}

#[test]
fn hostile_i91_every_flipped_bit_of_an_export_is_refused() {
    let file = sealed(&[item("a", b"b")]);
    let kdf = cheap();
    let key = Key::derive(&kdf, &passphrase(PASSPHRASE)).expect("derived");
    let mut derived = 0;
    for bit in 0..file.len() * 8 {
        let mut flipped = file.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(export) = Export::parse(&flipped) else { continue };
        // other parameters give another key, which has to be derived
        let opened = match export.header.kdf == kdf {
            true => export.open_with(&key),
            false => {
                derived += 1;
                export.open(&passphrase(PASSPHRASE))
            }
        };
        assert!(opened.is_err(), "bit {bit}");
    }
    assert!(derived > 30, "salts and costs were tried: {derived}");
}

#[test]
fn hostile_i91_no_flipped_bit_makes_another_document_of_an_export() {
    let sealed = sealed(&[item("a", b"b")]);
    let plain = written(&items());
    for (file, own) in [(sealed.as_slice(), crate::Format::Subrosa), (&plain, crate::Format::SubrosaPlain)] {
        for bit in 0..file.len() * 8 {
            let mut flipped = file.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match crate::detect(&flipped, Some("a.json")) {
                Ok(found) => assert_eq!(found, own, "bit {bit}"),
                Err(error) => assert!(
                    ["format_near_miss", "malformed", "not_text", "format_unrecognised"]
                        .contains(&error.kind()),
                    "bit {bit}: {error}"
                ),
            }
        }
    }
}

#[test]
fn hostile_i91_every_cut_and_every_byte_more_is_refused() {
    let file = sealed(&[item("a", b"b")]);
    assert_eq!(file.last(), Some(&b'\n'));
    for length in 0..file.len() - 1 {
        assert!(judged(&file[..length]).is_some(), "{length}");
    }
    for more in ["x", "{}", "\0", "]", ",", "\u{feff}"] {
        let longer = [file.as_slice(), more.as_bytes()].concat();
        assert!(judged(&longer).is_some(), "{more:?}");
    }
    assert_eq!(
        judged(&[b"\xef\xbb\xbf \r\n\t", file.as_slice(), b" \r\n\t"].concat()),
        None,
        "white space and a mark"
    );
}

#[test]
fn hostile_i91_chunks_of_another_export_are_refused() {
    let large = [item("large", &[b'x'; 200_000])];
    let [one, other] = [(); 2].map(|()| serde_json::from_slice::<Value>(&sealed(&large)).expect("JSON"));
    for number in 0..4 {
        let mut mixed = one.clone();
        mixed["payload"][number] = other["payload"][number].clone();
        assert_eq!(kind(mixed.to_string().as_bytes()), Some("damaged"), "{number}");
    }
    let mut mixed = one.clone();
    mixed["payload"] = other["payload"].clone();
    assert_eq!(kind(mixed.to_string().as_bytes()), Some("damaged"));
    mixed["keys"] = other["keys"].clone();
    assert_eq!(kind(mixed.to_string().as_bytes()), Some("wrong_passphrase"), "the id is still the other's");
    mixed["id"] = other["id"].clone();
    assert_eq!(kind(mixed.to_string().as_bytes()), None, "now it is the other");
}

/// A payload that a holder of the passphrase sealed.
fn forged(lines: &[u8]) -> Vec<u8> {
    let key = Key::derive(&cheap(), &passphrase(PASSPHRASE)).expect("derived");
    let file = seal_lines(cheap(), &key, |out| out.write_all(lines)).expect("sealed");
    file.to_bytes().expect("written").to_vec()
}

#[test]
fn hostile_i88_a_long_field_and_a_nesting_bomb_are_refused() {
    let long = format!("{{\"name\":\"a\",\"value\":\"{}\"}}\n", "x".repeat(4 << 20));
    assert_eq!(kind(&forged(long.as_bytes())), Some("value_too_large"));
    let long = format!("{{\"name\":\"{}\"}}\n", "x".repeat(4 << 20));
    assert_eq!(kind(&forged(long.as_bytes())), Some("name"));
    let deep = format!("{{\"name\":\"a\",\"tags\":{}}}\n", "[".repeat(1 << 20));
    assert_eq!(kind(&forged(deep.as_bytes())), Some("malformed"));
    let deep = format!("{{\"name\":\"a\",\"more\":{}}}\n", "[".repeat(1 << 20));
    assert!(kind(&forged(deep.as_bytes())).is_some());
}

#[test]
fn hostile_i89_names_and_texts_are_judged_as_if_they_were_typed() {
    for name in ["../x", "a\\u0000", "a\\u202eb", "/a", "a/", " a", "", "\\u0301a", "a\\nb", "a<b"] {
        let line = format!("{{\"name\":\"a\"}}\n{{\"name\":\"{name}\"}}\n");
        let error = open(&forged(line.as_bytes()), &passphrase(PASSPHRASE)).err();
        let is_path = name == "../x";
        assert_eq!(
            error.as_ref().map(InterchangeError::kind),
            (!is_path).then_some("name"),
            "{name}: {error:?}"
        );
    }
    let twice = b"{\"name\":\"caf\xc3\xa9\"}\n{\"name\":\"cafe\\u0301\"}\n";
    assert_eq!(kind(&forged(twice)), Some("malformed"), "two spellings of one name");
}

#[test]
fn hostile_i88_junk_is_refused_before_there_is_a_passphrase() {
    const SIZE: usize = 200 << 20;
    let zeros = vec![0; SIZE];
    assert!(judged(&zeros).is_some());
    assert!(judged(&vec![0xa5; SIZE]).is_some());
    assert_eq!(judged(&vec![b' '; MAX_FILE_LEN + 1]), Some("too_long"));
}

#[test]
fn hostile_i88_lists_of_nothing_take_no_memory() {
    // a slice of text for each of them would be eight times the file
    let file = String::from_utf8(sealed(&[])).expect("text");
    let (head, _) = file.split_once("\"payload\": [").expect("a payload");
    let empty = format!("{head}\"payload\": [{}\"\"]}}", "\"\",".repeat(1 << 20));
    let error = Export::parse(empty.as_bytes()).err().expect("refused").to_string();
    assert_eq!(error, "payload[0]: has a length that no chunk has there");
    let many = format!(r#"{{"format":"subrosa-plain","version":1,"secrets":[{}0]}}"#, "0,".repeat(MAX_ITEMS));
    assert_eq!(read_plain(many.as_bytes()).err().expect("refused").kind(), "too_many");
}
