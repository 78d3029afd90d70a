//! What is written, and what there is to be linked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use subrosa_provider::{ErrorKind, ProviderError, WriteMode};
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, Captured, Emulator};

use crate::cloud::{Cloud, KEY_ID, Known, SECRET, Way, connect, policy, secret, settings, text};
use crate::hostile::SESSION;

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

/// AWS refuses to move a label from a version that it is not at (UpdateSecretVersionStage, `RemoveFromVersionId`).
#[test]
fn what_somebody_else_writes_meanwhile_is_not_lost() {
    let (read, put) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let (reads, puts) = (Arc::clone(&read), Arc::clone(&put));
    let answer = move |_: usize, request: &Captured| {
        let action = request.header("x-amz-target");
        let action =
            action.first().map(|action| String::from_utf8_lossy(action).into_owned()).unwrap_or_default();
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
        match action.rsplit('.').next().unwrap_or_default() {
            "GetSecretValue" => {
                let number = reads.fetch_add(1, Ordering::SeqCst) + 1;
                let text = format!(r#"{{"mine":"old","theirs":"{number}"}}"#);
                json(
                    serde_json::json!({ "Name": "app", "VersionId": format!("v{number}"), "SecretString": text }),
                )
            }
            "PutSecretValue" => {
                assert_eq!(body["VersionStages"], serde_json::json!(["SUBROSAPENDING"]));
                let mut puts = puts.lock().expect("nobody panicked");
                puts.push(body["SecretString"].as_str().expect("text").to_owned());
                json(serde_json::json!({ "Name": "app", "VersionId": format!("n{}", puts.len()) }))
            }
            "UpdateSecretVersionStage"
                if body["VersionStage"] == "AWSCURRENT" && body["RemoveFromVersionId"] == "v1" =>
            {
                Answer::status(400).with_body(
                    r#"{"__type":"InvalidParameterException","Message":"it is attached to another"}"#,
                )
            }
            "UpdateSecretVersionStage" => json(serde_json::json!({ "Name": "app" })),
            _ => Answer::ok(SESSION),
        }
    };
    let server = CaptureServer::start(CaptureOptions::tls().answering(answer));
    let ca = server.ca_path();
    let settings = settings(&server.url(""), ca.to_str().expect("text"), &[("access-key-id", KEY_ID)]);
    let user = connect(&settings, Way::new("keys", SECRET));
    write(&user, "app#mine", "new", WriteMode::Replace).expect("written");
    let put = put.lock().expect("nobody panicked");
    assert_eq!(*put, [r#"{"mine":"new","theirs":"1"}"#, r#"{"mine":"new","theirs":"2"}"#]);
}

fn json(body: serde_json::Value) -> Answer {
    Answer::ok(body.to_string()).with("Content-Type", "application/x-amz-json-1.1")
}
