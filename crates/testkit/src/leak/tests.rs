//! That the scanner finds what is there: one that finds nothing proves nothing.

use data_encoding::{BASE32, BASE64, BASE64_MIME, BASE64URL, HEXLOWER, HEXUPPER};

use super::*;

/// A whole text with the canary somewhere inside it, which is what an encoder gets to see.
fn around(before: usize, canary: &str, after: usize) -> Vec<u8> {
    [&vec![b'<'; before], canary.as_bytes(), &vec![b'>'; after]].concat()
}

fn each(text: &[u8], write: impl Fn(u8) -> String) -> Vec<u8> {
    text.iter().map(|byte| write(*byte)).collect::<String>().into_bytes()
}

/// The text as each encoder of the world writes it.
fn written(text: &[u8]) -> Vec<(Form, Vec<u8>)> {
    let string = String::from_utf8(text.to_vec()).expect("text");
    let wide = |order: fn(u16) -> [u8; 2]| string.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    vec![
        (Form::Raw, text.to_vec()),
        (Form::Raw, format!("{string:?}").into_bytes()),
        (Form::Raw, serde_json::to_vec(&string).expect("JSON")),
        // all but what RFC 3986 leaves alone
        (
            Form::Raw,
            each(text, |byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'~' | b'-' => {
                    char::from(byte).into()
                }
                _ => format!("%{byte:02X}"),
            }),
        ),
        (Form::Raw, string.to_uppercase().into_bytes()),
        (Form::Reversed, text.iter().rev().copied().collect()),
        (Form::Base64, BASE64.encode(text).into_bytes()),
        (Form::Base64, BASE64.encode(text).trim_end_matches('=').as_bytes().to_vec()),
        (Form::Base64Url, BASE64URL.encode(text).into_bytes()),
        (Form::Base32, BASE32.encode(text).into_bytes()),
        (Form::Base32, BASE32.encode(text).to_lowercase().into_bytes()),
        (Form::Hex, HEXLOWER.encode(text).into_bytes()),
        (Form::Hex, HEXUPPER.encode(text).into_bytes()),
        (Form::SpacedHex, each(text, |byte| format!("{byte:02X}:"))),
        (Form::SpacedHex, each(text, |byte| format!("{byte:02x} "))),
        (Form::Percent, each(text, |byte| format!("%{byte:02X}"))),
        (Form::Percent, each(text, |byte| format!("%{byte:02x}"))),
        (Form::JsonEscape, each(text, |byte| format!("\\u{byte:04X}"))),
        (Form::JsonEscape, each(text, |byte| format!("\\u{byte:04x}"))),
        (Form::CEscape, each(text, |byte| format!("\\x{byte:02x}"))),
        (Form::HtmlEntity, each(text, |byte| format!("&#{byte};"))),
        (Form::HtmlEntity, each(text, |byte| format!("&#x{byte:X};"))),
        (Form::Numbers, format!("{text:?}").into_bytes()),
        (Form::Numbers, serde_json::to_vec(text).expect("JSON")),
        (Form::Utf16Le, wide(u16::to_le_bytes)),
        (Form::Utf16Be, wide(u16::to_be_bytes)),
    ]
}

#[test]
fn every_form_is_found_at_every_alignment() {
    for kind in Kind::ALL {
        let mut canaries = Canaries::new();
        let canary = canaries.plant(kind, "canary");
        let scanner = Scanner::new(&canaries);
        for before in 0..7 {
            for after in 0..3 {
                for (form, text) in written(&around(before, &canary, after)) {
                    let text = [&[0u8; 3][..], &text, b"\n"].concat();
                    let leaks = scanner.scan(Sink::Static, "place", &text, &[]);
                    assert!(leaks.iter().any(|leak| leak.form == form), "{kind:?} {form} {before} {after}");
                }
            }
        }
    }
}

/// A line that is cut, an error that shows the first letters, a body in two chunks.
#[test]
fn half_a_canary_is_found() {
    let mut canaries = Canaries::new();
    let text = canaries.plant(Kind::Tag, "canary");
    let scanner = Scanner::new(&canaries);
    for half in [&text.as_bytes()[..14], &text.as_bytes()[14..]] {
        for (form, written) in written(half) {
            assert!(!scanner.scan(Sink::Static, "place", &written, &[]).is_empty(), "{form}");
        }
    }
    let wrapped = BASE64_MIME.encode(&[&[b'<'; 40][..], text.as_bytes()].concat());
    assert!(!scanner.scan(Sink::Static, "place", wrapped.as_bytes(), &[]).is_empty());
}

