//! Bodies that are read while they are sent: files and streams, over both versions of HTTP.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use subrosa_http::blocking::Client;
use subrosa_http::{
    Body, BodyKind, Connection, ConnectionOptions, HeaderField, Protocol, RequestDraft, Source,
};
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer};
use support::{Judge, body, clock, send};

const LONG: usize = 3 << 20;

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn upload(url: String, source: Source) -> RequestDraft {
    let mut draft = RequestDraft::new(url);
    draft.body = Some(Body::upload(source));
    draft
}

/// A stream that is at its end only after it has given so much.
fn stream(length: usize) -> Source {
    Source::stream(std::io::Cursor::new(pattern(length)), "standard input")
}

/// Both versions of HTTP, with a server each.
fn versions() -> Vec<(CaptureServer, Arc<Connection>)> {
    let server = || CaptureServer::start(CaptureOptions::tls());
    let (first, second) = (server(), server());
    let options = ConnectionOptions { protocol: Protocol::Http11, ..ConnectionOptions::default() };
    let (old, new) = (support::with_ca(&first, options), support::trusting(&second));
    vec![(first, old), (second, new)]
}

#[test]
fn a_file_arrives_whole() {
    for (server, connection) in versions() {
        for length in [0, 1, LONG] {
            let bytes = pattern(length);
            let source = Source::file(file_of(&bytes), "big").unwrap();
            assert_eq!(send(&upload(server.url("/up"), source), &connection).unwrap().0, 200);
            let captured = server.requests().pop().unwrap();
            assert_eq!(captured.method, "PUT");
            assert_eq!(captured.header("content-length"), [length.to_string().as_bytes()]);
            assert!(captured.body == bytes, "{length} bytes over {}", captured.version);
        }
    }
}

#[test]
fn a_stream_goes_in_chunks_over_http1_and_without_a_length_over_http2() {
    for (server, connection) in versions() {
        assert_eq!(send(&upload(server.url("/up"), stream(LONG)), &connection).unwrap().0, 200);
        let captured = server.requests().pop().unwrap();
        let chunked: &[&[u8]] = if captured.version == "HTTP/2" { &[] } else { &[b"chunked"] };
        assert_eq!(captured.header("transfer-encoding"), chunked);
        assert!(captured.header("content-length").is_empty());
        assert!(captured.body == pattern(LONG), "{}", captured.version);
    }
}

#[test]
fn text_and_files_make_one_body() {
    let server = CaptureServer::start(CaptureOptions::default());
    let mut draft = RequestDraft::new(server.url("/"));
    let mut whole = Body::of(BodyKind::Form, "a=<<vault:key>>");
    whole.append_source(Source::file(file_of(b"<<vault:key>>"), "literal").unwrap());
    whole.append("b");
    draft.body = Some(whole);
    send(&draft, &Connection::plain()).unwrap();
    let captured = server.requests().pop().unwrap();
    let expected = format!("a={}&<<vault:key>>&b", support::CANARY);
    assert_eq!(String::from_utf8_lossy(&captured.body), expected);
    assert_eq!(captured.header("content-length"), [expected.len().to_string().as_bytes()]);
}

#[test]
fn redirects_send_a_file_again_and_a_stream_not() {
    for status in [307, 308] {
        let server = CaptureServer::start(CaptureOptions::default().answering(move |place, _| {
            if place % 2 == 0 { Answer::redirect(status, "/next") } else { Answer::ok("ok") }
        }));
        let bytes = pattern(200_000);
        let source = Source::file(file_of(&bytes), "big").unwrap();
        let draft = upload(server.url("/first"), source);
        assert_eq!(Judge::allowing(&[]).follow(&draft, &Connection::plain()).unwrap(), 200);
        assert!(server.requests().iter().all(|captured| captured.body == bytes));
        assert_eq!(server.requests()[1].target, "/next");

        let draft = upload(server.url("/first"), stream(1000));
        let error = Judge::allowing(&[]).follow(&draft, &Connection::plain()).unwrap_err();
        assert_eq!((error.kind(), error.curl_code()), ("body_not_repeatable", Some(65)));
        assert_eq!(server.requests().len(), 3, "nothing of the second attempt was sent");
    }
}

#[test]
fn a_dead_connection_costs_no_byte_of_a_file() {
    let server =
        CaptureServer::start(CaptureOptions::default().answering(|_, _| Answer::ok("ok").then_close()));
    let client = Client::new().unwrap();
    let bytes = pattern(100_000);
    for _ in 0..3 {
        let draft = upload(server.url("/up"), Source::file(file_of(&bytes), "big").unwrap());
        let request = draft.fill(&Connection::plain(), &()).unwrap();
        let response = client.send(&request, &clock(), &mut subrosa_http::Unobserved).unwrap();
        body(response).unwrap();
    }
    assert!(server.requests().len() == 3 && server.requests().iter().all(|one| one.body == bytes));
}

