//! What of a request is shown of its author's own words: not what stands in a place for credentials.

use super::Header;
use subrosa_http::{HeaderOutline, Written};

/// What stands for text that is not shown.
const HIDDEN: &str = "…";

/// A header with its references; text in a place for credentials is left out but for the scheme before it.
pub(super) fn header(outline: HeaderOutline<'_>) -> Header {
    let hides = outline.scheme.is_some() || is_for_credentials(outline.name);
    let mut value = String::new();
    for (at, piece) in outline.pieces.iter().enumerate() {
        match piece {
            Written::Reference(name) => value.push_str(&format!("<<vault:{name}>>")),
            Written::Text(text) => {
                let text = String::from_utf8_lossy(text);
                let is_scheme = at == 0 && outline.scheme.is_none();
                match hides {
                    true => value.push_str(&hidden(&text, is_scheme)),
                    false => value.push_str(&text),
                }
            }
        }
    }
    let value = value.trim();
    let value = outline.scheme.map_or_else(|| value.to_owned(), |scheme| format!("{scheme} {value}"));
    Header { name: outline.name.to_owned(), value }
}

/// The URL with its references; what a parameter for credentials has in clear is left out.
pub(super) fn url(written: &str) -> String {
    let Some((before, query)) = written.split_once('?') else { return written.to_owned() };
    let parameter = |text: &str| match text.split_once('=') {
        Some((name, value)) if is_for_credentials(name) && !value.contains("vault:") && !value.is_empty() => {
            format!("{name}={HIDDEN}")
        }
        _ => text.to_owned(),
    };
    let query: Vec<String> = query.split('&').map(parameter).collect();
    format!("{before}?{}", query.join("&"))
}

/// The scheme of an Authorization header, and signs that hold no secret.
fn hidden(text: &str, is_scheme: bool) -> String {
    if text.chars().all(|c| !c.is_alphanumeric()) {
        return text.to_owned();
    }
    match text.trim_start().split_once(' ') {
        Some((scheme, "")) if is_scheme => format!("{scheme} "),
        Some((scheme, _)) if is_scheme && scheme.chars().all(char::is_alphabetic) => {
            format!("{scheme} {HIDDEN}")
        }
        _ => HIDDEN.to_owned(),
    }
}

/// Whether what stands under this name is likely to be a secret.
fn is_for_credentials(name: &str) -> bool {
    const SIGNS: [&str; 8] = ["auth", "cookie", "key", "token", "secret", "pass", "signature", "credential"];
    let name = name.to_ascii_lowercase();
    SIGNS.iter().any(|sign| name.contains(sign)) || ["sig", "pwd", "code"].contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use subrosa_secret::Name;

    fn shown(name: &str, scheme: Option<&'static str>, pieces: &[Written<'_>]) -> String {
        header(HeaderOutline { name, scheme, pieces: pieces.to_vec() }).value
    }

    #[test]
    fn credentials_in_clear_are_not_shown() {
        let key = Name::parse("key").unwrap();
        let reference = Written::Reference(&key);
        assert_eq!(shown("Authorization", None, &[Written::Text(b" Bearer s3cr3t")]), "Bearer …");
        assert_eq!(shown("Authorization", None, &[Written::Text(b" s3cr3t")]), "…");
        assert_eq!(
            shown("Authorization", None, &[Written::Text(b" Bearer "), reference]),
            "Bearer <<vault:key>>"
        );
        assert_eq!(shown("X-Api-Key", None, &[Written::Text(b" s3cr3t")]), "…");
        assert_eq!(shown("Authorization", Some("Basic"), &[Written::Text(b"me:s3cr3t")]), "Basic …");
        assert_eq!(
            shown("Authorization", Some("Basic"), &[reference, Written::Text(b":")]),
            "Basic <<vault:key>>:"
        );
        assert_eq!(shown("Accept", None, &[Written::Text(b" */*")]), "*/*");
        assert_eq!(url("https://a/b?api_key=s3cr3t&q=1"), "https://a/b?api_key=…&q=1");
        assert_eq!(url("https://a/b?key=<<vault:k>>"), "https://a/b?key=<<vault:k>>");
    }
}
