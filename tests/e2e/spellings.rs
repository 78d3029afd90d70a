//! What `--mask` finds of a value that a server spells differently, and what it leaves by decision: masking is a display
//! aid, and no list of spellings ends.

use data_encoding::{BASE32, BASE64, BASE64URL, HEXLOWER, HEXUPPER};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use subrosa_testkit::{Answer, Captured};

use crate::home::contains;
use crate::masking::{AWKWARD, HEADER, echoed, stage};
use crate::stage::VALUE;

/// Each byte in turn, told how many were written before it.
fn bytes(value: &str, one: impl Fn(usize, u8) -> String) -> String {
    value.bytes().enumerate().map(|(at, byte)| one(at, byte)).collect()
}

fn letters(value: &str, one: impl Fn(char) -> String) -> String {
    value.chars().map(one).collect()
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn units(value: &str, one: impl Fn(usize, u16) -> String) -> String {
    value.encode_utf16().enumerate().map(|(at, unit)| one(at, unit)).collect()
}

/// Base64 with something around it.
fn shifted(value: &str, shift: usize, encoding: &data_encoding::Encoding) -> String {
    encoding.encode(&[&b"xyz"[..shift], value.as_bytes(), b"-=-"].concat())
}

/// The spellings that are found.
fn found(value: &str) -> Vec<(&'static str, String)> {
    vec![
        ("raw", value.to_owned()),
        ("hex", HEXLOWER.encode(value.as_bytes())),
        ("hex, upper", HEXUPPER.encode(value.as_bytes())),
        ("base64 at 0", shifted(value, 0, &BASE64)),
        ("base64 at 1", shifted(value, 1, &BASE64)),
        ("base64 at 2", shifted(value, 2, &BASE64)),
        ("base64url at 0", shifted(value, 0, &BASE64URL)),
        ("base64url at 1", shifted(value, 1, &BASE64URL)),
        ("base64url at 2", shifted(value, 2, &BASE64URL)),
        ("base64, padded", BASE64.encode(value.as_bytes())),
        ("percent, all, upper", bytes(value, |_, byte| format!("%{byte:02X}"))),
        ("percent, all, lower", bytes(value, |_, byte| format!("%{byte:02x}"))),
        ("JSON, all, lower", units(value, |_, unit| format!("\\u{unit:04x}"))),
        ("JSON, all, upper", units(value, |_, unit| format!("\\u{unit:04X}"))),
        ("HTML, all, decimal", letters(value, |letter| format!("&#{};", u32::from(letter)))),
        ("HTML, all, hex", letters(value, |letter| format!("&#x{:x};", u32::from(letter)))),
        ("HTML, all, upper hex", letters(value, |letter| format!("&#x{:X};", u32::from(letter)))),
        (
            "HTML, named",
            letters(value, |letter| match letter {
                '&' => "&amp;".into(),
                '<' => "&lt;".into(),
                '>' => "&gt;".into(),
                '"' => "&quot;".into(),
                other => other.into(),
            }),
        ),
    ]
}

/// The spellings that are left. Whoever teaches the product one of them moves it up: a test holds both lists.
fn left(value: &str) -> Vec<(&'static str, String)> {
    let mixed = |at: usize, byte: u8| {
        if at.is_multiple_of(2) { format!("{byte:02x}") } else { format!("{byte:02X}") }
    };
    vec![
        // nobody writes both cases in one text, but for somebody who means to get past the mask
        ("percent, both cases", bytes(value, |at, byte| format!("%{}", mixed(at, byte)))),
        ("hex, both cases", bytes(value, mixed)),
        (
            "percent, one byte more than needed",
            format!(
                "%{:02X}{}",
                value.as_bytes()[0],
                bytes(&value[1..], |_, byte| {
                    if is_plain(byte) { char::from(byte).into() } else { format!("%{byte:02X}") }
                })
            ),
        ),
        ("percent, twice", bytes(value, |_, byte| format!("%25{byte:02X}"))),
        ("hex, spaced", bytes(value, |_, byte| format!("{byte:02x} "))),
        ("C escapes", bytes(value, |_, byte| format!("\\x{byte:02x}"))),
        (
            "JSON, both cases",
            units(value, |at, unit| {
                if at.is_multiple_of(2) { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") }
            }),
        ),
        ("HTML, leading zeros", letters(value, |letter| format!("&#{:05};", u32::from(letter)))),
        ("HTML, an upper-case X", letters(value, |letter| format!("&#X{:x};", u32::from(letter)))),
        ("base32", BASE32.encode(value.as_bytes())),
        ("base64 twice", BASE64.encode(BASE64.encode(value.as_bytes()).as_bytes())),
        ("reversed", value.chars().rev().collect()),
        ("another case", value.to_uppercase()),
        ("with a space in between", letters(value, |letter| format!("{letter} "))),
    ]
}

/// One line a spelling.
fn lines(spellings: Vec<(&'static str, String)>) -> String {
    spellings.into_iter().map(|(name, text)| format!("{name}: [{text}]\n")).collect()
}

fn value_of(request: &Captured) -> String {
    String::from_utf8(echoed(request)).expect("text")
}

/// None of the spellings that are found stands there, and each left a line that says what stood there.
#[track_caller]
fn all_masked(shown: &[u8], value: &str) {
    let text = String::from_utf8_lossy(shown);
    for (name, spelling) in found(value) {
        // the characters at both ends belong to the neighbours too
        let inner = if name.starts_with("base64") { 4..spelling.len() - 8 } else { 0..spelling.len() };
        assert!(!contains(shown, &spelling.as_bytes()[inner]), "{name} is shown: {text}");
        let line = text.lines().find(|line| line.starts_with(&format!("{name}: ")));
        assert!(line.is_some_and(|line| line.contains("<<vault:key>>")), "{name}: {text}");
    }
}

#[test]
fn hostile_f66_each_spelling_alone() {
    for value in [VALUE, AWKWARD] {
        let stage = stage(value, |request| Answer::ok(lines(found(&value_of(request)))));
        all_masked(&stage.send_here(&[&["--mask"], &HEADER[..]].concat(), "/").ok().out, value);
        // behind a head that is shown as well
        let run = stage.send_here(&[&["--mask", "-v", "-i"], &HEADER[..]].concat(), "/").ok();
        all_masked(
            &run.out[run.out.windows(4).position(|four| four == b"\r\n\r\n").expect("a head")..],
            value,
        );
        assert!(!run.err.contains(value), "{run}");
    }
}

#[test]
fn hostile_f66_spellings_that_masking_leaves_by_decision() {
    for value in [VALUE, AWKWARD] {
        let stage = stage(value, |request| Answer::ok(lines(left(&value_of(request)))));
        let run = stage.send_here(&[&["--mask"], &HEADER[..]].concat(), "/").ok();
        assert_eq!(run.text(), lines(left(value)), "one of these is found now");
    }
}

fn packed<W: std::io::Write>(mut encoder: W, text: &str) -> W {
    encoder.write_all(text.as_bytes()).expect("memory takes everything");
    encoder
}

/// Every coding that is asked for is masked behind its decoder; what does not decode is not shown.
#[test]
fn hostile_f66_content_codings() {
    let stage = stage(AWKWARD, |request| {
        let text = lines(found(&value_of(request)));
        let level = Compression::best();
        let (body, coding) = match request.target.as_str() {
            "/gzip" => (packed(GzEncoder::new(Vec::new(), level), &text).finish(), "gzip"),
            "/x-gzip" => (packed(GzEncoder::new(Vec::new(), level), &text).finish(), "X-GZip"),
            "/zlib" => (packed(ZlibEncoder::new(Vec::new(), level), &text).finish(), "deflate"),
            "/bare" => (packed(DeflateEncoder::new(Vec::new(), level), &text).finish(), "deflate"),
            // what says that it is packed, and is not
            "/identity" => (Ok(text.into_bytes()), "identity"),
            "/br" => (Ok(text.into_bytes()), "br"),
            "/zstd" => (Ok(text.into_bytes()), "zstd"),
            "/compress" => (Ok(text.into_bytes()), "compress"),
            _ => {
                let once = packed(GzEncoder::new(Vec::new(), level), &text).finish().expect("memory");
                let mut twice = GzEncoder::new(Vec::new(), level);
                std::io::Write::write_all(&mut twice, &once).expect("memory");
                (twice.finish(), "gzip, gzip")
            }
        };
        Answer::ok(body.expect("memory takes everything")).with("Content-Encoding", coding)
    });
    let words = [&["--compressed", "--mask"], &HEADER[..]].concat();
    for path in ["/gzip", "/x-gzip", "/zlib", "/bare", "/identity", "/twice"] {
        all_masked(&stage.send_here(&words, path).ok().out, AWKWARD);
    }
    for path in ["/br", "/zstd", "/compress"] {
        let run = stage.send_here(&words, path).ends(61);
        assert!(run.out.is_empty() && !run.shows(AWKWARD), "{run}");
    }
    for request in stage.server.requests() {
        assert_eq!(
            request.header("Accept-Encoding"),
            [b"deflate, gzip, br, zstd"],
            "no other coding is asked for"
        );
    }
}
