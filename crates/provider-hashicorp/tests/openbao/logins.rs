//! Ways to log in, and how sessions go on and end.

use std::fs;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use subrosa_provider::{ErrorKind, Session};
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, Captured, Folder};

use crate::vault::{Known, Vault, Way, edited, failure, now, text};

const TARGET: &str = "secret/app#password";

fn filled() -> Option<Vault> {
    let vault = Vault::start()?;
    vault.post("secret/data/app", &json!({ "data": { "password": "hunter2" } }));
    Some(vault)
}

fn enable(vault: &Vault, method: &str) {
    vault.post(&format!("sys/auth/{method}"), &json!({ "type": method }));
}

/// The session that a connection leaves behind, if it is another one.
fn session(provider: &Known) -> Option<Session> {
    provider.0.session()
}

/// Whether the server still knows the token of a session.
fn is_alive(vault: &Vault, accessor: &str) -> bool {
    vault
        .bao
        .api("POST", "auth/token/lookup-accessor", Some(&json!({ "accessor": accessor }).to_string()))
        .status
        == 200
}

fn accessors(vault: &Vault) -> Vec<String> {
    let list: Value =
        serde_json::from_str(&vault.bao.api("LIST", "auth/token/accessors", None).ok()).expect("JSON");
    list["data"]["keys"]
        .as_array()
        .expect("keys")
        .iter()
        .map(|key| key.as_str().expect("text").to_owned())
        .collect()
}

#[test]
fn a_password_makes_a_session_that_the_next_process_goes_on_with() {
    let Some(vault) = filled() else { return };
    enable(&vault, "userpass");
    vault.post(
        "auth/userpass/users/ada",
        &json!({ "password": "opensesame", "token_policies": "app", "token_ttl": "1h" }),
    );
    let ada = [("username", "ada")];
    let before = accessors(&vault);
    let provider = vault.connect(Way::new("userpass", "opensesame").with(&ada));
    assert_eq!(text(&provider, TARGET), "hunter2");
    let left = session(&provider).expect("a login leaves a session");
    assert_eq!(left.expires, provider.0.session_end());
    assert!(left.expires.is_some());

    // no credential: the session is enough, and nothing of it is new
    let next = vault.connect(Way::new("userpass", "").with(&ada).after(Some(left.state)));
    assert_eq!(text(&next, TARGET), "hunter2");
    assert!(session(&next).is_none());
    assert_eq!(next.0.describe().expect("who").who, "userpass-ada (policies: app, default)");
    let made: Vec<_> = accessors(&vault).into_iter().filter(|one| !before.contains(one)).collect();
    assert_eq!(made.len(), 1, "one login for both");
    next.0.end().expect("revoked");
    assert!(!is_alive(&vault, &made[0]));

    for (password, user) in [("wrong", "ada"), ("opensesame", "bob"), ("opensesame", "ada/../ada")] {
        let provider = vault.connect(Way::new("userpass", password).with(&[("username", user)]));
        let error = failure(&provider, TARGET);
        assert_eq!(error.kind(), ErrorKind::Denied, "{user} {error}");
        assert!(!format!("{error:?}").contains(password), "{error:?}");
    }
    let elsewhere =
        vault.connect(Way::new("userpass", "opensesame").with(&[("username", "ada"), ("auth-path", "none")]));
    assert!(failure(&elsewhere, TARGET).to_string().contains("auth/none"));
}

#[test]
fn a_token_is_never_in_a_session_while_it_is_kept_elsewhere() {
    let Some(vault) = filled() else { return };
    let token = vault.token(&json!({}));
    let kept = vault.connect(Way::new("token", &token));
    assert_eq!(text(&kept, TARGET), "hunter2");
    assert!(session(&kept).is_none());
    let unkept = vault.connect(Way { is_kept: false, ..Way::new("token", &token) });
    assert_eq!(text(&unkept, TARGET), "hunter2");
    let left = session(&unkept).expect("the only place that it is in");
    assert_eq!(text(&vault.connect(Way::new("token", "").after(Some(left.state))), TARGET), "hunter2");
    // it was not made by a login of ours
    kept.0.end().expect("nothing to revoke");
    assert_eq!(vault.bao.api_as(&token, "GET", "auth/token/lookup-self", None).status, 200);
    let error = failure(&vault.connect(Way::new("token", "s.no-such-token")), TARGET);
    assert_eq!(error.kind(), ErrorKind::Expired);
    let batch = vault.token(&json!({ "type": "batch" }));
    assert_eq!(text(&vault.connect(Way::new("token", &batch)), TARGET), "hunter2");
    let bare = vault.token(&json!({ "no_default_policy": true }));
    assert_eq!(text(&vault.connect(Way::new("token", &bare)), TARGET), "hunter2");
}

