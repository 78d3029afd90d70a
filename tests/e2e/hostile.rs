//! Hostile requests (the list's part E) through the program. A secret is allowed for `api.example.com` alone, and whatever
//! host a request means, its connection would end at the test's own server: the server's log is the witness.

use subrosa_testkit::CaptureOptions;

use crate::home::Home;
use crate::stage::{Stage, VALUE};

const HEADER: [&str; 2] = ["-H", "X-Key: <<vault:key>>"];

/// A server that could be any of these hosts.
fn stage() -> Stage {
    let names = ["api.example.com", "*.example.com", "evil.com", "*.evil.com", "127.0.0.1"];
    let stage = Stage::tls(&names);
    stage.home.store("key", VALUE, &["--host", "https://api.example.com"]);
    stage
}

/// Each URL is refused with its code, and nothing reaches the server.
#[track_caller]
fn refused(stage: &Stage, urls: &[(&str, i32)]) {
    for (url, code) in urls {
        for words in [&[&HEADER[..], &[*url]].concat(), &[&HEADER[..], &["--url", url]].concat()] {
            let run = stage.send_routed(words);
            assert_eq!(run.code, *code, "{run}");
            assert!(run.err.starts_with("error: ") && !run.shows(VALUE), "{run}");
        }
    }
    stage.untouched();
}

#[test]
fn hostile_e48_the_host_behind_the_last_at_sign_is_judged() {
    let stage = stage();
    refused(
        &stage,
        &[
            ("https://api.example.com@evil.com/", 100),
            ("https://api.example.com:443@evil.com/", 100),
            ("https://api.example.com%2f@evil.com/", 100),
            ("https://evil.com\\@api.example.com/", 3),
            ("https://evil.com/\\@api.example.com/", 3),
            ("https://evil.com#@api.example.com/", 100),
            ("https://evil.com?@api.example.com/", 100),
            ("https://a@evil.com@api.example.com/", 3),
            ("https://api.example.com@evil.com:443@evil.com/", 3),
        ],
    );
    stage.send_routed(&[&HEADER[..], &["https://evil.com@api.example.com/"]].concat()).ok();
    assert_eq!(stage.request().header(":authority"), [b"api.example.com"]);
}

#[test]
fn hostile_e49_names_that_look_like_the_allowed_one() {
    refused(
        &stage(),
        &[
            ("https://api.example.com%2eevil.com/", 3),
            ("https://api.example.com\u{ff0e}evil.com/", 3),
            ("https://api\u{3002}example\u{3002}com/", 3),
            ("https://api.example.com.evil.com/", 100),
            ("https://notexample.com/", 100),
            ("https://example.com/", 100),
            ("https://sub.api.example.com/", 100),
        ],
    );
}

#[test]
fn hostile_e50_white_space_and_control_characters() {
    refused(
        &stage(),
        &[
            ("https://api.example.com/a\tb", 3),
            ("https://api.example.com/a\nb", 3),
            ("https://api.exa\nmple.com/", 3),
            ("https://evil.com\n.api.example.com/", 3),
            ("https://api.example.com/a b", 3),
            (" https://api.example.com/", 3),
            ("https://api.example.com/\u{7f}", 3),
            ("https://api.example.com/\u{1b}[2J", 3),
        ],
    );
}

#[test]
fn hostile_e51_slashes_missing_or_too_many() {
    refused(
        &stage(),
        &[
            ("https:api.example.com/", 3),
            ("https:/api.example.com/", 3),
            ("https:///evil.com/", 3),
            ("https:///api.example.com/", 3),
            ("https:/\\evil.com/", 3),
            ("https:\\\\api.example.com/", 3),
        ],
    );
}

#[test]
fn hostile_e52_letters_of_other_alphabets() {
    let stage = stage();
    refused(
        &stage,
        &[
            ("https://api.ex\u{ad}ample.com/", 3),
            ("https://\u{24d0}pi.example.com/", 3),
            ("https://ａpi.example.com/", 3),
        ],
    );
    // a Cyrillic letter makes another host, and the message shows which
    let url = "https://\u{430}pi.example.com/";
    stage.send_routed(&[&HEADER[..], &[url]].concat()).ends(3).says("it is xn--pi-6kc.example.com");
    let url = "https://b\u{fc}cher.example.com/";
    stage.send_routed(&[&HEADER[..], &[url]].concat()).ends(100).says("https://xn--bcher-kva.example.com");
    stage.untouched();
}

