//! A rule and a URL, compared with what other parsers read in the same URL.

use subrosa_secret::{
    Access, Host, HostRule, Placement, Policy, PostmanRule, Scheme, UrlParts, Verdict, import_postman_rule,
    scan,
};

use crate::input::parts;

/// A rule and, after a NUL, a URL: what is allowed goes to the host that the rule names, whoever reads the URL.
pub fn host_rules(data: &[u8]) {
    let [rule, url] = parts::<2>(data).map(String::from_utf8_lossy);
    let rule = the_rule(&rule);
    let Ok(parts) = UrlParts::parse(&url) else { return };
    assert_eq!(Host::parse(&parts.host.to_string()).as_ref(), Ok(&parts.host), "a host has one form");
    let origin = parts.origin();
    assert_eq!(origin.to_string().parse().as_ref(), Ok(&origin), "an origin has one form");
    assert_ne!(parts.port, 0);
    others_agree(&url, &parts);
    let Some(rule) = rule else { return };
    let policy = Policy { access: Access::Restricted(vec![rule.clone()]), ..Policy::default() };
    let allowed = Placement::ALL.iter().any(|place| policy.judge(&origin, *place) == Verdict::Allowed);
    assert_eq!(allowed, rule.matches(&origin));
    if allowed {
        assert!(names(&rule, &parts), "{rule} does not name {origin}");
    }
}

/// The rule of a text: its canonical form reads back, as a rule that is typed and as one that is kept.
fn the_rule(text: &str) -> Option<HostRule> {
    if let PostmanRule::Rules(rules, _) = import_postman_rule(text) {
        assert!(rules.iter().all(|rule| rule.to_string().parse().as_ref() == Ok(rule)));
    }
    let rule = HostRule::parse(text).ok()?.rule;
    let shown = rule.to_string();
    let again = HostRule::parse(&shown).expect("a rule is read back");
    assert_eq!(again.rule, rule, "{shown}");
    assert!(again.notices.is_empty(), "{shown}: {:?}", again.notices);
    assert_eq!(HostRule::try_from(shown).as_ref(), Ok(&rule));
    Some(rule)
}

/// Whether the text of a rule names this host, scheme and port: read anew, without the rule's own judgement.
fn names(rule: &HostRule, parts: &UrlParts) -> bool {
    let shown = rule.to_string();
    let target = shown.split(';').next().unwrap_or_default();
    let (scheme, authority) = match target.split_once("://") {
        Some((scheme, authority)) => (Some(scheme), authority),
        None => (None, target),
    };
    let end = authority.rfind(']').unwrap_or(0);
    let (host, port) = match authority[end..].find(':') {
        Some(at) => (&authority[..end + at], &authority[end + at + 1..]),
        None => (authority, ""),
    };
    let scheme_fits = scheme.map_or(parts.scheme.is_encrypted(), |scheme| scheme == parts.scheme.as_str());
    let port_fits = match port {
        "*" => true,
        "" => parts.port == parts.scheme.default_port(),
        digits => digits.parse() == Ok(parts.port),
    };
    let ours = parts.host.to_string();
    let host_fits = match host.strip_prefix("*.") {
        Some(parent) => ours.len() > parent.len() + 1 && ours.ends_with(&format!(".{parent}")),
        None => ours == host,
    };
    scheme_fits && port_fits && host_fits
}

/// Any other parser that takes the URL finds the same host and port in it.
fn others_agree(text: &str, parts: &UrlParts) {
    let references = scan(text.as_bytes()).references;
    let mut text = text.to_owned();
    for reference in references.iter().rev() {
        text.replace_range(reference.span.clone(), "reference");
    }
    if !parts.scheme_written {
        text.insert_str(0, "http://");
    }
    let ours = parts.host.to_string();
    if let Ok(theirs) = url::Url::parse(&text) {
        let host = theirs.host_str().unwrap_or_default();
        assert!(same(&ours, host), "{text:?}: {ours}, but {host} to WHATWG");
        assert_eq!(Some(parts.port), theirs.port_or_known_default(), "{text:?}");
        assert_eq!(parts.scheme, theirs.scheme().parse::<Scheme>().expect("one of ours"), "{text:?}");
    }
    if let Some(theirs) = text.parse::<http::Uri>().ok().as_ref().and_then(http::Uri::authority) {
        let host = theirs.host().to_ascii_lowercase();
        assert!(same(&ours, &host) || !host.is_ascii(), "{text:?}: {ours}, but {host} to http::Uri");
        assert_eq!(theirs.port_u16().unwrap_or(parts.scheme.default_port()), parts.port, "{text:?}");
    }
}

/// The same host: a trailing dot is dropped, and IPv6 addresses have several spellings.
fn same(ours: &str, theirs: &str) -> bool {
    let theirs = theirs.strip_suffix('.').unwrap_or(theirs);
    let address = |text: &str| text.strip_prefix('[')?.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().ok();
    ours == theirs || (address(ours).is_some() && address(ours) == address(theirs))
}
