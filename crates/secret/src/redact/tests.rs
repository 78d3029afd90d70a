//! What masking promises, seen from outside.

use proptest::prelude::*;

use super::*;

fn redactor(secrets: &[(&str, &[u8])]) -> Redactor {
    let values: Vec<_> = secrets
        .iter()
        .map(|(name, value)| (Name::parse(name).unwrap(), SecretValue::new(value.to_vec()).unwrap()))
        .collect();
    Redactor::new(values.iter().map(|(name, value)| (name.clone(), value)))
}

fn streamed<'p>(redactor: &Redactor, pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut stream = redactor.stream();
    pieces.into_iter().for_each(|piece| out.extend_from_slice(&stream.push(piece)));
    stream.finish(&mut out);
    out
}

const KEY: &str = "s3cr3t+/=&\"<'\\ kéy~";

#[test]
fn hostile_f66_an_echo_in_any_spelling_is_masked() {
    use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
    let redactor = redactor(&[("key", KEY.as_bytes())]);
    let bytes = KEY.as_bytes();
    let json = serde_json::to_string(KEY).unwrap();
    let url = url::Url::parse_with_params("https://example.com/", [("k", KEY)]).unwrap();
    let pair = format!("user:{KEY}");
    let echoes = [
        KEY.to_owned(),
        HEXLOWER.encode(bytes),
        HEXUPPER.encode(bytes),
        BASE64.encode(bytes),
        BASE64_NOPAD.encode(bytes),
        BASE64URL.encode(bytes),
        BASE64URL_NOPAD.encode(bytes),
        json[1..json.len() - 1].to_owned(),
        url.query().unwrap()[2..].to_owned(),
        percent_encoding::utf8_percent_encode(KEY, percent_encoding::NON_ALPHANUMERIC)
            .to_string()
            .to_lowercase(),
        "s3cr3t+/=&amp;&quot;&lt;&#39;\\ kéy~".to_owned(),
        "s3cr3t+\\/=\\u0026\\\"<'\\\\ k\\u00e9y~".to_owned(),
    ];
    for echo in &echoes[..9] {
        assert_eq!(redactor.redact_str(&format!("[{echo}]")), "[<<vault:key>>]", "{echo}");
    }
    assert_eq!(redactor.redact_str(&echoes[10]), "<<vault:key>>");
    for (index, before) in ["", "u", "us", "user:"].into_iter().enumerate() {
        let encoded = BASE64.encode(format!("{before}{KEY}").as_bytes());
        let masked = redactor.redact_str(&encoded);
        assert!(masked.ends_with("<<vault:key>>"), "{index} {masked}");
    }
    assert!(redactor.redact_str(&BASE64.encode(pair.as_bytes())).starts_with("dXNlc"));
}

#[test]
fn hostile_f67_every_cut_gives_the_same_result() {
    let long = "0123456789abcdef".repeat(20) + "end";
    let pem = "-----BEGIN KEY-----\nAAAABBBBCCCCDDDDEEEE\nFFFFGGGGHHHHIIII\n-----END KEY-----\n";
    let redactor = redactor(&[
        ("a", b"abcdefgh"),
        ("b", b"efghijkl"),
        ("c", b"abcd"),
        ("d", b"aaaab"),
        ("long", long.as_bytes()),
        ("pem", pem.as_bytes()),
    ]);
    let texts = [
        "abcdefghijkl abcd abcdefgh".to_owned(),
        "aaaaaaaaaaab".to_owned(),
        "abcdefg".to_owned(),
        format!("x{long}{}", &long[16..]),
        format!("{}{long}", &long[..100]),
        format!("  {}", pem.replace('\n', "\n  ")),
        data_encoding::BASE64.encode(format!("x{long}").as_bytes()),
    ];
    for text in &texts {
        let text = text.as_bytes();
        let whole = redactor.redact(text).into_owned();
        for cut in 0..=text.len() {
            assert_eq!(streamed(&redactor, [&text[..cut], &text[cut..]]), whole, "cut at {cut}");
        }
        for size in 1..5 {
            assert_eq!(streamed(&redactor, text.chunks(size)), whole, "pieces of {size}");
        }
    }
}

