//! What is shown of a value (the list's part F): nothing on a terminal and in messages, all of it in a pipe.

use std::io::Write as _;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use flate2::Compression;
use flate2::write::GzEncoder;
use subrosa_testkit::{Answer, Captured};

use crate::home::{Home, Run, contains};
use crate::stage::{Stage, VALUE};

pub(crate) const HEADER: [&str; 2] = ["-H", "X-Key: <<vault:key>>"];
/// Characters that every encoding has to do something about.
pub(crate) const AWKWARD: &str = "p&ss \"w\\rd\"/<mad\u{e9}-up>?=%+2b7e1516";

/// What the server got as `X-Key`: the echo is made of what really arrived.
pub(crate) fn echoed(request: &Captured) -> Vec<u8> {
    request.header("X-Key").first().map(|value| value.to_vec()).unwrap_or_default()
}

fn percent(value: &[u8], upper: bool) -> String {
    let one = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        _ if upper => format!("%{byte:02X}"),
        _ => format!("%{byte:02x}"),
    };
    value.iter().map(one).collect()
}

fn html(value: &str) -> String {
    let one = |letter: char| match letter {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        other => other.to_string(),
    };
    value.chars().map(one).collect()
}

fn json_escapes(value: &str) -> String {
    value.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// A spelling of a value that an API could answer with, and how much of it tells the value. Of base64 with something in
/// front, the characters at both ends belong to the neighbours too.
struct Spelling {
    name: &'static str,
    whole: String,
    telling: String,
}

fn spellings(value: &str) -> Vec<Spelling> {
    let bytes = value.as_bytes();
    let shifted = |shift: usize| BASE64.encode(&[&b"xyz"[..shift], bytes, b"-"].concat());
    let all = [
        ("raw", value.to_owned()),
        ("base64", BASE64.encode(bytes)),
        ("base64, one byte in front", shifted(1)),
        ("base64, two bytes in front", shifted(2)),
        ("base64url", BASE64URL_NOPAD.encode(bytes)),
        ("percent, upper case", percent(bytes, true)),
        ("percent, lower case", percent(bytes, false)),
        ("hexadecimal", HEXLOWER.encode(bytes)),
        ("hexadecimal, upper case", HEXUPPER.encode(bytes)),
        ("JSON", serde_json::to_string(value).expect("JSON").trim_matches('"').to_owned()),
        ("JSON, every character escaped", json_escapes(value)),
        ("HTML", html(value)),
    ];
    let spelling = |(name, whole): (&'static str, String)| {
        let telling =
            if name.contains("in front") { whole[4..whole.len() - 4].to_owned() } else { whole.clone() };
        Spelling { name, whole, telling }
    };
    all.into_iter().map(spelling).collect()
}

/// What the server answers with: every spelling, on a line each.
fn echo(request: &Captured) -> String {
    let value = String::from_utf8(echoed(request)).expect("text");
    spellings(&value).iter().map(|spelling| format!("{}: <{}>\n", spelling.name, spelling.whole)).collect()
}

#[track_caller]
fn masked(shown: &[u8], value: &str) {
    let text = String::from_utf8_lossy(shown);
    assert!(text.contains("<<vault:key>>"), "{text}");
    for Spelling { name, telling, .. } in spellings(value) {
        assert!(!contains(shown, telling.as_bytes()), "{name} is shown: {text}");
    }
}

pub(crate) fn stage(value: &str, answer: impl Fn(&Captured) -> Answer + Send + Sync + 'static) -> Stage {
    let stage = Stage::answering(move |_, request| answer(request));
    stage.home.store("key", value, &["--host", &stage.origin()]);
    stage
}

#[test]
fn hostile_f66_every_spelling_is_masked_where_masking_is_asked_for() {
    for value in [VALUE, AWKWARD] {
        let stage = stage(value, |request| Answer::ok(echo(request)));
        let exact = stage.send_here(&HEADER, "/").ok();
        assert_eq!(exact.text(), echo(&stage.request()), "a pipe gets every byte");
        masked(&stage.send_here(&[&["--mask"], &HEADER[..]].concat(), "/").ok().out, value);
        let file = stage.home.work().join("answer");
        stage.send_here(&[&["-o", "answer"], &HEADER[..]].concat(), "/").ok();
        assert_eq!(std::fs::read(&file).expect("the answer"), exact.out, "a file gets every byte");
        stage.send_here(&[&["--mask", "-o", "answer"], &HEADER[..]].concat(), "/").ok();
        masked(&std::fs::read(&file).expect("the answer"), value);
    }
}

#[test]
fn hostile_f66_compressed() {
    let stage = stage(VALUE, |request| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(echo(request).as_bytes()).expect("memory takes everything");
        Answer::ok(gzip.finish().expect("memory takes everything")).with("Content-Encoding", "gzip")
    });
    let run = stage.send_here(&[&["--compressed", "--mask"], &HEADER[..]].concat(), "/").ok();
    masked(&run.out, VALUE);
    let run = stage.send_here(&[&["--compressed"], &HEADER[..]].concat(), "/").ok();
    assert_eq!(run.text(), echo(&stage.server.requests()[0]));
}

