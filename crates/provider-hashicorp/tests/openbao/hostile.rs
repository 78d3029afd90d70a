//! Servers that behave as none should.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use subrosa_provider::{ErrorKind, ProviderError, Settings, System as _};
use subrosa_provider_hashicorp::Hashicorp;
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, Captured};

use crate::vault::{Known, Way, connect, failure, settings, text};

const TOKEN: &str = "hvs.CANARYofTheToken";
const TARGET: &str = "secret/app#password";

fn json(text: &str) -> Answer {
    Answer::ok(text).with("Content-Type", "application/json")
}

/// A server that behaves until it is asked for the secret, and then answers so.
fn answering(secret: impl Fn() -> Answer + Send + Sync + 'static) -> CaptureServer {
    let script = move |_: usize, request: &Captured| {
        if request.contains("/v1/auth/token/lookup-self") {
            json(r#"{"data":{"display_name":"x","policies":["p"],"ttl":3600,"creation_ttl":3600}}"#)
        } else if request.contains("/v1/sys/internal/ui/mounts/") {
            json(r#"{"data":{"path":"secret/","type":"kv","options":{"version":"2"}}}"#)
        } else {
            secret()
        }
    };
    CaptureServer::start(CaptureOptions::tls().answering(script))
}

fn connected(server: &CaptureServer) -> Known {
    let ca = server.ca_path();
    let settings = settings(server.url("").trim_end_matches('/'), ca.to_str().expect("text"), &[]);
    connect(&settings, Way::new("token", TOKEN))
}

fn refused(server: &CaptureServer) -> ProviderError {
    let error = failure(&connected(server), TARGET);
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("CANARY"), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
    error
}

#[test]
fn the_server_of_these_tests_behaves() {
    let server = answering(|| json(r#"{"data":{"data":{"password":"hunter2"},"metadata":{"version":1}}}"#));
    assert_eq!(text(&connected(&server), TARGET), "hunter2");
    let sent = server.requests();
    assert_eq!(sent.len(), 3);
    for request in sent {
        assert_eq!(request.header("x-vault-token"), [TOKEN.as_bytes()]);
        assert_eq!(request.header("x-vault-request"), [b"true"]);
    }
}

#[test]
fn hostile_h84_a_redirect_elsewhere_never_gets_the_token() {
    let elsewhere = CaptureServer::start(CaptureOptions::tls());
    let to = elsewhere.url("/v1/secret/data/app?token=CANARY");
    for status in [301, 302, 303, 307, 308] {
        let to = to.clone();
        let server = answering(move || Answer::redirect(status, &to));
        let error = refused(&server);
        assert_eq!(error.kind(), ErrorKind::BadSettings, "{status}");
        assert!(error.to_string().contains("redirects to https://127.0.0.1"), "{error}");
    }
    assert_eq!((elsewhere.connections(), elsewhere.requests().len()), (0, 0));
    // to itself neither: what is behind it is not known
    let server = answering(|| Answer::redirect(307, "/v1/secret/data/other"));
    assert_eq!(refused(&server).kind(), ErrorKind::BadSettings);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn hostile_h85_answers_that_are_none() {
    let huge = format!(r#"{{"data":{{"data":{{"password":"{}"}}}}}}"#, "CANARY".repeat(10 << 20 >> 2));
    let long = format!(r#"{{"data":{{"data":{{"password":"{}"}}}}}}"#, "x".repeat((1 << 20) + 1));
    let nested = format!(r#"{{"data":{}"#, "[".repeat(100_000));
    for (body, says) in [
        (huge.as_bytes(), "longer than 4 MiB"),
        (long.as_bytes(), "longer than the 1048576 bytes"),
        (b"", "empty"),
        (b"\xff\xfeCANARY", "not UTF-8"),
        (b"<html>CANARY</html>", "not the JSON"),
        (b"null", "not the JSON"),
        (b"[]", "no fields"),
        (b"{}", "no fields"),
        (br#"{"data":"CANARY"}"#, "no fields"),
        (br#"{"data":{"data":"CANARY"}}"#, "no fields"),
        (br#"{"data":{"data":["CANARY"]}}"#, "no fields"),
        (br#"{"data":{"data":{"password":"CANARY"}"#, "not the JSON"),
        (nested.as_bytes(), "not the JSON"),
    ] {
        let body = body.to_vec();
        let server = answering(move || Answer::ok(body.clone()));
        let error = refused(&server);
        assert_eq!(error.kind(), ErrorKind::BadAnswer, "{says}: {error}");
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
}

#[test]
fn hostile_h86_an_error_body_that_holds_the_secret_is_not_repeated() {
    for (status, kind) in [
        (400, ErrorKind::BadLink),
        (403, ErrorKind::Denied),
        (404, ErrorKind::NotFound),
        (418, ErrorKind::BadAnswer),
        (429, ErrorKind::Throttled),
        (500, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
    ] {
        let body = r#"{"errors":["the value hunter2-CANARY, asked for with hvs.CANARYofTheToken"]}"#;
        let server = answering(move || Answer::status(status).with_body(body));
        assert_eq!(refused(&server).kind(), kind, "{status}");
    }
    // a version that is described in a way that no server would
    let server = answering(|| {
        Answer::status(404)
            .with_body(r#"{"data":{"data":null,"metadata":{"version":1,"deletion_time":"CANARY"}}}"#)
    });
    assert_eq!(refused(&server).kind(), ErrorKind::NotFound);
}

#[test]
fn hostile_h83_no_variable_of_the_environment_opens_a_way_around_tls() {
    let server = answering(|| json(r#"{"data":{"data":{"password":"hunter2"}}}"#));
    // trusted by nobody: the authority is not given
    let settings: Settings = [("address", server.url(""))].into_iter().collect();
    let settings = Hashicorp.settle(settings).expect("settings");
    let error = failure(&connect(&settings, Way::new("token", TOKEN)), TARGET);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(server.requests().is_empty(), "the token stayed here");
    let plain = CaptureServer::start(CaptureOptions::default());
    let settings: Settings = [("address", plain.url(""))].into_iter().collect();
    let error = Hashicorp.settle(settings).expect_err("plain http");
    assert_eq!(
        (error.kind(), error.hint()),
        (ErrorKind::BadSettings, Some("--insecure-http says that this is meant"))
    );
}

#[test]
fn an_engine_that_is_not_where_it_was_asked_for_is_refused() {
    for mount in [
        r#"{"path":"other/","type":"kv"}"#,
        r#"{"path":"","type":"kv"}"#,
        r#"{"path":"sec","type":"kv"}"#,
        "{}",
    ] {
        let answer = format!(r#"{{"data":{mount}}}"#);
        let script = move |_: usize, request: &Captured| match request.contains("lookup-self") {
            true => json(r#"{"data":{"ttl":3600}}"#),
            false => json(&answer),
        };
        let server = CaptureServer::start(CaptureOptions::tls().answering(script));
        assert_eq!(refused(&server).kind(), ErrorKind::BadAnswer, "{mount}");
    }
}

/// A hundred secrets, of some of which several keys are wanted: a request each, over one connection.
#[test]
fn a_secret_is_asked_for_once_however_many_of_its_keys_are_wanted() {
    let served = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&served);
    let server = answering(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        json(r#"{"data":{"data":{"a":"1","b":"2"},"metadata":{"version":1}}}"#)
    });
    let provider = connected(&server);
    let targets: Vec<String> =
        (0..100).flat_map(|number| ["a", "b"].map(|key| format!("secret/app-{number}#{key}"))).collect();
    let answers = provider.0.lookup_many(&targets.iter().collect::<Vec<_>>());
    for (at, answer) in answers.into_iter().enumerate() {
        let value = answer.expect("found").expect("there");
        assert_eq!(value.expose_secret(), if at % 2 == 0 { b"1" } else { b"2" });
    }
    assert_eq!(served.load(Ordering::SeqCst), 100);
    assert_eq!(server.connections(), 1);
}
