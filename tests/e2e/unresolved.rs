//! Nothing is sent while a reference is unresolved; the message says what, where, why and how to mend it, and what it
//! says mends it.

use std::fs;
use std::sync::Arc;

use subrosa_testkit::{Answer, CaptureOptions, CaptureServer};

use crate::home::{Home, Run};
use crate::stage::{Stage, VALUE};

/// Sends once; the server must not notice.
#[track_caller]
fn refused(stage: &Stage, words: &[&str], code: i32) -> Run {
    let run = stage.send(words).ends(code).says("nothing was sent");
    stage.untouched();
    assert!(!run.shows(VALUE), "{run}");
    run
}

/// Sends, is refused for each of `reasons` in turn, runs the hint as it is printed, and gets through in the end.
#[track_caller]
fn mended(stage: &Stage, words: &[&str], place: &str, reasons: &[&str]) {
    for reason in reasons {
        let run = refused(stage, words, 100);
        let line = run.err.lines().next().unwrap_or_default();
        assert!(line.starts_with("error: <<vault:"), "{run}");
        assert!(line.contains(&format!(" in {place}: ")) && line.contains(reason), "{run}");
        let hints = run.hints();
        assert_eq!(hints.len(), 1, "{run}");
        stage.home.shell(command_of(hints[0]), VALUE).ok();
    }
    stage.send(words).ok();
    assert!(stage.request().contains(VALUE), "{:?}", stage.request());
}

/// The command of a hint. One that lets a secret go further is none by itself where nobody was asked: its condition
/// stands in front, and whoever runs the line as a whole runs nothing.
#[track_caller]
fn command_of(hint: &str) -> &str {
    let command = &hint[hint.find("subrosa ").expect("a command")..];
    match hint.strip_suffix(command) {
        Some("") => assert!(!command.contains(" allow "), "{hint}"),
        condition => {
            assert!(condition.is_some_and(|text| text.starts_with("if you trust http")), "{hint}");
            assert!(command.contains(" allow "), "{hint}");
        }
    }
    command
}

const MISSING: &str = "there is no secret of that name";
const EMPTY: &str = "it has no value yet";
const DISABLED: &str = "it is disabled";
const UNDECIDED: &str = "nobody has decided yet whether it may go to http://127.0.0.1:";
const ELSEWHERE: &str = "is not among its allowed hosts";

#[test]
fn missing() {
    let stage = Stage::new();
    let url = stage.server.url("/v1");
    let words = ["-H", "X-Key: <<vault:key>>", url.as_str()];
    mended(&stage, &words, "header X-Key", &[MISSING, UNDECIDED]);
}

#[test]
fn missing_under_a_name_that_a_shell_would_split() {
    let stage = Stage::new();
    let url = stage.server.url("/v1");
    mended(&stage, &["-H", "X-Key: {{ vault:my key }}", &url], "header X-Key", &[MISSING, UNDECIDED]);
}

#[test]
fn missing_in_another_vault_than_the_default_one() {
    let stage = Stage::new();
    let folder = stage.home.path("second vault");
    let folder = folder.to_str().expect("text");
    let key = stage.home.path("second-key");
    let key = key.to_str().expect("text");
    let vault = ["--vault", folder, "--key-file", key];
    stage.home.run(&[&vault[..], &["init", "--no-recovery"]].concat()).ok();
    let url = stage.server.url("/v1");
    let words = [&vault[..], &["-H", "X-Key: <<vault:key>>", &url]].concat();
    for reason in [MISSING, UNDECIDED] {
        let run = refused(&stage, &words, 100).says(reason);
        // the hint names the vault; the key, which was named for this command only, a person has at hand
        let hint = format!("SUBROSA_KEY_FILE='{key}' {}", command_of(run.hints()[0]));
        stage.home.shell(&hint, VALUE).ok();
    }
    stage.send(&words).ok();
}

