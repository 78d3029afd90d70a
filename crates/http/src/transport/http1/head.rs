//! Reading a response head (RFC 9112, 2 to 5): bare line feeds, folded lines and spaces before a colon are read
//! as the RFC lets a recipient do, anything else that is not HTTP is an error.

use crate::response::{ResponseHead, Version};

/// The longest response head that is read; curl's own limit.
pub(super) const MAX_HEAD: usize = 300 * 1024;
const MAX_HEADERS: usize = 4096;

/// Why bytes are not a response head.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::transport) enum HeadFault {
    NotHttp,
    TooLong,
    Malformed,
}

/// Reads one head from the front of `bytes`: the head and its length, or `None` while it is incomplete.
pub(in crate::transport) fn parse(bytes: &[u8]) -> Result<Option<(ResponseHead, usize)>, HeadFault> {
    parse_on(bytes, &mut 0)
}

/// The same for bytes whose first `looked` are known to hold no end of a head, so that a head that comes byte by byte is
/// not looked through from its beginning each time.
pub(super) fn parse_on(bytes: &[u8], looked: &mut usize) -> Result<Option<(ResponseHead, usize)>, HeadFault> {
    let start = &bytes[..bytes.len().min(5)];
    if !b"HTTP/".starts_with(start) {
        return Err(HeadFault::NotHttp);
    }
    // an end that had begun is at most three bytes long
    let Some(length) = end_of_head(bytes, looked.saturating_sub(3)) else {
        *looked = bytes.len();
        return if bytes.len() > MAX_HEAD { Err(HeadFault::TooLong) } else { Ok(None) };
    };
    if length > MAX_HEAD {
        return Err(HeadFault::TooLong);
    }
    read_head(&bytes[..length]).map(|head| Some((head, length)))
}

/// Where the empty line ends, whether lines end with CRLF or a bare LF.
fn end_of_head(bytes: &[u8], mut from: usize) -> Option<usize> {
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == b'\n') {
        let next = from + at + 1;
        match &bytes[next..] {
            [b'\n', ..] => return Some(next + 1),
            [b'\r', b'\n', ..] => return Some(next + 2),
            _ => from = next,
        }
    }
    None
}

fn read_head(raw: &[u8]) -> Result<ResponseHead, HeadFault> {
    let mut config = httparse::ParserConfig::default();
    config
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true);
    let mut room = 64;
    loop {
        let mut lines = vec![httparse::EMPTY_HEADER; room];
        let mut response = httparse::Response::new(&mut lines);
        match config.parse_response(&mut response, raw) {
            Ok(httparse::Status::Complete(_)) => return head_of(&response, raw),
            Err(httparse::Error::TooManyHeaders) if room < MAX_HEADERS => room *= 4,
            Err(httparse::Error::TooManyHeaders) => return Err(HeadFault::TooLong),
            Err(httparse::Error::Version) => return Err(HeadFault::NotHttp),
            Ok(httparse::Status::Partial) | Err(_) => return Err(HeadFault::Malformed),
        }
    }
}

fn head_of(response: &httparse::Response<'_, '_>, raw: &[u8]) -> Result<ResponseHead, HeadFault> {
    let (Some(minor), Some(status)) = (response.version, response.code) else {
        return Err(HeadFault::Malformed);
    };
    // RFC 9110, 15: with less it would pass for an interim response
    if status < 100 {
        return Err(HeadFault::Malformed);
    }
    Ok(ResponseHead {
        version: if minor == 0 { Version::Http10 } else { Version::Http11 },
        status,
        reason: response.reason.unwrap_or_default().to_owned(),
        headers: response.headers.iter().map(|line| (line.name.to_owned(), unfold(line.value))).collect(),
        raw: raw.to_vec(),
    })
}

