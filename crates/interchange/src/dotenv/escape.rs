//! What stands in quotes, and what it means.

use zeroize::Zeroizing;

use super::scanner::Quote;

/// The value of a text in quotes. Line ends become `\n`: both programs read their files so.
pub(super) fn decode(quote: Option<Quote>, inner: &str) -> Zeroizing<Vec<u8>> {
    // no longer than what it is read from: the buffer never moves
    let mut value = Zeroizing::new(Vec::with_capacity(inner.len()));
    let mut rest = inner.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let (read, taken) = match (byte, behind.first()) {
            (b'\\', Some(&next)) => escaped(quote, next).map_or((byte, 1), |read| (read, 2)),
            (b'\r', Some(b'\n')) => (b'\n', 2),
            (b'\r', _) => (b'\n', 1),
            _ => (byte, 1),
        };
        value.push(read);
        rest = &rest[taken..];
    }
    value
}

/// What a backslash before `next` makes of it, as python-dotenv reads it; `None` where both stay.
fn escaped(quote: Option<Quote>, next: u8) -> Option<u8> {
    match (quote?, next) {
        (Quote::Double, b'n') => Some(b'\n'),
        (Quote::Double, b'r') => Some(b'\r'),
        (Quote::Double, b't') => Some(b'\t'),
        (Quote::Double, b'a') => Some(0x07),
        (Quote::Double, b'b') => Some(0x08),
        (Quote::Double, b'v') => Some(0x0b),
        (Quote::Double, b'f') => Some(0x0c),
        (Quote::Double, b'"') => Some(b'"'),
        (Quote::Double | Quote::Single, b'\\' | b'\'') => Some(next),
        _ => None,
    }
}

/// Whether an escape stands here that the npm package dotenv does not know: it reads `\n` and `\r` in double quotes
/// alone.
pub(super) fn is_read_differently(quote: Option<Quote>, inner: &str) -> bool {
    let mut rest = inner.as_bytes();
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let Some(&next) = rest.get(at + 1) else { return false };
        let decoded = escaped(quote, next).is_some();
        if decoded && !(quote == Some(Quote::Double) && (next == b'n' || next == b'r')) {
            return true;
        }
        rest = &rest[at + if decoded { 2 } else { 1 }..];
    }
    false
}
