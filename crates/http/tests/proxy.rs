//! Proxies: what they are told and what they are not, and those that do not answer as one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use subrosa_http::{
    Connection, ConnectionOptions, HeaderField, HttpError, NoProxy, Proxy, ProxyKind, RequestDraft, Text,
    Trust, read_authorities,
};
use subrosa_secret::Deviation;
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, needs};
use support::{CANARY, Judge, send};

const TARGET: &str = "http://u:pw@api.example.com:80/a?q#f";

fn proxy(text: &str) -> Proxy {
    Proxy::parse(&Text::new(text)).unwrap()
}

fn through(proxy: Proxy, options: ConnectionOptions) -> Arc<Connection> {
    Connection::new(ConnectionOptions { proxy: Some(proxy), ..options })
}

fn plain(proxy: Proxy) -> Arc<Connection> {
    through(proxy, ConnectionOptions::default())
}

/// A proxy that lets every CONNECT through to `server` and answers other requests itself.
fn tunnelling(server: &CaptureServer, options: CaptureOptions) -> CaptureServer {
    let address = server.addr();
    CaptureServer::start(options.answering(move |_, request| match request.method.as_str() {
        "CONNECT" => Answer::tunnel_to(address),
        _ => Answer::ok("from the proxy"),
    }))
}

/// Runs the installed curl with the same flags and answers the heads that the proxy was told, its name put back.
fn of_curl(server: &CaptureServer, words: &[&str]) -> Vec<String> {
    let _ = server.take_requests();
    let output = Command::new("curl")
        .args(["-sS", "-A", "agent", "-m", "9"])
        .args(words)
        .env_clear()
        .output()
        .expect("curl starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    heads(server)
}

fn heads(server: &CaptureServer) -> Vec<String> {
    let heads = server.take_requests().into_iter();
    heads.map(|request| String::from_utf8(request.raw_head).unwrap()).collect()
}

#[test]
fn what_a_proxy_is_told_is_what_curl_tells_it() {
    if !needs(&["curl"]) {
        return;
    }
    let server = CaptureServer::start(CaptureOptions::default());
    let proxy_server = tunnelling(&server, CaptureOptions::default());
    let address = proxy_server.addr().to_string();
    let mut draft = RequestDraft::new(TARGET);
    draft.user_agent = Some(Text::new("agent"));
    draft.referer = Some(Text::new("ref"));
    draft.cookies = Some(Text::new("c=1"));
    draft.headers = vec![HeaderField::new("X-A", "1"), HeaderField::new("Proxy-Connection", "own")];
    let words = [
        "-x",
        &format!("us%65r:p%40ss@{address}"),
        "-U",
        "other:x",
        "-e",
        "ref",
        "-b",
        "c=1",
        "-H",
        "X-A: 1",
    ];
    let words = [&words[..], &["-H", "Proxy-Connection: own", "--proxy-header", "X-P: 2", TARGET]].concat();
    for tunnel in [false, true] {
        let mut proxy = proxy(&format!("us%65r:p%40ss@{address}"));
        proxy.set_user(&Text::new("other:x"));
        proxy.headers = vec![HeaderField::new("X-P", "2")];
        proxy.user_agent = draft.user_agent.clone();
        proxy.tunnel = tunnel;
        let flags = if tunnel { vec!["-p"] } else { vec![] };
        let wanted = of_curl(&proxy_server, &[&flags[..], &words].concat());
        let through_tunnel = heads(&server);
        send(&draft, &plain(proxy)).unwrap();
        assert_eq!(heads(&proxy_server), wanted, "-p: {tunnel}");
        assert_eq!(heads(&server), through_tunnel, "-p: {tunnel}");
        assert_eq!(through_tunnel.len(), usize::from(tunnel));
    }
}

#[test]
fn https_goes_through_a_tunnel_and_the_proxy_hears_nothing_of_it() {
    let server = CaptureServer::start(CaptureOptions::tls_for(&["api.example.com"]));
    for over_tls in [false, true] {
        let options = if over_tls { CaptureOptions::tls() } else { CaptureOptions::default() };
        let proxy_server = tunnelling(&server, CaptureOptions { http2: false, ..options });
        let mut through_it = proxy(&proxy_server.url("").replace("127.0.0.1", "user:secret@127.0.0.1"));
        if over_tls {
            through_it.authorities = read_authorities(&proxy_server.ca_path()).unwrap();
        }
        let trust = Trust::from_ca_file(&server.ca_path()).unwrap();
        let connection = through(through_it, ConnectionOptions { trust, ..ConnectionOptions::default() });
        let mut draft = RequestDraft::new("https://api.example.com/path?q");
        draft.headers.push(HeaderField::new("X-Key", "<<vault:key>>"));
        assert_eq!(send(&draft, &connection).unwrap().0, 200, "over TLS: {over_tls}");
        let told = proxy_server.requests();
        assert_eq!((told.len(), told[0].target.as_str()), (1, "api.example.com:443"));
        assert_eq!(told[0].header("proxy-authorization"), [b"Basic dXNlcjpzZWNyZXQ="]);
        assert!(!told[0].contains(CANARY) && !told[0].contains("path"));
        let reached = server.take_requests();
        assert!(reached[0].contains(CANARY) && reached[0].header("proxy-authorization").is_empty());
    }
}

#[test]
fn an_https_proxy_has_to_prove_who_it_is() {
    let server = CaptureServer::start(CaptureOptions::default());
    let stranger = CaptureServer::start(CaptureOptions { http2: false, ..CaptureOptions::tls() });
    // -k is for hosts
    let options = ConnectionOptions { trust: Trust::InsecureAnybody, ..ConnectionOptions::default() };
    let connection = through(proxy(&stranger.url("")), options);
    let error = send(&RequestDraft::new(server.url("/")), &connection).unwrap_err();
    assert_eq!(error.kind(), "certificate", "{error}");
    assert_eq!(stranger.bytes(), 0);
}

/// One answer to the first bytes of a connection, then the end.
fn answering(answer: Vec<u8>) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(&answer);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    (address, server)
}

