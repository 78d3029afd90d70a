//! Why a reference does not resolve, and what mends it.

use std::{collections::BTreeSet, fmt};

use subrosa_provider::ErrorKind;
use subrosa_secret::{Deviation, HostRule, Name, Origin, Placement};

/// Why one use of a secret is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// No secret has this name.
    Missing,
    /// The secret has no value yet.
    Empty,
    /// It is switched off.
    Disabled,
    /// Its rules do not cover this origin.
    HostNotAllowed {
        /// Where it would go.
        origin: Origin,
        /// Where it may go.
        allowed: Vec<HostRule>,
        /// In which parts of the request it would go there.
        wanted: BTreeSet<Placement>,
    },
    /// Its rules cover the origin, but not this part of the request.
    PlacementNotAllowed {
        /// Where it would go.
        origin: Origin,
        /// The part in question.
        placement: Placement,
        /// The parts that are allowed there.
        allowed: BTreeSet<Placement>,
        /// All parts in which the request needs it there.
        wanted: BTreeSet<Placement>,
    },
    /// The user was asked, and said no.
    Declined(Origin),
    /// Nobody has decided where it may go.
    Undecided {
        /// Where it would go.
        origin: Origin,
        /// In which parts of the request.
        wanted: BTreeSet<Placement>,
    },
    /// The request changes whom it reaches or whom it trusts.
    NotTrusted {
        /// Where it says that it goes.
        origin: Origin,
        /// What changes that.
        deviation: Deviation,
    },
    /// It looks like a reference and is none.
    Malformed(String),
    /// The provider could not say.
    Provider(ErrorKind, String),
}

impl Reason {
    /// The stable text for programs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Empty => "empty",
            Self::Disabled => "disabled",
            Self::HostNotAllowed { .. } => "host_not_allowed",
            Self::PlacementNotAllowed { .. } => "placement_not_allowed",
            Self::Declined(_) => "declined",
            Self::Undecided { .. } => "undecided",
            Self::NotTrusted { .. } => "destination_not_trusted",
            Self::Malformed(_) => "malformed",
            Self::Provider(kind, _) => match kind {
                ErrorKind::Locked => "locked",
                ErrorKind::NotConnected => "not_connected",
                ErrorKind::Expired => "session_expired",
                ErrorKind::Denied => "permission_denied",
                ErrorKind::NotFound => "not_found_there",
                ErrorKind::BadLink | ErrorKind::BadAnswer | ErrorKind::BadSettings => "misconfigured",
                ErrorKind::Damaged => "damaged",
                _ => "unavailable",
            },
        }
    }

    /// Where the secret could go that it cannot go now, if the [hint](Self::hint) were followed. Whoever shows the hint
    /// says so: the request may have been written by somebody who wants just that.
    #[must_use]
    pub fn widens(&self) -> Option<&Origin> {
        match self {
            Self::HostNotAllowed { origin, .. }
            | Self::PlacementNotAllowed { origin, .. }
            | Self::Undecided { origin, .. } => Some(origin),
            _ => None,
        }
    }

    /// A command that mends it for the secret `name`, and allows no more than is needed for that; nothing where no
    /// single command does.
    #[must_use]
    pub fn hint(&self, name: &Name) -> Option<String> {
        let name = quoted(name.as_str());
        Some(match self {
            Self::Missing | Self::Empty => format!("subrosa set {name}"),
            Self::Disabled => format!("subrosa enable {name}"),
            Self::HostNotAllowed { origin, wanted, .. } | Self::Undecided { origin, wanted } => {
                allow(&name, origin, wanted)
            }
            // a rule takes the place of the one for the same host
            Self::PlacementNotAllowed { origin, allowed, wanted, .. } => {
                allow(&name, origin, &(allowed | wanted))
            }
            Self::NotTrusted { .. } => "subrosa doctor --explain trust".to_owned(),
            Self::Provider(ErrorKind::Locked, _) => "subrosa doctor".to_owned(),
            Self::Provider(ErrorKind::Damaged, _) => "subrosa verify".to_owned(),
            Self::Declined(_) | Self::Malformed(_) | Self::Provider(..) => return None,
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no secret of that name"),
            Self::Empty => f.write_str("it has no value yet"),
            Self::Disabled => f.write_str("it is disabled"),
            Self::HostNotAllowed { origin, allowed, .. } => {
                write!(f, "{origin} is not among its allowed hosts ({})", some_of(allowed))
            }
            Self::PlacementNotAllowed { origin, placement, allowed, .. } => {
                let allowed = listed(allowed, ", ");
                write!(f, "for {origin} it is allowed in {allowed} only, not in {placement}")
            }
            Self::Declined(origin) => write!(f, "you said that it may not go to {origin}"),
            Self::Undecided { origin, .. } => {
                write!(f, "nobody has decided yet whether it may go to {origin}")
            }
            Self::NotTrusted { origin, deviation } => {
                write!(f, "{deviation} makes {origin} another destination than the one that was allowed")
            }
            Self::Malformed(fault) => f.write_str(fault),
            Self::Provider(_, message) => f.write_str(message),
        }
    }
}

fn allow(name: &str, origin: &Origin, placements: &BTreeSet<Placement>) -> String {
    format!("subrosa allow {name} {} --only {}", quoted(&origin.to_string()), listed(placements, ","))
}

fn listed(placements: &BTreeSet<Placement>, separator: &str) -> String {
    placements.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}

/// The first rules of a list that may be long.
fn some_of(rules: &[HostRule]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<String> = rules.iter().take(SHOWN).map(ToString::to_string).collect();
    match rules.len() {
        0 => "it has none".to_owned(),
        count if count > SHOWN => format!("{} and {} more", shown.join(", "), count - SHOWN),
        _ => shown.join(", "),
    }
}

/// One reference that does not resolve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// The reference as it is written for people, `<<vault:name>>`.
    pub reference: String,
    /// Where it stands, such as `header Authorization`.
    pub place: String,
    /// Why.
    pub reason: Reason,
    /// A command that mends it, if one does.
    pub hint: Option<String>,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}: {}", self.reference, self.place, self.reason)
    }
}

/// A word as a POSIX shell takes it, quoted only where it must be.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
