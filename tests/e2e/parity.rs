//! What `subrosa send` puts on the wire for a reference is what curl puts there for the value.
//!
//! The requests are real ones: `tests/data/clarifai-requests.json` names their source.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use subrosa_testkit::{Captured, needs};

use crate::home::Run;
use crate::stage::{Stage, VALUE};

const REFERENCE: &str = "<<vault:clarifai-pat>>";
const HOSTS: [&str; 2] = ["api.clarifai.com", "api-dev.clarifai.com"];

/// The command lines of the requests, without the word `curl`.
fn command_lines(data: &str) -> Vec<Vec<String>> {
    let data: Value = serde_json::from_str(data).expect("JSON");
    let requests = data.get("requests").unwrap_or(&data).as_array().expect("a list of requests");
    let words = |request: &Value| -> Vec<String> {
        let words = request["argv"].as_array().expect("a command line");
        words.iter().skip(1).map(|word| word.as_str().expect("a word").to_owned()).collect()
    };
    requests.iter().map(words).collect()
}

fn requests() -> Vec<Vec<String>> {
    command_lines(include_str!("../data/clarifai-requests.json"))
}

/// A line break before the dashes makes URLs of flags.
fn has_broken_flags(words: &[String]) -> bool {
    words.iter().any(|word| word.starts_with("\n--"))
}

/// `{{app}}` in a URL: curl's globbing refuses it.
fn has_nested_braces(words: &[String]) -> bool {
    words.iter().any(|word| word.starts_with("https://") && word.contains("{{"))
}

/// A request without what differs by right: the user agent, and the letter case and order of header names.
#[derive(Debug, PartialEq)]
struct Essence {
    version: String,
    method: String,
    target: String,
    headers: BTreeMap<String, Vec<String>>,
    body: String,
}

impl Essence {
    fn of(captured: &Captured) -> Self {
        let mut headers = BTreeMap::<String, Vec<String>>::new();
        for (name, value) in &captured.headers {
            let name = name.to_ascii_lowercase();
            if name != "user-agent" {
                headers.entry(name).or_default().push(String::from_utf8_lossy(value).into_owned());
            }
        }
        Self {
            version: captured.version.clone(),
            method: captured.method.clone(),
            target: captured.target.clone(),
            headers,
            body: String::from_utf8(captured.body.clone()).expect("these bodies are text"),
        }
    }
}

struct Pair {
    stage: Stage,
    /// What both programs are told beyond the request.
    flags: Vec<String>,
}

impl Pair {
    fn new(version: &[&str]) -> Self {
        let stage = Stage::tls(&HOSTS);
        stage.home.store("clarifai-pat", VALUE, &["--host", "*.clarifai.com", "--only", "header"]);
        let mut flags = stage.route();
        flags.extend(version.iter().map(|&word| word.to_owned()));
        Self { stage, flags }
    }

    /// What `run` does, and what the server sees of it.
    fn seen(&self, run: impl FnOnce() -> Run) -> (Run, Vec<Captured>) {
        let before = self.stage.server.requests().len();
        let run = run();
        (run, self.stage.server.requests().split_off(before))
    }

    fn curl(&self, request: &[String]) -> (Run, Vec<Captured>) {
        let filled = request.iter().map(|word| word.replace(REFERENCE, VALUE));
        let mut command = self.stage.home.program("curl");
        command.args(["-q", "-sS"]).args(&self.flags).args(filled);
        self.seen(|| Run::of(command, b""))
    }

    fn subrosa(&self, request: &[String]) -> (Run, Vec<Captured>) {
        let mut command = self.stage.home.command(&["send", "-sS"]);
        command.args(&self.flags).args(request);
        self.seen(|| Run::of(command, b""))
    }
}

fn sent_alike(version: &[&str], protocol: &str) {
    if !needs(&["curl"]) {
        return;
    }
    let pair = Pair::new(version);
    let mut compared = 0;
    for request in requests().iter().filter(|words| !has_broken_flags(words) && !has_nested_braces(words)) {
        let (curl, theirs) = pair.curl(request);
        curl.ok();
        let (subrosa, ours) = pair.subrosa(request);
        assert_eq!(subrosa.ok().text(), "ok");
        let [theirs, ours] = [theirs, ours].map(|seen| seen.iter().map(Essence::of).collect::<Vec<_>>());
        assert_eq!(ours, theirs, "{request:?}");
        assert_eq!(ours.len(), 1, "{request:?}");
        assert_eq!(ours[0].version, protocol);
        assert_eq!(ours[0].headers["authorization"], [format!("Key {VALUE}")], "{request:?}");
        compared += 1;
    }
    assert_eq!(compared, 28);
}

#[test]
fn http2_by_default() {
    sent_alike(&[], "HTTP/2");
}

#[test]
fn http1_when_asked_for() {
    sent_alike(&["--http1.1"], "HTTP/1.1");
}

#[test]
fn what_curl_refuses_is_refused_with_the_same_code() {
    if !needs(&["curl"]) {
        return;
    }
    let pair = Pair::new(&[]);
    let refused: Vec<_> = requests().into_iter().filter(|words| has_nested_braces(words)).collect();
    assert_eq!(refused.len(), 3);
    for request in &refused {
        let (curl, seen) = pair.curl(request);
        assert_eq!(seen, [], "{request:?}");
        let (subrosa, seen) = pair.subrosa(request);
        assert_eq!(seen, [], "{request:?}");
        assert_eq!(curl.ends(3).code, subrosa.code, "{request:?}");
    }
}

/// curl sends to the first URL and then fails on the others, one of which is the header with the key. Here that
/// would put a reference into the host of a URL, and a command line of which one part cannot be sent is not sent.
#[test]
fn flags_that_a_line_break_makes_urls_of_refuse_the_whole_line() {
    if !needs(&["curl"]) {
        return;
    }
    let pair = Pair::new(&[]);
    let broken: Vec<_> = requests().into_iter().filter(|words| has_broken_flags(words)).collect();
    assert_eq!(broken.len(), 2);
    for request in &broken {
        let (curl, seen) = pair.curl(request);
        assert_ne!(curl.code, 0, "{curl}");
        assert_eq!(seen.len(), 1, "curl sends to the first URL: {seen:?}");
        let (subrosa, seen) = pair.subrosa(request);
        assert_eq!(seen, [], "{request:?}");
        subrosa.ends(3);
    }
}

/// Where the collection that the data was taken from lies beside the project, the two must agree.
#[test]
fn the_data_is_that_of_its_source() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/clarifai/requests.json");
    let Ok(source) = fs::read_to_string(shared) else { return };
    assert_eq!(requests(), command_lines(&source));
}
