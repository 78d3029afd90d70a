//! Secrets as reports show them: everything that is known of one but its value.

use crate::external::Connections;
use crate::output::{Style, rfc3339};
use serde::Serialize;
use subrosa_secret::Access;
use subrosa_vault::{Entry, SlotInfo, SlotKind};

/// One secret in JSON.
#[derive(Serialize)]
pub(crate) struct Secret<'e> {
    name: &'e str,
    description: &'e str,
    tags: Vec<&'e str>,
    state: State,
    enabled: bool,
    send_only: bool,
    access: &'static str,
    /// `null` unless access is "restricted"
    rules: Option<Vec<String>>,
    /// bytes of the value, `null` where there is none
    length: Option<u64>,
    text: bool,
    /// where the value is kept, `CONNECTION:TARGET`; `null` where that is the vault
    link: Option<String>,
    created: String,
    changed: String,
}

impl<'e> Secret<'e> {
    pub(crate) fn of(entry: &'e Entry, connections: &Connections) -> Secret<'e> {
        let metadata = &entry.metadata;
        Secret {
            name: metadata.name.as_str(),
            description: &metadata.description,
            tags: metadata.tags.iter().map(|tag| tag.as_str()).collect(),
            state: State::of(entry),
            enabled: entry.policy.enabled,
            send_only: entry.policy.send_only,
            access: access_word(&entry.policy.access),
            rules: rules(&entry.policy.access),
            length: entry.has_value().then_some(metadata.length),
            text: metadata.text,
            link: entry.link.as_ref().map(|link| connections.shown(link)),
            created: rfc3339(metadata.created),
            changed: rfc3339(metadata.changed),
        }
    }
}

/// Whether a reference to a secret could resolve at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Ready,
    /// its value is kept elsewhere
    Linked,
    /// no value yet
    Empty,
    Disabled,
}

impl State {
    pub(crate) fn of(entry: &Entry) -> State {
        match (entry.policy.enabled, entry.has_value()) {
            (false, _) => State::Disabled,
            (true, _) if entry.link.is_some() => State::Linked,
            (true, false) => State::Empty,
            (true, true) => State::Ready,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            State::Ready => "ready",
            State::Linked => "linked",
            State::Empty => "empty",
            State::Disabled => "disabled",
        }
    }

    pub(crate) fn style(self) -> Style {
        match self {
            State::Ready | State::Linked => Style::Good,
            State::Empty | State::Disabled => Style::Bad,
        }
    }
}

pub(crate) fn access_word(access: &Access) -> &'static str {
    match access {
        Access::Undecided => "undecided",
        Access::Unrestricted => "unrestricted",
        Access::Restricted(_) => "restricted",
    }
}

pub(crate) fn rules(access: &Access) -> Option<Vec<String>> {
    match access {
        Access::Restricted(rules) => Some(rules.iter().map(ToString::to_string).collect()),
        Access::Undecided | Access::Unrestricted => None,
    }
}

/// The rules in one cell of a table.
pub(crate) fn hosts(access: &Access) -> String {
    match access {
        Access::Undecided => String::from("undecided"),
        Access::Unrestricted => String::from("anywhere"),
        Access::Restricted(rules) => match rules.as_slice() {
            [] => String::from("nowhere"),
            [rule] => rule.to_string(),
            rules => rules.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        },
    }
}

/// Whether the passphrase of a slot is protected less than a new one would be, or in a way that is refused.
pub(crate) fn is_weak(slot: &SlotInfo) -> bool {
    slot.kind == SlotKind::Passphrase && slot.kdf.is_none_or(|kdf| kdf.is_weak())
}
