//! Secrets of a real OpenBao: connected, linked, sent, leased, and what is left when a session ends.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, Captured, KeyringState, OpenBao, Postgres};

use crate::home::{Home, Run, text};
use crate::keychain::User;
use crate::stage::{Stage, VALUE};

/// The password of the user that most tests log in as.
const PASSWORD: &str = "opensesame-8c1d";

/// A server with one secret and one user, `ada`, whose sessions last `ttl`.
fn server(ttl: &str) -> Option<OpenBao> {
    let bao = OpenBao::start()?;
    let policy =
        r#"path "secret/*" { capabilities = ["read"] } path "database/creds/*" { capabilities = ["read"] }"#;
    let json = |value: Value| value.to_string();
    bao.post("sys/policies/acl/app", &json(json!({ "policy": policy })));
    bao.post("secret/data/app", &json(json!({ "data": { "key": VALUE, "other": "of the same secret" } })));
    bao.post("sys/auth/userpass", r#"{"type":"userpass"}"#);
    let ada =
        json!({ "password": PASSWORD, "token_policies": "app", "token_ttl": ttl, "token_max_ttl": ttl });
    bao.post("auth/userpass/users/ada", &json(ada));
    Some(bao)
}

/// A short session, for tests that see it end.
const SHORT: &str = "10s";

/// Waits until a session that began by now is over.
fn outlive(begun: Instant) {
    thread::sleep(Duration::from_secs(11).saturating_sub(begun.elapsed()));
}

fn tokens(bao: &OpenBao) -> usize {
    let list: Value =
        serde_json::from_str(&bao.api("LIST", "auth/token/accessors", None).ok()).expect("JSON");
    list["data"]["keys"].as_array().expect("keys").len()
}

/// Connects `prod` as ada; the password comes from standard input.
fn connect(home: &Home, bao: &OpenBao, words: &[&str]) -> Run {
    let (address, ca) = (bao.address(), text(&bao.ca()));
    let way = ["connect", "hashicorp", "prod", "--address", &address, "--ca", &ca, "--auth", "userpass"];
    home.feed(&[&way[..], &["--username", "ada"], words].concat(), format!("{PASSWORD}\n"))
}

fn send(stage: &Stage, words: &[&str]) -> Run {
    stage.send_here(&[&["-s", "-S", "-H", "X-Key: <<vault:key>>"], words].concat(), "/")
}

#[test]
fn a_secret_of_the_server_is_sent_by_one_login() {
    let Some(bao) = server("1h") else { return };
    let stage = Stage::new();
    let before = tokens(&bao);
    connect(&stage.home, &bao, &["--keep", "vault"]).ok();
    stage.home.run(&["link", "key", "prod:secret/app#key", "--host", &stage.origin()]).ok();
    send(&stage, &["--refresh"]).ok();
    send(&stage, &["--no-cache"]).ok();
    send(&stage, &[]).ok();
    let sent = stage.server.requests();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|request| request.header("x-key") == [VALUE.as_bytes()]));
    assert_eq!(tokens(&bao), before + 1, "processes share the session");

    let report = stage.home.run(&["connections", "--json"]).ok().json();
    let prod = &report["connections"][0];
    assert_eq!(
        (&prod["state"], &prod["auth"], &prod["kept"]),
        (&json!("ready"), &json!("userpass"), &json!("vault"))
    );
    assert_eq!(prod["who"], "userpass-ada (policies: app, default)");
    assert!(prod["expires"].is_string());
    assert!(stage.home.files_with(&[VALUE.as_bytes(), PASSWORD.as_bytes()]).is_empty());

    // the session is lost, the login is not
    std::fs::remove_file(stage.home.vault().join("sessions")).expect("there are sessions");
    send(&stage, &["--refresh"]).ok();
    assert_eq!(tokens(&bao), before + 2);
    stage.home.run(&["reauth", "prod"]).ok();
    assert_eq!(tokens(&bao), before + 2, "the session before it was ended");
    stage.home.run(&["disconnect", "prod"]).ok();
    assert_eq!(tokens(&bao), before + 1, "all but that which was lost");
    send(&stage, &[]).ends(100).says("prod was disconnected");
    stage.home.run(&["verify"]).ok();
}

