//! What a secret may be used for.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{HostRule, Origin, Placement};

/// Where a secret may go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Access {
    /// Nobody has said yet: the user is asked.
    #[default]
    Undecided,
    /// Anywhere, because the user said so.
    Unrestricted,
    /// To the origins that one of these rules covers; nowhere when there is none.
    Restricted(Vec<HostRule>),
}

/// The policy of one secret, judged before its value is opened.
///
/// Fields that this version does not know are refused: an unknown restriction must not be dropped silently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Off: the secret resolves nowhere.
    pub enabled: bool,
    /// Never shown, nor given to programs that know no host; only sent.
    pub send_only: bool,
    /// Where it may go.
    pub access: Access,
}

impl Default for Policy {
    /// What a new secret gets: enabled, and undecided about hosts.
    fn default() -> Self {
        Self { enabled: true, send_only: false, access: Access::Undecided }
    }
}

/// The answer of a [`Policy`] to one use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may go there.
    Allowed,
    /// Nobody has decided: ask, or refuse.
    Undecided,
    /// No rule covers the origin.
    HostNotAllowed {
        /// The origin that was judged.
        origin: Origin,
    },
    /// Rules cover the origin, but not this part of the request.
    PlacementNotAllowed {
        /// The origin that was judged.
        origin: Origin,
        /// The placement that was asked for.
        placement: Placement,
        /// The placements that the covering rules allow.
        allowed: BTreeSet<Placement>,
    },
    /// The secret is switched off.
    Disabled,
}

impl Policy {
    /// Judges one use of the secret.
    pub fn judge(&self, origin: &Origin, placement: Placement) -> Verdict {
        if !self.enabled {
            return Verdict::Disabled;
        }
        match &self.access {
            Access::Undecided => Verdict::Undecided,
            Access::Unrestricted => Verdict::Allowed,
            Access::Restricted(rules) => judge_rules(rules, origin, placement),
        }
    }
}

fn judge_rules(rules: &[HostRule], origin: &Origin, placement: Placement) -> Verdict {
    let mut allowed = BTreeSet::new();
    for rule in rules.iter().filter(|rule| rule.matches(origin)) {
        match rule.placements() {
            Some(placements) if !placements.contains(&placement) => allowed.extend(placements),
            _ => return Verdict::Allowed,
        }
    }
    let origin = origin.clone();
    if allowed.is_empty() {
        Verdict::HostNotAllowed { origin }
    } else {
        Verdict::PlacementNotAllowed { origin, placement, allowed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(access: Access) -> Policy {
        Policy { access, ..Policy::default() }
    }

    fn origin() -> Origin {
        Origin::of_url("https://api.example.com").unwrap()
    }

    #[test]
    fn disabled_comes_before_everything() {
        let off = Policy { enabled: false, ..policy(Access::Unrestricted) };
        assert_eq!(off.judge(&origin(), Placement::Body), Verdict::Disabled);
    }

    #[test]
    fn states_without_rules() {
        assert_eq!(policy(Access::Undecided).judge(&origin(), Placement::Body), Verdict::Undecided);
        assert_eq!(policy(Access::Unrestricted).judge(&origin(), Placement::Body), Verdict::Allowed);
        let nowhere = policy(Access::Restricted(vec![])).judge(&origin(), Placement::Body);
        assert_eq!(nowhere, Verdict::HostNotAllowed { origin: origin() });
    }

    #[test]
    fn placements_of_several_covering_rules_add_up() {
        let rule = |text| HostRule::parse(text).unwrap().rule;
        let rules = vec![rule("api.example.com;header"), rule("*.example.com;query")];
        let policy = policy(Access::Restricted(rules));
        assert_eq!(policy.judge(&origin(), Placement::Query), Verdict::Allowed);
        let allowed = [Placement::Header, Placement::Query].into();
        let verdict = Verdict::PlacementNotAllowed { origin: origin(), placement: Placement::Body, allowed };
        assert_eq!(policy.judge(&origin(), Placement::Body), verdict);
    }

    #[test]
    fn is_written_and_read_as_json() {
        let rules = vec![HostRule::parse("*.example.com:*;auth").unwrap().rule];
        let policy = policy(Access::Restricted(rules));
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(
            json,
            r#"{"enabled":true,"send_only":false,"access":{"restricted":["*.example.com:*;header"]}}"#
        );
        assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
        let undecided = r#"{"enabled":true,"send_only":true,"access":"undecided"}"#;
        assert_eq!(serde_json::from_str::<Policy>(undecided).unwrap().access, Access::Undecided);
        let unknown = r#"{"enabled":true,"send_only":true,"access":"undecided","until":5}"#;
        assert!(serde_json::from_str::<Policy>(unknown).is_err());
        let wrong_rule = r#"{"enabled":true,"send_only":true,"access":{"restricted":["*"]}}"#;
        assert!(serde_json::from_str::<Policy>(wrong_rule).is_err());
    }
}
