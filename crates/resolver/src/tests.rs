//! The resolver over a source in memory that counts its lookups.

use std::{cell::RefCell, collections::BTreeMap};

use subrosa_provider::{Capabilities, ErrorKind, Provider, ProviderError, Registered, Registry};
use subrosa_secret::{
    Access, Destination, Deviation, HostRule, Name, Origin, Placement, Policy, Profile, SecretValue,
    TrustRules,
};

use crate::{Answer, Overrides, Resolver, Use};

#[derive(Default)]
struct Source {
    secrets: BTreeMap<Name, (Policy, Option<&'static str>)>,
    lookups: RefCell<Vec<Name>>,
}

impl Source {
    fn with(mut self, text: &str, access: Access, value: Option<&'static str>) -> Self {
        self.secrets.insert(name(text), (Policy { access, ..Policy::default() }, value));
        self
    }

    fn disable(mut self, text: &str) -> Self {
        self.secrets.get_mut(&name(text)).expect("there").0.enabled = false;
        self
    }
}

impl Registry for Source {
    type Locator = Name;

    fn find(&self, names: &[Name]) -> Result<Vec<Option<Registered<Name>>>, ProviderError> {
        let find = |name: &Name| {
            let (policy, value) = self.secrets.get(name)?;
            Some(Registered { policy: policy.clone(), locator: value.map(|_| name.clone()) })
        };
        Ok(names.iter().map(find).collect())
    }
}

impl Provider for Source {
    type Locator = Name;