/// A server with two secrets, that counts what it is asked.
fn counted() -> CaptureServer {
    let answer = |_: usize, request: &Captured| {
        let data = match request.target.as_str() {
            target if target.contains("/sys/internal/ui/mounts/") => {
                json!({ "path": "secret/", "type": "kv", "options": { "version": "2" } })
            }
            target if target.contains("/secret/data/") => json!({ "data": { "a": "1", "b": "2" } }),
            _ => json!({ "ttl": 3600, "display_name": "token", "policies": [] }),
        };
        Answer::ok(json!({ "data": data }).to_string())
    };
    CaptureServer::start(CaptureOptions::tls().answering(answer))
}

#[test]
fn a_process_asks_for_each_secret_once_whatever_it_is_wanted_for() {
    let (vault, stage) = (counted(), Stage::new());
    let way = [
        "connect",
        "hashicorp",
        "prod",
        "--keep",
        "vault",
        "--address",
        &vault.url(""),
        "--ca",
        &text(&vault.ca_path()),
    ];
    stage.home.feed(&way, "some-token").ok();
    for (name, target) in [("one", "app#a"), ("same", "app#a"), ("two", "app#b"), ("other", "far#a")] {
        let target = format!("prod:secret/{target}");
        stage.home.run(&["link", name, &target, "--no-check", "--host", &stage.origin()]).ok();
    }
    let _ = vault.take_requests();
    let (first, second) = (stage.server.url("/1"), stage.server.url("/2?q=<<vault:one>>"));
    let parts = [
        "-H",
        "A: <<vault:one>>",
        "-H",
        "B: <<vault:same>> <<vault:two>>",
        "-d",
        "<<vault:other>><<vault:one>>",
    ];
    stage.send(&[&["-sS"], &parts[..], &[&first, &second]].concat()).ok();
    assert_eq!(stage.server.requests().len(), 2);
    let asked: Vec<String> = vault.take_requests().into_iter().map(|request| request.target).collect();
    for path in ["/v1/secret/data/app", "/v1/secret/data/far"] {
        assert_eq!(asked.iter().filter(|target| *target == path).count(), 1, "{asked:?}");
    }
    assert_eq!(vault.connections(), 2, "one for connecting, one for looking up");
    // what is cached is not asked for at all
    stage.send_here(&["-sS", "-H", "A: <<vault:one>>"], "/3").ok();
    assert!(vault.requests().is_empty());
}

#[test]
fn a_session_that_is_over_is_told_and_nothing_is_sent() {
    let Some(bao) = server(SHORT) else { return };
    let stage = Stage::new();
    connect(&stage.home, &bao, &["--keep", "session"]).ok();
    let begun = Instant::now();
    stage.home.run(&["link", "key", "prod:secret/app#key", "--host", &stage.origin()]).ok();
    send(&stage, &["--refresh"]).ok().says("the session of prod ends in");
    outlive(begun);
    // what was looked up with it is over too
    let run = send(&stage, &[]).ends(100);
    assert!(run.err.contains("prod: its session expired"), "{run}");
    assert_eq!(run.hints(), ["subrosa reauth prod"]);
    assert_eq!(stage.server.requests().len(), 1);
    let report = stage.home.run(&["connections", "--json"]).ok().json();
    assert_eq!(report["connections"][0]["state"], "expired");
    let doctor = stage.home.run(&["doctor"]);
    assert!(doctor.shows("prod: its session expired"), "{doctor}");

    stage
        .home
        .feed(&["reauth", "prod", "--keep", "session"], "wrong")
        .ends(100)
        .says("login at auth/userpass was refused");
    let file = stage.home.write("password", PASSWORD);
    stage.home.run(&["reauth", "prod", "--credential-file", &text(&file), "--keep", "vault"]).ok();
    // with the password at hand it goes on by itself
    std::fs::remove_file(stage.home.vault().join("sessions")).expect("there are sessions");
    send(&stage, &["--refresh"]).ok();
}