/// Chunks of every size, so that the value is cut at every place.
#[test]
fn hostile_f67_cut_at_every_boundary() {
    let stage = Stage::answering(|place, request| {
        let body = echo(request);
        let mut raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for chunk in body.as_bytes().chunks(place + 1) {
            raw.extend(format!("{:x}\r\n", chunk.len()).bytes());
            raw.extend(chunk);
            raw.extend(b"\r\n");
        }
        raw.extend(b"0\r\n\r\n");
        Answer::raw(raw)
    });
    stage.allowed("key");
    let mut first = None;
    for _ in 0..64 {
        let run = stage.send_here(&[&["--mask"], &HEADER[..]].concat(), "/").ok();
        masked(&run.out, VALUE);
        assert_eq!(*first.get_or_insert_with(|| run.out.clone()), run.out);
    }
}

#[test]
fn hostile_f68_a_value_of_many_lines() {
    let letter =
        |line: u32, at: u32| char::from_u32('A' as u32 + (line * 7 + at * at * 3) % 26).expect("a letter");
    let line = |line: u32| -> String { (0..64).map(|at| letter(line, at)).collect() };
    let lines: Vec<String> = (0..12).map(line).collect();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    let stage = Stage::answering(|_, request| {
        let body = String::from_utf8(request.body.clone()).expect("text");
        let value: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let pem = value["key"].as_str().expect("the key");
        Answer::ok(format!(
            "{pem}\n--\n{}\n--\n  {}\n--\n{body}",
            pem.replace('\n', "\r\n"),
            pem.replace('\n', "\n  ")
        ))
    });
    let file = stage.home.write("key.pem", &pem);
    stage.home.run(&["set", "pem", "--file", file.to_str().expect("text"), "--host", &stage.origin()]).ok();
    let run = stage.send_here(&["--mask", "--json", "{\"key\": \"<<vault:pem>>\"}"], "/").ok();
    for line in &lines {
        assert!(!run.shows(line), "{run}");
    }
    assert!(stage.request().contains(&lines[11]));
}

#[test]
fn hostile_f69_values_that_stand_everywhere() {
    let stage = Stage::answering(|_, _| Answer::ok("a true answer about a cat"));
    for value in ["a", "true"] {
        stage.home.store("key", value, &["--host", &stage.origin()]);
        let run = stage.send_here(&[&["--mask"], &HEADER[..]].concat(), "/").ok();
        assert_eq!(run.text(), "a true answer about a cat");
        assert!(run.err.contains("warning: key is too short or too common to be masked"), "{run}");
    }
}

#[test]
fn hostile_f70_values_that_overlap() {
    let (long, tail) = ("made-up-abcdefgh", "efgh-and-more");
    let stage =
        Stage::answering(|_, _| Answer::ok("<made-up-abcd> <made-up-abcdefgh> <made-up-abcdefgh-and-more>"));
    for (name, value) in [("short", "made-up-abcd"), ("long", long), ("tail", tail)] {
        stage.home.store(name, value, &["--host", &stage.origin()]);
    }
    let words = ["--mask", "-H", "A: <<vault:short>>", "-H", "B: <<vault:long>>", "-H", "C: <<vault:tail>>"];
    let run = stage.send_here(&words, "/").ok();
    assert_eq!(run.text(), "<<<vault:short>>> <<<vault:long>>> <<<vault:long>><<vault:tail>>>");
}

