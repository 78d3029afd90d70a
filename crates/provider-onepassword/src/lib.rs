//! Secrets in 1Password: by a Connect server, or by the command line `op` with the token of a service account.
//!
//! A target is a secret reference as 1Password writes it, `op://VAULT/ITEM/[SECTION/]FIELD`. It means the same whichever way it is
//! looked up.
//!
//! What this crate is not: it signs nobody in to the desktop app, and opens no vault by itself.
//!
//! Invariants: a name that several things have is an error, never a guess. An item is asked for once in a lookup, however many
//! fields of it are wanted. `op` is started by an absolute path that nobody but root and the user can write, gets its token by its own
//! environment, which holds nothing else of ours, and its values by a pipe. No error quotes an answer or what `op` printed.
//!
//! ```
//! use subrosa_provider::{Settings, System as _};
//! use subrosa_provider_onepassword::OnePassword;
//!
//! # fn main() -> Result<(), subrosa_provider::ProviderError> {
//! let settings = Settings::from_iter([("address", "https://Connect.example.com/")]);
//! let settings = OnePassword.settle(settings)?;
//! assert_eq!(settings.text("address"), Some("https://connect.example.com"));
//! assert_eq!(OnePassword.target(&settings, "op://Dev/Stripe/Key")?, "op://dev/stripe/key");
//! # Ok(()) }
//! ```

mod credential;
mod edit;
mod item;
mod named;
mod offer;
#[cfg(unix)]
mod program;
mod server;
mod target;

use subrosa_provider::{ErrorKind, External, Login, Method, ProviderError, Setting, Settings, System};

const SERVICE_ACCOUNT: &str = "service-account";
const CONNECT_SERVER: &str = "connect-server";

const METHODS: &[Method] = &[
    Method { name: SERVICE_ACCOUNT, credential: "service account token", needs: &[], person: false },
    Method { name: CONNECT_SERVER, credential: "Connect token", needs: &["address"], person: false },
];

const SETTINGS: &[Setting] = &[
    Setting::place("address", "URL", "the Connect server, https://connect.example.com:8443"),
    Setting::place(
        "ca",
        "FILE",
        "authorities to trust for it instead of the system's, as PEM; the file is read now",
    ),
    Setting::place(
        "insecure-http",
        "",
        "allow an address without TLS: who is on the way reads credentials and secrets",
    ),
    Setting::login("op", "FILE", "1Password's command line, for service-account [default: op on the PATH]"),
];

/// The system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnePassword;

impl System for OnePassword {
    fn name(&self) -> &'static str {
        "onepassword"
    }

    fn about(&self) -> &'static str {
        "1Password, by its command line or a Connect server"
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn methods(&self) -> &'static [Method] {
        METHODS
    }

    fn example(&self) -> &'static str {
        "op://dev/Stripe/secret-key"
    }

    fn settle(&self, mut settings: Settings) -> Result<Settings, ProviderError> {
        if settings.text("address").is_none() {
            // without a server it is the program that is asked
            settle_program(&mut settings)?;
        }
        subrosa_rest::settle_server(&mut settings)?;
        Ok(settings)
    }

    fn target(&self, _: &Settings, text: &str) -> Result<String, ProviderError> {
        target::Target::parse(text).map(|target| target.to_string())
    }

    fn connect<'a>(
        &self,
        settings: &Settings,
        login: Login<'a>,
    ) -> Result<Box<dyn External + 'a>, ProviderError> {
        match login.method {
            CONNECT_SERVER => Ok(Box::new(server::Connect::new(settings, login)?)),
            #[cfg(unix)]
            SERVICE_ACCOUNT => Ok(Box::new(program::ServiceAccount::new(settings, login)?)),
            #[cfg(not(unix))]
            SERVICE_ACCOUNT => Err(no_program()),
            other => {
                let text = format!("there is no way to log in named {other:?}");
                Err(ProviderError::new(ErrorKind::BadSettings, text))
            }
        }
    }
}

/// The program by its absolute path: which one it is does not change with the folder or the environment of a later command.
#[cfg(unix)]
fn settle_program(settings: &mut Settings) -> Result<(), ProviderError> {
    let path = match settings.text("op") {
        Some(file) => program::PROGRAM.named(file)?,
        None => program::PROGRAM.found()?,
    };
    settings.set("op", path);
    Ok(())
}

#[cfg(not(unix))]
fn settle_program(_: &mut Settings) -> Result<(), ProviderError> {
    Err(no_program())
}

#[cfg(not(unix))]
fn no_program() -> ProviderError {
    let text = "service accounts work on Unix alone: who can exchange the program op is not known here";
    ProviderError::new(ErrorKind::BadSettings, text)
        .hint_at("--auth connect-server --address URL asks a Connect server")
}
