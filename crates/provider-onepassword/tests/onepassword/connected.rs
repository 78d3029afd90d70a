//! Connections to the stand-ins.

use subrosa_provider::{External, Login, Provider as _, ProviderError, Settings, System as _};
use subrosa_provider_onepassword::OnePassword;
use subrosa_secret::SecretValue;
use subrosa_testkit::ConnectServer;

/// The value of `op://automation/stripe/credential`.
pub(crate) const VALUE: &str = "hunter2-CANARY";
/// Where it is.
pub(crate) const TARGET: &str = "op://automation/stripe/credential";

/// A connection of which no more is known than what it is.
pub(crate) type Known = Box<dyn External>;

/// Connects with a token that is at hand.
pub(crate) fn connect(settings: &Settings, method: &'static str, token: &str) -> Known {
    let token = token.to_owned();
    let given =
        Box::leak(Box::new(move || Ok(SecretValue::new(token.clone().into_bytes()).expect("a short token"))));
    let login = Login { method, session: None, is_kept: true, is_new: true, credential: given, person: None };
    OnePassword.connect(settings, login).expect("a connection")
}

pub(crate) fn server_settings(address: &str, ca: &std::path::Path) -> Settings {
    let settings = [("address", address), ("ca", ca.to_str().expect("text"))].into_iter().collect();
    OnePassword.settle(settings).expect("settings")
}

/// A connection to a server of the kit's.
pub(crate) fn to_server(server: &ConnectServer) -> Known {
    connect(&server_settings(&server.address(), &server.ca()), "connect-server", ConnectServer::TOKEN)
}

#[cfg(unix)]
pub(crate) fn program_settings(op: &subrosa_testkit::FakeOp) -> Settings {
    let path = op.path();
    let settings = [("op", path.to_str().expect("text"))].into_iter().collect();
    OnePassword.settle(settings).expect("settings")
}

/// A connection by a program of the kit's.
#[cfg(unix)]
pub(crate) fn to_program(op: &subrosa_testkit::FakeOp) -> Known {
    connect(&program_settings(op), "service-account", subrosa_testkit::FakeOp::TOKEN)
}

/// The bytes of a value that has to be there.
pub(crate) fn value(provider: &Known, target: &str) -> Vec<u8> {
    let target = OnePassword.target(&Settings::default(), target).expect(target);
    provider.lookup(&target).expect(&target).expect(&target).expose_secret().to_vec()
}

pub(crate) fn failure(provider: &Known, target: &str) -> ProviderError {
    provider.lookup(&target.to_owned()).err().unwrap_or_else(|| panic!("{target} was found"))
}

/// An error about a target, which is one line and holds nothing of what was answered.
pub(crate) fn refused(provider: &Known, target: &str) -> ProviderError {
    let error = failure(provider, target);
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("CANARY"), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
    error
}

/// Looks up several at once.
pub(crate) fn look_up(provider: &Known, targets: &[&str]) -> Vec<Result<Option<SecretValue>, ProviderError>> {
    let targets: Vec<String> = targets.iter().map(|target| (*target).to_owned()).collect();
    provider.lookup_many(&targets.iter().collect::<Vec<_>>())
}