    fn name(&self) -> &str {
        "memory"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn lookup(&self, name: &Name) -> Result<Option<SecretValue>, ProviderError> {
        self.lookups.borrow_mut().push(name.clone());
        match self.secrets[name].1 {
            Some("throttled") => Err(ProviderError::new(ErrorKind::Throttled, "too many requests")),
            Some(text) => Ok(Some(SecretValue::new(text.into()).expect("small"))),
            None => Ok(None),
        }
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("name")
}

fn rules(texts: &[&str]) -> Access {
    Access::Restricted(texts.iter().map(|text| HostRule::parse(text).expect("rule").rule).collect())
}

fn wanted(text: &str, url: &str, placement: Placement) -> Use {
    let destination = Destination::plain(Origin::of_url(url).expect("url"));
    Use { name: name(text), placement, place: format!("the {placement}"), destination }
}

/// What comes of these uses when nobody can be asked: the values, or the kinds of the refusals.
fn outcome(source: &Source, profile: Option<&str>, uses: &[Use]) -> Result<Vec<String>, Vec<&'static str>> {
    let (trust, overrides) = (TrustRules::new(), Overrides::default());
    let profile = profile.map(|text| Profile::parse(text).expect("profile"));
    let resolver = Resolver::new(source, profile, &trust, &overrides);
    let values = resolver.judge(uses).expect("registry").values();
    let text = |value: &SecretValue| String::from_utf8(value.expose_secret().to_vec()).expect("text");
    match values {
        Ok(values) => Ok(values.values().map(|resolved| text(&resolved.value)).collect()),
        Err(refused) => Err(refused.iter().map(|refused| refused.reason.kind()).collect()),
    }
}

const API: &str = "https://api.example.com";

#[test]
fn every_reason_is_told_apart() {
    let source = Source::default()
        .with("good", rules(&["api.example.com"]), Some("v"))
        .with("narrow", rules(&["api.example.com;header"]), Some("v"))
        .with("empty", rules(&["api.example.com"]), None)
        .with("off", Access::Unrestricted, Some("v"))
        .with("open", Access::Undecided, Some("v"))
        .with("slow", Access::Unrestricted, Some("throttled"))
        .disable("off");
    let one = |text, url, placement| outcome(&source, None, &[wanted(text, url, placement)]);
    assert_eq!(one("good", API, Placement::Header), Ok(vec!["v".to_owned()]));
    assert_eq!(one("missing", API, Placement::Header), Err(vec!["missing"]));
    assert_eq!(one("empty", API, Placement::Header), Err(vec!["empty"]));
    assert_eq!(one("off", API, Placement::Header), Err(vec!["disabled"]));
    assert_eq!(one("open", API, Placement::Header), Err(vec!["undecided"]));
    assert_eq!(one("good", "https://evil.example", Placement::Header), Err(vec!["host_not_allowed"]));
    assert_eq!(one("good", "http://api.example.com", Placement::Header), Err(vec!["host_not_allowed"]));
    assert_eq!(one("narrow", API, Placement::Body), Err(vec!["placement_not_allowed"]));
    assert_eq!(one("slow", API, Placement::Body), Err(vec!["unavailable"]));
}

#[test]
fn nothing_is_looked_up_while_one_use_is_refused_and_each_secret_once_otherwise() {
    let source = Source::default().with("a", Access::Unrestricted, Some("1")).with(
        "b",
        Access::Unrestricted,
        Some("2"),
    );
    let uses = |extra: &str| {
        let places = [Placement::Header, Placement::Body];
        let mut uses: Vec<Use> = places.iter().map(|placement| wanted("a", API, *placement)).collect();
        uses.push(wanted(extra, API, Placement::Header));
        uses
    };
    assert_eq!(outcome(&source, None, &uses("missing")), Err(vec!["missing"]));
    assert!(source.lookups.borrow().is_empty());
    assert_eq!(outcome(&source, None, &uses("b")), Ok(vec!["1".to_owned(), "2".to_owned()]));
    assert_eq!(source.lookups.borrow().len(), 2);
}

#[test]
fn a_profile_is_looked_in_first_and_a_disabled_secret_there_hides_the_other() {
    let source = Source::default()
        .with("key", Access::Unrestricted, Some("plain"))
        .with("prod/key", Access::Unrestricted, Some("prod"))
        .with("dev/key", Access::Unrestricted, Some("dev"))
        .disable("dev/key");
    let uses = [wanted("key", API, Placement::Header)];
    assert_eq!(outcome(&source, None, &uses), Ok(vec!["plain".to_owned()]));
    assert_eq!(outcome(&source, Some("prod"), &uses), Ok(vec!["prod".to_owned()]));
    assert_eq!(outcome(&source, Some("test"), &uses), Ok(vec!["plain".to_owned()]));
    assert_eq!(outcome(&source, Some("dev"), &uses), Err(vec!["disabled"]));
}

#[test]
fn hostile_e65a_a_request_that_changes_its_destination_gets_no_secret() {
    let source = Source::default().with("key", Access::Unrestricted, Some("v"));
    for deviation in Deviation::ALL {
        let mut used = wanted("key", API, Placement::Header);
        used.destination.deviations.push(deviation);
        assert_eq!(
            outcome(&source, None, &[used.clone()]),
            Err(vec!["destination_not_trusted"]),
            "{deviation}"
        );
        used.destination.ends_on_loopback = true;
        assert!(outcome(&source, None, &[used.clone()]).is_ok(), "{deviation}");
        used.destination.ends_on_loopback = false;
        let mut trust = TrustRules::new();
        trust.allow(HostRule::parse("api.example.com").expect("rule").rule, [deviation]);
        let overrides = Overrides::default();
        let resolver = Resolver::new(&source, None, &trust, &overrides);
        assert!(resolver.judge(&[used]).expect("registry").values().is_ok(), "{deviation}");
    }
}

#[test]
fn questions_are_asked_once_and_no_is_a_refusal() {
    let source = Source::default().with("key", Access::Undecided, Some("v"));
    let uses = [
        wanted("key", API, Placement::Header),
        wanted("key", API, Placement::Body),
        wanted("key", "https://other.example.com", Placement::Header),
    ];
    let (trust, overrides) = (TrustRules::new(), Overrides::default());
    let resolver = Resolver::new(&source, None, &trust, &overrides);
    let mut verdicts = resolver.judge(&uses).expect("registry");
    let questions = verdicts.questions().to_vec();
    assert_eq!(questions.len(), 2);
    assert_eq!(questions[0].placements.len(), 2);
    verdicts.answer(&questions[0], Answer::Yes);
    verdicts.answer(&questions[1], Answer::No);
    let refused = verdicts.values().map(drop).expect_err("one was refused");
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].reason.kind(), "declined");
    // whoever has just said no is not told how to say yes
    assert_eq!(refused[0].hint, None);
    assert!(source.lookups.borrow().is_empty());
}

