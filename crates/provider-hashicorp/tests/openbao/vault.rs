//! A server with something in it, and connections to it.

use serde_json::Value;
use subrosa_provider::{
    Capabilities, ErrorKind, External, Login, Provider, ProviderError, Settings, System as _,
};
use subrosa_provider_hashicorp::Hashicorp;
use subrosa_secret::SecretValue;
use subrosa_testkit::OpenBao;

/// A policy for the secrets of most tests.
pub(crate) const POLICY: &str = r#"path "secret/*" { capabilities = ["read"] } path "plain/*" { capabilities = ["read"] }
path "database/creds/app" { capabilities = ["read"] }"#;

pub(crate) fn secret(text: &str) -> SecretValue {
    SecretValue::new(text.as_bytes().to_vec()).expect("short")
}

/// How a test connects.
pub(crate) struct Way<'w> {
    pub(crate) method: &'w str,
    pub(crate) credential: &'w str,
    pub(crate) settings: &'w [(&'w str, &'w str)],
    pub(crate) session: Option<SecretValue>,
    pub(crate) is_kept: bool,
}

impl<'w> Way<'w> {
    pub(crate) fn new(method: &'w str, credential: &'w str) -> Self {
        Self { method, credential, settings: &[], session: None, is_kept: true }
    }

    pub(crate) fn with(self, settings: &'w [(&'w str, &'w str)]) -> Self {
        Self { settings, ..self }
    }

    pub(crate) fn after(self, session: Option<SecretValue>) -> Self {
        Self { session, ..self }
    }
}

/// A provider that is only known as the trait.
pub(crate) struct Known(pub(crate) Box<dyn External>);

impl Provider for Known {
    type Locator = String;

    fn name(&self) -> &str {
        self.0.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn lookup(&self, target: &String) -> Result<Option<SecretValue>, ProviderError> {
        self.0.lookup(target)
    }

    fn lookup_many(&self, targets: &[&String]) -> Vec<Result<Option<SecretValue>, ProviderError>> {
        self.0.lookup_many(targets)
    }
}

pub(crate) fn settings(address: &str, ca: &str, more: &[(&str, &str)]) -> Settings {
    let mut settings: Settings = [("address", address), ("ca", ca)].into_iter().collect();
    for (name, value) in more {
        settings.set(*name, *value);
    }
    Hashicorp.settle(settings).expect("settings")
}

/// Connects; a credential that is empty is not at hand.
pub(crate) fn connect(settings: &Settings, way: Way<'_>) -> Known {
    let credential = way.credential.to_owned();
    let given = move || match credential.as_str() {
        "" => Err(ProviderError::new(ErrorKind::Expired, "no credential is at hand")),
        text => Ok(secret(text)),
    };
    let (given, method) = (Box::leak(Box::new(given)), Box::leak(way.method.to_owned().into_boxed_str()));
    let login = Login {
        method,
        session: way.session,
        is_kept: way.is_kept,
        is_new: true,
        credential: given,
        person: None,
    };
    Known(Hashicorp.connect(settings, login).expect("a connection"))
}

/// A server with secrets and a policy.
pub(crate) struct Vault {
    pub(crate) bao: OpenBao,
}

impl Vault {
    pub(crate) fn start() -> Option<Self> {
        let vault = Self { bao: OpenBao::start()? };
        vault.bao.post("sys/mounts/plain", r#"{"type":"kv","options":{"version":"1"}}"#);
        let policy = serde_json::json!({ "policy": POLICY }).to_string();
        vault.bao.post("sys/policies/acl/app", &policy);
        Some(vault)
    }

    pub(crate) fn post(&self, path: &str, json: &Value) -> Value {
        let answer = self.bao.post(path, &json.to_string());
        if answer.is_empty() { Value::Null } else { serde_json::from_str(&answer).expect("JSON") }
    }

    pub(crate) fn settings(&self, more: &[(&str, &str)]) -> Settings {
        settings(&self.bao.address(), self.bao.ca().to_str().expect("text"), more)
    }

    pub(crate) fn connect(&self, way: Way<'_>) -> Known {
        connect(&self.settings(way.settings), way)
    }

    /// A token of the policy that lives so long.
    pub(crate) fn token(&self, more: &Value) -> String {
        let mut wish = serde_json::json!({ "policies": ["app"], "ttl": "1h" });
        wish.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let made = self.post("auth/token/create", &wish);
        made["auth"]["client_token"].as_str().expect("a token").to_owned()
    }
}

/// The text of a value that has to be there.
pub(crate) fn text(provider: &Known, target: &str) -> String {
    let value = provider.lookup(&target.to_owned()).expect(target).expect(target);
    String::from_utf8(value.expose_secret().to_vec()).expect("text")
}

pub(crate) fn failure(provider: &Known, target: &str) -> ProviderError {
    provider.lookup(&target.to_owned()).err().unwrap_or_else(|| panic!("{target} was found"))
}

/// A session in which something is otherwise: its first line is JSON.
pub(crate) fn edited(session: &SecretValue, edit: impl FnOnce(&mut Value)) -> SecretValue {
    let bytes = session.expose_secret();
    let end = bytes.iter().position(|byte| *byte == b'\n').expect("a first line");
    let mut line: Value = serde_json::from_slice(&bytes[..end]).expect("JSON");
    edit(&mut line);
    SecretValue::new([line.to_string().as_bytes(), &bytes[end..]].concat()).expect("short")
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("before the end")
}
