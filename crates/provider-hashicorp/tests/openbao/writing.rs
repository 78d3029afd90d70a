//! What a server offers, and values that are written to it.

use serde_json::json;
use subrosa_provider::{ErrorKind, WriteMode};

use crate::vault::{Known, Vault, Way, secret, text};

/// May do all that is asked here, and not see what stands below `secret/hidden`.
const WRITER: &str = r#"path "secret/*" { capabilities = ["create", "read", "update", "list"] }
path "secret/metadata/hidden/*" { capabilities = ["deny"] }
path "plain/*" { capabilities = ["create", "read", "update", "list"] }
path "database/creds/app" { capabilities = ["read"] }"#;

fn writer(vault: &Vault) -> Known {
    vault.post("sys/policies/acl/writer", &json!({ "policy": WRITER }));
    let token = vault.token(&json!({ "policies": ["writer"] }));
    vault.connect(Way::new("token", &token))
}

fn write(provider: &Known, target: &str, value: &str, mode: WriteMode) -> Result<(), ErrorKind> {
    let written = provider.0.write(&target.to_owned(), &secret(value), mode);
    written.map_err(|error| {
        assert!(!error.to_string().contains(value), "an error quotes a value: {error}");
        error.kind()
    })
}

fn targets(provider: &Known, search: &str, limit: usize) -> (Vec<String>, bool) {
    let offers = provider.0.offers(search, limit).expect("offers");
    (offers.found.into_iter().map(|offer| offer.target).collect(), offers.more)
}

#[test]
fn a_field_is_written_and_its_neighbours_stay() {
    let Some(vault) = Vault::start() else { return };
    vault.post("secret/data/app", &json!({ "data": { "port": 5432, "nested": { "b": [1, 2.5, true] } } }));
    vault.post("plain/app", &json!({ "port": 5432 }));
    let provider = writer(&vault);
    for path in ["secret/app", "plain/app"] {
        let (password, port) = (format!("{path}#password"), format!("{path}#port"));
        let value = "a \"quoted\" \\ <<vault:x>> {{vault:y}} \u{e9}\n";
        assert_eq!(write(&provider, &password, value, WriteMode::New), Ok(()), "{path}");
        assert_eq!(text(&provider, &password), value);
        assert_eq!(text(&provider, &port), "5432");
        assert_eq!(write(&provider, &password, "another", WriteMode::New), Err(ErrorKind::Exists));
        assert_eq!(text(&provider, &password), value);
        assert_eq!(write(&provider, &password, "another", WriteMode::Replace), Ok(()));
        assert_eq!(text(&provider, &password), "another");
        let anew = format!("{path}-of-its-own/a b#k");
        assert_eq!(write(&provider, &anew, "first", WriteMode::New), Ok(()));
        assert_eq!(text(&provider, &anew), "first");
    }
    assert_eq!(text(&provider, "secret/app#nested"), r#"{"b":[1,2.5,true]}"#);
    assert_eq!(text(&provider, "secret/app?version=1#port"), "5432");
}

#[test]
fn what_cannot_be_written_is_refused() {
    let Some(vault) = Vault::start() else { return };
    vault.post("secret/data/app", &json!({ "data": { "key": "one" } }));
    vault.post("secret/data/gone", &json!({ "data": { "key": "one" } }));
    assert_eq!(vault.bao.api("DELETE", "secret/data/gone", None).status, 204);
    let provider = writer(&vault);
    // a version that was deleted is followed by a new one
    assert_eq!(write(&provider, "secret/gone#key", "two", WriteMode::New), Ok(()));
    assert_eq!(text(&provider, "secret/gone#key"), "two");
    for (target, kind) in [
        ("secret/app?version=1#key", ErrorKind::Unsupported),
        ("nowhere/app#key", ErrorKind::Denied),
        ("secret#key", ErrorKind::BadLink),
    ] {
        assert_eq!(write(&provider, target, "hunter3", WriteMode::Replace), Err(kind), "{target}");
    }
    let binary = subrosa_secret::SecretValue::new(vec![0xff, 0xfe]).expect("short");
    let error = provider.0.write(&"secret/app#key".to_owned(), &binary, WriteMode::Replace);
    assert_eq!(error.expect_err("binary").kind(), ErrorKind::Unsupported);
    let token = vault.token(&json!({}));
    let reader = vault.connect(Way::new("token", &token));
    assert_eq!(write(&reader, "secret/app#key", "hunter3", WriteMode::Replace), Err(ErrorKind::Denied));
    assert_eq!(text(&reader, "secret/app#key"), "one");
}

#[test]
fn what_may_be_listed_is_offered_without_its_values() {
    let Some(vault) = Vault::start() else { return };
    for path in ["app", "deep/er/still", "hidden/one", "deep#er"] {
        let path = path.replace('#', "%23");
        vault.post(&format!("secret/data/{path}"), &json!({ "data": { "Key": "v", "other": "w" } }));
    }
    vault.post("plain/app", &json!({ "password": "v" }));
    let provider = writer(&vault);
    let all = [
        "plain/app#password",
        "secret/app#Key",
        "secret/app#other",
        "secret/deep%23er#Key",
        "secret/deep%23er#other",
        "secret/deep/er/still#Key",
        "secret/deep/er/still#other",
    ];
    assert_eq!(targets(&provider, "", 100), (all.map(str::to_owned).to_vec(), false));
    assert!(targets(&provider, "", 2).1);
    let some = ["secret/app#Key", "secret/deep%23er#Key", "secret/deep/er/still#Key"];
    assert_eq!(targets(&provider, "KEY", 100).0, some);
    assert_eq!(text(&provider, "secret/deep%23er#Key"), "v");
    let token = vault.token(&json!({}));
    let reader = vault.connect(Way::new("token", &token));
    let error = reader.0.offers("", 10).expect_err("a policy without list");
    assert_eq!(error.kind(), ErrorKind::Denied);
}
