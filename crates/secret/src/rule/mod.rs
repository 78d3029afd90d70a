//! Host rules: the origins that a secret may go to.

mod error;

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use error::{Notice, RuleError};

use crate::{
    Host, Origin, Placement, Scheme,
    authority::{parse_port, split_host},
};

/// One rule: `[scheme://]host[:port][;placement,...]`.
///
/// - No scheme covers `https` and `wss`; a written one covers just itself.
/// - No port covers the scheme's own port; `:*` covers every port.
/// - `*.example.com` covers every subdomain at any depth, and not `example.com` itself.
/// - Placements limit the rule to parts of a request; without them it covers all.
///
/// The text form is canonical: [`fmt::Display`] gives what [`HostRule::parse`] takes without a notice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostRule {
    scheme: Option<Scheme>,
    pattern: Pattern,
    port: Port,
    placements: Option<BTreeSet<Placement>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Pattern {
    Exact(Host),
    Subdomains(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Port {
    Own,
    Exact(u16),
    Any,
}

/// Two rules share origins, and no rule covers what only one of them does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap;

/// A rule as it was read, with what a person should hear about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The rule.
    pub rule: HostRule,
    /// What was left out or changed.
    pub notices: Vec<Notice>,
}

/// How wide a rule may be.
#[derive(Clone, Copy, PartialEq)]
enum Width {
    /// Judge it now: a person writes it.
    Judged,
    /// It was judged when it was saved. A newer suffix list must not make old secrets unreadable.
    Saved,
}

impl HostRule {
    /// Reads a rule that a person wrote.
    ///
    /// # Errors
    /// [`RuleError`]; nothing is repaired, only a path is left out with a notice.
    pub fn parse(text: &str) -> Result<Parsed, RuleError> {
        parse(text, Width::Judged)
    }

    /// The rule that covers exactly `origin`.
    pub fn exactly(origin: &Origin) -> Self {
        let scheme = Some(origin.scheme);
        Self {
            scheme,
            pattern: Pattern::Exact(origin.host.clone()),
            port: canonical_port(scheme, origin.port),
            placements: None,
        }
    }

    /// The same rule for these placements only; for all when there is none.
    #[must_use]
    pub fn limited_to(mut self, placements: impl IntoIterator<Item = Placement>) -> Self {
        let placements: BTreeSet<_> = placements.into_iter().collect();
        self.placements = (!placements.is_empty()).then_some(placements);
        self
    }

    /// Whether the rule covers `origin`. Placements are not looked at.
    pub fn matches(&self, origin: &Origin) -> bool {
        let scheme = match self.scheme {
            Some(scheme) => scheme == origin.scheme,
            None => origin.scheme.is_encrypted(),
        };
        let port = match self.port {
            Port::Own => origin.port == origin.scheme.default_port(),
            Port::Exact(port) => origin.port == port,
            Port::Any => true,
        };
        scheme && port && self.pattern.covers(&origin.host)
    }

    /// Whether the rule covers origins of this scheme.
    pub fn covers_scheme(&self, scheme: Scheme) -> bool {
        self.schemes().contains(&scheme)
    }

    /// What is left of the rule when another one takes over those of its origins that it covers: nothing, one rule, or
    /// the rule itself where the other is for another host.
    ///
    /// # Errors
    /// The two share origins, and no rule covers just the rest, as of `*.example.com` without `api.example.com`.
    pub fn without(&self, other: &Self) -> Result<Option<Self>, Overlap> {
        let schemes: Vec<Scheme> =
            self.schemes().iter().copied().filter(|scheme| !other.schemes().contains(scheme)).collect();
        let overlaps = schemes.len() < self.schemes().len()
            && (self.port == other.port || self.port == Port::Any || other.port == Port::Any)
            && self.pattern.overlaps(&other.pattern);
        if !overlaps {
            return Ok(Some(self.clone()));
        }
        if self.pattern != other.pattern || (self.port != other.port && other.port != Port::Any) {
            return Err(Overlap);
        }
        Ok(schemes.first().map(|scheme| Self { scheme: Some(*scheme), ..self.clone() }))
    }

    fn schemes(&self) -> &[Scheme] {
        match self.scheme {
            None => &[Scheme::Https, Scheme::Wss],
            Some(Scheme::Https) => &[Scheme::Https],
            Some(Scheme::Http) => &[Scheme::Http],
            Some(Scheme::Wss) => &[Scheme::Wss],
            Some(Scheme::Ws) => &[Scheme::Ws],
        }
    }

    /// The placements that the rule is limited to, if it is.
    pub fn placements(&self) -> Option<&BTreeSet<Placement>> {
        self.placements.as_ref()
    }

    /// The same rule for every port.
    pub(crate) fn at_any_port(mut self) -> Self {
        self.port = Port::Any;
        self
    }

    /// For a wildcard, the same rule for the domain itself.
    pub(crate) fn apex(&self) -> Option<Self> {
        match &self.pattern {
            Pattern::Exact(_) => None,
            Pattern::Subdomains(parent) => {
                Some(Self { pattern: Pattern::Exact(Host::Domain(parent.clone())), ..self.clone() })
            }
        }
    }
}

impl Pattern {
    fn covers(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Exact(exact), host) => exact == host,
            (Self::Subdomains(parent), Host::Domain(name)) => {
                name.strip_suffix(parent.as_str()).is_some_and(|labels| labels.ends_with('.'))
            }
            (Self::Subdomains(_), _) => false,
        }
    }

    fn overlaps(&self, other: &Self) -> bool {
        let below = |one: &str, other: &str| {
            one == other || one.strip_suffix(other).is_some_and(|labels| labels.ends_with('.'))
        };
        match (self, other) {
            (Self::Subdomains(one), Self::Subdomains(other)) => below(one, other) || below(other, one),
            (Self::Exact(host), pattern) | (pattern, Self::Exact(host)) => pattern.covers(host),
        }
    }
}

