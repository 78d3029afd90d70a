//! The demo's server: answers every request by repeating its head.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Nobody but the demo talks to it, and the demo does not take long.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server on a free port of 127.0.0.1. It ends with the process.
pub(super) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) fn start() -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok(head) = head(&stream) else { continue };
                // before the answer: who has it may ask at once what was seen
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(head.clone());
                let _ = answer(&stream, &head);
            }
        });
        Ok(Server { address, requests })
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn count(&self) -> usize {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The head of the last request, as it came in.
    pub(super) fn last_request(&self) -> String {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).last().cloned().unwrap_or_default()
    }
}

fn head(stream: &TcpStream) -> io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut head = String::new();
    let mut reader = BufReader::new(stream);
    while reader.read_line(&mut head)? > 2 {}
    Ok(head)
}

fn answer(mut stream: &TcpStream, head: &str) -> io::Result<()> {
    let body = format!(
        "you sent: {}\n",
        head.lines().find(|line| line.starts_with("Authorization")).unwrap_or("no key")
    );
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
