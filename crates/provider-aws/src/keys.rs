//! Access keys, and the forms in which programs hand them over.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_smithy_types::date_time::{DateTime, Format};
use serde::Deserialize;
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use crate::clock::now;

/// Keys are not used for a request that could arrive after their end.
const MARGIN: i64 = 30;

/// What signs a request.
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: SecretValue,
    /// Of temporary ones.
    pub(crate) token: Option<SecretValue>,
    /// In seconds since 1970.
    pub(crate) expires: Option<i64>,
}

impl Keys {
    pub(crate) fn is_over(&self) -> bool {
        self.expires.is_some_and(|end| end - MARGIN <= now())
    }

    /// The same for the SDK, which wipes them too.
    pub(crate) fn credentials(&self) -> Result<Credentials, ProviderError> {
        let text = |value: &SecretValue| {
            String::from_utf8(value.expose_secret().to_vec()).map_err(|_| unusable("they are not text"))
        };
        let token = self.token.as_ref().map(text).transpose()?;
        let expires = self.expires.and_then(|end| u64::try_from(end).ok());
        let expires = expires.map(|end| UNIX_EPOCH + Duration::from_secs(end));
        Ok(Credentials::new(self.id.clone(), text(&self.secret)?, token, expires, "subrosa"))
    }

    /// What the SDK got.
    pub(crate) fn of(credentials: &Credentials) -> Result<Self, ProviderError> {
        let since = credentials.expiry().and_then(|end| end.duration_since(UNIX_EPOCH).ok());
        Ok(Self {
            id: checked_id(credentials.access_key_id())?,
            secret: value(credentials.secret_access_key())?,
            token: credentials.session_token().map(value).transpose()?,
            expires: since.and_then(|since| i64::try_from(since.as_secs()).ok()),
        })
    }

    /// The parts of an answer of STS.
    pub(crate) fn of_answer(answer: Option<aws_sdk_sts::types::Credentials>) -> Result<Self, ProviderError> {
        let answer = answer
            .ok_or_else(|| ProviderError::new(ErrorKind::BadAnswer, "the answer holds no credentials"))?;
        let aws_sdk_sts::types::Credentials {
            access_key_id,
            secret_access_key,
            session_token,
            expiration,
            ..
        } = answer;
        Ok(Self {
            id: checked_id(&access_key_id)?,
            secret: taken(secret_access_key)?,
            token: Some(taken(session_token)?),
            expires: Some(expiration.secs()),
        })
    }

    /// Reads what `aws configure export-credentials`, `aws sts …`, a `credential_process` or the access portal give: JSON, or lines of
    /// `NAME=VALUE`.
    pub(crate) fn read(text: &SecretValue) -> Result<Self, ProviderError> {
        let text = std::str::from_utf8(text.expose_secret()).map_err(|_| unusable("they are not text"))?;
        match text.trim_start().starts_with('{') {
            true => Self::of_json(text),
            false => Self::of_lines(text),
        }
    }

    /// `{"Version":1,"AccessKeyId":…}`, the form of a credential process; or the same inside of `Credentials`, as STS answers it.
    fn of_json(text: &str) -> Result<Self, ProviderError> {
        let mut form: Form =
            serde_json::from_str(text).map_err(|_| unusable("they are not the JSON that they should be"))?;
        if let Some(inner) = form.credentials.take() {
            form = *inner;
        }
        if form.version.is_some_and(|version| version != 1) {
            return Err(unusable("they are of a version that is not known"));
        }
        let (Some(id), Some(secret)) = (form.access_key_id, form.secret_access_key) else {
            return Err(unusable("AccessKeyId and SecretAccessKey do not both stand in them"));
        };
        let end = |text: String| {
            let parsed = DateTime::from_str(&text, Format::DateTimeWithOffset);
            parsed.map(|time| time.secs()).map_err(|_| unusable("their Expiration is no time"))
        };
        Ok(Self {
            id: checked_id(&id)?,
            secret: value(&secret)?,
            token: form
                .session_token
                .as_deref()
                .filter(|token| !token.is_empty())
                .map(|token| value(token))
                .transpose()?,
            expires: form.expiration.map(end).transpose()?,
        })
    }

