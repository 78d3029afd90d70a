//! Servers that send more than anybody asked for, less than they said, or next to nothing: an error that says so, or an
//! answer, in little memory and for no longer than somebody waits.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use subrosa_testkit::{CaptureOptions, CaptureServer, Frames};

use crate::home::{Home, text};

const MIB: u64 = 1 << 20;
/// How much more memory a hostile answer may cost than a small one.
const ROOM: u64 = 48 * MIB;

/// A server that does what it likes once the head of a request is there.
struct Server {
    address: SocketAddr,
    /// How much it could send.
    sent: Arc<AtomicU64>,
}

impl Server {
    fn start(serve: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port of loopback");
        let address = listener.local_addr().expect("its address");
        let (serve, sent) = (Arc::new(serve), Arc::<AtomicU64>::default());
        let count = Arc::clone(&sent);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (serve, sent) = (Arc::clone(&serve), Arc::clone(&count));
                thread::spawn(move || {
                    let mut peer = Peer { stream, sent };
                    if peer.reads_a_head() {
                        serve(&mut peer);
                    }
                });
            }
        });
        Self { address, sent }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }
}

/// Who sent a request.
struct Peer {
    stream: TcpStream,
    sent: Arc<AtomicU64>,
}

impl Peer {
    fn reads_a_head(&mut self) -> bool {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            if self.stream.read_exact(&mut byte).is_err() {
                return false;
            }
            head.push(byte[0]);
        }
        true
    }

    /// Whether the other end took it.
    fn send(&mut self, bytes: &[u8]) -> bool {
        let is_taken = self.stream.write_all(bytes).is_ok();
        if is_taken {
            self.sent.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        }
        is_taken
    }

    /// Sends a gigabyte of this, or as much as is taken.
    fn pour(&mut self, piece: &[u8]) {
        let piece = piece.repeat((64 * 1024 / piece.len()).max(1));
        let start = self.sent.load(Ordering::SeqCst);
        while self.sent.load(Ordering::SeqCst) - start < 1 << 30 && self.send(&piece) {}
    }

    fn half_closes(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        // the reading end stays open, and nothing is read
        thread::sleep(Duration::from_secs(5));
    }
}

/// Code, standard error and the highest use of memory of a program.
struct Ended {
    code: i32,
    err: String,
    peak: u64,
}

/// Runs a program to its end, its standard output into nothing.
fn measured(mut command: Command) -> Ended {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stderr = child.stderr.take().expect("piped");
    let errors = thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        text
    });
    let mut peak = 0;
    let status = loop {
        peak = peak.max(peak_of(&child));
        match child.try_wait().expect("it can be waited for") {
            Some(status) => break status,
            None => thread::sleep(Duration::from_millis(2)),
        }
    };
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    Ended { code, err: errors.join().expect("it ends"), peak }
}

/// The highest use of memory so far, in bytes; 0 where the system does not tell.
fn peak_of(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

fn send(home: &Home, words: &[&str]) -> Ended {
    measured(home.command(&[&["send"], words].concat()))
}

/// What a request costs whose answer is an ordinary one.
fn ordinary(home: &Home) -> u64 {
    let server = CaptureServer::start(CaptureOptions::tls());
    send(home, &["--cacert", &text(&server.ca_path()), &server.url("/")]).peak
}

#[test]
fn hostile_e62_a_gigabyte_of_head_is_not_taken() {
    const OK: &str = "HTTP/1.1 200 OK\r\n";
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let cases: [(&str, String, &[u8], i32); 7] = [
        ("one endless line", format!("{OK}X: "), b"a", 8),
        ("lines without end", OK.to_owned(), b"X-Header: value\r\n", 8),
        ("a line that is folded", format!("{OK}X: 1\r\n"), b" and on\r\n", 8),
        ("interim answers", String::new(), b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 8),
        ("trailers", format!("{CHUNKED}0\r\n"), b"X-Trailer: value\r\n", 56),
        ("an extension of a chunk", format!("{CHUNKED}5;x="), b"a", 56),
        ("a size of a chunk", CHUNKED.to_owned(), b"0", 56),
    ];
    let home = Home::new();
    let base = ordinary(&home);
    for (what, start, piece, code) in cases {
        let server = Server::start(move |peer| {
            peer.send(start.as_bytes());
            peer.pour(piece);
        });
        let ended = send(&home, &["-o", "out", &server.url()]);
        assert_eq!(ended.code, code, "{what}: {}", ended.err);
        assert!(ended.err.starts_with("error: "), "{what}: {}", ended.err);
        assert!(server.sent() < 32 * MIB, "{what}: {} bytes were taken", server.sent());
        assert!(ended.peak < base + ROOM, "{what}: {} instead of {base}", ended.peak);
    }
}

#[test]
fn hostile_e62_http2_frames_without_end_cost_no_memory() {
    const HEADERS: u8 = 1;
    const SETTINGS: u8 = 4;
    const PING: u8 = 6;
    const CONTINUATION: u8 = 9;
    // `:status: 200`, and a header that fills the frame
    let open = Frames::frame(HEADERS, 0, 1, b"\x88");
    let mut long = vec![0x00, 1, b'x', 0x7f, 0xfb, 0x7b];
    long.resize(16_000, b'a');
    let floods = [
        ("one head", open, Frames::frame(CONTINUATION, 0, 1, &long)),
        ("pings", Vec::new(), Frames::frame(PING, 0, 0, &[7; 8]).repeat(500)),
        ("settings", Vec::new(), Frames::frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9]).repeat(500)),
    ];
    let home = Home::new();
    let base = ordinary(&home);
    for (what, once, forever) in floods {
        let script = move |_, _| Frames::once(once.clone()).then_forever(forever.clone());
        let server = CaptureServer::start(CaptureOptions::tls().framing(script));
        let ended = send(&home, &["-o", "out", "--cacert", &text(&server.ca_path()), &server.url("/")]);
        assert!([16, 56].contains(&ended.code), "{what}: {}", ended.err);
        assert!(ended.peak < base + ROOM, "{what}: {} instead of {base}", ended.peak);
    }
}

