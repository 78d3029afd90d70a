//! A destination is origin, trust and route: what changes whom a request reaches or whom it trusts needs loopback, or
//! the user's own word.

use std::io::copy;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use subrosa_testkit::{CaptureOptions, CaptureServer};

use crate::home::{Home, Run, text};
use crate::stage::{Stage, VALUE};

/// What is expected of a request that deviates.
const HEADER: [&str; 2] = ["-H", "X-Key: <<vault:key>>"];

/// A door to a server on loopback at this machine's own address in its network, so that a connection really ends
/// elsewhere than on loopback and still leaves no machine.
struct Door {
    address: SocketAddr,
    opened: Arc<AtomicUsize>,
}

impl Door {
    /// `None` on a machine that has no other address than loopback.
    fn to(server: &CaptureServer) -> Option<Self> {
        let own = own_address()?;
        let listener = TcpListener::bind((own, 0)).ok()?;
        let address = listener.local_addr().expect("its port");
        let opened = Arc::new(AtomicUsize::new(0));
        let (count, to) = (opened.clone(), server.addr());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let inner = TcpStream::connect(to).expect("the server");
                let pair = |stream: &TcpStream| stream.try_clone().expect("a second handle");
                let (back, forth) = ((pair(&inner), pair(&stream)), (stream, inner));
                thread::spawn(move || pass(forth.0, forth.1));
                thread::spawn(move || pass(back.0, back.1));
            }
        });
        Some(Self { address, opened })
    }

    fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// The address from which this machine would reach others. Choosing a route sends nothing.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

/// Somewhere that is not loopback: the door, or a documentation address (RFC 5737) where nobody answers.
fn elsewhere(address: Option<SocketAddr>) -> SocketAddr {
    address.unwrap_or_else(|| (Ipv4Addr::new(192, 0, 2, 1), 9).into())
}

/// With the user's word the request goes through; on a machine without a network it fails to connect, at least.
#[track_caller]
fn goes_out(run: Run, door: Option<&Door>, server: &CaptureServer) {
    match door {
        Some(_) => {
            run.ok();
            assert!(server.requests().last().expect("a request").contains(VALUE));
        }
        None => assert!([7, 28].contains(&run.code), "{run}"),
    }
}

struct Way {
    home: Home,
    server: CaptureServer,
    door: Option<Door>,
}

impl Way {
    fn new(options: CaptureOptions) -> Self {
        let server = CaptureServer::start(options);
        let door = Door::to(&server);
        Self { home: Home::new(), server, door }
    }

    fn door_address(&self) -> Option<SocketAddr> {
        self.door.as_ref().map(|door| door.address)
    }

    fn send(&self, words: &[&str]) -> Run {
        self.home.run(&[&["send", "--connect-timeout", "2"], words, &HEADER].concat())
    }

    /// Refused with a secret in it, before a connection is made; the message names the flag.
    #[track_caller]
    fn refused(&self, words: &[&str], named: &str) {
        let run = self.send(words).ends(100).says("nothing was sent").says(&format!(": {named} makes "));
        assert!(run.err.contains("<<vault:key>> in header X-Key"), "{run}");
        let [hint] = run.hints()[..] else { panic!("{run}") };
        let explained = self.home.shell(hint, "").ok();
        let path = self.home.folder("XDG_CONFIG_HOME").join("subrosa/config.toml");
        assert!(
            explained.text().contains(&text(&path)) && explained.text().contains("[[trust]]"),
            "{explained}"
        );
        assert_eq!(self.server.connections() + self.door.as_ref().map_or(0, Door::opened), 0, "{run}");
    }

    /// Refused; refused where the configuration speaks of another host or of another flag; then, allowed there.
    #[track_caller]
    fn needs_the_users_word(&self, words: &[&str], host: &str, flag: &str, named: &str) {
        self.refused(words, named);
        self.home.configure(&trust("https://api.example.net", &[flag]));
        self.refused(words, named);
        let others: Vec<&str> = ["-k", "--cacert", "--resolve", "--connect-to", "foreign-host", "proxy"]
            .into_iter()
            .filter(|other| *other != flag)
            .collect();
        self.home.configure(&trust(host, &others));
        self.refused(words, named);
        self.home.configure(&trust(host, &[flag]));
        goes_out(self.send(words), self.door.as_ref(), &self.server);
    }
}

