//! `send --vault-literal`: a literal of the command line becomes a secret, and the same request goes through it.

use subrosa_testkit::Answer;

use crate::home::Run;
use crate::stage::{Stage, VALUE};

const HEADER: &str = "made-up-token-77aa21c0";

/// The command that was shown.
#[track_caller]
fn command(run: &Run) -> String {
    let (_, after) = run.err.split_once("\nhint: subrosa send ").expect("a command");
    let (command, _) = after.split_once("\nwarning: ").expect("its end");
    format!("subrosa send {command}")
}

#[test]
fn a_literal_is_stored_for_just_where_it_went_and_the_shown_command_sends_the_same() {
    let basic = format!("me:{VALUE}");
    let cookie = format!("a=1; session={VALUE}; b=2");
    let bearer = format!("Authorization: Bearer {VALUE}");
    let custom = format!("X-Api-Key: {VALUE}");
    let cases: [(&str, &[&str], &str, &str); 8] = [
        ("header:authorization", &["-H", &bearer], "/", "header"),
        ("header:Authorization", &["--oauth2-bearer", VALUE], "/", "header"),
        ("header:x-api-key", &["-s", "-H", &custom, "-d", "it's\na body"], "/", "header"),
        ("user:password", &["-u", &basic], "/", "header"),
        ("user", &["-u", &basic], "/", "header"),
        ("cookie:session", &["-b", &cookie], "/", "header"),
        ("query:key", &[], &format!("/?a=b&key={VALUE}"), "query"),
        ("query:key", &["--url-query", &format!("key={VALUE}")], "/", "query"),
    ];
    for (place, words, path, part) in cases {
        let stage = Stage::new();
        let url = stage.server.url(path);
        stage.send(&[words, &[&url]].concat()).ok();
        let flag = format!("api key={place}");
        let run = stage.send(&[words, &["--vault-literal", &flag, &url]].concat()).ok();
        assert!(!run.err.contains(VALUE), "{run}");
        let run = run.says("history of your shell");
        let rules = stage.home.run(&["allow", "api key"]).ok();
        assert_eq!(rules.text().trim_end(), format!("{};{part}", stage.origin()), "{place}");
        stage.home.shell(&command(&run), "").ok();
        let sent: Vec<_> = stage.server.requests().into_iter().map(|one| (one.raw_head, one.body)).collect();
        assert_eq!(sent.len(), 3, "{place}");
        assert!(sent[0] == sent[1] && sent[1] == sent[2], "{place}: {run}");
        let stored = stage.home.run(&["get", "api key"]).ok();
        assert_eq!(stored.text().trim_end(), if place == "user" { &basic } else { VALUE });
        let audit = stage.home.run(&["audit", "show"]).ok();
        assert_eq!(audit.text().matches("api key").count(), 3, "{audit}");
    }
}

#[test]
fn what_stands_encoded_in_a_query_is_stored_as_it_is_meant() {
    let stage = Stage::new();
    let url = stage.server.url("/?key=a%2Fb%20c-made-up");
    stage.send(&["--vault-literal", "k=query:key", &url]).ok();
    assert_eq!(stage.request().target, "/?key=a%2Fb%20c-made-up");
    assert_eq!(stage.home.run(&["get", "k"]).ok().text().trim_end(), "a/b c-made-up");
}

#[test]
fn several_literals_and_requests_make_one_secret_each() {
    let stage = Stage::new();
    let other = Stage::new();
    let header = format!("X-Key: {HEADER}");
    let (first, second) = (stage.server.url(&format!("/?key={VALUE}")), other.server.url("/"));
    let flags = ["--vault-literal", "one=header:X-Key", "--vault-literal", "two=query:key"];
    let run = stage.send(&[&flags[..], &["-H", &header, &first, &second]].concat()).ok();
    assert!(!run.err.contains(HEADER) && !run.err.contains(VALUE), "{run}");
    let rules = |name| stage.home.run(&["allow", name]).ok().text().trim_end().to_owned();
    let mut both = [format!("{};header", stage.origin()), format!("{};header", other.origin())];
    both.sort();
    let mut shown: Vec<String> = rules("one").lines().map(str::to_owned).collect();
    shown.sort();
    assert_eq!(shown, both);
    assert_eq!(rules("two"), format!("{};query", stage.origin()));
    // the same literal in two places is one secret
    let same = ["--vault-literal", "x=header:X-Key", "--vault-literal", "x=query:key"];
    let header = format!("X-Key: {VALUE}");
    stage.send(&[&same[..], &["-H", &header, &first]].concat()).ok();
    assert_eq!(rules("x"), format!("{};header,query", stage.origin()));
}