    /// `export AWS_ACCESS_KEY_ID="…"` for shells, `aws_access_key_id = …` for the shared files.
    fn of_lines(text: &str) -> Result<Self, ProviderError> {
        let (mut id, mut secret, mut token, mut expires) = (None, None, None, None);
        for line in text.lines() {
            let line = line.trim();
            let line = ["export ", "set ", "SET ", "$Env:", "$env:"]
                .iter()
                .find_map(|word| line.strip_prefix(word))
                .unwrap_or(line);
            let Some((name, text)) = line.split_once('=') else { continue };
            let text = text.trim().trim_matches(['"', '\'']);
            match name.trim().to_ascii_uppercase().as_str() {
                "AWS_ACCESS_KEY_ID" => id = Some(text),
                "AWS_SECRET_ACCESS_KEY" => secret = Some(text),
                "AWS_SESSION_TOKEN" => token = Some(text),
                "AWS_CREDENTIAL_EXPIRATION" | "AWS_SESSION_EXPIRATION" => expires = Some(text),
                _ => {}
            }
        }
        let (Some(id), Some(secret)) = (id, secret) else {
            return Err(unusable(
                "they are neither JSON nor lines of AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…",
            ));
        };
        let end = expires.and_then(|text| DateTime::from_str(text, Format::DateTimeWithOffset).ok());
        Ok(Self {
            id: checked_id(id)?,
            secret: value(secret)?,
            token: token.filter(|token| !token.is_empty()).map(value).transpose()?,
            expires: end.map(|end| end.secs()),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Form {
    version: Option<u8>,
    access_key_id: Option<Zeroizing<String>>,
    secret_access_key: Option<Zeroizing<String>>,
    session_token: Option<Zeroizing<String>>,
    expiration: Option<String>,
    credentials: Option<Box<Form>>,
}

/// The form of an access key id: it stands in headers.
pub(crate) fn checked_id(id: &str) -> Result<String, ProviderError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match (16..=128).contains(&id.len()) && id.bytes().all(plain) {
        true => Ok(id.to_owned()),
        false => Err(unusable("what stands there is no access key id")),
    }
}

fn value(text: &str) -> Result<SecretValue, ProviderError> {
    taken(text.to_owned())
}

fn taken(text: String) -> Result<SecretValue, ProviderError> {
    let text = Zeroizing::new(text.into_bytes());
    if text.is_empty() || !text.iter().all(u8::is_ascii_graphic) {
        return Err(unusable("a key has letters that none has"));
    }
    SecretValue::from_zeroizing(text).map_err(|_| unusable("they are too long"))
}

fn unusable(why: &str) -> ProviderError {
    ProviderError::new(ErrorKind::BadSettings, format!("the credentials cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "ASIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY";

    fn read(text: &str) -> Result<Keys, ProviderError> {
        Keys::read(&SecretValue::new(text.as_bytes().to_vec()).expect("short"))
    }

    #[test]
    fn credentials_are_read_as_programs_write_them() {
        let end = "2030-01-02T03:04:05Z";
        for text in [
            format!(
                r#"{{"Version":1,"AccessKeyId":"{ID}","SecretAccessKey":"{SECRET}","SessionToken":"tok","Expiration":"{end}"}}"#
            ),
            format!(
                r#" {{"Credentials":{{"AccessKeyId":"{ID}","SecretAccessKey":"{SECRET}","SessionToken":"tok","Expiration":"2030-01-02T04:04:05+01:00"}},"AssumedRoleUser":{{}}}}"#
            ),
            format!(
                "export AWS_ACCESS_KEY_ID=\"{ID}\"\nexport AWS_SECRET_ACCESS_KEY=\"{SECRET}\"\nexport AWS_SESSION_TOKEN=\"tok\"\nexport AWS_CREDENTIAL_EXPIRATION={end}\n"
            ),
            format!(
                "[123456789012_reader]\naws_access_key_id={ID}\naws_secret_access_key = {SECRET}\naws_session_token=tok\nAWS_CREDENTIAL_EXPIRATION={end}"
            ),
            format!(
                "$Env:AWS_ACCESS_KEY_ID=\"{ID}\"\r\n$Env:AWS_SECRET_ACCESS_KEY=\"{SECRET}\"\r\n$Env:AWS_SESSION_TOKEN=\"tok\"\r\n$Env:AWS_CREDENTIAL_EXPIRATION=\"{end}\""
            ),
        ] {
            let keys = read(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(keys.id, ID);
            assert!(keys.secret.expose_secret() == SECRET.as_bytes());
            assert!(keys.token.is_some_and(|token| token.expose_secret() == b"tok"));
            assert_eq!(keys.expires, Some(1_893_553_445), "{text}");
        }
        let lasting = read(&format!("AWS_ACCESS_KEY_ID={ID}\nAWS_SECRET_ACCESS_KEY={SECRET}")).expect("keys");
        assert!(lasting.token.is_none() && lasting.expires.is_none() && !lasting.is_over());
    }

    #[test]
    fn hostile_h86_what_is_no_credential_is_not_repeated() {
        for text in [
            "",
            "hunter2",
            "{hunter2",
            r#"{"Version":2,"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"hunter2"}"#,
            r#"{"Version":1,"AccessKeyId":"hunter2","SecretAccessKey":"hunter2"}"#,
            r#"{"Version":1,"AccessKeyId":"ASIAIOSFODNN7EXAMPLE"}"#,
            r#"{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"hunter2\n"}"#,
            r#"{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"hunter2","Expiration":"hunter2"}"#,
            "AWS_SECRET_ACCESS_KEY=hunter2",
        ] {
            let error = read(text).err().unwrap_or_else(|| panic!("{text}"));
            assert_eq!(error.kind(), ErrorKind::BadSettings);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