#[test]
fn hostile_e65a_answers_that_are_no_proxys() {
    let endless = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'a'; 400 << 10]].concat();
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100);
    for (answer, kind, code) in [
        (
            b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno".to_vec(),
            "proxy_refused",
            56,
        ),
        (b"HTTP/1.0 503 No\r\n\r\n".to_vec(), "proxy_refused", 56),
        (b"HTTP/1.1 302 Elsewhere\r\nLocation: http://evil.com/\r\n\r\n".to_vec(), "proxy_refused", 56),
        (b"SSH-2.0-x\r\n".to_vec(), "proxy_reply", 56),
        (b"".to_vec(), "proxy_reply", 56),
        (b"HTTP/1.1 200".to_vec(), "proxy_reply", 56),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n".to_vec(), "proxy_reply", 56),
        (
            b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil".to_vec(),
            "proxy_reply",
            56,
        ),
        (endless, "proxy_reply", 56),
        (interim, "proxy_reply", 56),
    ] {
        for url in ["http://api.example.com/", "https://api.example.com/"] {
            let (address, server) = answering(answer.clone());
            let mut through_it = proxy(&address);
            through_it.tunnel = true;
            let error = send(&RequestDraft::new(url), &plain(through_it)).unwrap_err();
            assert_eq!((error.kind(), error.curl_code()), (kind, Some(code)), "{error}");
            server.join().unwrap();
        }
    }
}

#[test]
fn hostile_e65a_answers_that_are_no_socks_proxys() {
    for answer in [
        &b"HTTP/1.1 400 Bad\r\n\r\n"[..],
        b"",
        b"\x05",
        b"\x05\xff",
        b"\x05\x01",
        b"\x05\x00\x05\x05\x00\x01",
        b"\x05\x00\x04\x00",
        b"\x05\x00\x05\x00\x00\x09",
    ] {
        let (address, server) = answering(answer.to_vec());
        let socks = Proxy::parse_socks(&Text::new(address), ProxyKind::Socks5Hostname).unwrap();
        let error = send(&RequestDraft::new("http://api.example.com/"), &plain(socks)).unwrap_err();
        assert_eq!((error.kind(), error.curl_code()), ("socks", Some(97)), "{answer:?}: {error}");
        server.join().unwrap();
    }
}

#[test]
fn a_proxy_that_cannot_be_reached_has_curls_codes() {
    for (text, kind, code) in [
        ("127.0.0.1:1", "connect", 7),
        ("no-such-host.invalid:1", "resolve_proxy", 5),
        ("socks5://no-such-host.invalid:1", "resolve_proxy", 5),
    ] {
        let error = send(&RequestDraft::new("http://api.example.com/"), &plain(proxy(text))).unwrap_err();
        assert_eq!((error.kind(), error.curl_code()), (kind, Some(code)), "{error}");
    }
}

