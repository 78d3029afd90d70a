//! Users that OpenBao makes in a real PostgreSQL, for a while.

use std::thread;
use std::time::Duration;

use serde_json::json;
use subrosa_provider::ErrorKind;
use subrosa_testkit::Postgres;

use crate::vault::{Known, Vault, Way, edited, now, text};

const USER: &str = "database/creds/app#username";
const PASSWORD: &str = "database/creds/app#password";

/// A server whose engine `database` makes users that live so long.
fn with_database(ttl: &str, longest: &str) -> Option<(Vault, Postgres)> {
    let database = Postgres::start()?;
    let vault = Vault::start()?;
    vault.post("sys/mounts/database", &json!({ "type": "database" }));
    let url = format!(
        "postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{}/postgres?sslmode=disable",
        database.port()
    );
    vault.post(
        "database/config/pg",
        &json!({
            "plugin_name": "postgresql-database-plugin", "connection_url": url, "allowed_roles": "*",
            "username": "postgres", "password": Postgres::PASSWORD,
        }),
    );
    let make = r#"CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';"#;
    vault.post(
        "database/roles/app",
        &json!({ "db_name": "pg", "creation_statements": make, "default_ttl": ttl, "max_ttl": longest }),
    );
    vault.post("sys/auth/userpass", &json!({ "type": "userpass" }));
    vault.post("auth/userpass/users/ada", &json!({ "password": "opensesame", "token_policies": "app" }));
    Some((vault, database))
}

fn ada(vault: &Vault) -> Known {
    vault.connect(Way::new("userpass", "opensesame").with(&[("username", "ada")]))
}

/// The server takes the leases of a token back once it has answered.
fn is_gone(database: &Postgres, user: &str, password: &str) -> bool {
    (0..200).any(|_| {
        thread::sleep(Duration::from_millis(50));
        !database.lets_in(user, password)
    })
}

#[test]
fn a_user_of_a_database_is_leased_kept_and_taken_back() {
    let Some((vault, database)) = with_database("1h", "24h") else { return };
    let provider = ada(&vault);
    // both keys in one lookup, and one of them again: one lease
    let both = provider.0.lookup_many(&[&USER.to_owned(), &PASSWORD.to_owned()]);
    let both: Vec<String> = both
        .into_iter()
        .map(|value| {
            String::from_utf8(value.expect("found").expect("there").expose_secret().to_vec()).expect("text")
        })
        .collect();
    let [user, password] = both.as_slice() else { panic!("two values") };
    assert!(database.lets_in(user, password));
    assert!(!database.lets_in(user, "another"));
    assert_eq!(text(&provider, PASSWORD), *password);
    let end = provider.0.value_end(&PASSWORD.to_owned()).expect("a lease ends");
    assert!(end < provider.0.session_end().expect("so does the session"));
    assert!(provider.0.lookup(&"database/creds/app#gone".to_owned()).expect("no error").is_none());

    // the next process has the same user, without asking
    let left = provider.0.session().expect("a session").state;
    let next = vault.connect(Way::new("userpass", "").with(&[("username", "ada")]).after(Some(left)));
    assert_eq!(text(&next, USER), *user);
    next.0.end().expect("taken back");
    assert!(is_gone(&database, user, password));
    assert_ne!(text(&ada(&vault), USER), *user);
}

#[test]
fn a_lease_is_renewed_while_that_helps_and_then_replaced() {
    let Some((vault, database)) = with_database("1h", "2h") else { return };
    let provider = ada(&vault);
    let (user, password) = (text(&provider, USER), text(&provider, PASSWORD));
    let left = provider.0.session().expect("a session").state;
    let connect =
        |session| vault.connect(Way::new("userpass", "").with(&[("username", "ada")]).after(Some(session)));
    // as if all but a minute of the hour had gone: the same user, for longer
    let renewed = connect(edited(&left, |line| line["leases"][0]["life"]["expires"] = (now() + 60).into()));
    assert_eq!(text(&renewed, USER), user);
    assert!(renewed.0.value_end(&USER.to_owned()).expect("a lease ends") > now() + 600);
    assert!(renewed.0.session().is_some(), "it is another than before");
    // as if it had been given a day: what renewing gives is too little to go on with
    let replaced = connect(edited(&left, |line| {
        line["leases"][0]["life"]["expires"] = (now() + 60).into();
        line["leases"][0]["life"]["granted"] = 86_400.into();
    }));
    let (other, its_password) = (text(&replaced, USER), text(&replaced, PASSWORD));
    assert_ne!(other, user);
    assert!(database.lets_in(&other, &its_password));
    // whoever got the first one may still be at work with it
    assert!(database.lets_in(&user, &password));
}

#[test]
fn a_lease_of_a_token_that_is_not_ours_is_taken_back_by_itself() {
    let Some((vault, database)) = with_database("1h", "24h") else { return };
    let policy =
        format!("{} path \"sys/leases/revoke\" {{ capabilities = [\"update\"] }}", crate::vault::POLICY);
    vault.post("sys/policies/acl/revoking", &json!({ "policy": policy }));
    for (policies, kind) in [(["revoking"], None), (["app"], Some(ErrorKind::Denied))] {
        let token = vault.token(&json!({ "policies": policies }));
        let provider = vault.connect(Way::new("token", &token));
        let (user, password) = (text(&provider, USER), text(&provider, PASSWORD));
        let left = provider.0.session().expect("the lease").state;
        let next = vault.connect(Way::new("token", &token).after(Some(left)));
        let ended = next.0.end().err().map(|error| error.kind());
        assert_eq!(ended, kind);
        assert_eq!(database.lets_in(&user, &password), kind.is_some(), "it is done when it is answered");
        assert_eq!(vault.bao.api_as(&token, "GET", "auth/token/lookup-self", None).status, 200);
    }
}
