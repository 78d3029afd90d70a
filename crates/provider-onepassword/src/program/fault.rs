//! What `op` means by what it complains of. It ends with 1 whatever is wrong; which texts there are is told where each of them is
//! documented, or known from reports of people who use it.

use subrosa_provider::{ErrorKind, ProviderError};

use crate::target::Target;

/// Why there is no value.
pub(super) enum Fault {
    /// Item, section or field do not exist.
    Absent,
    Failed(ErrorKind, &'static str),
}

/// What is looked for, in lower case; the first that is found decides. Names that `op` repeats are taken out before, since an item
/// may be called like an error.
const TEXTS: &[(&[&str], ErrorKind, &str)] = &[
    (
        &["(429)", "too many requests", "rate limit"],
        ErrorKind::Throttled,
        "the service account has made too many requests",
    ),
    (
        &["decodesacredentials", "(401)", "invalid service account token", "invalid bearer token"],
        ErrorKind::Expired,
        "1Password does not accept the service account token (any more)",
    ),
    (
        &["not currently signed in", "session expired", "no account found", "no accounts configured"],
        ErrorKind::Expired,
        "op is not signed in",
    ),
    (&["(403)", "don't have permission", "not authorized"], ErrorKind::Denied, "permission denied"),
    (
        &[
            "no such host",
            "dial tcp",
            "connection refused",
            "network is unreachable",
            "i/o timeout",
            "deadline exceeded",
            "no internet",
            "(500)",
            "(502)",
            "(503)",
            "(504)",
        ],
        ErrorKind::Unavailable,
        "1Password cannot be reached",
    ),
    (
        &["unknown command", "unknown flag", "unknown shorthand"],
        ErrorKind::BadSettings,
        "this op is too old: it does not know what it is asked",
    ),
    (
        &["more than one vault", "multiple vaults"],
        ErrorKind::BadLink,
        "more than one vault has that name; name the one by its id",
    ),
    (
        &["more than one item", "multiple items"],
        ErrorKind::BadLink,
        "more than one item has that name; name the one by its id",
    ),
    (
        &["more than one field", "multiple fields", "more than one section", "matches multiple"],
        ErrorKind::BadLink,
        "more than one field has that name; name its section, or its id",
    ),
    (
        &["isn't a vault", "no vault matched", "could not find vault"],
        ErrorKind::NotFound,
        "there is no such vault, or the service account was not granted it",
    ),
    (
        &["invalid secret reference", "invalid character in secret reference"],
        ErrorKind::BadLink,
        "op does not take it for a secret reference",
    ),
];

/// What says that there is nothing of that name.
const ABSENT: &[&str] = &[
    "isn't an item",
    "isn't a field",
    "isn't a section",
    "no item matched",
    "could not find item",
    "could not find field",
    "does not have a field",
    "does not have a section",
    "doesn't have a field",
    "does not have a file",
];

impl Fault {
    /// Reads a complaint about these targets. Nothing of it is repeated.
    pub(super) fn of(complaint: &[u8], targets: &[&Target]) -> Self {
        let mut text = String::from_utf8_lossy(complaint).to_lowercase();
        for target in targets {
            for name in names(target) {
                for quoted in [format!("\"{name}\""), format!("'{name}'")] {
                    text = text.replace(&quoted, "");
                }
            }
            let place = &target.place;
            for unquoted in [target.to_string(), format!("{}/{}", place.vault, place.item)] {
                text = text.replace(&unquoted, "");
            }
        }
        let known = TEXTS.iter().find(|(texts, _, _)| texts.iter().any(|one| text.contains(one)));
        match known {
            Some((_, kind, why)) => Self::Failed(*kind, why),
            None if ABSENT.iter().any(|one| text.contains(one)) => Self::Absent,
            None => Self::Failed(ErrorKind::BadAnswer, "op failed for a reason that is not known here"),
        }
    }

    /// Whether it is about the connection as a whole, so that asking for something else is of no use.
    pub(super) fn is_common(&self) -> bool {
        use ErrorKind::{BadSettings, Expired, Throttled, Unavailable};
        matches!(self, Self::Failed(BadSettings | Expired | Throttled | Unavailable, _))
    }

    /// The error, of something that has to be there.
    pub(super) fn error(&self, what: &str) -> ProviderError {
        let (kind, why) = match self {
            Self::Absent => (ErrorKind::NotFound, "it is not there"),
            Self::Failed(kind, why) => (*kind, *why),
        };
        let error = ProviderError::new(kind, format!("{what}: {why}"));
        match kind {
            ErrorKind::BadSettings => error.hint_at("op update, or install 2.18.0 or later"),
            _ => error,
        }
    }
}

/// The names that `op` may quote.
fn names(target: &Target) -> Vec<String> {
    let place = &target.place;
    let mut names = vec![
        target.to_string(),
        format!("{}/{}", place.vault, place.item),
        place.vault.clone(),
        place.item.clone(),
        target.field.clone(),
    ];
    names.extend(target.section.clone());
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(complaint: &str, reference: &str) -> Option<ErrorKind> {
        let target = Target::parse(reference).expect(reference);
        let complaint = format!("[ERROR] 2026/01/02 03:04:05 {complaint}\n");
        match Fault::of(complaint.as_bytes(), &[&target]) {
            Fault::Absent => None,
            Fault::Failed(kind, _) => Some(kind),
        }
    }

    #[test]
    fn what_is_called_like_an_error_is_none() {
        let reference = "op://no such host/too many requests/rate limit";
        let absent = "could not read secret 'op://No such host/too many requests/rate limit': could not get item no such \
                      host/too many requests: \"too many requests\" isn't an item in the \"no such host\" vault.";
        assert_eq!(kind(absent, reference), None);
        let field = "item 'No such host/Too many requests' does not have a field 'rate limit'";
        assert_eq!(kind(field, reference), None);
        let vault = "\"no such host\" isn't a vault in this account. Specify the vault with its ID or name.";
        assert_eq!(kind(vault, reference), Some(ErrorKind::NotFound));
        let throttled = "(429) Too Many Requests: You've reached the maximum number of this type of requests";
        assert_eq!(kind(throttled, reference), Some(ErrorKind::Throttled));
    }

    #[test]
    fn what_is_not_known_is_never_absence() {
        let reference = "op://v/i/f";
        for unknown in ["", "something new", "\u{fffd}", "panic: runtime error"] {
            assert_eq!(kind(unknown, reference), Some(ErrorKind::BadAnswer), "{unknown}");
        }
        for offline in [
            "Post \"https://my.1password.com/api/v3/auth/start\": dial tcp: lookup my.1password.com: no such host",
            "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
        ] {
            assert_eq!(kind(offline, reference), Some(ErrorKind::Unavailable), "{offline}");
        }
    }
}
