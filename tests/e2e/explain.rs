//! `send --explain`: what would be sent, and nothing that is.

use crate::home::text;
use crate::stage::{Stage, VALUE};

#[test]
fn explain_sends_nothing_and_opens_no_value() {
    let stage = Stage::new();
    let origin = stage.origin();
    stage.home.store("api-key", VALUE, &["--host", &origin, "--only", "header"]);
    let url = format!("{origin}/v1/items?page=2");
    let words =
        ["send", "--explain", "-H", "Authorization: Bearer <<vault:api-key>>", "-d", "a=b", "-L", &url];
    let run = stage.home.run(&words).ends(0);
    for shown in [
        format!("POST {origin}/v1/items?page=2"),
        "Authorization: Bearer <<vault:api-key>>".to_owned(),
        "body        3 bytes".to_owned(),
        format!("<<vault:api-key>> in header Authorization: ready by {origin}"),
        "at most 50 followed".to_owned(),
        "1 request would be sent; nothing was sent".to_owned(),
    ] {
        assert!(run.text().contains(&shown), "{shown:?} is missing: {run}");
    }
    assert!(!run.shows(VALUE), "{run}");
    assert_eq!(stage.server.connections(), 0);
    let audit = stage.home.run(&["audit", "show"]).ok();
    assert!(!audit.text().contains(&origin), "{audit}");
}

#[test]
fn explain_says_what_keeps_a_request_from_being_sent() {
    let stage = Stage::new();
    let origin = stage.origin();
    stage.home.store("elsewhere", VALUE, &["--host", "api.example.com"]);
    stage.home.store("undecided", VALUE, &[]);
    let words =
        ["send", "--explain-json", "-H", "X-A: <<vault:elsewhere>>", "-H", "X-B: <<vault:undecided>>"];
    let url = format!("{origin}/<<vault:no-such-secret>>");
    let run = stage.home.run(&[&words[..], &[&url]].concat()).ends(100);
    let report = run.json();
    assert_eq!(report["schema"], "explain/1");
    assert_eq!(report["sendable"], false);
    let references = report["requests"][0]["references"].as_array().expect("references");
    let states: Vec<&str> = references.iter().map(|one| one["state"].as_str().expect("a state")).collect();
    assert_eq!(states, ["missing", "host_not_allowed", "undecided"]);
    assert_eq!(references[1]["rules"][0], "api.example.com");
    assert_eq!(references[1]["matching"].as_array().map(Vec::len), Some(0));
    assert!(references[1]["hint"].as_str().expect("a hint").starts_with("subrosa allow elsewhere"));
    assert_eq!(stage.server.connections(), 0);
}

#[test]
fn explain_shows_no_credential_that_stands_in_clear() {
    let stage = Stage::new();
    let url = format!("{}/?api_key={VALUE}&q=1", stage.origin());
    let header = format!("X-Api-Token: {VALUE}");
    let user = format!("me:{VALUE}");
    let run = stage.home.run(&["send", "--explain", "-u", &user, "-H", &header, "-b", VALUE, &url]);
    assert!(!run.shows(VALUE), "{run}");
}

#[test]
fn explain_tells_trust_and_route() {
    let stage = Stage::tls(&["api.example.com"]);
    stage.home.store("api-key", VALUE, &["--host", "api.example.com"]);
    let resolve = format!("api.example.com:443:{}", stage.server.addr().ip());
    let ca = text(&stage.server.ca_path());
    let words =
        ["send", "--explain-json", "--resolve", &resolve, "--cacert", &ca, "-H", "K: <<vault:api-key>>"];
    let report = stage.home.run(&[&words[..], &["https://api.example.com/"]].concat()).ends(0).json();
    let request = &report["requests"][0];
    assert_eq!(request["trusts"], "--cacert");
    assert_eq!(request["resolved"], true);
    assert_eq!(request["deviations"][0]["kind"], "custom-ca");
    assert_eq!(request["deviations"][0]["allowed"], true, "it ends on loopback");
    let away = ["send", "--explain-json", "-k", "-H", "K: <<vault:api-key>>", "https://api.example.com/"];
    let report = stage.home.run(&away).ends(100).json();
    let request = &report["requests"][0];
    assert_eq!(request["trusts"], "anybody");
    assert_eq!(request["deviations"][0]["allowed"], false);
    assert_eq!(request["references"][0]["state"], "destination_not_trusted");
}