#[test]
fn hostile_e53_case_and_trailing_dot_mean_the_same_host() {
    let stage = stage();
    for url in ["https://API.Example.COM/", "https://api.example.com./", "HTTPS://api.example.com:443/"] {
        let before = stage.server.requests().len();
        stage.send_routed(&[&HEADER[..], &[url]].concat()).ok();
        let seen = stage.server.requests().split_off(before);
        assert_eq!(seen.len(), 1, "{url}");
        assert_eq!(seen[0].header(":authority"), [b"api.example.com"], "{url}");
    }
}

#[test]
fn hostile_e54_addresses_in_other_spellings() {
    let stage = stage();
    refused(
        &stage,
        &[
            ("https://0x7f.1/", 3),
            ("https://2130706433/", 3),
            ("https://127.1/", 3),
            ("https://0177.0.0.1/", 3),
            ("https://[::ffff:127.0.0.1]/", 100),
            ("https://127.0.0.1/", 100),
        ],
    );
    stage.home.store("key", VALUE, &["--host", "https://127.0.0.1"]);
    refused(
        &stage,
        &[("https://2130706433/", 3), ("https://127.1/", 3), ("https://[::ffff:127.0.0.1]/", 100)],
    );
    stage.send_routed(&[&HEADER[..], &["https://127.0.0.1/"]].concat()).ok();
}

#[test]
fn hostile_e55_port_or_scheme_not_listed() {
    refused(
        &stage(),
        &[
            ("https://api.example.com:8443/", 100),
            ("https://api.example.com:0/", 3),
            ("https://api.example.com:65536/", 3),
            ("https://api.example.com:443x/", 3),
            ("http://api.example.com/", 100),
            ("http://api.example.com:443/", 100),
            ("ws://api.example.com/", 1),
            ("wss://api.example.com/", 1),
            ("ftp://api.example.com/", 3),
            ("file:///etc/passwd", 3),
        ],
    );
}

#[test]
fn hostile_e56_rules_for_everybody_are_refused_when_saved() {
    let home = Home::new();
    home.store("key", VALUE, &[]);
    for rule in ["*", "*.com", "*.co.uk", "*.github.io", "https://*", "*.*", "*:443", "api.*.com"] {
        home.run(&["allow", "key", rule]).ends(2);
        home.feed(&["set", "key", "--host", rule], VALUE).ends(2);
    }
    assert_eq!(home.run(&["allow", "key", "--json"]).json()["access"], "undecided");
}

#[test]
fn hostile_e58_references_where_they_decide_whom_a_request_reaches() {
    let stage = stage();
    stage.home.store("word", "api", &["--unrestricted"]);
    for url in [
        "<<vault:word>>://api.example.com/",
        "https://<<vault:word>>.example.com/",
        "https://api.example.com:<<vault:word>>/",
        "https://{{vault:word}}.example.com/",
        "https://api.example.com/#<<vault:word>>",
    ] {
        let run = stage.send_routed(&[url]);
        assert!([3, 100].contains(&run.code), "{run}");
    }
    for words in [["-X", "<<vault:word>>"], ["-H", "<<vault:word>>: x"], ["-H", "X-<<vault:word>>: x"]] {
        let run = stage.send_routed(&[&words[..], &["https://api.example.com/"]].concat());
        assert!([2, 100].contains(&run.code), "{run}");
    }
    stage.untouched();
}