/// A secret that the proxy is told is judged by the rules for the proxy, and one that the host is told by those for the
/// host: neither takes the other's way.
#[test]
fn hostile_e65a_a_proxy_is_a_destination_of_its_own() {
    let connection = plain(proxy("http://user:<<vault:key>>@proxy.example:3128"));
    let mut draft = RequestDraft::new("https://api.example.com/");
    let plan = draft.plan(&connection).unwrap();
    assert_eq!(plan.destination().deviations, [Deviation::Proxy]);
    let used = &plan.uses()[0];
    assert_eq!(used.destination.origin.to_string(), "http://proxy.example:3128");
    assert_eq!((used.place.as_str(), &used.destination.deviations[..]), ("proxy user:password", &[][..]));
    assert!(Judge::allowing(&["http://proxy.example:3128"]).judge(&plan).is_ok());
    assert!(Judge::allowing(&["api.example.com"]).judge(&plan).is_err());

    draft.headers.push(HeaderField::new("X-Key", "<<vault:key>>"));
    let both = draft.plan(&connection).unwrap();
    let mut judge = Judge::allowing(&["http://proxy.example:3128", "api.example.com"]);
    assert!(judge.judge(&both).is_err(), "the way through a proxy needs the user's own word");
    judge.trust.allow(subrosa_secret::HostRule::parse("api.example.com").unwrap().rule, [Deviation::Proxy]);
    assert!(judge.judge(&both).is_ok());
}

/// A proxy on this machine hands requests on to elsewhere, so that it is no loopback.
#[test]
fn hostile_e65a_a_proxy_on_loopback_ends_nowhere_near() {
    let connection = plain(proxy("127.0.0.1:3128"));
    for url in
        ["http://api.example.com/", "https://api.example.com/", "http://127.0.0.1/", "http://localhost/"]
    {
        let mut draft = RequestDraft::new(url);
        draft.headers.push(HeaderField::new("X-Key", "<<vault:key>>"));
        let plan = draft.plan(&connection).unwrap();
        assert!(!plan.destination().ends_on_loopback, "{url}");
        let rules = ["http://api.example.com", "api.example.com", "http://127.0.0.1", "http://localhost"];
        assert!(Judge::allowing(&rules).judge(&plan).is_err(), "{url}");
    }
    let mut excepted = proxy("127.0.0.1:3128");
    excepted.except = NoProxy::parse("localhost");
    let plan = RequestDraft::new("http://localhost/").plan(&plain(excepted)).unwrap();
    assert!(plan.destination().ends_on_loopback && plan.destination().deviations.is_empty());
}

#[test]
fn hostile_e65c_a_tunnel_is_not_used_without_its_proxy() {
    let server = CaptureServer::start(CaptureOptions::default());
    let proxy_server = tunnelling(&server, CaptureOptions::default());
    let mut through_it = proxy(&proxy_server.addr().to_string());
    through_it.tunnel = true;
    let tunnelled = plain(through_it);
    let client = subrosa_http::blocking::Client::new().unwrap();
    let draft = RequestDraft::new(server.url("/"));
    for connection in [&tunnelled, &tunnelled, &Connection::plain(), &tunnelled] {
        let request = draft.fill(connection, &()).unwrap();
        let sent = client.send(&request, &support::clock(), &mut subrosa_http::Unobserved);
        support::body(sent.unwrap()).unwrap();
    }
    let ways: Vec<usize> = server.requests().iter().map(|request| request.connection).collect();
    assert_eq!(ways, [0, 0, 1, 0]);
    assert_eq!(proxy_server.requests().len(), 1);
}

#[test]
fn values_of_a_tunnel_are_bounded_by_what_socks_holds() {
    let socks = proxy("socks5h://<<vault:key>>:x@127.0.0.1:1");
    let plan = RequestDraft::new("http://api.example.com/").plan(&plain(socks)).unwrap();
    let fill =
        |value: String| plan.fill(&support::values(&[("key", &value)])).err().map(|error| error.kind());
    assert_eq!(fill("a".repeat(255)), None);
    assert_eq!(fill("a".repeat(256)), Some("proxy_malformed"));
    assert_eq!(fill(String::new()), Some("proxy_malformed"));
}

