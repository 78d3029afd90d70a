//! What is asked on a terminal, and what a terminal shows.

use crate::home::{Home, SUBROSA, files_with};
use std::process::Command;
use subrosa_testkit::Terminal;

const PASSPHRASE: &str = "five random words for tests";

fn on_terminal(home: &Home, words: &[&str]) -> Terminal {
    let mut command = home.command(SUBROSA);
    command.args(words).env("TERM", "xterm");
    Terminal::start(on_its_streams(command))
}

/// Leaves the standard streams to the terminal.
fn on_its_streams(command: Command) -> Command {
    let mut fresh = Command::new(command.get_program());
    fresh.args(command.get_args()).env_clear();
    if let Some(folder) = command.get_current_dir() {
        fresh.current_dir(folder);
    }
    fresh.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    fresh
}

fn with_key(home: &Home, words: &[&str]) -> Terminal {
    let mut command = home.subrosa(words);
    command.env("TERM", "xterm");
    Terminal::start(on_its_streams(command))
}

#[test]
fn without_a_keychain_a_person_is_asked_what_takes_its_place() {
    let home = Home::empty();
    let mut terminal = on_terminal(&home, &["init"]);
    terminal.expect("[p]assphrase, key [f]ile, or [q]uit?");
    terminal.type_line("p");
    terminal.expect("new passphrase of the vault:");
    terminal.type_line(PASSPHRASE);
    terminal.expect("the same again:");
    terminal.type_line("something else");
    terminal.expect("the two differ");
    terminal.expect("new passphrase of the vault:");
    terminal.type_line(PASSPHRASE);
    terminal.expect("the same again:");
    terminal.type_line(PASSPHRASE);
    terminal.expect("Recovery key, shown this once");
    let finished = terminal.finish();
    assert!(finished.status.success(), "{}", finished.shown);
    assert!(!finished.shown.contains(PASSPHRASE), "the passphrase was echoed: {}", finished.shown);
    assert!(files_with(home.0.path(), PASSPHRASE.as_bytes()).is_empty());

    let mut terminal = on_terminal(&home, &["keys", "list"]);
    terminal.expect("passphrase of the vault:");
    terminal.type_line(PASSPHRASE);
    terminal.expect("in use now");
    assert!(terminal.finish().status.success());
}

#[test]
fn the_recovery_key_opens_the_vault() {
    let home = Home::empty();
    let made = home.run(&["init", "--key-file", "key", "--save-recovery", "recovery"]);
    assert!(made.status.success());
    let recovery = std::fs::read_to_string(home.0.join("recovery")).expect("the recovery key");
    std::fs::remove_file(home.0.join("key")).expect("removed");
    let mut terminal = on_terminal(&home, &["--recovery", "list"]);
    terminal.expect("recovery key:");
    terminal.type_line(recovery.trim());
    let finished = terminal.finish();
    assert!(finished.status.success(), "{}", finished.shown);
    assert!(!finished.shown.contains(recovery.trim()), "the recovery key was echoed");
}

#[test]
fn an_interrupt_at_a_hidden_prompt_leaves_the_terminal_as_it_was() {
    let home = Home::with_vault();
    let script = format!("'{SUBROSA}' set a; echo code $?; stty -a");
    let mut command = home.command("sh");
    command.args(["-c", &script]).env("SUBROSA_KEY_FILE", home.0.join("key"));
    let mut terminal = Terminal::start(on_its_streams(command));
    terminal.expect("value of a:");
    terminal.press(b"half\x03");
    terminal.expect("code 130");
    let settings = terminal.finish().shown;
    assert!(settings.contains("isig icanon iexten echo "), "{settings}");
    assert_eq!(home.done(&["list"]), "");
}

#[test]
fn a_value_is_asked_for_without_echo() {
    let home = Home::with_vault();
    let mut terminal = with_key(&home, &["set", "a"]);
    terminal.expect("value of a:");
    terminal.type_line("canary-3141592");
    let finished = terminal.finish();
    assert!(finished.status.success());
    assert!(!finished.shown.contains("canary"), "{}", finished.shown);
    assert_eq!(home.done(&["get", "a"]), "canary-3141592");
}

#[test]
fn what_cannot_be_undone_is_confirmed_with_a_word() {
    let home = Home::with_vault();
    home.store("a", "one");
    home.store("a", "two");
    let mut terminal = with_key(&home, &["purge"]);
    terminal.expect("type 'purge' to go on:");
    terminal.type_line("y");
    assert_eq!(terminal.finish().status.code(), Some(1));
    assert_eq!(home.done(&["history", "a"]).lines().count(), 2);
    let mut terminal = with_key(&home, &["purge"]);
    terminal.expect("type 'purge' to go on:");
    terminal.type_line("purge");
    assert!(terminal.finish().status.success());
    assert_eq!(home.done(&["history", "a"]).lines().count(), 1);
}

#[test]
fn a_table_fits_the_terminal_and_a_pipe_gets_everything() {
    let home = Home::with_vault();
    home.store("a", "x");
    let long = "d".repeat(300);
    home.done(&["describe", "a", &long]);
    let terminal = with_key(&home, &["list", "--color", "never"]);
    let shown = terminal.finish().shown;
    assert!(shown.contains("NAME") && shown.contains('…'), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
    assert!(home.done(&["list"]).contains(&long));
}

#[test]
fn color_is_for_terminals_and_for_who_asks() {
    let home = Home::with_vault();
    home.store("a", "x");
    assert!(with_key(&home, &["list"]).finish().shown.contains("\u{1b}[1mNAME"));
    assert!(!with_key(&home, &["list", "--color=never"]).finish().shown.contains('\u{1b}'));
    let mut command = home.subrosa(&["list"]);
    command.env("TERM", "xterm").env("NO_COLOR", "1");
    assert!(!Terminal::start(on_its_streams(command)).finish().shown.contains('\u{1b}'));
}

#[test]
fn a_binary_value_does_not_go_to_a_terminal() {
    let home = Home::with_vault();
    home.0.write("blob", b"\x1b[2J\xff\x00");
    home.done(&["set", "blob", "--file", "blob"]);
    let finished = with_key(&home, &["get", "blob"]).finish();
    assert_eq!(finished.status.code(), Some(1));
    assert!(finished.shown.contains("is binary, 6 bytes"), "{}", finished.shown);
}
