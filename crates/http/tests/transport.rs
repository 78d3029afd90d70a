//! The transport by itself: connections, limits, bodies, errors and what it tells of itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use subrosa_http::blocking::Client;
use subrosa_http::{
    Body, BodyKind, BoxError, Clock, Connection, ConnectionOptions, Event, HttpError, Identity, Limits,
    Observer, Protocol, RequestDraft, Resolve, Sending, Text, Trust, Unobserved, Version, read_identity_file,
};
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, CertificateFault, Folder};
use support::{body, clock, send};

fn error_of(draft: &RequestDraft, connection: &Arc<Connection>) -> HttpError {
    send(draft, connection).expect_err("an error")
}

fn raw(bytes: &'static [u8]) -> CaptureServer {
    CaptureServer::start(CaptureOptions::default().answering(move |_, _| Answer::raw(bytes)))
}

/// What the first response with these bytes comes to.
fn outcome(bytes: &'static [u8]) -> Result<(u16, String), (&'static str, Option<u8>)> {
    let server = raw(bytes);
    send(&RequestDraft::new(server.url("/")), &Connection::plain())
        .map(|(status, body)| (status, String::from_utf8(body).unwrap()))
        .map_err(|error| (error.kind(), error.curl_code()))
}

fn ok(body: &str) -> Result<(u16, String), (&'static str, Option<u8>)> {
    Ok((200, body.to_owned()))
}

