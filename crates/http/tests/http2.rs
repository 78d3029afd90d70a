//! Servers that speak HTTP/2 as none should.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use subrosa_http::blocking::Client;
use subrosa_http::{Body, BodyKind, HttpError, RequestDraft, Source, Unobserved};
use subrosa_testkit::{CaptureOptions, CaptureServer, Frames};
use support::{CANARY, body, canary, clock, trusting};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:status: N` and these headers, in literals without Huffman coding (RFC 7541, 6.2.2).
fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = vec![0x08, 3];
    block.extend(status.to_string().bytes());
    for (name, value) in headers {
        block.push(0);
        for text in [name, value] {
            length(text.len(), &mut block);
            block.extend(text.bytes());
        }
    }
    block
}

/// A length as an integer with a prefix of seven bits (RFC 7541, 5.1).
fn length(length: usize, block: &mut Vec<u8>) {
    let Some(mut rest) = length.checked_sub(127) else { return block.push(u8::try_from(length).unwrap()) };
    block.push(127);
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}

fn answer(stream: u32, text: &str) -> Vec<u8> {
    let head = Frames::frame(HEADERS, END_HEADERS, stream, &head(200, &[]));
    [head, Frames::frame(DATA, END_STREAM, stream, text.as_bytes())].concat()
}

/// Whose number is the last that is served, and why.
fn goaway(last: u32, code: u32) -> Vec<u8> {
    Frames::frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

fn server(script: impl Fn(usize, usize) -> Frames + Send + Sync + 'static) -> CaptureServer {
    CaptureServer::start(CaptureOptions::tls().framing(script))
}

fn draft(server: &CaptureServer) -> RequestDraft {
    RequestDraft::new(server.url("/?key=<<vault:key>>"))
}

/// What a single request comes to.
fn outcome(script: impl Fn(usize, usize) -> Frames + Send + Sync + 'static) -> Result<Vec<u8>, HttpError> {
    let server = server(script);
    let request = draft(&server).fill(&trusting(&server), &canary()).unwrap();
    let client = Client::new().unwrap();
    body(client.send(&request, &clock(), &mut Unobserved)?)
}

/// The kind of what a server that behaves like this comes to. It is an end that is our own, and not the clock's.
#[track_caller]
fn refused(script: impl Fn(usize, usize) -> Frames + Send + Sync + 'static) {
    let error = outcome(script).err().unwrap();
    let shown = format!("{error} {error:?}");
    assert!(["http2", "receive", "partial"].contains(&error.kind()), "{shown}");
    assert!(!shown.contains(CANARY), "{shown}");
}

#[test]
fn frames_by_hand_are_an_answer() {
    assert_eq!(outcome(|_, _| Frames::once(answer(1, "ok"))).unwrap(), b"ok");
    let early = Frames::frame(HEADERS, END_HEADERS, 1, &head(103, &[("link", "</a>")]));
    assert_eq!(outcome(move |_, _| Frames::once([early.clone(), answer(1, "ok")].concat())).unwrap(), b"ok");
}

/// A server that says goodbye as a request reaches it has not dealt with that request: it is sent again, through a new
/// connection, if its method may be repeated.
#[test]
fn a_request_that_meets_a_goodbye_is_sent_again_if_it_may_be() {
    for (data, ends_well) in [(None, true), (Some("a=b"), false)] {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let server = server(move |connection, place| {
            count.fetch_add(1, Ordering::SeqCst);
            match (connection, place) {
                (0, 1) => Frames::once(goaway(1, 0)).then_close(),
                (_, 0) => Frames::once(answer(1, "ok")),
                _ => Frames::default().then_close(),
            }
        });
        let (client, connection) = (Client::new().unwrap(), trusting(&server));
        let mut draft = draft(&server);
        let send = |draft: &RequestDraft| {
            let request = draft.fill(&connection, &canary()).unwrap();
            body(client.send(&request, &clock(), &mut Unobserved)?)
        };
        assert_eq!(send(&draft).unwrap(), b"ok");
        draft.body = data.map(|data| Body::of(BodyKind::Form, data));
        let second = send(&draft);
        let expected = if ends_well { (2, 3) } else { (1, 2) };
        assert_eq!((server.connections(), asked.load(Ordering::SeqCst)), expected);
        match second {
            Ok(body) => assert!(ends_well && body == b"ok"),
            Err(error) => assert!(!ends_well && error.kind() == "http2", "{error}"),
        }
    }
}

#[test]
fn a_goodbye_to_the_first_request_is_not_answered_with_the_same_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    refused(move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
        Frames::once(goaway(0, 0)).then_close()
    });
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn hostile_e62_heads_without_an_end_are_cut_off() {
    let piece = vec![0; 16_000];
    let open = Frames::frame(HEADERS, 0, 1, &head(200, &[]));
    let more = Frames::frame(CONTINUATION, 0, 1, &piece);
    refused(move |_, _| Frames::once(open.clone()).then_forever(more.clone()));
    let open = Frames::frame(HEADERS, 0, 1, &head(200, &[]));
    let empty = Frames::frame(CONTINUATION, 0, 1, &[]).repeat(1000);
    refused(move |_, _| Frames::once(open.clone()).then_forever(empty.clone()));
}

/// One entry of a megabyte would do, but a small one that is named a hundred thousand times costs the server less.
#[test]
fn hostile_e62_a_head_that_unpacks_to_gigabytes_is_refused() {
    let mut block = vec![0x40];
    for text in ["x", &"a".repeat(3000)] {
        length(text.len(), &mut block);
        block.extend(text.bytes());
    }
    let mut whole = head(200, &[]);
    whole.extend(block);
    // index 62, the newest entry of the dynamic table, over and over: 3 kB a byte
    whole.extend(vec![0xbe; 12_000]);
    let bomb = Frames::frame(HEADERS, END_HEADERS | END_STREAM, 1, &whole);
    refused(move |_, _| Frames::once(bomb.clone()));
}

#[test]
fn hostile_e62_what_never_becomes_an_answer_ends() {
    let interim = Frames::frame(HEADERS, END_HEADERS, 1, &head(103, &[("link", "</a>")])).repeat(500);
    refused(move |_, _| Frames::default().then_forever(interim.clone()));
    let pings = Frames::frame(PING, 0, 0, &[7; 8]).repeat(500);
    refused(move |_, _| Frames::default().then_forever(pings.clone()));
    let settings = Frames::frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9]).repeat(500);
    refused(move |_, _| Frames::default().then_forever(settings.clone()));
    let unknown = Frames::frame(0xee, 0, 0, &[7; 1000]).repeat(50);
    refused(move |_, _| Frames::default().then_forever(unknown.clone()));
}

#[test]
fn hostile_e62_frames_out_of_place_end_the_exchange() {
    let cases: [Vec<u8>; 8] = [
        Frames::frame(RST_STREAM, 0, 1, &8_u32.to_be_bytes()),
        Frames::frame(RST_STREAM, 0, 1, &7_u32.to_be_bytes()),
        Frames::frame(DATA, END_STREAM, 1, b"body without a head"),
        Frames::frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff; 30]),
        Frames::frame(CONTINUATION, END_HEADERS, 1, &head(200, &[])),
        // nobody asked for a push
        Frames::frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2, 0x82]),
        answer(3, "an answer to nobody"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec(),
    ];
    for case in cases {
        refused(move |_, _| Frames::once(case.clone()).then_close());
    }
    // a body of another length than the head says
    for (claimed, body) in [("3", "ok"), ("1", "ok")] {
        let head = Frames::frame(HEADERS, END_HEADERS, 1, &head(200, &[("content-length", claimed)]));
        let whole = [head, Frames::frame(DATA, END_STREAM, 1, body.as_bytes())].concat();
        refused(move |_, _| Frames::once(whole.clone()));
    }
}

/// A body is whole where its stream says that it ends, and nowhere else.
#[test]
fn hostile_e62_a_body_that_is_cut_off_is_no_whole_one() {
    let open = |headers: &[(&str, &str)]| {
        let head = Frames::frame(HEADERS, END_HEADERS, 1, &head(200, headers));
        [head, Frames::frame(DATA, 0, 1, b"part")].concat()
    };
    let reset = |code: u32| Frames::frame(RST_STREAM, 0, 1, &code.to_be_bytes());
    for headers in [&[][..], &[("content-length", "9")]] {
        // no error, internal error, refused, cancelled
        for code in [0, 2, 7, 8] {
            let whole = [open(headers), reset(code)].concat();
            let error = outcome(move |_, _| Frames::once(whole.clone())).err().unwrap();
            assert!(["http2", "partial"].contains(&error.kind()), "{code}: {error}");
        }
        let closed = open(headers);
        refused(move |_, _| Frames::once(closed.clone()).then_close());
    }
    // who is not among those that are served to the end is cut off as well
    for code in [0, 2] {
        let goodbye = [open(&[]), goaway(0, code)].concat();
        refused(move |_, _| Frames::once(goodbye.clone()).then_close());
    }
}

#[test]
fn a_goodbye_in_the_middle_of_a_body_lets_it_come_to_its_end() {
    let head = Frames::frame(HEADERS, END_HEADERS, 1, &head(200, &[]));
    let (part, rest) = (Frames::frame(DATA, 0, 1, b"part, "), Frames::frame(DATA, END_STREAM, 1, b"rest"));
    for last in [1, 0x7fff_ffff] {
        let whole = [&head[..], &part, &goaway(last, 0), &rest].concat();
        assert_eq!(outcome(move |_, _| Frames::once(whole.clone())).unwrap(), b"part, rest");
    }
    // RFC 9113, 8.1: who has answered may stop the request without an error
    let stopped = [answer(1, "enough"), Frames::frame(RST_STREAM, 0, 1, &[0; 4])].concat();
    assert_eq!(outcome(move |_, _| Frames::once(stopped.clone())).unwrap(), b"enough");
}

#[test]
fn an_answer_before_the_end_stops_the_upload() {
    const WINDOW_UPDATE: u8 = 8;
    /// An endless stream that counts what was taken of it.
    struct Endless(Arc<AtomicUsize>);
    impl std::io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0.fetch_add(buffer.len(), Ordering::SeqCst);
            Ok(buffer.len())
        }
    }
    let server = server(|_, place| {
        let stream = u32::try_from(place).unwrap() * 2 + 1;
        let room = |stream| Frames::frame(WINDOW_UPDATE, 0, stream, &0x3fff_0000_u32.to_be_bytes());
        let room = if place == 0 { [room(0), room(stream)].concat() } else { Vec::new() };
        let refusal = Frames::frame(HEADERS, END_HEADERS, stream, &head(413, &[]));
        let text = Frames::frame(DATA, END_STREAM, stream, b"size");
        Frames::once([room, refusal, text].concat())
    });
    let connection = trusting(&server);
    let taken = Arc::<AtomicUsize>::default();
    let mut endless = RequestDraft::new(server.url("/"));
    let source = Source::stream(Endless(taken.clone()), "standard input");
    endless.body = Some(Body::upload(source));
    let client = Client::new().unwrap();
    let send = |draft: &RequestDraft| {
        let request = draft.fill(&connection, &()).unwrap();
        body(client.send(&request, &clock(), &mut Unobserved).unwrap()).unwrap()
    };
    assert_eq!(send(&endless), b"size");
    let before = taken.load(Ordering::SeqCst);
    for _ in 0..20 {
        assert_eq!(send(&RequestDraft::new(server.url("/"))), b"size");
    }
    let after = taken.load(Ordering::SeqCst) - before;
    assert!(after < 1 << 20, "{after} bytes more were read");
    assert_eq!(server.connections(), 1);
}
