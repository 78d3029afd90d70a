//! Secrets in Azure Key Vault, by Microsoft's crates.
//!
//! A target is `SECRET` or `SECRET/VERSION` of the connection's vault, or the identifier that Azure shows for it. Which tokens the vault
//! takes it says itself; it is shown one only if these are the ones that the connection is for.
//!
//! What this crate is not: it reads neither keys nor certificates, and no managed HSM.
//!
//! Invariants: requests of Microsoft's crates go by this project's transport, so that nothing of the environment redirects or opens
//! them, answers are bounded, and no error of theirs, which hold whole answers, reaches anybody. A token goes to the vault of the
//! connection alone. A secret that is disabled is an error, not absence.
//!
//! ```
//! use subrosa_provider::{Settings, System as _};
//! use subrosa_provider_azure::Azure;
//!
//! # fn main() -> Result<(), subrosa_provider::ProviderError> {
//! let settings = Azure.settle(Settings::from_iter([("key-vault", "contoso")]))?;
//! assert_eq!(settings.text("key-vault"), Some("https://contoso.vault.azure.net"));
//! let shown = "https://contoso.vault.azure.net/secrets/DB-Password";
//! assert_eq!(Azure.target(&settings, shown)?, "db-password");
//! # Ok(()) }
//! ```

mod auth;
mod cloud;
mod connected;
mod fault;
mod offers;
mod setup;
mod state;
mod target;
mod token;
mod transport;
mod write;

use subrosa_provider::{ErrorKind, External, Login, Method, ProviderError, Setting, Settings, Setup, System};

use connected::Connected;

const SETTINGS: &[Setting] = &[
    Setting::place("key-vault", "NAME|URL", "the vault: its name, or https://NAME.vault.azure.net").needed(),
    Setting::login("tenant", "ID", "the tenant of who logs in: its id, or a domain of it"),
    Setting::login(
        "client-id",
        "ID",
        "the application that logs in; of a machine with several identities, the one to take",
    ),
    Setting::login(
        "token-file",
        "FILE",
        "where workload-identity finds its token [default: AZURE_FEDERATED_TOKEN_FILE]",
    ),
    Setting::login("az", "FILE", "Azure's command line, for az [default: az on the PATH]"),
    Setting::place("authority", "URL", "who makes tokens [default: that of the vault's cloud]"),
    Setting::place("resource", "URL", "what tokens are for, where the vault is in no public cloud"),
    Setting::place(
        "ca",
        "FILE",
        "authorities to trust instead of the system's, as PEM; the file is read now",
    ),
];

/// The system: Azure Key Vault in any cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Azure;

impl System for Azure {
    fn name(&self) -> &'static str {
        "azure"
    }

    fn about(&self) -> &'static str {
        "Azure Key Vault"
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn methods(&self) -> &'static [Method] {
        auth::METHODS
    }

    fn example(&self) -> &'static str {
        "db-password"
    }

    fn settle(&self, mut settings: Settings) -> Result<Settings, ProviderError> {
        cloud::settle(&mut settings)?;
        for name in ["tenant", "client-id"] {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
            let text = settings.text(name).unwrap_or("x");
            if text.is_empty() || !text.bytes().all(plain) {
                let text = format!("{name} {text:?} is no id");
                return Err(ProviderError::new(ErrorKind::BadSettings, text));
            }
        }
        settle_files(&mut settings)?;
        Ok(settings)
    }

    fn target(&self, settings: &Settings, text: &str) -> Result<String, ProviderError> {
        let vault = settings.text("key-vault").unwrap_or_default();
        target::Target::parse(vault, text).map(|target| target.to_string())
    }

    fn setup(&self) -> Option<&dyn Setup> {
        Some(&setup::Application)
    }

    fn connect<'a>(
        &self,
        settings: &Settings,
        login: Login<'a>,
    ) -> Result<Box<dyn External + 'a>, ProviderError> {
        Ok(Box::new(Connected::new(settings, login)?))
    }
}

fn settle_files(settings: &mut Settings) -> Result<(), ProviderError> {
    subrosa_rest::settle_authorities(settings)?;
    #[cfg(unix)]
    if let Some(file) = settings.text("az") {
        let program = auth::command_line::PROGRAM.named(file)?;
        settings.set("az", program);
    }
    settings.settle_file("token-file")?;
    Ok(())
}
