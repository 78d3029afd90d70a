//! Azure Key Vault and Entra ID, as far as their public documentation describes them to clients: a stand-in, since no emulator of
//! them is to be had. Microsoft's own client for Python works with it, which a test here shows.
//!
//! Sources: Key Vault's REST reference (Get Secret, Get Secrets, Set Secret, "Authentication, requests and responses"), and "OAuth 2.0
//! and OpenID Connect protocols on the Microsoft identity platform" with "Certificate credentials for application authentication".

mod assertion;
mod certificate;
mod entra;
mod form;
mod key_vault;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::{Answer, CaptureOptions, CaptureServer, Captured};
pub use certificate::AzureCertificate;
use entra::Entra;
pub use key_vault::AzureFault;
use key_vault::KeyVault;

/// A vault, and the authority that makes tokens for it, at one address. It ends with the value.
pub struct Azure {
    server: CaptureServer,
    /// where a machine asks for its own token, without TLS as there
    metadata: CaptureServer,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    entra: Entra,
    vault: KeyVault,
}

impl Azure {
    /// The tenant.
    pub const TENANT: &str = "11111111-2222-3333-4444-555555555555";
    /// The registered application, which is also the machine's identity.
    pub const CLIENT: &str = "99999999-8888-7777-6666-555555555555";
    /// The application's secret.
    pub const SECRET: &str = "example~client-secret~of~the~stand-in";
    /// What a pod's issuer says of the pod, with which the application is federated.
    pub const FEDERATED: &str = "example.federated.assertion";
    /// What the machine's endpoint has to be shown.
    pub const IDENTITY_HEADER: &str = "example-identity-header";

    /// Starts one, without a secret in it.
    #[must_use]
    pub fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let (serving, identifying) = (state.clone(), state.clone());
        let names = ["localhost", "127.0.0.1", "unit.vault.azure.net", "login.microsoftonline.com"];
        let options = CaptureOptions::tls_for(&names);
        let server =
            CaptureServer::start(options.answering(move |_, request| locked(&serving).answer(request)));
        let options = CaptureOptions::default();
        let metadata = CaptureServer::start(
            options.answering(move |_, request| locked(&identifying).entra.of_machine(request)),
        );
        Self { server, metadata, state }
    }

    /// Its address: of the vault, of the authority, and of the resource that tokens are for.
    #[must_use]
    pub fn address(&self) -> String {
        self.server.url("")
    }

    /// The server as such.
    #[must_use]
    pub fn server(&self) -> &CaptureServer {
        &self.server
    }

    /// The file of the authority that signed its certificate.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.server.ca_path()
    }

    /// Where a machine asks for its token: `IDENTITY_ENDPOINT`.
    #[must_use]
    pub fn identity_endpoint(&self) -> String {
        self.metadata.url("/msi/token")
    }

    /// What the machine's endpoint was asked.
    #[must_use]
    pub fn identity_requests(&self) -> Vec<Captured> {
        self.metadata.requests()
    }

    /// Adds a version of a secret, and answers its id.
    pub fn put(&self, name: &str, value: &str) -> String {
        locked(&self.state).vault.put(name, value, None)
    }

    /// The same, of a kind that its owner gives a name.
    pub fn put_with(&self, name: &str, value: &str, content_type: &str) -> String {
        locked(&self.state).vault.put(name, value, Some(content_type))
    }

    /// Of which kind the latest version of a secret is.
    #[must_use]
    pub fn content_type(&self, name: &str) -> Option<String> {
        locked(&self.state).vault.content_type(name)
    }

    /// Enables or disables the latest version of a secret.
    pub fn enable(&self, name: &str, enabled: bool) {
        locked(&self.state).vault.enable(name, enabled);
    }

    /// The latest value of a secret, for a test that wrote one.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        locked(&self.state).vault.value(name)
    }

    /// Deletes a secret; it can be recovered, and is not found meanwhile.
    pub fn delete(&self, name: &str) {
        locked(&self.state).vault.delete(name);
    }

    /// From here on the vault answers so for a secret; for all of them where the name is empty.
    pub fn fail(&self, name: &str, fault: Option<AzureFault>) {
        locked(&self.state).vault.fail(name, fault);
    }

    /// Makes the application known by a certificate.
    pub fn register(&self, certificate: &AzureCertificate) {
        locked(&self.state).entra.register(certificate);
    }

    /// The application has this secret from here on.
    pub fn client_secret(&self, secret: &str) {
        locked(&self.state).entra.secret = secret.to_owned();
    }

    /// Every token that is made from here on holds these texts: access tokens the first, refresh tokens the second.
    pub fn mark_tokens(&self, access: &str, refresh: &str) {
        locked(&self.state).entra.marks = [access.to_owned(), refresh.to_owned()];
    }

    /// How many seconds the tokens that are made from here on are good for.
    pub fn tokens_last(&self, seconds: i64) {
        locked(&self.state).entra.life = seconds;
    }

    /// An access token for this vault, as somebody else got it.
    #[must_use]
    pub fn token(&self) -> String {
        locked(&self.state).entra.access_token(&self.address())
    }

    /// Forgets every access token, as if all of them were over; with `refresh`, those that lead to others too.
    pub fn revoke(&self, refresh: bool) {
        locked(&self.state).entra.revoke(refresh);
    }

    /// The person at the other end says yes to a device's code, or no to all that ask from here on.
    pub fn approve_devices(&self, yes: bool) {
        locked(&self.state).entra.approves = Some(yes);
    }

    /// How many access tokens were made.
    #[must_use]
    pub fn tokens_made(&self) -> usize {
        locked(&self.state).entra.made
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn answer(&mut self, request: &Captured) -> Answer {
        let place = Place::of(request);
        let path = request.target.split(['?', '#']).next().unwrap_or_default();
        if path == "/secrets" || path.starts_with("/secrets/") || path == "/secrets/" {
            return self.vault.answer(request, &place, &self.entra);
        }
        self.entra.answer(request, &place)
    }
}

/// Where a request was sent, which decides where its answer leads.
struct Place {
    host: String,
    authority: String,
    resource: String,
}

impl Place {
    fn of(request: &Captured) -> Self {
        let named = [request.header(":authority"), request.header("host")].concat();
        let host = String::from_utf8_lossy(named.first().copied().unwrap_or_default()).into_owned();
        if host.ends_with(".vault.azure.net") || host == "login.microsoftonline.com" {
            let authority = String::from("https://login.microsoftonline.com");
            return Self { host, authority, resource: String::from("https://vault.azure.net") };
        }
        Self { authority: format!("https://{host}"), resource: format!("https://{host}"), host }
    }

    fn token_endpoint(&self) -> String {
        format!("{}/{}/oauth2/v2.0/token", self.authority, Azure::TENANT)
    }
}

fn json_answer(status: u16, body: &Value) -> Answer {
    Answer::status(status).with("Content-Type", "application/json; charset=utf-8").with_body(body.to_string())
}

/// An error in the form of Key Vault.
fn vault_error(status: u16, code: &str, message: &str, inner: Option<&str>) -> Answer {
    let mut error = json!({ "code": code, "message": message });
    if let Some(inner) = inner {
        error["innererror"] = json!({ "code": inner });
    }
    json_answer(status, &json!({ "error": error }))
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("before the end")
}

/// So many random bytes as hexadecimal digits.
fn random_hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).expect("the system's random numbers");
    data_encoding::HEXLOWER.encode(&random)
}

#[cfg(all(test, unix))]
mod tests;
