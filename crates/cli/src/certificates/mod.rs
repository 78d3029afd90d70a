//! Certificates that the vault keeps by host: client certificates with their keys, and authorities that the user trusts.
//!
//! Each stands in a sealed document of its own (vault-format.md, section 6).

mod addition;
mod content;
mod listing;
mod removal;

use crate::failure::{Failure, Outcome};
use crate::output;
use subrosa_http::{CertificateDer, CertificateFacts, Identity, Kept};
use subrosa_secret::{HostRule, Scheme};
use subrosa_vault::{Change, Document, DocumentKind, RecordId, Vault, VaultError};
use zeroize::Zeroizing;

pub(crate) use addition::{Parts, run};
use listing::list;
pub(crate) use listing::list_command;
use removal::remove;
pub(crate) use removal::remove_command;

/// So many digits of an identifier are shown, and enough to name it by.
const ID_DIGITS: usize = 8;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `cert`
    Client,
    /// `ca`
    Authority,
}

impl Kind {
    /// The kinds of their documents.
    pub(crate) const DOCUMENTS: [DocumentKind; 2] = [DocumentKind::Certificate, DocumentKind::Authority];

    const fn document(self) -> DocumentKind {
        match self {
            Self::Client => DocumentKind::Certificate,
            Self::Authority => DocumentKind::Authority,
        }
    }

    /// The command that is about them.
    pub(crate) const fn command(self) -> &'static str {
        match self {
            Self::Client => "cert",
            Self::Authority => "ca",
        }
    }

    /// What is done with what was added.
    const fn verb(self) -> &'static str {
        match self {
            Self::Client => "keeps",
            Self::Authority => "trusts",
        }
    }

    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::Client => "client certificate",
            Self::Authority => "authority",
        }
    }
}

/// What is kept for the hosts of one rule.
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// `None` until it is stored.
    id: Option<RecordId>,
    pub(crate) rule: HostRule,
    /// Seconds since 1970.
    pub(crate) added: i64,
    /// A client certificate and what vouches for it, or authorities.
    chain: Vec<CertificateDer<'static>>,
    /// Of a client certificate.
    key: Option<Zeroizing<Vec<u8>>>,
}

impl Entry {
    pub(crate) fn new(
        kind: Kind,
        rule: HostRule,
        chain: Vec<CertificateDer<'static>>,
        key: Option<Zeroizing<Vec<u8>>>,
    ) -> Self {
        Self { kind, id: None, rule, added: crate::since::now(), chain, key }
    }

    fn open(kind: Kind, document: &Document) -> Result<Self, VaultError> {
        let damaged = || VaultError::Damaged(format!("the document of {} cannot be read", a(kind)));
        let mut entry = content::read(kind, &document.content).ok_or_else(damaged)?;
        entry.id = Some(document.id);
        Ok(entry)
    }

    /// What names it in lists and in the audit log.
    pub(crate) fn short_id(&self) -> String {
        let mut id = self.id.map(|id| id.to_string()).unwrap_or_default();
        id.truncate(ID_DIGITS);
        id
    }

    /// The certificates that a person knows it by: a client's own, or every authority.
    pub(crate) fn facts(&self) -> Vec<CertificateFacts> {
        let shown = match self.kind {
            Kind::Client => self.chain.get(..1).unwrap_or_default(),
            Kind::Authority => self.chain.as_slice(),
        };
        shown.iter().filter_map(|der| CertificateFacts::of(der)).collect()
    }

    /// `the client certificate CN=… for *.example.com`
    pub(crate) fn told(&self) -> String {
        let facts = self.facts();
        let what = match (self.kind, facts.as_slice()) {
            (_, [one]) => format!("the {} {}", self.kind.noun(), one.subject),
            (_, several) => format!("{} authorities", several.len()),
        };
        format!("{what} for {}", self.rule)
    }

    /// As connections take it.
    pub(crate) fn to_kept(&self) -> Result<Kept, VaultError> {
        let identity = match &self.key {
            None => None,
            Some(key) => Some(
                Identity::from_parts(self.chain.clone(), key)
                    .map_err(|_| VaultError::Damaged(format!("{} cannot be used", self.told())))?,
            ),
        };
        Ok(Kept {
            id: self.short_id(),
            rule: self.rule.clone(),
            authorities: if identity.is_some() { Vec::new() } else { self.chain.clone() },
            identity,
        })
    }

    /// Stores it behind all others, so that it counts before them. The same one for the same hosts moves there.
    pub(crate) fn put(&self, change: &mut Change<'_>) -> Result<(), VaultError> {
        let kind = self.kind.document();
        for document in change.documents(kind)? {
            let known = Self::open(self.kind, &document)?;
            if known.rule == self.rule && known.chain == self.chain {
                change.remove_document(kind, document.id)?;
            }
        }
        change.put_document(kind, None, &content::write(self)).map(drop)
    }
}

/// All that is kept of a kind, in the order in which it was added.
pub(crate) fn load(vault: &Vault, kind: Kind) -> Result<Vec<Entry>, VaultError> {
    let documents = vault.documents(kind.document())?;
    documents.iter().map(|document| Entry::open(kind, document)).collect()
}

/// A rule for hosts that certificates are kept for.
fn rule(text: &str) -> Outcome<HostRule> {
    let rule = crate::hosts::rule(text)?;
    let wrong = |why: &str| Failure::usage(format!("--host {text}: {why}"));
    if rule.placements().is_some() {
        return Err(wrong("a certificate stands in no part of a request").hint("leave out what follows ';'"));
    }
    if !rule.covers_scheme(Scheme::Https) {
        return Err(wrong("certificates are for https alone").hint("[https://]HOST[:PORT]"));
    }
    Ok(rule)
}

/// What is wrong with the time of a certificate, if anything is: `it expired on 2025-03-01`.
pub(crate) fn untimely(facts: &CertificateFacts) -> Option<String> {
    let now = u64::try_from(crate::since::now()).unwrap_or_default();
    if facts.not_after < now {
        return Some(format!("it expired on {}", day(facts.not_after)));
    }
    (now < facts.not_before).then(|| format!("it is not valid before {}", day(facts.not_before)))
}

/// Says of something that was added, or is about to be used, what is wrong with its time.
fn warn_if_untimely(kind: Kind, facts: &[CertificateFacts], rule: &HostRule) {
    for one in facts {
        if let Some(why) = untimely(one) {
            output::warn(&format!("the {} {} for {rule}: {why}", kind.noun(), one.subject));
        }
    }
}

pub(crate) fn day(seconds: u64) -> String {
    let mut text = output::rfc3339(i64::try_from(seconds).unwrap_or(i64::MAX));
    if text.as_bytes().get(10) == Some(&b'T') {
        text.truncate(10);
    }
    text
}

fn a(kind: Kind) -> &'static str {
    match kind {
        Kind::Client => "a client certificate",
        Kind::Authority => "an authority",
    }
}
