//! What a connection is told.

use subrosa_provider::{ErrorKind, ProviderError, Setting, Settings};

use crate::{arn, keys};

pub(crate) const SETTINGS: &[Setting] = &[
    Setting::place("region", "REGION", "the region of the secrets, eu-central-1"),
    Setting::login("access-key-id", "ID", "the access key of a user, whose secret part is asked for"),
    Setting::login("mfa", "", "the user has a second factor, whose code is asked for"),
    Setting::login("mfa-serial", "ARN", "the device of the second factor, where there are several"),
    Setting::login(
        "aws-profile",
        "NAME",
        "the profile of the shared config files [default: main, else default]",
    ),
    Setting::login("config-file", "FILE", "the file of profiles [default: ~/.aws/config]"),
    Setting::login("credentials-file", "FILE", "the file of their keys [default: ~/.aws/credentials]"),
    Setting::login("token-file", "FILE", "the token of a workload, for web-identity"),
    Setting::login(
        "metadata-endpoint",
        "URL",
        "where a machine finds its credentials [default: http://169.254.169.254]",
    ),
    Setting::login("role-arn", "ARN", "the role to take after the login, for links that name no other"),
    Setting::login("external-id", "ID", "what roles of other accounts ask for beside"),
    Setting::place("endpoint", "URL", "where Secrets Manager is [default: the region's]"),
    Setting::login("sts-endpoint", "URL", "where STS and IAM are, for the login [default: the region's]"),
    Setting::place(
        "ca",
        "FILE",
        "authorities to trust instead of the system's, as PEM; the file is read now",
    ),
    Setting::place("insecure-http", "", "allow an endpoint without TLS: who is on the way reads secrets"),
];

/// Settings in the form in which they are stored.
pub(crate) fn settle(mut settings: Settings) -> Result<Settings, ProviderError> {
    let refuse = |text: String| Err(ProviderError::new(ErrorKind::BadSettings, text));
    if let Some(region) = settings.text("region").filter(|region| !arn::is_region(region)) {
        return refuse(format!("{region:?} is no region"));
    }
    if let Some(role) = settings.text("role-arn").filter(|role| !arn::is_role(role)) {
        return refuse(format!("{role:?} is no ARN of a role"));
    }
    if let Some(id) = settings.text("access-key-id") {
        // not repeated: it may be the other half
        keys::checked_id(id).map_err(|_| {
            ProviderError::new(ErrorKind::BadSettings, "what stands at --access-key-id is no access key id")
        })?;
    }
    if settings.text("external-id").is_some_and(|id| id.is_empty() || id.chars().any(char::is_control)) {
        return refuse("the external id is empty, or has control characters".to_owned());
    }
    if let Some(device) = settings.text("mfa-serial").filter(|device| !arn::is_mfa_device(device)) {
        return refuse(format!("{device:?} is no device of a second factor"));
    }
    for name in ["config-file", "credentials-file", "token-file"] {
        settings.settle_file(name)?;
    }
    if let Some(address) = settings.text("metadata-endpoint") {
        // a machine's own is without TLS, and not on the way of anybody else
        settings.set("metadata-endpoint", subrosa_rest::settle_address(address, true)?);
    }
    for name in ["endpoint", "sts-endpoint"] {
        let Some(address) = settings.text(name) else { continue };
        let settled = subrosa_rest::settle_address(address, settings.is_on("insecure-http"));
        let settled = settled.map_err(|error| match address.starts_with("http://") {
            true => error.hint_at("--insecure-http says that this is meant"),
            false => error,
        })?;
        settings.set(name, settled);
    }
    subrosa_rest::settle_authorities(&mut settings)?;
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused_before_anybody_is_asked() {
        for (name, bad) in [
            ("region", "eu.example.com"),
            ("role-arn", "arn:aws:iam::123456789012:user/a"),
            ("access-key-id", "hunter2"),
            ("external-id", ""),
            ("mfa-serial", "a b"),
            ("metadata-endpoint", "169.254.169.254"),
            ("endpoint", "secretsmanager.example.com"),
            ("sts-endpoint", "https://user:hunter2@sts.example.com"),
            ("ca", "/nonexistent/ca.pem"),
        ] {
            let error = settle(Settings::from_iter([(name, bad)])).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::BadSettings, "{name}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn hostile_h83_a_plain_http_endpoint_is_refused_unless_said_so() {
        for name in ["endpoint", "sts-endpoint"] {
            let mut settings = Settings::from_iter([(name, "http://127.0.0.1:4566/")]);
            let error = settle(settings.clone()).expect_err("plain http");
            assert_eq!(error.hint(), Some("--insecure-http says that this is meant"));
            settings.set("insecure-http", "");
            assert_eq!(settle(settings).expect("said so").text(name), Some("http://127.0.0.1:4566"));
        }
    }
}
