//! Redirects: what travels on, what does not, and what stops a chain.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::sync::{Arc, Mutex};

use subrosa_http::{
    Body, BodyKind, Connection, ConnectionOptions, HeaderField, HttpError, RangeHeader, RequestDraft, Trust,
};
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, Captured};
use support::{CANARY, Judge};

/// A server whose first answers are these, and 200 after them.
fn answering(options: CaptureOptions, answers: Vec<Answer>) -> CaptureServer {
    CaptureServer::start(
        options.answering(move |place, _| answers.get(place).cloned().unwrap_or_else(|| Answer::ok("ok"))),
    )
}

fn plain(answers: Vec<Answer>) -> CaptureServer {
    answering(CaptureOptions::default(), answers)
}

/// A request with the secret in every place but the body.
fn full(url: &str) -> RequestDraft {
    let mut draft = RequestDraft::new(format!("{url}/p/<<vault:key>>?q=<<vault:key>>"));
    for line in [
        "Authorization: Bearer <<vault:key>>",
        "X-Api-Key: <<vault:key>>",
        "Accept: x/<<vault:key>>",
        "X-Literal: kept",
    ] {
        draft.headers.extend(HeaderField::parse(&line.into()).unwrap());
    }
    draft.cookies = Some("c=<<vault:key>>".into());
    draft.referer = Some("http://ref.example/<<vault:key>>".into());
    draft.user_agent = Some("agent <<vault:key>>".into());
    draft
}

fn judge() -> Judge {
    Judge::allowing(&[
        "http://127.0.0.1:*",
        "http://localhost:*",
        "https://127.0.0.1:*",
        "https://localhost:*",
    ])
}

fn carries_canary(captured: &Captured) -> bool {
    captured.contains(CANARY) || captured.contains(&data_encoding::BASE64.encode(CANARY.as_bytes())[..12])
}

fn refusal(outcome: Result<u16, HttpError>) -> String {
    match outcome {
        Err(HttpError::RedirectRefused { why, .. }) => format!("{why:?}"),
        Err(other) => panic!("{other}"),
        Ok(status) => panic!("it went through with {status}"),
    }
}

#[test]
fn the_same_origin_gets_everything_again() {
    let server = plain(vec![Answer::redirect(302, "/next"), Answer::redirect(307, "last?x")]);
    let mut judge = judge();
    assert_eq!(judge.follow(&full(&server.url("")), &Connection::plain()).unwrap(), 200);
    let seen = server.requests();
    let targets: Vec<_> = seen.iter().map(|captured| captured.target.as_str()).collect();
    assert_eq!(targets[1..], ["/next", "/last?x"]);
    for captured in &seen {
        assert_eq!(captured.header("authorization"), [format!("Bearer {CANARY}").as_bytes()]);
        assert_eq!(captured.header("cookie"), [format!("c={CANARY}").as_bytes()]);
    }
    assert_eq!(judge.sent_to.len(), 3, "each hop is judged and announced");
}

#[test]
fn the_part_that_was_sent_is_asked_for_where_the_body_is_dropped() {
    for (before, asked) in [(None, &[b"bytes=5-9".as_slice()][..]), (Some(5), &[])] {
        let server = plain(vec![Answer::redirect(303, "/next")]);
        let mut draft = RequestDraft::new(server.url("/"));
        draft.body = Some(Body::of(BodyKind::Form, "text"));
        draft.range = Some(RangeHeader::Sent { part: "5-9".into(), before });
        assert_eq!(judge().follow(&draft, &Connection::plain()).unwrap(), 200);
        let seen = server.requests();
        assert_eq!(seen[0].header("content-range").len(), 1);
        assert!(seen[1].header("content-range").is_empty());
        assert_eq!(seen[1].header("range"), asked);
    }
}