/// Every variable that makes programs of this kind talk.
fn everything_logged(home: &mut Home) {
    for (name, value) in [
        ("RUST_BACKTRACE", "full"),
        ("RUST_LIB_BACKTRACE", "full"),
        ("RUST_LOG", "trace"),
        ("SUBROSA_LOG", "trace"),
        ("RUSTLS_LOG", "trace"),
        ("TRACE", "1"),
        ("DEBUG", "*"),
    ] {
        home.set(name, value);
    }
}

/// No way in which an exchange can break off shows a value, or more than it shows without these variables.
#[test]
fn hostile_f71_whatever_breaks_off() {
    let mut stage = stage(AWKWARD, |request| {
        let value = String::from_utf8(echoed(request)).expect("text");
        let head = "HTTP/1.1 200 OK\r\n";
        Answer::raw(match request.target.split('?').next().unwrap_or_default() {
            "/none" => String::new(),
            "/status" => format!("HTTP/1.1 {value}\r\n\r\n"),
            "/head" => format!("{head}X-Echo: {value}"),
            "/header" => format!("{head}X {value}: {value}\r\n\r\n"),
            "/length" => format!("{head}Content-Length: {value}\r\n\r\n{value}"),
            "/short" => format!("{head}Content-Length: 999\r\n\r\n{value}"),
            "/chunk" => format!("{head}Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n{value}\r\n"),
            "/coding" => format!("{head}Content-Encoding: gzip\r\n\r\n{value}"),
            "/location" => {
                format!("HTTP/1.1 302 Found\r\nLocation: ftp://{value}\r\nContent-Length: 0\r\n\r\n")
            }
            path => panic!("{path}"),
        })
    });
    let paths =
        ["/none", "/status", "/head", "/header", "/length", "/short", "/chunk", "/coding", "/location"];
    let breaks_off = |stage: &Stage| -> Vec<Run> {
        let words = [&["-sS", "--mask", "--compressed", "-L"], &HEADER[..]].concat();
        let mut runs: Vec<Run> =
            paths.iter().map(|path| stage.send_here(&words, &format!("{path}?q=<<vault:key>>"))).collect();
        runs.push(stage.send_here(&[&["-o", "no/such/folder"], &HEADER[..]].concat(), "/short"));
        runs.push(stage.send_here(&[&["--cacert", "none.pem"], &HEADER[..]].concat(), "/short"));
        runs
    };
    let quiet = breaks_off(&stage);
    everything_logged(&mut stage.home);
    for (run, quiet) in breaks_off(&stage).into_iter().zip(quiet) {
        assert_ne!(run.code, 0, "{run}");
        assert_eq!((run.code, &run.err, &run.out), (quiet.code, &quiet.err, &quiet.out));
        for Spelling { name, telling, .. } in spellings(AWKWARD) {
            assert!(!run.shows(&telling), "{name}: {run}");
        }
        for word in ["panicked", "backtrace", ".rs:", "TRACE", "DEBUG"] {
            assert!(!run.shows(word), "{word}: {run}");
        }
    }
}

/// The reader of the answer goes away, or its disk is full.
#[cfg(target_os = "linux")]
#[test]
fn hostile_f71_nobody_takes_the_answer() {
    let mut stage =
        stage(AWKWARD, |request| Answer::ok([&echoed(request)[..], b"\n"].concat().repeat(1 << 15)));
    everything_logged(&mut stage.home);
    let url = stage.server.url("/");
    for (rest, code) in [("> /dev/full", Some(23)), ("-o /dev/full", Some(23)), ("| head -c 0", None)] {
        let line = format!("subrosa send -sS -H 'X-Key: <<vault:key>>' {url} {rest}");
        let run = stage.home.shell(&line, "");
        assert!(code.is_none_or(|code| run.code == code), "{run}");
        for Spelling { name, telling, .. } in spellings(AWKWARD) {
            assert!(!run.shows(&telling), "{name}: {run}");
        }
        for word in ["panicked", "backtrace", ".rs:"] {
            assert!(!run.shows(word), "{word}: {run}");
        }
    }
}

