//! Hostile destinations, trust and routes: refused before a byte of the request leaves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::process::Command;
use std::sync::Arc;

use subrosa_http::blocking::Client;
use subrosa_http::{
    Body, BodyKind, ConnectTo, Connection, ConnectionOptions, HeaderField, HttpError, Protocol, RequestDraft,
    Resolve, Trust,
};
use subrosa_secret::Deviation;
use subrosa_testkit::{CaptureOptions, CaptureServer, CertificateFault, Folder, skip};
use support::{CANARY, Judge, clock};

fn bearer(url: &str) -> RequestDraft {
    let mut draft = RequestDraft::new(url);
    draft.headers.push(HeaderField::new("Authorization", "Bearer <<vault:key>>"));
    draft
}

fn connection(options: ConnectionOptions) -> Arc<Connection> {
    Connection::new(options)
}

fn insecure() -> Arc<Connection> {
    connection(ConnectionOptions { trust: Trust::InsecureAnybody, ..ConnectionOptions::default() })
}

/// What a judge that allows `api.example.com` alone says to a plan of `draft`.
fn verdict(draft: &RequestDraft, connection: &Arc<Connection>) -> Result<(), String> {
    let plan = draft.plan(connection).map_err(|error| error.kind().to_owned())?;
    Judge::allowing(&["api.example.com"]).judge(&plan).map(drop).map_err(|error| error.to_string())
}

#[test]
fn hostile_e48_to_e55_only_the_listed_origin_is_allowed() {
    let plain = Connection::plain();
    assert_eq!(verdict(&bearer("https://API.example.com.:443/v1"), &plain), Ok(()));
    for url in [
        "https://api.example.com@evil.com/",
        "https://evil.com\\@api.example.com/",
        "https://a@b@api.example.com/",
        "https://api.example.com%2eevil.com/",
        "https://api.example.com．evil.com/",
        "https://api.example.com.evil.com/",
        "https://notexample.com/",
        "https://api.example.com/\t",
        "https://api.exa\nmple.com/",
        "https://api.example.com /",
        "https:api.example.com/",
        "https:///api.example.com/",
        "https:/\\api.example.com/",
        "https://аpi.example.com/",
        "https://api.ex\u{ad}ample.com/",
        "https://ⓐpi.example.com/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://127.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://api.example.com:8443/",
        "https://api.example.com:0/",
        "http://api.example.com/",
        "ws://api.example.com/",
        "api.example.com/",
    ] {
        assert!(verdict(&bearer(url), &plain).is_err(), "{url}");
    }
}

#[test]
fn hostile_e61_a_foreign_host_header_is_a_deviation() {
    let mut draft = bearer("https://api.example.com/");
    draft.headers.push(HeaderField::new("Host", "other.example.com"));
    let plan = draft.plan(&Connection::plain()).unwrap();
    assert_eq!(plan.destination().deviations, [Deviation::ForeignHost]);
    assert!(verdict(&draft, &Connection::plain()).is_err());
    let mut same = bearer("https://api.example.com/");
    same.headers.push(HeaderField::new("host", "API.EXAMPLE.COM:443"));
    assert_eq!(verdict(&same, &Connection::plain()), Ok(()));
    let mut none = bearer("https://api.example.com/");
    none.headers.push(HeaderField::removed("Host"));
    assert!(verdict(&none, &Connection::plain()).is_err());
}

#[test]
fn hostile_e62_framing_headers_beside_a_secret() {
    for line in [
        "Connection: X-Api-Key",
        "Connection: close, Authorization",
        "Transfer-Encoding: chunked",
        "Content-Length: 1",
    ] {
        let mut draft = bearer("https://api.example.com/");
        draft.body = Some(Body::of(BodyKind::Form, "abc"));
        draft.headers.extend(HeaderField::parse(&line.into()).unwrap());
        assert!(verdict(&draft, &Connection::plain()).is_err(), "{line}");
    }
    let mut twice = bearer("https://api.example.com/");
    twice.body = Some(Body::of(BodyKind::Form, "abc"));
    twice.headers.extend([HeaderField::new("Content-Length", "3"), HeaderField::new("content-length", "3")]);
    assert_eq!(verdict(&twice, &Connection::plain()), Err("header_refused".to_owned()));
}

