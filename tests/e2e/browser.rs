//! A login in a real browser, at a real server that was set up by subrosa for it.

use std::net::TcpListener;

use serde_json::{Value, json};
use subrosa_testkit::{Chromium, OpenBao};

use crate::home::{Home, Run, text};
use crate::stage::VALUE;

const PASSWORD: &str = "opensesame-41f7";

/// What people do on the server's page; it sends them back when it knows them, and when it does not.
const BY_NAME: &str = r##"async (page) => {
  await page.locator("select").first().selectOption("userpass");
  await page.locator("input[name=username]").fill("ada");
  await page.locator("input[name=password]").fill("opensesame-41f7");
  await page.locator("#auth-submit").click();
  await page.waitForURL(/^http:\/\/127\.0\.0\.1:105/);
}"##;
const BY_TOKEN: &str = r##"async (page) => {
  await page.locator("select").first().selectOption("token");
  await page.locator("input[name=token]").fill("root");
  await page.locator("#auth-submit").click();
  await page.waitForURL(/^http:\/\/127\.0\.0\.1:105/);
}"##;

/// The words of every command that has to know the server.
fn place(bao: &OpenBao) -> Vec<String> {
    ["--address", &bao.address(), "--ca", &text(&bao.ca())].map(str::to_owned).to_vec()
}

fn words<'w>(words: &[&'w str], place: &'w [String]) -> Vec<&'w str> {
    words.iter().copied().chain(place.iter().map(String::as_str)).collect()
}

fn set_up(home: &Home, bao: &OpenBao, more: &[&str]) -> Run {
    let (place, way) =
        (place(bao), ["connect", "hashicorp", "prod", "--setup", "--mounts", "secret", "--people", "ada"]);
    home.feed(&words(&[&way[..], more].concat(), &place), OpenBao::ROOT)
}

fn tokens(bao: &OpenBao) -> usize {
    let list: Value =
        serde_json::from_str(&bao.api("LIST", "auth/token/accessors", None).ok()).expect("JSON");
    list["data"]["keys"].as_array().expect("keys").len()
}

/// One test, since there is one pair of ports.
#[test]
fn a_person_logs_in_in_a_browser_at_a_server_that_was_set_up_for_it() {
    let (Some(by_name), Some(by_token)) = (Chromium::doing(BY_NAME), Chromium::doing(BY_TOKEN)) else {
        return;
    };
    let Some(bao) = OpenBao::start() else { return };
    bao.admit("ada", PASSWORD);
    bao.post("secret/data/app", &json!({ "data": { "key": VALUE } }).to_string());
    let mut home = Home::new();

    let done = set_up(&home, &bao, &["--yes"]).ok();
    let (_, id) = done.text().split_once("--client-id ").expect("the command that connects");
    let id = id.split_whitespace().next().expect("an id").to_owned();
    // once more there is nothing to do, and nothing is done to what somebody changed
    set_up(&home, &bao, &["--yes"]).ok();
    bao.post(
        "auth/jwt/role/subrosa",
        &json!({ "role_type": "jwt", "user_claim": "email", "bound_audiences": id }).to_string(),
    );
    let refused = set_up(&home, &bao, &["--yes"]).ends(1);
    assert!(refused.err.contains("the role that the client gets: user_claim"), "{refused}");
    set_up(&home, &bao, &["--yes", "--overwrite"]).ok();

    let (place, before) = (place(&bao), tokens(&bao));
    home.set("BROWSER", by_name.program());
    let way = [
        "connect",
        "hashicorp",
        "prod",
        "--auth",
        "oidc",
        "--oidc-provider",
        "subrosa",
        "--client-id",
        &id,
        "--role",
        "subrosa",
    ];
    let connected = home.run(&words(&way, &place)).ok();
    assert!(by_name.seen().contains("subrosa has what it needs"), "{}", by_name.seen());
    assert!(connected.err.contains("/ui/vault/identity/oidc/provider/subrosa/authorize?"), "{connected}");
    home.run(&["link", "key", "prod:secret/app#key", "--host", "api.example.com"]).ok();
    assert_eq!(home.run(&["get", "key", "--no-cache"]).ok().out, VALUE.as_bytes());
    let report = home.run(&["connections", "--json"]).ok().json();
    let prod = &report["connections"][0];
    assert_eq!((&prod["state"], &prod["auth"]), (&json!("ready"), &json!("oidc")), "{prod}");
    assert!(prod["who"].as_str().is_some_and(|who| who.contains("policies: default, subrosa")), "{prod}");
    // only what the policy names: the session reads secrets and nothing else
    let beyond = ["link", "other", "prod:sys/policies/acl/subrosa#policy", "--host", "api.example.com"];
    home.run(&beyond).ends(100).says("permission denied");

    // nobody is asked at a lookup: without the session it is over, and the hint says what to do
    std::fs::remove_file(home.vault().join("sessions")).expect("there are sessions");
    let over = home.run(&["get", "key", "--no-cache"]).ends(100);
    assert_eq!(over.hints(), ["subrosa reauth prod"], "{over}");

    // a login there by a token is nobody's
    home.set("BROWSER", by_token.program());
    let nobody = home.run(&["reauth", "prod"]).ends(100);
    assert!(nobody.err.contains("by a token is nobody there"), "{nobody}");

    // another program has the first port: a page that was opened before, perhaps
    let taken = TcpListener::bind("127.0.0.1:10545").expect("nobody has it");
    home.set("BROWSER", by_name.program());
    home.run(&["reauth", "prod"]).ok();
    drop(taken);
    assert_eq!(home.run(&["get", "key", "--no-cache"]).ok().out, VALUE.as_bytes());
    assert_eq!(tokens(&bao), before + 4, "two logins there and two here");
    home.run(&["disconnect", "prod"]).ok();
    assert_eq!(tokens(&bao), before + 3, "all but the session that was lost");
    assert!(home.files_with(&[VALUE.as_bytes(), PASSWORD.as_bytes()]).is_empty());
}