#[test]
fn hostile_f71_messages_traces_and_failures() {
    let mut stage = stage(AWKWARD, |request| {
        let value = String::from_utf8(echoed(request)).expect("text");
        Answer::raw(format!("HTTP/1.1 200 {value}\r\nX-Echo: {value}\r\nContent-Length: 99\r\n\r\n{value}"))
    });
    everything_logged(&mut stage.home);
    // the body ends too early: the failure comes after the value was seen
    let url = stage.server.url("/?q=<<vault:key>>");
    let run = stage.send(
        &[&["-v", "--mask", "-i", "-w", "%{url} %header{x-echo} %{json}"], &HEADER[..], &[&url]].concat(),
    );
    assert_eq!(run.code, 18, "{run}");
    assert!(run.err.contains("> X-Key: <<vault:key>>"), "{run}");
    for Spelling { name, telling, .. } in spellings(AWKWARD) {
        assert!(!run.shows(&telling), "{name}: {run}");
    }
    for word in ["Authorization:", "panicked", "stack backtrace", ".rs:"] {
        assert!(!run.shows(word), "{word}: {run}");
    }
}

#[test]
fn verbose_is_masked_even_in_a_pipe_that_gets_the_body_as_it_is() {
    let stage = stage(VALUE, |request| Answer::ok(echoed(request)).with("X-Echo", VALUE));
    let words = ["-v", "-u", "me:<<vault:key>>", "-H", "X-Key: <<vault:key>>"];
    let run = stage.send_here(&words, "/?q=<<vault:key>>").ok();
    assert_eq!(run.text(), VALUE);
    assert!(!run.err.contains(VALUE), "{run}");
    assert!(!run.err.contains(&BASE64.encode(format!("me:{VALUE}").as_bytes())), "{run}");
    for line in ["> GET /?q=<<vault:key>> HTTP/1.1", "> X-Key: <<vault:key>>", "< X-Echo: <<vault:key>>"] {
        assert!(run.err.contains(line), "{line} is missing: {run}");
    }
}

#[test]
fn hostile_f72_what_passes_through_is_not_touched() {
    // a token that holds the base64 of the value among other things
    let token = BASE64URL_NOPAD.encode(format!("{{\"sub\":\"{VALUE}\"}}").as_bytes());
    let answer = format!("eyJhbGciOiJub25lIn0.{token}.");
    let body = answer.clone();
    let stage = stage(VALUE, move |_| Answer::ok(body.clone()));
    assert_eq!(stage.send_here(&HEADER, "/").ok().text(), answer);
}

#[test]
fn a_terminal_shows_no_value_unless_told_to() {
    let stage = stage(VALUE, |request| Answer::ok(echo(request)));
    let url = stage.server.url("/");
    let shown = |words: &[&str]| {
        let finished = stage.home.terminal(&[&["send"], words, &HEADER, &[&url]].concat()).finish();
        assert!(finished.status.success(), "{}", finished.shown);
        finished.shown
    };
    masked(shown(&[]).as_bytes(), VALUE);
    masked(shown(&["-i", "-v"]).as_bytes(), VALUE);
    assert!(shown(&["--unmask"]).contains(VALUE));
    // what -v shows stays masked: that is for reading over shoulders and for bug reports
    let shown = shown(&["--unmask", "-v"]);
    assert!(shown.contains("> X-Key: <<vault:key>>"), "{shown}");
}

#[test]
fn json_on_a_terminal_is_laid_out_and_shows_no_value() {
    let stage = stage(VALUE, |request| {
        let key = String::from_utf8_lossy(request.header("X-Key")[0]).into_owned();
        Answer::ok(format!("{{\"a\":[1],\"key\":\"{key}\"}}")).with("Content-Type", "application/json")
    });
    let url = stage.server.url("/");
    let words = [&["send"], &HEADER[..], &[&url]].concat();
    let on_terminal = |more: &[&str]| stage.home.terminal(&[&words[..], more].concat()).finish().shown;
    let shown = on_terminal(&["-i"]);
    assert!(shown.contains("\u{1b}[34m\"a\"\u{1b}[0m: [\r\n    \u{1b}[36m1\u{1b}[0m\r\n  ],"), "{shown:?}");
    assert!(shown.contains("\u{1b}[1mContent-Type\u{1b}[0m: application/json"), "{shown:?}");
    masked(shown.as_bytes(), VALUE);
    for plain in [&["--no-styled-output"][..], &["--color", "never"], &["-o", "-"]] {
        let shown = on_terminal(plain);
        assert!(shown.contains("{\"a\":[1],\"key\":\"<<vault:key>>\"}"), "{plain:?}: {shown:?}");
    }
    // elsewhere every byte is the server's
    let piped = stage.send(&words[1..]).ok();
    assert_eq!(piped.out, format!("{{\"a\":[1],\"key\":\"{VALUE}\"}}").into_bytes());
}
