//! `--cert`, `--key` and the passphrase between them.

use super::flags::Id;
use super::operation::{not_empty, text};
use super::secrets::Secrets;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::input::{self, Source};
use crate::output;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use subrosa_http::{CertificateForm, HttpError, Identity, IdentitySource, read_identity_file};
use subrosa_secret::SecretValue;

/// The flags as given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct IdentityFlags {
    certificate: Option<PathBuf>,
    certificate_form: Option<String>,
    key: Option<PathBuf>,
    key_form: Option<String>,
    /// That of `--cert FILE:PASSPHRASE` or `--pass`, whichever came last.
    passphrase: Option<OsString>,
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

/// The client certificate that the flags name.
pub(super) fn read(
    context: &Context,
    secrets: &mut Secrets,
    flags: &IdentityFlags,
    no_refs: bool,
) -> Outcome<Option<Identity>> {
    let Some(path) = &flags.certificate else { return Ok(None) };
    let certificate = read_identity_file(path)?;
    let form = form("--cert-type", flags.certificate_form.as_deref(), &certificate)?;
    let key = flags.key.as_deref().map(read_identity_file).transpose()?;
    let key_form = match &key {
        Some(key) => self::form("--key-type", flags.key_form.as_deref(), key)?,
        None => form,
    };
    let key = key.as_ref().map(|key| (key.as_slice(), key_form));
    let passphrase = flags.passphrase.as_deref();
    let passphrase = passphrase.map(|text| given(context, secrets, text, no_refs)).transpose()?;
    let source = IdentitySource { certificate: &certificate, form, key, passphrase: passphrase.as_ref() };
    match Identity::read(&source) {
        // curl asks for it as well
        Err(HttpError::PassphraseMissing) if context.terminal()?.is_some() => {
            let what = format!("passphrase of {}", flags.key.as_ref().unwrap_or(path).display());
            let typed = input::value(context, Source::Asked, &what, false)?;
            Ok(Some(Identity::read(&IdentitySource { passphrase: Some(&typed), ..source })?))
        }
        Err(HttpError::PassphraseMissing) => {
            let failure = Failure::from(HttpError::PassphraseMissing);
            Err(failure.hint("--pass '<<vault:NAME>>' names the secret that opens it, --pass - reads it"))
        }
        outcome => Ok(Some(outcome?)),
    }
}

fn form(option: &'static str, word: Option<&str>, bytes: &[u8]) -> Outcome<CertificateForm> {
    match word {
        Some(word) => Ok(CertificateForm::parse(option, word)?),
        None => Ok(CertificateForm::guess(bytes)),
    }
}

/// A passphrase from the command line: a reference, `-` for one that is typed or piped in, or the text itself, which
/// every process of the machine can read.
fn given(context: &Context, secrets: &mut Secrets, text: &OsStr, no_refs: bool) -> Outcome<SecretValue> {
    let bytes = text.as_encoded_bytes();
    if bytes == b"-" {
        return input::value(context, Source::Asked, "passphrase of the client certificate", false);
    }
    let scan = subrosa_secret::scan(bytes);
    if no_refs || (scan.references.is_empty() && scan.malformed.is_empty()) {
        output::warn("the passphrase stood on the command line, where other programs can read it");
        output::hint("--pass '<<vault:NAME>>' names the secret that holds it");
        return SecretValue::new(bytes.to_vec()).map_err(|error| Failure::usage(format!("--pass: {error}")));
    }
    match scan.references.as_slice() {
        [one] if one.span == (0..bytes.len()) => secrets.local(context, &one.name),
        _ => Err(Failure::new(Exit::UNRESOLVED, "--pass: a passphrase is one reference and nothing else")),
    }
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
