//! A profile of the files that AWS's programs share, as far as it says how to log in.
//!
//! The SDK reads these files. What a profile means is walked through here, since the SDK overlooks `mfa_serial` and would read
//! `AWS_PROFILE`, `AWS_CONFIG_FILE`, `AWS_SHARED_CREDENTIALS_FILE` and `AWS_ENDPOINT_URL`.

use std::path::PathBuf;

use aws_config::profile::{Profile, ProfileSet};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};
use subrosa_provider::{ErrorKind, Login, Method, ProviderError, Settings};
use subrosa_secret::SecretValue;

use super::{instance, keys, mfa, process, role, sso, web_identity};
use crate::arn;
use crate::keys::{Keys, checked_id};
use crate::services::Services;

pub(super) const METHOD: Method = Method { name: "profile", credential: "", needs: &[], person: false };

/// Whose credentials are taken where no profile is named: the first that there is.
const USUAL: [&str; 2] = ["main", "default"];

pub(super) fn log_in(
    services: &Services,
    settings: &Settings,
    login: &Login<'_>,
) -> Result<Keys, ProviderError> {
    let files = load(services, settings)?;
    let name = chosen(&files, settings)?;
    Walk { services, login, files: &files }.keys(&name, &mut Vec::new())
}

/// The region that the profile names.
pub(crate) fn region(services: &Services, settings: &Settings) -> Option<String> {
    let files = load(services, settings).ok()?;
    let profile = files.get_profile(&chosen(&files, settings).ok()?)?;
    profile.get("region").filter(|region| arn::is_region(region)).map(str::to_owned)
}

/// Reads the files: `~/.aws/config` and `~/.aws/credentials`, or those that the connection names.
fn load(services: &Services, settings: &Settings) -> Result<ProfileSet, ProviderError> {
    let file = |name| settings.text(name).map(PathBuf::from);
    let (config, credentials) = (file("config-file"), file("credentials-file"));
    let mut files = EnvConfigFiles::builder()
        .include_default_config_file(config.is_none())
        .include_default_credentials_file(credentials.is_none());
    files = config.into_iter().fold(files, |files, path| files.with_file(EnvConfigFileKind::Config, path));
    files = credentials
        .into_iter()
        .fold(files, |files, path| files.with_file(EnvConfigFileKind::Credentials, path));
    let home: Vec<(&str, String)> = ["HOME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH"]
        .into_iter()
        .filter_map(|name| Some((name, std::env::var(name).ok()?)))
        .collect();
    let home: Vec<(&str, &str)> = home.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (fs, env, files) = (Fs::real(), Env::from_slice(&home), files.build());
    services
        .wait(aws_config::profile::load(&fs, &env, &files, None))?
        .map_err(|_| ProviderError::new(ErrorKind::BadSettings, "the shared config files cannot be read"))
}

fn chosen(files: &ProfileSet, settings: &Settings) -> Result<String, ProviderError> {
    if let Some(name) = settings.text("aws-profile") {
        return Ok(name.to_owned());
    }
    let usual = USUAL.into_iter().find(|name| files.get_profile(name).is_some());
    usual.map(str::to_owned).ok_or_else(|| {
        let text = "the shared config files have neither a profile main nor default";
        ProviderError::new(ErrorKind::BadSettings, text).hint_at("--aws-profile NAME says which")
    })
}

struct Walk<'w> {
    services: &'w Services,
    login: &'w Login<'w>,
    files: &'w ProfileSet,
}

fn wrong(name: &str, why: &str) -> ProviderError {
    ProviderError::new(ErrorKind::BadSettings, format!("profile {name}: {why}"))
}

impl Walk<'_> {
    /// The keys of a profile; those that led to it are not gone through again.
    fn keys(&self, name: &str, seen: &mut Vec<String>) -> Result<Keys, ProviderError> {
        let profile =
            self.files.get_profile(name).ok_or_else(|| wrong(name, "there is none of that name"))?;
        if seen.iter().any(|other| other == name) {
            return Err(wrong(name, "its sources lead back to it"));
        }
        seen.push(name.to_owned());
        let Some(role) = profile.get("role_arn") else { return self.own(profile) };
        if let Some(file) = profile.get("web_identity_token_file") {
            return web_identity::keys(self.services, role, file);
        }
        let source = match (profile.get("source_profile"), profile.get("credential_source")) {
            (Some(source), None) if source == name => self.own(profile),
            (Some(source), None) => self.keys(source, seen),
            (None, Some("Ec2InstanceMetadata")) => instance::of_machine(instance::METADATA),
            (None, Some("EcsContainer")) => instance::of_container(),
            (None, Some("Environment")) => {
                Err(wrong(name, "its source is the environment, which is not read"))
            }
            _ => Err(wrong(name, "it does not say which credentials take its role")),
        }?;
        self.take(profile, role, &source)
    }

    fn take(&self, profile: &Profile, role: &str, source: &Keys) -> Result<Keys, ProviderError> {
        let code = match profile.get("mfa_serial") {
            Some(device) => Some(mfa::code(self.services, self.login, Some(device), source)?),
            None => None,
        };
        let session = profile.get("role_session_name").unwrap_or(role::SESSION_NAME);
        role::take(
            self.services,
            source,
            role,
            role::Terms { session, external_id: profile.get("external_id"), code },
        )
    }

    /// What a profile has by itself, in the order of AWS's own programs.
    fn own(&self, profile: &Profile) -> Result<Keys, ProviderError> {
        let name = profile.name();
        if profile.get("sso_session").or(profile.get("sso_start_url")).is_some() {
            return sso::keys(self.services, self.files, profile);
        }
        if let (Some(id), Some(secret)) =
            (profile.get("aws_access_key_id"), profile.get("aws_secret_access_key"))
        {
            let value = |text: &str| {
                SecretValue::new(text.as_bytes().to_vec()).map_err(|_| wrong(name, "its keys are too long"))
            };
            let token = profile.get("aws_session_token").map(value).transpose()?;
            let found = Keys { id: checked_id(id)?, secret: value(secret)?, token, expires: None };
            return match (profile.get("mfa_serial"), profile.get("role_arn"), &found.token) {
                (Some(device), None, None) => {
                    let code = mfa::code(self.services, self.login, Some(device), &found)?;
                    keys::session(self.services, &found, Some(code))
                }
                _ => Ok(found),
            };
        }
        match profile.get("credential_process") {
            Some(command) => process::run(command).map_err(|error| error.about(&format!("profile {name}"))),
            None => Err(wrong(name, "it holds no credentials that can be used here")),
        }
    }
}