#[test]
fn user_and_password_of_a_url_stay_with_its_origin() {
    let other = plain(vec![]);
    let away = other.url("/");
    let server =
        plain(vec![Answer::redirect(302, "/b"), Answer::redirect(302, "c"), Answer::redirect(302, &away)]);
    let url = server.url("/a").replace("://", "://u:<<vault:key>>@");
    assert_eq!(judge().follow(&RequestDraft::new(url), &Connection::plain()).unwrap(), 200);
    let basic = format!("Basic {}", data_encoding::BASE64.encode(format!("u:{CANARY}").as_bytes()));
    for captured in server.requests() {
        assert_eq!(captured.header("authorization"), [basic.as_bytes()]);
    }
    assert!(other.requests()[0].header("authorization").is_empty());
}

#[test]
fn hostile_e57_nothing_injected_reaches_another_origin() {
    for status in [301, 302, 303, 307, 308] {
        for (host, tls) in [("127.0.0.1", false), ("localhost", false), ("127.0.0.1", true)] {
            let options = if tls { CaptureOptions::tls() } else { CaptureOptions::default() };
            let other = answering(options, vec![]);
            let scheme = if tls { "https" } else { "http" };
            let there = format!("{scheme}://{host}:{}/there", other.port());
            let first = plain(vec![Answer::redirect(status, &there)]);
            let trust = if tls { Trust::from_ca_file(&other.ca_path()).unwrap() } else { Trust::System };
            let connection = Connection::new(ConnectionOptions { trust, ..ConnectionOptions::default() });
            let mut draft = full(&first.url(""));
            draft.basic_auth = Some("u:<<vault:key>>".into());
            assert_eq!(judge().follow(&draft, &connection).unwrap(), 200);
            assert!(carries_canary(&first.requests()[0]));
            let seen = other.requests();
            assert!(!carries_canary(&seen[0]), "{status} to {there}: {:?}", seen[0]);
            assert_eq!(seen[0].header("x-literal"), [b"kept"]);
            assert_eq!(seen[0].header("accept"), [b"*/*"], "the default is back");
            assert!(seen[0].header("authorization").is_empty());
        }
    }
}

#[test]
fn hostile_e57_what_was_taken_out_does_not_come_back() {
    let back = Arc::new(Mutex::new(String::new()));
    let there = back.clone();
    let b = CaptureServer::start(
        CaptureOptions::default().answering(move |_, _| Answer::redirect(302, &there.lock().unwrap())),
    );
    let a = plain(vec![Answer::redirect(302, &b.url("/b"))]);
    *back.lock().unwrap() = a.url("/back");
    assert_eq!(judge().follow(&full(&a.url("")), &Connection::plain()).unwrap(), 200);
    let seen = a.requests();
    assert_eq!(seen[1].target, "/back");
    assert!(!carries_canary(&seen[1]), "{:?}", seen[1]);
}

#[test]
fn hostile_e57_literal_credentials_stay_with_their_origin() {
    let other = plain(vec![]);
    let first = plain(vec![Answer::redirect(302, &other.url("/"))]);
    let mut draft = RequestDraft::new(first.url("/"));
    draft.basic_auth = Some("user:password".into());
    draft.cookies = Some("a=b".into());
    for line in ["Host: own.example", "Cookie: e=f", "X-Kept: v"] {
        draft.headers.extend(HeaderField::parse(&line.into()).unwrap());
    }
    judge().follow(&draft, &Connection::plain()).unwrap();
    let seen = &other.requests()[0];
    assert!(seen.header("authorization").is_empty() && seen.header("cookie").is_empty());
    assert_eq!(seen.header("host"), [format!("127.0.0.1:{}", other.port()).as_bytes()]);
    assert_eq!(seen.header("x-kept"), [b"v"]);
}

