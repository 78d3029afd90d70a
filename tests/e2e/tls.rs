//! Servers that do not prove who they are: nothing of a request reaches them, and a person reads why.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener};
use std::process::{Command, Stdio};
use std::thread;

use subrosa_testkit::{CaptureOptions, CaptureServer, CertificateFault, needs};

use crate::home::{Home, contains, text};
use crate::stage::{Stage, VALUE};

#[test]
fn hostile_e64_certificates_that_prove_nothing() {
    let bad = |fault| CaptureOptions { fault, ..CaptureOptions::tls_for(&["api.example.com"]) };
    let stranger = "nobody who is trusted here has issued it";
    for (options, trusted, said) in [
        (bad(CertificateFault::Expired), true, "it expired on 2002-01-01"),
        (bad(CertificateFault::ExpiredSelfSigned), true, "it expired on 2002-01-01"),
        (bad(CertificateFault::NotYetValid), true, "it is not valid before 2090-01-01"),
        (bad(CertificateFault::WrongPurpose), true, "it is not meant for a server"),
        (bad(CertificateFault::SelfSigned), false, "it is that of a CA, or signed by itself"),
        (bad(CertificateFault::None), false, stranger),
        (CaptureOptions::tls_for(&["evil.com"]), true, "it is not for this host but for evil.com"),
        (CaptureOptions::tls_for(&["*.api.example.com"]), true, "but for *.api.example.com"),
    ] {
        let home = Home::new();
        home.store("key", VALUE, &["--host", "https://api.example.com"]);
        let server = CaptureServer::start(options);
        let (to, ca) = (format!("::{}", server.addr()), text(&server.ca_path()));
        let mut words =
            vec!["send", "--connect-to", &to, "https://api.example.com/", "-H", "X-Key: <<vault:key>>"];
        if trusted {
            words.extend(["--cacert", &ca]);
        }
        let run =
            home.run(&words).ends(60).says("the certificate of api.example.com is not trusted: ").says(said);
        assert!(!run.shows(VALUE) && !run.err.contains("Error("), "{run}");
        assert_eq!((server.requests(), server.bytes()), (Vec::new(), 0), "{run}");
    }
}

/// Answers the first bytes of one connection with these, and hands over how much came in all.
fn answering_once(answer: Vec<u8>) -> (u16, thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("the port").port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut came = vec![0; 4096];
        let count = stream.read(&mut came).expect("a greeting");
        came.truncate(count);
        stream.write_all(&answer).expect("the answer goes out");
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read_to_end(&mut came);
        came
    });
    (port, server)
}

#[test]
fn hostile_e64_what_is_no_safe_tls() {
    // a ServerHello of TLS 1.1 (RFC 4346, 7.4.1.3): version, random, no session, a suite, no compression
    let hello = [&[2, 0, 0, 38, 3, 2][..], &[7; 32], &[0, 0, 0x2f, 0]].concat();
    let old = [&[22, 3, 2, 0, 42][..], &hello].concat();
    for (answer, said) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "what answers on this port does not speak TLS"),
        (old, "it speaks no TLS that is safe, which is 1.2 and newer"),
        (vec![21, 3, 2, 0, 2, 2, 70], "it speaks no TLS that is safe, which is 1.2 and newer"),
        (vec![21, 3, 3, 0, 2, 2, 40], "it offers no encryption that is safe"),
        (vec![21, 3, 3, 0, 2, 2, 112], "it knows no host of that name"),
        (Vec::new(), "the connection was closed in the middle of it"),
    ] {
        let home = Home::new();
        let (port, server) = answering_once(answer);
        let url = format!("https://127.0.0.1:{port}");
        home.store("key", VALUE, &["--host", &url]);
        let run = home.run(&["send", "-k", &url, "-H", "X-Key: <<vault:key>>"]).ends(35);
        let run = run.says("no TLS connection to 127.0.0.1: ").says(said);
        let came = server.join().expect("the server ends");
        assert!(!run.shows(VALUE) && !contains(&came, VALUE.as_bytes()), "{run}");
    }
}

