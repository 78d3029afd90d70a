//! Writing a field of a secret: the others are read first and written with it.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use subrosa_provider::{ErrorKind, ProviderError, WriteMode};
use subrosa_rest::{Call, JsonObject, encoded};
use subrosa_secret::SecretValue;

use crate::api::refused;
use crate::connected::Connected;
use crate::mount::Engine;
use crate::read::{Fields, Found};
use crate::target::{Place, Target};

/// So often a secret is read again that somebody else has written meanwhile.
const ATTEMPTS: usize = 4;

/// What stands beside the field that is written.
#[derive(Default)]
struct Before {
    fields: BTreeMap<String, SecretValue>,
    /// The version that the new one follows, 0 for none.
    version: u64,
}

impl Connected<'_> {
    /// Writes one field. With KV 2 nothing that somebody else writes at the same time is lost; KV 1 has no means for that.
    pub(crate) fn put(
        &self,
        target: &Target,
        value: &SecretValue,
        mode: WriteMode,
    ) -> Result<(), ProviderError> {
        let Target { place, key } = target;
        let refuse = |kind, why: &str| Err(ProviderError::new(kind, format!("{place}: {why}")));
        if place.version.is_some() {
            return refuse(ErrorKind::Unsupported, "an earlier version cannot be written");
        }
        if !value.is_text() {
            return refuse(ErrorKind::Unsupported, "the value is binary, and it holds texts");
        }
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let before = self.before(place)?;
            if last.replace(before.version) == Some(before.version) {
                return refuse(ErrorKind::BadAnswer, "the server does not take it");
            }
            if mode == WriteMode::New && before.fields.contains_key(key) {
                return refuse(ErrorKind::Exists, &format!("there is a value under {key:?} already"));
            }
            if self.write_after(target, value, &before)? {
                return Ok(());
            }
        }
        refuse(ErrorKind::Unavailable, "somebody else keeps writing to it")
    }

    fn before(&self, place: &Place) -> Result<Before, ProviderError> {
        let found = self.read(&[place.clone()].into())?.remove(place).unwrap_or(Ok(Found::Nothing))?;
        let bad = || ProviderError::new(ErrorKind::BadAnswer, format!("{place}: the answer holds no fields"));
        match found {
            Found::Nothing => Ok(Before::default()),
            Found::Gone(version, _) => Ok(Before { version, ..Before::default() }),
            Found::Leased(_) => {
                let text = format!("{place}: its engine makes values and takes none");
                Err(ProviderError::new(ErrorKind::Unsupported, text))
            }
            Found::Fields(Fields { json, version, .. }) => {
                let raw: BTreeMap<String, &RawValue> = serde_json::from_slice(&json).map_err(|_| bad())?;
                let owned = |(name, raw): (String, &RawValue)| {
                    SecretValue::new(raw.get().as_bytes().to_vec()).map(|value| (name, value))
                };
                let fields = raw.into_iter().map(owned).collect::<Result<_, _>>().map_err(|_| bad())?;
                Ok(Before { fields, version })
            }
        }
    }

    /// Whether it was written; not where another version came between.
    fn write_after(
        &self,
        Target { place, key }: &Target,
        value: &SecretValue,
        before: &Before,
    ) -> Result<bool, ProviderError> {
        let (path, engine) = self.path_of(place)?;
        let fields = || {
            let others = before.fields.iter().filter(|(name, _)| *name != key);
            let others = others.fold(JsonObject::default(), |all, (name, json)| all.secret_json(name, json));
            others.secret(key, value)
        };
        let answer = self.with_token(|token| {
            let body = match engine {
                Engine::Versioned => {
                    let version = i64::try_from(before.version).unwrap_or(i64::MAX);
                    let options = JsonObject::default().number("cas", version);
                    JsonObject::default().object("options", options).object("data", fields())
                }
                Engine::Plain | Engine::Dynamic => fields(),
            };
            let call = self.api.authorized(Call::post(&path).json(body), token);
            let answer = self.api.server.call(call).map_err(|error| error.about(&place.to_string()))?;
            match answer.status() {
                403 => Err(refused(&answer, &place.to_string())),
                _ => Ok(answer),
            }
        })?;
        match (answer.is_success(), answer.status()) {
            (true, _) => Ok(true),
            // the check-and-set did not match, or something else is wrong: then the version is the same the next time
            (false, 400) if engine == Engine::Versioned => Ok(false),
            _ => Err(refused(&answer, &place.to_string())),
        }
    }

    /// Where a place is written to.
    fn path_of(&self, place: &Place) -> Result<(String, Engine), ProviderError> {
        let refuse = |why: &str| Err(ProviderError::new(ErrorKind::Unsupported, format!("{place}: {why}")));
        let mounts = self.mounts.borrow();
        match mounts.find(&place.path) {
            Some((mount, Engine::Versioned, rest)) => {
                Ok((format!("/v1/{}data/{}", encoded(mount), encoded(rest)), Engine::Versioned))
            }
            Some((mount, Engine::Plain, rest)) => {
                Ok((format!("/v1/{}{}", encoded(mount), encoded(rest)), Engine::Plain))
            }
            _ => refuse("its engine makes values and takes none"),
        }
    }
}
