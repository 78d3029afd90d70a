//! Taking a role.

use subrosa_provider::ProviderError;

use super::mfa::Code;
use crate::fault;
use crate::keys::Keys;
use crate::services::Services;

/// What CloudTrail shows as the name of the session.
pub(super) const SESSION_NAME: &str = "subrosa";

/// What goes with the request for a role.
pub(super) struct Terms<'t> {
    pub(super) session: &'t str,
    pub(super) external_id: Option<&'t str>,
    pub(super) code: Option<Code>,
}

/// The keys of a role.
pub(crate) fn assume(
    services: &Services,
    keys: &Keys,
    role: &str,
    external_id: Option<&str>,
) -> Result<Keys, ProviderError> {
    take(services, keys, role, Terms { session: SESSION_NAME, external_id, code: None })
}

/// The same on other terms. It is had for an hour, which is as long as every role allows.
pub(super) fn take(
    services: &Services,
    keys: &Keys,
    role: &str,
    terms: Terms<'_>,
) -> Result<Keys, ProviderError> {
    let sts = services.sts(Some(keys))?;
    let mut call = sts.assume_role().role_arn(role).role_session_name(terms.session);
    call = call.set_external_id(terms.external_id.map(str::to_owned));
    if let Some(Code { device, code }) = terms.code {
        call = call.serial_number(device).token_code(code);
    }
    let answer = services.wait(call.send())?;
    let answer = answer.map_err(|error| fault::of(&error, &format!("role {role}")))?;
    Keys::of_answer(answer.credentials)
}
