//! Servers that behave as none should.

use subrosa_provider::{ErrorKind, ProviderError, Settings, System as _};
use subrosa_provider_azure::Azure;
use subrosa_testkit::{Answer, Azure as StandIn, AzureFault, CaptureOptions, CaptureServer, Captured};

use crate::vault::{Way, connect, enter, failure, settings, text};

/// What a vault says of a secret.
fn bundle(id: &str, value: &str) -> String {
    format!(r#"{{"value":{value},"id":"{id}","attributes":{{"enabled":true}}}}"#)
}

/// A vault that answers so once it was shown a token.
fn answering(status: u16, body: &[u8]) -> StandIn {
    let azure = StandIn::start();
    azure.fail("", Some(AzureFault::Other(status, body.to_vec())));
    azure
}

fn refused(azure: &StandIn) -> ProviderError {
    let error = failure(&*enter(azure, Way::usual()), "db-password");
    assert_silent(&error);
    error
}

fn assert_silent(error: &ProviderError) {
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(
            !text.contains("CANARY") && !text.contains(StandIn::SECRET) && !text.contains('\n'),
            "{text}"
        );
    }
}

#[test]
fn hostile_h84_a_redirect_elsewhere_never_gets_the_token() {
    let elsewhere = CaptureServer::start(CaptureOptions::tls());
    let azure = StandIn::start();
    for to in [elsewhere.url("/secrets/db-password?x=CANARY"), "/secrets/other".to_owned()] {
        azure.fail("", Some(AzureFault::Redirect(to)));
        let error = refused(&azure);
        assert_eq!(error.kind(), ErrorKind::BadSettings);
        assert!(error.to_string().contains("which is not followed"), "{error}");
    }
    assert_eq!((elsewhere.connections(), elsewhere.requests().len()), (0, 0));
}

#[test]
fn hostile_h84_a_vault_that_asks_for_somebody_elses_token_gets_none() {
    let azure = StandIn::start();
    for resource in [
        "https://management.azure.com",
        "https://vault.azure.net",
        "https://127.0.0.1",
        "https://127.0.0.1:1",
        "",
        "https://graph.microsoft.com/.default https://127.0.0.1",
    ] {
        let script = move |_: usize, _: &Captured| {
            let challenge =
                format!("Bearer authorization=\"https://evil.example/t\", resource=\"{resource}\"");
            Answer::status(401).with("WWW-Authenticate", &challenge)
        };
        let vault = CaptureServer::start(CaptureOptions::tls().answering(script));
        let error = failure(&*of_vault(&azure, &vault), "db-password");
        assert_eq!(error.kind(), ErrorKind::BadAnswer, "{resource}: {error}");
        assert!(
            vault.requests().iter().all(|request| request.header("authorization").is_empty()),
            "{resource}"
        );
    }
}

/// A connection whose token comes from the stand-in, to a vault that is another server.
fn of_vault(azure: &StandIn, vault: &CaptureServer) -> Box<dyn subrosa_provider::External> {
    let address = vault.url("");
    let both =
        [azure.ca(), vault.ca_path()].map(|path| std::fs::read_to_string(path).expect("a CA")).concat();
    let folder = subrosa_testkit::Folder::new();
    let ca = folder.write("ca.pem", both);
    let more = [("key-vault", address.as_str()), ("resource", &address)];
    connect(&settings(&azure.address(), &ca, &more), Way::usual())
}