#[test]
fn each_step_of_a_set_up_is_asked_for() {
    let Some(bao) = OpenBao::start() else { return };
    bao.admit("ada", PASSWORD);
    let home = Home::new();
    let off = set_up(&home, &bao, &[]).ends(2);
    assert!(off.hints().concat().contains("--dry-run"), "{off}");
    let token = text(&home.write("token", OpenBao::ROOT));
    let place = place(&bao);
    let way = [
        "connect",
        "hashicorp",
        "--setup",
        "--mounts",
        "secret",
        "--people",
        "ada",
        "--credential-file",
        &token,
    ];
    let mut terminal = home.terminal(&words(&way, &place));
    let shown = terminal.expect("[y]es, [n]o, [q]uit:");
    assert!(shown.contains("bao policy write subrosa"), "{shown}");
    terminal.type_line("y");
    terminal.expect("[y]es, [n]o, [q]uit:");
    terminal.type_line("n");
    terminal.expect("[y]es, [n]o, [q]uit:");
    terminal.type_line("q");
    let finished = terminal.finish();
    assert!(
        !finished.status.success() && finished.shown.contains("what was done stays done"),
        "{}",
        finished.shown
    );
    let status = |path| bao.api("GET", path, None).status;
    assert_eq!((status("sys/policies/acl/subrosa"), status("identity/oidc/key/subrosa")), (200, 404));
}

#[test]
fn a_set_up_is_printed_and_takes_its_settings_from_the_environment() {
    let mut home = Home::bare();
    let variables = [
        ("ADDRESS", "https://vault.example.com"),
        ("MOUNTS", "secret"),
        ("EVERYBODY", "1"),
        ("NAMESPACE", "team"),
    ];
    for (name, value) in variables {
        home.set(&format!("SUBROSA_SETUP_{name}"), value);
    }
    let printed = home.run(&["connect", "hashicorp", "--setup", "--dry-run"]).ok();
    for part in [
        "bao policy write -namespace=team subrosa -",
        "assignments=allow_all",
        "subrosa connect hashicorp NAME --auth oidc",
    ] {
        assert!(printed.text().contains(part), "{part}: {printed}");
    }
    let policy = home.run(&["connect", "hashicorp", "--setup", "--policy"]).ok();
    assert!(policy.text().contains("path \"sys/auth/jwt\""), "{policy}");
    let flag = home
        .run(&["connect", "hashicorp", "--setup", "--dry-run", "--address", "https://other.example.com"])
        .ok();
    assert!(
        flag.text().contains("https://other.example.com/v1/team/identity/oidc/provider/subrosa"),
        "{flag}"
    );
    // of the environment, connecting takes nothing
    home.run(&["connect", "hashicorp", "prod"]).ends(2);
}