#[test]
fn hostile_e57_a_body_that_held_a_secret_is_not_sent_elsewhere() {
    for status in [307, 308] {
        let other = plain(vec![]);
        let first = plain(vec![Answer::redirect(status, &other.url("/"))]);
        let mut draft = RequestDraft::new(first.url("/"));
        draft.body = Some(Body::of(BodyKind::Json, "{\"k\": \"<<vault:key>>\"}"));
        assert_eq!(refusal(judge().follow(&draft, &Connection::plain())), "BodyHeldSecret");
        draft.body = Some(Body::of(BodyKind::Json, "{}"));
        assert_eq!(other.connections(), 0);
        let first = plain(vec![Answer::redirect(status, &other.url("/"))]);
        draft.url = first.url("/").into();
        assert_eq!(judge().follow(&draft, &Connection::plain()).unwrap(), 200);
        assert_eq!(other.requests()[0].body, b"{}", "a body without a secret is sent again");
    }
    let other = plain(vec![]);
    let first = plain(vec![Answer::redirect(302, &other.url("/"))]);
    let mut draft = RequestDraft::new(first.url("/"));
    draft.body = Some(Body::of(BodyKind::Form, "k=<<vault:key>>"));
    assert_eq!(judge().follow(&draft, &Connection::plain()).unwrap(), 200);
    assert_eq!((other.requests()[0].method.as_str(), other.requests()[0].body.len()), ("GET", 0));
}

#[test]
fn hostile_e57_a_location_that_repeats_a_secret_stops_the_chain() {
    let percent: String = CANARY.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let twice = percent.replace('%', "%25");
    let base64 = data_encoding::BASE64URL_NOPAD.encode(CANARY.as_bytes());
    for form in [CANARY.to_owned(), percent, twice, base64, data_encoding::HEXLOWER.encode(CANARY.as_bytes())]
    {
        let other = plain(vec![]);
        let first = plain(vec![Answer::redirect(302, &other.url(&format!("/?leak={form}")))]);
        let draft = full(&first.url(""));
        assert_eq!(refusal(judge().follow(&draft, &Connection::plain())), "LocationCarriesSecret", "{form}");
        assert_eq!(other.connections(), 0);
        let user = plain(vec![Answer::redirect(302, &format!("http://{form}@127.0.0.1:{}/", other.port()))]);
        let draft = full(&user.url(""));
        assert_eq!(refusal(judge().follow(&draft, &Connection::plain())), "LocationCarriesSecret", "{form}");
    }
}

#[test]
fn hostile_e57_a_value_remembered_by_the_chain_is_found_at_a_later_hop() {
    let other = plain(vec![]);
    let leak = other.url(&format!("/{CANARY}"));
    let b = plain(vec![Answer::redirect(302, &leak)]);
    let a = plain(vec![Answer::redirect(302, &b.url("/"))]);
    let outcome = judge().follow(&full(&a.url("")), &Connection::plain());
    assert_eq!(refusal(outcome), "LocationCarriesSecret");
    assert_eq!(other.connections(), 0);
}

#[test]
fn on_the_same_origin_a_value_may_stay_in_the_url_but_not_move_there() {
    let echo = || Answer::redirect(301, &format!("/items/?q={CANARY}"));
    let server = plain(vec![echo()]);
    let draft = RequestDraft::new(server.url("/items?q=<<vault:key>>"));
    assert_eq!(judge().follow(&draft, &Connection::plain()).unwrap(), 200);
    assert_eq!(server.requests()[1].target, format!("/items/?q={CANARY}"));

    let server = plain(vec![echo()]);
    let mut draft = RequestDraft::new(server.url("/items"));
    draft.headers.push(HeaderField::new("Authorization", "Bearer <<vault:key>>"));
    assert_eq!(refusal(judge().follow(&draft, &Connection::plain())), "LocationCarriesSecret");
}

#[test]
fn hostile_e57_leaving_https_stops_a_chain_with_secrets() {
    let other = plain(vec![]);
    let first = answering(CaptureOptions::tls(), vec![Answer::redirect(302, &other.url("/"))]);
    let connection = support::trusting(&first);
    let mut draft = RequestDraft::new(first.url("/"));
    draft.headers.push(HeaderField::new("Authorization", "Bearer <<vault:key>>"));
    assert_eq!(refusal(judge().follow(&draft, &connection)), "Downgrade");
    assert_eq!(other.connections(), 0);
}