#[test]
fn a_connection_is_changed_and_its_links_stay() {
    let Some(bao) = server("1h") else { return };
    let stage = Stage::new();
    let before = tokens(&bao);
    connect(&stage.home, &bao, &["--keep", "vault"]).ok();
    stage.home.run(&["link", "key", "prod:secret/app#key", "--host", &stage.origin()]).ok();
    connect(&stage.home, &bao, &["--keep", "session"]).ends(1).says("--replace changes it");
    let (address, ca) = (bao.address(), text(&bao.ca()));
    let wrong = ["connect", "hashicorp", "prod", "--address", &address, "--ca", &ca, "--replace"];
    let wrong = [&wrong[..], &["--auth", "userpass", "--username", "ada", "--keep", "session"]].concat();
    stage.home.feed(&wrong, "wrong").ends(100);
    send(&stage, &["--refresh"]).ok();
    assert_eq!(tokens(&bao), before + 1, "a login that failed changed nothing");

    connect(&stage.home, &bao, &["--keep", "session", "--ttl", "5m", "--replace"]).ok();
    assert_eq!(tokens(&bao), before + 1, "the session before it was ended");
    send(&stage, &["--refresh"]).ok();
    let report = stage.home.run(&["connections", "--json"]).ok().json();
    let prod = &report["connections"][0];
    assert_eq!((&prod["kept"], &prod["cache_ttl"], &prod["links"]), (&json!(null), &json!(300), &json!(1)));
    stage.home.run(&["verify"]).ok();
}

#[test]
fn a_token_that_never_ends_is_kept_or_refused() {
    let Some(bao) = server("1h") else { return };
    let home = Home::new();
    let (address, ca) = (bao.address(), text(&bao.ca()));
    let connect = |words: &[&str]| {
        let way = ["connect", "hashicorp", "root", "--address", &address, "--ca", &ca];
        home.feed(&[&way[..], words].concat(), OpenBao::ROOT)
    };
    connect(&["--keep", "session"]).ends(2).says("a session that does not end is not kept");
    // no bus, no keychain: nothing weaker takes its place
    let run = connect(&[]).ends(104);
    assert!(run.hints()[0].starts_with("--keep vault"), "{run}");
    assert_eq!(home.run(&["connections", "--json"]).ok().json()["connections"], json!([]));
    connect(&["--keep", "vault"]).ok();
    // another one goes where that was
    home.feed(&["reauth", "root", "--credential-file", "-"], OpenBao::ROOT).ok();
    home.run(&["link", "key", "root:secret/app#key"]).ok();
    assert_eq!(home.run(&["get", "key"]).ok().text().trim(), VALUE);
}

