//! Rules about hosts, as they are typed.

use crate::failure::{Failure, Outcome};
use crate::output;
use clap::{Arg, ArgAction, ArgMatches};
use subrosa_secret::{Access, HostRule, Placement};

/// `--host`, `--only` and `--unrestricted`, for the commands that make a secret.
pub(crate) fn rule_flags() -> [Arg; 3] {
    [
        Arg::new("host")
            .long("host")
            .value_name("RULE")
            .action(ArgAction::Append)
            .help("where it may go: [scheme://]host[:port], *.example.com, :* for any port"),
        only_flag(),
        unrestricted_flag(),
    ]
}

pub(crate) fn only_flag() -> Arg {
    Arg::new("only")
        .long("only")
        .value_name("PLACES")
        .value_delimiter(',')
        .help("only in these places of a request: header (with -u and cookies), query, path, body")
}

pub(crate) fn unrestricted_flag() -> Arg {
    Arg::new("unrestricted").long("unrestricted").action(ArgAction::SetTrue).help("it may go anywhere")
}

/// What the flags of [`rule_flags`] say; `None` if they say nothing.
pub(crate) fn access_of(arguments: &ArgMatches) -> Outcome<Option<Access>> {
    let rules = rules_of(arguments, "host")?;
    match (arguments.get_flag("unrestricted"), rules.is_empty()) {
        (true, true) => Ok(Some(Access::Unrestricted)),
        (true, false) => Err(Failure::usage("--unrestricted and rules exclude each other")),
        (false, false) => Ok(Some(Access::Restricted(rules))),
        (false, true) if arguments.contains_id("only") => {
            Err(Failure::usage("--only needs a host to go with"))
        }
        (false, true) => Ok(None),
    }
}

/// The rules of an argument, limited to the places of `--only`.
pub(crate) fn rules_of(arguments: &ArgMatches, id: &str) -> Outcome<Vec<HostRule>> {
    let texts = arguments.get_many::<String>(id).unwrap_or_default();
    let places = arguments.get_many::<String>("only").unwrap_or_default();
    let places: Vec<Placement> = places.map(|text| place(text)).collect::<Outcome<_>>()?;
    let limited = |rule: HostRule| if places.is_empty() { rule } else { rule.limited_to(places.clone()) };
    texts.map(|text| rule(text).map(limited)).collect()
}

fn place(text: &str) -> Outcome<Placement> {
    text.trim().parse().map_err(|error| Failure::usage(format!("--only {text}: {error}")))
}

/// One rule; what of it has no effect is said.
pub(crate) fn rule(text: &str) -> Outcome<HostRule> {
    let parsed = HostRule::parse(text).map_err(|error| Failure::usage(format!("rule {text:?}: {error}")))?;
    for notice in &parsed.notices {
        output::note(&format!("rule {text}: {notice}"));
    }
    Ok(parsed.rule)
}

/// Adds rules to what a secret may do already. A rule takes the place of one for the same host, and a limited one takes
/// its origins out of others: `--only` narrows what was allowed before, instead of standing beside it without effect.
///
/// Returns the rules that still allow more than a limited one says, because no rule covers just the rest of them.
pub(crate) fn add(access: &mut Access, rules: &[HostRule]) -> Vec<HostRule> {
    let mut all = match std::mem::take(access) {
        Access::Restricted(all) => all,
        Access::Undecided | Access::Unrestricted => Vec::new(),
    };
    let mut wider = Vec::new();
    for rule in rules {
        let place = all.iter().position(|known| same_host(known, rule));
        match place {
            Some(place) => all[place] = rule.clone(),
            None => all.push(rule.clone()),
        }
        let limits = |known: &HostRule| rule.placements().is_some() && !rules.contains(known);
        let narrowed = all.into_iter().filter_map(|known| match known.without(rule) {
            _ if !limits(&known) => Some(known),
            Ok(rest) => rest,
            Err(_) => {
                wider.extend(allows_more(&known, rule).then(|| known.clone()));
                Some(known)
            }
        });
        all = narrowed.collect();
    }
    *access = Access::Restricted(all);
    wider
}