#[test]
fn hostile_e57_every_hop_is_judged_anew() {
    let first = plain(vec![Answer::redirect(307, "/elsewhere")]);
    let mut draft = RequestDraft::new(first.url("/"));
    draft.body = Some(Body::of(BodyKind::Form, "k=<<vault:key>>"));
    let port = first.port();
    let mut judge = Judge::allowing(&[&format!("http://127.0.0.1:{port};body")]);
    assert_eq!(judge.follow(&draft, &Connection::plain()).unwrap(), 200);
    let mut judge = Judge::allowing(&[&format!("http://127.0.0.1:{port};header")]);
    let error = judge.follow(&draft, &Connection::plain()).err().unwrap();
    assert_eq!(error.kind(), "hop_refused");
    assert_eq!(first.requests().len(), 2);
}

#[test]
fn hostile_e60_a_location_that_looks_like_a_reference_is_text() {
    let server = plain(vec![Answer::redirect(302, "/?x=<<vault:key>>&y={{vault:key}}")]);
    assert_eq!(judge().follow(&RequestDraft::new(server.url("/")), &Connection::plain()).unwrap(), 200);
    assert_eq!(server.requests()[1].target, "/?x=<<vault:key>>&y={{vault:key}}");
}

#[test]
fn methods_change_as_with_curl() {
    let sent_after = |status: u16, method: Option<&str>, kind: Option<BodyKind>| {
        let server = plain(vec![Answer::redirect(status, "/b")]);
        let mut draft = RequestDraft::new(server.url("/a"));
        draft.method = method.map(str::to_owned);
        draft.body = kind.map(|kind| Body::of(kind, "x=1"));
        judge().follow(&draft, &Connection::plain()).unwrap();
        let second = server.requests().remove(1);
        format!("{} {}", second.method, String::from_utf8(second.body).unwrap())
    };
    let form = Some(BodyKind::Form);
    for status in [301, 302, 303] {
        assert_eq!(sent_after(status, None, form), "GET ");
        assert_eq!(sent_after(status, Some("PUT"), form), "PUT ");
    }
    for status in [300, 307, 308] {
        assert_eq!(sent_after(status, None, form), "POST x=1");
    }
    assert_eq!(sent_after(302, None, Some(BodyKind::Upload)), "PUT x=1");
    assert_eq!(sent_after(303, None, Some(BodyKind::Upload)), "GET ");
    assert_eq!(sent_after(303, Some("DELETE"), None), "DELETE ");
}

#[test]
fn locations_are_resolved_as_rfc_3986_says() {
    let lands = |location: &str| {
        let server = plain(vec![Answer::redirect(302, location)]);
        judge().follow(&RequestDraft::new(server.url("/x/y?z")), &Connection::plain()).unwrap();
        server.requests().remove(1).target
    };
    for (location, target) in [
        ("b/../c", "/x/c"),
        ("?q", "/x/y?q"),
        ("#f", "/x/y?z"),
        ("/b c?d", "/b%20c?d"),
        ("/ä", "/%C3%A4"),
        ("../../../a:b", "/a:b"),
    ] {
        assert_eq!(lands(location), target, "{location}");
    }
}

#[test]
fn unusable_locations_stop_the_chain() {
    for location in [
        "https:evil.example",
        "/\\evil.example",
        "\\\\evil.example/",
        "http://a@b@evil.example/",
        "http://0x7f.1/",
        "ftp://x/",
        "file:///etc/passwd",
        "http://exämple.com/",
        "https:///x",
    ] {
        let server = plain(vec![Answer::redirect(302, location)]);
        let outcome = judge().follow(&full(&server.url("")), &Connection::plain());
        assert_eq!(refusal(outcome), "Location", "{location}");
    }
}

#[test]
fn a_chain_ends_at_its_limit_or_without_a_location() {
    let server = CaptureServer::start(CaptureOptions::default().answering(|_, _| Answer::redirect(302, "/")));
    let error = judge().follow(&RequestDraft::new(server.url("/")), &Connection::plain()).err().unwrap();
    assert_eq!((error.kind(), error.curl_code()), ("too_many_redirects", Some(47)));
    assert_eq!(server.requests().len(), 51);
    let server = plain(vec![Answer::status(302)]);
    assert_eq!(judge().follow(&RequestDraft::new(server.url("/")), &Connection::plain()).unwrap(), 302);
}
