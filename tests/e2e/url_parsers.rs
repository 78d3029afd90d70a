//! One URL, two parsers: what `send` connects to is what a WHATWG parser (browsers, most libraries) reads in it, or it is
//! refused.

use crate::stage::{Stage, VALUE};

/// A label of 63 letters is the longest.
fn label(length: usize) -> String {
    "a".repeat(length)
}

fn hosts() -> Vec<String> {
    let mut hosts: Vec<String> = [
        "api.example.com",
        "API.example.com",
        "api.example.com.",
        "api.example.com..",
        ".api.example.com",
        "api..example.com",
        "api%2eexample.com",
        "%61pi.example.com",
        "api.example.com%00",
        "api.example.com%2f@evil.com",
        "api.exa\tmple.com",
        "api.exa\nmple.com",
        "\tapi.example.com",
        "api.example.com\t",
        "api.example.com\\",
        "api.example.com\\@evil.com",
        "evil.com\\@api.example.com",
        "api.example.com@evil.com",
        "evil.com@api.example.com",
        "api.example.com:80@evil.com",
        "api.example.com#@evil.com",
        "evil.com?@api.example.com",
        "api.example.com;evil.com",
        "api.example.com,evil.com",
        "api.example.com|evil.com",
        "api.example.com^evil.com",
        "api_example.com",
        "-api.example.com",
        "api.example.com-",
        "xn--",
        "xn--a.example.com",
        "xn--bcher-kva.example.com",
        "b\u{fc}cher.example.com",
        "fa\u{df}.example.com",
        "api\u{3002}example.com",
        "api.example.com\u{ff0f}.evil.com",
        "api.example.com\u{200b}",
        "\u{2100}.example.com",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "0x7f.0.0.1",
        "017700000001",
        "256.0.0.1",
        "1.2.3.4.5",
        "1.2.3.0x",
        "%31%32%37.0.0.1",
        "\u{ff11}27.0.0.1",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[::ffff:0127.0.0.1]",
        "[fe80::1%25lo]",
        "[fe80::1%lo]",
        "[fe80::1%]",
        "[::1%25]",
        "[::1",
        "::1]",
        "::1",
        "[127.0.0.1]",
        "[v1.a]",
        "[::1]x",
        "x[::1]",
        "[::1].evil.com",
        "",
        ".",
        "..",
    ]
    .map(str::to_owned)
    .into();
    hosts.extend([label(63), label(64)].map(|label| format!("{label}.example.com")));
    // 253 bytes are the longest name
    let long = [label(63), label(63), label(63), label(61)].join(".");
    hosts.extend([long.clone(), format!("{long}."), format!("a{long}"), format!("{long}.a")]);
    hosts
}

const PORTS: [&str; 17] = [
    ":",
    ":0",
    ":00",
    ":1",
    ":80",
    ":080",
    ":65535",
    ":65536",
    ":65616",
    ":4294967376",
    ":-1",
    ":+80",
    ":8 0",
    ":8\t0",
    ":\u{ff18}0",
    ":80:80",
    ":%38%30",
];

/// Host and port in the one spelling of a WHATWG parser, without the dot at the end that says the same.
fn whatwg(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let host = host.strip_suffix('.').unwrap_or(host);
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// Sends to the URL, whatever host it names, and compares whom the request was for; whether it was sent.
#[track_caller]
fn compared(stage: &Stage, url: &str) -> bool {
    let before = stage.server.requests().len();
    let run = stage.send_routed(&["-g", "-sS", url]);
    let seen = stage.server.requests().split_off(before);
    if run.code != 0 {
        assert!(seen.is_empty() && run.err.starts_with("error: "), "{run}");
        return false;
    }
    assert_eq!(seen.len(), 1, "{run}");
    let host = String::from_utf8_lossy(seen[0].header("Host")[0]).into_owned();
    // addresses of IPv6 have more than one spelling that means the same to everybody
    assert_eq!(whatwg(&format!("http://{host}/")), whatwg(url), "{run}");
    assert!(whatwg(url).is_some(), "{run}");
    true
}

#[test]
fn hostile_e48_to_e55_two_parsers_see_one_host() {
    let stage = Stage::new();
    let mut sent = 0;
    for host in hosts() {
        for tail in ["/", "", "?q", ":8080/", ":80/", "#@x"] {
            sent += usize::from(compared(&stage, &format!("http://{host}{tail}")));
        }
    }
    for port in PORTS {
        for host in ["api.example.com", "127.0.0.1", "[::1]", "me@api.example.com", "me:x@api.example.com"] {
            sent += usize::from(compared(&stage, &format!("http://{host}{port}/")));
        }
    }
    for start in
        ["http:", "http:/", "http:///", "http:\\\\", "HTTP://", "ht\ttp://", " http://", "//", "http ://"]
    {
        sent += usize::from(compared(&stage, &format!("{start}api.example.com/")));
    }
    assert!(sent > 60, "only {sent} were sent");
}

/// The same with a secret that goes to one host: whatever is sent with it, another parser calls that host.
#[test]
fn hostile_e48_to_e55_two_parsers_see_the_allowed_host() {
    let stage = Stage::tls(&["api.example.com"]);
    stage.home.store("key", VALUE, &["--host", "https://api.example.com"]);
    let mut sent = 0;
    let urls = hosts().into_iter().map(|host| format!("https://{host}/"));
    let ports = PORTS.into_iter().map(|port| format!("https://api.example.com{port}/"));
    for url in urls.chain(ports) {
        let before = stage.server.requests().len();
        let run = stage.send_routed(&["-g", "-sS", "-H", "X-Key: <<vault:key>>", &url]);
        let arrived = stage.server.requests().len() - before;
        assert!(!run.shows(VALUE), "{run}");
        assert_eq!(arrived, usize::from(run.code == 0), "{run}");
        if run.code == 0 {
            assert_eq!(whatwg(&url).as_deref(), Some("api.example.com"), "{run}");
            sent += 1;
        }
    }
    assert_eq!(sent, 5, "itself, in upper case, with a dot, behind a user's name, before a fragment");
}