fn trust(host: &str, allow: &[&str]) -> String {
    format!("[[trust]]\nhost = \"{host}\"\nallow = {allow:?}\n")
}

#[test]
fn hostile_e65a_connect_to() {
    let way = Way::new(CaptureOptions::default());
    let to = elsewhere(way.door_address());
    way.home.store("key", VALUE, &["--host", "http://api.example.com"]);
    let words = ["--connect-to", &format!("api.example.com:80:{to}"), "http://api.example.com/v1"];
    way.needs_the_users_word(&words, "http://api.example.com", "--connect-to", "--connect-to");
}

#[test]
fn hostile_e65a_resolve() {
    let way = Way::new(CaptureOptions::default());
    let to = elsewhere(way.door_address());
    let (host, port) = (format!("http://api.example.com:{}", to.port()), to.port());
    way.home.store("key", VALUE, &["--host", &host]);
    let words = ["--resolve", &format!("api.example.com:{port}:{}", to.ip()), &format!("{host}/v1")];
    way.needs_the_users_word(&words, &host, "--resolve", "--resolve");
}

#[test]
fn hostile_e61_foreign_host() {
    let way = Way::new(CaptureOptions::default());
    let host = format!("http://{}", elsewhere(way.door_address()));
    way.home.store("key", VALUE, &["--host", &host]);
    let words = ["-H", "Host: internal.example", &format!("{host}/v1")];
    way.needs_the_users_word(&words, &host, "foreign-host", "a foreign Host header");
}

fn tls_way() -> (Way, String) {
    let own = own_address().map(|address| address.to_string());
    let way = Way::new(CaptureOptions::tls_for(&[own.as_deref().unwrap_or("127.0.0.1")]));
    let host = format!("https://{}", elsewhere(way.door_address()));
    way.home.store("key", VALUE, &["--host", &host]);
    (way, host)
}

#[test]
fn hostile_e65a_insecure() {
    let (way, host) = tls_way();
    way.needs_the_users_word(&["-k", &format!("{host}/v1")], &host, "-k", "-k");
}

#[test]
fn hostile_e65a_cacert() {
    let (way, host) = tls_way();
    let ca = text(&way.server.ca_path());
    way.needs_the_users_word(&["--cacert", &ca, &format!("{host}/v1")], &host, "--cacert", "--cacert");
}

#[test]
fn without_a_secret_they_are_free() {
    let (way, host) = tls_way();
    let run = way.home.run(&["send", "--connect-timeout", "2", "-k", &format!("{host}/v1")]);
    match way.door {
        Some(_) => assert_eq!(run.ok().text(), "ok"),
        None => assert!([7, 28].contains(&run.code), "{run}"),
    }
}

#[test]
fn loopback_needs_nobodys_word() {
    let stage = Stage::tls(&["api.example.com"]);
    let (port, ca) = (stage.server.port(), text(&stage.server.ca_path()));
    let (own, near) = (format!("https://api.example.com:{port}"), format!("https://127.0.0.1:{port}"));
    let rules = ["--host", &own, "--host", "https://api.example.com", "--host", &near];
    stage.home.store("key", VALUE, &rules);
    let connect = format!("::127.0.0.1:{port}");
    let resolve = format!("api.example.com:{port}:127.0.0.1");
    let ways: [&[&str]; 6] = [
        &["-k", &near],
        &["--connect-to", &connect, "--cacert", &ca, "https://api.example.com"],
        &["--connect-to", &connect, "-k", "https://api.example.com"],
        &["--resolve", &resolve, "--cacert", &ca, &own],
        &["--resolve", &resolve, "-k", &own],
        &["--connect-to", &connect, "--cacert", &ca, "-H", "Host: other.example", "https://api.example.com"],
    ];
    for words in ways {
        stage.send(&[words, &HEADER].concat()).ok();
    }
    assert!(stage.server.requests().iter().all(|request| request.contains(VALUE)));
    assert_eq!(stage.server.requests().len(), ways.len());
}

