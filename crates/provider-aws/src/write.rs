//! Writing a value: the whole of a secret, or one key of a JSON object.
//!
//! PutSecretValue knows no condition. One key is written beside the others without losing what somebody else writes meanwhile: the new
//! version is stored under a label of its own first, and becomes the current one only if what was read still is
//! (UpdateSecretVersionStage, `RemoveFromVersionId`).

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::primitives::Blob;
use serde_json::value::RawValue;
use subrosa_provider::{ErrorKind, ProviderError, WriteMode};
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use crate::connected::Connected;
use crate::fault;
use crate::read::{Found, fields};
use crate::target::{CURRENT, Place, Target, Version};

/// The label of a version that is not the current one yet.
const PENDING: &str = "SUBROSAPENDING";
/// Somebody else may write meanwhile, but not for ever.
const TRIES: usize = 3;

/// What is there before something is written.
struct Before {
    version: String,
    text: Zeroizing<Vec<u8>>,
}

/// A value as a request takes it.
enum Content {
    Text(String),
    Binary(Blob),
}

impl Connected<'_> {
    pub(crate) fn written(
        &self,
        text: &str,
        value: &SecretValue,
        mode: WriteMode,
    ) -> Result<(), ProviderError> {
        let Target { place, key } = Target::parse(text)?;
        if place.version != Version::Current {
            let text = format!("{place}: a version is not written to");
            return Err(
                ProviderError::new(ErrorKind::Unsupported, text).hint_at("leave out what is behind the '?'")
            );
        }
        let region = place.region().map_or_else(|| self.services.region(), Ok)?;
        let role = self.role(place.role.as_deref());
        let client = self.with_keys(role, |keys| self.services.secrets(region, keys))?;
        match key {
            None => self.write_whole(&client, &place, value, mode),
            Some(key) => self.write_key(&client, &place, &key, value, mode),
        }
    }

    fn write_whole(
        &self,
        client: &Client,
        place: &Place,
        value: &SecretValue,
        mode: WriteMode,
    ) -> Result<(), ProviderError> {
        if mode == WriteMode::New {
            return self.create(client, place, content(value));
        }
        let call = client.put_secret_value().secret_id(&place.id);
        let call = match content(value) {
            Content::Text(text) => call.secret_string(text),
            Content::Binary(blob) => call.secret_binary(blob),
        };
        match self.services.wait(call.send())? {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) =>
            {
                self.create(client, place, content(value))
            }
            Err(error) => Err(fault::of(&error, &place.to_string())),
        }
    }

    fn create(&self, client: &Client, place: &Place, content: Content) -> Result<(), ProviderError> {
        let exists =
            || ProviderError::new(ErrorKind::Exists, format!("{place}: there is a secret of that name"));
        if place.region().is_some() {
            let there = self.before(client, place)?.is_some();
            let text = format!("{place}: an ARN names what is there already");
            return Err(if there { exists() } else { ProviderError::new(ErrorKind::NotFound, text) });
        }
        let call = client.create_secret().name(&place.id);
        let call = match content {
            Content::Text(text) => call.secret_string(text),
            Content::Binary(blob) => call.secret_binary(blob),
        };
        match self.services.wait(call.send())? {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(|error| error.is_resource_exists_exception()) =>
            {
                Err(exists())
            }
            Err(error) => Err(fault::of(&error, &place.to_string())),
        }
    }

    fn write_key(
        &self,
        client: &Client,
        place: &Place,
        key: &str,
        value: &SecretValue,
        mode: WriteMode,
    ) -> Result<(), ProviderError> {
        for _ in 0..TRIES {
            let Some(before) = self.before(client, place)? else {
                let text =
                    text_of(&with_key(b"{}", key, value).map_err(|error| error.about(&place.to_string()))?)?;
                return self.create(client, place, Content::Text(text));
            };
            let about = |error: ProviderError| error.about(&place.to_string());
            let is_there =
                fields(&before.text).map_err(about)?.get(key).is_some_and(|raw| raw.get() != "null");
            if is_there && mode == WriteMode::New {
                let text = format!("{place}: there is a key of that name");
                return Err(ProviderError::new(ErrorKind::Exists, text));
            }
            let after = with_key(&before.text, key, value).map_err(about)?;
            if self.exchange(client, place, &before.version, text_of(&after)?)? {
                return Ok(());
            }
        }
        let text = format!("{place}: somebody else writes it at the same time");
        Err(ProviderError::new(ErrorKind::Unavailable, text))
    }

    /// The current version, which has to be a text.
    fn before(&self, client: &Client, place: &Place) -> Result<Option<Before>, ProviderError> {
        match self.services.wait(client.get_secret_value().secret_id(&place.id).send())? {
            Ok(answer) => match Found::of(answer.secret_string, answer.secret_binary)? {
                Found::Text(text) => {
                    Ok(Some(Before { version: answer.version_id.unwrap_or_default(), text }))
                }
                Found::Binary(_) => {
                    let text = format!("{place}: the secret is binary, so that it has no keys");
                    Err(ProviderError::new(ErrorKind::BadLink, text))
                }
            },
            Err(error)
                if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) =>
            {
                Ok(None)
            }
            Err(error) => Err(fault::of(&error, &place.to_string())),
        }
    }

    /// Makes a text the current version, if that is still the one that was read; whether it was.
    fn exchange(
        &self,
        client: &Client,
        place: &Place,
        before: &str,
        text: String,
    ) -> Result<bool, ProviderError> {
        let call = client.put_secret_value().secret_id(&place.id).secret_string(text).version_stages(PENDING);
        let put = self.services.wait(call.send())?;
        let put = put.map_err(|error| fault::of(&error, &place.to_string()))?;
        let new = put.version_id.unwrap_or_default();
        let moved = client.update_secret_version_stage().secret_id(&place.id).version_stage(CURRENT);
        let moved =
            self.services.wait(moved.move_to_version_id(&new).remove_from_version_id(before).send())?;
        // a version without a label goes by itself
        let label = client.update_secret_version_stage().secret_id(&place.id).version_stage(PENDING);
        let _ = self.services.wait(label.remove_from_version_id(&new).send())?;
        match moved {
            Ok(_) => Ok(true),
            Err(error) => match fault::of(&error, &place.to_string()) {
                error if error.kind() == ErrorKind::BadLink => Ok(false),
                error => Err(error),
            },
        }
    }
}

