//! Allowed domains of imported Postman vaults.

use crate::{HostRule, Notice, RuleError};

/// What an imported Postman rule becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostmanRule {
    /// Rules that mean what it meant there, with each difference of the two notations.
    Rules(Vec<HostRule>, Vec<Notice>),
    /// It named no host or any host: the user decides.
    Undecided(Notice),
    /// It cannot be taken over.
    Refused(RuleError),
}

/// Translates one allowed domain of Postman.
///
/// There a host without a port covers every port and `*.x.com` covers `x.com` as well; a rule with a port
/// means the same as here. Schemes are those of [`HostRule`]: none means encrypted.
pub fn import_postman_rule(text: &str) -> PostmanRule {
    let text = text.trim();
    if text.is_empty() {
        return PostmanRule::Undecided(Notice::NoHostUndecided);
    }
    let parsed = match HostRule::parse(text) {
        Ok(parsed) => parsed,
        Err(RuleError::AnyHost) => return PostmanRule::Undecided(Notice::AnyHostUndecided),
        Err(error) => return PostmanRule::Refused(error),
    };
    let mut notices = parsed.notices;
    let mut rule = parsed.rule;
    if !names_a_port(text) {
        rule = rule.at_any_port();
        notices.push(Notice::AnyPort { rule: rule.clone() });
    }
    let mut rules = vec![rule];
    if let Some(apex) = rules[0].apex() {
        notices.push(Notice::ApexAdded { rule: apex.clone() });
        rules.push(apex);
    }
    PostmanRule::Rules(rules, notices)
}

/// Whether a rule that parses has a port, be it the scheme's own one.
fn names_a_port(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', ';']).next().unwrap_or_default();
    crate::authority::split_host(authority).1.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> (Vec<String>, usize) {
        match import_postman_rule(text) {
            PostmanRule::Rules(rules, notices) => {
                (rules.iter().map(ToString::to_string).collect(), notices.len())
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn differences_are_translated_and_reported() {
        assert_eq!(texts("api.example.com"), (vec!["api.example.com:*".into()], 1));
        assert_eq!(texts("*.example.com"), (vec!["*.example.com:*".into(), "example.com:*".into()], 2));
        assert_eq!(texts("api.example.com:8443"), (vec!["api.example.com:8443".into()], 0));
        assert_eq!(texts("https://api.example.com:443"), (vec!["https://api.example.com".into()], 0));
        assert_eq!(
            texts("*.example.com:444"),
            (vec!["*.example.com:444".into(), "example.com:444".into()], 1)
        );
        assert_eq!(texts("http://localhost:3000/v1"), (vec!["http://localhost:3000".into()], 1));
        assert_eq!(texts("http://[::1]"), (vec!["http://[::1]:*".into()], 1));
    }

    #[test]
    fn any_host_and_no_host_become_undecided() {
        for text in ["*", "*:443", "https://*", "*:*"] {
            assert_eq!(import_postman_rule(text), PostmanRule::Undecided(Notice::AnyHostUndecided), "{text}");
        }
        assert_eq!(import_postman_rule("  "), PostmanRule::Undecided(Notice::NoHostUndecided));
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        let suffix = RuleError::PublicSuffix { suffix: "co.uk".into() };
        assert_eq!(import_postman_rule("*.co.uk"), PostmanRule::Refused(suffix));
        assert!(matches!(import_postman_rule("u:p@example.com"), PostmanRule::Refused(RuleError::UserInfo)));
    }
}
