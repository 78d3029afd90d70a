//! What of the vault's certificates a request would use.

use crate::certificates;
use crate::send::kept::shown;
use serde::Serialize;
use subrosa_http::{CertificateFacts, Kept, Plan};
use subrosa_secret::TrustRules;

/// A client certificate or an authority of the vault.
#[derive(Serialize)]
pub(super) struct KeptOutline {
    /// `certificate` or `authority`
    pub(super) kind: &'static str,
    pub(super) id: String,
    /// the rule that it is kept for
    pub(super) host: String,
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) expires: String,
    /// what is wrong with its time
    pub(super) problem: Option<String>,
    /// whether it may be shown on this way
    pub(super) allowed: bool,
}

/// What of the vault's certificates a plan would use, and by whose word.
pub(super) fn kept(plan: &Plan, trust: &TrustRules) -> Vec<KeptOutline> {
    let outline = |kind, kept: &Kept, facts: CertificateFacts, allowed| KeptOutline {
        kind,
        id: kept.id.clone(),
        host: kept.rule.to_string(),
        problem: certificates::untimely(&facts),
        expires: certificates::day(facts.not_after),
        subject: facts.subject,
        issuer: facts.issuer,
        allowed,
    };
    let clients = shown(plan).filter_map(|(kept, destination)| {
        let facts = kept.identity.as_ref()?.facts()?;
        Some(outline("certificate", kept, facts, trust.permits(destination).is_ok()))
    });
    let authorities = plan.kept_authorities().into_iter().flat_map(|kept| {
        let facts = kept.authorities.iter().filter_map(|der| CertificateFacts::of(der));
        facts.map(move |facts| outline("authority", kept, facts, true))
    });
    clients.chain(authorities).collect()
}
