//! What came back.

use serde::Deserialize;
use serde_json::value::RawValue;
use subrosa_http::ResponseHead;
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_secret::{MAX_VALUE_LEN, Origin, SecretValue};
use zeroize::Zeroizing;

/// Status and body of an answer. The body may hold secrets: no `Debug`, wiped when dropped.
pub struct Answer {
    pub(crate) head: ResponseHead,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// Whether the status is one of success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status())
    }

    /// Names and values of its headers; a value that is no text is left out.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.head.headers.iter();
        headers.filter_map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value).ok()?)))
    }

    /// The body, for whoever reads it otherwise.
    #[must_use]
    pub fn into_body(self) -> Zeroizing<Vec<u8>> {
        self.body
    }

    /// The body as JSON of a known form.
    ///
    /// # Errors
    /// [`BadAnswer`](ErrorKind::BadAnswer), without a word of what came.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ProviderError> {
        serde_json::from_slice(&self.body).map_err(|_| {
            let why = match std::str::from_utf8(&self.body) {
                Ok("") => "the answer is empty",
                Ok(_) => "the answer is not the JSON that it should be",
                Err(_) => "the answer is not UTF-8 text",
            };
            ProviderError::new(ErrorKind::BadAnswer, why)
        })
    }

    /// The body as it is, as the value of a secret.
    ///
    /// # Errors
    /// [`BadAnswer`](ErrorKind::BadAnswer) for what is longer than a value may be.
    pub fn into_value(self) -> Result<SecretValue, ProviderError> {
        value_of(self.body)
    }

    /// How long to wait, in seconds, as the server says (RFC 9110, 10.2.3).
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        std::str::from_utf8(self.head.header("retry-after")?).ok()?.trim().parse().ok()
    }

    /// Where a redirect leads, without path and query, which may hold anything.
    #[must_use]
    pub fn redirect(&self) -> Option<String> {
        if !(300..400).contains(&self.status()) {
            return None;
        }
        let location = self.head.header("location").and_then(|location| std::str::from_utf8(location).ok());
        let origin = location.and_then(|location| Origin::of_url(location).ok());
        Some(origin.map_or_else(|| "another path".to_owned(), |origin| origin.to_string()))
    }
}

/// A JSON value as the value of a secret: a string without its quotes, anything else as the server wrote it. `None` for `null`.
///
/// # Errors
/// [`BadAnswer`](ErrorKind::BadAnswer) for what is longer than a value may be.
pub fn text_of(raw: &RawValue) -> Result<Option<SecretValue>, ProviderError> {
    let bytes = match raw.get() {
        "null" => return Ok(None),
        text if text.starts_with('"') => {
            let text: String = serde_json::from_str(text).map_err(|_| {
                ProviderError::new(ErrorKind::BadAnswer, "a text in the answer is not well formed")
            })?;
            Zeroizing::new(text.into_bytes())
        }
        text => Zeroizing::new(text.as_bytes().to_vec()),
    };
    value_of(bytes).map(Some)
}

fn value_of(bytes: Zeroizing<Vec<u8>>) -> Result<SecretValue, ProviderError> {
    SecretValue::from_zeroizing(bytes).map_err(|_| {
        let text = format!("the value is longer than the {MAX_VALUE_LEN} bytes that a secret may have");
        ProviderError::new(ErrorKind::BadAnswer, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_becomes_the_value_that_a_person_means() {
        for (json, value) in [
            (r#""hunter2""#, "hunter2"),
            (r#""a\"b\n\u00e9""#, "a\"b\né"),
            ("5432", "5432"),
            ("1e100", "1e100"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("true", "true"),
            (r#"{"b":[1, 2]}"#, r#"{"b":[1, 2]}"#),
            (r#""""#, ""),
        ] {
            let raw: &RawValue = serde_json::from_str(json).expect("JSON");
            let found = text_of(raw).expect("short").expect("there");
            assert!(found.expose_secret() == value.as_bytes(), "{json}");
        }
        let raw: &RawValue = serde_json::from_str("null").expect("JSON");
        assert!(text_of(raw).expect("short").is_none());
    }

    #[test]
    fn hostile_h85_a_value_that_is_too_long_is_no_value() {
        let long = format!("\"{}\"", "x".repeat(MAX_VALUE_LEN + 1));
        let raw: &RawValue = serde_json::from_str(&long).expect("JSON");
        let error = text_of(raw).err().expect("too long");
        assert_eq!(error.kind(), ErrorKind::BadAnswer);
        assert!(!error.to_string().contains("xxx"), "{error}");
    }
}