/// What unpacks to so many mebibytes of zeros, and its coding.
fn bombs(mebibytes: usize) -> [(&'static str, Vec<u8>); 3] {
    let gzip = |bytes: &[u8], times: usize| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        (0..times).for_each(|_| encoder.write_all(bytes).expect("memory"));
        encoder.finish().expect("memory")
    };
    let once = gzip(&vec![0; 1 << 20], mebibytes);
    // RFC 8878, 3.1.1: no content size, a window of 128 KiB, and blocks of one byte and how often it stands there
    let mut zstd = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    for left in (0..8 * mebibytes).rev() {
        let header = u32::from(left == 0) | 1 << 1 | (128 * 1024) << 3;
        zstd.extend_from_slice(&header.to_le_bytes()[..3]);
        zstd.push(0);
    }
    [("gzip, gzip", gzip(&once, 1)), ("gzip", once), ("zstd", zstd)]
}

#[test]
fn hostile_e62_a_bomb_is_unpacked_in_little_memory() {
    const SIZE: usize = 96;
    let home = Home::new();
    home.store("password", "made-up-5f0c1e9b7d3a", &["--host", "http://127.0.0.1:*"]);
    let base = ordinary(&home);
    for (coding, bomb) in bombs(SIZE) {
        let server = Server::start(move |peer| {
            let length = bomb.len();
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {length}\r\n\r\n");
            peer.send(head.as_bytes());
            peer.send(&bomb);
        });
        let secret = ["-H", "X-Key: <<vault:password>>"];
        let ways: [(&[&str], i32); 4] = [
            (&["-o", "out"], 0),
            (&["--mask"], 0),
            (&["--mask", "--max-filesize", "1M"], 63),
            (&["--capture", "token=$.a", "--mask"], 1),
        ];
        for (words, code) in ways {
            let ended = send(&home, &[&["--compressed"], &secret[..], words, &[&server.url()]].concat());
            assert_eq!(ended.code, code, "{coding} {words:?}: {}", ended.err);
            assert!(ended.peak < base + ROOM, "{coding} {words:?}: {} instead of {base}", ended.peak);
        }
        let length = fs::metadata(home.work().join("out")).expect("what was saved").len();
        assert_eq!(length, SIZE as u64 * MIB, "{coding}");
    }
}

#[test]
fn hostile_e62_a_server_that_ends_its_half_is_not_waited_for() {
    let home = Home::new();
    let file = home.write("large", vec![b'x'; 24 << 20]);
    let file = text(&file);
    let upload = ["-T", file.as_str(), "-H", "Expect:"];
    let cases: [(&str, &'static str, &[&str], i32); 6] = [
        ("nothing", "", &[], 52),
        ("nothing, while it is sent to", "", &upload, 52),
        ("half a head", "HTTP/1.1 200 OK\r\nContent-", &[], 56),
        ("half a body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", &[], 18),
        ("half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf", &[], 18),
        ("a refusal", "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno", &upload, 0),
    ];
    for (what, answer, words, code) in cases {
        let server = Server::start(move |peer| {
            peer.send(answer.as_bytes());
            peer.half_closes();
        });
        let started = Instant::now();
        let ended = send(&home, &[words, &["-o", "out", &server.url()]].concat());
        assert_eq!(ended.code, code, "{what}: {}", ended.err);
        assert!(started.elapsed() < Duration::from_secs(5), "{what}: it waited for the other half");
    }
}

/// A server that sends one byte at a time, for ever.
fn dripping(start: &'static str) -> Server {
    Server::start(move |peer| {
        peer.send(start.as_bytes());
        while peer.send(b"a") {
            thread::sleep(Duration::from_millis(50));
        }
    })
}

#[test]
fn hostile_e62_a_server_that_drips_is_left_when_the_time_is_up() {
    let home = Home::new();
    for start in [
        "HTTP/1.1 200 OK\r\nX: ",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n",
    ] {
        let server = dripping(start);
        let ended = send(&home, &["-m", "1", "-o", "out", &server.url()]);
        assert_eq!(ended.code, 28, "{start:?}: {}", ended.err);
    }
    // TLS is a part of connecting
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port of loopback");
    let url = format!("https://{}/", silent.local_addr().expect("its address"));
    assert_eq!(send(&home, &["--connect-timeout", "1", &url]).code, 28);
}

#[test]
fn a_server_that_drips_is_left_when_somebody_says_so() {
    let home = Home::new();
    for start in ["HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\n\r\n"] {
        let server = dripping(start);
        let mut command = home.command(&["send", "-o", "out", &server.url()]);
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        while server.sent() < start.len() as u64 + 5 {
            thread::sleep(Duration::from_millis(5));
        }
        let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(killed.expect("kill runs").success());
        let status = child.wait().expect("it ends");
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
        assert_eq!(code, 130, "{status}");
    }
}
