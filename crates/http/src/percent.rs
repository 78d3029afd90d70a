//! Percent-encoding (RFC 3986, 2.1).

use zeroize::Zeroizing;

use crate::text::Sink;

/// RFC 3986, 2.3.
pub(crate) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Encodes everything but unreserved characters.
pub(crate) fn encode(bytes: &[u8], out: &mut Sink) {
    for byte in bytes {
        if is_unreserved(*byte) {
            out.push(*byte);
        } else {
            triplet(*byte, b"0123456789ABCDEF", out);
        }
    }
}

/// As curl's `--data-urlencode` writes text: like [`encode`] with `+` for a space.
pub(crate) fn encode_form(bytes: &[u8], out: &mut Sink) {
    for (index, word) in bytes.split(|byte| *byte == b' ').enumerate() {
        if index > 0 {
            out.push(b'+');
        }
        encode(word, out);
    }
}

/// As curl writes the path of a URL: what is not ASCII is encoded, in lower case, and nothing else.
pub(crate) fn encode_non_ascii(bytes: &[u8], out: &mut Sink) {
    for byte in bytes {
        if byte.is_ascii() {
            out.push(*byte);
        } else {
            triplet(*byte, b"0123456789abcdef", out);
        }
    }
}

fn triplet(byte: u8, digits: &[u8; 16], out: &mut Sink) {
    out.extend(&[b'%', digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
}

/// Decodes every `%XX`; a percent sign without two hexadecimal digits stays.
#[must_use]
pub fn decode(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        let pair = tail.get(..2).and_then(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
        match pair {
            Some(byte) if first == b'%' => {
                out.push(byte);
                rest = &tail[2..];
            }
            _ => {
                out.push(first);
                rest = tail;
            }
        }
    }
    out
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Sink)) -> String {
        let mut out = Sink::default();
        write(&mut out);
        String::from_utf8(out.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn only_unreserved_characters_stay() {
        let all: Vec<u8> = (0..=255).collect();
        let text = written(|out| encode(&all, out));
        let kept: String = text.split('%').map(|part| part.get(2..).unwrap_or(part)).collect();
        assert_eq!(kept, "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~");
        assert_eq!(decode(text.as_bytes())[..], all[..]);
    }

    #[test]
    fn forms_write_a_space_as_plus() {
        assert_eq!(written(|out| encode_form(" a b&ä+".as_bytes(), out)), "+a+b%26%C3%A4%2B");
        assert_eq!(written(|out| encode_non_ascii("/ä {}".as_bytes(), out)), "/%c3%a4 {}");
    }

    #[test]
    fn decoding_leaves_broken_triplets() {
        assert_eq!(decode(b"%41%4g%%42%")[..], b"A%4g%B%"[..]);
        assert_eq!(decode(b"%+1")[..], b"%+1"[..]);
    }
}
