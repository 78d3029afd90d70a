//! Secrets in HashiCorp Vault and in OpenBao, by their HTTP API.
//!
//! A target is `PATH#KEY` or `PATH?version=N#KEY`. Which engine a path belongs to, and of which kind it is, the server says: KV of
//! both versions is read as such, any other engine as one whose answers may come with a lease.
//!
//! What this crate is not: it sets up no engine, and it unseals nothing. Prefixes of tokens mean nothing to it; servers differ in them.
//!
//! Invariants: a path is asked for once in a lookup, however many keys of it are wanted; what belongs to one lease is never mixed
//! with what belongs to another. A version that was deleted or destroyed is an error, not absence. No error quotes an answer.
//!
//! ```
//! use subrosa_provider::{Settings, System as _};
//! use subrosa_provider_hashicorp::Hashicorp;
//!
//! # fn main() -> Result<(), subrosa_provider::ProviderError> {
//! let settings = Settings::from_iter([("address", "https://vault.example.com:8200/")]);
//! let settings = Hashicorp.settle(settings)?;
//! assert_eq!(settings.text("address"), Some("https://vault.example.com:8200"));
//! assert_eq!(Hashicorp.target(&settings, "/secret/app/#api-key")?, "secret/app#api-key");
//! # Ok(()) }
//! ```

mod api;
mod auth;
mod clock;
mod connected;
mod lease;
mod lookup;
mod mount;
mod offers;
mod read;
mod setup;
mod state;
mod target;
mod token;
mod write;

use subrosa_provider::{ErrorKind, External, Login, Method, ProviderError, Setting, Settings, Setup, System};

use connected::Connected;

const SETTINGS: &[Setting] = &[
    Setting::place("address", "URL", "the server, https://vault.example.com:8200").needed(),
    Setting::place("namespace", "PATH", "the namespace to work in"),
    Setting::place(
        "ca",
        "FILE",
        "authorities to trust instead of the system's, as PEM; the file is read now",
    ),
    Setting::login(
        "auth-path",
        "PATH",
        "where the way to log in is mounted [default: its name; jwt for oidc]",
    ),
    Setting::login("username", "NAME", "who logs in by userpass"),
    Setting::login("role-id", "ID", "the role that logs in by approle"),
    Setting::login(
        "wrapped",
        "",
        "the secret id of approle is wrapped: what is given is the token to unwrap it",
    ),
    Setting::login("role", "NAME", "the role to log in with by oidc, kubernetes, jwt or cert"),
    Setting::login(
        "oidc-provider",
        "URL",
        "who logs people in for oidc: a provider of this server by its name, or any by its address",
    ),
    Setting::login("client-id", "ID", "what subrosa is to that provider"),
    Setting::login("confidential", "", "that client has a secret, which is asked for at each login"),
    Setting::login("scope", "SCOPES", "scopes to ask that provider for besides openid"),
    Setting::login("jwt-file", "FILE", "where kubernetes finds its token [default: that of the pod]"),
    Setting::place(
        "insecure-http",
        "",
        "allow an address without TLS: who is on the way reads credentials and secrets",
    ),
];

/// Where a provider of this server is, by its name.
fn oidc_provider(settings: &Settings, name: &str) -> String {
    let address = settings.text("address").unwrap_or_default();
    let namespace =
        settings.text("namespace").map(|namespace| format!("{}/", subrosa_rest::encoded(namespace)));
    format!("{address}/v1/{}identity/oidc/provider/{name}", namespace.unwrap_or_default())
}

/// The system: HashiCorp Vault, and OpenBao which speaks the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashicorp;

impl System for Hashicorp {
    fn name(&self) -> &'static str {
        "hashicorp"
    }

    fn about(&self) -> &'static str {
        "HashiCorp Vault or OpenBao"
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn methods(&self) -> &'static [Method] {
        auth::METHODS
    }

    fn example(&self) -> &'static str {
        "secret/app#api-key"
    }

    fn settle(&self, mut settings: Settings) -> Result<Settings, ProviderError> {
        subrosa_rest::settle_server(&mut settings)?;
        for name in ["namespace", "auth-path"] {
            if let Some(path) = settings.text(name) {
                let path = target::joined(path).ok_or_else(|| {
                    ProviderError::new(ErrorKind::BadSettings, format!("{name} {path:?} is no path"))
                })?;
                settings.set(name, path);
            }
        }
        if let Some(provider) = settings.text("oidc-provider") {
            let provider = match provider.contains("://") {
                true => subrosa_rest::settle_address(provider, settings.is_on("insecure-http"))
                    .map_err(|error| error.about("oidc-provider"))?,
                false => oidc_provider(&settings, &subrosa_rest::encoded(provider).replace('/', "%2F")),
            };
            settings.set("oidc-provider", provider);
        }
        settings.settle_file("jwt-file")?;
        Ok(settings)
    }

    fn target(&self, _: &Settings, text: &str) -> Result<String, ProviderError> {
        target::Target::parse(text).map(|target| target.to_string())
    }

    fn setup(&self) -> Option<&dyn Setup> {
        Some(&setup::Server)
    }

    fn connect<'a>(
        &self,
        settings: &Settings,
        login: Login<'a>,
    ) -> Result<Box<dyn External + 'a>, ProviderError> {
        Ok(Box::new(Connected::new(settings, login)?))
    }
}
