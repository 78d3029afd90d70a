//! Servers that behave as none should, and what AWS documents of its own refusals.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, Captured};

use crate::cloud::{KEY_ID, Known, SECRET, Way, connect, failure, settings, text};

pub(crate) const SESSION: &str = "<GetSessionTokenResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetSessionTokenResult><Credentials>\
<AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>CANARYofTheSessionKey</SecretAccessKey>\
<SessionToken>CANARYofTheToken</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
</Credentials></GetSessionTokenResult></GetSessionTokenResponse>";

fn json(text: impl Into<Vec<u8>>) -> Answer {
    Answer::ok(text.into()).with("Content-Type", "application/x-amz-json-1.1")
}

fn refusal(status: u16, code: &str) -> Answer {
    let body = format!(r#"{{"__type":"{code}","Message":"the value hunter2-CANARY, signed with {SECRET}"}}"#);
    Answer::status(status).with("Content-Type", "application/x-amz-json-1.1").with_body(body)
}

/// A server that behaves until it is asked for a secret, and then answers so.
fn answering(secret: impl Fn(&Captured) -> Answer + Send + Sync + 'static) -> CaptureServer {
    let script = move |_: usize, request: &Captured| match request.contains("GetSessionToken") {
        true => Answer::ok(SESSION).with("Content-Type", "text/xml"),
        false => secret(request),
    };
    CaptureServer::start(CaptureOptions::tls().answering(script))
}

fn connected(server: &CaptureServer) -> Known {
    let ca = server.ca_path();
    let address = server.url("");
    let settings = settings(&address, ca.to_str().expect("text"), &[("access-key-id", KEY_ID)]);
    connect(&settings, Way::new("keys", SECRET))
}

fn refused(server: &CaptureServer) -> ProviderError {
    let error = failure(&connected(server), "app#password");
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("CANARY") && !text.contains(SECRET), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
    error
}

#[test]
fn the_server_of_these_tests_behaves_and_lasting_keys_sign_the_login_alone() {
    let server =
        answering(|_| json(r#"{"ARN":"x","Name":"app","SecretString":"{\"password\":\"hunter2\"}"}"#));
    assert_eq!(text(&connected(&server), "app#password"), "hunter2");
    let sent = server.requests();
    assert_eq!(sent.len(), 2);
    let signed_by = |request: &Captured, id: &str| {
        request.header("authorization").iter().any(|value| String::from_utf8_lossy(value).contains(id))
    };
    assert!(signed_by(&sent[0], KEY_ID) && signed_by(&sent[1], "ASIAIOSFODNN7EXAMPLE"));
    assert_eq!(sent[1].header("x-amz-security-token"), [b"CANARYofTheToken"]);
    assert!(sent.iter().all(|request| !request.contains(SECRET)), "a key signs, and is not sent");
}

#[test]
fn hostile_h84_a_redirect_elsewhere_is_not_followed() {
    let elsewhere = CaptureServer::start(CaptureOptions::tls());
    let to = elsewhere.url("/?token=CANARY");
    for status in [301, 302, 303, 307, 308] {
        let to = to.clone();
        let server = answering(move |_| Answer::redirect(status, &to));
        let error = refused(&server);
        assert_eq!(error.kind(), ErrorKind::BadSettings, "{status}");
        assert!(error.to_string().contains("redirect"), "{error}");
    }
    assert_eq!((elsewhere.connections(), elsewhere.requests().len()), (0, 0));
}

#[test]
fn hostile_h85_answers_that_are_none() {
    let huge = format!(r#"{{"SecretString":"{}"}}"#, "CANARY".repeat(10 << 20 >> 2));
    let long = format!(r#"{{"SecretString":"{}"}}"#, "x".repeat((1 << 20) + 1));
    for (body, says) in [
        (huge.as_bytes(), "longer than 4 MiB"),
        (long.as_bytes(), "has no keys"),
        (b"", "no value"),
        (b"\xff\xfeCANARY", "not what it should be"),
        (b"<html>CANARY</html>", "not what it should be"),
        (b"{}", "no value"),
        (br#"{"SecretString":null}"#, "no value"),
        (br#"{"SecretString":["CANARY"]}"#, "not what it should be"),
        (br#"{"SecretBinary":"CANARY*"}"#, "not what it should be"),
        (br#"{"SecretString":"CANARY"#, "not what it should be"),
    ] {
        let body = body.to_vec();
        let server = answering(move |_| json(body.clone()));
        let error = refused(&server);
        let kind = if says == "has no keys" { ErrorKind::BadLink } else { ErrorKind::BadAnswer };
        assert_eq!(error.kind(), kind, "{says}: {error}");
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
}

/// Codes and statuses as Secrets Manager's "Common Error Types" and GetSecretValue's "Errors" document them.
#[test]
fn hostile_h86_an_error_body_that_holds_the_secret_is_not_repeated() {
    for (status, code, kind) in [
        (400, "AccessDeniedException", ErrorKind::Denied),
        (400, "UnrecognizedClientException", ErrorKind::Denied),
        (403, "InvalidSignatureException", ErrorKind::Denied),
        (400, "DecryptionFailure", ErrorKind::Denied),
        (403, "ExpiredTokenException", ErrorKind::Expired),
        (400, "InvalidRequestException", ErrorKind::NotFound),
        (400, "InvalidParameterException", ErrorKind::BadLink),
        (400, "ValidationException", ErrorKind::BadLink),
        (400, "NobodyKnowsCANARY", ErrorKind::BadAnswer),
    ] {
        let server = answering(move |_| refusal(status, code));
        assert_eq!(refused(&server).kind(), kind, "{code}");
    }
}

#[test]
fn what_passes_is_tried_again_and_told_as_such() {
    for (status, code, kind) in [
        (400, "ThrottlingException", ErrorKind::Throttled),
        (500, "InternalServiceError", ErrorKind::Unavailable),
        (503, "ServiceUnavailable", ErrorKind::Unavailable),
    ] {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let server = answering(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            refusal(status, code)
        });
        assert_eq!(refused(&server).kind(), kind, "{code}");
        assert_eq!(asked.load(Ordering::SeqCst), 3, "{code}");
    }
}

#[test]
fn hostile_h83_no_certificate_is_taken_unseen() {
    let server = answering(|_| json("{}"));
    let other = CaptureServer::start(CaptureOptions::tls());
    let ca = other.ca_path();
    let settings = settings(&server.url(""), ca.to_str().expect("text"), &[("access-key-id", KEY_ID)]);
    let error = failure(&connect(&settings, Way::new("keys", SECRET)), "app");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(server.requests().is_empty(), "nothing was sent");
}

/// A session that was taken back between two lookups: another login, once.
#[test]
fn hostile_h87_a_session_that_ends_between_two_lookups() {
    let dead = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&dead);
    let server = answering(move |_| match counted.load(Ordering::SeqCst) {
        1 => {
            counted.store(2, Ordering::SeqCst);
            refusal(403, "ExpiredTokenException")
        }
        3 => refusal(403, "ExpiredTokenException"),
        _ => json(r#"{"ARN":"x","Name":"app","SecretString":"hunter2"}"#),
    });
    let first = connected(&server);
    assert_eq!(text(&first, "app"), "hunter2");
    let session = first.0.session().expect("a session").state;
    let copy = || Some(crate::cloud::secret(std::str::from_utf8(session.expose_secret()).expect("text")));
    let ca = server.ca_path();
    let settings = settings(&server.url(""), ca.to_str().expect("text"), &[("access-key-id", KEY_ID)]);
    dead.store(1, Ordering::SeqCst);
    let again = connect(&settings, Way::new("keys", SECRET).after(copy()));
    assert_eq!(text(&again, "app"), "hunter2");
    assert!(again.0.session().is_some(), "another session");
    dead.store(3, Ordering::SeqCst);
    let over = connect(&settings, Way::new("keys", SECRET).after(copy()));
    assert_eq!(failure(&over, "app").kind(), ErrorKind::Expired, "once, and no more");
}

/// A hundred secrets, of which two keys each are wanted: five requests, or a hundred where several at once are denied.
#[test]
fn a_secret_is_asked_for_once_however_many_of_its_keys_are_wanted() {
    for (may_batch, requests) in [(true, 5), (false, 100)] {
        let single = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&single);
        let server = answering(move |request| {
            let wanted: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
            let value = |id: &str| serde_json::json!({ "ARN": format!("arn-of-{id}"), "Name": id, "SecretString": "{\"a\":\"1\",\"b\":\"2\"}" });
            match wanted["SecretIdList"].as_array() {
                Some(_) if !may_batch => refusal(400, "AccessDeniedException"),
                Some(ids) => {
                    assert!(ids.len() <= 20);
                    counted.fetch_add(1, Ordering::SeqCst);
                    // in another order, as AWS may
                    let values: Vec<_> =
                        ids.iter().rev().map(|id| value(id.as_str().expect("text"))).collect();
                    json(serde_json::json!({ "SecretValues": values, "Errors": [] }).to_string())
                }
                None => {
                    counted.fetch_add(1, Ordering::SeqCst);
                    json(value(wanted["SecretId"].as_str().expect("text")).to_string())
                }
            }
        });
        let provider = connected(&server);
        let targets: Vec<String> =
            (0..100).flat_map(|number| ["a", "b"].map(|key| format!("app-{number}#{key}"))).collect();
        let answers = provider.0.lookup_many(&targets.iter().collect::<Vec<_>>());
        for (at, answer) in answers.into_iter().enumerate() {
            let value = answer.expect("found").expect("there");
            assert!(value.expose_secret() == if at % 2 == 0 { b"1" } else { b"2" });
        }
        assert_eq!(single.load(Ordering::SeqCst), requests);
    }
}

/// What is not among the answers, or of another, is asked for alone.
#[test]
fn an_answer_for_another_secret_is_no_answer() {
    let server = answering(|request| {
        let wanted: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
        match wanted["SecretIdList"].is_array() {
            true => json(
                r#"{"SecretValues":[{"ARN":"x","Name":"third","SecretString":"CANARY"}],"Errors":[{"SecretId":"b","ErrorCode":"AccessDeniedException","Message":"CANARY"}]}"#,
            ),
            false => json(r#"{"ARN":"x","Name":"a","SecretString":"hunter2"}"#),
        }
    });
    let targets = ["a".to_owned(), "b".to_owned()];
    let mut answers = connected(&server).0.lookup_many(&targets.iter().collect::<Vec<_>>()).into_iter();
    let a = answers.next().expect("one").expect("found").expect("there");
    assert!(a.expose_secret() == b"hunter2");
    let error = answers.next().expect("two").err().expect("denied");
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(!error.to_string().contains("CANARY"), "{error}");
}
