//! Linux and the BSDs: the Secret Service over D-Bus.

use std::collections::HashMap;
use std::env;
use std::error::Error as StdError;
use std::sync::Arc;

use dbus_secret_service::{EncryptionType, Error as ServiceError, SecretService};
use dbus_secret_service_keyring_store::Store;
use keyring_core::{CredentialStore, Error as StoreError};

use crate::{Absence, KeychainError};

type Source = Box<dyn StdError + Send + Sync>;

/// Finds the session bus and the service on it, which the bus may have to start.
pub(crate) fn connect() -> Result<Arc<CredentialStore>, KeychainError> {
    match Store::new() {
        Ok(store) => Ok(store),
        Err(StoreError::PlatformFailure(source) | StoreError::NoStorageAccess(source)) => {
            Err(match explain("connecting", source) {
                // before there is a session, what fails is the way to the bus
                KeychainError::Failed { source, .. } => {
                    KeychainError::Absent { absence: Absence::NoBus, source }
                }
                other => other,
            })
        }
        Err(other) => Err(KeychainError::Failed { what: "connecting", source: Some(other.into()) }),
    }
}

pub(crate) fn modifiers(label: &str) -> HashMap<&str, &str> {
    HashMap::from([("label", label)])
}

/// Whether the default collection is locked. gnome-keyring finds entries there all the same; KeePassXC tells of no entry
/// of a database that is locked.
pub(crate) fn is_locked() -> Result<bool, KeychainError> {
    let failed = |error: ServiceError| explain("asking whether the keychain is locked", Box::new(error));
    let service = SecretService::connect(EncryptionType::Plain).map_err(failed)?;
    match service.get_default_collection() {
        Ok(collection) => collection.is_locked().map_err(failed),
        Err(ServiceError::NoResult) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// Whether an unlock dialog could be seen.
pub(crate) fn has_display() -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

pub(crate) fn explain(what: &'static str, source: Source) -> KeychainError {
    let Some(error) = source.downcast_ref::<ServiceError>() else {
        return KeychainError::Failed { what, source: Some(source) };
    };
    match error {
        ServiceError::Locked => KeychainError::Locked,
        // the service reports a dialog that was dismissed and one that could not be shown alike
        ServiceError::Prompt if has_display() => KeychainError::Denied,
        ServiceError::Prompt => KeychainError::Locked,
        ServiceError::NoResult => KeychainError::Absent { absence: Absence::NoKeyring, source: Some(source) },
        ServiceError::Unavailable => {
            KeychainError::Absent { absence: Absence::NoService, source: Some(source) }
        }
        ServiceError::Dbus(bus) => match meaning_of(bus.name().unwrap_or_default()) {
            Meaning::Locked => KeychainError::Locked,
            Meaning::NoAnswer => KeychainError::NoAnswer { waited: BUS_TIMEOUT },
            Meaning::Absent(absence) => KeychainError::Absent { absence, source: Some(source) },
            Meaning::Other => KeychainError::Failed { what, source: Some(source) },
        },
        _ => KeychainError::Failed { what, source: Some(source) },
    }
}

/// How long the store's crate waits for the answer to one message, apart from dialogs. Not what a person is told: the
/// question is asked again until the call's own time is over.
const BUS_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);

#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Locked,
    NoAnswer,
    Absent(Absence),
    Other,
}

/// What an error's name means: D-Bus specification, "Well-known errors", and Secret Service API, "Errors".
fn meaning_of(name: &str) -> Meaning {
    if name == "org.freedesktop.Secret.Error.IsLocked" {
        return Meaning::Locked;
    }
    let Some(name) = name.strip_prefix("org.freedesktop.DBus.Error.") else { return Meaning::Other };
    match name {
        "NoReply" | "Timeout" | "TimedOut" => Meaning::NoAnswer,
        "ServiceUnknown" | "NameHasNoOwner" => Meaning::Absent(Absence::NoService),
        spawn if spawn.starts_with("Spawn.") => Meaning::Absent(Absence::NoService),
        "NoServer" | "FileNotFound" | "NotSupported" | "Disconnected" | "BadAddress" | "AuthFailed" => {
            Meaning::Absent(Absence::NoBus)
        }
        _ => Meaning::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_names_have_their_meaning() {
        let meanings = [
            ("org.freedesktop.Secret.Error.IsLocked", Meaning::Locked),
            ("org.freedesktop.DBus.Error.NoReply", Meaning::NoAnswer),
            ("org.freedesktop.DBus.Error.ServiceUnknown", Meaning::Absent(Absence::NoService)),
            ("org.freedesktop.DBus.Error.Spawn.ExecFailed", Meaning::Absent(Absence::NoService)),
            ("org.freedesktop.DBus.Error.NoServer", Meaning::Absent(Absence::NoBus)),
            ("org.freedesktop.DBus.Error.UnknownMethod", Meaning::Other),
            ("NoServer", Meaning::Other),
            ("", Meaning::Other),
        ];
        for (name, meaning) in meanings {
            assert_eq!(meaning_of(name), meaning, "{name}");
        }
    }

    #[test]
    fn the_services_own_errors_have_their_kind() {
        let kind = |error: ServiceError| explain("testing", Box::new(error)).kind();
        assert_eq!(kind(ServiceError::Locked), "locked");
        assert_eq!(kind(ServiceError::NoResult), "absent");
        assert_eq!(kind(ServiceError::Unavailable), "absent");
        assert_eq!(kind(ServiceError::Parse), "failed");
        assert_eq!(explain("testing", "another error".into()).kind(), "failed");
    }
}
