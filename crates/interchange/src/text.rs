//! Bytes that are to be text.

use crate::{InterchangeError, MAX_FILE_LEN};

/// The text of a file, without the byte order mark that may stand before it.
///
/// UTF-8 alone is read. UTF-16 is refused rather than converted: a file that is written back, as by `--rewrite`, is to
/// keep each byte that is no secret, and nobody is to wonder which of two texts was meant.
///
/// # Errors
/// [`InterchangeError`]: too long, another encoding, or no text.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, InterchangeError> {
    check_len(bytes)?;
    check_encoding(bytes)?;
    let text =
        str::from_utf8(bytes).map_err(|error| InterchangeError::NotText { at: error.valid_up_to() })?;
    match memchr::memchr(0, bytes) {
        Some(at) => Err(InterchangeError::NotText { at }),
        None => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
    }
}

/// Refuses what is longer than any file that is read.
pub(crate) fn check_len(bytes: &[u8]) -> Result<(), InterchangeError> {
    match bytes.len() {
        len if len > MAX_FILE_LEN => Err(InterchangeError::TooLong { len: len as u64 }),
        _ => Ok(()),
    }
}

/// Refuses text in another encoding than UTF-8 where its first bytes tell.
pub(crate) fn check_encoding(bytes: &[u8]) -> Result<(), InterchangeError> {
    let encoding = match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, 1..=0x7f, ..] => "UTF-32",
        [1..=0x7f, 0, 0, 0, ..] => "UTF-32",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16",
        // without a mark: two ASCII characters
        [1..=0x7f, 0, 1..=0x7f, 0, ..] | [0, 1..=0x7f, 0, 1..=0x7f, ..] => "UTF-16",
        _ => return Ok(()),
    };
    Err(InterchangeError::Encoding { encoding })
}

/// The line, counted from 1, in which the byte at `at` stands.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    memchr::memchr_iter(b'\n', &text.as_bytes()[..at.min(text.len())]).count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> &'static str {
        text(bytes).expect_err("it is refused").kind()
    }

    #[test]
    fn hostile_i89_a_byte_order_mark_goes_and_other_encodings_are_refused() {
        assert_eq!(text(b"\xef\xbb\xbfA=1").unwrap(), "A=1");
        for utf16 in [b"\xff\xfeA\0=\0".as_slice(), b"\xfe\xff\0A\0=", b"A\0=\0", b"\0A\0="] {
            assert_eq!(refused(utf16), "encoding", "{utf16:?}");
        }
        assert_eq!(refused(b"\xff\xfe\0\0A\0\0\0"), "encoding");
        assert_eq!(refused(b"A\0\0\0=\0\0\0"), "encoding");
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_where_they_stand() {
        assert!(matches!(text(b"A=\xff"), Err(InterchangeError::NotText { at: 2 })));
        assert!(matches!(text(b"A=b\0"), Err(InterchangeError::NotText { at: 3 })));
    }

    #[test]
    fn lines_are_counted_from_one() {
        assert_eq!([0, 1, 2, 9].map(|at| line_of("a\nb", at)), [1, 1, 2, 2]);
    }
}
