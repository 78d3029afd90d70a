//! The user's own allowances for deviations.

use std::collections::BTreeSet;

use crate::{Destination, Deviation, HostRule};

/// Which [`Deviation`]s the user's own configuration allows, and towards which hosts.
///
/// Only the user's configuration may fill it, never a project file or a collection: whoever writes those is
/// whom it guards against.
#[derive(Debug, Clone, Default)]
pub struct TrustRules {
    rules: Vec<(HostRule, BTreeSet<Deviation>)>,
}

impl TrustRules {
    /// No allowance at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows `deviations` towards the origins that `rule` covers. Placements of the rule have no meaning here.
    pub fn allow(&mut self, rule: HostRule, deviations: impl IntoIterator<Item = Deviation>) {
        self.rules.push((rule, deviations.into_iter().collect()));
    }

    /// Whether a secret may go this way.
    ///
    /// # Errors
    /// The first deviation that is neither harmless, because the connection ends on loopback, nor allowed.
    pub fn permits(&self, destination: &Destination) -> Result<(), Deviation> {
        if destination.ends_on_loopback {
            return Ok(());
        }
        let allowed = |deviation: &Deviation| {
            self.rules.iter().any(|(rule, set)| set.contains(deviation) && rule.matches(&destination.origin))
        };
        match destination.deviations.iter().find(|deviation| !allowed(deviation)) {
            Some(deviation) => Err(*deviation),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Origin;

    fn destination(url: &str, deviations: &[Deviation]) -> Destination {
        let mut destination = Destination::plain(Origin::of_url(url).unwrap());
        destination.deviations = deviations.to_vec();
        destination
    }

    fn rule(text: &str) -> HostRule {
        HostRule::parse(text).unwrap().rule
    }

    #[test]
    fn hostile_e65a_deviations_need_an_allowance_of_their_host() {
        let mut trust = TrustRules::new();
        let proxied = destination("https://api.example.com", &[Deviation::Insecure, Deviation::Proxy]);
        assert_eq!(trust.permits(&proxied), Err(Deviation::Insecure));
        trust.allow(rule("*.example.com"), [Deviation::Insecure]);
        assert_eq!(trust.permits(&proxied), Err(Deviation::Proxy));
        trust.allow(rule("api.example.com"), [Deviation::Proxy]);
        assert_eq!(trust.permits(&proxied), Ok(()));
        let elsewhere = destination("https://api.example.org", &[Deviation::Insecure]);
        assert_eq!(trust.permits(&elsewhere), Err(Deviation::Insecure));
    }

    #[test]
    fn loopback_and_plain_ways_need_none() {
        let trust = TrustRules::new();
        assert_eq!(trust.permits(&destination("https://127.0.0.1:1", &Deviation::ALL)), Ok(()));
        assert_eq!(trust.permits(&destination("https://api.example.com", &[])), Ok(()));
    }
}
