//! Servers that never come to an end: what was asked for ends all the same.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use subrosa_testkit::Answer;

use crate::home::Home;
use crate::stage::{Stage, VALUE};

const HEADER: [&str; 2] = ["-H", "X-Key: <<vault:key>>"];

/// A server that says `first` to each request, and then `drop` after `drop` until nobody listens any more.
fn dripping(first: &'static str, drop: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("the port"));
    // it lives as long as the test's process
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| drip(stream, first, drop)));
    url
}

fn drip(mut stream: TcpStream, first: &str, drop: &str) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request);
    if stream.write_all(first.as_bytes()).is_err() {
        return;
    }
    while stream.write_all(drop.as_bytes()).is_ok() {
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn hostile_e62_an_answer_drop_by_drop_ends_with_the_time_that_it_was_given() {
    for (first, drop) in [
        ("", ""),
        ("", "HTTP/1.1 103 Early Hints\r\nX: y\r\n"),
        ("HTTP/1.1 200 OK\r\nX-Long: ", "a"),
        ("HTTP/1.1 200 OK\r\n\r\n", "a"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "a"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=", "a"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n"),
        ("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 100000\r\n\r\n", "a"),
    ] {
        let home = Home::new();
        let url = dripping(first, drop);
        home.store("key", VALUE, &["--host", &url]);
        let run = home.run(&[&["send", "-sS", "-L", "--max-time", "1"], &HEADER[..], &[&url]].concat());
        let run = run.ends(28).says("timed out");
        assert!(!run.shows(VALUE), "{run}");
    }
}

/// `-Y` and `-y`: slower than that for so long is too slow, before the answer as in the middle of it.
#[test]
fn a_transfer_that_is_too_slow_ends() {
    for first in ["HTTP/1.1 200 OK\r\nX-Long: ", "HTTP/1.1 200 OK\r\n\r\n"] {
        let home = Home::new();
        let url = dripping(first, "a");
        let run = home.run(&["send", "-sS", "-Y", "100000", "-y", "1", "--max-time", "50", &url]).ends(28);
        assert!(run.err.contains("bytes a second"), "{run}");
    }
}

#[test]
fn hostile_e62_redirects_without_an_end() {
    let stage = Stage::answering(|place, _| Answer::redirect(302, &format!("/{place}")));
    stage.allowed("key");
    let run = stage.send_here(&[&["-sS", "-L"], &HEADER[..]].concat(), "/").ends(47);
    assert_eq!(stage.server.requests().len(), 51, "{run}");
    stage.send_here(&[&["-sS", "-L", "--max-redirs", "0"], &HEADER[..]].concat(), "/").ends(47);
    assert_eq!(stage.server.requests().len(), 52);
    // no limit of hops is one of time still
    let words = [&["-sS", "-L", "--max-redirs", "-1", "--max-time", "1"], &HEADER[..]].concat();
    let run = stage.send_here(&words, "/").ends(28);
    assert!(!run.shows(VALUE), "{run}");
}

/// Each redirect a little longer than the one before it.
#[test]
fn hostile_e62_redirects_that_grow() {
    let stage = Stage::answering(|_, request| {
        Answer::redirect(302, &format!("{}{}", request.target, "a".repeat(100_000)))
    });
    stage.allowed("key");
    let run = stage.send_here(&[&["-sS", "-L"], &HEADER[..]].concat(), "/");
    // whatever is too much first: the target, the hops, the heads of all answers
    assert!([8, 47, 56].contains(&run.code) && !run.shows(VALUE), "{}", run.code);
    assert!(stage.server.requests().len() <= 51);
}