#[test]
fn empty() {
    let stage = Stage::new();
    stage.home.run(&["set", "key", "--empty", "--host", &stage.origin()]).ok();
    let url = stage.server.url("/v1?key=<<vault:key>>");
    mended(&stage, &[&url], "URL query", &[EMPTY]);
}

#[test]
fn disabled() {
    let stage = Stage::new();
    stage.allowed("key");
    stage.home.run(&["disable", "key"]).ok();
    let url = stage.server.url("/v1/<<vault:key>>/models");
    mended(&stage, &[&url], "URL path", &[DISABLED]);
}

#[test]
fn host_not_allowed() {
    let stage = Stage::new();
    stage.home.store("key", VALUE, &["--host", "api.example.com"]);
    let url = stage.server.url("/v1");
    mended(&stage, &["-d", "key=<<vault:key>>", &url], "body", &[ELSEWHERE]);
}

#[test]
fn host_not_allowed_for_another_port_or_scheme() {
    let stage = Stage::new();
    let port = stage.server.port();
    for rule in [format!("https://127.0.0.1:{port}"), "http://127.0.0.1".to_owned()] {
        stage.home.store("key", VALUE, &["--host", &rule]);
        refused(&stage, &["-H", "X-Key: <<vault:key>>", &stage.server.url("/")], 100).says(ELSEWHERE);
    }
}

