//! What the objects of a set-up are called, and for whom they are.

use subrosa_provider::{ErrorKind, ProviderError, Settings};

use super::object::{Client, Part};
use crate::auth::oidc::MOUNT;

/// What the objects are called.
pub(super) struct Names {
    /// of all that has no name of its own
    pub(super) common: String,
    pub(super) provider: String,
    pub(super) role: String,
    pub(super) mount: String,
    pub(super) program: &'static str,
    pub(super) namespace: Option<String>,
    pub(super) claim: Option<String>,
    pub(super) people: Vec<String>,
    pub(super) groups: Vec<String>,
}

pub(super) fn bad(text: impl Into<String>) -> ProviderError {
    ProviderError::new(ErrorKind::BadSettings, text)
}

/// Names of objects are parts of paths, of commands and of templates.
fn name(setting: &str, text: &str) -> Result<String, ProviderError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    match first && text.len() <= 64 && text.bytes().all(plain) {
        true => Ok(text.to_owned()),
        false => Err(bad(format!("{setting} {text:?}: a name here has letters, digits and . _ -"))),
    }
}

fn list(settings: &Settings, setting: &str) -> Result<Vec<String>, ProviderError> {
    let words = settings.text(setting).unwrap_or_default().split(',').map(str::trim);
    words.filter(|word| !word.is_empty()).map(|word| name(setting, word)).collect()
}

impl Names {
    pub(super) fn of(settings: &Settings) -> Result<Self, ProviderError> {
        let named = |setting: &str, usual: &str| name(setting, settings.text(setting).unwrap_or(usual));
        let common = named("name", "subrosa")?;
        let provider = match settings.text("oidc-provider").map(|url| url.rsplit('/').next().unwrap_or(url)) {
            Some(last) => name("oidc-provider", last)?,
            None => common.clone(),
        };
        let program = match settings.text("program") {
            None | Some("bao") => "bao",
            Some("vault") => "vault",
            Some(other) => return Err(bad(format!("program {other:?}: it is bao or vault"))),
        };
        let names = Self {
            provider,
            role: named("role", &common)?,
            mount: settings.text("auth-path").unwrap_or(MOUNT).to_owned(),
            program,
            namespace: settings.text("namespace").map(str::to_owned),
            claim: settings.text("claim").map(|claim| name("claim", claim)).transpose()?,
            people: list(settings, "people")?,
            groups: list(settings, "groups")?,
            common,
        };
        let somebody = !names.people.is_empty() || !names.groups.is_empty();
        match (somebody, settings.is_on("everybody")) {
            (true, false) | (false, true) => {}
            (false, false) => {
                return Err(bad("who may log in is not said: --people, --groups or --everybody"));
            }
            (true, true) => return Err(bad("--everybody leaves nothing for --people and --groups to say")),
        }
        if settings.is_on("entity-alias") && names.people.is_empty() {
            return Err(bad("--entity-alias needs --people: an alias belongs to one entity"));
        }
        if names.mount.chars().any(char::is_control) {
            return Err(bad("auth-path has control characters"));
        }
        Ok(names)
    }

    pub(super) fn client(&self) -> Client<'_> {
        Client { program: self.program, namespace: self.namespace.as_deref() }
    }

    /// Where the id of the client stands.
    pub(super) fn client_id(&self) -> Part {
        Part::Of { path: format!("identity/oidc/client/{}", self.common), field: "client_id" }
    }
}