/// One way among several that ends elsewhere is one too many.
#[test]
fn loopback_must_be_the_only_end() {
    let stage = Stage::new();
    let port = stage.server.port();
    stage.home.store("key", VALUE, &["--host", "http://api.example.com:*"]);
    let url = format!("http://api.example.com:{port}");
    let resolve = format!("api.example.com:{port}:127.0.0.1,192.0.2.1");
    stage
        .send(&[&["--resolve", &resolve, url.as_str()], &HEADER[..]].concat())
        .ends(100)
        .says("--resolve makes ");
    stage.untouched();
}

const PERMISSIVE: &str = "ask = \"never\"\n[[trust]]\nhost = \"https://api.example.com:9\"\nallow = [\"-k\", \"--cacert\", \"--resolve\", \"--connect-to\", \"foreign-host\"]\n";

#[test]
fn no_file_of_a_project_is_read() {
    let stage = Stage::new();
    stage.home.store("key", VALUE, &["--host", "https://api.example.com:9"]);
    for name in [
        "config.toml",
        "subrosa.toml",
        ".subrosa.toml",
        ".subrosa",
        "subrosa/config.toml",
        ".config/subrosa/config.toml",
    ] {
        stage.home.write(name, PERMISSIVE);
    }
    // nobody listens at the discard port of this machine's own address
    let resolve = format!("api.example.com:9:{}", elsewhere(own_address().map(|own| (own, 9).into())).ip());
    let words = ["--connect-timeout", "2", "--resolve", &resolve, "https://api.example.com:9"];
    stage.send(&[&words[..], &HEADER].concat()).ends(100).says("--resolve makes ");
    // the same words in the user's own file are read
    stage.home.configure(PERMISSIVE);
    let run = stage.send(&[&words[..], &HEADER].concat());
    assert!([7, 28].contains(&run.code), "{run}");
}

#[test]
fn hostile_e65a_a_proxy_that_a_pasted_command_names() {
    let proxy = CaptureServer::start(CaptureOptions::default());
    let stage = Stage::new();
    stage.allowed("key");
    for flag in ["-x", "--proxy", "--socks5"] {
        let address = proxy.addr().to_string();
        stage.send_here(&[&["-k", flag, &address], &HEADER[..]].concat(), "/").ends(100);
    }
    assert_eq!(proxy.connections(), 0);
    stage.untouched();
}

#[test]
fn curls_own_files_are_not_read() {
    let stage = Stage::tls(&["127.0.0.1"]);
    stage.allowed("key");
    for folder in [stage.home.folder("HOME"), stage.home.work()] {
        std::fs::write(folder.join(".curlrc"), "insecure\nheader = \"X-From: curlrc\"\n").expect("a file");
        std::fs::write(folder.join(".netrc"), "machine 127.0.0.1 login a password b\n").expect("a file");
    }
    stage.send_here(&HEADER, "/").ends(60);
    assert_eq!(stage.server.requests(), []);
    stage.send_here(&[&["-k"][..], &HEADER].concat(), "/").ok();
    assert_eq!(stage.request().header("X-From").len() + stage.request().header("Authorization").len(), 0);
}

#[test]
fn hostile_e65a_keys_of_sessions_are_not_logged() {
    let mut stage = Stage::tls(&["127.0.0.1"]);
    stage.allowed("key");
    let log = stage.home.path("keylog");
    stage.home.set("SSLKEYLOGFILE", &log);
    let ca = text(&stage.server.ca_path());
    stage.send_here(&[&["--cacert", &ca], &HEADER[..]].concat(), "/").ok();
    assert!(stage.request().contains(VALUE));
    assert!(!log.exists());
    assert!(stage.home.run(&["doctor"]).text().contains("SSLKEYLOGFILE"));
}

#[test]
fn hostile_e63_no_proxy_is_taken_from_the_environment() {
    let proxy = CaptureServer::start(CaptureOptions::default());
    let mut stage = Stage::new();
    stage.allowed("key");
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        stage.home.set(name, proxy.url(""));
    }
    stage.send_here(&HEADER, "/direct").ok();
    assert_eq!(stage.request().target, "/direct");
    assert_eq!(proxy.connections(), 0);
}
