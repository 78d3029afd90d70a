//! Where a response body ends (RFC 9112, 6 and 7). Pure: bytes in, data out.

use bytes::{Bytes, BytesMut};

use super::exchange::Reading;
use crate::response::{ResponseHead, Version};

/// The longest line of a chunk size with its extensions, and of all trailers together.
const MAX_LINE: usize = 16 * 1024;

/// What the bytes at hand amount to.
pub(super) enum Step {
    Data(Bytes),
    More,
    End,
}

/// How the end of a body is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked(Chunk),
    /// Chunks that are handed on as they came, sizes and all.
    Raw(Chunk),
    UntilClose,
}

/// Where in the chunked coding the reader is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    Size,
    Data(u64),
    DataEnd,
    Trailers { seen: usize },
    Done,
}

impl Framing {
    /// RFC 9112, 6.3, for the answer to a request with or without HEAD.
    pub(super) fn of(head: &ResponseHead, reading: Reading) -> Result<Self, &'static str> {
        if reading.to_head || matches!(head.status, 204 | 304) {
            return Ok(Self::Length(0));
        }
        if head.status == 101 {
            return Ok(Self::UntilClose);
        }
        if is_chunked(head)? {
            return Ok(if reading.raw { Self::Raw(Chunk::Size) } else { Self::Chunked(Chunk::Size) });
        }
        if reading.ignores_length {
            return Ok(Self::UntilClose);
        }
        content_length(head).map(|length| length.map_or(Self::UntilClose, Self::Length))
    }

    /// Takes what it can from the front of `inbox`.
    pub(super) fn step(&mut self, inbox: &mut BytesMut) -> Result<Step, &'static str> {
        match self {
            Self::Length(0) => Ok(Step::End),
            Self::Length(left) => Ok(take(inbox, left)),
            Self::UntilClose if inbox.is_empty() => Ok(Step::More),
            Self::UntilClose => Ok(Step::Data(inbox.split().freeze())),
            Self::Chunked(chunk) => chunk.step(inbox),
            Self::Raw(chunk) => chunk.pass(inbox),
        }
    }

    /// Whether the body may end where the connection does.
    pub(super) fn ends_with_connection(&self) -> bool {
        matches!(self, Self::UntilClose)
    }
}

/// Whether the connection can carry another request after this answer (RFC 9112, 9.3).
pub(super) fn keeps_alive(head: &ResponseHead, framing: &Framing) -> bool {
    let ambiguous = head.header("transfer-encoding").is_some() && head.header("content-length").is_some();
    let persistent = match head.version {
        Version::Http10 => head.lists("connection", "keep-alive"),
        _ => !head.lists("connection", "close"),
    };
    persistent && !ambiguous && !framing.ends_with_connection()
}

/// Whether the body is chunked. No other coding was asked for (there is no TE header), so none is understood.
fn is_chunked(head: &ResponseHead) -> Result<bool, &'static str> {
    let mut codings = head.headers_named("transfer-encoding");
    match (codings.next(), codings.next()) {
        (None, _) => Ok(false),
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(true),
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"identity") => Ok(false),
        _ => Err("a Transfer-Encoding that is not just chunked"),
    }
}

fn content_length(head: &ResponseHead) -> Result<Option<u64>, &'static str> {
    let mut length = None;
    for member in head.headers_named("content-length").flat_map(|value| value.split(|byte| *byte == b',')) {
        let value = decimal(member.trim_ascii()).ok_or("invalid Content-Length")?;
        if length.is_some_and(|known| known != value) {
            return Err("conflicting Content-Length");
        }
        length = Some(value);
    }
    Ok(length)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn take(inbox: &mut BytesMut, left: &mut u64) -> Step {
    if inbox.is_empty() {
        return Step::More;
    }
    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(inbox.len());
    *left -= count as u64;
    Step::Data(inbox.split_to(count).freeze())
}

