//! A proxy that keeps what it was told: CONNECT and plain requests, and SOCKS5 (RFC 1928) with or without a password.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// A running proxy; every destination is a port of loopback.
pub struct Proxy {
    pub address: SocketAddr,
    told: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Requests that need no tunnel go to the server at `plain`.
    pub fn start(plain: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port of loopback");
        let address = listener.local_addr().expect("the port");
        let told = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&told);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let told = Arc::clone(&shared);
                thread::spawn(move || serve(stream, plain, &told));
            }
        });
        Self { address, told }
    }

    /// What it was told since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Passes what comes to a Unix socket on to the server at `plain`.
pub fn bridge(path: &Path, plain: SocketAddr) {
    let listener = UnixListener::bind(path).expect("a socket");
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || -> io::Result<()> {
                let server = TcpStream::connect(plain)?;
                let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
                thread::spawn(move || {
                    let _ = io::copy(&mut from_client, &mut to_server);
                    let _ = to_server.shutdown(Shutdown::Write);
                });
                let (mut from_server, mut to_client) = (server, client);
                io::copy(&mut from_server, &mut to_client)?;
                to_client.shutdown(Shutdown::Both)
            });
        }
    });
}

fn keep(told: &Mutex<Vec<String>>, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    told.lock().unwrap_or_else(PoisonError::into_inner).push(text);
}

fn serve(mut client: TcpStream, plain: SocketAddr, told: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut first = [0];
    client.read_exact(&mut first)?;
    if first == [5] {
        return socks(client, told);
    }
    let mut head = first.to_vec();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let Some(rest) = text.strip_prefix("CONNECT ") else {
        let mut server = TcpStream::connect(plain)?;
        server.write_all(&head)?;
        return pass(client, server);
    };
    keep(told, &head);
    let port = rest.split([' ', ':']).nth(1).and_then(|port| port.parse().ok());
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port.unwrap_or(0)))?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n")?;
    pass(client, server)
}

fn socks(mut client: TcpStream, told: &Mutex<Vec<String>>) -> io::Result<()> {
    let methods = counted(&mut client)?;
    let with_password = methods.contains(&2);
    keep(told, format!("methods {methods:?}").as_bytes());
    client.write_all(&[5, if with_password { 2 } else { 0 }])?;
    if with_password {
        client.read_exact(&mut [0])?;
        let (user, password) = (counted(&mut client)?, counted(&mut client)?);
        keep(told, &[&user[..], b":", &password].concat());
        client.write_all(&[1, 0])?;
    }
    let mut head = [0; 4];
    client.read_exact(&mut head)?;
    let host = match head[3] {
        3 => counted(&mut client)?,
        kind => exactly(&mut client, if kind == 1 { 4 } else { 16 })?,
    };
    let port = exactly(&mut client, 2)?;
    keep(told, &[format!("{head:?} ").as_bytes(), format!("{host:?}").as_bytes()].concat());
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, u16::from_be_bytes([port[0], port[1]])))?;
    client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0])?;
    pass(client, server)
}

fn counted(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = exactly(stream, 1)?;
    exactly(stream, usize::from(length[0]))
}

fn exactly(stream: &mut TcpStream, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Both ways, until both have ended.
fn pass(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let up = thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let (mut from_server, mut to_client) = (server, client);
    let _ = io::copy(&mut from_server, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Write);
    let _ = up.join();
    Ok(())
}
