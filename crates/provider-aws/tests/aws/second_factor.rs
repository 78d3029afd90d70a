//! The code of a second factor.

use std::sync::Mutex;

use subrosa_provider::{ErrorKind, Person, ProviderError, Settings};
use subrosa_secret::SecretValue;
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, Captured, Emulator};

use crate::cloud::{Cloud, KEY_ID, SECRET, Way, connect, failure, policy, secret, settings, text};
use crate::hostile::SESSION;

/// Somebody who types this, and what they were asked.
struct Typist {
    code: &'static str,
    asked: Mutex<Vec<String>>,
}

impl Person for Typist {
    fn tell(&self, _: &str) {}

    fn open(&self, _: &str) {}

    fn ask(&self, what: &str) -> Result<SecretValue, ProviderError> {
        self.asked.lock().expect("nobody panicked").push(what.to_owned());
        Ok(secret(self.code))
    }
}

fn typist(code: &'static str) -> &'static Typist {
    Box::leak(Box::new(Typist { code, asked: Mutex::default() }))
}

/// AWS as its documentation of ListMFADevices and GetSessionToken has it, with these devices.
fn account(devices: &'static [&'static str]) -> CaptureServer {
    let members: String = devices
        .iter()
        .map(|serial| format!("<member><SerialNumber>{serial}</SerialNumber></member>"))
        .collect();
    let list = format!(
        "<ListMFADevicesResponse><ListMFADevicesResult><MFADevices>{members}</MFADevices></ListMFADevicesResult></ListMFADevicesResponse>"
    );
    let answer = move |_: usize, request: &Captured| match () {
        () if request.contains("ListMFADevices") => Answer::ok(list.clone()),
        () if request.contains("GetSessionToken") => Answer::ok(SESSION),
        () => Answer::ok(r#"{"ARN":"x","Name":"a","SecretString":"hunter2"}"#),
    };
    CaptureServer::start(CaptureOptions::tls().answering(answer))
}

fn settings_for(server: &CaptureServer) -> Settings {
    let ca = server.ca_path();
    settings(&server.url(""), ca.to_str().expect("text"), &[("access-key-id", KEY_ID), ("mfa", "")])
}

#[test]
fn the_device_is_found_and_its_code_is_asked_for_once_a_session() {
    let server =
        account(&["arn:aws:iam::123456789012:u2f/user/ada/key", "arn:aws:iam::123456789012:mfa/ada"]);
    let settings = settings_for(&server);
    let ada = typist("123456");
    let first = connect(&settings, Way { person: Some(ada), ..Way::new("keys", SECRET) });
    assert_eq!(text(&first, "a"), "hunter2");
    assert_eq!(text(&first, "a"), "hunter2");
    assert_eq!(*ada.asked.lock().expect("nobody panicked"), ["code of arn:aws:iam::123456789012:mfa/ada"]);
    let sent = server.requests();
    assert!(sent[0].contains("Action=ListMFADevices&Version=2010-05-08") && !sent[0].contains("UserName"));
    assert!(sent[1].contains("SerialNumber=arn%3Aaws%3Aiam%3A%3A123456789012%3Amfa%2Fada&TokenCode=123456"));
    let session = first.0.session().expect("a session");
    let next = connect(&settings, Way::new("keys", SECRET).after(Some(session.state)));
    assert_eq!(text(&next, "a"), "hunter2");
    // a lookup has nobody to ask
    let error = failure(&connect(&settings, Way::new("keys", SECRET)), "a");
    assert_eq!(error.kind(), ErrorKind::Expired);
    assert!(error.to_string().contains("second factor"), "{error}");
    let wrong = typist("12345x");
    let error = failure(&connect(&settings, Way { person: Some(wrong), ..Way::new("keys", SECRET) }), "a");
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::BadSettings, "a code has six digits"));
}

#[test]
fn several_devices_have_to_be_told_apart() {
    let server = account(&["arn:aws:iam::123456789012:mfa/one", "arn:aws:iam::123456789012:mfa/two"]);
    let ada = typist("123456");
    let connected = connect(&settings_for(&server), Way { person: Some(ada), ..Way::new("keys", SECRET) });
    let error = failure(&connected, "a");
    assert_eq!((error.kind(), error.hint()), (ErrorKind::BadSettings, Some("--mfa-serial ARN says which")));
    assert!(ada.asked.lock().expect("nobody panicked").is_empty());
}

/// The request that is signed here is taken by somebody who checks. moto wants a user's name in it, which AWS does not need.
#[test]
fn the_list_of_devices_is_asked_for_with_a_signature_that_holds() {
    let Some(cloud) = Cloud::start(Emulator::Moto) else { return };
    let (id, key) = cloud.aws.user("ada", &policy("*", "*"));
    cloud.aws.check_signatures();
    let settings = cloud.settings(&[("access-key-id", &id), ("mfa", "")]);
    let by = |key: &str| {
        failure(&connect(&settings, Way { person: Some(typist("123456")), ..Way::new("keys", key) }), "a")
    };
    assert_eq!(by(&key).to_string(), "ListMFADevices: there is nothing of that name");
    assert_eq!(by(SECRET).kind(), ErrorKind::Denied);
}

#[test]
fn without_a_device_there_is_no_code() {
    let Some(cloud) = Cloud::start(Emulator::Ministack) else { return };
    cloud.create("a", "hunter2");
    let (id, key) = cloud.aws.user("ada", "");
    let settings = cloud.settings(&[("access-key-id", &id), ("mfa", "")]);
    let ada = typist("123456");
    let found =
        connect(&settings, Way { person: Some(ada), ..Way::new("keys", &key) }).0.lookup(&"a".to_owned());
    // ministack lists a device of its own making for everybody, or none
    match found {
        Ok(value) => assert!(value.is_some_and(|value| value.expose_secret() == b"hunter2")),
        Err(error) => assert!(error.to_string().contains("no device"), "{error}"),
    }
    let named =
        cloud.settings(&[("access-key-id", &id), ("mfa-serial", "arn:aws:iam::123456789012:mfa/ada")]);
    let ada = typist("123456");
    let connected = connect(&named, Way { person: Some(ada), ..Way::new("keys", &key) });
    assert_eq!(text(&connected, "a"), "hunter2");
    assert_eq!(*ada.asked.lock().expect("nobody panicked"), ["code of arn:aws:iam::123456789012:mfa/ada"]);
}