#[test]
fn a_token_is_renewed_before_it_ends() {
    let Some(vault) = filled() else { return };
    let token = vault.token(&json!({ "ttl": "1h", "explicit_max_ttl": "24h" }));
    let provider = vault.connect(Way { is_kept: false, ..Way::new("token", &token) });
    assert_eq!(text(&provider, TARGET), "hunter2");
    let left = session(&provider).expect("the only place that it is in").state;
    let way = |session| Way { is_kept: false, ..Way::new("token", "") }.after(Some(session));
    let connect = |session| vault.connect(way(session));
    // as if most of the hour had gone
    let later = connect(edited(&left, |line| line["token"]["life"]["expires"] = (now() + 60).into()));
    assert_eq!(text(&later, TARGET), "hunter2");
    assert!(later.0.session_end().expect("it ends") > now() + 600);
    let left = session(&later).expect("it is another than before").state;
    assert!(session(&connect(left)).is_none(), "nothing to renew yet");
    // one that cannot be renewed is used to its end
    let fixed = edited(&session(&later).expect("it").state, |line| {
        line["token"]["life"] = json!({ "expires": now() + 60, "granted": 3600, "renewable": false });
    });
    let fixed = connect(fixed);
    assert_eq!(text(&fixed, TARGET), "hunter2");
    assert!(fixed.0.session_end().expect("it ends") <= now() + 60);
}

#[test]
fn hostile_h87_a_token_that_ends_between_two_lookups() {
    let Some(vault) = filled() else { return };
    enable(&vault, "userpass");
    vault.post("auth/userpass/users/ada", &json!({ "password": "opensesame", "token_policies": "app" }));
    let before = accessors(&vault);
    let way = || Way::new("userpass", "opensesame").with(&[("username", "ada")]);
    let provider = vault.connect(way());
    assert_eq!(text(&provider, TARGET), "hunter2");
    let left = session(&provider).expect("a session").state;
    for accessor in accessors(&vault).iter().filter(|one| !before.contains(one)) {
        vault.post("auth/token/revoke-accessor", &json!({ "accessor": accessor }));
    }
    // with the password at hand it logs in again, by itself and once
    assert_eq!(text(&provider, TARGET), "hunter2");
    // without it, it is over, not denied
    let error = failure(&vault.connect(Way { credential: "", ..way().after(Some(left)) }), TARGET);
    assert_eq!(error.kind(), ErrorKind::Expired, "{error}");

    let token = vault.token(&json!({}));
    let provider = vault.connect(Way::new("token", &token));
    assert_eq!(text(&provider, TARGET), "hunter2");
    assert_eq!(vault.bao.api_as(&token, "POST", "auth/token/revoke-self", None).status, 204);
    assert_eq!(failure(&provider, TARGET).kind(), ErrorKind::Expired);
    let denied = vault.connect(way());
    vault
        .post("sys/policies/acl/app", &json!({ "policy": "path \"other/*\" { capabilities = [\"read\"] }" }));
    assert_eq!(failure(&denied, TARGET).kind(), ErrorKind::Denied, "the session is well, the policy is not");
}