/// Whether a rule holds for a place of a request that another does not hold for.
fn allows_more(rule: &HostRule, other: &HostRule) -> bool {
    match (rule.placements(), other.placements()) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(own), Some(others)) => !own.is_subset(others),
    }
}

/// Whether two rules differ in nothing but the places of a request that they hold for.
pub(crate) fn same_host(one: &HostRule, other: &HostRule) -> bool {
    one.clone().limited_to([]) == other.clone().limited_to([])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_added_once() {
        let (one, two) = (rule("api.example.com").unwrap(), rule("*.example.org").unwrap());
        let mut access = Access::Undecided;
        add(&mut access, std::slice::from_ref(&one));
        add(&mut access, &[one.clone(), two.clone()]);
        assert_eq!(access, Access::Restricted(vec![one, two]));
    }

    #[test]
    fn a_rule_takes_the_place_of_one_for_the_same_host() {
        let wide = rule("api.example.com").unwrap();
        let narrow = rule("api.example.com;header").unwrap();
        let other = rule("api.example.com:8443").unwrap();
        let mut access = Access::Restricted(vec![wide.clone(), other.clone()]);
        add(&mut access, std::slice::from_ref(&narrow));
        assert_eq!(access, Access::Restricted(vec![narrow, other.clone()]));
        add(&mut access, std::slice::from_ref(&wide));
        assert_eq!(access, Access::Restricted(vec![wide, other]));
    }

    /// What becomes of `before` when `added` are added, and what allows more than they do.
    fn added(before: &[&str], added: &[&str]) -> (String, String) {
        let rules = |texts: &[&str]| texts.iter().map(|text| rule(text).unwrap()).collect::<Vec<_>>();
        let mut access = Access::Restricted(rules(before));
        let wider = add(&mut access, &rules(added));
        let shown = |rules: &[HostRule]| rules.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let Access::Restricted(after) = access else { panic!("restricted") };
        (shown(&after), shown(&wider))
    }

    #[test]
    fn a_limited_rule_narrows_what_covers_its_origins_in_other_words() {
        for (before, rule, after, wider) in [
            (&["https://api.x.example"][..], "api.x.example;header", "api.x.example;header", ""),
            (
                &["wss://api.x.example", "https://api.x.example"],
                "api.x.example;header",
                "api.x.example;header",
                "",
            ),
            (
                &["api.x.example"],
                "https://api.x.example;header",
                "wss://api.x.example https://api.x.example;header",
                "",
            ),
            (&["api.x.example:8443"], "api.x.example:*;header", "api.x.example:*;header", ""),
            (
                &["api.x.example:*"],
                "api.x.example;header",
                "api.x.example:* api.x.example;header",
                "api.x.example:*",
            ),
            (&["*.x.example"], "api.x.example;header", "*.x.example api.x.example;header", "*.x.example"),
            (
                &["*.x.example;header"],
                "api.x.example;header,body",
                "*.x.example;header api.x.example;header,body",
                "",
            ),
            (&["api.x.example"], "*.x.example;header", "api.x.example *.x.example;header", "api.x.example"),
            // another host, scheme or port
            (&["b.x.example"], "api.x.example;header", "b.x.example api.x.example;header", ""),
            (
                &["http://api.x.example"],
                "api.x.example;header",
                "http://api.x.example api.x.example;header",
                "",
            ),
            (&["api.x.example:1"], "api.x.example:2;header", "api.x.example:1 api.x.example:2;header", ""),
            // what is not limited takes nothing away
            (
                &["https://api.x.example;header"],
                "api.x.example",
                "https://api.x.example;header api.x.example",
                "",
            ),
        ] {
            assert_eq!(added(before, &[rule]), (after.to_owned(), wider.to_owned()), "{before:?} + {rule}");
        }
        // rules of one command do not narrow each other
        let both = ["https://api.x.example;header", "api.x.example;header"];
        assert_eq!(added(&[], &both).0, both.join(" "));
    }

    #[test]
    fn hostile_e56_rules_for_everybody_are_refused() {
        for text in ["*", "*.com", "*.co.uk", "*.github.io"] {
            let error = rule(text).unwrap_err();
            assert!(error.message().starts_with(&format!("rule {text:?}: ")), "{}", error.message());
        }
    }
}