#[test]
fn a_value_given_for_one_call_needs_no_secret_but_obeys_a_stored_one() {
    let source = Source::default().with("stored", rules(&["api.example.com"]), None);
    let trust = TrustRules::new();
    let mut overrides = Overrides::default();
    for text in ["stored", "unknown"] {
        overrides.insert(name(text), SecretValue::new(b"typed".to_vec()).expect("small"));
    }
    let resolver = Resolver::new(&source, None, &trust, &overrides);
    let kinds = |text: &str, url: &str| {
        let values = resolver.judge(&[wanted(text, url, Placement::Header)]).expect("registry").values();
        values.map(|values| values.len()).map_err(|refused| refused[0].reason.kind())
    };
    assert_eq!(kinds("stored", API), Ok(1));
    assert_eq!(kinds("stored", "https://evil.example"), Err("host_not_allowed"));
    assert_eq!(kinds("unknown", "https://evil.example"), Ok(1));
}

#[test]
fn a_hint_that_widens_says_so_and_covers_all_places_at_once() {
    let source = Source::default()
        .with("open", Access::Undecided, Some("v"))
        .with(
            "elsewhere",
            rules(&["a.example", "b.example", "c.example", "d.example", "e.example"]),
            Some("v"),
        )
        .with("narrow", rules(&["api.example.com;header"]), Some("v"))
        .with("empty", Access::Unrestricted, None);
    let (trust, overrides) = (TrustRules::new(), Overrides::default());
    let resolver = Resolver::new(&source, None, &trust, &overrides);
    let refused = |name: &str| {
        let uses = [Placement::Body, Placement::Query].map(|placement| wanted(name, API, placement));
        let refused = resolver.judge(&uses).expect("registry").values().map(drop).expect_err("refused");
        let hints: Vec<_> = refused.iter().map(|one| one.hint.clone().expect("a hint")).collect();
        assert!(hints.iter().all(|hint| *hint == hints[0]), "{hints:?}");
        (hints[0].clone(), refused[0].reason.widens().map(ToString::to_string), refused[0].to_string())
    };
    let widens = Some(API.to_owned());
    let (hint, widened, _) = refused("open");
    assert_eq!((hint, widened), (format!("subrosa allow open {API} --only query,body"), widens.clone()));
    let (hint, widened, shown) = refused("elsewhere");
    assert_eq!((hint, widened), (format!("subrosa allow elsewhere {API} --only query,body"), widens.clone()));
    assert!(shown.ends_with("(a.example, b.example, c.example, d.example and 1 more)"), "{shown}");
    let (hint, widened, _) = refused("narrow");
    assert_eq!((hint, widened), (format!("subrosa allow narrow {API} --only header,query,body"), widens));
    assert_eq!(refused("empty").1, None);
}

#[test]
fn hints_can_be_pasted_into_a_shell() {
    assert_eq!(crate::reason::quoted("a b"), "'a b'");
    assert_eq!(crate::reason::quoted("it's"), r"'it'\''s'");
    assert_eq!(crate::reason::quoted("https://api.example.com:8443"), "https://api.example.com:8443");
    assert_eq!(crate::reason::quoted("prod/stripe-key"), "prod/stripe-key");
    assert_eq!(crate::reason::quoted(""), "''");
    assert_eq!(crate::reason::quoted("<<vault:a>>"), "'<<vault:a>>'");
}

#[test]
fn one_secret_behind_two_written_names_is_looked_up_once() {
    let source = Source::default().with("prod/key", Access::Unrestricted, Some("v"));
    let uses = [wanted("key", API, Placement::Header), wanted("prod/key", API, Placement::Body)];
    assert_eq!(outcome(&source, Some("prod"), &uses), Ok(vec!["v".to_owned(), "v".to_owned()]));
    assert_eq!(*source.lookups.borrow(), [name("prod/key")]);
}

#[test]
fn a_use_has_one_reason_even_beside_a_question_about_the_same_secret() {
    let source = Source::default().with("key", Access::Undecided, Some("v"));
    let mut detour = wanted("key", API, Placement::Body);
    detour.destination.deviations.push(Deviation::Proxy);
    let uses = [wanted("key", API, Placement::Header), detour];
    assert_eq!(outcome(&source, None, &uses), Err(vec!["destination_not_trusted", "undecided"]));
}
