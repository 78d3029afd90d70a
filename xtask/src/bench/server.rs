//! A server that answers every request with the same few bytes, or with as many as the path says, drops bodies, and
//! keeps its connections.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"answer\": 42}\n";

pub(super) struct Server {
    address: SocketAddr,
}

impl Server {
    pub(super) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || serve(stream));
            }
        });
        Ok(Self { address })
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Bytes of a long answer that are written at a time.
pub(super) const BLOCK: usize = 64 * 1024;

/// A piece of a long body: lines of text.
pub(super) fn block() -> Vec<u8> {
    let line =
        b"{\"id\": 1234, \"name\": \"somebody\", \"link\": \"https://example.com/items/1234?page=2\"}\n";
    line.iter().copied().cycle().take(BLOCK).collect()
}

/// Requests one after another.
fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut buffer, mut held) = (vec![0; BLOCK], Vec::new());
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        held.extend_from_slice(&buffer[..read]);
        while let Some(end) = held.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&held[..end]).to_ascii_lowercase();
            held.drain(..end + 4);
            drop_body(&mut stream, &mut held, &mut buffer, &head)?;
            let length =
                head.split_once(" /long/").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
            match length {
                Some(length) => answer_long(&mut stream, length)?,
                None => stream.write_all(ANSWER)?,
            }
        }
    }
}

fn drop_body(stream: &mut TcpStream, held: &mut Vec<u8>, buffer: &mut [u8], head: &str) -> io::Result<()> {
    if head.contains("\r\nexpect:") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut left: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    let at_hand = left.min(held.len());
    held.drain(..at_hand);
    left -= at_hand;
    while left > 0 {
        let room = left.min(buffer.len());
        match stream.read(&mut buffer[..room])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => left -= read,
        }
    }
    Ok(())
}

fn answer_long(stream: &mut TcpStream, length: usize) -> io::Result<()> {
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let block = block();
    let mut left = length;
    while left > 0 {
        let piece = &block[..left.min(BLOCK)];
        stream.write_all(piece)?;
        left -= piece.len();
    }
    Ok(())
}