impl Chunk {
    /// Hands on what a reader would have read, as it is.
    fn pass(&mut self, inbox: &mut BytesMut) -> Result<Step, &'static str> {
        let whole = inbox.split().freeze();
        *inbox = BytesMut::from(&whole[..]);
        let ends = loop {
            match self.step(inbox)? {
                Step::Data(_) => {}
                Step::More => break false,
                Step::End => break true,
            }
        };
        let taken = whole.len() - inbox.len();
        match taken {
            0 if ends => Ok(Step::End),
            0 => Ok(Step::More),
            _ => Ok(Step::Data(whole.slice(..taken))),
        }
    }

    fn step(&mut self, inbox: &mut BytesMut) -> Result<Step, &'static str> {
        loop {
            match self {
                Self::Size => match line(inbox)? {
                    None => return Ok(Step::More),
                    Some(text) => {
                        *self = match chunk_size(&text)? {
                            0 => Self::Trailers { seen: 0 },
                            size => Self::Data(size),
                        };
                    }
                },
                Self::Data(0) => *self = Self::DataEnd,
                Self::Data(left) => return Ok(take(inbox, left)),
                Self::DataEnd => match line(inbox)? {
                    None => return Ok(Step::More),
                    Some(text) if text.is_empty() => *self = Self::Size,
                    Some(_) => return Err("a chunk is longer than its size"),
                },
                Self::Trailers { seen } => match line(inbox)? {
                    None => return Ok(Step::More),
                    Some(text) if text.is_empty() => *self = Self::Done,
                    Some(text) if *seen + text.len() > MAX_LINE => return Err("trailers too long"),
                    Some(text) => *seen += text.len(),
                },
                Self::Done => return Ok(Step::End),
            }
        }
    }
}

/// One line without its end, or `None` while it is incomplete.
fn line(inbox: &mut BytesMut) -> Result<Option<BytesMut>, &'static str> {
    let Some(end) = inbox.iter().take(MAX_LINE).position(|byte| *byte == b'\n') else {
        return if inbox.len() >= MAX_LINE {
            Err("a line of the chunked body is too long")
        } else {
            Ok(None)
        };
    };
    let mut text = inbox.split_to(end + 1);
    text.truncate(end);
    if text.last() == Some(&b'\r') {
        text.truncate(end - 1);
    }
    Ok(Some(text))
}

