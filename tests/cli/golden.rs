//! Golden transcripts: `tests/golden/*.console` are sessions of a shell, each in a home of its own.
//!
//! A line `$ command` is run by `sh`; what follows is what it printed on both streams, then `[N]` for an exit code
//! other than 0. What differs from run to run stands as `<time>`, `<id>`, `<key>` and `<home>`. Lines with `#` are for
//! the reader. `UPDATE_GOLDEN=1 cargo test -p subrosa --test cli` writes the transcripts anew.

use crate::home::{Home, SUBROSA, both};
use std::path::{Path, PathBuf};
use std::{env, fs};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden")
}

#[test]
fn transcripts_are_what_happens() {
    let update = env::var_os("UPDATE_GOLDEN").is_some();
    let mut names: Vec<PathBuf> = fs::read_dir(folder())
        .expect("tests/golden")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "console"))
        .collect();
    names.sort();
    assert!(names.len() > 5, "the transcripts are missing");
    let mut differing = Vec::new();
    for path in names {
        let before = fs::read_to_string(&path).expect("a transcript");
        let after = replay(&before);
        if update && before != after {
            fs::write(&path, after).expect("written");
        } else if before != after {
            differing.push(difference(&path, &before, &after));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// Every command of `subrosa --help` has a transcript of its help.
#[test]
fn every_command_is_in_the_transcripts() {
    let home = Home::empty();
    let help = home.done(&["--help"]);
    let text = fs::read_to_string(folder().join("help.console")).expect("help.console");
    let commands =
        help.lines().filter_map(|line| line.strip_prefix("  ")?.split_once("  ")).map(|(name, _)| name);
    let commands: Vec<&str> =
        commands.filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase())).collect();
    assert!(commands.len() > 20, "{commands:?}");
    for name in commands.iter().filter(|name| !name.starts_with("subrosa")) {
        assert!(text.contains(&format!("$ subrosa {name} --help\n")), "help.console lacks {name}");
    }
}

fn replay(transcript: &str) -> String {
    let home = Home::empty();
    let bin = Path::new(SUBROSA).parent().expect("a folder");
    let path = format!("{}:{}", bin.display(), env::var("PATH").expect("PATH"));
    let mut text = String::new();
    for line in transcript.lines() {
        if line.starts_with('#')
            || line.is_empty() && text.lines().last().is_none_or(|last| last.starts_with('#'))
        {
            text.push_str(line);
            text.push('\n');
        }
        let Some(command) = line.strip_prefix("$ ") else { continue };
        if !text.is_empty()
            && !text.ends_with("\n\n")
            && !text.lines().last().is_some_and(|last| last.starts_with('#'))
        {
            text.push('\n');
        }
        let script = format!("exec 2>&1\n{command}");
        let output = home.command("sh").env("PATH", &path).args(["-c", &script]).output().expect("sh runs");
        text.push_str(&format!("{line}\n{}", settled(&both(&output), &home)));
        if !text.ends_with('\n') {
            text.push('\n');
        }
        if let Some(code) = output.status.code().filter(|code| *code != 0) {
            text.push_str(&format!("[{code}]\n"));
        }
    }
    text
}

/// Takes out what no two runs have in common.
fn settled(text: &str, home: &Home) -> String {
    let text = text.replace(&home.0.path().display().to_string(), "<home>");
    let mut settled = String::new();
    for piece in text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || "-:".contains(c))) {
        let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let rest = &piece[word.len()..];
        settled.push_str(placeholder(word).unwrap_or(word));
        settled.push_str(rest);
    }
    settled.replace("<time> <time>", "<time>")
}

fn placeholder(word: &str) -> Option<&'static str> {
    let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    match shape.as_str() {
        "0000-00-00T00:00:00Z" | "0000-00-00" | "00:00" => Some("<time>"),
        _ if word.starts_with("SRVK0") || word.starts_with("SRRK0") => Some("<key>"),
        _ if word.starts_with("SRVK1-") || word.starts_with("SRRK1-") => Some("<key>"),
        _ if [8, 32].contains(&word.len()) && is_id(word) => Some("<id>"),
        _ => None,
    }
}

/// Hexadecimal with a digit in it: a word such as `deadbeef` is no id, and an id of letters alone is rarer than rare.
fn is_id(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        && word.bytes().any(|b| b.is_ascii_digit())
}

fn difference(path: &Path, before: &str, after: &str) -> String {
    let first = before.lines().zip(after.lines()).position(|(a, b)| a != b);
    let at = first.unwrap_or_else(|| before.lines().count().min(after.lines().count()));
    let line = |text: &str| text.lines().nth(at).unwrap_or("<end>").to_owned();
    format!("{}:{}\n  expected: {}\n  happened: {}", path.display(), at + 1, line(before), line(after))
}
