//! What a person is asked on a terminal, and when.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use subrosa_testkit::{Finished, Terminal};

use crate::home::{Home, PROGRAM};
use crate::stage::{Stage, VALUE};

const HEADER: [&str; 2] = ["-H", "X-Key: <<vault:key>>"];
const QUESTION: &str = "[t]his time, [a]lways, [n]o:";

fn done(terminal: Terminal) -> Finished {
    let finished = terminal.finish();
    assert!(finished.status.success(), "{}", finished.shown);
    finished
}

#[test]
fn a_value_is_typed_without_echo() {
    let home = Home::new();
    let mut terminal = home.terminal(&["set", "key"]);
    terminal.expect("value of key:");
    terminal.type_line(VALUE);
    assert!(!done(terminal).shown.contains(VALUE));
    assert_eq!(home.run(&["get", "key"]).ok().out, VALUE.as_bytes());
    assert!(done(home.terminal(&["get", "key"])).shown.contains(&format!("{VALUE}\r\n")));
}

/// Asks about an undecided secret; answers what the question was.
fn asked(stage: &Stage, words: &[&str], answer: &str) -> (String, Finished) {
    let mut terminal = stage.home.terminal(&[&["send"], words].concat());
    let question = terminal.expect(QUESTION);
    stage.untouched();
    terminal.type_line(answer);
    (question, terminal.finish())
}

#[test]
fn this_time_sends_and_stores_nothing() {
    let stage = Stage::new();
    stage.home.store("key", VALUE, &[]);
    let url = stage.server.url("/v1");
    let (question, finished) = asked(&stage, &[&HEADER[..], &[&url]].concat(), "t");
    assert!(question.contains(&format!("send key to {} (header)?", stage.origin())), "{question}");
    assert!(finished.status.success(), "{}", finished.shown);
    assert!(stage.request().contains(VALUE));
    assert_eq!(stage.home.run(&["allow", "key", "--json"]).json()["access"], "undecided");
}

#[test]
fn always_stores_the_exact_origin_and_place() {
    let stage = Stage::new();
    stage.home.store("key", VALUE, &[]);
    let url = stage.server.url("/v1");
    let (_, finished) = asked(&stage, &[&HEADER[..], &[&url]].concat(), "a");
    assert!(finished.status.success(), "{}", finished.shown);
    assert_eq!(stage.home.run(&["allow", "key"]).ok().text(), format!("{};header\n", stage.origin()));
    // nobody is asked again, and another place is another question
    stage.send(&[&HEADER[..], &[&url]].concat()).ok();
    stage.send(&["-d", "key=<<vault:key>>", &url]).ends(100);
    assert_eq!(stage.server.requests().len(), 2);
}

#[test]
fn no_sends_nothing() {
    let stage = Stage::new();
    stage.home.store("key", VALUE, &[]);
    let (_, finished) = asked(&stage, &[&HEADER[..], &[&stage.server.url("/")]].concat(), "n");
    assert_eq!(finished.status.code(), Some(100), "{}", finished.shown);
    stage.untouched();
}

#[test]
fn an_answer_that_is_none_is_asked_for_again() {
    let stage = Stage::new();
    stage.home.store("key", VALUE, &[]);
    let mut terminal = stage.home.terminal(&[&["send"], &HEADER[..], &[&stage.server.url("/")]].concat());
    for answer in ["", "what?", "yes"] {
        terminal.expect(QUESTION);
        terminal.type_line(answer);
    }
    terminal.expect(QUESTION);
    stage.untouched();
    terminal.type_line("N");
    assert_eq!(terminal.finish().status.code(), Some(100));
    stage.untouched();
}

#[test]
fn several_uses_are_one_question_and_all_questions_come_first() {
    let stage = Stage::new();
    stage.home.store("key", VALUE, &[]);
    stage.home.store("other", "made-up-other", &[]);
    let (first, second) = (stage.server.url("/1?q=<<vault:key>>"), stage.server.url("/2/<<vault:other>>"));
    let words = ["send", HEADER[0], HEADER[1], "-H", "X-Again: {{vault:key}}", &first, &second];
    let mut terminal = stage.home.terminal(&words);
    let asked = terminal.expect(QUESTION);
    assert!(asked.contains("send key to ") && asked.contains("(header, query)?"), "{asked}");
    terminal.type_line("t");
    let asked = terminal.expect(QUESTION);
    assert!(asked.contains("send other to ") && asked.contains("(path)?"), "{asked}");
    stage.untouched();
    terminal.type_line("t");
    let finished = done(terminal);
    assert_eq!(finished.shown.matches(QUESTION).count(), 2, "{}", finished.shown);
    assert_eq!(stage.server.requests().len(), 2);
}

