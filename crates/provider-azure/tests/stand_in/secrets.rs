//! Secrets, their versions, and what keeps a lookup from its answer.

use subrosa_provider::{ErrorKind, WriteMode, conformance};
use subrosa_secret::SecretValue;
use subrosa_testkit::{Azure as StandIn, AzureFault};

use crate::vault::{Way, enter, failure, text};

#[test]
fn a_vault_conforms() {
    let azure = StandIn::start();
    let first = azure.put("db-password", "hunter1");
    azure.put("db-password", "hunter2");
    azure.put("API-Key", "of letters\nin two lines\n");
    azure.put("empty", "");
    let provider = enter(&azure, Way::usual());
    let pinned = format!("db-password/{first}");
    let present = [
        ("db-password".to_owned(), b"hunter2".to_vec()),
        (pinned.clone(), b"hunter1".to_vec()),
        ("api-key".to_owned(), b"of letters\nin two lines\n".to_vec()),
        ("empty".to_owned(), Vec::new()),
    ];
    azure.put("gone", "of a deleted secret");
    azure.delete("gone");
    for absent in ["nothing", "gone", &format!("db-password/{}", "0".repeat(32))] {
        conformance::check(&*provider, &present, &absent.to_owned());
    }
    let shown = format!("{}/secrets/DB-Password/{first}", azure.address());
    assert_eq!(text(&*provider, &shown), "hunter1");
    assert_eq!(azure.tokens_made(), 1, "one login for all");
}

#[test]
fn what_keeps_a_value_back_is_told_apart() {
    let azure = StandIn::start();
    azure.put("off", "hunter2");
    azure.enable("off", false);
    let faults = [
        ("busy", AzureFault::Throttled(7), ErrorKind::Throttled, "busy: too many requests; again in 7 s"),
        ("down", AzureFault::Unavailable, ErrorKind::Unavailable, "down: the server failed with status 503"),
        (
            "walled",
            AzureFault::Firewall,
            ErrorKind::Denied,
            "walled: the vault's firewall lets nobody in from here",
        ),
        ("closed", AzureFault::Unauthorized, ErrorKind::Denied, "closed: permission denied"),
    ];
    for (name, fault, ..) in &faults {
        azure.put(name, "hunter2");
        azure.fail(name, Some(fault.clone()));
    }
    azure.put("there", "of the one that can be read");
    let provider = enter(&azure, Way::usual());
    let off = ("off", ErrorKind::Denied, "off: the secret is disabled");
    let all = faults.iter().map(|(name, _, kind, says)| (*name, *kind, *says)).chain([off]);
    for (name, kind, says) in all {
        let values = ["hunter2", StandIn::SECRET];
        conformance::check_failure(&*provider, &name.to_owned(), kind, &values);
        assert_eq!(failure(&*provider, name).to_string(), says);
    }
    // the first of several is no worse than the others
    let names = ["busy", "there", "off"].map(str::to_owned);
    let answers = provider.lookup_many(&names.iter().collect::<Vec<_>>());
    assert!(answers[0].is_err() && answers[2].is_err());
    assert!(answers[1].as_ref().expect("found").is_some());
    conformance::check_failure(&*provider, &"a/b".to_owned(), ErrorKind::BadLink, &[]);
}

#[test]
fn a_hundred_secrets_are_a_request_each_over_one_connection() {
    let azure = StandIn::start();
    let names: Vec<String> = (0..100).map(|number| format!("many-{number}")).collect();
    for name in &names {
        azure.put(name, name);
    }
    let provider = enter(&azure, Way::usual());
    let answers = provider.lookup_many(&names.iter().collect::<Vec<_>>());
    for (name, answer) in names.iter().zip(answers) {
        assert!(answer.expect("found").expect("there").expose_secret() == name.as_bytes(), "{name}");
    }
    let asked = azure.server().requests();
    let asked = asked.iter().filter(|request| request.target.starts_with("/secrets/"));
    // the first one is asked twice: once to learn which tokens the vault takes
    assert_eq!(asked.count(), 101);
    assert_eq!(
        (azure.server().connections(), azure.tokens_made()),
        (2, 1),
        "one to log in, one for all else"
    );
}