#[test]
fn an_approle_logs_in_with_a_secret_id_plain_wrapped_or_for_once() {
    let Some(vault) = filled() else { return };
    enable(&vault, "approle");
    vault.post("auth/approle/role/app", &json!({ "token_policies": "app", "secret_id_num_uses": 0 }));
    vault.post("auth/approle/role/once", &json!({ "token_policies": "app", "secret_id_num_uses": 1 }));
    let role_id = |role: &str| {
        let answer: Value = serde_json::from_str(
            &vault.bao.api("GET", &format!("auth/approle/role/{role}/role-id"), None).ok(),
        )
        .expect("JSON");
        answer["data"]["role_id"].as_str().expect("text").to_owned()
    };
    let secret_id = |role: &str| {
        vault.post(&format!("auth/approle/role/{role}/secret-id"), &json!({}))["data"]["secret_id"]
            .as_str()
            .expect("text")
            .to_owned()
    };
    let (app, once) = (role_id("app"), role_id("once"));
    let plain = vault.connect(Way::new("approle", &secret_id("app")).with(&[("role-id", &app)]));
    assert_eq!(text(&plain, TARGET), "hunter2");
    assert!(plain.0.credential().is_none());

    let wrapping = wrap(&vault, &secret_id("app"));
    let settings = [("role-id", app.as_str()), ("wrapped", "")];
    let provider = vault.connect(Way::new("approle", &wrapping).with(&settings));
    assert_eq!(text(&provider, TARGET), "hunter2");
    let kept = provider.0.credential().expect("what was in it is kept");
    let kept = String::from_utf8(kept.expose_secret().to_vec()).expect("text");
    assert_eq!(text(&vault.connect(Way::new("approle", &kept).with(&settings[..1])), TARGET), "hunter2");
    let error = failure(&vault.connect(Way::new("approle", &wrapping).with(&settings)), TARGET);
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("somebody else has unwrapped it"), "{error}");

    let single = secret_id("once");
    let settings = [("role-id", once.as_str())];
    let provider = vault.connect(Way::new("approle", &single).with(&settings));
    assert_eq!(text(&provider, TARGET), "hunter2");
    let left = session(&provider).expect("a session").state;
    assert_eq!(
        text(&vault.connect(Way::new("approle", "").with(&settings).after(Some(left))), TARGET),
        "hunter2"
    );
    let error = failure(&vault.connect(Way::new("approle", &single).with(&settings)), TARGET);
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(!error.to_string().contains(&single));
}

/// Wraps a secret id as an operator does it.
fn wrap(vault: &Vault, secret_id: &str) -> String {
    let answer = vault.bao.wrap(&json!({ "secret_id": secret_id }).to_string());
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    answer["wrap_info"]["token"].as_str().expect("a token").to_owned()
}