/// A value in each spelling, in pieces of every size and in three pieces cut at every two places.
#[test]
fn hostile_f67_every_size_and_every_split_of_one_value() {
    let redactor = redactor(&[("key", KEY.as_bytes())]);
    for spelling in forms::spellings(KEY.as_bytes()) {
        let text = [b"<", spelling.as_slice(), b"> ", spelling.as_slice()].concat();
        let whole = redactor.redact(&text).into_owned();
        assert_eq!(whole, b"<<<vault:key>>> <<vault:key>>");
        for size in 1..=64 {
            assert_eq!(streamed(&redactor, text.chunks(size)), whole, "pieces of {size}");
        }
        let alone = spelling.as_slice();
        for first in 0..=alone.len() {
            for second in first..=alone.len() {
                let pieces = [&alone[..first], &alone[first..second], &alone[second..]];
                assert_eq!(streamed(&redactor, pieces), b"<<vault:key>>", "cut at {first} and {second}");
            }
        }
    }
}

#[test]
fn hostile_f68_a_pem_is_masked_whole_and_by_lines() {
    let pem = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA+b\nc3RvcmVkIGZvciB0ZXN0\n-----END KEY-----\n";
    let redactor = redactor(&[("pem", pem.as_bytes())]);
    assert_eq!(redactor.redact_str(pem), "<<vault:pem>>");
    let escaped = pem.replace('\n', "\\n");
    assert_eq!(redactor.redact_str(&escaped), "<<vault:pem>>");
    let indented = pem.replace('\n', "\r\n    ");
    let masked = redactor.redact_str(&indented);
    assert!(!masked.contains("MIIE") && !masked.contains("c3Rv"), "{masked}");
}

#[test]
fn hostile_f69_trivial_values_are_listed_and_left() {
    let redactor = redactor(&[("a", b"a"), ("b", b"true"), ("c", b"abcd"), ("d", b"")]);
    assert_eq!(redactor.redact_str("a true abcd"), "a true <<vault:c>>");
    let unmasked: Vec<_> = redactor.unmasked().iter().map(Name::as_str).collect();
    assert_eq!(unmasked, ["a", "b"]);
}

#[test]
fn hostile_f70_overlapping_and_prefix_secrets_leave_no_tail() {
    let overlapping = redactor(&[("x", b"abcdefgh"), ("y", b"efghijkl")]);
    assert_eq!(overlapping.redact_str("-abcdefghijkl-"), "-<<vault:x>><<vault:y>>-");
    let prefixes =
        redactor(&[("short", b"abcd"), ("long", b"abcdefgh"), ("tail", b"efgh"), ("same", b"abcd")]);
    assert_eq!(prefixes.redact_str("abcdefgh abcd efgh"), "<<vault:long>> <<vault:short>> <<vault:tail>>");
    let repeated = redactor(&[("r", b"abab")]);
    assert_eq!(repeated.redact_str("xabababx"), "x<<vault:r>>x");
    assert_eq!(repeated.redact_str("abababab"), "<<vault:r>>");
}

#[test]
fn a_long_value_is_found_behind_its_own_beginning() {
    // the automaton sees only the anchor: falling back by borders is what finds this one
    let value = format!("{}{}", "a".repeat(1000), "end of the secret");
    let redactor = redactor(&[("long", value.as_bytes())]);
    let text = format!("{}{value}!", "a".repeat(500));
    assert_eq!(redactor.redact_str(&text), format!("{}<<vault:long>>!", "a".repeat(500)));
    let part = &value[..900];
    assert_eq!(redactor.redact_str(part), part);
}

