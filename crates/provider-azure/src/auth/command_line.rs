//! Whoever is logged in with Azure's own command line.
//!
//! Microsoft's credential for it has a shell look for it on the `PATH`, which may lead anywhere.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use subrosa_program::{Known, Run};
use subrosa_provider::{ErrorKind, Method, ProviderError, Settings};
use subrosa_rest::text_of;

use super::LoggedIn;
use crate::token::{Token, scope};

pub(super) const METHOD: Method = Method { name: "az", credential: "", needs: &[], person: false };

/// `az`.
pub(crate) const PROGRAM: Known = Known {
    name: "az",
    about: "Azure's command line",
    install: "install it from https://learn.microsoft.com/cli/azure",
    flag: "--az",
};

/// It is written in Python, and starts slowly.
const PATIENCE: Duration = Duration::from_secs(60);
const MAX_OUTPUT: usize = 1 << 20;
/// What it is itself started by; of the user's own path nothing is used.
const PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin";
/// Where its own settings are, if they are not where they usually are.
const CONFIG: &str = "AZURE_CONFIG_DIR";

/// What it prints.
#[derive(Deserialize)]
struct Printed<'a> {
    #[serde(borrow, rename = "accessToken")]
    access_token: &'a RawValue,
    /// since version 2.54
    expires_on: Option<i64>,
}

pub(super) fn log_in(settings: &Settings) -> Result<LoggedIn, ProviderError> {
    let named = settings.text("az").map_or_else(|| PROGRAM.found(), |file| Ok(file.to_owned()))?;
    let program = PROGRAM.checked(Path::new(&named))?;
    let scope = scope(settings.text("resource").unwrap_or_default());
    let mut arguments = vec!["account", "get-access-token", "--output", "json", "--scope", &scope];
    if let Some(tenant) = settings.text("tenant") {
        arguments.extend(["--tenant", tenant]);
    }
    let plain = [("PATH", PATH), ("LC_ALL", "C"), ("AZURE_CORE_COLLECT_TELEMETRY", "no")];
    let config = std::env::var_os(CONFIG).map(|folder| (CONFIG, folder));
    let environment: Vec<(&str, OsString)> =
        plain.map(|(name, value)| (name, OsString::from(value))).into_iter().chain(config).collect();
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_os_str())).collect();
    let ended = Run {
        name: PROGRAM.name,
        program: &program,
        arguments: &arguments,
        environment: &environment,
        input: None,
        limit: MAX_OUTPUT,
        patience: PATIENCE,
    }
    .end()?;
    if !ended.success {
        return Err(refused(&ended.complaint));
    }
    Ok(LoggedIn { token: token(&ended.output)?, refresh: None, credential: None })
}

fn token(output: &[u8]) -> Result<Token, ProviderError> {
    let bad = || ProviderError::new(ErrorKind::BadAnswer, "what az printed is no token");
    let printed: Printed<'_> = serde_json::from_slice(output).map_err(|_| bad())?;
    let expires = printed.expires_on.ok_or_else(|| {
        let text = "this az is too old: it does not say how long its token lasts";
        ProviderError::new(ErrorKind::BadSettings, text).hint_at("az upgrade")
    })?;
    let value = text_of(printed.access_token)?.filter(|token| !token.is_empty()).ok_or_else(bad)?;
    Ok(Token { value, expires })
}

/// What it complains of says what to do, and repeats what it was told: only what it means is told.
fn refused(complaint: &[u8]) -> ProviderError {
    let text = String::from_utf8_lossy(complaint);
    match text.contains("az login") || text.contains("AADSTS") {
        true => ProviderError::new(ErrorKind::Expired, "nobody is logged in with az").hint_at("az login"),
        false => ProviderError::new(ErrorKind::Unavailable, "az gives no token")
            .hint_at("az account get-access-token"),
    }
}
