//! What the server sees of a request is what it would see of curl's.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

use subrosa_http::{
    Body, BodyKind, Connection, ConnectionOptions, HeaderField, Protocol, RequestDraft, Text,
};
use subrosa_testkit::{CaptureOptions, CaptureServer, Captured, needs};

/// Arguments of curl; a text that begins with `/` or `?` or is empty is what follows the port in the URL.
const CASES: &[&[&str]] = &[
    &[""],
    &["/"],
    &["/a/../b/./c"],
    &["/a/../b/./c", "--path-as-is"],
    &["/a//b/..?x=a/../b"],
    &["/x#fragment"],
    &["?q=1"],
    &["/?"],
    &["/{a}|^?x={}|^`[]", "-g"],
    &["/ä/%c3?q=é"],
    &["/%2e%2e/a%2Fb?c%20d=%26"],
    &["/", "-X", "POST"],
    &["/", "-X", "PUT"],
    &["/", "-X", "DELETE"],
    &["/", "-X", "PROPFIND"],
    &["/", "-I"],
    &["/", "-d", ""],
    &["/", "-d", "a=b"],
    &["/", "-d", "a=b", "-d", "c", "-d", ""],
    &["/", "-d", "", "-d", "c=ü d"],
    &["/", "-X", "GET", "-d", "abc"],
    &["/", "-X", "DELETE", "-d", "abc"],
    &["/", "-d", "x=1", "--data-urlencode", "a=b c&d~._-/ä", "--data-urlencode", "=e f", "-d", "y"],
    &["/p", "-G", "-d", "a=b", "-d", "c=d"],
    &["/p?x=1#f", "-G", "-d", "a=b"],
    &["/p?", "-G", "-d", "a=b"],
    &["/p?x", "-G", "-d", ""],
    &["/p", "-G", "--data-urlencode", "a=é b", "-I"],
    &["/", "--json", "{\"a\": 1}"],
    &["/", "--json", "{\"a\":", "--json", "1}"],
    &["/", "-H", "X-A: 1", "--json", "{}", "-H", "X-B: 2"],
    &["/", "--json", "{}", "-H", "accept: x/y", "-H", "content-type: a/b"],
    &["/", "--json", "{}", "-H", "Accept:"],
    &["/", "--json", "{}", "-G", "-X", "POST"],
    &["/", "-H", "Accept:"],
    &["/", "-H", "Accept;"],
    &["/", "-H", "User-Agent:"],
    &["/", "-H", "User-Agent: me", "-H", "X-Empty;", "-H", "X-Nothing:", "-H", "X-Ignored", "-H", "X-I;x"],
    &["/", "-H", "X-Foo: a", "-H", "x-bar:b", "-H", "X-Foo: c", "-H", "X-FOO:d"],
    &["/", "-H", "X-Api-KEY: k", "-H", "X-Utf8: ä"],
    &["/", "-H", "Host: other.example", "-H", "X-A: 1"],
    &["/", "-H", "Content-Type: text/plain", "-d", "abc"],
    &["/", "-H", "Content-Type:", "-d", "abc"],
    &["/", "-H", "Content-Type;", "-d", "abc"],
    &["/", "-H", "Content-Length: 3", "-d", "abc"],
    &["/", "-u", "user:pass:word"],
    &["/", "-u", "user:pass", "-H", "Authorization: Bearer x"],
    &["/", "-u", "user:pass", "-H", "Authorization:"],
    &["/", "-u", ":"],
    &["/", "-A", "agent", "-e", "http://ref.example/", "-b", "a=b; c=d"],
    &["/", "-A", "", "-b", "a=b", "-H", "Cookie: e=f", "-e", "x", "-H", "Referer: y"],
    &["/", "-u", "u:p", "-A", "a", "-e", "r", "-b", "c=d", "-H", "X-L: 1", "-d", "x=y", "-X", "PATCH"],
    &["/", "-H", "Transfer-Encoding: chunked", "-d", "abc"],
    &["/", "-H", "Connection: close"],
    &["/", "-H", "TE: trailers", "-H", "Connection: TE"],
];

/// What HTTP/2 or the server of these tests does not take: raw delimiters, surrounding white space.
const HTTP1_CASES: &[&[&str]] = &[&["/\"<>`?\"<>"], &["/%zz?%"], &["/", "-H", "X-Spaces:  a  b  "]];

/// The draft that these arguments of curl stand for.
fn draft(case: &[&str], base: &str) -> RequestDraft {
    let mut draft = RequestDraft::new(format!("{base}{}", case[0]));
    let mut rest = case[1..].iter();
    while let Some(flag) = rest.next() {
        let mut value = || *rest.next().expect("the flag's value");
        match *flag {
            "-g" => {}
            "-I" => draft.head = true,
            "-G" => draft.data_in_query = true,
            "--path-as-is" => draft.path_as_is = true,
            "-X" => draft.method = Some(value().to_owned()),
            "-u" => draft.basic_auth = Some(value().into()),
            "-A" => draft.user_agent = Some(value().into()),
            "-e" => draft.referer = Some(value().into()),
            "-b" => draft.cookies = Some(value().into()),
            "-H" => draft.headers.extend(HeaderField::parse(&Text::new(value())).unwrap()),
            "-d" => draft.body.get_or_insert_with(|| Body::new(BodyKind::Form)).append(value()),
            "--json" => draft.body.get_or_insert_with(|| Body::new(BodyKind::Json)).append(value()),
            "--data-urlencode" => {
                let (name, content) = value().split_once('=').expect("name=content");
                let name = Some(name).filter(|name| !name.is_empty()).map(Text::from);
                draft.body.get_or_insert_with(|| Body::new(BodyKind::Form)).append_urlencoded(name, content);
            }
            other => panic!("unknown flag {other}"),
        }
    }
    draft
}