#[test]
fn responses_end_where_http_says() {
    assert_eq!(outcome(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokEXTRA"), ok("ok"));
    assert_eq!(
        outcome(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        ok("ok")
    );
    assert_eq!(outcome(b"HTTP/1.0 200 OK\r\n\r\nok"), ok("ok"));
    assert_eq!(outcome(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), ok("ok"));
    assert_eq!(outcome(b"HTTP/1.1 204 No\r\n\r\n"), Ok((204, String::new())));
}

#[test]
fn damaged_responses_have_curls_codes() {
    assert_eq!(outcome(b""), Err(("empty_reply", Some(52))));
    assert_eq!(outcome(b"SSH-2.0-x\r\n"), Err(("not_http", Some(1))));
    assert_eq!(outcome(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), Err(("partial", Some(18))));
    assert_eq!(
        outcome(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"),
        Err(("partial", Some(18)))
    );
    assert_eq!(
        outcome(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhe"),
        Err(("receive", Some(56)))
    );
    assert_eq!(outcome(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok"), Err(("reply", Some(8))));
    assert_eq!(outcome(b"HTTP/1.1 200 OK\r\nContent-Le"), Err(("receive", Some(56))));
}

#[test]
fn hostile_e62_responses_of_a_hostile_server_are_bounded() {
    let answered = |bytes: Vec<u8>| {
        let server =
            CaptureServer::start(CaptureOptions::default().answering(move |_, _| Answer::raw(bytes.clone())));
        error_of(&RequestDraft::new(server.url("/")), &Connection::plain()).kind()
    };
    assert_eq!(answered(b"HTTP/1.1 103 Early\r\n\r\n".repeat(1000)), "reply");
    let mut endless = b"HTTP/1.1 200 OK\r\nX: ".to_vec();
    endless.resize(2 << 20, b'a');
    assert_eq!(answered(endless), "reply");
    let mut many = b"HTTP/1.1 200 OK\r\n".to_vec();
    many.extend(b"a:b\r\n".repeat(20_000));
    many.extend(b"\r\n");
    assert_eq!(answered(many), "reply");
    let mut trailers = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n".to_vec();
    trailers.extend(b"a:b\r\n".repeat(20_000));
    assert_eq!(answered(trailers), "receive");
    let twice = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok";
    assert_eq!(answered(twice.to_vec()), "reply");
    let folded = b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n gzip,\r\n chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(answered(folded.to_vec()), "reply");
}

/// Interim heads are kept until the final one: together they are no longer than one head may be.
#[test]
fn hostile_e62_interim_heads_are_bounded_in_all() {
    let answered = |lengths: &[usize]| {
        let head =
            |length: &usize| format!("HTTP/1.1 103 Early Hints\r\nX: {}\r\n\r\n", "a".repeat(length - 33));
        let mut bytes: String = lengths.iter().map(head).collect();
        bytes.push_str("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        let server = CaptureServer::start(
            CaptureOptions::default().answering(move |_, _| Answer::raw(bytes.clone().into_bytes())),
        );
        send(&RequestDraft::new(server.url("/")), &Connection::plain())
            .map(|(status, _)| status)
            .map_err(|error| (error.kind(), error.curl_code()))
    };
    const KIB: usize = 1024;
    assert_eq!(answered(&[30 * KIB; 10]), Ok(200), "300 KiB");
    assert_eq!(answered(&[300 * KIB - 1000, 1000]), Ok(200));
    assert_eq!(answered(&[300 * KIB - 1000, 1001]), Err(("reply", Some(8))));
    assert_eq!(answered(&[30 * KIB; 11]), Err(("reply", Some(8))));
    assert_eq!(answered(&[300 * KIB + 1]), Err(("reply", Some(8))));
    assert_eq!(answered(&[4 * KIB; 64]), Ok(200), "64 of them");
    assert_eq!(answered(&[40; 65]), Err(("reply", Some(8))));
}

#[test]
fn hostile_e62_nothing_behind_a_doubtful_body_is_read_as_the_next_answer() {
    let smuggled = b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let behind =
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    for first in [&smuggled[..], behind] {
        let server = CaptureServer::start(CaptureOptions::default().answering(move |place, _| {
            if place == 0 { Answer::raw(first).left_open() } else { Answer::ok("good") }
        }));
        let (client, connection) = (Client::new().unwrap(), Connection::plain());
        let again = || {
            let request = RequestDraft::new(server.url("/")).fill(&connection, &()).unwrap();
            body(client.send(&request, &clock(), &mut Unobserved).unwrap()).unwrap()
        };
        again();
        assert_eq!(again(), b"good");
        assert_eq!(server.connections(), 2);
    }
}

#[test]
fn failures_before_the_exchange_have_curls_codes() {
    let code = |url: &str, connection: &Arc<Connection>| {
        let error = error_of(&RequestDraft::new(url), connection);
        (error.kind(), error.curl_code())
    };
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    assert_eq!(code(&format!("http://127.0.0.1:{port}/"), &Connection::plain()), ("connect", Some(7)));
    assert_eq!(code("http://no-such-host.invalid/", &Connection::plain()), ("resolve", Some(6)));
    assert_eq!(code("http://a b/", &Connection::plain()), ("url_malformed", Some(3)));
    assert_eq!(code("wss://api.example.com/", &Connection::plain()), ("scheme_unsupported", Some(1)));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let https = format!("https://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 16]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad\r\n\r\n").unwrap();
    });
    let insecure = ConnectionOptions { trust: Trust::InsecureAnybody, ..ConnectionOptions::default() };
    assert_eq!(code(&https, &Connection::new(insecure)), ("tls", Some(35)));
    server.join().unwrap();
}

#[test]
fn files_of_trust_and_identity_have_curls_codes() {
    let folder = Folder::new();
    let empty = folder.write("empty.pem", "");
    for path in [folder.join("missing.pem"), empty.clone()] {
        let error = Trust::from_ca_file(&path).err().unwrap();
        assert_eq!((error.kind(), error.curl_code()), ("ca_file", Some(77)));
    }
    let error = read_identity_file(&folder.join("missing.pem")).err().unwrap();
    assert_eq!((error.kind(), error.curl_code()), ("client_certificate", Some(58)));
    assert!(error.to_string().contains("missing.pem"), "{error}");
}

#[test]
fn a_client_certificate_is_shown_when_asked_for() {
    for http2 in [true, false] {
        let options = CaptureOptions { client_certificate: true, http2, ..CaptureOptions::tls() };
        let server = CaptureServer::start(options);
        let (certificate, key) = server.client_identity();
        let read = |path| read_identity_file(path).unwrap();
        let identity = Identity::from_pem(&read(&certificate), &read(&key), None).unwrap();
        let with =
            support::with_ca(&server, ConnectionOptions { identity: Some(identity), ..Default::default() });
        assert_eq!(send(&RequestDraft::new(server.url("/")), &with).unwrap().0, 200);
        assert!(send(&RequestDraft::new(server.url("/")), &support::trusting(&server)).is_err());
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_self_signed_certificate_can_be_its_own_ca() {
    let options = CaptureOptions { fault: CertificateFault::SelfSigned, ..CaptureOptions::tls() };
    let server = CaptureServer::start(options.clone());
    assert_eq!(send(&RequestDraft::new(server.url("/")), &support::trusting(&server)).unwrap().0, 200);
    let named = CaptureServer::start(CaptureOptions { tls: Some(vec!["other.example".into()]), ..options });
    let error = error_of(&RequestDraft::new(named.url("/")), &support::trusting(&named));
    assert_eq!(error.kind(), "certificate", "the name still counts");
}

#[test]
fn ipv6_and_localhost_are_reached() {
    let server = CaptureServer::start(CaptureOptions { ipv6: true, ..CaptureOptions::default() });
    assert_eq!(send(&RequestDraft::new(server.url("/")), &Connection::plain()).unwrap().0, 200);
    let localhost = format!("http://localhost:{}/", server.port());
    assert_eq!(send(&RequestDraft::new(localhost), &Connection::plain()).unwrap().0, 200);
    let four = CaptureServer::start(CaptureOptions::default());
    let localhost = format!("http://LOCALHOST:{}/", four.port());
    assert_eq!(send(&RequestDraft::new(localhost), &Connection::plain()).unwrap().0, 200);
    assert_eq!(server.requests()[0].header("host"), [format!("[::1]:{}", server.port()).as_bytes()]);
}

#[test]
fn an_address_that_refuses_is_followed_by_the_next() {
    let server = CaptureServer::start(CaptureOptions::default());
    let resolve = Resolve::parse(&format!("api.example.com:{}:[::1],127.0.0.1", server.port())).unwrap();
    let connection = Connection::new(ConnectionOptions { resolve: vec![resolve], ..Default::default() });
    let url = format!("http://api.example.com:{}/", server.port());
    assert_eq!(send(&RequestDraft::new(url), &connection).unwrap().0, 200);
}

#[test]
fn connections_are_used_again() {
    for options in [CaptureOptions::default(), CaptureOptions::tls()] {
        for protocol in [Protocol::Http2, Protocol::Http11] {
            let server = CaptureServer::start(options.clone());
            let trust = match options.tls {
                Some(_) => Trust::from_ca_file(&server.ca_path()).unwrap(),
                None => Trust::System,
            };
            let connection = Connection::new(ConnectionOptions { trust, protocol, ..Default::default() });
            let client = Client::new().unwrap();
            for _ in 0..20 {
                let request = RequestDraft::new(server.url("/")).fill(&connection, &()).unwrap();
                body(client.send(&request, &clock(), &mut Unobserved).unwrap()).unwrap();
            }
            assert_eq!((server.connections(), server.requests().len()), (1, 20));
        }
    }
}

/// Whoever asks a thousand hosts does not need a thousand file descriptors.
#[test]
fn the_connections_that_are_kept_are_bounded_in_all() {
    let server = CaptureServer::start(CaptureOptions::default());
    let resolve = vec![Resolve::parse(&format!("*:{}:127.0.0.1", server.port())).unwrap()];
    let connection = Connection::new(ConnectionOptions { resolve, ..Default::default() });
    let client = Client::new().unwrap();
    let go = |host: usize| {
        let url = format!("http://host{host}.test:{}/", server.port());
        let request = RequestDraft::new(url).fill(&connection, &()).unwrap();
        body(client.send(&request, &clock(), &mut Unobserved).unwrap()).unwrap();
        server.connections()
    };
    assert_eq!((0..65).map(go).last(), Some(65));
    assert_eq!(go(1), 65, "the second is still there");
    assert_eq!(go(0), 66, "the first made room");
}

#[test]
fn a_connection_that_died_in_the_pool_is_replaced_for_requests_that_may_repeat() {
    let close = |place: usize| if place == 0 { Answer::ok("ok").then_close() } else { Answer::ok("ok") };
    let server = CaptureServer::start(CaptureOptions::default().answering(move |place, _| close(place)));
    let client = Client::new().unwrap();
    let mut draft = RequestDraft::new(server.url("/"));
    draft.body = Some(Body::of(BodyKind::Form, "x"));
    for _ in 0..2 {
        let request = draft.fill(&Connection::plain(), &()).unwrap();
        body(client.send(&request, &clock(), &mut Unobserved).unwrap()).unwrap();
    }
    assert_eq!((server.connections(), server.requests().len()), (2, 2), "a closed one is never handed out");

    // the server reads the second request and closes without an answer
    let answers = |place: usize| if place == 1 { Answer::raw("") } else { Answer::ok("ok") };
    for (method, sent) in [("GET", 3), ("POST", 2)] {
        let server =
            CaptureServer::start(CaptureOptions::default().answering(move |place, _| answers(place)));
        let connection = Connection::plain();
        let client = Client::new().unwrap();
        let mut draft = RequestDraft::new(server.url("/"));
        draft.method = Some(method.to_owned());
        let again = || {
            let request = draft.fill(&connection, &()).unwrap();
            body(client.send(&request, &clock(), &mut Unobserved)?)
        };
        again().unwrap();
        assert_eq!(again().is_ok(), method == "GET");
        assert_eq!(server.requests().len(), sent, "{method}");
    }
}

#[test]
fn large_bodies_go_both_ways_at_once() {
    let large: Vec<u8> = (0..8_u32 << 20).map(|index| (index % 251) as u8).collect();
    for options in [
        CaptureOptions::default(),
        CaptureOptions::tls(),
        CaptureOptions { http2: false, ..CaptureOptions::tls() },
    ] {
        let server = CaptureServer::start(options.answering(|_, captured| Answer::ok(captured.body.clone())));
        let trust = if server.url("").starts_with("https") {
            Trust::from_ca_file(&server.ca_path()).unwrap()
        } else {
            Trust::System
        };
        let connection = Connection::new(ConnectionOptions { trust, ..Default::default() });
        let mut draft = RequestDraft::new(server.url("/"));
        draft.body = Some(Body::of(BodyKind::Upload, Text::literal(large.clone())));
        let (status, echoed) = send(&draft, &connection).unwrap();
        assert!(status == 200 && echoed == large);
    }
}

#[test]
fn an_answer_before_the_end_of_the_request_is_read() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let mut some = [0; 1024];
        stream.read_exact(&mut some).unwrap();
        stream.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig").unwrap();
        thread::sleep(Duration::from_millis(300));
    });
    let mut draft = RequestDraft::new(url);
    draft.body = Some(Body::of(BodyKind::Upload, Text::literal(vec![b'x'; 64 << 20])));
    assert_eq!(send(&draft, &Connection::plain()).unwrap(), (413, b"big".to_vec()));
    server.join().unwrap();
}

#[test]
fn time_limits_are_kept() {
    let limited = |server: &CaptureServer, limits: Limits| {
        let request = RequestDraft::new(server.url("/")).fill(&Connection::plain(), &()).unwrap();
        let client = Client::new().unwrap();
        let outcome = client.send(&request, &Clock::start(&limits), &mut Unobserved);
        outcome.and_then(body).err().map(|error| (error.kind(), error.curl_code()))
    };
    let total = Limits { total: Some(Duration::from_millis(200)), ..Limits::default() };
    let late = Answer::ok("late").after(Duration::from_secs(30));
    let slow = CaptureServer::start(CaptureOptions::default().answering(move |_, _| late.clone()));
    assert_eq!(limited(&slow, total), Some(("timeout", Some(28))));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("https://{}/", listener.local_addr().unwrap());
    let options = ConnectionOptions { trust: Trust::InsecureAnybody, ..Default::default() };
    let request = RequestDraft::new(silent).fill(&Connection::new(options), &()).unwrap();
    let connect = Limits { connect: Some(Duration::from_millis(200)), ..Limits::default() };
    let client = Client::new().unwrap();
    let error = client.send(&request, &Clock::start(&connect), &mut Unobserved).err().unwrap();
    assert_eq!(error.to_string(), "timed out while connecting", "TLS is part of connecting");
}

/// Notes what it is told.
#[derive(Default)]
struct Log {
    lines: Vec<String>,
    stop: bool,
}

impl Observer for Log {
    fn event(&mut self, event: Event<'_>) {
        self.lines.push(match event {
            Event::Resolved { addresses, .. } => format!("resolved {}", addresses.len()),
            Event::Trying { .. } => "trying".to_owned(),
            Event::Connected { host, at, .. } => format!("connected {host} {at}"),
            Event::Tls(facts) => {
                let certificate = facts.certificate.as_ref().unwrap();
                format!("{} {:?} {} | {}", facts.version, facts.alpn, certificate.subject, certificate.issuer)
            }
            Event::Reused { .. } => "reused".to_owned(),
            Event::RequestHead(head) => String::from_utf8_lossy(head).lines().next().unwrap().to_owned(),
            Event::RequestBody(body) => format!("body {}", body.len()),
            Event::ResponseHead(head) => {
                String::from_utf8_lossy(&head.raw).lines().next().unwrap().to_owned()
            }
            _ => "other".to_owned(),
        });
    }

    fn before_send(&mut self, sending: &Sending<'_>) -> Result<(), BoxError> {
        self.lines.push(format!("before_send {}", sending.origin.split(':').next().unwrap()));
        if self.stop { Err("the audit cannot be written".into()) } else { Ok(()) }
    }
}

#[test]
fn events_come_in_order() {
    let server = CaptureServer::start(CaptureOptions::tls());
    let mut draft = RequestDraft::new(server.url("/p"));
    draft.body = Some(Body::of(BodyKind::Form, "abc"));
    let connection = support::trusting(&server);
    let mut log = Log::default();
    let client = Client::new().unwrap();
    for _ in 0..2 {
        let request = draft.fill(&connection, &()).unwrap();
        body(client.send(&request, &clock(), &mut log).unwrap()).unwrap();
    }
    let exchange = ["before_send https", "POST /p HTTP/2", "body 3", "HTTP/2 200 "];
    let mut expected = vec![
        "resolved 1",
        "trying",
        "connected 127.0.0.1 127.0.0.1",
        "TLSv1.3 Some(\"h2\") CN=localhost; O=subrosa tests | CN=subrosa test CA",
    ];
    expected.extend(exchange);
    expected.push("reused");
    expected.extend(exchange);
    assert_eq!(log.lines, expected);
}

/// Answers one request on each connection. The first is closed, without having said so, when it is told to.
fn closing_server(close: mpsc::Receiver<()>, closed: mpsc::Sender<()>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        loop {
            let (mut stream, _) = listener.accept().unwrap();
            let mut received = [0; 4096];
            assert!(stream.read(&mut received).unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
            let _ = close.recv();
            drop(stream);
            let _ = closed.send(());
        }
    });
    port
}

/// A method that may not be repeated must not meet a connection that is closed already.
#[test]
fn a_connection_that_was_closed_meanwhile_is_not_used_again() {
    let ((close, told), (closes, closed)) = (mpsc::channel(), mpsc::channel());
    let port = closing_server(told, closes);
    let connection = Connection::plain();
    let mut draft = RequestDraft::new(format!("http://127.0.0.1:{port}/"));
    draft.body = Some(Body::of(BodyKind::Form, "abc"));
    let mut log = Log::default();
    let client = Client::new().unwrap();
    for round in 0..2 {
        let request = draft.fill(&connection, &()).unwrap();
        assert_eq!(body(client.send(&request, &clock(), &mut log).unwrap()).unwrap(), b"ok");
        if round == 0 {
            close.send(()).unwrap();
            closed.recv().unwrap();
        }
    }
    assert!(!log.lines.contains(&"reused".to_owned()), "{:?}", log.lines);
}

#[test]
fn a_hook_that_says_no_keeps_the_request_here() {
    for options in [CaptureOptions::default(), CaptureOptions::tls()] {
        let server = CaptureServer::start(options.clone());
        let connection = if options.tls.is_some() { support::trusting(&server) } else { Connection::plain() };
        let request = RequestDraft::new(server.url("/")).fill(&connection, &()).unwrap();
        let mut log = Log { stop: true, ..Log::default() };
        let error = Client::new().unwrap().send(&request, &clock(), &mut log).err().unwrap();
        assert_eq!((error.kind(), error.curl_code()), ("stopped_before_send", None));
        assert!(server.requests().is_empty());
    }
}

#[test]
fn compressed_bodies_are_decoded_when_asked() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&b"text ".repeat(1000)).unwrap();
    let packed = encoder.finish().unwrap();
    let answer = packed.clone();
    let server = CaptureServer::start(
        CaptureOptions::default()
            .answering(move |_, _| Answer::ok(answer.clone()).with("Content-Encoding", "gzip")),
    );
    let mut draft = RequestDraft::new(server.url("/"));
    draft.accept_encoding = Some("deflate, gzip".to_owned());
    assert_eq!(send(&draft, &Connection::plain()).unwrap().1, packed, "as received unless asked");
    assert_eq!(server.requests()[0].header("accept-encoding"), [b"deflate, gzip"]);
    let request = draft.fill(&Connection::plain(), &()).unwrap();
    let client = Client::new().unwrap();
    let mut response = client.send(&request, &clock(), &mut Unobserved).unwrap();
    response.decode();
    assert_eq!(body(response).unwrap(), b"text ".repeat(1000));
}

#[test]
fn figures_are_told() {
    let server = CaptureServer::start(CaptureOptions::tls());
    let request = RequestDraft::new(server.url("/")).fill(&support::trusting(&server), &()).unwrap();
    let client = Client::new().unwrap();
    let mut response = client.send(&request, &clock(), &mut Unobserved).unwrap();
    while response.chunk().unwrap().is_some() {}
    let times = response.timings();
    let order = [
        times.name_lookup,
        times.connect,
        times.app_connect,
        times.pre_transfer,
        times.start_transfer,
        times.total,
    ];
    assert!(order.is_sorted() && order[1] > Duration::ZERO, "{order:?}");
    assert_eq!((response.sizes().response_body, response.ends().remote), (2, Some(server.addr())));
    assert_eq!(
        (response.head().version, response.head().version.to_string().as_str()),
        (Version::Http2, "2")
    );
}
