//! Servers that behave as none should.

use std::path::Path;

use subrosa_provider::{ErrorKind, Settings, System as _};
use subrosa_provider_onepassword::OnePassword;
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, Captured, ConnectServer, Vaults};

use crate::connected::{
    Known, TARGET, VALUE, connect, failure, look_up, refused, server_settings, to_server,
};

/// A server that behaves until it is asked for the item, and then answers so.
fn answering(item: impl Fn() -> Answer + Send + Sync + 'static) -> CaptureServer {
    let (vault, stripe) = (Vaults::id("automation"), Vaults::id("itemstripe"));
    let script = move |_: usize, request: &Captured| {
        if request.target == "/v1/vaults" {
            Answer::ok(format!(r#"[{{"id":"{vault}","name":"Automation"}}]"#))
        } else if request.target.ends_with("/items") {
            Answer::ok(format!(r#"[{{"id":"{stripe}","title":"Stripe"}}]"#))
        } else {
            item()
        }
    };
    CaptureServer::start(CaptureOptions::tls().answering(script))
}

/// The item that is asked for, with this in it.
fn of_item(parts: &str) -> String {
    format!(r#"{{"id":"{}",{parts}}}"#, Vaults::id("itemstripe"))
}

fn connected(server: &CaptureServer) -> Known {
    let settings = server_settings(&server.url(""), &server.ca_path());
    connect(&settings, "connect-server", ConnectServer::TOKEN)
}

#[test]
fn the_server_of_these_tests_behaves() {
    let item = of_item(r#""fields":[{"id":"credential","value":"hunter2"}],"files":null,"sections":null"#);
    let server = answering(move || Answer::ok(item.clone()));
    assert_eq!(crate::connected::value(&connected(&server), TARGET), b"hunter2");
    let token = format!("Bearer {}", ConnectServer::TOKEN);
    for request in server.requests() {
        assert_eq!(request.header("authorization"), [token.as_bytes()]);
    }
}

#[test]
fn hostile_h84_a_redirect_elsewhere_never_gets_the_token() {
    let elsewhere = CaptureServer::start(CaptureOptions::tls());
    for status in [301, 302, 303, 307, 308] {
        let to = elsewhere.url("/v1/vaults?token=CANARY");
        let server = answering(move || Answer::redirect(status, &to));
        let error = refused(&connected(&server), TARGET);
        assert_eq!(error.kind(), ErrorKind::BadSettings, "{status}");
        assert!(error.to_string().contains("redirects to https://127.0.0.1"), "{error}");
    }
    assert_eq!((elsewhere.connections(), elsewhere.requests().len()), (0, 0));
}

#[test]
fn hostile_h84_where_a_file_is_the_server_does_not_say() {
    let elsewhere = CaptureServer::start(CaptureOptions::tls());
    let path = elsewhere.url("/v1/CANARY");
    let item = move || {
        let file = r#"{"id":"filecert","name":"credential","size":3,"content_path":"#;
        Answer::ok(of_item(&format!(r#""files":[{file}"{path}"}}]"#)))
    };
    let server = answering(item);
    let _ = look_up(&connected(&server), &[TARGET]);
    let last = server.requests().pop().expect("requests");
    assert!(last.target.ends_with("/files/filecert/content"), "{}", last.target);
    assert_eq!(elsewhere.connections(), 0);
    // an id that would lead elsewhere is none
    for id in ["", "../../../v1/activity", "a/b", "a?b", "a%2fb"] {
        let item = of_item(&format!(r#""files":[{{"id":"{id}","name":"credential","size":3}}]"#));
        let server = answering(move || Answer::ok(item.clone()));
        assert_eq!(refused(&connected(&server), TARGET).kind(), ErrorKind::BadAnswer, "{id}");
    }
}

#[test]
fn hostile_h85_answers_that_are_none() {
    let field = |value: &str| of_item(&format!(r#""fields":[{{"id":"credential","value":"{value}"}}]"#));
    let (huge, long) = (field(&"CANARY".repeat(10 << 20 >> 2)), field(&"x".repeat((1 << 20) + 1)));
    let other = field("CANARY").replace("itemstripe", "itemstrype");
    let nested = format!(r#"{{"fields":{}"#, "[".repeat(100_000));
    for (body, says) in [
        (huge.as_bytes(), "longer than 4 MiB"),
        (long.as_bytes(), "longer than the 1048576 bytes"),
        (b"", "empty"),
        (b"\xff\xfeCANARY", "not UTF-8"),
        (b"<html>CANARY</html>", "not the JSON"),
        (b"null", "not the JSON"),
        (b"{}", "not the JSON"),
        (other.as_bytes(), "about another item"),
        (b"[]", "not the JSON"),
        (br#"{"fields":"CANARY"}"#, "not the JSON"),
        (br#"{"fields":["CANARY"]}"#, "not the JSON"),
        (br#"{"fields":[{"id":"credential","value":"CANARY"}"#, "not the JSON"),
        (nested.as_bytes(), "not the JSON"),
    ] {
        let body = body.to_vec();
        let server = answering(move || Answer::ok(body.clone()));
        let error = refused(&connected(&server), TARGET);
        assert_eq!(error.kind(), ErrorKind::BadAnswer, "{says}: {error}");
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
    // lists too
    let server = ConnectServer::start(Vaults::with(VALUE));
    let provider = to_server(&server);
    for body in ["", "null", "{}", r#"["CANARY"]"#, r#"[{"name":"automation"}]"#, "\u{fffd}"] {
        server.answer(Some(Answer::ok(body)));
        assert_eq!(refused(&provider, TARGET).kind(), ErrorKind::BadAnswer, "{body}");
        assert_eq!(provider.describe().expect_err("no list").kind(), ErrorKind::BadAnswer, "{body}");
    }
}

#[test]
fn hostile_h86_an_error_body_that_holds_the_secret_is_not_repeated() {
    let server = ConnectServer::start(Vaults::with(VALUE));
    let provider = to_server(&server);
    for (status, kind) in [
        (400, ErrorKind::BadLink),
        (401, ErrorKind::Expired),
        (403, ErrorKind::Denied),
        (404, ErrorKind::NotFound),
        (418, ErrorKind::BadAnswer),
        (429, ErrorKind::Throttled),
        (500, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
    ] {
        let body =
            format!(r#"{{"status":{status},"message":"{VALUE}, asked for with {}"}}"#, ConnectServer::TOKEN);
        let answer = Answer::status(status).with_body(body).with("Retry-After", "7");
        server.answer(Some(answer));
        let error = refused(&provider, TARGET);
        assert_eq!(error.kind(), kind, "{status}");
        assert!(!error.to_string().contains(ConnectServer::TOKEN));
        assert_eq!(error.to_string().contains("again in 7 s"), status == 429, "{error}");
        let error = provider.describe().expect_err("it does not work");
        assert_eq!(error.kind(), kind, "{status}");
    }
    // and after that it goes on
    server.answer(None);
    assert_eq!(crate::connected::value(&provider, TARGET), VALUE.as_bytes());
}

#[test]
fn hostile_h87_a_token_that_ends_between_two_lookups_is_told() {
    let server = ConnectServer::start(Vaults::with(VALUE));
    let provider = to_server(&server);
    assert_eq!(crate::connected::value(&provider, TARGET), VALUE.as_bytes());
    assert_eq!(provider.session_end(), Some(ConnectServer::TOKEN_END));
    server
        .answer(Some(Answer::status(401).with_body(r#"{"status":401,"message":"Invalid token signature"}"#)));
    assert_eq!(failure(&provider, TARGET).kind(), ErrorKind::Expired);
}

#[test]
fn hostile_h83_no_way_around_tls() {
    let server = ConnectServer::start(Vaults::with(VALUE));
    let settings: Settings = [("address", server.address())].into_iter().collect();
    let settings = OnePassword.settle(settings).expect("settings");
    // trusted by nobody: the authority is not given
    let error = failure(&connect(&settings, "connect-server", ConnectServer::TOKEN), TARGET);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(server.server().requests().is_empty(), "the token stayed here");
    let settings: Settings = [("address", "http://127.0.0.1:1")].into_iter().collect();
    let error = OnePassword.settle(settings).expect_err("plain http");
    assert_eq!(
        (error.kind(), error.hint()),
        (ErrorKind::BadSettings, Some("--insecure-http says that this is meant"))
    );
    let missing = Path::new("/no/such/ca.pem");
    let settings =
        [("address", "https://localhost"), ("ca", missing.to_str().expect("text"))].into_iter().collect();
    assert_eq!(OnePassword.settle(settings).expect_err("no file").kind(), ErrorKind::BadSettings);
}

#[test]
fn what_is_no_token_is_not_sent() {
    let server = ConnectServer::start(Vaults::with(VALUE));
    let settings = server_settings(&server.address(), &server.ca());
    for token in ["", " ", "two words", "CANARY\r\nX-Other: header", "CANARY\0", "CANARYé"] {
        let error = refused(&connect(&settings, "connect-server", token), TARGET);
        assert_eq!(error.kind(), ErrorKind::BadSettings, "{token:?}");
    }
    assert!(server.server().requests().is_empty());
    // as a file ends
    let line = format!("{}\n", ConnectServer::TOKEN);
    assert_eq!(
        crate::connected::value(&connect(&settings, "connect-server", &line), TARGET),
        VALUE.as_bytes()
    );
}
