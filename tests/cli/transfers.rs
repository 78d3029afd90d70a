//! Several requests of one command line: what leaves, what is shown, and which files are there afterwards are what curl
//! makes of the same words.

use crate::curl::{Server, run};
use crate::home::{Home, SUBROSA, both};
use std::collections::BTreeMap;
use std::fs;
use subrosa_testkit::needs;

/// Words after `curl -q -sS` or `subrosa send -sS`; `U` is the server's URL.
const SAME: &[&[&str]] = &[
    &["U/a", "--next", "-d", "x", "U/b"],
    &["-d", "x", "-H", "X-A: 1", "-u", "a:b", "-A", "x", "U/a", "-:", "U/b"],
    &["-X", "PUT", "--next", "U/a"],
    &["U/a", "-:", "U/b", "-:", "U/c", "-i"],
    &["U/a", "-s:", "U/b"],
    &["-f", "U/404", "U/a", "-:", "U/404"],
    &["--fail-early", "-f", "U/a", "U/404", "U/b", "-:", "U/c"],
    &["U/a", "-:", "-f", "U/404", "--fail-early", "U/b"],
    &["-o", "x", "-o", "y", "U/a", "U/b"],
    &["-o", "x", "-o", "y", "U/a"],
    &["U/a", "U/b", "-o", "x"],
    &["-o", "x", "U/a", "U/b", "-O"],
    &["-o", "x", "U/a", "-:", "-o", "y", "U/b"],
    &["-o", "#1_#2#3", "U/{a,b}[1-2]"],
    &["-g", "-o", "#1", "U/{a}"],
    &["-O", "U/a/b%20c?x=1#f"],
    &["-O", "U/a", "-O", "U/a"],
    &["-OO", "U/a", "U/b"],
    &["-O", "U/{a,b}"],
    &["--remote-name-all", "U/a", "--no-remote-name", "U/b", "U/c"],
    &["--remote-name-all", "U/a", "-o", "x", "U/b", "-o", "-", "U/c"],
    &["--remote-name-all", "U/a", "-:", "U/b"],
    &["-w", "%{http_code}", "U/a", "U/b", "-:", "U/c", "-:", "-w", "%{method}", "U/d"],
    &["--url", "U/a", "--url", "U/b", "--url-query", "q", "-:", "--url", "U/c"],
];

#[test]
fn several_requests_are_those_of_curl() {
    if !needs(&["curl"]) {
        return;
    }
    let server = Server::start();
    let mut differing = Vec::new();
    for words in SAME {
        let (theirs, ours) = (Home::empty(), Home::empty());
        let (curl, got) = server.watch(|| run(&theirs, "curl", &["-q", "-sS"], words, &server));
        let (output, sent) = server.watch(|| run(&ours, SUBROSA, &["send", "-sS"], words, &server));
        assert!(!got.is_empty(), "{words:?}: curl sent nothing: {}", both(&curl));
        let same = sent == got
            && output.status.code() == curl.status.code()
            && output.stdout == curl.stdout
            && files(&ours) == files(&theirs);
        if !same {
            let files = (files(&theirs), files(&ours));
            differing
                .push(format!("{words:?}\n  curl: {got:?}\n  ours: {sent:?} {}\n  {files:?}", both(&output)));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// What a run left in its folder, by name.
fn files(home: &Home) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(home.0.path()).expect("the folder").map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| entry.path().is_file());
    files
        .map(|entry| {
            (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).expect("a file"))
        })
        .collect()
}
