//! KV of both versions, namespaces, and what keeps a lookup from its answer.

use serde_json::json;
use subrosa_provider::{ErrorKind, conformance};

use crate::vault::{Vault, Way, failure, text};

const TARGETS: [&str; 4] =
    ["secret/app#password", "secret/app#port", "secret/deep/er#nested", "plain/app#password"];

fn fill(vault: &Vault) {
    vault.post(
        "secret/data/app",
        &json!({ "data": { "password": "hunter2", "port": 5432, "empty": "", "none": null } }),
    );
    vault.post("secret/data/deep/er", &json!({ "data": { "nested": { "b": [1, 2.5, true] } } }));
    vault.post("plain/app", &json!({ "password": "of version 1\n" }));
}

#[test]
fn a_server_conforms() {
    let Some(vault) = Vault::start() else { return };
    fill(&vault);
    let token = vault.token(&json!({}));
    let provider = vault.connect(Way::new("token", &token));
    let values = ["hunter2", "5432", r#"{"b":[1,2.5,true]}"#, "of version 1\n"];
    let present: Vec<_> =
        TARGETS.into_iter().zip(values).map(|(at, value)| (at.to_owned(), value.into())).collect();
    for absent in [
        "secret/gone#password",
        "secret/app#gone",
        "secret/app#none",
        "plain/gone#x",
        "secret/app?version=9#password",
    ] {
        conformance::check(&provider, &present, &absent.to_owned());
    }
    assert_eq!(text(&provider, "secret/app#empty"), "");
    let values = ["hunter2", "of version 1", &token];
    for (target, kind) in [
        ("secret#password", ErrorKind::BadLink),
        ("nowhere/app#password", ErrorKind::Denied),
        ("plain/app?version=1#password", ErrorKind::BadLink),
        ("no-target", ErrorKind::BadLink),
    ] {
        conformance::check_failure(&provider, &target.to_owned(), kind, &values);
    }
    let who = provider.0.describe().expect("it answers");
    assert_eq!(who.who, "token (policies: app, default)");
    assert!(who.expires.is_some() && who.expires == provider.0.session_end());
}

#[test]
fn versions_that_were_deleted_or_destroyed_are_told_from_what_never_was() {
    let Some(vault) = Vault::start() else { return };
    for value in ["one", "two", "three", "four"] {
        vault.post("secret/data/app", &json!({ "data": { "key": value } }));
    }
    let token = vault.token(&json!({}));
    let provider = vault.connect(Way::new("token", &token));
    assert_eq!(text(&provider, "secret/app?version=1#key"), "one");
    assert_eq!(text(&provider, "secret/app#key"), "four");
    vault.post("secret/delete/app", &json!({ "versions": [2, 4] }));
    vault.post("secret/destroy/app", &json!({ "versions": [3] }));
    for (target, says) in [
        ("secret/app?version=2#key", "secret/app?version=2: version 2 was deleted"),
        ("secret/app?version=3#key", "secret/app?version=3: version 3 was destroyed"),
        ("secret/app#key", "secret/app: version 4 was deleted"),
    ] {
        let error = failure(&provider, target);
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::NotFound, says));
    }
    assert!(provider.0.lookup(&"secret/app?version=5#key".to_owned()).expect("no error").is_none());
    vault.post("secret/undelete/app", &json!({ "versions": [4] }));
    assert_eq!(text(&provider, "secret/app#key"), "four");
    let whole = vault.bao.api("DELETE", "secret/metadata/app", None);
    assert_eq!(whole.status, 204);
    assert!(provider.0.lookup(&"secret/app#key".to_owned()).expect("no error").is_none());
}

#[test]
fn a_namespace_holds_other_secrets_of_the_same_path() {
    let Some(vault) = Vault::start() else { return };
    fill(&vault);
    for path in ["sys/namespaces/team", "team/sys/namespaces/inner"] {
        vault.post(path, &json!({}));
    }
    for (namespace, value) in [("team", "of the team"), ("team/inner", "of the inner")] {
        vault.post(
            &format!("{namespace}/sys/mounts/secret"),
            &json!({ "type": "kv", "options": { "version": "2" } }),
        );
        vault.post(&format!("{namespace}/secret/data/app"), &json!({ "data": { "password": value } }));
        let provider = vault.connect(Way::new("token", "root").with(&[("namespace", namespace)]));
        assert_eq!(text(&provider, "secret/app#password"), value);
        assert!(provider.0.describe().expect("who").who.ends_with(&format!(" in {namespace}")));
    }
    assert_eq!(text(&vault.connect(Way::new("token", "root")), "secret/app#password"), "hunter2");
}

#[test]
fn a_server_that_will_not_answer_is_not_absence() {
    let Some(vault) = Vault::start() else { return };
    fill(&vault);
    let provider = vault.connect(Way::new("token", "root"));
    assert_eq!(text(&provider, TARGETS[0]), "hunter2");

    vault.post("sys/quotas/rate-limit/few", &json!({ "rate": 1, "path": "secret/" }));
    let answers =
        provider.0.lookup_many(&[&TARGETS[0].to_owned(), &TARGETS[2].to_owned(), &"secret/x#y".to_owned()]);
    let throttled =
        answers.into_iter().filter_map(Result::err).find(|error| error.kind() == ErrorKind::Throttled);
    let error = throttled.expect("a limit of one a second");
    assert!(error.to_string().contains("too many requests"), "{error}");
    assert_eq!(vault.bao.api("DELETE", "sys/quotas/rate-limit/few", None).status, 204);

    let sealed = vault.bao.api("PUT", "sys/seal", None);
    assert_eq!(sealed.status, 204, "{}", sealed.body);
    let error = failure(&provider, TARGETS[0]);
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Unavailable, "secret/app: the server is sealed, or in maintenance")
    );
    let fresh = vault.connect(Way::new("token", "root"));
    conformance::check_failure(&fresh, &TARGETS[0].to_owned(), ErrorKind::Unavailable, &["hunter2", "root"]);
    drop(vault);
    conformance::check_failure(&fresh, &TARGETS[0].to_owned(), ErrorKind::Unavailable, &["hunter2", "root"]);
}