/// A JWT that the server's own identity engine signs for a user.
fn signed_jwt(vault: &Vault) -> String {
    enable(vault, "userpass");
    let policy = r#"path "identity/oidc/token/*" { capabilities = ["read"] }"#;
    vault.post("sys/policies/acl/identity", &json!({ "policy": policy }));
    vault.post("auth/userpass/users/ci", &json!({ "password": "pw", "token_policies": "identity" }));
    vault.post("identity/oidc/config", &json!({ "issuer": vault.bao.address() }));
    vault.post("identity/oidc/key/ci", &json!({ "allowed_client_ids": ["*"] }));
    vault.post("identity/oidc/role/ci", &json!({ "key": "ci", "client_id": "subrosa" }));
    let login: Value = serde_json::from_str(
        &vault.bao.api("POST", "auth/userpass/login/ci", Some(r#"{"password":"pw"}"#)).ok(),
    )
    .expect("JSON");
    let token = login["auth"]["client_token"].as_str().expect("a token");
    let answer = vault.bao.api_as(token, "GET", "identity/oidc/token/ci", None).ok();
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    answer["data"]["token"].as_str().expect("a JWT").to_owned()
}

#[test]
fn a_jwt_logs_in() {
    let Some(vault) = filled() else { return };
    let jwt = signed_jwt(&vault);
    enable(&vault, "jwt");
    let ca = fs::read_to_string(vault.bao.ca()).expect("the authority");
    let keys = format!("{}/v1/identity/oidc/.well-known/keys", vault.bao.address());
    vault.post("auth/jwt/config", &json!({ "jwks_url": keys, "jwks_ca_pem": ca, "default_role": "ci" }));
    vault.post(
        "auth/jwt/role/ci",
        &json!({ "role_type": "jwt", "bound_audiences": ["subrosa"], "user_claim": "sub", "token_policies": ["app"] }),
    );
    assert_eq!(text(&vault.connect(Way::new("jwt", &jwt).with(&[("role", "ci")])), TARGET), "hunter2");
    assert_eq!(text(&vault.connect(Way::new("jwt", &jwt)), TARGET), "hunter2", "the server's default role");
    let mut forged = jwt.clone();
    forged.replace_range(jwt.len() - 8.., "AAAAAAAA");
    let error = failure(&vault.connect(Way::new("jwt", &forged)), TARGET);
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(!error.to_string().contains(&forged[..20]));
}

#[test]
fn a_client_certificate_logs_in() {
    let Some(vault) = filled() else { return };
    enable(&vault, "cert");
    let (certificate, key) = vault.bao.client_identity();
    let read = |path| fs::read_to_string(path).expect("a file");
    let pem = format!("{}{}", read(certificate), read(key));
    vault.post(
        "auth/cert/certs/app",
        &json!({ "certificate": read(vault.bao.ca()), "token_policies": "app" }),
    );
    assert_eq!(text(&vault.connect(Way::new("cert", &pem)), TARGET), "hunter2");
    assert_eq!(text(&vault.connect(Way::new("cert", &pem).with(&[("role", "app")])), TARGET), "hunter2");
    let error = failure(&vault.connect(Way::new("cert", &pem).with(&[("role", "other")])), TARGET);
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    let error = failure(&vault.connect(Way::new("cert", "no certificate")), TARGET);
    assert_eq!(error.kind(), ErrorKind::BadSettings, "{error}");
}

/// OpenBao asks the cluster whether a token is good: the cluster is played here.
#[test]
fn the_service_account_of_a_pod_logs_in() {
    let Some(vault) = filled() else { return };
    let claims = json!({
        "iss": "kubernetes/serviceaccount",
        "kubernetes.io/serviceaccount/namespace": "shop",
        "kubernetes.io/serviceaccount/service-account.name": "app",
        "kubernetes.io/serviceaccount/service-account.uid": "1-2-3",
        "sub": "system:serviceaccount:shop:app",
    });
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let jwt = format!("{}.{}.c2ln", part(&json!({ "alg": "RS256", "typ": "JWT" })), part(&claims));
    let review = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "status": {
            "authenticated": true,
            "user": { "username": "system:serviceaccount:shop:app", "uid": "1-2-3", "groups": ["system:serviceaccounts"] },
        },
    });
    let answer =
        move |_: usize, _: &Captured| Answer::ok(review.to_string()).with("Content-Type", "application/json");
    let cluster = CaptureServer::start(CaptureOptions::default().answering(answer));
    enable(&vault, "kubernetes");
    vault.post(
        "auth/kubernetes/config",
        &json!({ "kubernetes_host": cluster.url(""), "disable_local_ca_jwt": true, "token_reviewer_jwt": jwt, "kubernetes_ca_cert": fs::read_to_string(vault.bao.ca()).expect("PEM") }),
    );
    vault.post(
        "auth/kubernetes/role/app",
        &json!({ "bound_service_account_names": ["app"], "bound_service_account_namespaces": ["shop"], "token_policies": ["app"], "alias_name_source": "serviceaccount_name" }),
    );
    let folder = Folder::new();
    let file = folder.write("token", format!("{jwt}\n"));
    let settings = [("role", "app"), ("jwt-file", file.to_str().expect("text"))];
    assert_eq!(text(&vault.connect(Way::new("kubernetes", "").with(&settings)), TARGET), "hunter2");
    assert!(!cluster.requests().is_empty(), "the cluster was asked");
    let gone = [("role", "app"), ("jwt-file", "/nowhere/token")];
    let error = failure(&vault.connect(Way::new("kubernetes", "").with(&gone)), TARGET);
    assert_eq!(error.kind(), ErrorKind::BadSettings, "{error}");
}
