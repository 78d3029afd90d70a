//! What a link into a folder names: a path below it.

use subrosa_provider::{ErrorKind, ProviderError};

/// The path as it is stored: parts joined by `/`, none of them empty, `.` or `..`.
pub(crate) fn canonical(text: &str) -> Result<String, ProviderError> {
    let refuse = |why: &str| {
        Err(ProviderError::new(
            ErrorKind::BadLink,
            format!("{:?} names no file below the folder: {why}", text),
        ))
    };
    if text.starts_with('/') || text.starts_with('\\') {
        return refuse("it is an absolute path");
    }
    if text.chars().any(char::is_control) {
        return refuse("it has control characters");
    }
    if cfg!(windows) && text.contains([':', '\\']) {
        return refuse("it has ':' or '\\'");
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    match parts.as_slice() {
        [] => refuse("it is empty"),
        parts if parts.contains(&"..") => refuse("it leads out of it"),
        parts => Ok(parts.join("/")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_mean_the_same_are_the_same() {
        for text in ["db/password", "./db/password", "db//password", "db/./password"] {
            assert_eq!(canonical(text).expect(text), "db/password");
        }
        assert_eq!(canonical("..data/token").expect("a name that begins with dots"), "..data/token");
    }

    #[test]
    fn hostile_h82_a_path_that_leads_elsewhere_is_no_link() {
        for text in ["", "/", "/etc/passwd", "..", "../x", "a/../../x", "a/..", ".", "a\0b", "a\nb", "\\\\x"]
        {
            let error = canonical(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::BadLink, "{text:?}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
}
