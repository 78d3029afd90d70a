//! IAM Identity Center: a role, for the token that `aws sso login` left behind.

use aws_config::profile::{Profile, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_config::sso::SsoCredentialsProvider;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_types::region::Region;
use subrosa_provider::{ErrorKind, ProviderError};

use crate::keys::Keys;
use crate::services::Services;
use crate::{arn, fault, transport};

/// The keys of a profile's role. The SDK finds the token, exchanges one that is over, and asks the portal.
pub(super) fn keys(
    services: &Services,
    files: &ProfileSet,
    profile: &Profile,
) -> Result<Keys, ProviderError> {
    let name = profile.name();
    let wrong = |why: &str| ProviderError::new(ErrorKind::BadSettings, format!("profile {name}: {why}"));
    let session = profile.get("sso_session");
    let section = match session {
        Some(session) => {
            Some(files.sso_session(session).ok_or_else(|| wrong("its sso-session is not in the files"))?)
        }
        None => None,
    };
    let of_both = |key: &str| section.and_then(|section| section.get(key)).or_else(|| profile.get(key));
    let needed = |key: &str| of_both(key).ok_or_else(|| wrong(&format!("{key} is missing")));
    let region = needed("sso_region")?;
    if !arn::is_region(region) {
        return Err(wrong("its sso_region is none"));
    }
    let config = ProviderConfig::empty()
        .with_http_client(services.carrier()?)
        .with_sleep_impl(TokioSleep::new())
        .with_retry_config(transport::retries())
        .with_timeout_config(transport::timeouts());
    let mut provider = SsoCredentialsProvider::builder()
        .configure(&config)
        .region(Region::new(region.to_owned()))
        .start_url(needed("sso_start_url")?)
        .account_id(needed("sso_account_id")?)
        .role_name(needed("sso_role_name")?);
    provider.set_session_name(session.map(str::to_owned));
    let got = services.wait(provider.build().provide_credentials())?;
    let credentials = got.map_err(|error| match fault::of_transport(&error, &format!("profile {name}")) {
        Some(failure) => failure,
        None => {
            let text =
                format!("profile {name}: the SSO session gives no credentials; it is over, or never began");
            ProviderError::new(ErrorKind::Expired, text).hint_at(format!("aws sso login --profile {name}"))
        }
    })?;
    Keys::of(&credentials)
}