#[test]
fn hostile_e65b_placement_not_allowed() {
    let stage = Stage::new();
    stage.home.store("key", VALUE, &["--host", &stage.origin(), "--only", "header"]);
    let url = stage.server.url("/v1");
    let words = ["--json", r#"{"comment": "<<vault:key>>"}"#, url.as_str()];
    mended(&stage, &words, "body", &["it is allowed in header only, not in body"]);
}

#[test]
fn undecided_where_nobody_can_be_asked() {
    let stage = Stage::new();
    stage.home.store("user", VALUE, &[]);
    let url = stage.server.url("/v1");
    mended(&stage, &["-H", "Cookie: session=<<vault:user>>", &url], "header Cookie", &[UNDECIDED]);
}

#[test]
fn several_reasons_one_after_the_other() {
    let stage = Stage::new();
    stage.home.run(&["set", "key", "--empty", "--host", "api.example.com"]).ok();
    stage.home.run(&["disable", "key"]).ok();
    let url = stage.server.url("/v1");
    let words = ["-H", "X-Key: <<vault:key>>", url.as_str()];
    mended(&stage, &words, "header X-Key", &[DISABLED, ELSEWHERE, EMPTY]);
}

#[test]
fn the_secret_of_a_profile_is_named_as_it_is_stored() {
    let stage = Stage::new();
    stage.home.run(&["set", "key", "--profile", "prod", "--empty", "--host", &stage.origin()]).ok();
    let url = stage.server.url("/v1");
    mended(&stage, &["--profile", "prod", "-H", "X-Key: <<vault:key>>", &url], "header X-Key", &[EMPTY]);
    assert_eq!(stage.home.run(&["get", "prod/key"]).ok().out, VALUE.as_bytes());
}

#[test]
fn everything_unresolved_is_listed_at_once() {
    let stage = Stage::new();
    stage.home.store("undecided", VALUE, &[]);
    stage.home.run(&["set", "nothing", "--empty", "--host", &stage.origin()]).ok();
    let url = stage.server.url("/<<vault:gone>>?q=<<vault:nothing>>");
    let words = ["-u", "<<vault:undecided>>:x", "-H", "X-A: <<vault:gone>>", url.as_str()];
    let run = refused(&stage, &words, 100).says("error: 4 references are unresolved; nothing was sent");
    let origin = stage.origin();
    for line in [
        format!("  <<vault:gone>> in URL path: {MISSING}"),
        format!("  <<vault:gone>> in header X-A: {MISSING}"),
        format!("  <<vault:nothing>> in URL query: {EMPTY}"),
        format!(
            "  <<vault:undecided>> in -u user:password: nobody has decided yet whether it may go to {origin}"
        ),
    ] {
        assert!(run.err.lines().any(|shown| shown == line), "{line:?} is missing: {run}");
    }
    let mut hints = run.hints();
    hints.sort_unstable();
    let allow = format!(
        "if you trust {origin} with <<vault:undecided>>: subrosa allow undecided {origin} --only header"
    );
    assert_eq!(hints, [allow.as_str(), "subrosa set gone", "subrosa set nothing"]);
}

#[test]
fn several_undecided_secrets_are_decided_with_one_line() {
    let stage = Stage::new();
    for name in ["one", "two", "three"] {
        stage.home.store(name, VALUE, &[]);
    }
    let url = stage.server.url("/<<vault:three>>");
    let words = ["-H", "A: <<vault:one>>", "-H", "B: <<vault:two>>", "-H", "C: <<vault:one>>", url.as_str()];
    let run = refused(&stage, &words, 100).says("error: 4 references are unresolved");
    let [hint] = run.hints()[..] else { panic!("{run}") };
    stage.home.shell(command_of(hint), "").ok();
    stage.send(&words).ok();
    assert_eq!(stage.request().header("B"), [VALUE.as_bytes()]);
}

/// What a hint lets happen is what the request needs, and nothing beside it.
#[test]
fn a_hint_allows_no_more_than_the_request_needs() {
    let stage = Stage::new();
    stage.home.store("undecided", VALUE, &[]);
    stage.home.store("elsewhere", VALUE, &["--host", "api.example.com"]);
    stage.home.store("narrow", VALUE, &["--host", &stage.origin(), "--only", "path"]);
    let url = stage.server.url("/?a=<<vault:undecided>>&b=<<vault:elsewhere>>&c=<<vault:narrow>>");
    let cookie = "c=<<vault:undecided>>,<<vault:elsewhere>>,<<vault:narrow>>";
    let words = ["-b", cookie, url.as_str()];
    let run = refused(&stage, &words, 100).says("is not among its allowed hosts (api.example.com)");
    let [hint] = run.hints()[..] else { panic!("{run}") };
    stage.home.shell(command_of(hint), "").ok();
    stage.send(&words).ok();
    let rules = |name| stage.home.run(&["allow", name]).ok().text().to_owned();
    let origin = stage.origin();
    assert_eq!(rules("undecided"), format!("{origin};header,query\n"));
    assert_eq!(rules("elsewhere"), format!("api.example.com\n{origin};header,query\n"));
    assert_eq!(rules("narrow"), format!("{origin};header,query,path\n"));
}

/// A program that runs whatever a message tells it to must not be led to widen a rule: where nobody can be asked, the
/// line is no command. On a terminal, a person gets one that can be copied.
#[test]
fn hostile_e65a_a_refused_host_is_not_offered_as_a_command_where_nobody_is() {
    let stage = Stage::new();
    stage.home.store("key", VALUE, &["--host", "api.example.com"]);
    let url = stage.server.url("/");
    let words = ["-H", "X-Key: <<vault:key>>", url.as_str()];
    let run = refused(&stage, &words, 100);
    let [hint] = run.hints()[..] else { panic!("{run}") };
    stage.home.shell(hint, "").ends(2);
    refused(&stage, &words, 100);
    assert_eq!(stage.home.run(&["allow", "key"]).ok().text(), "api.example.com\n");
    let command = command_of(hint).to_owned();
    let on_a_terminal = |flags: &[&str]| stage.home.terminal(&[flags, &words].concat()).finish().shown;
    assert!(on_a_terminal(&["send"]).contains(&format!("hint: {command}")));
    assert!(on_a_terminal(&["send", "--no-ask"]).contains("hint: if you trust "));
    stage.untouched();
}

#[test]
fn one_request_of_several_stops_them_all() {
    let stage = Stage::new();
    stage.allowed("key");
    let (good, bad) = (stage.server.url("/good"), stage.server.url("/<<vault:gone>>"));
    refused(&stage, &["-H", "X-Key: <<vault:key>>", &good, &bad], 100);
    stage.send(&["-H", "X-Key: <<vault:key>>", &good, &good]).ok();
    assert_eq!(stage.server.requests().len(), 2);
}

#[test]
fn one_operation_of_several_stops_them_all() {
    let stage = Stage::new();
    stage.allowed("key");
    let url = stage.server.url("/");
    let first = ["-H", "X-Key: <<vault:key>>", &url, "--next"];
    for second in
        [&["-d", "<<vault:gone>>", &url][..], &["-d", "@no-such-file", &url], &["nonsense://x"], &[]]
    {
        let failed = stage.send(&[&first, second].concat());
        assert_ne!(failed.code, 0, "{second:?}");
        assert!(stage.server.requests().is_empty(), "{second:?}");
    }
    // what belongs to the first stays there, and both share the connection
    stage.send(&[&first[..], &["-d", "x", &url]].concat()).ok();
    let requests = stage.server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].header("X-Key"), [VALUE.as_bytes()]);
    assert!(requests[1].header("X-Key").is_empty());
    assert_eq!(stage.server.connections(), 1);
}

