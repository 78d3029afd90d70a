//! `send --capture`: a value of the answer in the vault, and nowhere else.

use subrosa_testkit::Answer;

use crate::home::contains;
use crate::stage::Stage;

const TOKEN: &str = "made-up-session-8d1f6b2c";
const SECOND: &str = "made-up-session-0a9e7755";

/// A server that lets in whoever asks, each time with another token.
fn login() -> Stage {
    Stage::answering(|place, request| {
        let token = if place == 0 { TOKEN } else { SECOND };
        match request.target.as_str() {
            "/denied" => Answer::status(401).with_body(format!("{{\"token\":\"{TOKEN}\"}}")),
            "/echo" => Answer::ok(format!("you are {TOKEN}")),
            _ => Answer::ok(format!("{{\"token\":\"{token}\",\"all\":[1,2]}}")),
        }
    })
}

#[test]
fn a_captured_value_is_stored_for_the_origin_it_came_from() {
    let stage = login();
    let origin = stage.origin();
    let url = format!("{origin}/login");
    let run = stage.home.run(&["send", "--capture", "session=$.token", "-o", "answer", &url]).ok();
    assert!(!run.shows(TOKEN), "{run}");
    assert_eq!(stage.home.run(&["get", "session"]).ok().text().trim_end(), TOKEN);
    let rules = stage.home.run(&["allow", "session", "--json"]).ok();
    assert!(rules.text().contains(&origin), "{rules}");
    let answer = std::fs::read(stage.home.work().join("answer")).expect("the answer");
    assert!(contains(&answer, TOKEN.as_bytes()), "a file is exact");
    stage.home.run(&["send", "-H", "X-Session: <<vault:session>>", &url]).ok();
    let requests = stage.server.requests();
    assert_eq!(requests.last().expect("a request").header("x-session"), [TOKEN.as_bytes()]);
    stage
        .home
        .run(&["send", "-H", "X-Session: <<vault:session>>", "http://localhost:1/"])
        .ends(100)
        .says("not among its allowed hosts");
}

#[test]
fn rules_of_a_secret_that_is_there_stay_and_its_history_is_kept() {
    let stage = login();
    let url = format!("{}/login", stage.origin());
    stage.home.store("session", "earlier value 4711", &["--host", "api.example.com"]);
    stage.home.run(&["send", "--capture", "session=$.token", &url]).ok();
    assert_eq!(stage.home.run(&["get", "session"]).ok().text().trim_end(), TOKEN);
    let rules = stage.home.run(&["allow", "session", "--json"]).ok();
    assert!(!rules.text().contains(&stage.origin()), "{rules}");
    stage.home.run(&["undo", "session"]).ok();
    assert_eq!(stage.home.run(&["get", "session"]).ok().text().trim_end(), "earlier value 4711");
}

#[test]
fn nothing_is_captured_of_an_answer_that_has_no_such_value() {
    let stage = login();
    let origin = stage.origin();
    for (path, flag, why) in [
        ("/denied", "session=$.token", "status 401"),
        ("/login", "session=$.nothing", "leads to nothing"),
        ("/login", "session=$.all[*]", "2 values"),
        ("/echo", "session=$.token", "not JSON"),
    ] {
        let run = stage.home.run(&["send", "--capture", flag, "-o", "answer", &format!("{origin}{path}")]);
        let run = run.ends(1).says(why);
        assert!(!run.shows(TOKEN), "{run}");
    }
    stage.home.run(&["get", "session"]).ends(1);
    stage.home.run(&["send", "--capture", "session=$.[", &origin]).ends(2).says("no JSONPath");
}

#[test]
fn a_captured_value_is_masked_from_then_on() {
    let stage = login();
    let origin = stage.origin();
    let words = ["send", "--mask", "--capture", "session=$.token"];
    let run = stage
        .home
        .run(&[&words[..], &[&format!("{origin}/login"), "--next", &format!("{origin}/echo")]].concat());
    let run = run.ok();
    assert!(!run.shows(TOKEN), "{run}");
    assert!(run.text().contains("{\"token\":\"<<vault:session>>\""), "{run}");
    assert!(run.text().contains("you are <<vault:session>>"), "{run}");
}

#[test]
fn a_vault_that_does_not_open_is_told_before_anything_is_sent() {
    let mut stage = login();
    stage.home.unset("SUBROSA_KEY_FILE");
    let url = format!("{}/login", stage.origin());
    let run = stage.home.run(&["send", "--no-keychain", "--capture", "session=$.token", &url]);
    assert!(run.code > 100, "{run}");
    run.says("nothing was sent");
    assert_eq!(stage.server.connections(), 0);
}
