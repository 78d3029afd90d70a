//! What a server sends: the head and body of a response, content codings, certificates.

use subrosa_http::fuzzing::{certificate_is_readable, decode, read_response};

use crate::input::{part, pieces};

/// No decoded body is followed further than this.
const LIMIT: usize = 128 << 10;

/// A response of HTTP/1.1: the same however it is cut, and never more than was sent.
pub fn response(data: &[u8]) {
    let (size, to_head) = (1 + data.len() % 7, data.last() == Some(&b'H'));
    let whole = read_response(data, data.len(), to_head);
    let cut = read_response(data, size, to_head);
    let (Some((head, body)), Some((again, cut))) = (&whole, &cut) else {
        // a head that is broken may be seen to be so before it is whole
        assert!(whole.is_none() == cut.is_none() || head_is_too_long(data), "cut into {size}");
        return;
    };
    assert_eq!((&head.raw, &head.headers, head.status), (&again.raw, &again.headers, again.status));
    assert!(data.starts_with(&head.raw) && (100..1000).contains(&head.status));
    for (name, value) in &head.headers {
        assert!(!name.is_empty() && !name.bytes().any(|byte| byte <= b' ' || byte == b':'), "{name:?}");
        assert!(!value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{name}: {value:?}");
    }
    assert_eq!(body, cut, "cut into {size}");
    if let Some(body) = body {
        assert!(head.raw.len() + body.data.len() + body.left <= data.len());
        assert!(!(body.ended && body.damaged));
    }
}

fn head_is_too_long(data: &[u8]) -> bool {
    data.len() > 300 << 10
}

/// A content coding, sizes of pieces, and a body: the same in pieces, and bounded.
pub fn decoding(data: &[u8]) {
    let (coding, rest) = part(data);
    let (sizes, body) = part(rest);
    let whole = decode(coding, [body], LIMIT);
    let cut = decode(coding, pieces(body, sizes), LIMIT);
    let (Some(whole), Some(cut)) = (&whole, &cut) else {
        assert!(whole.is_none() && cut.is_none(), "a coding is known or not");
        return;
    };
    let decoded = |answer: &Result<Vec<u8>, Vec<u8>>| match answer {
        Ok(plain) | Err(plain) => plain.clone(),
    };
    let (one, other) = (decoded(whole), decoded(cut));
    let common = one.len().min(other.len());
    assert_eq!(one[..common], other[..common], "other bytes in pieces");
    // what goes on beyond the limit may be damaged there
    if one.len().max(other.len()) <= LIMIT {
        assert_eq!(whole.is_ok(), cut.is_ok(), "another answer in pieces");
        assert!(whole.is_err() || whole == cut, "another body in pieces");
    }
}

/// A certificate as a server presents it.
pub fn certificate(data: &[u8]) {
    let _ = certificate_is_readable(data);
}
