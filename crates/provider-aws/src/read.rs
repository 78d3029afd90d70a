//! What a secret holds, and one key of it.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::primitives::Blob;
use serde_json::value::RawValue;
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_rest::text_of;
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use crate::target::Target;

/// The value of a secret.
pub(crate) enum Found {
    Text(Zeroizing<Vec<u8>>),
    Binary(Zeroizing<Vec<u8>>),
}

impl Found {
    /// Either of what an answer holds.
    pub(crate) fn of(text: Option<String>, binary: Option<Blob>) -> Result<Self, ProviderError> {
        match (text, binary) {
            (Some(text), _) => Ok(Self::Text(Zeroizing::new(text.into_bytes()))),
            (None, Some(binary)) => Ok(Self::Binary(Zeroizing::new(binary.into_inner()))),
            (None, None) => Err(ProviderError::new(ErrorKind::BadAnswer, "the answer holds no value")),
        }
    }

    /// What a target wants of it; `None` for a key that is not there.
    pub(crate) fn value(&self, target: &Target) -> Result<Option<SecretValue>, ProviderError> {
        let about = |error: ProviderError| error.about(&target.place.to_string());
        match (self, &target.key) {
            (Self::Text(bytes) | Self::Binary(bytes), None) => {
                let value = SecretValue::new(bytes.to_vec());
                value
                    .map(Some)
                    .map_err(|error| about(ProviderError::new(ErrorKind::BadAnswer, error.to_string())))
            }
            (Self::Text(text), Some(key)) => match fields(text)?.get(key.as_str()) {
                Some(raw) => text_of(raw).map_err(about),
                None => Ok(None),
            },
            (Self::Binary(_), Some(_)) => Err(about(no_keys())),
        }
        .map_err(|error| match error.kind() {
            ErrorKind::BadLink => error.hint_at(format!("link it as a whole: {}", target.place)),
            _ => error,
        })
    }
}

fn no_keys() -> ProviderError {
    ProviderError::new(ErrorKind::BadLink, "the secret is no JSON object, so that it has no keys")
}

/// The fields of a JSON object.
pub(crate) fn fields(text: &[u8]) -> Result<BTreeMap<String, &RawValue>, ProviderError> {
    serde_json::from_slice(text).map_err(|_| no_keys())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, target: &str) -> Result<Option<SecretValue>, ProviderError> {
        let found = Found::of(Some(text.to_owned()), None).expect("a text");
        found.value(&Target::parse(target).expect("a target"))
    }

    fn is(answer: Result<Option<SecretValue>, ProviderError>, text: &str) -> bool {
        answer.expect("found").expect("there").expose_secret() == text.as_bytes()
    }

    #[test]
    fn the_whole_or_a_key_of_it() {
        let json = r#"{"user":"ada","port":5432,"deep":{"a":[1, 2]},"nothing":null,"a#b":"é"}"#;
        assert!(is(found(json, "s"), json));
        assert!(is(found(json, "s#user"), "ada"));
        assert!(is(found(json, "s#port"), "5432"));
        assert!(is(found(json, "s#deep"), r#"{"a":[1, 2]}"#));
        assert!(is(found(json, "s#a#b"), "é"));
        assert!(found(json, "s#nothing").expect("found").is_none());
        assert!(found(json, "s#other").expect("found").is_none());
        assert!(is(found("plain\0text", "s"), "plain\0text"));
    }

    #[test]
    fn hostile_h86_what_has_no_keys_is_not_repeated() {
        let binary = Found::of(None, Some(Blob::new(b"\xffhunter2".to_vec()))).expect("binary");
        let whole = binary.value(&Target::parse("s").expect("a target")).expect("found").expect("there");
        assert!(whole.expose_secret() == b"\xffhunter2");
        let refused = [
            binary.value(&Target::parse("s#key").expect("a target")),
            found("hunter2", "s#key"),
            found(r#"["hunter2"]"#, "s#key"),
            found(r#"{"key":"hunter2""#, "s#key"),
            found("\"hunter2\"", "s#key"),
        ];
        for answer in refused {
            let error = answer.err().expect("no keys");
            assert_eq!(error.kind(), ErrorKind::BadLink);
            assert!(!format!("{error:?}").contains("hunter2"), "{error}");
        }
        assert_eq!(Found::of(None, None).err().map(|error| error.kind()), Some(ErrorKind::BadAnswer));
    }
}