/// Without a key of the vault nothing can be said of a secret, but what was asked for can be.
#[track_caller]
fn locked(stage: &Stage, words: &[&str], code: i32) -> Run {
    let url = stage.server.url("/v1");
    let words = [words, &["-H", "X-Key: <<vault:key>>", &url]].concat();
    refused(stage, &words, code).says("error: vault locked: ").says("<<vault:key>> in header X-Key")
}

#[test]
fn locked_without_a_keychain() {
    let mut stage = Stage::new();
    stage.allowed("key");
    stage.home.unset("SUBROSA_KEY_FILE");
    for (words, code) in [(&[][..], 104), (&["--no-keychain"], 101)] {
        let hints = locked(&stage, words, code).hints().join("\n");
        assert!(hints.contains("--key-file FILE, or SUBROSA_KEY_FILE=FILE"), "{hints}");
    }
    let key = stage.home.path("key");
    let key = key.to_str().expect("text");
    stage.send_here(&["--key-file", key, "-H", "X-Key: <<vault:key>>"], "/v1").ok();
    assert!(stage.request().contains(VALUE));
}

#[test]
fn no_vault_at_all() {
    let mut stage = Stage::new();
    stage.home = Home::bare();
    let run = refused(&stage, &["-H", "X-Key: <<vault:key>>", &stage.server.url("/")], 103);
    assert_eq!(run.hints(), ["subrosa init"]);
    assert!(run.err.contains("<<vault:key>> in header X-Key"), "{run}");
    // what holds no reference needs no vault
    stage.send_here(&["-H", "X-Key: none"], "/").ok();
}

#[test]
fn hostile_e65_malformed_references() {
    let stage = Stage::new();
    stage.allowed("a");
    for text in ["<<vault:", "<<vault:>>", "<<vault:a", "{{vault:a", "{{vault:}}", "<<vault:a<<vault:a>>>>"] {
        let body = format!("x={text}");
        let run = refused(&stage, &["-d", &body, &stage.server.url("/")], 100).says(" in body: ");
        assert!(run.hints()[0].starts_with("--no-refs "), "{run}");
        let header = format!("X-Key: {text}");
        refused(&stage, &["-H", &header, &stage.server.url("/")], 100).says(" in header X-Key: ");
    }
    stage.send_here(&["--no-refs", "-d", "x=<<vault:"], "/").ok();
    assert_eq!(stage.request().body, b"x=<<vault:");
}

#[test]
fn hostile_e65_spaces_inside_the_brackets_and_a_large_body_of_openings() {
    let stage = Stage::new();
    stage.allowed("a");
    stage.send_here(&["-H", "X-Key: << vault : a >>"], "/spaces").ends(100).says("nothing was sent");
    stage.untouched();
    let openings = "<".repeat(10 << 20);
    let file = stage.home.write("openings", &openings);
    let file = format!("@{}", file.display());
    stage.send_here(&["-H", "X-Key: <<  vault:a\t>>", "--data-binary", &file], "/large").ok();
    let request = stage.request();
    assert_eq!(request.header("X-Key"), [VALUE.as_bytes()]);
    assert_eq!(request.body.len(), openings.len());
}

