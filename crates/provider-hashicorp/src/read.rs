//! Reading one place of an engine.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_rest::{Answer, Call, encoded, text_of};
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use crate::api::{Envelope, refused};
use crate::clock::now;
use crate::lease::Lease;
use crate::mount::{Engine, Mounts};
use crate::target::Place;
use crate::token::Life;

/// What stands at a place.
pub(crate) enum Found {
    Nothing,
    /// A version that is there no more, and what became of it.
    Gone(u64, &'static str),
    Fields(Fields),
    Leased(Lease),
}

/// What can be read.
pub(crate) struct Fields {
    /// A JSON object.
    pub(crate) json: Zeroizing<Vec<u8>>,
    /// Until when it is good, if its engine says so.
    pub(crate) end: Option<i64>,
    /// Which version it is; 0 where there are none.
    pub(crate) version: u64,
}

/// KV 2 puts the secret beside what it says of it.
#[derive(Deserialize)]
struct Versioned<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    version: u64,
    #[serde(default)]
    destroyed: bool,
    #[serde(default)]
    deletion_time: String,
}

/// What of an engine's fields says for how long they are good: the password of a database's static role is changed then.
#[derive(Deserialize)]
struct Rotation {
    #[serde(default)]
    ttl: Option<i64>,
    #[serde(default)]
    rotation_period: Option<i64>,
}

/// The request for a place, once its engine is known.
pub(crate) fn question(mounts: &Mounts, place: &Place) -> Result<(Call<'static>, Engine), ProviderError> {
    let refuse = |why: &str| ProviderError::new(ErrorKind::BadLink, format!("{place}: {why}"));
    let (mount, engine, rest) =
        mounts.find(&place.path).ok_or_else(|| refuse("it is an engine and no secret in it"))?;
    let path = match engine {
        Engine::Versioned => format!("/v1/{}data/{}", encoded(mount), encoded(rest)),
        Engine::Plain | Engine::Dynamic => format!("/v1/{}{}", encoded(mount), encoded(rest)),
    };
    match (place.version, engine) {
        (None, _) => Ok((Call::get(path), engine)),
        (Some(version), Engine::Versioned) => Ok((Call::get(format!("{path}?version={version}")), engine)),
        (Some(_), _) => Err(refuse("its engine keeps no versions")),
    }
}

/// What the answer says.
pub(crate) fn found(place: &Place, engine: Engine, answer: &Answer) -> Result<Found, ProviderError> {
    let bad = || ProviderError::new(ErrorKind::BadAnswer, format!("{place}: the answer holds no fields"));
    if answer.status() == 404 {
        return missing(place, engine, answer);
    }
    if !answer.is_success() {
        return Err(refused(answer, &place.to_string()));
    }
    let about = |error: ProviderError| error.about(&place.to_string());
    let envelope: Envelope<'_> = answer.json().map_err(about)?;
    let data = envelope.data.ok_or_else(bad)?;
    if engine == Engine::Versioned {
        let versioned: Versioned<'_> = serde_json::from_str(data.get()).map_err(|_| bad())?;
        let version = versioned.metadata.map_or(0, |metadata| metadata.version);
        return Ok(Found::Fields(Fields {
            json: owned(versioned.data.ok_or_else(bad)?),
            end: None,
            version,
        }));
    }
    if engine == Engine::Dynamic && !envelope.lease_id.is_empty() {
        return Ok(Found::Leased(Lease {
            path: place.path.clone(),
            id: envelope.lease_id,
            life: Life::granted(envelope.lease_duration, envelope.renewable),
            data: owned(data),
        }));
    }
    let rotation = serde_json::from_str::<Rotation>(data.get()).ok().filter(|_| engine == Engine::Dynamic);
    let end = rotation.and_then(|rotation| rotation.rotation_period.and(rotation.ttl));
    let end = end.map(|seconds| now().saturating_add(seconds.max(0)));
    Ok(Found::Fields(Fields { json: owned(data), end, version: 0 }))
}

/// What a 404 means: nothing, or a version that was there once, or a path that nobody serves.
fn missing(place: &Place, engine: Engine, answer: &Answer) -> Result<Found, ProviderError> {
    #[derive(Deserialize)]
    struct Errors<'a> {
        #[serde(borrow, default)]
        errors: Vec<&'a RawValue>,
    }
    if engine == Engine::Versioned
        && let Ok(Envelope { data: Some(data), .. }) = answer.json::<Envelope<'_>>()
        && let Ok(Versioned { metadata: Some(metadata), .. }) = serde_json::from_str(data.get())
    {
        let Metadata { version, destroyed, deletion_time } = metadata;
        let what = if destroyed {
            "was destroyed"
        } else if deletion_time.is_empty() {
            "cannot be read"
        } else {
            "was deleted"
        };
        return Ok(Found::Gone(version, what));
    }
    match answer.json::<Errors<'_>>() {
        Ok(Errors { errors }) if errors.is_empty() => Ok(Found::Nothing),
        Ok(_) => Err(refused(answer, &place.to_string())),
        Err(error) => Err(error.about(&place.to_string())),
    }
}

fn owned(raw: &RawValue) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(raw.get().as_bytes().to_vec())
}

/// One field of an object.
pub(crate) fn field(place: &Place, fields: &[u8], key: &str) -> Result<Option<SecretValue>, ProviderError> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(fields).map_err(|_| {
        ProviderError::new(ErrorKind::BadAnswer, format!("{place}: the answer holds no fields"))
    })?;
    match fields.get(key) {
        Some(raw) => text_of(raw).map_err(|error| error.about(&place.to_string())),
        None => Ok(None),
    }
}