fn content(value: &SecretValue) -> Content {
    match String::from_utf8(value.expose_secret().to_vec()) {
        Ok(text) => Content::Text(text),
        Err(error) => Content::Binary(Blob::new(error.into_bytes())),
    }
}

fn text_of(bytes: &[u8]) -> Result<String, ProviderError> {
    String::from_utf8(bytes.to_vec())
        .map_err(|_| ProviderError::new(ErrorKind::BadAnswer, "the secret is not UTF-8 text"))
}

/// A JSON object in which one key is this text; every other byte stays where it is.
fn with_key(json: &[u8], key: &str, value: &SecretValue) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
    let value = std::str::from_utf8(value.expose_secret())
        .map_err(|_| ProviderError::new(ErrorKind::Unsupported, "a key of a JSON object holds text alone"))?;
    let quoted = |text: &str| serde_json::to_vec(text).map(Zeroizing::new).unwrap_or_default();
    let (fields, value) = (fields(json)?, quoted(value));
    let mut after = Zeroizing::new(Vec::with_capacity(json.len() + 2 * key.len() + value.len() + 16));
    let (at, length) = match fields.get(key) {
        Some(raw) => (place_of(json, raw), raw.get().len()),
        None => {
            let end = json.iter().rposition(|byte| *byte == b'}').unwrap_or_default();
            after.extend_from_slice(&json[..end]);
            after.extend_from_slice(if fields.is_empty() { b"" } else { b"," });
            after.extend_from_slice(&quoted(key));
            after.push(b':');
            after.extend_from_slice(&value);
            after.extend_from_slice(&json[end..]);
            return Ok(after);
        }
    };
    after.extend_from_slice(&json[..at]);
    after.extend_from_slice(&value);
    after.extend_from_slice(&json[at + length..]);
    Ok(after)
}

/// Where a part of a text begins in it.
fn place_of(json: &[u8], part: &RawValue) -> usize {
    part.get().as_ptr() as usize - json.as_ptr() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(json: &str, key: &str, value: &str) -> String {
        let value = SecretValue::new(value.as_bytes().to_vec()).expect("short");
        String::from_utf8(with_key(json.as_bytes(), key, &value).expect(json).to_vec()).expect("text")
    }

    #[test]
    fn one_key_is_written_and_every_other_byte_stays() {
        let json = "{ \"b\": 1.0,\n  \"a\" : {\"x\":[1, 2]} , \"c\":\"\\u00e9\" }";
        assert_eq!(
            after(json, "a", "n\"w\n"),
            "{ \"b\": 1.0,\n  \"a\" : \"n\\\"w\\n\" , \"c\":\"\\u00e9\" }"
        );
        assert_eq!(after(json, "d", "new"), format!("{},\"d\":\"new\"}}", &json[..json.len() - 1]));
        assert_eq!(after("{}", "k\"", "é"), r#"{"k\"":"é"}"#);
        assert_eq!(after(" { } ", "k", "v"), r#" { "k":"v"} "#);
        assert_eq!(after(r#"{"k":null}"#, "k", "v"), r#"{"k":"v"}"#);
        let value = SecretValue::new(vec![0xff]).expect("short");
        assert!(with_key(b"{}", "k", &value).is_err_and(|error| error.kind() == ErrorKind::Unsupported));
        let value = SecretValue::new(b"v".to_vec()).expect("short");
        assert!(with_key(b"hunter2", "k", &value).is_err_and(|error| error.kind() == ErrorKind::BadLink));
    }
}
