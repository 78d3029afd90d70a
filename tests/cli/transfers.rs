//! Several requests of one command line: what leaves, what is shown, and which files are there afterwards are what curl
//! makes of the same words.

use crate::curl::{Server, run};
use crate::home::{Home, SUBROSA, both};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::time::SystemTime;
use subrosa_testkit::needs;

/// What `-w` knows that is the same for both, and in every run.
const FACTS: &str = "%{content_type}|%{errormsg}|%{exitcode}|%{filename_effective}|%{ftp_entry_path}|%{http_code}|\
    %{http_connect}|%{http_version}|%{local_ip}|%{method}|%{num_certs}|%{certs}|%{num_connects}|%{num_headers}|\
    %{num_redirects}|%{proxy_ssl_verify_result}|%{redirect_url}|%{referer}|%{remote_ip}|%{response_code}|%{scheme}|\
    %{size_download}|%{size_header}|%{size_request}|%{size_upload}|%{ssl_verify_result}|%{time_appconnect}|\
    %{url}|%{url_effective}|%{urlnum}\\n";

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
    // -w
    &["-A", "x", "-w", FACTS, "U/a?h=Content-Type:%20text/plain"],
    &["-A", "x", "-w", FACTS, "-e", "http://from.example/", "-d", "abc", "-o", "x", "U/nothing"],
    &["-A", "x", "-w", FACTS, "-L", "--max-redirs", "1", "-d", "abc", "U/once"],
    &["-A", "x", "-w", FACTS, "U/loop"],
    &["-A", "x", "-w", FACTS, "-I", "U/a?x=1#f"],
    &["-w", "%{urlnum} %{url} %{url_effective}|", "U/{a,b}", "U/c", "-:", "-w", "%{urlnum}", "U/d"],
    &["-w", "%{header_json}%header{x-A}%header{none}", "U/nothing"],
    &["-w", "a\\\\nb\\xc%\\nd%eZ%%%{unclosed\\t%header{x\\n\\", "U/a"],
    &["-w", "%{stderr}E%{stdout}O%{stderr}E2", "U/a"],
    &["-w", "before%{onerror}after", "U/a"],
    &["-w", "before%{onerror}%{exitcode}%{http_code}", "-f", "U/404"],
    // where files go
    &["-OJ", "U/a?h=Content-Disposition:%20attachment;%20filename=x"],
    &["-OJ", "U/a?h=Content-Disposition:%20attachment;%20filename=%22../../na%20me%22"],
    &["-OJ", "U/a?h=Content-Disposition:%20attachment;%20filename=old"],
    &["-OJ", "--no-clobber", "U/a?h=Content-Disposition:%20attachment;%20filename=old"],
    &["-OJ", "--output-dir", "d", "--create-dirs", "U/a?h=Content-Disposition:%20filename=x"],
    &["-J", "-o", "y", "U/a?h=Content-Disposition:%20filename=x"],
    &["-J", "U/a?h=Content-Disposition:%20filename=x"],
    &["-OJ", "U/plain"],
    &["-O", "--output-dir", "no-folder", "U/a"],
    &["-o", "/x", "--output-dir", "no-folder", "U/a"],
    &["-o", "d/e/f", "--create-dirs", "U/a"],
    &["-o", "old", "U/a"],
    &["-o", "old", "--no-clobber", "U/a", "U/b", "-o", "old"],
    &["-o", "x", "--remove-on-error", "U/part"],
    &["-o", "old", "--remove-on-error", "U/part"],
    &["-o", "x", "U/part"],
    &["-o", "old", "-f", "U/404"],
    &["-o", "x", "U/nothing"],
    &["-R", "-O", "U/a?h=Last-Modified:%20Mon,%2002%20Jan%202006%2015:04:05%20GMT"],
    &["-R", "-O", "U/a?h=Last-Modified:%20never"],
    &["-D", "x", "U/a", "U/b"],
    &["-D", "x", "U/a", "-:", "-D", "x", "U/nothing"],
    &["-D", "-", "U/nothing"],
    &["-D", "x", "--output-dir", "d", "U/a"],
    &["-D", "x", "-L", "--max-redirs", "1", "U/loop"],
    &["-i", "-L", "--max-redirs", "1", "U/loop"],
    &["-I", "-o", "x", "U/a"],
    &["-i", "-O", "U/nothing"],
    &["-i", "-f", "U/404"],
    &["--max-filesize", "1", "-o", "x", "U/a"],
    &["--max-filesize", "1k", "U/a"],
    &["--limit-rate", "10M", "U/a"],
    &["--rate", "100/s", "U/a", "U/b"],
    &["--stderr", "x", "U/a"],
    &["--url", "U/a", "--url", "U/b", "--url-query", "q", "-:", "--url", "U/c"],
];

/// The same, with attempts that each wait for a second.
const ATTEMPTS: &[&[&str]] = &[
    &["--retry", "2", "--retry-delay", "1", "U/busy"],
    &["--retry", "1", "-o", "x", "U/busy"],
    &["--retry", "1", "-f", "-w", "%{http_code}", "U/busy"],
    &["--retry", "0", "U/busy"],
    &["--retry", "2", "U/404"],
    &["--retry", "2", "U/empty"],
    &["--retry", "1", "--retry-all-errors", "-d", "x", "U/empty"],
];

