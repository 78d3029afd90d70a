//! Ways to log in, and what is left of them.

use subrosa_provider::ErrorKind;
use subrosa_testkit::Emulator;

use crate::cloud::{Cloud, SECRET, Way, connect, failure, policy, text};

const READ: &str = "secretsmanager:GetSecretValue secretsmanager:BatchGetSecretValue";

#[test]
fn the_key_of_a_user_becomes_a_session_that_the_next_process_goes_on_with() {
    let Some(cloud) = Cloud::start(Emulator::Moto) else { return };
    cloud.create("a", "hunter2");
    let (id, secret) = cloud.aws.user("ada", &policy(READ, "*"));
    let settings = cloud.settings(&[("access-key-id", &id)]);
    let first = connect(&settings, Way::new("keys", &secret));
    let identity = first.0.describe().expect("who one is");
    assert!(identity.who.starts_with("arn:aws:"), "{}", identity.who);
    assert!(identity.who.ends_with("in eu-central-1"), "{}", identity.who);
    let session = first.0.session().expect("a session");
    let left = session.expires.expect("an end") - now();
    assert!((7000..=7260).contains(&left), "{left}");
    assert_eq!(first.0.session_end(), session.expires);
    assert!(!contains(session.state.expose_secret(), secret.as_bytes()), "the lasting key stays where it is");
    // without a credential at hand
    let next = connect(&settings, Way::new("keys", "").after(Some(session.state)));
    assert_eq!(text(&next, "a"), "hunter2");
    assert!(next.0.session().is_none(), "it is the same session");
    let closed = connect(&settings, Way::new("keys", ""));
    assert_eq!(failure(&closed, "a").kind(), ErrorKind::Expired);
}

#[test]
fn temporary_credentials_are_used_as_they_are() {
    let Some(cloud) = Cloud::start(Emulator::Moto) else { return };
    cloud.create("a", "hunter2");
    let (id, secret) = cloud.aws.user("ada", &policy(READ, "*"));
    let lasting = format!("AWS_ACCESS_KEY_ID={id}\nAWS_SECRET_ACCESS_KEY={secret}");
    let error = failure(&connect(&cloud.settings(&[]), Way::new("temporary", &lasting)), "a");
    assert_eq!(
        (error.kind(), error.hint()),
        (ErrorKind::BadSettings, Some("--auth keys makes a session of them"))
    );
    let over = format!(
        r#"{{"AccessKeyId":"{id}","SecretAccessKey":"{SECRET}","SessionToken":"t","Expiration":"2020-01-01T00:00:00Z"}}"#
    );
    let error = failure(&connect(&cloud.settings(&[]), Way::new("temporary", &over)), "a");
    assert_eq!(error.kind(), ErrorKind::Expired);
    let given = cloud.role_credentials("reader", &policy(READ, "*"));
    cloud.aws.check_signatures();
    let kept = connect(&cloud.settings(&[]), Way::new("temporary", &given));
    assert_eq!(text(&kept, "a"), "hunter2");
    assert!(kept.0.session().is_none(), "what is kept elsewhere is no session too");
    let given = format!("{given}AWS_CREDENTIAL_EXPIRATION=2099-01-01T00:00:00Z\n");
    let unkept = connect(&cloud.settings(&[]), Way { is_kept: false, ..Way::new("temporary", &given) });
    assert_eq!(text(&unkept, "a"), "hunter2");
    assert!(unkept.0.session().is_some());
}

#[test]
fn a_role_is_taken_for_the_connection_or_for_one_link() {
    let Some(cloud) = Cloud::start(Emulator::Moto) else { return };
    cloud.create("a", "hunter2");
    let (reader, other) =
        (cloud.aws.role("reader", &policy(READ, "*")), cloud.aws.role("other", &policy(READ, "*")));
    let given = cloud.role_credentials("first", &policy("sts:AssumeRole", "*"));
    cloud.aws.check_signatures();
    let by_link = connect(&cloud.settings(&[]), Way::new("temporary", &given));
    assert_eq!(failure(&by_link, "a").kind(), ErrorKind::Denied);
    let target = format!("a?role={reader}");
    assert_eq!(text(&by_link, &target), "hunter2");
    let end = by_link.0.value_end(&target).expect("the role has an end") - now();
    assert!((3300..=3660).contains(&end), "{end}");
    let settings = cloud.settings(&[("role-arn", &other)]);
    let by_connection = connect(&settings, Way::new("temporary", &given));
    assert_eq!(text(&by_connection, "a"), "hunter2");
    // the role is in the session of the next process, which asks nobody for it again
    let session = by_connection.0.session().expect("a session");
    let (_, token) = given.trim_end().split_once("TOKEN=").expect("the token stands last");
    assert!(
        !contains(session.state.expose_secret(), token.as_bytes()),
        "what is kept elsewhere is not in it"
    );
    let next = connect(&settings, Way::new("temporary", "").after(Some(session.state)));
    assert_eq!(text(&next, "a"), "hunter2");
    assert!(next.0.session().is_none());
}

#[test]
fn who_one_is_in_a_role() {
    let Some(cloud) = Cloud::start(Emulator::Ministack) else { return };
    cloud.create("a", "hunter2");
    let role = cloud.aws.role("reader", &policy(READ, "*"));
    let (id, secret) = cloud.aws.user("ada", "");
    let settings = cloud.settings(&[("access-key-id", &id), ("role-arn", &role), ("external-id", "an id")]);
    let connected = connect(&settings, Way::new("keys", &secret));
    let who = connected.0.describe().expect("who one is").who;
    assert!(who.contains(":assumed-role/reader/subrosa"), "{who}");
    assert_eq!(text(&connected, "a"), "hunter2");
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("before the end")
}
