//! Values that stand everywhere: masking them would only garble what is shown.

/// Values shorter than this many bytes are not masked.
const MIN_LEN: usize = 4;

const WORDS: [&str; 26] = [
    "true",
    "false",
    "null",
    "none",
    "undefined",
    "yes",
    "no",
    "on",
    "off",
    "nan",
    "http",
    "https",
    "basic",
    "bearer",
    "token",
    "user",
    "admin",
    "root",
    "test",
    "secret",
    "password",
    "localhost",
    "example",
    "default",
    "enabled",
    "disabled",
];

/// Whether a value is too short or too common to be masked.
pub(crate) fn is_trivial(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let same = value.iter().all(|byte| Some(byte) == value.first());
    value.len() < MIN_LEN
        || (same && value.len() < 2 * MIN_LEN)
        || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_common_values_are_trivial() {
        for value in ["", "a", "0", "abc", "abc\n", "true", "FALSE", "null", "0000", "    ", "password"] {
            assert!(is_trivial(value.as_bytes()), "{value:?}");
        }
        for value in ["abcd", "1234", "hunter2", "true1", "00000000"] {
            assert!(!is_trivial(value.as_bytes()), "{value:?}");
        }
    }
}
