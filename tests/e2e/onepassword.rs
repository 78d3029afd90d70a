//! Secrets of 1Password: by a Connect server and by `op`, connected, linked, sent, and what is told when they cannot be had.

use std::os::unix::fs::symlink;

use serde_json::json;
use subrosa_testkit::{Answer, ConnectServer, FakeOp, Vaults};

use crate::home::{Home, Run, text};
use crate::stage::{Stage, VALUE};

const TARGET: &str = "op://Automation/Stripe/credential";

/// Connects `work` to a server; the token comes from standard input.
fn connect_server(home: &Home, server: &ConnectServer, words: &[&str]) -> Run {
    let (address, ca) = (server.address(), text(&server.ca()));
    let way =
        ["connect", "onepassword", "work", "--auth", "connect-server", "--address", &address, "--ca", &ca];
    home.feed(&[&way[..], words].concat(), format!("{}\n", ConnectServer::TOKEN))
}

/// Connects `ci` by a program.
fn connect_program(home: &Home, op: &FakeOp, words: &[&str]) -> Run {
    let path = text(&op.path());
    home.feed(&[&["connect", "onepassword", "ci", "--op", &path], words].concat(), FakeOp::TOKEN)
}

fn link(stage: &Stage, name: &str, target: &str) -> Run {
    stage.home.run(&["link", name, target, "--host", &stage.origin()])
}

fn send(stage: &Stage, name: &str, words: &[&str]) -> Run {
    let header = format!("X-Key: <<vault:{name}>>");
    stage.send_here(&[&["-s", "-S", "-H", &header], words].concat(), "/")
}

fn credentials() -> [&'static [u8]; 3] {
    [VALUE.as_bytes(), ConnectServer::TOKEN.as_bytes(), FakeOp::TOKEN.as_bytes()]
}

#[test]
fn a_secret_of_a_connect_server_is_sent() {
    let server = ConnectServer::start(Vaults::with(VALUE));
    let stage = Stage::new();
    connect_server(&stage.home, &server, &["--keep", "vault"]).ok();
    link(&stage, "key", &format!("work:{TARGET}")).ok();
    link(&stage, "port", "work:op://automation/stripe/admin/port").ok();
    let _ = server.server().take_requests();
    let two = ["-H", "X-Port: <<vault:port>>", "--refresh"];
    send(&stage, "key", &two).ok();
    assert_eq!(server.server().take_requests().len(), 3, "vaults, items, the item");
    send(&stage, "key", &[]).ok();
    assert!(server.server().requests().is_empty(), "it is cached");
    let sent = stage.server.requests();
    assert!(sent.iter().all(|request| request.header("x-key") == [VALUE.as_bytes()]));
    assert_eq!(sent[0].header("x-port"), [b"6543"]);

    let report = stage.home.run(&["connections", "--json"]).ok().json();
    let work = &report["connections"][0];
    assert_eq!((&work["state"], &work["auth"]), (&json!("ready"), &json!("connect-server")));
    assert_eq!(work["who"], "a Connect token for Automation, Shared, Twin, Twin");
    assert_eq!(work["expires"], "2100-01-01T00:00:00Z");
    // spellings of one secret are one link
    let shown = stage.home.run(&["link", "key"]).ok();
    assert!(shown.shows("work:op://automation/stripe/credential"), "{shown}");
    assert!(stage.home.files_with(&credentials()).is_empty());

    stage.home.run(&["reauth", "work"]).ok();
    stage.home.run(&["disconnect", "work"]).ok();
    send(&stage, "key", &[]).ends(100).says("work was disconnected");
    stage.home.run(&["verify"]).ok();
}