#[test]
fn a_vault_tells_what_it_holds() {
    let azure = StandIn::start();
    for number in 0..60 {
        azure.put(&format!("Many-{number:02}"), "hunter2");
    }
    azure.put("stripe-key", "hunter2");
    azure.put("off", "hunter2");
    azure.enable("off", false);
    let provider = enter(&azure, Way::usual());
    let targets = |search: &str, limit: usize| {
        let offers = provider.offers(search, limit).expect("it lists");
        (offers.found.into_iter().map(|offer| offer.target).collect::<Vec<_>>(), offers.more)
    };
    assert_eq!(targets("STRIPE", 10), (vec!["stripe-key".to_owned()], false));
    assert_eq!(targets("nothing", 10), (Vec::new(), false));
    assert_eq!(targets("many-", 2), (vec!["many-00".to_owned(), "many-01".to_owned()], true));
    assert_eq!(targets("", 100).0.len(), 62, "three pages");
    assert_eq!(provider.offers("off", 1).expect("it lists").found[0].about, "disabled");
    let asked = azure.server().requests();
    assert!(asked.iter().all(|request| !request.target.starts_with("/secrets/")), "no value is read");
    azure.fail("", Some(AzureFault::Unauthorized));
    assert_eq!(provider.offers("", 1).err().map(|error| error.kind()), Some(ErrorKind::Denied));
    assert!(provider.describe().is_ok(), "who may not list may still read");
    azure.fail("", Some(AzureFault::Firewall));
    assert!(provider.describe().is_err());
}

#[test]
fn a_value_is_written_and_nothing_beside_it_lost() {
    let azure = StandIn::start();
    let first = azure.put_with("db-password", "hunter1", "a password");
    let provider = enter(&azure, Way::usual());
    let write = |target: &str, value: &[u8], mode: WriteMode| {
        let value = SecretValue::new(value.to_vec()).expect("short");
        provider.write(&target.to_owned(), &value, mode).map_err(|error| error.kind())
    };
    assert_eq!(write("db-password", b"hunter2", WriteMode::New), Err(ErrorKind::Exists));
    assert_eq!(azure.value("db-password").as_deref(), Some("hunter1"));
    assert_eq!(write("db-password", b"hunter2\n", WriteMode::Replace), Ok(()));
    assert_eq!(azure.value("db-password").as_deref(), Some("hunter2\n"));
    assert_eq!(azure.content_type("db-password").as_deref(), Some("a password"));
    assert_eq!(
        text(&*provider, &format!("db-password/{first}")),
        "hunter1",
        "the version before it is there"
    );
    assert_eq!(write("new", "é \"quoted\"".as_bytes(), WriteMode::New), Ok(()));
    assert_eq!(text(&*provider, "new"), "é \"quoted\"");
    assert_eq!(write("other", b"", WriteMode::Replace), Ok(()));

    for (target, value) in [
        (format!("db-password/{first}"), b"x".to_vec()),
        ("binary".to_owned(), vec![0xff]),
        ("long".to_owned(), vec![b'x'; 25 * 1024 + 1]),
    ] {
        assert_eq!(write(&target, &value, WriteMode::Replace), Err(ErrorKind::Unsupported), "{target}");
    }
    assert_eq!(write("a/b", b"x", WriteMode::Replace), Err(ErrorKind::BadLink));
    azure.enable("db-password", false);
    assert_eq!(write("db-password", b"x", WriteMode::Replace), Err(ErrorKind::Denied));
    azure.fail("closed", Some(AzureFault::Unauthorized));
    assert_eq!(write("closed", b"x", WriteMode::New), Err(ErrorKind::Denied));
    assert_eq!(azure.value("closed"), None);
}