#[test]
fn what_one_logs_in_with_is_in_the_keychain_until_the_connection_ends() {
    let Some(bao) = server("1h") else { return };
    let Some(user) = User::with(KeyringState::Unlocked) else { return };
    let mut user = user;
    let key = user.home.path("key");
    user.home.run(&["init", "--no-recovery", "--key-file", &text(&key)]).ok();
    user.home.set("SUBROSA_KEY_FILE", key);
    let entries = user.entries();
    connect(&user.home, &bao, &[]).ok();
    assert_eq!(user.entries(), entries + 1);
    user.home.run(&["link", "key", "prod:secret/app#key"]).ok();
    std::fs::remove_file(user.home.vault().join("sessions")).expect("there are sessions");
    assert_eq!(user.home.run(&["get", "key", "--refresh"]).ok().text().trim(), VALUE);
    // another password: one entry takes the place of the other
    bao.post("auth/userpass/users/ada/password", r#"{"password":"another"}"#);
    user.home.run(&["reauth", "prod"]).ends(100).says("was refused");
    user.home.feed(&["reauth", "prod", "--credential-file", "-"], "another").ok();
    assert_eq!(user.entries(), entries + 1);
    assert!(user.home.files_with(&[PASSWORD.as_bytes(), b"another"]).is_empty());
    user.home.run(&["disconnect", "prod"]).ok();
    assert_eq!(user.entries(), entries);
}

#[test]
fn users_of_a_database_go_when_the_connection_ends() {
    let Some(database) = Postgres::start() else { return };
    let Some(bao) = server("1h") else { return };
    bao.post("sys/mounts/database", r#"{"type":"database"}"#);
    let url = format!(
        "postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{}/postgres?sslmode=disable",
        database.port()
    );
    let config = json!({
        "plugin_name": "postgresql-database-plugin", "connection_url": url, "allowed_roles": "*",
        "username": "postgres", "password": Postgres::PASSWORD,
    });
    bao.post("database/config/pg", &config.to_string());
    let make = r#"CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';"#;
    let role = json!({ "db_name": "pg", "creation_statements": make, "default_ttl": "30m", "max_ttl": "1h" });
    bao.post("database/roles/app", &role.to_string());

    let home = Home::new();
    connect(&home, &bao, &["--keep", "vault"]).ok();
    home.run(&["link", "user", "prod:database/creds/app#username"]).ok();
    home.run(&["link", "password", "prod:database/creds/app#password"]).ok();
    let value = |name: &str, words: &[&str]| {
        home.run(&[&["get", name], words].concat()).ok().text().trim().to_owned()
    };
    let (user, password) = (value("user", &[]), value("password", &[]));
    assert!(database.lets_in(&user, &password), "two processes, one lease");
    assert_eq!(
        (value("user", &["--no-cache"]), value("password", &["--refresh"])),
        (user.clone(), password.clone())
    );
    home.run(&["disconnect", "prod"]).ok();
    let gone = (0..200).any(|_| {
        thread::sleep(Duration::from_millis(50));
        !database.lets_in(&user, &password)
    });
    assert!(gone, "the user is still there");
}

#[test]
fn one_connection_that_is_over_keeps_the_whole_request_back() {
    let Some(bao) = server(SHORT) else { return };
    let stage = Stage::new();
    let folder = stage.home.path("mounted");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("token"), "hunter2").expect("a file");
    stage.home.run(&["connect", "folder", "k8s", "--path", &text(&folder)]).ok();
    connect(&stage.home, &bao, &["--keep", "session"]).ok();
    let begun = Instant::now();
    stage.home.run(&["link", "key", "prod:secret/app#key", "--host", &stage.origin()]).ok();
    stage.home.run(&["link", "token", "k8s:token", "--host", &stage.origin()]).ok();
    stage.home.store("local", "of the vault", &["--host", &stage.origin()]);
    let all = ["-H", "X-Token: <<vault:token>>", "-H", "X-Local: <<vault:local>>"];
    send(&stage, &all).ok();
    outlive(begun);
    let run = send(&stage, &all).ends(100);
    assert!(run.err.contains("<<vault:key>> in header X-Key: prod: its session expired"), "{run}");
    assert!(run.err.contains("nothing was sent"), "{run}");
    assert_eq!(run.hints(), ["subrosa reauth prod"]);
    assert_eq!(stage.server.requests().len(), 1);
}

#[test]
fn hostile_h83_the_environment_opens_no_way_around_tls() {
    let Some(bao) = server("1h") else { return };
    let mut home = Home::new();
    for (name, value) in [
        ("VAULT_SKIP_VERIFY", "1"),
        ("BAO_SKIP_VERIFY", "1"),
        ("VAULT_TOKEN", OpenBao::ROOT),
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
        ("SSL_CERT_FILE", &text(&bao.ca())),
    ] {
        home.set(name, value);
    }
    let address = bao.address();
    let way = ["connect", "hashicorp", "prod", "--address", &address, "--keep", "vault"];
    let before = tokens(&bao);
    home.unset("SSL_CERT_FILE");
    let run = home.feed(&way, OpenBao::ROOT).ends(100).says("certificate of 127.0.0.1 is not trusted");
    assert_eq!(run.hints(), ["connect with --ca FILE, where an authority of your own signed it"]);
    let plain = address.replace("https:", "http:");
    let way = ["connect", "hashicorp", "prod", "--address", &plain, "--keep", "vault"];
    let run = home.feed(&way, OpenBao::ROOT).ends(2);
    assert_eq!(run.hints(), ["--insecure-http says that this is meant"]);
    assert_eq!(tokens(&bao), before);
}

#[test]
fn a_session_that_was_tampered_with_is_none() {
    let Some(bao) = server("1h") else { return };
    let home = Home::new();
    connect(&home, &bao, &["--keep", "session"]).ok();
    home.run(&["link", "key", "prod:secret/app#key"]).ok();
    let path = home.vault().join("sessions");
    let whole = std::fs::read(&path).expect("there are sessions");
    for at in [0, 40, 60, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).expect("written");
        home.run(&["get", "key", "--refresh"]).ends(100).says("it has to log in again");
    }
    std::fs::write(&path, whole).expect("written");
    home.run(&["get", "key", "--refresh"]).ok();
}
