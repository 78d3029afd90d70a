//! What is recorded about one use of a secret (section 2).

use serde::{Deserialize, Serialize};
use subrosa_secret::Name;

/// One use of a secret. It holds no value, but names and destinations: it is written sealed only.
///
/// `program` and `destination` may come from others; whoever shows them escapes control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// Seconds since 1970-01-01 UTC, by the writer's clock. It says nothing about the order.
    pub time: i64,
    /// Process id of the program.
    pub pid: u32,
    /// The program that used the secret, as far as the writer could tell.
    pub program: String,
    /// What was done.
    pub action: Action,
    /// The secret's name, or `None` where no single secret is concerned.
    pub secret: Option<Name>,
    /// The origin that it was meant for, or `None` where there is none.
    pub destination: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
}

/// What was done with a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Sent in a request. Written before the request is.
    Send,
    /// Shown or copied.
    Get,
    /// A client certificate of the vault may be shown to whoever asks for it there. The secret is the certificate's id.
    Certificate,
    /// Given to a program that was started.
    Run,
    /// Written into a file made from a template.
    Inject,
    /// Exported. Without a name, all secrets of the vault were.
    Export,
    /// Taken in from a file, with others.
    Import,
    /// Written to an external vault.
    Push,
    /// Put into a request that came through the proxy.
    Proxy,
    /// Given to a program through the agent.
    Agent,
}

/// How a use ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The policy allowed it.
    Allowed,
    /// The policy, or the person asked, did not allow it.
    Refused,
    /// It was allowed but could not be done.
    Failed,
}

/// An entry as it stands in the log, proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its place in the log, counted from 1.
    pub number: u64,
    /// What was recorded.
    pub entry: AuditEntry,
}

impl AuditEntry {
    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an entry has only numbers and text")
    }
}