#[test]
fn nothing_is_asked_that_could_not_help() {
    let stage = Stage::new();
    stage.home.store("key", VALUE, &[]);
    let finished = stage
        .home
        .terminal(&[&["send"], &HEADER[..], &[&stage.server.url("/<<vault:gone>>")]].concat())
        .finish();
    assert_eq!(finished.status.code(), Some(100));
    assert!(!finished.shown.contains(QUESTION), "{}", finished.shown);
    let url = stage.server.url("/");
    let words = [&["send", "--no-ask"], &HEADER[..], &[&url]].concat();
    assert_eq!(stage.home.terminal(&words).finish().status.code(), Some(100));
    stage.home.configure("ask = \"never\"\n");
    let words = [&["send"], &HEADER[..], &[&url]].concat();
    assert_eq!(stage.home.terminal(&words).finish().status.code(), Some(100));
    stage.untouched();
}

#[test]
fn questions_go_to_the_terminal_and_the_body_into_the_pipe() {
    let stage = Stage::new();
    stage.home.store("key", VALUE, &[]);
    let script = format!("'{PROGRAM}' send -H 'X-Key: <<vault:key>>' {} >body", stage.server.url("/"));
    let mut command = stage.home.program("sh");
    command.args(["-c", &script]);
    let mut terminal = Terminal::start(command);
    terminal.expect(QUESTION);
    terminal.type_line("t");
    done(terminal);
    assert_eq!(fs::read(stage.home.work().join("body")).expect("the body"), b"ok");
}

/// ^C at a prompt ends the command, sends nothing, and leaves the terminal as it was.
///
/// The settings are read from a file: the terminal echoes ^C on its own, after it has sent the signal, and on a busy
/// machine that is in the middle of what comes next.
#[track_caller]
fn interrupted(home: &Home, words: &str, prompt: &str) {
    let mut command = home.program("sh");
    command.args(["-c", &format!("trap : INT; '{PROGRAM}' {words}; code=$?; stty -a >settings; exit $code")]);
    let mut terminal = Terminal::start(command);
    terminal.expect(prompt);
    terminal.press(b"made-up\x03");
    let finished = terminal.finish();
    assert_eq!(finished.status.code(), Some(130), "{}", finished.shown);
    let settings = fs::read_to_string(home.work().join("settings")).expect("the settings");
    let settings: Vec<&str> = settings.split(|c: char| c.is_whitespace() || c == ';').collect();
    for setting in ["isig", "icanon", "iexten", "echo"] {
        assert!(settings.contains(&setting), "{setting} is off: {settings:?}");
    }
}

#[test]
fn an_interrupt_leaves_the_terminal_as_it_was() {
    let stage = Stage::new();
    let home = &stage.home;
    home.store("key", VALUE, &[]);
    let url = stage.server.url("/");
    interrupted(home, "set another", "value of another:");
    interrupted(home, &format!("send -H 'X-Key: <<vault:key>>' {url}"), QUESTION);
    interrupted(home, &format!("send --with one=- -H 'X-Key: <<vault:one>>' {url}"), "value of one:");
    interrupted(home, &format!("send -u me {url}"), "password of me:");
    interrupted(home, "reset", "type 'destroy' to go on:");
    stage.untouched();
    assert_eq!(home.run(&["list", "--json"]).ok().json()["secrets"].as_array().expect("a list").len(), 1);
}

#[test]
fn a_value_for_one_call_is_typed_without_echo() {
    let stage = Stage::new();
    let url = stage.server.url("/");
    let mut terminal = stage.home.terminal(&["send", "--with", "key=-", HEADER[0], HEADER[1], &url]);
    terminal.expect("value of key:");
    stage.untouched();
    terminal.type_line(VALUE);
    assert!(!done(terminal).shown.contains(VALUE));
    assert!(stage.request().contains(VALUE));
}

#[test]
fn a_passphrase_opens_the_vault_and_is_asked_for_before_anything_is_sent() {
    let mut stage = Stage::new();
    stage.home = Home::bare();
    let passphrase = "five made up random words";
    let file = stage.home.write("passphrase", passphrase);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a private file");
    let file = file.to_str().expect("text");
    stage.home.run(&["init", "--no-recovery", "--passphrase-file", file]).ok();
    stage.home.feed(&["set", "key", "--passphrase-file", file, "--host", &stage.origin()], VALUE).ok();
    let mut terminal = stage.home.terminal(&[&["send"], &HEADER[..], &[&stage.server.url("/")]].concat());
    terminal.expect("passphrase of the vault:");
    stage.untouched();
    terminal.type_line(passphrase);
    assert!(!done(terminal).shown.contains(passphrase));
    assert!(stage.request().contains(VALUE));
}
