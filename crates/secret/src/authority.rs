//! The end of an authority: host and port as text.

/// Splits `host[:port]`. A text with several colons outside brackets is left whole: no host has one.
pub(crate) fn split_host(text: &str) -> (&str, Option<&str>) {
    let from = if text.starts_with('[') { text.find(']').unwrap_or(0) } else { 0 };
    let mut colons = text[from..].match_indices(':');
    match (colons.next(), colons.next()) {
        (Some((at, _)), None) => (&text[..from + at], Some(&text[from + at + 1..])),
        _ => (text, None),
    }
}

/// A port from 1 to 65535 in its shortest spelling.
pub(crate) fn parse_port(digits: &str) -> Option<u16> {
    if digits.starts_with('0') || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_the_one_colon() {
        assert_eq!(split_host("a.b:80"), ("a.b", Some("80")));
        assert_eq!(split_host("a.b"), ("a.b", None));
        assert_eq!(split_host("[::1]:8"), ("[::1]", Some("8")));
        assert_eq!(split_host("[::1]"), ("[::1]", None));
        assert_eq!(split_host("::1"), ("::1", None));
        assert_eq!(split_host("[::1"), ("[::1", None));
    }

    #[test]
    fn ports_are_plain_numbers() {
        assert_eq!(parse_port("65535"), Some(65535));
        for digits in ["", "0", "65536", "080", "+80", "-1", "8a", "99999999999"] {
            assert_eq!(parse_port(digits), None, "{digits}");
        }
    }
}
