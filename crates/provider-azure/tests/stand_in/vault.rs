//! A vault with something in it, and connections to it.

use subrosa_provider::{ErrorKind, External, Login, ProviderError, Settings, System as _};
use subrosa_provider_azure::Azure;
use subrosa_secret::SecretValue;
use subrosa_testkit::Azure as StandIn;

pub(crate) fn secret(text: &str) -> SecretValue {
    SecretValue::new(text.as_bytes().to_vec()).expect("short")
}

pub(crate) fn copied(value: &SecretValue) -> SecretValue {
    SecretValue::new(value.expose_secret().to_vec()).expect("short")
}

/// How a test connects.
pub(crate) struct Way<'w> {
    pub(crate) method: &'static str,
    /// Empty for one that is not at hand.
    pub(crate) credential: &'w [u8],
    pub(crate) settings: &'w [(&'w str, &'w str)],
    pub(crate) session: Option<SecretValue>,
    pub(crate) is_kept: bool,
}

impl<'w> Way<'w> {
    pub(crate) fn new(method: &'static str, credential: &'w [u8]) -> Self {
        Self { method, credential, settings: &[], session: None, is_kept: true }
    }

    /// With the application's own secret.
    pub(crate) fn usual() -> Self {
        Self::new("client-secret", StandIn::SECRET.as_bytes())
    }

    pub(crate) fn after(self, session: Option<SecretValue>) -> Self {
        Self { session, ..self }
    }
}

/// The settings of a connection to a vault at an address that is also its authority and its resource.
pub(crate) fn settings(address: &str, ca: &std::path::Path, more: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::from_iter([
        ("key-vault", address),
        ("authority", address),
        ("resource", address),
        ("tenant", StandIn::TENANT),
        ("client-id", StandIn::CLIENT),
        ("ca", ca.to_str().expect("text")),
    ]);
    for (name, value) in more {
        settings.set(*name, *value);
    }
    Azure.settle(settings).expect("settings")
}

pub(crate) fn connect(settings: &Settings, way: Way<'_>) -> Box<dyn External> {
    let credential = way.credential.to_owned();
    let given = move || match credential.as_slice() {
        [] => Err(ProviderError::new(ErrorKind::Expired, "no credential is at hand")),
        bytes => Ok(SecretValue::new(bytes.to_vec()).expect("short")),
    };
    let login = Login {
        method: way.method,
        session: way.session,
        is_kept: way.is_kept,
        is_new: true,
        credential: Box::leak(Box::new(given)),
        person: None,
    };
    Azure.connect(settings, login).expect("a connection")
}

/// Connects to the stand-in.
pub(crate) fn enter(azure: &StandIn, way: Way<'_>) -> Box<dyn External> {
    connect(&settings(&azure.address(), &azure.ca(), way.settings), way)
}

/// The text of a value that has to be there.
pub(crate) fn text(provider: &dyn External, target: &str) -> String {
    let value = provider.lookup(&target.to_owned()).expect(target).expect(target);
    String::from_utf8(value.expose_secret().to_vec()).expect("text")
}

pub(crate) fn failure(provider: &dyn External, target: &str) -> ProviderError {
    provider.lookup(&target.to_owned()).err().unwrap_or_else(|| panic!("{target} was found"))
}
