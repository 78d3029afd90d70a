//! The spellings in which a value can turn up in what is shown.

use data_encoding::{BASE64, BASE64URL, Encoding, HEXLOWER, HEXUPPER};
use zeroize::Zeroizing;

use super::escapes;

/// A spelling of a value; as secret as the value.
pub(crate) type Spelling = Zeroizing<Vec<u8>>;

/// Above this many bytes only the likely spellings are looked for.
const LARGE: usize = 64 << 10;
/// Lines of a value that are shorter are not looked for by themselves.
const MIN_LINE_LEN: usize = 16;
/// How many lines of one value are looked for by themselves: twice an 8192-bit RSA key in PEM.
const MAX_LINES: usize = 256;

/// All spellings of `value`, each once, in byte order.
pub(crate) fn spellings(value: &[u8]) -> Vec<Spelling> {
    let mut all = Vec::with_capacity(32);
    whole(value, &mut all);
    // a value that was stored with a line break at its end is echoed without it
    let trimmed = value.trim_ascii();
    if trimmed.len() != value.len() {
        whole(trimmed, &mut all);
    }
    lines(trimmed, &mut all);
    all.sort_unstable_by(|a, b| a.as_slice().cmp(b));
    all.dedup();
    all
}

fn whole(value: &[u8], all: &mut Vec<Spelling>) {
    let keep = |bytes: Vec<u8>| Spelling::new(bytes);
    all.push(keep(value.to_vec()));
    all.push(keep(HEXLOWER.encode(value).into_bytes()));
    for encoding in [&BASE64, &BASE64URL] {
        let shifts = if value.len() > LARGE { 1 } else { 3 };
        (0..shifts).for_each(|shift| base64(encoding, shift, value, all));
    }
    escapes::likely(value, all);
    if value.len() <= LARGE {
        all.push(keep(HEXUPPER.encode(value).into_bytes()));
        escapes::percent(value, all);
        escapes::every_byte_percent(value, all);
    }
    match std::str::from_utf8(value) {
        Ok(text) if value.len() <= LARGE => {
            escapes::json(text, all);
            escapes::html(text, all);
            escapes::every_character(text, all);
        }
        _ => {}
    }
}

/// The lines of a multi-line value, such as a key in PEM, for output that indents or wraps them.
fn lines(value: &[u8], all: &mut Vec<Spelling>) {
    if !value.contains(&b'\n') {
        return;
    }
    let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    // the first and last line of a PEM are the same for everybody
    let telling = lines.filter(|line| line.len() >= MIN_LINE_LEN && !line.starts_with(b"-----"));
    for line in telling.take(MAX_LINES) {
        all.push(Spelling::new(line.to_vec()));
        escapes::likely(line, all);
    }
}

/// Base64 of `value` after `shift` unknown bytes: the characters that no neighbour can change, and where the
/// text ends with the value, the last character and the padding as well.
fn base64(encoding: &Encoding, shift: usize, value: &[u8], all: &mut Vec<Spelling>) {
    let mut shifted = Zeroizing::new(vec![0; shift]);
    shifted.extend_from_slice(value);
    let encoded = Zeroizing::new(encoding.encode(&shifted).into_bytes());
    let start = (shift * 8).div_ceil(6);
    let bits = shifted.len() * 8;
    let ends = [bits / 6, bits.div_ceil(6), encoded.len()];
    let longer = |i: usize| i == 0 || ends[i] > ends[i - 1];
    for i in (0..ends.len()).filter(|i| longer(*i)) {
        all.push(Spelling::new(encoded[start..ends[i]].to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(value: &str, spelling: &str) -> bool {
        spellings(value.as_bytes()).iter().any(|s| s.as_slice() == spelling.as_bytes())
    }

    #[test]
    fn base64_in_each_alignment_is_what_neighbours_cannot_change() {
        let value = b"s3cr3t-\xfb\xff~value";
        for encoding in [&BASE64, &BASE64URL] {
            for before in 0..4 {
                for after in 0..4 {
                    let text = [&[0xaa; 4][..before], value, &[0xbb; 4][..after]].concat();
                    let encoded = encoding.encode(&text);
                    let longest = spellings(value)
                        .iter()
                        .filter(|s| memchr::memmem::find(encoded.as_bytes(), s).is_some())
                        .map(|s| s.len())
                        .max();
                    // at most one character on each side is shared with a neighbour
                    assert!(
                        longest.is_some_and(|len| len >= value.len() * 4 / 3 - 2),
                        "{before} {after} {encoded}"
                    );
                }
            }
        }
    }

    #[test]
    fn plain_words_have_no_doubled_spellings() {
        let all = spellings(b"abcdefgh12345678");
        assert!(all.windows(2).all(|pair| pair[0].as_slice() < pair[1].as_slice()));
        assert!(all.len() < 32, "{}", all.len());
    }

    #[test]
    fn lines_of_a_pem_stand_for_themselves() {
        let pem = "-----BEGIN KEY-----\nAAAABBBBCCCC+DDD/EEE\r\nshort\n-----END KEY-----\n";
        assert!(has(pem, "AAAABBBBCCCC+DDD/EEE"));
        assert!(has(pem, "AAAABBBBCCCC%2BDDD%2FEEE"));
        assert!(!has(pem, "short"));
        assert!(!has(pem, "-----BEGIN KEY-----"));
        assert!(has(pem, &pem.trim().replace('\r', "\\r").replace('\n', "\\n")));
    }

    #[test]
    fn a_large_value_has_few_spellings() {
        let all = spellings(&vec![b'/'; LARGE + 1]);
        let bytes: usize = all.iter().map(|s| s.len()).sum();
        assert!(bytes < 24 * LARGE, "{bytes}");
    }
}
