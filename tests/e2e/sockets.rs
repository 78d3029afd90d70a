//! Requests over a Unix socket: it takes the place of the network, and counts as loopback as long as it is the user's
//! own or root's.

use std::io::{self, BufRead as _, BufReader, copy};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};
use std::thread;

use subrosa_testkit::{Answer, Folder, OrdinaryUser, needs};

use crate::home::text;
use crate::stage::{Stage, VALUE};

const HEADER: [&str; 2] = ["-H", "X-Key: <<vault:key>>"];

/// Passes what comes to the socket on to a server.
fn bridge(listener: UnixListener, to: SocketAddr) {
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || -> io::Result<()> {
                let server = TcpStream::connect(to)?;
                let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
                thread::spawn(move || {
                    let _ = copy(&mut from_client, &mut to_server);
                    let _ = to_server.shutdown(Shutdown::Write);
                });
                let (mut from_server, mut to_client) = (server, client);
                copy(&mut from_server, &mut to_client)?;
                to_client.shutdown(Shutdown::Both)
            });
        }
    });
}

/// As `curl --unix-socket /var/run/docker.sock http://localhost/…`: the host is judged as ever, and no name looked up.
#[test]
fn a_socket_stands_for_every_host() {
    let stage = Stage::new();
    let path = stage.home.work().join("s");
    bridge(UnixListener::bind(&path).expect("a socket"), stage.server.addr());
    stage.home.store("key", VALUE, &["--host", "http://api.invalid"]);
    let words = ["send", "--unix-socket", "s", HEADER[0], HEADER[1], "http://api.invalid/v1/info"];
    stage.home.run(&words).ends(0);
    let request = stage.request();
    assert_eq!(request.header("host"), [b"api.invalid"]);
    assert_eq!(request.header("x-key"), [VALUE.as_bytes()]);
    // a secret of another host stays here, whoever listens
    let words = ["send", "--unix-socket", "s", HEADER[0], HEADER[1], "http://other.invalid/"];
    stage.home.run(&words).ends(100);
    assert_eq!(stage.server.requests().len(), 1);
    stage
        .home
        .run(&["send", "--unix-socket", "no-such", "http://a.invalid/"])
        .ends(7)
        .says("the socket no-such");
    let explained = stage.home.run(&["send", "--explain", "--unix-socket", "s", "http://a.invalid/"]).ends(0);
    assert!(explained.text().contains("over the socket s"), "{explained}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_socket_may_be_a_name_that_is_no_file() {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::SocketAddr as Name;
    let stage = Stage::new();
    let name = format!("subrosa-test-{}", stage.server.port());
    let address = Name::from_abstract_name(&name).expect("a name");
    bridge(UnixListener::bind_addr(&address).expect("a socket"), stage.server.addr());
    stage.home.store("key", VALUE, &["--host", "http://localhost"]);
    let words = ["send", "--abstract-unix-socket", &name, HEADER[0], HEADER[1], "http://localhost/"];
    stage.home.run(&words).ends(0);
    assert_eq!(stage.request().header("x-key"), [VALUE.as_bytes()]);
}

/// TLS goes over a socket as over the network.
#[test]
fn hostile_e64_a_certificate_is_checked_over_a_socket_too() {
    let stage = Stage::tls(&["api.invalid"]);
    let path = stage.home.work().join("s");
    bridge(UnixListener::bind(&path).expect("a socket"), stage.server.addr());
    stage.home.store("key", VALUE, &["--host", "https://api.invalid"]);
    let words = ["send", "--unix-socket", "s", HEADER[0], HEADER[1], "https://api.invalid/"];
    stage.home.run(&words).ends(60);
    assert_eq!(stage.server.bytes(), 0);
    let ca = text(&stage.server.ca_path());
    stage.home.run(&[&words[..], &["--cacert", &ca]].concat()).ends(0);
}

/// A server at a socket, of another user.
struct Stranger {
    process: Child,
}

impl Stranger {
    fn new(user: &OrdinaryUser, path: &str) -> Self {
        const SERVER: &str = "import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print('up', flush=True)
while True:
    client, _ = server.accept()
    came = client.recv(65536)
    if came:
        print(came, flush=True)
        client.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok')
    client.close()
";
        let mut command = Command::new("python3");
        user.run(command.args(["-c", SERVER, path]).stdout(Stdio::piped()));
        let mut process = command.spawn().expect("python3");
        let mut line = String::new();
        let out = process.stdout.as_mut().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        assert_eq!(line, "up\n");
        Self { process }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Root would send to anybody's socket: what another user listens at gets no secret. Where the tests are not run by
/// root there is no other user to listen.
#[test]
fn hostile_e65a_a_socket_of_another_user() {
    if !needs(&["python3"]) || !rustix::process::getuid().is_root() {
        return;
    }
    let (stage, user, folder) = (Stage::new(), OrdinaryUser::new(), Folder::new());
    user.give(folder.path());
    let path = text(&folder.join("s"));
    let _stranger = Stranger::new(&user, &path);
    stage.home.store("key", VALUE, &["--host", "http://localhost"]);
    let words = ["send", "--unix-socket", &path, "http://localhost/"];
    // nothing is at stake
    stage.home.run(&words).ends(0);
    let run = stage.home.run(&[&words[..], &HEADER].concat()).ends(100);
    assert!(run.err.contains("belongs to another user") && !run.shows(VALUE), "{run}");
}

/// What a request names as the way out counts as a detour, unless it ends on loopback anyway.
#[test]
fn hostile_e65a_an_interface_that_a_request_names() {
    let stage = Stage::new();
    stage.home.store("key", VALUE, &["--host", "https://api.example.com"]);
    let words = ["send", "--interface", "lo", HEADER[0], HEADER[1], "https://api.example.com/"];
    stage.home.run(&words).ends(100).says("--interface");
    stage.home.configure("[[trust]]\nhost = \"api.example.com\"\nallow = [\"--interface\"]\n");
    let run = stage.home.run(&[&words[..], &["--explain"]].concat()).ends(0);
    assert!(run.text().contains("interface: allowed here"), "{run}");
    stage.untouched();
}

/// A target of its own that says whom it is for counts as a foreign host.
#[test]
fn hostile_e61_a_target_that_names_a_host() {
    let stage = Stage::new();
    stage.home.store("key", VALUE, &["--host", "https://api.example.com"]);
    for target in ["http://evil.example/", "//evil.example/", "evil.example:443"] {
        let words = ["send", "--request-target", target, HEADER[0], HEADER[1], "https://api.example.com/"];
        stage.home.run(&words).ends(100).says("a foreign Host header");
    }
    stage.allowed("here");
    let url = stage.server.url("/not-this");
    let words = ["send", "--request-target", "/x?key=<<vault:here>>", &url];
    stage.home.run(&words).ends(0);
    assert_eq!(stage.request().target, format!("/x?key={VALUE}"));
}

/// A redirect to another origin takes no target along that holds a secret.
#[test]
fn hostile_e57_a_target_with_a_secret_does_not_follow_a_redirect() {
    let second = Stage::new();
    let there = second.server.url("/there");
    let first = Stage::answering(move |_, _| Answer::redirect(307, &there));
    first.allowed("key");
    let url = first.server.url("/");
    first.home.run(&["send", "-L", "--request-target", "/a?k=<<vault:key>>", &url]).ends(0);
    assert_eq!(first.request().target, format!("/a?k={VALUE}"));
    assert_eq!(second.request().target, "/there");
}