#[test]
fn secrets_with_one_beginning_are_told_apart() {
    let head = "h".repeat(80) + "ead";
    let (one, two) = (format!("{head}-one"), format!("{head}-one-two"));
    let redactor = redactor(&[("one", one.as_bytes()), ("two", two.as_bytes())]);
    assert_eq!(
        redactor.redact_str(&format!("{two} {one} {head}")),
        format!("<<vault:two>> <<vault:one>> {head}")
    );
}

#[test]
fn nothing_is_held_back_that_cannot_be_a_secret() {
    let redactor = redactor(&[("key", b"hunter2hunter2")]);
    let mut stream = redactor.stream();
    assert!(matches!(stream.push(b"Password: "), Cow::Borrowed(b"Password: ")));
    assert_eq!(stream.held_len(), 0);
    assert_eq!(stream.push(b"hunt").as_ref(), b"");
    assert_eq!(stream.held_len(), 4);
    assert_eq!(stream.push(b"ing").as_ref(), b"hunting");
}

#[test]
fn without_secrets_text_is_passed_on_as_it_is() {
    let redactor = Redactor::new([]);
    assert!(matches!(redactor.redact(b"abc"), Cow::Borrowed(b"abc")));
    assert_eq!(streamed(&redactor, [&b"ab"[..], b"c"]), b"abc");
}

#[test]
fn the_largest_value_is_masked() {
    let mut state = 1u32;
    let value: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(crate::MAX_VALUE_LEN)
    .collect();
    let redactor = redactor(&[("big", &value)]);
    let text = [b"<", value.as_slice(), b">"].concat();
    assert_eq!(redactor.redact(&text).as_ref(), b"<<<vault:big>>>");
    let base64 = data_encoding::BASE64.encode(&value);
    assert_eq!(streamed(&redactor, base64.as_bytes().chunks(4096)), b"<<vault:big>>");
}

/// What masking means, spelled out by trying each place: the union of all occurrences.
fn masked_bytes(spellings: &[&str], text: &str) -> Vec<bool> {
    let mut masked = vec![false; text.len()];
    for start in 0..text.len() {
        for spelling in spellings.iter().filter(|s| text.as_bytes()[start..].starts_with(s.as_bytes())) {
            masked[start..start + spelling.len()].fill(true);
        }
    }
    masked
}

proptest! {
    #[test]
    fn exactly_the_occurrences_are_masked_at_any_cut(text in "[abc ]{0,60}", sizes in proptest::collection::vec(1usize..9, 1..20)) {
        let values = ["abca", "bcab", "abcabcab", "ccccb", "aabb"];
        let secrets: Vec<_> = values.iter().map(|v| (*v, v.as_bytes())).collect();
        let redactor = redactor(&secrets);
        let masked = redactor.redact_str(&text);
        let kept: String = text.chars().zip(masked_bytes(&values, &text)).filter(|(_, m)| !m).map(|(c, _)| c).collect();
        let mut shown = masked.to_string();
        for value in values {
            shown = shown.replace(&format!("<<vault:{value}>>"), "");
        }
        prop_assert_eq!(shown, kept);

        let mut rest = text.as_bytes();
        let mut pieces = Vec::new();
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break }
            let (piece, after) = rest.split_at(rest.len().min(*size));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(streamed(&redactor, pieces), masked.as_bytes());
    }

    #[test]
    fn arbitrary_values_are_found_in_every_spelling(value in proptest::collection::vec(any::<u8>(), 8..300), cut in any::<prop::sample::Index>()) {
        prop_assume!(!trivial::is_trivial(&value));
        let redactor = redactor(&[("v", &value)]);
        for spelling in forms::spellings(&value) {
            let masked = redactor.redact(&spelling);
            prop_assert_eq!(masked.as_ref(), b"<<vault:v>>");
            let at = cut.index(spelling.len());
            prop_assert_eq!(streamed(&redactor, [&spelling[..at], &spelling[at..]]), b"<<vault:v>>");
        }
    }
}