#[test]
fn hostile_e65a_pasted_trust_and_routes_are_refused_away_from_loopback() {
    let elsewhere = CaptureServer::start(CaptureOptions::tls());
    let draft = bearer("https://api.example.com/");
    let resolve = vec![Resolve::parse("api.example.com:443:6.6.6.6").unwrap()];
    let connect_to = vec![ConnectTo::parse("api.example.com:443:evil.example:443").unwrap()];
    let cases = [
        (insecure(), "-k"),
        (support::trusting(&elsewhere), "--cacert"),
        (connection(ConnectionOptions { resolve, ..ConnectionOptions::default() }), "--resolve"),
        (connection(ConnectionOptions { connect_to, ..ConnectionOptions::default() }), "--connect-to"),
    ];
    for (connection, flag) in cases {
        assert_eq!(verdict(&draft, &connection), Err(format!("not trusted: {flag}")));
        let without = RequestDraft::new("https://api.example.com/");
        assert_eq!(verdict(&without, &connection), Ok(()), "without a secret anything goes");
    }
}

#[test]
fn routes_that_end_on_loopback_work() {
    let server = CaptureServer::start(CaptureOptions::tls_for(&["api.example.com"]));
    let port = server.port();
    let url = format!("https://api.example.com:{port}/");
    let mut judge = Judge::allowing(&[&format!("api.example.com:{port}")]);
    let resolve = vec![Resolve::parse(&format!("api.example.com:{port}:127.0.0.1")).unwrap()];
    let by_resolve = support::with_ca(&server, ConnectionOptions { resolve, ..ConnectionOptions::default() });
    assert_eq!(judge.follow(&bearer(&url), &by_resolve).unwrap(), 200);
    let connect_to = vec![ConnectTo::parse(&format!("api.example.com:443:127.0.0.1:{port}")).unwrap()];
    let by_detour =
        support::with_ca(&server, ConnectionOptions { connect_to, ..ConnectionOptions::default() });
    let mut judge = Judge::allowing(&["api.example.com"]);
    assert_eq!(judge.follow(&bearer("https://api.example.com/"), &by_detour).unwrap(), 200);
    let seen = server.requests();
    assert_eq!(seen[1].header(":authority"), [b"api.example.com"], "the name stays that of the URL");
    assert!(seen.iter().all(|captured| captured.contains(CANARY)));
}

#[test]
fn hostile_e64_bad_certificates_fail_before_a_byte_of_the_request() {
    let expired = CaptureOptions { fault: CertificateFault::Expired, ..CaptureOptions::tls() };
    let self_signed = CaptureOptions { fault: CertificateFault::SelfSigned, ..CaptureOptions::tls() };
    let both = CaptureOptions { fault: CertificateFault::ExpiredSelfSigned, ..CaptureOptions::tls() };
    let other = CaptureServer::start(CaptureOptions::tls());
    let cases = [
        ("expired", expired, None),
        ("expired, and the very one that --cacert names", both, None),
        ("self-signed", self_signed, Some(&other)),
        ("unknown issuer", CaptureOptions::tls(), Some(&other)),
        ("wrong name", CaptureOptions::tls_for(&["api.example.com"]), None),
    ];
    for (what, options, trusted) in cases {
        for protocol in [Protocol::Http2, Protocol::Http11] {
            let server = CaptureServer::start(options.clone());
            let options = ConnectionOptions { protocol, ..ConnectionOptions::default() };
            let connection = support::with_ca(trusted.unwrap_or(&server), options);
            let mut judge = Judge::allowing(&["127.0.0.1:*"]);
            let error = judge.follow(&bearer(&server.url("/")), &connection).err().unwrap();
            assert_eq!((error.kind(), error.curl_code()), ("certificate", Some(60)), "{what}: {error}");
            assert_eq!(server.bytes(), 0, "{what}");
            assert!(server.requests().is_empty() && judge.sent_to.is_empty(), "{what}");
        }
    }
}

#[test]
fn hostile_e64_the_systems_trust_does_not_cover_strangers() {
    let server = CaptureServer::start(CaptureOptions::tls());
    let error = support::send(&bearer(&server.url("/")), &Connection::plain()).err().unwrap();
    if error.kind() == "setup" {
        return skip("the system's CA certificates");
    }
    assert_eq!(error.kind(), "certificate", "{error}");
    assert_eq!(server.bytes(), 0);
}

