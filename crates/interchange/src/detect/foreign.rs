//! Files of other programs that are known by their first bytes and cannot be read.

use crate::InterchangeError;

const KDBX: &[u8] = b"\x03\xd9\xa2\x9a";
const ZIP: &[u8] = b"PK\x03\x04";
/// How far into a zip archive the name of its first file is looked for.
const ZIP_HEAD: usize = 256;

pub(super) fn check(bytes: &[u8], name: Option<&str>) -> Result<(), InterchangeError> {
    match magic(bytes, name).or_else(|| heading(bytes)) {
        Some(what) => Err(InterchangeError::Unsupported { what }),
        None => Ok(()),
    }
}

fn magic(bytes: &[u8], name: Option<&str>) -> Option<&'static str> {
    match bytes {
        _ if bytes.starts_with(KDBX) => Some("a KeePass database (KDBX)"),
        _ if bytes.starts_with(ZIP) => {
            Some(if is_1pux(bytes, name) { "an export of 1Password (1PUX)" } else { "a zip archive" })
        }
        _ if bytes.starts_with(b"\x1f\x8b") => Some("a file compressed with gzip"),
        _ if bytes.starts_with(b"SQLite format 3\0") => Some("an SQLite database"),
        _ if bytes.starts_with(b"Salted__") => Some("a file encrypted by openssl"),
        _ => None,
    }
}

fn is_1pux(bytes: &[u8], name: Option<&str>) -> bool {
    let head = &bytes[..bytes.len().min(ZIP_HEAD)];
    name.is_some_and(|name| name.to_ascii_lowercase().ends_with(".1pux"))
        || memchr::memmem::find(head, b"export.attributes").is_some()
        || memchr::memmem::find(head, b"export.data").is_some()
}

fn heading(bytes: &[u8]) -> Option<&'static str> {
    let text = bytes.trim_ascii_start();
    match text {
        _ if text.starts_with(b"$ANSIBLE_VAULT;") => Some("a file encrypted by ansible-vault"),
        _ if text.starts_with(b"-----BEGIN PGP ") => Some("a file encrypted by GnuPG"),
        _ if text.starts_with(b"-----BEGIN ") => Some("a key or a certificate (PEM), not a file of secrets"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(bytes: &[u8], name: Option<&str>) -> String {
        check(bytes, name).expect_err("it is known").to_string()
    }

    #[test]
    fn each_is_named() {
        assert!(said(b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5", None).contains("KDBX"));
        assert!(said(b"PK\x03\x04", Some("a.1PUX")).contains("1PUX"));
        assert!(said(b"PK\x03\x04\x14\0\0\0\0\0export.attributes", None).contains("1PUX"));
        assert!(said(b"PK\x03\x04", Some("a.zip")).contains("zip"));
        assert!(said(b"$ANSIBLE_VAULT;1.1;AES256\n", None).contains("ansible-vault"));
        assert!(said(b"-----BEGIN PGP MESSAGE-----", None).contains("GnuPG"));
        assert!(said(b"SQLite format 3\0", None).contains("SQLite"));
        assert!(check(b"A=1", None).is_ok());
    }
}
