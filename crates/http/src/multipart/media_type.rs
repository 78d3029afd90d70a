//! The type of a file by what its name ends in.

/// The endings that curl 7.88 knows, in its order.
const ENDINGS: [(&[u8], &str); 10] = [
    (b".gif", "image/gif"),
    (b".jpg", "image/jpeg"),
    (b".jpeg", "image/jpeg"),
    (b".png", "image/png"),
    (b".svg", "image/svg+xml"),
    (b".txt", "text/plain"),
    (b".htm", "text/html"),
    (b".html", "text/html"),
    (b".pdf", "application/pdf"),
    (b".xml", "application/xml"),
];

/// The type of a file of that name, if its ending is known.
pub(super) fn of(name: &[u8]) -> Option<&'static str> {
    let ends = |ending: &[u8]| {
        name.len() >= ending.len() && name[name.len() - ending.len()..].eq_ignore_ascii_case(ending)
    };
    ENDINGS.iter().find(|(ending, _)| ends(ending)).map(|(_, media_type)| *media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_tells() {
        assert_eq!(of(b"a.GIF"), Some("image/gif"));
        assert_eq!(of(b".xml"), Some("application/xml"));
        for name in [&b"gif"[..], b"a.gif ", b"a.json", b""] {
            assert_eq!(of(name), None);
        }
    }
}
