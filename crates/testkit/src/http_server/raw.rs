//! HTTP/1 read from the socket by hand, so that nothing is normalised on the way to the test.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Captured, Shared};

/// Serves one connection until it closes.
pub(super) async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    shared: &Shared,
    connection: usize,
) {
    let mut inbox = Vec::new();
    while let Some(captured) = read_request(&mut stream, &mut inbox, shared, connection).await {
        let to_head = captured.method == "HEAD";
        let answer = shared.capture(captured);
        tokio::time::sleep(answer.delay).await;
        if stream.write_all(&answer.to_bytes(to_head)).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        if let Some(server) = answer.tunnel {
            let Ok(mut server) = TcpStream::connect(server).await else { return };
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
            return;
        }
        if answer.close {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

async fn read_request(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    inbox: &mut Vec<u8>,
    shared: &Shared,
    connection: usize,
) -> Option<Captured> {
    let head_end = loop {
        match inbox.windows(4).position(|window| window == b"\r\n\r\n") {
            Some(at) => break at + 4,
            None => more(stream, inbox, shared).await?,
        }
    };
    let raw_head: Vec<u8> = inbox.drain(..head_end).collect();
    let mut captured = parse_head(raw_head, connection)?;
    if captured.header("expect").iter().any(|value| value.eq_ignore_ascii_case(b"100-continue")) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
        stream.flush().await.ok()?;
    }
    (captured.body, captured.raw_body) = match captured.header("transfer-encoding").first() {
        Some(_) => read_chunks(stream, inbox, shared).await?,
        None => {
            let length =
                captured.header("content-length").first().map_or(Some(0), |text| number(text, 10))?;
            let body = take(stream, inbox, shared, length).await?;
            (body.clone(), body)
        }
    };
    Some(captured)
}

fn parse_head(raw_head: Vec<u8>, connection: usize) -> Option<Captured> {
    let text = raw_head.strip_suffix(b"\r\n\r\n")?;
    let mut lines = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    // not trimmed and not decoded: a target may hold bytes that are no UTF-8
    let first = String::from_utf8_lossy(lines.next()?).into_owned();
    let (method, rest) = first.split_once(' ')?;
    let (target, version) = rest.rsplit_once(' ')?;
    let headers = lines.map(|line| {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default().trim_ascii().to_vec();
        (String::from_utf8_lossy(&line[..colon]).into_owned(), value)
    });
    Some(Captured {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: headers.collect(),
        body: Vec::new(),
        version: version.to_owned(),
        connection,
        raw_head,
        raw_body: Vec::new(),
    })
}

/// What the chunks hold, and the bytes that it came in.
async fn read_chunks(
    stream: &mut (impl AsyncRead + Unpin),
    inbox: &mut Vec<u8>,
    shared: &Shared,
) -> Option<(Vec<u8>, Vec<u8>)> {
    let (mut body, mut raw) = (Vec::new(), Vec::new());
    loop {
        let head = line(stream, inbox, shared).await?;
        let size = number(&head, 16)?;
        let chunk = take(stream, inbox, shared, size).await?;
        let end = line(stream, inbox, shared).await?;
        raw.extend([&head[..], b"\r\n", &chunk, &end, b"\r\n"].concat());
        body.extend(chunk);
        if size == 0 {
            return Some((body, raw));
        }
    }
}

async fn line(
    stream: &mut (impl AsyncRead + Unpin),
    inbox: &mut Vec<u8>,
    shared: &Shared,
) -> Option<Vec<u8>> {
    loop {
        if let Some(at) = inbox.windows(2).position(|window| window == b"\r\n") {
            let line = inbox[..at].to_vec();
            inbox.drain(..at + 2);
            return Some(line);
        }
        more(stream, inbox, shared).await?;
    }
}

async fn take(
    stream: &mut (impl AsyncRead + Unpin),
    inbox: &mut Vec<u8>,
    shared: &Shared,
    length: usize,
) -> Option<Vec<u8>> {
    while inbox.len() < length {
        more(stream, inbox, shared).await?;
    }
    Some(inbox.drain(..length).collect())
}

async fn more(stream: &mut (impl AsyncRead + Unpin), inbox: &mut Vec<u8>, shared: &Shared) -> Option<()> {
    let mut piece = [0; 16 * 1024];
    match stream.read(&mut piece).await {
        Ok(count) if count > 0 => {
            shared.count(count);
            inbox.extend_from_slice(&piece[..count]);
            Some(())
        }
        _ => None,
    }
}

fn number(text: &[u8], radix: u32) -> Option<usize> {
    usize::from_str_radix(std::str::from_utf8(text).ok()?, radix).ok()
}
