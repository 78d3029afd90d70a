//! Host rules against URLs, by the table in `host_rules.txt`.

use subrosa_secret::{
    Access, HostRule, Notice, Origin, Placement, Policy, PostmanRule, RuleError, Verdict, import_postman_rule,
};

struct Row<'t> {
    name: &'t str,
    rules: Vec<String>,
    url: &'t str,
    placement: Placement,
    verdict: &'t str,
}

fn table() -> Vec<Row<'static>> {
    let lines = include_str!("host_rules.txt").lines();
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(row).collect()
}

fn row(line: &'static str) -> Row<'static> {
    let cells: Vec<_> = line.split(" | ").map(str::trim).collect();
    let [name, rules, url, placement, verdict] = cells[..] else { panic!("five cells expected: {line}") };
    let unescape = |rule: &str| rule.replace("\\t", "\t").replace("\\n", "\n").replace("\\s", " ");
    let rules = rules.split(' ').map(unescape).collect();
    Row { name, rules, url, placement: placement.parse().expect(name), verdict }
}

/// The access that a list of rules makes, or the kind of the first refusal.
fn access(rules: &[String]) -> Result<Access, &'static str> {
    let mut taken = Vec::new();
    for rule in rules {
        match rule.strip_prefix("postman:").map(import_postman_rule) {
            None => taken.push(HostRule::parse(rule).map_err(|error| error.kind())?.rule),
            Some(PostmanRule::Rules(imported, _)) => taken.extend(imported),
            Some(PostmanRule::Undecided(_)) => return Ok(Access::Undecided),
            Some(PostmanRule::Refused(error)) => return Err(error.kind()),
        }
    }
    Ok(Access::Restricted(taken))
}

fn judged(row: &Row<'_>) -> String {
    let access = match access(&row.rules) {
        Ok(access) => access,
        Err(kind) => return format!("rule:{kind}"),
    };
    let origin = match Origin::of_url(row.url) {
        Ok(origin) => origin,
        Err(error) => return format!("url:{}", error.kind()),
    };
    let verdict = match (Policy { access, ..Policy::default() }).judge(&origin, row.placement) {
        Verdict::Allowed => "allowed",
        Verdict::Undecided => "undecided",
        Verdict::HostNotAllowed { .. } => "host",
        Verdict::PlacementNotAllowed { .. } => "placement",
        Verdict::Disabled => "disabled",
    };
    verdict.to_owned()
}

#[test]
fn every_row_of_the_table_holds() {
    let rows = table();
    assert!(rows.len() >= 80, "{} rows", rows.len());
    let wrong: Vec<_> = rows
        .iter()
        .filter_map(|row| {
            let judged = judged(row);
            (judged != row.verdict).then(|| format!("{}: expected {}, got {judged}", row.name, row.verdict))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rows_have_names_of_their_own() {
    let mut names: Vec<_> = table().iter().map(|row| row.name).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn the_text_of_a_rule_reads_back_as_the_same_rule() {
    let written =
        table().into_iter().flat_map(|row| row.rules).filter_map(|rule| HostRule::parse(&rule).ok());
    for parsed in written {
        let text = parsed.rule.to_string();
        let again = HostRule::parse(&text).unwrap();
        assert_eq!((&again.rule, again.notices.len()), (&parsed.rule, 0), "{text}");
        let json = serde_json::to_string(&parsed.rule).unwrap();
        assert_eq!(serde_json::from_str::<HostRule>(&json).unwrap(), parsed.rule);
    }
}

#[test]
fn one_rule_has_one_text() {
    let same = [
        ("HTTPS://API.Example.com.:443;query,auth", "https://api.example.com;header,query"),
        ("api.example.com:443", "api.example.com"),
        ("http://[0:0::1]:80", "http://[::1]"),
        ("bücher.example.com", "xn--bcher-kva.example.com"),
    ];
    for (written, canonical) in same {
        assert_eq!(HostRule::parse(written).unwrap().rule.to_string(), canonical);
        assert_eq!(written.parse::<HostRule>(), canonical.parse());
    }
}

#[test]
fn notices_say_what_was_changed() {
    let notices = |text| HostRule::parse(text).unwrap().notices;
    assert_eq!(notices("api.example.com/"), []);
    assert_eq!(notices("api.example.com/v1"), [Notice::PathIgnored { path: "/v1".into() }]);
    let international = &notices("*.bücher.example")[..];
    assert_eq!(international.len(), 1);
    assert!(international[0].to_string().contains("xn--bcher-kva"), "{}", international[0]);
}

#[test]
fn hostile_e56_rules_that_are_too_wide_are_refused_when_saved_and_readable_when_kept() {
    for rule in ["*", "*.com", "*.co.uk", "*.github.io"] {
        let error = HostRule::parse(rule).unwrap_err();
        assert!(matches!(error, RuleError::AnyHost | RuleError::PublicSuffix { .. }), "{rule}: {error}");
    }
    // the list of suffixes grows: a rule that was fine when it was saved must not make its secret unreadable
    assert!(serde_json::from_str::<HostRule>("\"*.github.io\"").is_ok());
    for kept in
        ["\"*\"", "\"*.*\"", "\"API.example.com\"", "\"api.example.com:443\"", "\"api.example.com/v1\""]
    {
        assert!(serde_json::from_str::<HostRule>(kept).is_err(), "{kept}");
    }
}

#[test]
fn the_exact_rule_of_an_origin_covers_it_alone() {
    let origins = ["https://api.example.com", "http://localhost:3000", "wss://[::1]:8443", "ws://10.0.0.1"];
    let origins = origins.map(|url| Origin::of_url(url).unwrap());
    for origin in &origins {
        let rule = HostRule::exactly(origin);
        assert_eq!(rule.to_string(), origin.to_string());
        assert_eq!(rule.to_string().parse::<HostRule>(), Ok(rule.clone()));
        let covered: Vec<_> = origins.iter().filter(|other| rule.matches(other)).collect();
        assert_eq!(covered, [origin]);
    }
    let limited = HostRule::exactly(&origins[0]).limited_to([Placement::Query]);
    assert_eq!(limited.to_string(), "https://api.example.com;query");
}