/// Plain http to a port of TLS is said to be that.
#[test]
fn a_server_that_speaks_tls_is_told_from_one_that_speaks_nothing() {
    let stage = Stage::tls(&["127.0.0.1"]);
    let url = stage.server.url("/").replace("https:", "http:");
    stage.send(&[&url]).ends(1).says("127.0.0.1 speaks TLS on this port").says("https://");
}

/// A server that speaks TLS 1.1 and nothing newer, by OpenSSL.
#[test]
fn hostile_e64_a_real_server_of_old_versions() {
    if !needs(&["python3"]) {
        return;
    }
    let server = CaptureServer::start(CaptureOptions::tls_for(&["127.0.0.1"]));
    let (certificate, key) = server.client_identity();
    const SERVER: &str = "import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.set_ciphers('ALL:@SECLEVEL=0')
context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
context.load_cert_chain(sys.argv[1], sys.argv[2])
server = socket.create_server(('127.0.0.1', 0))
print(server.getsockname()[1], flush=True)
while True:
    client, _ = server.accept()
    try:
        print(context.wrap_socket(client, server_side=True).recv(65536), flush=True)
    except OSError:
        pass
";
    let mut process = Command::new("python3");
    process.args(["-W", "ignore", "-c", SERVER, &text(&certificate), &text(&key)]).stdout(Stdio::piped());
    let mut process = process.spawn().expect("python3");
    let mut port = String::new();
    let out = process.stdout.as_mut().expect("its output");
    BufReader::new(out).read_line(&mut port).expect("its port");
    let home = Home::new();
    let url = format!("https://127.0.0.1:{}", port.trim());
    home.store("key", VALUE, &["--host", &url]);
    for flag in ["-k", "--tlsv1.0", "--tlsv1.1"] {
        let run = home.run(&["send", "-k", flag, &url, "-H", "X-Key: <<vault:key>>"]).ends(35);
        assert!(!run.shows(VALUE) && run.err.contains("it speaks no TLS that is safe"), "{run}");
    }
    let _ = process.kill();
    let _ = process.wait();
}

/// A stranger has the certificate, which everybody can see, and not its key.
#[test]
fn hostile_e64_a_pinned_certificate_without_its_key() {
    let real = CaptureServer::start(CaptureOptions::tls_for(&["127.0.0.1"]));
    let stranger = CaptureServer::start(CaptureOptions::tls_for(&["127.0.0.1"]).showing_that_of(&real));
    let (url, pin) = (stranger.url("/"), text(&real.public_key_path()));
    let home = Home::new();
    home.store("key", VALUE, &["--host", &stranger.url("")]);
    // without a pin, -k takes it
    home.run(&["send", "-k", &url]).ends(0);
    let before = stranger.bytes();
    let words = ["send", "-k", "--pinnedpubkey", &pin, &url, "-H", "X-Key: <<vault:key>>"];
    let run = home.run(&words);
    assert!([35, 60].contains(&run.code) && !run.shows(VALUE), "{run}");
    assert_eq!(stranger.bytes(), before);
}

/// The hint says what to write.
#[test]
fn a_server_that_wants_a_client_certificate_says_so() {
    let options = CaptureOptions { client_certificate: true, ..CaptureOptions::tls_for(&["127.0.0.1"]) };
    let stage = Stage::with(options);
    let ca = text(&stage.server.ca_path());
    for version in ["1.2", "1.3"] {
        let words = ["--http1.1", "--cacert", &ca, "--tls-max", version];
        let run = stage.send_here(&words, "/").ends(35);
        let run =
            run.says("it wants a client certificate that it accepts").says("hint: --cert FILE shows one");
        assert!(!run.err.contains("CertificateRequired"), "{run}");
    }
}