#[test]
fn hostile_a_file_that_shrinks_or_grows_never_arrives_whole() {
    for (server, connection) in versions() {
        for change in [-100_i64, 100] {
            let file = file_of(&pattern(LONG));
            let source = Source::file(file.try_clone().unwrap(), "log").unwrap();
            let draft = upload(server.url("/up"), source);
            let request = draft.fill(&connection, &()).unwrap();
            file.set_len(LONG.checked_add_signed(change as isize).unwrap() as u64).unwrap();
            let client = Client::new().unwrap();
            let sent = client.send(&request, &clock(), &mut subrosa_http::Unobserved).map(drop);
            let error = sent.unwrap_err();
            assert_eq!((error.kind(), error.curl_code()), ("body_changed", Some(26)));
            assert_eq!(error.to_string(), "log changed its length while it was sent");
        }
        let whole = server.requests().iter().any(|captured| captured.body.len() >= LONG);
        assert!(!whole, "the server took a part for the whole");
    }
}

#[test]
fn a_stream_that_breaks_ends_the_request() {
    struct Breaks(usize);
    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 += 1;
            if self.0 > 3 { Err(std::io::Error::other("gone")) } else { Ok(buffer.len()) }
        }
    }
    for (server, connection) in versions() {
        let draft = upload(server.url("/up"), Source::stream(Breaks(0), "pipe"));
        let error = send(&draft, &connection).unwrap_err();
        assert_eq!((error.kind(), error.curl_code()), ("body_unreadable", Some(26)), "{error}");
    }
}

/// Serves one connection by hand: reads the head, then does as it is told.
fn by_hand(serve: impl FnOnce(&mut TcpStream) + Send + 'static) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/up", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        serve(&mut stream);
    });
    (url, thread)
}

/// The head of a request, and what of its body came with it.
fn read_head(stream: &mut TcpStream) -> Vec<u8> {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&seen));
        seen.push(byte[0]);
    }
    seen
}

#[test]
fn an_answer_before_the_end_stops_the_upload() {
    let (url, server) = by_hand(|stream| {
        read_head(stream);
        stream.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nsize").unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(rest.len() < 64 << 20, "{} bytes came nonetheless", rest.len());
    });
    let mut endless = upload(url, Source::stream(std::io::repeat(7), "standard input"));
    endless.headers.push(HeaderField::removed("Expect"));
    let (status, answer) = send(&endless, &Connection::plain()).unwrap();
    assert_eq!((status, &answer[..]), (413, &b"size"[..]));
    server.join().unwrap();
}

#[test]
fn a_server_that_wants_the_body_is_not_kept_waiting() {
    let (url, server) = by_hand(|stream| {
        let head = String::from_utf8(read_head(stream)).unwrap();
        assert!(head.ends_with("\r\nExpect: 100-continue\r\n\r\n"), "{head}");
        stream.set_nonblocking(true).unwrap();
        assert!(stream.peek(&mut [0]).is_err(), "the body came unasked");
        stream.set_nonblocking(false).unwrap();
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        let mut body = [0; 5];
        stream.read_exact(&mut body).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let mut draft = upload(url, Source::file(file_of(b"hello"), "small").unwrap());
    draft.expect_timeout = Duration::from_secs(1000);
    assert_eq!(send(&draft, &Connection::plain()).unwrap().0, 200);
    server.join().unwrap();
}

#[test]
fn a_server_that_says_nothing_gets_the_body_in_the_end() {
    let (url, server) = by_hand(|stream| {
        read_head(stream);
        let mut body = [0; 5];
        stream.read_exact(&mut body).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let mut draft = upload(url, Source::file(file_of(b"hello"), "small").unwrap());
    draft.expect_timeout = Duration::from_millis(50);
    assert_eq!(send(&draft, &Connection::plain()).unwrap().0, 200);
    server.join().unwrap();
}

#[test]
fn a_refused_body_does_not_leave() {
    let (url, server) = by_hand(|stream| {
        read_head(stream);
        stream.write_all(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n").unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty(), "{} bytes came nonetheless", rest.len());
    });
    let draft = upload(url, Source::file(file_of(b"hello"), "small").unwrap());
    assert_eq!(send(&draft, &Connection::plain()).unwrap().0, 401);
    server.join().unwrap();
}

#[test]
fn a_server_that_dislikes_the_question_is_asked_no_more() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/up", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        read_head(&mut first);
        first.write_all(b"HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno").unwrap();
        let (mut second, _) = listener.accept().unwrap();
        let head = String::from_utf8(read_head(&mut second)).unwrap();
        assert!(!head.contains("Expect"), "{head}");
        let mut body = [0; b"5\r\n.....\r\n0\r\n\r\n".len()];
        second.read_exact(&mut body).unwrap();
        second.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    // a stream too: none of it was taken
    let mut draft = upload(url, stream(5));
    draft.expect_timeout = Duration::from_secs(1000);
    draft.headers.push(HeaderField::new("X-A", "b"));
    assert_eq!(send(&draft, &Connection::plain()).unwrap().0, 200);
    server.join().unwrap();
}