#[test]
fn hostile_h85_answers_that_are_none() {
    let huge = bundle("https://x/secrets/db-password/1", &format!("\"{}\"", "CANARY".repeat(10 << 20 >> 2)));
    let long = bundle("https://x/secrets/db-password/1", &format!("\"{}\"", "x".repeat((1 << 20) + 1)));
    let nested = format!(r#"{{"value":{}"#, "[".repeat(100_000));
    let other = bundle("https://x/secrets/another/1", "\"CANARY\"");
    let none = bundle("https://x/secrets/db-password/1", "null");
    let keys = bundle("https://x/keys/db-password/1", "\"CANARY\"");
    let list = bundle("https://x/secrets/db-password/1", "[\"CANARY\"]");
    for (body, says) in [
        (huge.as_bytes(), "longer than 4 MiB"),
        (long.as_bytes(), "longer than the 1048576 bytes"),
        (b"", "not the JSON"),
        (b"\xff\xfeCANARY", "not the JSON"),
        (b"<html>CANARY</html>", "not the JSON"),
        (b"null", "not the JSON"),
        (b"[]", ""),
        (b"{}", "names no secret"),
        (br#"{"value":"CANARY"}"#, "names no secret"),
        (nested.as_bytes(), "not the JSON"),
        (list.as_bytes(), "not the JSON"),
        (other.as_bytes(), "about another secret"),
        (keys.as_bytes(), "names no secret"),
        (none.as_bytes(), "holds no value"),
    ] {
        let error = refused(&answering(200, body));
        assert_eq!(error.kind(), ErrorKind::BadAnswer, "{says}: {error}");
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
    let pinned = format!("db-password/{}", "1".repeat(32));
    let azure = answering(200, bundle("https://x/secrets/db-password/2", "\"CANARY\"").as_bytes());
    assert_eq!(failure(&*enter(&azure, Way::usual()), &pinned).kind(), ErrorKind::BadAnswer);
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
        let body =
            br#"{"error":{"code":"CANARY","message":"the value CANARY","innererror":{"code":"CANARY"}}}"#;
        assert_eq!(refused(&answering(status, body)).kind(), kind, "{status}");
        assert_eq!(refused(&answering(status, b"CANARY")).kind(), kind, "{status}");
    }
    // what says that there is no such secret has to say so in full
    let body = br#"{"error":{"code":"SecretNotFound","message":"CANARY"}}"#;
    let azure = answering(404, body);
    assert!(enter(&azure, Way::usual()).lookup(&"db-password".to_owned()).expect("absence").is_none());
}

#[test]
fn hostile_h86_an_authority_that_repeats_the_credential_is_not_quoted() {
    let script = |body: &'static str, status: u16| {
        move |_: usize, _: &Captured| Answer::status(status).with_body(body)
    };
    let quoting = r#"{"error":"invalid_client","error_description":"CANARY\r\nexample~client-secret~of~the~stand-in","error_codes":[7000215]}"#;
    for (body, status, kind) in [
        (quoting, 401, ErrorKind::Denied),
        (quoting, 500, ErrorKind::Unavailable),
        ("CANARY", 400, ErrorKind::Denied),
        ("CANARY", 200, ErrorKind::BadAnswer),
        (r#"{"access_token":"CANARY"}"#, 200, ErrorKind::BadAnswer),
        ("", 302, ErrorKind::BadAnswer),
    ] {
        let authority = CaptureServer::start(CaptureOptions::tls().answering(script(body, status)));
        let settings = settings(&authority.url(""), &authority.ca_path(), &[]);
        let error = failure(&*connect(&settings, Way::usual()), "db-password");
        assert_silent(&error);
        let expected = if status == 302 { ErrorKind::BadSettings } else { kind };
        assert_eq!(error.kind(), expected, "{status} {body}: {error}");
    }
}

#[test]
fn hostile_h83_no_certificate_is_taken_unseen() {
    let azure = StandIn::start();
    azure.put("db-password", "hunter2");
    let address = azure.address();
    let untrusted = Settings::from_iter([
        ("key-vault", address.as_str()),
        ("authority", &address),
        ("resource", &address),
        ("tenant", StandIn::TENANT),
        ("client-id", StandIn::CLIENT),
    ]);
    let untrusted = Azure.settle(untrusted).expect("settings");
    let error = failure(&*connect(&untrusted, Way::usual()), "db-password");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(azure.server().requests().is_empty(), "the secret stayed here");
    assert_eq!(text(&*enter(&azure, Way::usual()), "db-password"), "hunter2");
    let gone = azure.address();
    let ca = settings(&gone, &azure.ca(), &[]);
    drop(azure);
    assert_eq!(failure(&*connect(&ca, Way::usual()), "db-password").kind(), ErrorKind::Unavailable);
}