/// A folded value (RFC 9112, 5.2) becomes one line, each fold one space.
fn unfold(value: &[u8]) -> Vec<u8> {
    let mut lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut whole = lines.next().unwrap_or_default().to_vec();
    for line in lines {
        whole.push(b' ');
        whole.extend_from_slice(line);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_case_order_and_raw_bytes() {
        let bytes = b"HTTP/1.1 404 Not Here\r\nX-B: 1\r\nx-a:  2 \r\nX-B: 3\r\n\r\nbody";
        let (head, length) = parse(bytes).unwrap().unwrap();
        assert_eq!((head.status, head.reason.as_str()), (404, "Not Here"));
        let names: Vec<_> = head.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["X-B", "x-a", "X-B"]);
        assert_eq!(head.header("X-A"), Some(&b"2"[..]));
        assert_eq!(&bytes[length..], b"body");
        assert_eq!(head.raw, &bytes[..length]);
    }

    #[test]
    fn waits_for_the_whole_head_at_every_cut() {
        let bytes = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
        for bytes in [&bytes[..], b"HTTP/1.1 200 OK\nA: b\n\n", b"HTTP/1.1 200 OK\r\n\n"] {
            let mut looked = 0;
            for cut in 0..bytes.len() {
                assert!(matches!(parse(&bytes[..cut]), Ok(None)), "cut at {cut}");
                assert!(matches!(parse_on(&bytes[..cut], &mut looked), Ok(None)), "cut at {cut}");
            }
            assert_eq!(looked, bytes.len() - 1);
            assert!(parse(bytes).unwrap().is_some() && parse_on(bytes, &mut looked).unwrap().is_some());
        }
    }

    #[test]
    fn bare_line_feeds_and_folds_are_read() {
        let (head, _) = parse(b"HTTP/1.0 200\nA: one\n  two\n\n").unwrap().unwrap();
        assert_eq!(head.version, Version::Http10);
        assert_eq!(head.header("a"), Some(&b"one two"[..]));
    }

    #[test]
    fn what_is_not_http_is_told_from_what_is_damaged() {
        assert_eq!(parse(b"SSH-2.0").err(), Some(HeadFault::NotHttp));
        assert_eq!(parse(b"HTTP/1.1 2x0 OK\r\n\r\n").err(), Some(HeadFault::Malformed));
        assert_eq!(parse(b"HTTP/1.1 099 OK\r\n\r\n").err(), Some(HeadFault::Malformed));
        assert_eq!(parse(b"HTTP/3.0 200 OK\r\n\r\n").err(), Some(HeadFault::NotHttp));
    }

    #[test]
    fn hostile_e62_lines_that_are_no_headers_are_refused() {
        for line in ["no colon", "a b: c", ": c", "a\0b: c", "a: b\0c", "\u{e9}: x"] {
            let bytes = format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n");
            assert_eq!(parse(bytes.as_bytes()).err(), Some(HeadFault::Malformed), "{line:?}");
        }
        let (head, _) = parse(b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n").unwrap().unwrap();
        assert_eq!(head.header("content-length"), Some(&b"5"[..]));
    }

    #[test]
    fn hostile_e62_no_damage_to_a_head_makes_it_panic() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\r\n b\r\nSet-Cookie: c=d\r\n\r\nhello";
        for at in 0..whole.len() {
            for byte in [0, b'\r', b'\n', b':', b' ', b'9', 0xff] {
                let mut damaged = whole.to_vec();
                damaged[at] = byte;
                if let Ok(Some((head, length))) = parse(&damaged) {
                    assert!(length <= damaged.len() && head.raw == damaged[..length]);
                }
            }
        }
    }

    #[test]
    fn an_endless_head_is_cut_off() {
        let mut bytes = b"HTTP/1.1 200 OK\r\n".to_vec();
        bytes.resize(MAX_HEAD + 1, b'a');
        assert_eq!(parse(&bytes).err(), Some(HeadFault::TooLong));
    }

    #[test]
    fn hundreds_of_headers_fit() {
        let mut bytes = b"HTTP/1.1 200 OK\r\n".to_vec();
        for number in 0..900 {
            bytes.extend_from_slice(format!("h{number}: v\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        assert_eq!(parse(&bytes).unwrap().unwrap().0.headers.len(), 900);
    }
}
