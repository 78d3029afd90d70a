//! Every form of link, in both emulators: what they agree on, and where they do not, what AWS documents.

use subrosa_provider::{ErrorKind, ProviderError, conformance};
use subrosa_secret::SecretValue;
use subrosa_testkit::Emulator;

use crate::cloud::{Cloud, Known, failure, policy, text, token};

/// A user who may read everything.
fn reader(cloud: &Cloud) -> Known {
    cloud.user("reader", &policy("secretsmanager:GetSecretValue secretsmanager:BatchGetSecretValue", "*"))
}

#[test]
fn every_form_of_link_in_moto() {
    every_form(Emulator::Moto);
}

#[test]
fn every_form_of_link_in_ministack() {
    every_form(Emulator::Ministack);
}

fn every_form(which: Emulator) {
    let Some(cloud) = Cloud::start(which) else { return };
    let reader = reader(&cloud);
    conforms(&cloud, &reader);
    versions(&cloud, &reader);
    binary(&cloud, &reader);
    deleted(&cloud, &reader);
}

fn conforms(cloud: &Cloud, reader: &Known) {
    let arn = cloud.create("prod/json", r#"{"user":"ada","port":5432}"#);
    cloud.create("prod/text", "line one\nline two\n");
    let present = [
        ("prod/json#user".to_owned(), b"ada".to_vec()),
        ("prod/json#port".to_owned(), b"5432".to_vec()),
        (format!("{arn}#user"), b"ada".to_vec()),
        ("prod/text".to_owned(), b"line one\nline two\n".to_vec()),
    ];
    conformance::check(reader, &present, &"prod/none#user".to_owned());
    conformance::check(reader, &present, &"prod/json#none".to_owned());
    let refused = "prod/text#key".to_owned();
    conformance::check_failure(reader, &refused, ErrorKind::BadLink, &["line one", "ada"]);
}

fn versions(cloud: &Cloud, reader: &Known) {
    let arn = cloud.create("prod/key", "before");
    let (first, second) = (cloud.put("prod/key", "first", 2), cloud.put("prod/key", "second", 3));
    for (target, value) in [
        ("prod/key".to_owned(), "second"),
        (arn.clone(), "second"),
        ("prod/key?stage=AWSPREVIOUS".to_owned(), "first"),
        (format!("{arn}?stage=AWSPREVIOUS"), "first"),
        (format!("prod/key?version={second}"), "second"),
        (format!("{arn}?version={first}"), "first"),
    ] {
        assert_eq!(text(reader, &target), value, "{target}");
    }
    // AWS answers with ResourceNotFoundException for stages and versions that are not there, too
    for target in ["prod/key?stage=nothing".to_owned(), format!("prod/key?version={}", token(77))] {
        assert!(reader.0.lookup(&target).expect("no failure").is_none(), "{target}");
    }
}

fn binary(cloud: &Cloud, reader: &Known) {
    let json = serde_json::json!({ "Name": "binary", "SecretBinary": "//4AaHVudGVyMg==", "ClientRequestToken": token(9) });
    cloud.aws.secrets("CreateSecret", &json.to_string());
    // several at the same time, a version among them
    let targets = ["prod/key".to_owned(), "binary".to_owned(), "prod/key?stage=AWSPREVIOUS".to_owned()];
    let answers = reader.0.lookup_many(&targets.iter().collect::<Vec<_>>());
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.expect("found").expect("there")).collect();
    assert!(answers[0].expose_secret() == b"second" && answers[2].expose_secret() == b"first");
    assert!(answers[1].expose_secret() == b"\xff\xfe\0hunter2");
    assert_eq!(failure(reader, "binary#key").kind(), ErrorKind::BadLink);
}

/// A secret that is being deleted is told from one that never was.
fn deleted(cloud: &Cloud, reader: &Known) {
    cloud.create("going", "hunter2");
    cloud.aws.secrets("DeleteSecret", r#"{"SecretId":"going"}"#);
    let error = failure(reader, "going");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("being deleted"), "{error}");
    let targets = ["going".to_owned(), "none".to_owned(), "nothing".to_owned()];
    let answers = reader.0.lookup_many(&targets.iter().collect::<Vec<_>>());
    let kind = |answer: Result<Option<SecretValue>, ProviderError>| {
        answer.map(|value| value.is_some()).map_err(|error| error.kind())
    };
    let kinds: Vec<_> = answers.into_iter().map(kind).collect();
    assert_eq!(kinds, [Err(ErrorKind::NotFound), Ok(false), Ok(false)]);
}

/// moto checks who asks and what the policies say; ministack takes everything.
#[test]
fn what_policies_deny_is_denied_and_spoils_nothing_else() {
    let Some(cloud) = Cloud::start(Emulator::Moto) else { return };
    cloud.create("open", "hunter2");
    cloud.create("closed", "hunter2");
    // its checks know no secret's ARN: what is allowed is allowed for all of them
    let all = "secretsmanager:GetSecretValue secretsmanager:BatchGetSecretValue";
    let reader = cloud.in_role("reader", &policy(all, "*"));
    let single = cloud.in_role("single", &policy("secretsmanager:GetSecretValue", "*"));
    let nobody = cloud.in_role("nobody", &policy("s3:GetObject", "*"));
    let (id, _) = cloud.aws.user("forged", "");
    let settings = cloud.settings(&[("access-key-id", &id)]);
    cloud.aws.check_signatures();
    let targets = ["open".to_owned(), "closed".to_owned(), "none".to_owned()];
    let targets: Vec<&String> = targets.iter().collect();
    // without the right to ask for several, one by one
    for provider in [&reader, &single] {
        let answers = provider.0.lookup_many(&targets).into_iter();
        let found: Vec<bool> = answers.map(|answer| answer.expect("no failure").is_some()).collect();
        assert_eq!(found, [true, true, false]);
    }
    let error = failure(&nobody, "open");
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(!format!("{error:?}").contains("hunter"), "{error}");
    let answers = nobody.0.lookup_many(&targets);
    assert!(answers.into_iter().all(|answer| answer.is_err_and(|error| error.kind() == ErrorKind::Denied)));
    let forged = crate::cloud::connect(&settings, crate::cloud::Way::new("keys", crate::cloud::SECRET));
    let error = failure(&forged, "open");
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(!error.to_string().contains(crate::cloud::SECRET), "{error}");
}