fn parse(text: &str, width: Width) -> Result<Parsed, RuleError> {
    if let Some(wrong) = text.chars().find(|c| c.is_whitespace() || c.is_control() || "\\<>{}".contains(*c)) {
        return Err(RuleError::Character(wrong));
    }
    let (target, placements) = match text.split_once(';') {
        Some((target, list)) => (target, Some(parse_placements(list)?)),
        None => (text, None),
    };
    if let Some(tail) = target.chars().find(|c| matches!(c, '?' | '#')) {
        return Err(RuleError::Tail(tail));
    }
    let (scheme, rest) = match target.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.parse().map_err(|_| RuleError::Scheme)?), rest),
        None => (None, target),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(RuleError::UserInfo);
    }
    let (host, port) = split_host(authority);
    let port = match port {
        None => Port::Own,
        Some("*") => Port::Any,
        Some(digits) => canonical_port(scheme, parse_port(digits).ok_or(RuleError::Port)?),
    };
    let pattern = parse_pattern(host, width)?;
    let notices = notices(host, &pattern, path);
    Ok(Parsed { rule: HostRule { scheme, pattern, port, placements }, notices })
}

fn parse_placements(list: &str) -> Result<BTreeSet<Placement>, RuleError> {
    list.split(',').map(|word| word.parse().map_err(RuleError::from)).collect()
}

fn parse_pattern(host: &str, width: Width) -> Result<Pattern, RuleError> {
    if host == "*" {
        return Err(RuleError::AnyHost);
    }
    let Some(parent) = host.strip_prefix("*.") else {
        return if host.contains('*') {
            Err(RuleError::Wildcard)
        } else {
            Ok(Pattern::Exact(Host::parse(host)?))
        };
    };
    if parent.contains('*') {
        return Err(RuleError::Wildcard);
    }
    match Host::parse(parent)? {
        Host::Domain(parent) if width == Width::Judged && is_public_suffix(&parent) => {
            Err(RuleError::PublicSuffix { suffix: parent })
        }
        Host::Domain(parent) => Ok(Pattern::Subdomains(parent)),
        Host::V4(_) | Host::V6(_) => Err(RuleError::WildcardAddress),
    }
}

/// Whether strangers can register names directly below `parent`: it is a public suffix, its private section
/// included, or all its children are (the list's own wildcards, as for `kawasaki.jp`). A single label always is.
fn is_public_suffix(parent: &str) -> bool {
    let child = format!("child.{parent}");
    psl::suffix(child.as_bytes()).is_none_or(|suffix| suffix.as_bytes().len() >= parent.len())
}

fn notices(host: &str, pattern: &Pattern, path: &str) -> Vec<Notice> {
    let mut notices = Vec::new();
    if path.len() > 1 {
        notices.push(Notice::PathIgnored { path: path.to_owned() });
    }
    if !host.is_ascii() {
        let ascii = pattern.to_string();
        notices.push(Notice::Internationalised { written: host.to_owned(), ascii });
    }
    notices
}

/// The scheme's own port is left out, so that one rule has one form.
fn canonical_port(scheme: Option<Scheme>, port: u16) -> Port {
    if port == scheme.unwrap_or(Scheme::Https).default_port() { Port::Own } else { Port::Exact(port) }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => write!(f, "{host}"),
            Self::Subdomains(parent) => write!(f, "*.{parent}"),
        }
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = self.scheme {
            write!(f, "{scheme}://")?;
        }
        write!(f, "{}", self.pattern)?;
        match self.port {
            Port::Own => {}
            Port::Exact(port) => write!(f, ":{port}")?,
            Port::Any => f.write_str(":*")?,
        }
        let words = self.placements.iter().flatten().enumerate();
        for (index, placement) in words {
            write!(f, "{}{placement}", if index == 0 { ';' } else { ',' })?;
        }
        Ok(())
    }
}

impl FromStr for HostRule {
    type Err = RuleError;

    /// As [`HostRule::parse`], without the notices.
    fn from_str(text: &str) -> Result<Self, RuleError> {
        Self::parse(text).map(|parsed| parsed.rule)
    }
}

impl From<HostRule> for String {
    fn from(rule: HostRule) -> Self {
        rule.to_string()
    }
}

impl TryFrom<String> for HostRule {
    type Error = RuleError;

    /// Reads a rule that was kept in its canonical form.
    fn try_from(text: String) -> Result<Self, RuleError> {
        let rule = parse(&text, Width::Saved)?.rule;
        if rule.to_string() == text { Ok(rule) } else { Err(RuleError::NotCanonical) }
    }
}