#[test]
fn a_file_with_references_waits_for_a_word() {
    let stage = Stage::new();
    stage.allowed("key");
    stage.home.write("body.json", r#"{"key": "<<vault:key>>"}"#);
    let url = stage.server.url("/");
    let words = ["--json", "@body.json", url.as_str()];
    refused(&stage, &words, 100).says("body.json holds references");
    stage.send(&[&["--expand-files"][..], &words].concat()).ok();
    stage.send(&[&["--no-expand-files"][..], &words].concat()).ok();
    let bodies: Vec<_> = stage.server.requests().into_iter().map(|request| request.body).collect();
    assert_eq!(
        bodies,
        [format!(r#"{{"key": "{VALUE}"}}"#).into_bytes(), br#"{"key": "<<vault:key>>"}"#.to_vec()]
    );
}

#[test]
fn a_value_for_one_call_is_neither_stored_nor_asked_twice() {
    let stage = Stage::new();
    let url = stage.server.url("/");
    let words = ["send", "--with", "key=-", "-H", "X-A: <<vault:key>>", "-H", "X-B: {{vault:key}}", &url];
    stage.home.feed(&words, VALUE).ok();
    let request = stage.request();
    assert_eq!([request.header("X-A"), request.header("X-B")], [[VALUE.as_bytes()], [VALUE.as_bytes()]]);
    stage.home.run(&["get", "key"]).ends(1);
    stage.home.feed(&[&words[..], &["--keep"]].concat(), VALUE).ok();
    assert_eq!(stage.home.run(&["get", "key"]).ok().out, VALUE.as_bytes());
}

/// The audit log is written before the first byte leaves: where it cannot be, nothing leaves.
#[test]
fn without_an_audit_entry_nothing_is_sent() {
    let stage = Stage::new();
    stage.allowed("key");
    let url = stage.server.url("/");
    let log = stage.home.vault().join("audit.log");
    let _ = fs::remove_file(&log);
    fs::create_dir(&log).expect("a folder in the log's place");
    stage.send(&["-H", "X-Key: <<vault:key>>", &url]).ends(105).says("nothing was sent");
    // a connection may be there by then, but nothing went through it
    assert_eq!((stage.server.requests(), stage.server.bytes()), (Vec::new(), 0));
    fs::remove_dir(&log).expect("the folder goes");
    stage.send(&["-H", "X-Key: <<vault:key>>", &url]).ok();
    let entries = stage.home.run(&["audit", "show", "--json"]).ok().json();
    let entry = &entries["entries"][0];
    assert_eq!(
        (&entry["secret"], &entry["destination"]),
        (&"key".into(), &stage.origin().into()),
        "{entries}"
    );
}

/// What stands in the log was there before the request: a server that looks finds its own entry.
#[test]
fn the_audit_entry_is_there_when_the_request_arrives() {
    let home = Arc::new(Home::new());
    let auditor = home.clone();
    let server = CaptureServer::start(
        CaptureOptions::default().answering(move |_, _| Answer::ok(auditor.run(&["audit", "show"]).ok().out)),
    );
    home.store("key", VALUE, &["--host", &server.url("")]);
    let run = home.run(&["send", "-H", "X-Key: <<vault:key>>", &server.url("/")]).ok();
    assert!(run.text().contains(&format!("\tsend\tkey\t{}\t", server.url(""))), "{run}");
}

#[test]
fn a_value_that_cannot_stand_in_a_later_request_stops_the_first_as_well() {
    let stage = Stage::new();
    stage.home.store("dots", "..", &["--host", &stage.origin()]);
    let (first, second) = (stage.server.url("/first"), stage.server.url("/<<vault:dots>>/second"));
    let run = stage.send(&[&first, &second]);
    assert_eq!(run.code, 100, "{run}");
    stage.untouched();
}
