//! Reading a whole response from bytes, for fuzz targets: as `exchange` does, without a connection.

use bytes::BytesMut;

use super::exchange::Reading;
use super::framing::{Framing, Step, keeps_alive};
use super::head;
use crate::response::ResponseHead;

/// What became of a response's body.
#[derive(Debug, PartialEq, Eq)]
pub struct Body {
    /// What was read of it.
    pub data: Vec<u8>,
    /// Whether its end was seen.
    pub ended: bool,
    /// Whether it was damaged.
    pub damaged: bool,
    /// Whether another request could follow on the connection.
    pub reusable: bool,
    /// Bytes behind the body.
    pub left: usize,
}

/// Reads the response that a server sent in pieces of `size`; `None` if its head is no head, or not whole.
#[must_use]
pub fn read_response(wire: &[u8], size: usize, to_head: bool) -> Option<(ResponseHead, Option<Body>)> {
    let (mut inbox, mut pieces) = (BytesMut::new(), wire.chunks(size.max(1)));
    let head = loop {
        inbox.extend_from_slice(pieces.next()?);
        if let Some((head, length)) = head::parse(&inbox).ok()? {
            let _ = inbox.split_to(length);
            break head;
        }
    };
    let reading = Reading { to_head, raw: false, ignores_length: false };
    let Ok(mut framing) = Framing::of(&head, reading) else { return Some((head, None)) };
    let reusable = keeps_alive(&head, &framing);
    let mut body = Body { data: Vec::new(), ended: false, damaged: false, reusable, left: 0 };
    loop {
        match framing.step(&mut inbox) {
            Ok(Step::Data(data)) => body.data.extend_from_slice(&data),
            Ok(Step::End) => {
                body.ended = true;
                break;
            }
            Ok(Step::More) => match pieces.next() {
                Some(piece) => inbox.extend_from_slice(piece),
                None => break,
            },
            Err(_) => {
                body.damaged = true;
                break;
            }
        }
    }
    body.left = inbox.len() + pieces.map(<[u8]>::len).sum::<usize>();
    Some((head, Some(body)))
}