#[test]
fn a_key_is_found_as_text_and_as_bytes() {
    let key = "SRVK1-N76QDSN-3MZ7H8T-EM2B4QB-8SY4ZNH-STGSFY0-C25GWA2-35QEERZ-NMNM6W8";
    let mut canaries = Canaries::new();
    canaries.add_key(Kind::VaultKey, "the key", key);
    let scanner = Scanner::new(&canaries);
    let symbols = key[6..].replace('-', "");
    // the first 32 bytes, which are the key without its checksum: 256 bits, five of them a symbol
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for symbol in symbols.bytes() {
        let value = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".iter().position(|known| *known == symbol);
        bits = (bits << 5) | u32::try_from(value.expect("a symbol")).expect("small");
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).expect("a byte"));
        }
    }
    let bytes = &bytes[..32];
    let spellings: [&[u8]; 6] = [
        key.as_bytes(),
        symbols.as_bytes(),
        &key.to_lowercase().into_bytes(),
        bytes,
        &HEXLOWER.encode(bytes).into_bytes(),
        &BASE64.encode(bytes).into_bytes(),
    ];
    for spelling in spellings {
        assert!(!scanner.scan(Sink::Memory, "place", spelling, &[]).is_empty());
    }
    assert_eq!(scanner.scan(Sink::Memory, "place", b"SRVK1-, the prefix of every key", &[]), []);
}

#[test]
fn a_leak_is_reported_by_place_and_form_and_never_shown() {
    let mut canaries = Canaries::new();
    let mut texts = Vec::new();
    for kind in Kind::ALL {
        texts.push((kind, canaries.plant(kind, &format!("the {kind:?}"))));
    }
    let scanner = Scanner::new(&canaries);
    for sink in Sink::ALL {
        for (kind, text) in &texts {
            for (form, written) in written(text.as_bytes()) {
                let leaks = scanner.scan(sink, "a place", &written, &[]);
                assert_eq!(leaks.is_empty(), sink.allows(*kind), "{kind:?} {form} {sink:?}");
                let label = format!("the {kind:?}");
                assert_eq!(scanner.scan(sink, "a place", &written, &[&label]), []);
                assert_eq!(scanner.labels_in(&written), [label.as_str()]);
                for leak in leaks {
                    let said = format!("{leak} {leak:?}");
                    assert!(said.contains("a place") && said.contains(&leak.form.to_string()), "{said}");
                    assert!(scanner.labels_in(said.as_bytes()).is_empty(), "the report shows the canary");
                }
            }
        }
    }
}

#[test]
fn what_may_stand_where() {
    use Kind::{Description, Host, Name, Passphrase, RecoveryKey, RootKey, Value, VaultKey};
    for sink in Sink::ALL {
        for kind in
            [Value, Kind::EarlierValue, Kind::DeletedValue, Passphrase, VaultKey, RecoveryKey, RootKey]
        {
            assert!(!sink.allows(kind), "{sink:?} {kind:?}");
        }
    }
    for kind in Kind::ALL {
        assert!(!Sink::Storage.allows(kind) && !Sink::Static.allows(kind));
        assert_eq!(Sink::Wire.allows(kind), kind == Host);
    }
    assert!(Sink::Report.allows(Name) && Sink::Report.allows(Description) && Sink::Message.allows(Name));
}

#[test]
fn canaries_differ_and_nothing_is_found_where_there_is_none() {
    let mut canaries = Canaries::new();
    let one = canaries.plant(Kind::Value, "one");
    let scanner = Scanner::new(&canaries);
    let mut others = Canaries::new();
    for _ in 0..100 {
        let other = others.plant(Kind::Value, "other");
        assert_ne!(one, other);
        for (_, written) in written(other.as_bytes()) {
            assert_eq!(scanner.scan(Sink::Storage, "place", &written, &[]), []);
        }
    }
}
