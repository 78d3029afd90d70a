//! What the KV engines of a server hold, as far as the token may see it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use subrosa_provider::{ErrorKind, Offer, Offers, ProviderError};
use subrosa_rest::{Answer, Call, encoded};
use subrosa_secret::SecretValue;

use crate::api::{Envelope, refused};
use crate::connected::Connected;
use crate::target::{Place, Target};

/// Folders that are listed, and secrets that are asked for their keys: so many requests at most, each.
const MOST: usize = 2_000;

/// An engine as the server lists it.
#[derive(Deserialize)]
struct Mount {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    options: Option<BTreeMap<String, String>>,
}

impl Mount {
    fn is_kv(&self) -> bool {
        matches!(self.kind.as_str(), "kv" | "generic")
    }

    fn keeps_versions(&self) -> bool {
        self.options.as_ref().and_then(|options| options.get("version")).is_some_and(|version| version == "2")
    }
}

#[derive(Deserialize)]
struct Mounts {
    #[serde(default)]
    secret: BTreeMap<String, Mount>,
}

#[derive(Deserialize)]
struct Keys {
    #[serde(default)]
    keys: Vec<String>,
}

/// The names of fields, by what a version 2 engine says of them without values, or by a whole secret.
#[derive(Deserialize)]
struct Subkeys {
    subkeys: BTreeMap<String, IgnoredAny>,
}

/// A secret below an engine.
struct Found {
    mount: String,
    versions: bool,
    rest: String,
}

impl Connected<'_> {
    pub(crate) fn offered(&self, search: &str, limit: usize) -> Result<Offers, ProviderError> {
        self.with_token(|token| self.offered_to(token, &search.to_lowercase(), limit))
    }

    fn offered_to(&self, token: &SecretValue, search: &str, limit: usize) -> Result<Offers, ProviderError> {
        let answer = self.api.ask(Call::get("/v1/sys/internal/ui/mounts"), token, "the engines")?;
        let mounts: Mounts = data_of(&answer).ok_or_else(|| bad("the engines"))?;
        let kv = mounts.secret.into_iter().filter(|(_, mount)| mount.is_kv());
        let roots =
            kv.map(|(at, mount)| Found { versions: mount.keeps_versions(), mount: at, rest: String::new() });
        let mut offers = Offers::default();
        let secrets = self.secrets_below(token, roots.collect(), &mut offers.more)?;
        let calls = secrets.iter().map(|secret| self.api.authorized(Call::get(secret.keys_path()), token));
        for (secret, answer) in secrets.iter().zip(self.api.server.call_all(calls.collect())) {
            for key in keys_of(secret, &answer?) {
                let path = format!("{}{}", secret.mount, secret.rest);
                let target = Target { place: Place { path, version: None }, key }.to_string();
                if target.to_lowercase().contains(search) && Target::parse(&target).is_ok() {
                    offers.found.push(Offer { target, about: String::new() });
                }
            }
        }
        offers.found.sort_by(|one, other| one.target.cmp(&other.target));
        offers.more |= offers.found.len() > limit;
        offers.found.truncate(limit);
        Ok(offers)
    }

    /// Lists folders level by level, those of one level at the same time. What may not be listed is passed over, unless that is all.
    fn secrets_below(
        &self,
        token: &SecretValue,
        mut level: Vec<Found>,
        more: &mut bool,
    ) -> Result<Vec<Found>, ProviderError> {
        let (mut secrets, mut listed, mut denied) = (Vec::new(), 0, None);
        while !level.is_empty() && listed < MOST {
            *more |= level.len() > MOST - listed;
            level.truncate(MOST - listed);
            listed += level.len();
            let calls = level.iter().map(|folder| self.api.authorized(Call::get(folder.list_path()), token));
            let answers = self.api.server.call_all(calls.collect());
            let mut next = Vec::new();
            for (folder, answer) in level.iter().zip(answers) {
                let answer = answer?;
                let names = match answer.status() {
                    200 => data_of::<Keys>(&answer).ok_or_else(|| bad(&folder.mount))?.keys,
                    // an empty engine
                    404 => continue,
                    403 => {
                        denied.get_or_insert_with(|| refused(&answer, &folder.mount));
                        continue;
                    }
                    _ => return Err(refused(&answer, &folder.mount)),
                };
                for name in names {
                    let found = Found {
                        mount: folder.mount.clone(),
                        versions: folder.versions,
                        rest: format!("{}{name}", folder.rest),
                    };
                    if name.ends_with('/') { next.push(found) } else { secrets.push(found) }
                }
            }
            level = next;
        }
        *more |= !level.is_empty() || secrets.len() > MOST;
        secrets.truncate(MOST);
        match denied {
            Some(error) if secrets.is_empty() => Err(error),
            _ => Ok(secrets),
        }
    }
}

impl Found {
    fn list_path(&self) -> String {
        let within = if self.versions { "metadata/" } else { "" };
        format!("/v1/{}{within}{}?list=true", encoded(&self.mount), encoded(&self.rest))
    }

    /// Where the names of its fields stand; version 1 has them beside the values only.
    fn keys_path(&self) -> String {
        let within = if self.versions { "subkeys/" } else { "" };
        format!("/v1/{}{within}{}", encoded(&self.mount), encoded(&self.rest))
    }
}

/// A secret that may be listed and not read, or whose latest version is gone, has no fields to offer.
fn keys_of(secret: &Found, answer: &Answer) -> Vec<String> {
    if !answer.is_success() {
        return Vec::new();
    }
    let keys = if secret.versions {
        data_of::<Subkeys>(answer).map(|data| data.subkeys)
    } else {
        data_of::<BTreeMap<String, IgnoredAny>>(answer)
    };
    keys.unwrap_or_default().into_keys().collect()
}

fn data_of<T: for<'a> Deserialize<'a>>(answer: &Answer) -> Option<T> {
    let envelope: Envelope<'_> = answer.json().ok()?;
    serde_json::from_str(envelope.data.map(RawValue::get)?).ok()
}

fn bad(what: &str) -> ProviderError {
    ProviderError::new(ErrorKind::BadAnswer, format!("{what}: the answer is not what was asked for"))
}