fn ends_as(outcome: Result<(u16, Vec<u8>), HttpError>) -> String {
    match outcome {
        Ok((status, body)) => format!("{status} {}", String::from_utf8_lossy(&body)),
        Err(error) => format!("{} {error}", error.kind()),
    }
}

/// Starts a program that listens on the port that `words` tell it.
struct Running(std::process::Child);

impl Running {
    fn start(program: &str, port: u16, words: &[&str]) -> Self {
        let child =
            Command::new(program).args(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let running = Self(child);
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return running;
            }
            thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("{program} does not listen");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn microsocks_lets_us_through() {
    if !needs(&["microsocks"]) {
        return;
    }
    let server = CaptureServer::start(CaptureOptions::tls());
    let plain_server = CaptureServer::start(CaptureOptions::default());
    let (open, closed) = (free_port(), free_port());
    let _open = Running::start("microsocks", open, &["-i", "127.0.0.1", "-p", &open.to_string()]);
    let words = ["-i", "127.0.0.1", "-p", &closed.to_string(), "-u", "user", "-P", CANARY];
    let _closed = Running::start("microsocks", closed, &words);
    let trust = || Trust::from_ca_file(&server.ca_path()).unwrap();
    for (text, wanted) in [
        (format!("socks5://127.0.0.1:{open}"), "200 ok"),
        (format!("socks5h://127.0.0.1:{open}"), "200 ok"),
        (format!("socks5h://user:<<vault:key>>@127.0.0.1:{closed}"), "200 ok"),
        (
            format!("socks5h://user:wrong@127.0.0.1:{closed}"),
            "socks the SOCKS proxy 127.0.0.1: it does not know this user and password",
        ),
        (
            format!("socks5h://127.0.0.1:{closed}"),
            "socks the SOCKS proxy 127.0.0.1: it wants to be told who asks",
        ),
    ] {
        // a name only where the proxy looks it up: here it would be the IPv6 address first
        let name = if text.starts_with("socks5h") { "localhost" } else { "127.0.0.1" };
        for url in [server.url("/"), plain_server.url("/").replace("127.0.0.1", name)] {
            let options = ConnectionOptions { trust: trust(), ..ConnectionOptions::default() };
            let outcome = send(&RequestDraft::new(url), &through(proxy(&text), options));
            assert_eq!(ends_as(outcome), wanted, "{text}");
        }
    }
    let refused = RequestDraft::new(format!("http://127.0.0.1:{}/", free_port()));
    let outcome = ends_as(send(&refused, &plain(proxy(&format!("socks5://127.0.0.1:{open}")))));
    assert_eq!(outcome, "socks the SOCKS proxy 127.0.0.1: the host refuses the connection");
}

#[test]
fn tinyproxy_lets_us_through() {
    if !needs(&["tinyproxy"]) {
        return;
    }
    let server = CaptureServer::start(CaptureOptions::tls());
    let plain_server = CaptureServer::start(CaptureOptions::default());
    let folder = subrosa_testkit::Folder::new();
    let port = free_port();
    let config = format!(
        "Port {port}\nListen 127.0.0.1\nTimeout 20\nAllow 127.0.0.1\nBasicAuth user {CANARY}\nDisableViaHeader Yes\n"
    );
    let config = folder.write("tinyproxy.conf", config);
    let _running = Running::start("tinyproxy", port, &["-d", "-c", config.to_str().unwrap()]);
    let known = format!("http://user:<<vault:key>>@127.0.0.1:{port}");
    let unknown = format!("http://127.0.0.1:{port}");
    let options = || ConnectionOptions {
        trust: Trust::from_ca_file(&server.ca_path()).unwrap(),
        ..ConnectionOptions::default()
    };
    for url in [server.url("/"), plain_server.url("/")] {
        let outcome = send(&RequestDraft::new(url.clone()), &through(proxy(&known), options()));
        assert_eq!(ends_as(outcome), "200 ok", "{url}");
    }
    assert!(!plain_server.requests()[0].contains(CANARY));
    let outcome = send(&RequestDraft::new(server.url("/")), &through(proxy(&unknown), options()));
    assert!(ends_as(outcome).starts_with("proxy_refused "));
    let (status, _) = send(&RequestDraft::new(plain_server.url("/")), &plain(proxy(&unknown))).unwrap();
    assert!(status == 401 || status == 407, "{status}");
}