#[test]
fn the_profile_of_the_command_line_gets_it() {
    let stage = Stage::new();
    let header = format!("X-Key: {VALUE}");
    let words = ["--profile", "dev", "--vault-literal", "k=header:X-Key", "-H", &header];
    let run = stage.send_here(&words, "/").ok();
    assert_eq!(stage.home.run(&["get", "dev/k"]).ok().text().trim_end(), VALUE);
    stage.home.shell(&command(&run), "").ok();
    assert_eq!(stage.server.requests().len(), 2);
}

#[test]
fn nothing_is_stored_of_a_request_that_is_not_sent() {
    let stage = Stage::new();
    let header = format!("X-Key: {VALUE}");
    let twice = format!("x-key: {VALUE}-2");
    let reference = ["-H", "X-Key: <<vault:other>>"];
    let flag = ["--vault-literal", "k=header:X-Key"];
    let url = stage.server.url("/");
    let plus = stage.server.url("/?key=a+b");
    let again = stage.server.url(&format!("/{VALUE}"));
    let (place, missing) = (["--vault-literal", "k=header:Nope"], "X-Other: <<vault:missing>>");
    let cases: [(&[&str], i32, &str); 13] = [
        (&[&flag[..], &[&url]].concat(), 2, "no header X-Key is written"),
        (&[&place[..], &["-H", &header, &url]].concat(), 2, "no header Nope is written"),
        (&[&flag[..], &["-H", &header, "-H", &twice, &url]].concat(), 2, "more than once"),
        (&[&flag[..], &reference, &[&url]].concat(), 2, "a reference stands there already"),
        (&[&flag[..], &["-H", "X-Key;", &url]].concat(), 2, "no header X-Key is written"),
        (&[&flag[..], &["-b", "X-Key=", &url]].concat(), 2, "no header X-Key is written"),
        (&[&flag[..], &["--no-refs", "-H", &header, &url]].concat(), 2, "--no-refs"),
        (&["--vault-literal", "k=cookie:a", "-b", "a=; b=1", &url], 2, "nothing stands there"),
        (&["--vault-literal", "k=query:key", &plus], 2, "%2B"),
        (&[&flag[..], &["-H", &header, &again]].concat(), 2, "a second time"),
        (&[&flag[..], &["-H", &header, "-H", missing, &url]].concat(), 100, "<<vault:missing>>"),
        (&[&flag[..], &["-H", &header, "-k", "https://192.0.2.1/"]].concat(), 100, "-k makes "),
        (&[&flag[..], &["-H", &header, "-x", "http://192.0.2.1:1", &url]].concat(), 100, "--proxy makes "),
    ];
    for (words, code, said) in cases {
        let run = stage.send(words).ends(code).says(said).says("nothing was sent");
        assert!(!run.shows(VALUE), "{run}");
        stage.home.run(&["get", "k"]).ends(1);
    }
    for wrong in ["k", "=header:X", "k=body:x", "k=header:", "a b\n=user"] {
        stage.send(&["--vault-literal", wrong, &url]).ends(2);
    }
    stage.untouched();
}

#[test]
fn a_secret_that_is_there_is_not_touched() {
    let stage = Stage::new();
    stage.allowed("k");
    let header = format!("X-Key: {HEADER}");
    let run = stage.send_here(&["--vault-literal", "k=header:X-Key", "-H", &header], "/").ends(1);
    let run = run.says("there is a secret of that name already").says("nothing was sent");
    assert!(!run.shows(HEADER), "{run}");
    assert_eq!(stage.home.run(&["get", "k"]).ok().text().trim_end(), VALUE);
    stage.untouched();
}

#[test]
fn explaining_stores_nothing() {
    let stage = Stage::new();
    let header = format!("X-Key: {VALUE}");
    let words = ["--explain", "--vault-literal", "k=header:X-Key", "-H", &header];
    let run = stage.send_here(&words, "/").ok();
    assert!(run.text().contains("X-Key: <<vault:k>>") && !run.shows(VALUE), "{run}");
    stage.home.run(&["get", "k"]).ends(1);
    stage.untouched();
}

/// What a server gives back of it is masked as of any secret.
#[test]
fn it_is_masked_from_the_first_request_on() {
    let stage = Stage::answering(|_, request| Answer::ok(request.raw_head.clone()));
    let header = format!("X-Key: {VALUE}");
    let words = ["-v", "--mask", "--vault-literal", "k=header:X-Key", "-H", &header];
    let run = stage.send_here(&words, "/").ok();
    assert!(!run.shows(VALUE) && run.text().contains("<<vault:k>>"), "{run}");
}