type Essence = (String, String, BTreeMap<String, Vec<Vec<u8>>>, Vec<u8>);

/// Everything that counts: names without case, equal names in order, hexadecimal digits without case.
fn essence(captured: &Captured) -> Essence {
    let mut headers: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for (name, value) in &captured.headers {
        headers.entry(name.to_lowercase()).or_default().push(own_agent(value));
    }
    (captured.method.clone(), lower_triplets(&captured.target), headers, captured.body.clone())
}

fn own_agent(value: &[u8]) -> Vec<u8> {
    if value.starts_with(b"curl/") {
        concat!("subrosa/", env!("CARGO_PKG_VERSION")).into()
    } else {
        value.to_vec()
    }
}

fn lower_triplets(target: &str) -> String {
    let mut parts = target.split('%');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(part.len().min(2));
        whole.push_str(&format!("%{}{rest}", digits.to_lowercase()));
    }
    whole
}

/// The head of HTTP/1 with every line as it is, but for curl's name.
fn exact_head(captured: &Captured) -> String {
    let head = String::from_utf8_lossy(&captured.raw_head).into_owned();
    let (first, lines) = head.split_once("\r\n").unwrap();
    let lines = lines.split("\r\n").map(|line| match line.strip_prefix("User-Agent: curl/") {
        Some(_) => concat!("User-Agent: subrosa/", env!("CARGO_PKG_VERSION")),
        None => line,
    });
    format!("{}\r\n{}", lower_triplets(first), lines.collect::<Vec<_>>().join("\r\n"))
}

fn shown(captured: &Captured) -> String {
    let header = |(name, value): &(String, Vec<u8>)| format!("{name}:{}", String::from_utf8_lossy(value));
    let headers: Vec<_> = captured.headers.iter().map(header).collect();
    let body = String::from_utf8_lossy(&captured.body);
    format!("{} {} {headers:?} {body:?}", captured.method, captured.target)
}

fn installed_curl_is(version: &str) -> bool {
    let output = Command::new("curl").arg("--version").output().unwrap();
    String::from_utf8_lossy(&output.stdout).starts_with(&format!("curl {version}."))
}

fn compare(cases: &[&[&str]], server: &CaptureServer, connection: &Arc<Connection>, extra: &[&str]) {
    let exact = installed_curl_is("7.88");
    let mut differences = String::new();
    for case in cases {
        let base = server.url("");
        let done = Command::new("curl")
            .args(["-q", "-sS", "-o", "/dev/null", "-m", "20"])
            .args(extra)
            .args(&case[1..])
            .arg(format!("{base}{}", case[0]))
            .output()
            .unwrap();
        assert!(done.status.success(), "curl {case:?}: {}", String::from_utf8_lossy(&done.stderr));
        support::send(&draft(case, &base), connection).unwrap_or_else(|error| panic!("{case:?}: {error}"));
        let seen = server.requests();
        let [.., theirs, ours] = &seen[..] else { panic!("{case:?}: two requests") };
        let same_head = !exact || theirs.raw_head.is_empty() || exact_head(ours) == exact_head(theirs);
        if essence(ours) != essence(theirs) || !same_head {
            differences.push_str(&format!("{case:?}\n  curl: {}\n  ours: {}\n", shown(theirs), shown(ours)));
        }
    }
    assert!(differences.is_empty(), "\n{differences}");
}

#[test]
fn plain_http_is_as_curl_sends_it() {
    if needs(&["curl"]) {
        let server = CaptureServer::start(CaptureOptions::default());
        compare(CASES, &server, &Connection::plain(), &[]);
        compare(HTTP1_CASES, &server, &Connection::plain(), &[]);
    }
}

#[test]
fn http1_over_tls_is_as_curl_sends_it() {
    if needs(&["curl"]) {
        let server = CaptureServer::start(CaptureOptions::tls());
        let options = ConnectionOptions { protocol: Protocol::Http11, ..ConnectionOptions::default() };
        let ca = server.ca_path();
        let connection = support::with_ca(&server, options);
        compare(CASES, &server, &connection, &["--http1.1", "--cacert", ca.to_str().unwrap()]);
        assert!(server.requests().iter().all(|captured| captured.version == "HTTP/1.1"));
    }
}

#[test]
fn http2_is_as_curl_sends_it() {
    if needs(&["curl"]) {
        let server = CaptureServer::start(CaptureOptions::tls());
        let ca = server.ca_path();
        compare(CASES, &server, &support::trusting(&server), &["--cacert", ca.to_str().unwrap()]);
        assert!(server.requests().iter().all(|captured| captured.version == "HTTP/2"));
    }
}