#[test]
fn nothing_is_sent_while_a_server_does_not_answer() {
    let server = ConnectServer::start(Vaults::with(VALUE));
    let stage = Stage::new();
    connect_server(&stage.home, &server, &["--keep", "vault"]).ok();
    link(&stage, "key", &format!("work:{TARGET}")).ok();
    for (status, says, hint) in [
        (401, "does not accept the token", "subrosa reauth work"),
        (403, "not granted the vault", "subrosa connections work"),
        (429, "too many requests", "subrosa connections work"),
        (503, "status 503", "subrosa connections work"),
    ] {
        server.answer(Some(Answer::status(status).with_body(format!(r#"{{"message":"{VALUE}"}}"#))));
        let run = send(&stage, "key", &["--refresh"]).ends(100);
        assert!(run.err.contains("work: ") && run.err.contains(says), "{status}: {run}");
        assert_eq!(run.hints(), [hint], "{status}");
        assert!(!run.err.contains(VALUE), "{run}");
    }
    let report = stage.home.run(&["connections", "--json"]).json();
    assert_eq!(report["connections"][0]["state"], "unavailable");
    server.answer(None);
    let run = link(&stage, "gone", "work:op://automation/stripe/gone").ends(100);
    assert!(run.err.contains("work has nothing named op://automation/stripe/gone"), "{run}");
    let run = link(&stage, "twin", "work:op://automation/twin/password").ends(2);
    assert!(run.err.contains("more than one item has that name"), "{run}");
    let run = link(&stage, "bad", "work:op://automation/stripe").ends(2);
    assert_eq!(run.hints(), ["write op://VAULT/ITEM/FIELD or op://VAULT/ITEM/SECTION/FIELD"]);
    assert!(stage.server.requests().is_empty());
}

#[test]
fn a_one_time_password_is_looked_up_each_time() {
    let server = ConnectServer::start(Vaults::with(VALUE));
    let stage = Stage::new();
    connect_server(&stage.home, &server, &["--keep", "vault"]).ok();
    link(&stage, "code", "work:op://automation/account/one-time password?attribute=otp").ok();
    for _ in 0..2 {
        let _ = server.server().take_requests();
        send(&stage, "code", &[]).ok();
        assert_eq!(server.server().requests().len(), 3);
    }
    assert_eq!(stage.server.requests()[1].header("x-key"), [Vaults::CODE.as_bytes()]);
}

#[test]
fn a_token_that_ends_can_be_kept_until_then() {
    let server = ConnectServer::start(Vaults::with(VALUE));
    let home = Home::new();
    connect_server(&home, &server, &["--keep", "session"]).ok();
    home.run(&["link", "key", &format!("work:{TARGET}")]).ok();
    assert_eq!(home.run(&["get", "key"]).ok().text().trim(), VALUE);
    assert!(home.files_with(&credentials()).is_empty());
    let Some(op) = FakeOp::install(&Vaults::with(VALUE)) else { return };
    connect_program(&home, &op, &["--keep", "session"])
        .ends(2)
        .says("a session that does not end is not kept");
}

#[test]
fn a_secret_is_read_by_op() {
    let Some(op) = FakeOp::install(&Vaults::with(VALUE)) else { return };
    let stage = Stage::new();
    connect_program(&stage.home, &op, &["--keep", "vault"]).ok();
    link(&stage, "key", &format!("ci:{TARGET}")).ok();
    link(&stage, "port", "ci:op://automation/stripe/admin/port").ok();
    let before = op.calls().len();
    send(&stage, "key", &["-H", "X-Port: <<vault:port>>", "--refresh"]).ok();
    assert_eq!(op.calls().len(), before + 1, "one process for both");
    assert_eq!(stage.request().header("x-key"), [VALUE.as_bytes()]);
    assert!(!op.calls().iter().any(|call| call["argv"].to_string().contains(FakeOp::TOKEN)));
    assert!(stage.home.files_with(&credentials()).is_empty());

    op.accept("ops_another");
    let run = send(&stage, "key", &["--refresh"]).ends(100);
    assert!(run.err.contains("does not accept the service account token"), "{run}");
    assert_eq!(run.hints(), ["subrosa reauth ci"]);
    let file = stage.home.write("token", "ops_another");
    stage.home.run(&["reauth", "ci", "--credential-file", &text(&file)]).ok();
    send(&stage, "key", &["--refresh"]).ok();
    op.behave("offline");
    let run = send(&stage, "key", &["--refresh"]).ends(100);
    assert!(run.err.contains("1Password cannot be reached"), "{run}");
    op.behave("");
    let service = stage.home.run(&["connections", "--json"]).ok().json();
    let ci = &service["connections"][0];
    assert_eq!(ci["auth"], "service-account");
    assert_eq!(ci["who"], "a service account for Automation, Shared, Twin, Twin");
    stage.home.run(&["disconnect", "ci"]).ok();
}

#[test]
fn values_move_out_and_secrets_are_chosen_from_what_is_there() {
    let vaults = Vaults::with("there-before");
    let server = ConnectServer::start(vaults.clone());
    let home = Home::new();
    connect_server(&home, &server, &["--keep", "vault"]).ok();
    let mut connections = vec!["work"];
    let op = FakeOp::install(&vaults);
    if let Some(op) = &op {
        connect_program(&home, op, &["--keep", "vault"]).ok();
        connections.push("ci");
    }
    for name in connections {
        let (linked, moved) = (format!("linked-{name}"), format!("moved-{name}"));
        home.run(&["link", &linked, &format!("{name}:{TARGET}")]).ok();
        home.feed(&["push", &linked], VALUE).ok();
        assert_eq!(home.run(&["get", &linked, "--refresh"]).ok().text().trim(), VALUE);
        home.store(&moved, VALUE, &[]);
        let promote = |target: &str| home.run(&["promote", &moved, "--to", name, target]);
        promote(TARGET).ends(1).says("there is a value");
        promote("op://automation/brand new/password").ok();
        assert_eq!(home.run(&["get", &moved, "--refresh"]).ok().text().trim(), VALUE);
        let offered = home.run(&["link", "--browse", name, "--search", "stripe/admin"]).ok();
        assert!(offered.text().contains("op://automation/stripe/admin/port"), "{offered}");
    }
    let calls = op.iter().flat_map(FakeOp::calls);
    assert!(
        calls.into_iter().all(|call| !call["argv"].to_string().contains(VALUE)),
        "no value on a command line"
    );
}

#[test]
fn hostile_h81_an_op_in_the_current_folder_is_not_run() {
    let Some(op) = FakeOp::install(&Vaults::with(VALUE)) else { return };
    let mut home = Home::new();
    symlink(op.path(), home.work().join("op")).expect("a link");
    let connect =
        |home: &Home| home.feed(&["connect", "onepassword", "ci", "--keep", "vault"], FakeOp::TOKEN);
    for path in ["", ".", ":", "./", "../work"] {
        home.set("PATH", path);
        let run = connect(&home).ends(2);
        assert!(run.err.contains("op, is not on the PATH"), "{path:?}: {run}");
    }
    assert!(op.calls().is_empty());
    // by an absolute path it is found once, and stays what it was
    home.set("PATH", op.path().parent().expect("a folder"));
    connect(&home).ok();
    home.set("PATH", "/nowhere");
    home.run(&["link", "key", &format!("ci:{TARGET}")]).ok();
    assert_eq!(home.run(&["get", "key"]).ok().text().trim(), VALUE);
}
