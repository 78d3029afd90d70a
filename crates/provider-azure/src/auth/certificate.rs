//! An application and its certificate.

use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_identity::{ClientAssertionCredential, ClientAssertionCredentialOptions};
use data_encoding::BASE64;
use subrosa_http::{CertificateForm, HttpError, Identity, IdentityParts, IdentitySource};
use subrosa_provider::{ErrorKind, Login, Method, ProviderError};
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use super::assertion::Signer;
use super::{Asking, LoggedIn};

pub(super) const METHOD: Method = Method {
    name: "client-certificate",
    credential: "certificate and key (PEM or PFX)",
    needs: &["tenant", "client-id"],
    person: false,
};

pub(super) fn log_in(asking: Asking<'_>, login: &Login<'_>) -> Result<LoggedIn, ProviderError> {
    let given = (login.credential)()?;
    let (parts, opened) = match read(given.expose_secret(), None) {
        Err(HttpError::PassphraseMissing) => (opened(&given, login)?, true),
        read => (read.map_err(|error| refused(&error))?, false),
    };
    let mut logged_in = asking.by(|asking| credential(asking, &parts))?;
    // who has the key need not be asked for its passphrase again
    logged_in.credential = opened.then(|| pem(&parts)).transpose()?;
    Ok(logged_in)
}

fn credential(asking: &Asking<'_>, parts: &IdentityParts) -> Result<Arc<dyn TokenCredential>, ProviderError> {
    let (tenant, client) = (asking.text("tenant").to_owned(), asking.text("client-id").to_owned());
    let audience = format!("{}/{tenant}/oauth2/v2.0/token", asking.text("authority"));
    let signer = Signer::new(parts, client.clone(), audience)?;
    let options = ClientAssertionCredentialOptions { client_options: asking.options() };
    let credential = ClientAssertionCredential::new(tenant, client, signer, Some(options));
    Ok(credential.map_err(|error| super::unusable(&error))?)
}

fn read(file: &[u8], passphrase: Option<&SecretValue>) -> Result<IdentityParts, HttpError> {
    let form = CertificateForm::guess(file);
    // in PEM the key stands in the same text
    let key = (form == CertificateForm::Pem).then_some((file, form));
    Identity::read_parts(&IdentitySource { certificate: file, form, key, passphrase })
}

/// The same with the passphrase of who is there.
fn opened(file: &SecretValue, login: &Login<'_>) -> Result<IdentityParts, ProviderError> {
    let person = login.person.ok_or_else(|| refused(&HttpError::PassphraseMissing))?;
    let passphrase = person.ask("passphrase of the certificate's key")?;
    read(file.expose_secret(), Some(&passphrase)).map_err(|error| refused(&error))
}

fn refused(error: &HttpError) -> ProviderError {
    ProviderError::new(ErrorKind::BadSettings, error.to_string())
}

/// Certificate and key in one text, as they are kept: the key decrypted, in a form that is read without a passphrase.
fn pem(parts: &IdentityParts) -> Result<SecretValue, ProviderError> {
    let mut text = Zeroizing::new(Vec::with_capacity(16 << 10));
    block(&mut text, "PRIVATE KEY", &parts.key);
    if let Some(certificate) = parts.chain.first() {
        block(&mut text, "CERTIFICATE", certificate);
    }
    SecretValue::from_zeroizing(text)
        .map_err(|_| ProviderError::new(ErrorKind::BadSettings, "the certificate is too long"))
}

fn block(text: &mut Zeroizing<Vec<u8>>, label: &str, der: &[u8]) {
    text.extend_from_slice(format!("-----BEGIN {label}-----\n").as_bytes());
    // 48 bytes are a line of 64 letters (RFC 7468)
    for line in der.chunks(48) {
        let line = Zeroizing::new(BASE64.encode(line).into_bytes());
        text.extend_from_slice(&line);
        text.push(b'\n');
    }
    text.extend_from_slice(format!("-----END {label}-----\n").as_bytes());
}