#[test]
fn hostile_e65c_a_connection_without_checks_is_not_shared() {
    for protocol in [Protocol::Http2, Protocol::Http11] {
        let server = CaptureServer::start(CaptureOptions::tls());
        let other = CaptureServer::start(CaptureOptions::tls());
        let client = Client::new().unwrap();
        let trust = Trust::InsecureAnybody;
        let careless = connection(ConnectionOptions { trust, protocol, ..ConnectionOptions::default() });
        let careful =
            support::with_ca(&other, ConnectionOptions { protocol, ..ConnectionOptions::default() });
        let send = |connection: &Arc<Connection>| {
            let request = bearer(&server.url("/")).fill(connection, &support::canary())?;
            support::body(client.send(&request, &clock(), &mut subrosa_http::Unobserved)?)
        };
        send(&careless).unwrap();
        send(&careless).unwrap();
        assert_eq!(server.connections(), 1, "the same settings share a connection");
        let error = send(&careful).err().unwrap();
        assert_eq!(error.kind(), "certificate");
        assert_eq!((server.connections(), server.requests().len()), (2, 2));
        send(&insecure()).unwrap();
        assert_eq!(server.connections(), 3, "equal settings made twice do not share either");
    }
}

/// Runs this one test again in a process with other variables, where `$SUBROSA_TEST_URL` is the URL to send to.
fn again_with(test: &str, url: &str, ca: Option<&str>, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env("SUBROSA_TEST_URL", url);
    command.env("SUBROSA_TEST_CA", ca.unwrap_or_default()).envs(variables.iter().copied());
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn sent_as_told() -> bool {
    let Ok(url) = std::env::var("SUBROSA_TEST_URL") else { return false };
    let trust = match std::env::var("SUBROSA_TEST_CA").unwrap_or_default().as_str() {
        "" => Trust::System,
        path => Trust::from_ca_file(path.as_ref()).unwrap(),
    };
    let connection = connection(ConnectionOptions { trust, ..ConnectionOptions::default() });
    support::send(&bearer(&url), &connection).unwrap();
    true
}

#[test]
fn hostile_e63_proxies_of_the_environment_are_not_used() {
    if sent_as_told() {
        return;
    }
    let server = CaptureServer::start(CaptureOptions::default());
    let proxy = CaptureServer::start(CaptureOptions::default());
    let there = proxy.url("");
    let variables = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "https_proxy", "HTTPS_PROXY"];
    let variables: Vec<_> = variables.iter().map(|name| (*name, there.as_str())).collect();
    again_with("hostile_e63_proxies_of_the_environment_are_not_used", &server.url("/"), None, &variables);
    assert_eq!(proxy.connections(), 0);
    assert!(server.requests()[0].contains(CANARY));
}

#[test]
fn hostile_e65a_tls_keys_are_not_logged() {
    if sent_as_told() {
        return;
    }
    let server = CaptureServer::start(CaptureOptions::tls());
    let folder = Folder::new();
    let log = folder.join("keys.log");
    let (ca, name) = (server.ca_path(), "hostile_e65a_tls_keys_are_not_logged");
    again_with(name, &server.url("/"), ca.to_str(), &[("SSLKEYLOGFILE", log.to_str().unwrap())]);
    assert_eq!(server.requests().len(), 1);
    assert!(!log.exists());
}

#[test]
fn hostile_e65b_a_header_only_secret_does_not_leave_in_a_body() {
    let judge = Judge::allowing(&["api.example.com;header"]);
    let judged = |draft: RequestDraft| judge.judge(&draft.plan(&Connection::plain()).unwrap()).is_ok();
    assert!(judged(bearer("https://api.example.com/")));
    assert!(!judged(RequestDraft::new("https://api.example.com/?q=<<vault:key>>")));
    assert!(!judged(RequestDraft::new("https://api.example.com/<<vault:key>>")));
    let mut body = RequestDraft::new("https://api.example.com/");
    body.body = Some(Body::of(BodyKind::Form, "a=<<vault:key>>"));
    assert!(!judged(body.clone()));
    body.data_in_query = true;
    assert!(!judged(body));
}

#[test]
fn no_error_shows_a_value_or_the_url() {
    let silent = |error: HttpError| {
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(!shown.contains(CANARY), "{shown}");
    };
    let refused = RequestDraft::new(format!("http://127.0.0.1:1/{CANARY}?<<vault:key>>"));
    silent(support::send(&refused, &Connection::plain()).err().unwrap());
    silent(support::send(&bearer(&format!("http://a b/{CANARY}")), &Connection::plain()).err().unwrap());
    silent(support::send(&bearer(&format!("http://{CANARY}@x@y/")), &Connection::plain()).err().unwrap());
    let mut form = RequestDraft::new("http://127.0.0.1:1/");
    form.body = Some(Body::of(BodyKind::Form, "a=<<vault:key>>"));
    let values = support::values(&[("key", &format!("&{CANARY}"))]);
    silent(form.fill(&Connection::plain(), &values).err().unwrap());
}
