//! Values that are written to an external vault: pushed, promoted, copied; and secrets that are chosen from what it offers.

use serde_json::{Value, json};
use subrosa_testkit::OpenBao;

use crate::home::{Home, Run, text};
use crate::stage::{Stage, VALUE};

const POLICY: &str = r#"path "secret/*" { capabilities = ["create", "read", "update", "list"] }"#;

/// A server that the vault is connected to as `prod`, by a token that may write.
fn server(home: &Home) -> Option<OpenBao> {
    let bao = OpenBao::start()?;
    bao.post("sys/policies/acl/app", &json!({ "policy": POLICY }).to_string());
    bao.post("secret/data/app", &json!({ "data": { "key": "there-before", "port": 5432 } }).to_string());
    let token = bao.post("auth/token/create", r#"{"policies":["app"],"ttl":"1h"}"#);
    let token: Value = serde_json::from_str(&token).expect("JSON");
    let token = token["auth"]["client_token"].as_str().expect("a token");
    let (address, ca) = (bao.address(), text(&bao.ca()));
    let words = ["connect", "hashicorp", "prod", "--address", &address, "--ca", &ca, "--keep", "session"];
    home.feed(&words, token).ok();
    Some(bao)
}

/// What stands there, whatever the cache holds.
fn there(bao: &OpenBao, path: &str) -> Value {
    let answer = bao.api("GET", &format!("secret/data/{path}"), None).ok();
    serde_json::from_str::<Value>(&answer).expect("JSON")["data"]["data"].take()
}

fn get(home: &Home, name: &str) -> String {
    home.run(&["get", name]).ok().text().to_owned()
}

#[test]
fn a_new_value_is_pushed_to_where_the_secret_is() {
    let home = Home::new();
    let Some(bao) = server(&home) else { return };
    home.run(&["link", "key", "prod:secret/app#key"]).ok();
    assert_eq!(get(&home, "key"), "there-before");
    home.feed(&["push", "key"], format!("{VALUE}\n")).ok();
    assert_eq!(there(&bao, "app"), json!({ "key": VALUE, "port": 5432 }));
    assert_eq!(get(&home, "key"), VALUE, "what was cached before is not used");
    let log = home.run(&["audit", "show", "--json"]).ok().text().to_owned();
    assert!(log.contains("prod:secret/app#key"), "{log}");
    assert!(home.files_with(&[VALUE.as_bytes()]).is_empty());

    home.feed(&["push", "key"], "").ends(2).says("value of key is empty");
    home.store("local", VALUE, &[]);
    let run = home.feed(&["push", "local"], "x").ends(1);
    assert_eq!(run.hints(), ["subrosa set local", "to move it out: subrosa promote local --to CONNECTION"]);
    home.feed(&["set", "key", "-"], "x").ends(1).says("subrosa push key");
    home.run(&["disconnect", "prod"]).ok();
    home.feed(&["push", "key"], "x").ends(100).says("prod was disconnected");
    assert_eq!(there(&bao, "app")["key"], VALUE);
}

#[test]
fn a_secret_is_moved_out_and_goes_where_it_went_before() {
    let stage = Stage::new();
    let home = &stage.home;
    let Some(bao) = server(home) else { return };
    home.store("key", VALUE, &["--host", &stage.origin(), "--tag", "payments"]);
    let promote = |words: &[&str]| home.run(&[&["promote", "key", "--to", "prod"], words].concat());
    promote(&[]).ends(2).says("does not say which key");
    let run = promote(&["secret/app#key"]).ends(1);
    assert!(run.err.contains("there is a value under \"key\" already"), "{run}");
    assert_eq!(run.hints(), ["--force replaces it"]);
    assert_eq!(there(&bao, "app")["key"], "there-before");
    assert_eq!(home.run(&["list", "--state", "linked"]).ok().text(), "");

    promote(&["secret/moved#key"]).ok();
    assert_eq!(there(&bao, "moved"), json!({ "key": VALUE }));
    stage.send_here(&["-s", "-S", "-H", "X-Key: <<vault:key>>"], "/").ok();
    assert_eq!(stage.server.requests()[0].header("x-key"), [VALUE.as_bytes()]);
    let secret = home.run(&["list", "--json"]).ok().json()["secrets"][0].take();
    assert_eq!((&secret["state"], &secret["tags"]), (&json!("linked"), &json!(["payments"])));
    promote(&["secret/again#key"]).ends(1).says("key is linked already, to prod:secret/moved#key");
    // as its hint says
    home.run(&["purge", "key", "--yes"]).ok();
    home.run(&["verify"]).ok();
}

#[test]
fn what_may_not_be_shown_or_exported_is_not_moved_out() {
    let home = Home::new();
    let Some(bao) = server(&home) else { return };
    home.store("key", VALUE, &["--send-only"]);
    home.store("other", VALUE, &[]);
    let tried = |name: &str| -> [Run; 2] {
        let target = format!("prod:secret/out#{name}");
        let promote = ["promote", name, "--to", "prod", target.trim_start_matches("prod:")];
        [home.run(&promote), home.run(&["copy", name, &target])]
    };
    for run in tried("key") {
        run.ends(1).says("key is send-only: another vault would show it").says("subrosa send-only --off key");
    }
    home.run(&["disable", "other"]).ok();
    for run in tried("other") {
        run.ends(1).says("other is disabled");
    }
    home.run(&["enable", "other"]).ok();
    home.run(&["policy", "export", "none"]).ok();
    for run in tried("other") {
        run.ends(1).says("allows no export");
    }
    assert_eq!(bao.api("GET", "secret/data/out", None).status, 404);
}

#[test]
fn a_value_is_copied_in_out_and_across() {
    let home = Home::new();
    let Some(bao) = server(&home) else { return };
    home.store("key", VALUE, &["--host", "api.example.com", "--tag", "payments", "--description", "of ours"]);
    home.run(&["copy", "key", "prod:secret/copies#key"]).ok();
    assert_eq!(there(&bao, "copies"), json!({ "key": VALUE }));
    assert_eq!(get(&home, "key"), VALUE, "it is where it was");

    home.run(&["copy", "key", "twin"]).ok();
    let secrets = home.run(&["list", "--json"]).ok().json()["secrets"].take();
    for field in ["rules", "tags", "description", "access"] {
        assert_eq!(secrets[0][field], secrets[1][field], "{field}");
    }
    home.run(&["copy", "prod:secret/app#key", "taken"]).ok();
    assert_eq!(get(&home, "taken"), "there-before");
    assert_eq!(home.run(&["allow", "taken", "--json"]).json()["access"], "undecided");
    home.run(&["copy", "prod:secret/app#key", "prod:secret/across#key"]).ok();
    assert_eq!(there(&bao, "across"), json!({ "key": "there-before" }));

    // nothing is replaced unasked, and the value before it is not lost
    for destination in ["twin", "prod:secret/across#key"] {
        home.run(&["copy", "key", destination]).ends(1).says("--force replaces");
    }
    home.run(&["copy", "prod:secret/app#key", "twin", "--force"]).ok();
    assert_eq!(get(&home, "twin"), "there-before");
    let before = home.run(&["history", "twin", "--json"]).ok().json()["versions"][1]["version"].to_string();
    assert_eq!(home.run(&["get", "twin", "--version", &before]).ok().text(), VALUE);
    home.run(&["copy", "key", "prod:secret/across#key", "--force"]).ok();
    assert_eq!(there(&bao, "across"), json!({ "key": VALUE }));

    home.run(&["link", "linked", "prod:secret/app#key"]).ok();
    home.run(&["copy", "key", "linked", "--force"]).ends(1).says("subrosa push linked");
    home.run(&["copy", "linked", "a-copy"]).ok();
    assert_eq!(get(&home, "a-copy"), "there-before");
    home.run(&["copy", "prod:secret/none#key", "x"]).ends(100).says("prod has nothing named secret/none#key");
    // a connection that was misspelt is no name of a secret
    for words in [["key", "prdo:x"], ["prdo:x", "y"]] {
        home.run(&["copy", words[0], words[1]])
            .ends(1)
            .says("there is no connection named prdo, and no secret");
    }
    // a name with a colon that could be either
    home.store("prod:x", VALUE, &[]);
    home.run(&["copy", "prod:x", "y"]).ends(2).says("--from prod says that it is a target");
    home.run(&["verify"]).ok();
}

#[test]
fn what_is_chosen_from_a_list_is_linked() {
    let stage = Stage::new();
    let home = &stage.home;
    let Some(bao) = server(home) else { return };
    bao.post("secret/data/pay/stripe", &json!({ "data": { "api-key": VALUE, "hook": "h" } }).to_string());
    let listed = home.run(&["link", "--browse", "prod"]).ok().text().to_owned();
    let lines = [
        "app-key = prod:secret/app#key\n",
        "app-port = prod:secret/app#port\n",
        "stripe-api-key = prod:secret/pay/stripe#api-key\n",
        "stripe-hook = prod:secret/pay/stripe#hook\n",
    ];
    assert_eq!(listed, lines.concat());
    // in a pipe it is what --bulk takes
    let found = home.run(&["link", "--browse", "prod", "--search", "STRIPE#HOOK"]).ok();
    assert_eq!(found.text(), lines[3]);
    home.feed(&["link", "--bulk", "-"], &found.out).ok();
    assert_eq!(get(home, "stripe-hook"), "h");
    home.run(&["link", "--browse", "prod", "--search", "nothing"]).ends(1).says("offers nothing with");

    let mut terminal = home.terminal(&["link", "--browse", "prod", "--host", &stage.origin()]);
    terminal.expect("What of prod is to be linked?");
    terminal.expect("(is stripe-hook)");
    terminal.press(b"api");
    terminal.expect("api");
    terminal.press(b" \r");
    terminal.expect("name for secret/pay/stripe#api-key [stripe-api-key]:");
    terminal.type_line("stripe-hook");
    terminal.expect("there is a secret named stripe-hook already");
    terminal.type_line("");
    let finished = terminal.finish();
    assert!(finished.status.success(), "{}", finished.shown);
    assert!(!finished.shown.contains(VALUE));
    stage.send_here(&["-s", "-S", "-H", "X-Key: <<vault:stripe-api-key>>"], "/").ok();
    assert_eq!(stage.server.requests()[0].header("x-key"), [VALUE.as_bytes()]);

    let mut terminal = home.terminal(&["link", "--browse", "prod"]);
    terminal.expect("What of prod is to be linked?");
    terminal.press(b"\x03");
    assert!(!terminal.finish().status.success());
    assert_eq!(home.run(&["list", "--state", "linked"]).ok().text().lines().count(), 2);
}
