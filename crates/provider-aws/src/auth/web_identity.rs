//! The token of a workload, such as a pod's or a CI job's, for which STS gives a role.

use subrosa_provider::{ErrorKind, Method, ProviderError, Settings};
use zeroize::Zeroizing;

use super::role::SESSION_NAME;
use crate::fault;
use crate::keys::Keys;
use crate::services::Services;

pub(super) const METHOD: Method =
    Method { name: "web-identity", credential: "", needs: &["role-arn", "token-file"], person: false };

/// The longest token, in bytes (AssumeRoleWithWebIdentity, `WebIdentityToken`).
const MAX_TOKEN_LEN: u64 = 20_000;

pub(super) fn log_in(services: &Services, settings: &Settings) -> Result<Keys, ProviderError> {
    keys(
        services,
        settings.text("role-arn").unwrap_or_default(),
        settings.text("token-file").unwrap_or_default(),
    )
}

/// The keys of a role for the token in a file.
pub(super) fn keys(services: &Services, role: &str, file: &str) -> Result<Keys, ProviderError> {
    let token = token(file)?;
    let call = services.sts(None)?.assume_role_with_web_identity().role_arn(role);
    let call = call.role_session_name(SESSION_NAME).web_identity_token(token.as_str());
    let answer = services.wait(call.send())?.map_err(|error| {
        let error = fault::of(&error, "login");
        match error.kind() {
            // whoever writes the file writes another one
            ErrorKind::Expired => {
                ProviderError::new(ErrorKind::Expired, "login: the token in the file is over")
            }
            _ => error,
        }
    })?;
    Keys::of_answer(answer.credentials)
}

/// The file's content, read anew for each login: it is exchanged while the workload runs.
fn token(file: &str) -> Result<Zeroizing<String>, ProviderError> {
    use std::io::Read as _;
    let failed = |why: &str| ProviderError::new(ErrorKind::BadSettings, format!("{file}: {why}"));
    let opened = std::fs::File::open(file).map_err(|error| failed("it cannot be read").caused_by(error))?;
    let mut text = Zeroizing::new(String::with_capacity(4096));
    opened.take(MAX_TOKEN_LEN + 1).read_to_string(&mut text).map_err(|_| failed("it is no text"))?;
    let plain = |byte: u8| byte.is_ascii_graphic();
    match text.trim() {
        "" => Err(failed("it is empty")),
        token if token.len() as u64 > MAX_TOKEN_LEN || !token.bytes().all(plain) => {
            Err(failed("it holds no token"))
        }
        token => Ok(Zeroizing::new(token.to_owned())),
    }
}