#[test]
fn hostile_e59_control_characters_in_values() {
    let stage = stage();
    let rule = ["--host", "https://api.example.com"];
    for value in ["a\r\nX-Evil: 1", "a\nb", "a\0b"] {
        stage.home.store("key", value, &rule);
        for words in [["-H", "X-Key: <<vault:key>>"], ["-u", "me:<<vault:key>>"], ["-b", "a=<<vault:key>>"]] {
            let run = stage.send_routed(&[&words[..], &["https://api.example.com/"]].concat()).ends(100);
            assert!(run.err.contains("control character") && !run.shows("X-Evil"), "{run}");
        }
    }
    stage.untouched();
    stage.home.store("key", "a\r\nX: 1\0&b=c#/?\u{e4}", &rule);
    stage.send_routed(&["https://api.example.com/?q=<<vault:key>>"]).ok();
    assert_eq!(stage.request().target, "/?q=a%0D%0AX%3A%201%00%26b%3Dc%23%2F%3F%C3%A4");
}

#[test]
fn hostile_e60_what_looks_like_a_reference_in_a_value_or_an_answer() {
    let answer = "{\"echo\": \"<<vault:other>> {{vault:key}} <<vault:\"}";
    let stage = Stage::answering(move |_, _| subrosa_testkit::Answer::ok(answer));
    stage.home.store("key", "<<vault:other>>{{vault:key}}", &["--host", &stage.origin()]);
    stage.home.store("other", VALUE, &["--host", &stage.origin()]);
    let run = stage
        .send_here(
            &[
                "-H",
                "X-Key: <<vault:key>>",
                "-d",
                "{\"k\": \"<<vault:key>>\"}",
                "-H",
                "Content-Type: application/json",
            ],
            "/",
        )
        .ok();
    assert_eq!(run.text(), answer);
    let request = stage.request();
    assert_eq!(request.header("X-Key"), [b"<<vault:other>>{{vault:key}}"]);
    assert_eq!(request.body, b"{\"k\": \"<<vault:other>>{{vault:key}}\"}");
}

#[test]
fn hostile_e62_headers_that_frame_a_request_or_drop_another() {
    let stage = stage();
    for headers in [
        &["-H", "Content-Length: 3", "-H", "Content-Length: 4"][..],
        &["-H", "Content-Length: 400"],
        &["-H", "Transfer-Encoding: chunked", "-H", "Content-Length: 3"],
        &["-H", "Transfer-Encoding: gzip, chunked"],
        &["-H", "Connection: X-Key"],
        &["-H", "Connection: close, x-key"],
    ] {
        for version in [&["--http1.1"][..], &[]] {
            let words = [headers, version, &HEADER, &["-d", "a=b", "https://api.example.com/"]].concat();
            let run = stage.send_routed(&words);
            assert_eq!(run.code, 100, "{run}");
        }
    }
    stage.untouched();
}

/// A name and its address are two hosts: a rule for one is none for the other.
#[test]
fn localhost_and_its_address_are_listed_literally() {
    let stage = Stage::new();
    let port = stage.server.port();
    stage.home.store("key", VALUE, &["--host", &format!("http://localhost:{port}")]);
    stage.send_here(&HEADER, "/").ends(100);
    stage.send(&[&HEADER[..], &[&format!("http://[::1]:{port}/")]].concat()).ends(100);
    stage.untouched();
    stage.send(&[&HEADER[..], &[&format!("http://localhost:{port}/")]].concat()).ok();
    assert!(stage.request().contains(VALUE));
}

/// Globbing makes several requests of one URL; each is judged, before the first is sent.
#[test]
fn every_expansion_of_a_url_is_judged() {
    let stage = stage();
    stage.send_routed(&[&HEADER[..], &["https://{api.example.com,evil.com}/"]].concat()).ends(100);
    stage.untouched();
    stage.send_routed(&[&HEADER[..], &["https://api.example.com/{a,b}[1-2]"]].concat()).ok();
    let targets: Vec<_> = stage.server.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["/a1", "/a2", "/b1", "/b2"]);
}

#[test]
fn addresses_of_ipv6_are_hosts_as_well() {
    let stage = Stage::with(CaptureOptions { ipv6: true, ..CaptureOptions::default() });
    stage.home.store("key", VALUE, &["--host", "http://[::1]"]);
    stage.send_here(&HEADER, "/").ends(100);
    stage.untouched();
    stage.allowed("key");
    stage.send_here(&HEADER, "/").ok();
    assert_eq!(stage.request().header("Host"), [stage.server.addr().to_string().as_bytes()]);
}
