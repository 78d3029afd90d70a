//! What is written, and what there is to be linked.

use subrosa_provider::{ErrorKind, ProviderError, WriteMode};
use subrosa_testkit::Emulator;

use crate::cloud::{Cloud, Known, policy, secret, text};

const ALL: &str = "secretsmanager:*";

fn write(provider: &Known, target: &str, value: &str, mode: WriteMode) -> Result<(), ProviderError> {
    provider.0.write(&target.to_owned(), &secret(value), mode)
}

fn refused(provider: &Known, target: &str, mode: WriteMode) -> ErrorKind {
    let error =
        write(provider, target, "hunter9", mode).err().unwrap_or_else(|| panic!("{target} was written"));
    assert!(!format!("{error:?}").contains("hunter9"), "{error}");
    error.kind()
}

#[test]
fn whole_secrets_in_both() {
    for which in [Emulator::Moto, Emulator::Ministack] {
        let Some(cloud) = Cloud::start(which) else { return };
        let user = cloud.user("writer", &policy(ALL, "*"));
        write(&user, "new", "one", WriteMode::New).expect("written");
        assert_eq!(text(&user, "new"), "one");
        assert_eq!(refused(&user, "new", WriteMode::New), ErrorKind::Exists, "{which:?}");
        write(&user, "new", "two", WriteMode::Replace).expect("written");
        assert_eq!(text(&user, "new"), "two");
        write(&user, "made/by/replacing", "three", WriteMode::Replace).expect("written");
        assert_eq!(text(&user, "made/by/replacing"), "three");
        assert_eq!(refused(&user, "new?stage=AWSPREVIOUS", WriteMode::Replace), ErrorKind::Unsupported);
        let binary = subrosa_secret::SecretValue::new(vec![0xff, 0, 1]).expect("short");
        user.0.write(&"new".to_owned(), &binary, WriteMode::Replace).expect("written");
        let found = user.0.lookup(&"new".to_owned()).expect("found").expect("there");
        assert!(found.expose_secret() == [0xff, 0, 1]);
        assert_eq!(refused(&user, "new#key", WriteMode::Replace), ErrorKind::BadLink);

        let offers = user.0.offers("NEW", 10).expect("offers");
        assert_eq!(offers.found.iter().map(|offer| offer.target.as_str()).collect::<Vec<_>>(), ["new"]);
        let offers = user.0.offers("", 1).expect("offers");
        assert!(offers.found.len() == 1 && offers.more, "{which:?}");
        assert!(user.0.offers("nothing of that name", 1).expect("offers").found.is_empty());
    }
}

/// ministack, since moto's current version is not the one that has the label AWSCURRENT after it was moved.
#[test]
fn one_key_of_a_json_object() {
    let Some(cloud) = Cloud::start(Emulator::Ministack) else { return };
    let user = cloud.user("writer", &policy(ALL, "*"));
    cloud.create("app", r#"{ "a": 1.0, "b": "old" }"#);
    write(&user, "app#b", "new \"b\"", WriteMode::Replace).expect("written");
    write(&user, "app#c", "c", WriteMode::New).expect("written");
    assert_eq!(text(&user, "app"), r#"{ "a": 1.0, "b": "new \"b\"" ,"c":"c"}"#);
    assert_eq!(refused(&user, "app#c", WriteMode::New), ErrorKind::Exists);
    write(&user, "other#key", "made", WriteMode::New).expect("written");
    assert_eq!(text(&user, "other"), r#"{"key":"made"}"#);
    cloud.create("plain", "hunter2");
    assert_eq!(refused(&user, "plain#key", WriteMode::Replace), ErrorKind::BadLink);
    assert_eq!(text(&user, "plain"), "hunter2");
}
