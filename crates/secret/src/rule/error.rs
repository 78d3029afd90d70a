//! What is said about a rule that is refused or changed.

use thiserror::Error;

use crate::{HostError, HostRule, UnknownPlacement};

/// Something about a rule that a person should hear.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Notice {
    /// Rules cover whole origins; the path was left out.
    #[error("the path {path} is ignored: a rule covers a whole origin")]
    PathIgnored {
        /// What was left out.
        path: String,
    },
    /// The host was written with other than ASCII letters.
    #[error("{written} is kept as {ascii}")]
    Internationalised {
        /// The host as written.
        written: String,
        /// The host with A-labels.
        ascii: String,
    },
    /// An imported rule without a port covers every port there.
    #[error("the imported rule names no port and becomes {rule}, which covers every port")]
    AnyPort {
        /// The resulting rule.
        rule: HostRule,
    },
    /// An imported wildcard covers the domain itself there.
    #[error("the imported wildcard covers the domain itself as well: {rule} was added")]
    ApexAdded {
        /// The added rule.
        rule: HostRule,
    },
    /// An imported secret may go anywhere there: here the user is asked.
    #[error("the imported secret may go to any host; you are asked before its first use")]
    AnyHostUndecided,
    /// An imported secret has an empty rule.
    #[error("the imported secret names no host; you are asked before its first use")]
    NoHostUndecided,
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RuleError {
    /// `*` alone.
    #[error("'*' would let the secret go anywhere: name the hosts, or mark the secret as unrestricted")]
    AnyHost,
    /// A wildcard over a domain under which strangers register names.
    #[error("'*.{suffix}' covers names that anybody can register: '{suffix}' is a public suffix")]
    PublicSuffix {
        /// The domain after `*.`.
        suffix: String,
    },
    /// A `*` that is not the whole first label.
    #[error("'*' can only stand for whole labels at the beginning, as in '*.example.com'")]
    Wildcard,
    /// A wildcard before an IP address.
    #[error("an IP address has no subdomains")]
    WildcardAddress,
    /// The scheme is none that secrets travel by.
    #[error("the scheme of a rule is one of https, http, wss and ws")]
    Scheme,
    /// The host is refused.
    #[error("{0}")]
    Host(#[from] HostError),
    /// The port is no number from 1 to 65535, nor `*`.
    #[error("the port of a rule is a number from 1 to 65535, or '*'")]
    Port,
    /// A user name or password before the host.
    #[error("a rule cannot hold a user name or password")]
    UserInfo,
    /// A query or fragment.
    #[error("a rule cannot hold {0:?}: it covers a whole origin")]
    Tail(char),
    /// White space, a control character, a backslash, or a bracket of a reference.
    #[error("a rule cannot hold {0:?}")]
    Character(char),
    /// A placement that does not exist.
    #[error("{0}")]
    Placement(#[from] UnknownPlacement),
    /// A kept rule that is not in canonical form.
    #[error("the kept rule is not in canonical form")]
    NotCanonical,
}

impl RuleError {
    /// A stable name for this kind of error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::AnyHost => "rule_any_host",
            Self::PublicSuffix { .. } => "rule_public_suffix",
            Self::Wildcard => "rule_wildcard",
            Self::WildcardAddress => "rule_wildcard_address",
            Self::Scheme => "rule_scheme",
            Self::Host(error) => error.kind(),
            Self::Port => "rule_port",
            Self::UserInfo => "rule_userinfo",
            Self::Tail(_) => "rule_tail",
            Self::Character(_) => "rule_character",
            Self::Placement(error) => error.kind(),
            Self::NotCanonical => "rule_not_canonical",
        }
    }
}
