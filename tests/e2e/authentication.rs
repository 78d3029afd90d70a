//! Digest and NTLM from the command line: rules, masking and the log hold as for Basic. The NTLM of the server is
//! pyspnego's, and curl has to be let in by it as well.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use subrosa_testkit::{Answer, backend_python, needs};

use crate::home::Home;
use crate::stage::{Stage, VALUE};

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/e2e/authentication/ntlm_server.py");
/// `DOMAIN:user:password` of each.
const USERS: &str = "DOMAIN:ada:correct-horse\n:grete:pferd-über-alles\n";

/// A running server, and what reached it.
struct Server {
    process: Child,
    port: u16,
    lines: Receiver<String>,
}

impl Server {
    fn start(python: &Path, home: &Home) -> Self {
        let users = home.write("users", USERS);
        let mut command = Command::new(python);
        command.arg(SERVER).env("NTLM_USER_FILE", users).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("python starts");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let port = lines.recv_timeout(Duration::from_secs(60)).expect("the server begins");
        Self { process, port: port.parse().expect("a port"), lines }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The requests since the last call, without the numbers of connections that are others each time.
    fn requests(&self) -> Vec<String> {
        let lines: Vec<String> = self.lines.try_iter().collect();
        let number = |line: &str| line.split(' ').next().and_then(|word| word.parse::<usize>().ok());
        let first = lines.first().and_then(|line| number(line)).unwrap_or_default();
        let counted = |line: &String| {
            let (_, rest) = line.split_once(' ').unwrap_or_default();
            format!("{} {rest}", number(line).unwrap_or_default() - first)
        };
        lines.iter().map(counted).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn curl(words: &[&str]) -> String {
    let output = Command::new("curl").args(["-q", "-s"]).args(words).output().expect("curl runs");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_server_of_ntlm_lets_in_whom_it_lets_in_with_curl() {
    let (Some(python), true) = (backend_python(), needs(&["curl"])) else { return };
    let home = Home::new();
    let server = Server::start(&python, &home);
    home.store("password", "correct-horse", &["--host", &server.url(""), "--only", "header"]);
    let (one, two) = (server.url("/one"), server.url("/two"));
    let cases: [(&[&str], &str); 4] = [
        (&["--ntlm", &one], "DOMAIN\\ada"),
        (&["--ntlm", "-d", "x=y", &one], "DOMAIN\\ada"),
        (&["--anyauth", "-d", "x=y", &one], "DOMAIN\\ada"),
        (&["--ntlm", "-L", &server.url("/moved")], "DOMAIN\\ada"),
    ];
    for (words, user) in cases {
        let theirs = curl(&[&["-u", &format!("{user}:correct-horse")], words].concat());
        let by_curl = server.requests();
        let ours = home.run(&[&["send", "-s", "-u", &format!("{user}:<<vault:password>>")], words].concat());
        assert_eq!(ours.ok().text(), theirs, "{words:?}");
        assert!(theirs.contains("ada"), "{theirs}");
        assert_eq!(server.requests(), by_curl, "{words:?}");
    }
    // one handshake is enough for a connection; curl makes another one with this server, which says 401 to nobody
    let both = home.run(&["send", "-s", "--ntlm", "-u", "DOMAIN\\ada:<<vault:password>>", &one, &two]).ok();
    assert_eq!(both.text().matches("ada").count(), 2);
    assert_eq!(server.requests(), ["0 GET /one NTLM/1 0", "0 GET /one NTLM/3 0", "0 GET /two -/- 0"]);
}

#[test]
fn a_wrong_password_is_let_in_nowhere_and_a_foreign_one_is_understood() {
    let Some(python) = backend_python() else { return };
    let home = Home::new();
    let server = Server::start(&python, &home);
    let send = |user: &str| {
        let words = ["send", "-s", "-w", "%{http_code}", "-o", "out", "--ntlm", "-u", user, &server.url("/")];
        home.run(&words).ok().text().to_owned()
    };
    assert_eq!(send("DOMAIN\\ada:wrong"), "401");
    assert_eq!(send("ada:correct-horse"), "401", "it is another domain's");
    assert_eq!(send("DOMAIN\\ada:correct-horse"), "200");
    assert_eq!(send("GRETE:pferd-über-alles"), "200", "capital letters are the same in a user's name");
}

/// A server that asks by Digest and lets in whoever answers.
fn asking() -> Stage {
    Stage::answering(|_, request| match request.header("authorization").is_empty() {
        true => Answer::status(401).with("WWW-Authenticate", "Digest realm=\"r\", nonce=\"n\", qop=\"auth\""),
        false => Answer::ok("let in"),
    })
}

const DIGEST: [&str; 3] = ["--digest", "-u", "ada:<<vault:password>>"];

#[test]
fn a_password_that_only_answers_is_judged_and_logged_like_one_that_is_told() {
    let stage = asking();
    stage.home.store("password", VALUE, &["--host", &stage.origin(), "--only", "body"]);
    let refused = stage.send_here(&DIGEST, "/").ends(100);
    assert!(refused.err.contains("-u user:password"), "{refused}");
    stage.untouched();
    stage.home.run(&["allow", "password", &stage.origin(), "--only", "header"]).ok();
    assert_eq!(stage.send_here(&DIGEST, "/").ok().text(), "let in");
    let log = stage.home.run(&["audit", "show", "--json"]).ok();
    let sent = log.text().matches(&stage.origin()).count();
    assert_eq!(sent, 1, "one entry for both legs: {log}");
    let explained = stage.send_here(&[&DIGEST[..], &["--explain"]].concat(), "/").ok();
    assert!(explained.text().contains("Digest …<<vault:password>>"), "{explained}");
}

#[test]
fn hostile_f66_neither_password_nor_answer_is_shown() {
    let stage = asking();
    stage.allowed("password");
    let run = stage.send_here(&[&DIGEST[..], &["-v"]].concat(), "/").ok();
    let told = stage.server.requests().pop().expect("two requests");
    let told = String::from_utf8(told.header("authorization").concat()).expect("text");
    let answer = told.split("response=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an answer");
    assert!(answer.len() == 32 && !run.shows(answer) && !run.shows(VALUE), "{run}");
    assert!(run.err.contains("response=\"********************************\""), "{run}");
}
