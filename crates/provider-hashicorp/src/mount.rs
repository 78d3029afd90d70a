//! Engines, and where they are.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_rest::{Answer, Call, encoded};

use crate::api::{Envelope, refused};

/// How an engine is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// KV version 1, and what answers like it.
    Plain,
    /// KV version 2: versions, below `data/`.
    Versioned,
    /// Any other: what it answers may be leased.
    Dynamic,
}

/// Engines by the path that they are mounted at, which ends with a slash. No engine is mounted below another.
#[derive(Default)]
pub(crate) struct Mounts(BTreeMap<String, Engine>);

#[derive(Deserialize)]
struct Mount {
    path: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    options: Option<BTreeMap<String, String>>,
}

impl Mounts {
    /// The engine of a path, and the path within it.
    pub(crate) fn find<'p>(&self, path: &'p str) -> Option<(&str, Engine, &'p str)> {
        self.0.iter().find_map(|(at, engine)| Some((at.as_str(), *engine, path.strip_prefix(at.as_str())?)))
    }

    /// Asks which engine a path belongs to.
    pub(crate) fn question(path: &str) -> Call<'static> {
        Call::get(format!("/v1/sys/internal/ui/mounts/{}", encoded(path)))
    }

    /// Takes the answer in.
    pub(crate) fn learn(&mut self, path: &str, answer: &Answer) -> Result<(), ProviderError> {
        match answer.status() {
            200 => {}
            // the server does not say which of the two it is
            403 => {
                let text = format!("{path}: permission denied, or there is no engine of that path");
                return Err(ProviderError::new(ErrorKind::Denied, text));
            }
            _ => return Err(refused(answer, path)),
        }
        let bad =
            || ProviderError::new(ErrorKind::BadAnswer, format!("{path}: its engine cannot be found out"));
        let envelope: Envelope<'_> = answer.json()?;
        let mount: Mount =
            serde_json::from_str(envelope.data.map_or("", RawValue::get)).map_err(|_| bad())?;
        let version = mount.options.as_ref().and_then(|options| options.get("version"));
        let engine = match (mount.kind.as_str(), version.map(String::as_str)) {
            ("kv", Some("2")) => Engine::Versioned,
            ("kv" | "generic" | "cubbyhole", _) => Engine::Plain,
            _ => Engine::Dynamic,
        };
        if !mount.path.ends_with('/') || !format!("{path}/").starts_with(&mount.path) {
            return Err(bad());
        }
        self.0.insert(mount.path, engine);
        Ok(())
    }
}
