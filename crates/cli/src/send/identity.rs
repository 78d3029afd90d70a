//! `--cert`, `--key` and the passphrase between them.

use super::flags::Id;
use super::operation::{not_empty, text};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The flags as given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct IdentityFlags {
    pub(super) certificate: Option<PathBuf>,
    pub(super) certificate_form: Option<String>,
    pub(super) key: Option<PathBuf>,
    pub(super) key_form: Option<String>,
    /// That of `--cert FILE:PASSPHRASE` or `--pass`, whichever came last.
    pub(super) passphrase: Option<OsString>,
}

impl IdentityFlags {
    pub(super) fn take(&mut self, id: Id, value: OsString) -> Result<(), String> {
        match id {
            Id::Cert => {
                let (file, passphrase) = split(&not_empty(value)?);
                self.certificate = Some(not_empty(file)?.into());
                self.passphrase = passphrase.or(self.passphrase.take());
            }
            Id::CertType => self.certificate_form = Some(text(value)?),
            Id::Key => self.key = Some(not_empty(value)?.into()),
            Id::KeyType => self.key_form = Some(text(value)?),
            Id::Pass => self.passphrase = Some(value),
            _ => return Err(String::from("the flag takes no value")),
        }
        Ok(())
    }
}

/// `FILE[:PASSPHRASE]`, where `\:` and `\\` stand for themselves in the name of the file, as in curl.
fn split(value: &OsStr) -> (OsString, Option<OsString>) {
    let Some(whole) = value.to_str() else { return (value.to_owned(), None) };
    let mut file = String::new();
    let mut letters = whole.char_indices().peekable();
    // the colon of a drive is none of a passphrase
    let drive = cfg!(windows) && whole.get(1..3) == Some(":\\");
    while let Some((at, letter)) = letters.next() {
        match (letter, letters.peek()) {
            ('\\', Some((_, next @ (':' | '\\')))) if !drive => {
                file.push(*next);
                letters.next();
            }
            (':', _) if !(drive && at == 1) => return (file.into(), Some(OsString::from(&whole[at + 1..]))),
            _ => file.push(letter),
        }
    }
    (file.into(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_stands_behind_the_first_colon_that_is_not_escaped() {
        for (text, file, passphrase) in [
            ("a.pem", "a.pem", None),
            ("a.pem:", "a.pem", Some("")),
            ("a.pem:b:c", "a.pem", Some("b:c")),
            ("a.pem:<<vault:x/y>>", "a.pem", Some("<<vault:x/y>>")),
            (r"a\:b.pem:c\:d", "a:b.pem", Some(r"c\:d")),
            (r"a\\b\c", r"a\b\c", None),
        ] {
            let expected = (OsString::from(file), passphrase.map(OsString::from));
            assert_eq!(split(OsStr::new(text)), expected, "{text}");
        }
    }
}