#[test]
fn several_requests_are_those_of_curl() {
    compare(SAME);
}

#[test]
fn attempts_are_those_of_curl() {
    compare(ATTEMPTS);
}

/// Where curl 7.88 forgets the mode it was given.
#[test]
fn new_files_have_the_mode_that_was_asked_for() {
    let (home, server) = (home(), Server::start());
    run(&home, SUBROSA, &["send", "-sS"], &["-o", "x", "--create-file-mode", "600", "U/a"], &server);
    assert_eq!(files(&home)["x"].0, 0o600);
}

#[test]
fn what_a_server_calls_a_file_is_a_name_and_nothing_else() {
    let (home, server) = (home(), Server::start());
    for name in [".profile", "..", "%22%22", "a/.profile"] {
        let url = format!("U/a?h=Content-Disposition:%20attachment;%20filename={name}");
        let output = run(&home, SUBROSA, &["send", "-sS"], &["-OJ", "--clobber", &url], &server);
        assert_eq!(output.status.code(), Some(23), "{name}: {}", both(&output));
    }
    let url = "U/a?h=Content-Disposition:%20attachment;%20filename=old";
    let output = run(&home, SUBROSA, &["send", "-sS"], &["-OJ", "--clobber", url], &server);
    assert_eq!(output.status.code(), Some(23), "{}", both(&output));
    assert_eq!(files(&home).len(), 1);
    assert_eq!(files(&home)["old"].1, b"was there");
}

#[test]
fn messages_go_where_stderr_says() {
    let (home, server) = (home(), Server::start());
    let output = run(&home, SUBROSA, &["send", "-v"], &["--stderr", "log", "U/404", "-f"], &server);
    assert!(output.stderr.is_empty(), "{}", both(&output));
    let log = String::from_utf8(files(&home)["log"].1.clone()).expect("text");
    assert!(log.contains("> GET /404 HTTP/1.1") && log.contains("error: "), "{log}");
}

#[test]
fn waits_that_servers_ask_for_are_bounded() {
    let (home, server) = (home(), Server::start());
    let words = ["--retry", "3", "--retry-max-time", "5", "-m", "10", "U/later"];
    let (output, sent) = server.watch(|| run(&home, SUBROSA, &["send"], &words, &server));
    assert_eq!((output.status.code(), sent.len()), (Some(0), 1), "{}", both(&output));
    assert!(both(&output).contains("the server asks for a wait of 3600 s"), "{}", both(&output));
}

#[test]
fn waits_are_announced() {
    let (home, server) = (home(), Server::start());
    for (silent, said) in [("-S", true), ("-s", false)] {
        let words = ["--retry", "2", "--retry-delay", "0.01", silent, "U/busy"];
        let (output, sent) = server.watch(|| run(&home, SUBROSA, &["send"], &words, &server));
        assert_eq!((output.status.code(), sent.len()), (Some(0), 3), "{}", both(&output));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(text.contains("status 503; trying again in 0.0 s, 1 attempt left"), said, "{text}");
    }
}

/// `%{json}` has the names of curl's, in its order, and values of the same kind.
#[test]
fn the_facts_as_json_are_those_of_curl() {
    if !needs(&["curl"]) {
        return;
    }
    let (home, server) = (home(), Server::start());
    let kinds = |output: &Output| -> Vec<(String, std::mem::Discriminant<Value>)> {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let facts: Value = serde_json::from_str(&text).expect("JSON");
        let facts = facts.as_object().expect("an object").clone();
        // the order of the text, which a map would lose
        let mut names: Vec<_> =
            facts.iter().map(|(name, value)| (name.clone(), std::mem::discriminant(value))).collect();
        names.sort_by_key(|(name, _)| text.find(&format!("\"{name}\":")));
        names
    };
    for url in ["U/a", "http://127.0.0.1:1/"] {
        let words = ["-s", "-o", "x", "-w", "%{json}", url];
        let curl = run(&home, "curl", &["-q"], &words, &server);
        let ours = run(&home, SUBROSA, &["send"], &words, &server);
        assert_eq!(kinds(&ours), kinds(&curl), "{url}");
    }
}

fn compare(all: &[&[&str]]) {
    if !needs(&["curl"]) {
        return;
    }
    let server = Server::start();
    let mut differing = Vec::new();
    for words in all {
        let (theirs, ours) = (home(), home());
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

fn home() -> Home {
    let home = Home::empty();
    home.0.write("old", "was there");
    home
}

/// What a run left in its folder: names, permissions, contents, and times that are not of today.
fn files(home: &Home) -> BTreeMap<String, (u32, Vec<u8>, Option<SystemTime>)> {
    let now = SystemTime::now();
    let long_ago = |time: &SystemTime| now.duration_since(*time).is_ok_and(|age| age.as_secs() > 86_400);
    let mut found = BTreeMap::new();
    for path in home.0.files() {
        let name = path.strip_prefix(home.0.path()).expect("below it").display().to_string();
        let metadata = path.metadata().expect("a file");
        let mode = metadata.permissions().mode() & 0o777;
        let content = fs::read(&path).expect("a file");
        found.insert(name, (mode, content, metadata.modified().ok().filter(long_ago)));
    }
    found
}
