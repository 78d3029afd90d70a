//! Errors of providers, by what the user can do about them.

use std::error::Error;

/// What went wrong, in terms that hold for every provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The vault is locked, or no key to it is at hand.
    Locked,
    /// There is no connection to the external vault.
    NotConnected,
    /// There was one, and its session is over.
    Expired,
    /// The system knows who asks, and refuses.
    Denied,
    /// The place that a link names does not exist.
    NotFound,
    /// Too many requests.
    Throttled,
    /// Not reachable, sealed, or not ready.
    Unavailable,
    /// The link names nothing that this system could have.
    BadLink,
    /// The answer is not what it must be.
    BadAnswer,
    /// A person who was asked did not want to go on.
    Cancelled,
    /// The settings of a connection cannot work, or are not safe.
    BadSettings,
    /// The system, or this provider, cannot do it at all.
    Unsupported,
    /// There is a value already where a new one was to go.
    Exists,
    /// The local vault's own data was damaged or changed outside of subrosa.
    Damaged,
}

impl ErrorKind {
    /// The stable text for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::NotConnected => "not_connected",
            Self::Expired => "expired",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::BadLink => "bad_link",
            Self::BadAnswer => "bad_answer",
            Self::Cancelled => "cancelled",
            Self::BadSettings => "bad_settings",
            Self::Unsupported => "unsupported",
            Self::Exists => "exists",
            Self::Damaged => "damaged",
        }
    }
}

/// Why a provider cannot say whether there is a value. Neither message nor source holds one.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ProviderError {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ProviderError {
    /// An error of a kind, with a line for people.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, source: None }
    }

    /// The same with what caused it.
    #[must_use]
    pub fn caused_by(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// The same with a command that mends it.
    #[must_use]
    pub fn hint_at(mut self, command: impl Into<String>) -> Self {
        self.hint = Some(command.into());
        self
    }

    /// The same with what failed in front of its line: `aws-prod: …`.
    #[must_use]
    pub fn about(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// The same once more, for everything else that failed for this reason; what caused it stays with the first.
    #[must_use]
    pub fn again(&self) -> Self {
        Self { kind: self.kind, message: self.message.clone(), hint: self.hint.clone(), source: None }
    }

    /// A command that mends it, if one does.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The kind, which decides what a caller does.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}
