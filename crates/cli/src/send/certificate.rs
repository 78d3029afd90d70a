//! The client certificate of a connection, with the passphrase of its key.

use super::identity::IdentityFlags;
use super::secrets::Secrets;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::input::{self, Source};
use crate::output;
use std::ffi::OsStr;
use subrosa_http::{CertificateForm, HttpError, Identity, IdentitySource, read_identity_file};
use subrosa_secret::SecretValue;

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