fn chunk_size(line: &[u8]) -> Result<u64, &'static str> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    // sixteen digits are all that a u64 holds; `from_str_radix` alone would take a sign
    if digits.is_empty() || digits.len() > 16 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err("invalid chunk size");
    }
    std::str::from_utf8(digits)
        .ok()
        .and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or("invalid chunk size")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Reading = Reading { to_head: false, raw: false, ignores_length: false };
    const TO_HEAD: Reading = Reading { to_head: true, ..PLAIN };

    fn head(headers: &[(&str, &str)]) -> ResponseHead {
        ResponseHead {
            version: Version::Http11,
            status: 200,
            reason: String::new(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).into(), value.as_bytes().to_vec()))
                .collect(),
            raw: Vec::new(),
        }
    }

    /// Feeds `wire` in pieces of `size`; the body, and whether its end was seen.
    fn read(mut framing: Framing, wire: &[u8], size: usize) -> Result<(Vec<u8>, bool), &'static str> {
        let (mut inbox, mut body) = (BytesMut::new(), Vec::new());
        for piece in wire.chunks(size) {
            inbox.extend_from_slice(piece);
            loop {
                match framing.step(&mut inbox)? {
                    Step::Data(data) => body.extend_from_slice(&data),
                    Step::More => break,
                    Step::End => return Ok((body, true)),
                }
            }
        }
        Ok((body, false))
    }

    #[test]
    fn chunked_is_the_same_at_every_cut() {
        let wire = b"5;x=\"y\"\r\nhello\r\n1\r\n,\r\n00A\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n";
        for size in 1..wire.len() {
            let (body, ended) = read(Framing::Chunked(Chunk::Size), wire, size).unwrap();
            assert_eq!((body.as_slice(), ended), (&b"hello,0123456789"[..], true), "pieces of {size}");
        }
    }

    #[test]
    fn raw_chunks_are_handed_on_as_they_are() {
        let wire = b"5;x=\"y\"\r\nhello\r\n0\r\nTrailer: t\r\n\r\n";
        for size in 1..=wire.len() {
            let (body, ended) = read(Framing::Raw(Chunk::Size), wire, size).unwrap();
            assert_eq!((body.as_slice(), ended), (&wire[..], true), "pieces of {size}");
        }
        let (_, ended) = read(Framing::Raw(Chunk::Size), &wire[..9], 3).unwrap();
        assert!(!ended);
        assert!(read(Framing::Raw(Chunk::Size), b"zz\r\n", 1).is_err());
    }

    #[test]
    fn damaged_chunks_are_errors() {
        for wire in
            [&b"zz\r\n"[..], b"-1\r\n", b"+1\r\n", b"\r\n", b"11112222333344445\r\n", b"3\r\nabcd\r\n"]
        {
            assert!(read(Framing::Chunked(Chunk::Size), wire, 1).is_err(), "{wire:?}");
        }
        assert!(read(Framing::Chunked(Chunk::Size), &[b'1'; 2 * MAX_LINE], 100).is_err());
    }

    #[test]
    fn a_cut_body_has_no_end() {
        assert_eq!(read(Framing::Length(10), b"short", 2).unwrap(), (b"short".to_vec(), false));
        assert_eq!(read(Framing::Chunked(Chunk::Size), b"5\r\nhe", 9).unwrap(), (b"he".to_vec(), false));
    }

    #[test]
    fn framing_follows_the_head() {
        let of = |headers: &[(&str, &str)]| Framing::of(&head(headers), PLAIN);
        assert_eq!(of(&[("Content-Length", "5")]), Ok(Framing::Length(5)));
        assert_eq!(of(&[("content-length", "5, 5"), ("Content-Length", "5")]), Ok(Framing::Length(5)));
        assert!(of(&[("Content-Length", "5"), ("Content-Length", "6")]).is_err());
        assert!(of(&[("Content-Length", "-1")]).is_err());
        assert!(of(&[("Content-Length", "+1")]).is_err());
        assert_eq!(of(&[]), Ok(Framing::UntilClose));
        let ignored = Reading { ignores_length: true, ..PLAIN };
        assert_eq!(Framing::of(&head(&[("Content-Length", "x")]), ignored), Ok(Framing::UntilClose));
        let raw = Reading { raw: true, ..PLAIN };
        let chunked = head(&[("Transfer-Encoding", "chunked")]);
        assert_eq!(Framing::of(&chunked, raw), Ok(Framing::Raw(Chunk::Size)));
        assert_eq!(of(&[("Transfer-Encoding", "Chunked")]), Ok(Framing::Chunked(Chunk::Size)));
        assert_eq!(Framing::of(&head(&[("Content-Length", "5")]), TO_HEAD), Ok(Framing::Length(0)));
    }

    #[test]
    fn hostile_e62_contradictory_framing() {
        let both = head(&[("Content-Length", "5"), ("Transfer-Encoding", "chunked")]);
        assert_eq!(Framing::of(&both, PLAIN), Ok(Framing::Chunked(Chunk::Size)), "chunked counts");
        assert!(!keeps_alive(&both, &Framing::Chunked(Chunk::Size)), "and nothing is read behind it");
        for coding in
            ["gzip, chunked", "chunked, chunked", "xchunked", "chunked, identity", "", "\x0bchunked"]
        {
            assert!(Framing::of(&head(&[("Transfer-Encoding", coding)]), PLAIN).is_err(), "{coding:?}");
        }
        let twice = head(&[("Transfer-Encoding", "chunked"), ("transfer-encoding", "chunked")]);
        assert!(Framing::of(&twice, PLAIN).is_err());
    }

    #[test]
    fn connections_are_kept_only_when_the_end_is_certain() {
        assert!(keeps_alive(&head(&[]), &Framing::Length(1)));
        assert!(!keeps_alive(&head(&[("Connection", "x, Close")]), &Framing::Length(1)));
        assert!(!keeps_alive(&head(&[]), &Framing::UntilClose));
        let mut old = head(&[]);
        old.version = Version::Http10;
        assert!(!keeps_alive(&old, &Framing::Length(1)));
    }
}
