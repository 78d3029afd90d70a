//! Secrets of AWS, as moto emulates it: connected, linked, sent, and what is left of the login.

use serde_json::json;
use subrosa_testkit::{Answer, AwsEmulator, CaptureOptions, CaptureServer, Captured, Emulator};

use crate::home::{Home, Run, text};
use crate::stage::{Stage, VALUE};

/// AWS with one secret and one user: the id and the secret part of her access key.
fn account() -> Option<(AwsEmulator, String, String)> {
    let aws = AwsEmulator::start(Emulator::Moto)?;
    let secret = json!({ "key": VALUE, "other": "of the same secret" }).to_string();
    let secret = json!({ "Name": "prod/app", "SecretString": secret, "ClientRequestToken": "00000000-0000-4000-8000-000000000001" });
    aws.secrets("CreateSecret", &secret.to_string());
    let (id, key) = aws.user("ada", "");
    Some((aws, id, key))
}

/// Connects `prod` by her access key, which comes from standard input.
fn connect(home: &Home, aws: &AwsEmulator, id: &str, key: &str, words: &[&str]) -> Run {
    let (address, ca) = (aws.address(), text(&aws.ca()));
    let place =
        ["--region", AwsEmulator::REGION, "--endpoint", &address, "--sts-endpoint", &address, "--ca", &ca];
    home.feed(
        &[&["connect", "aws", "prod", "--access-key-id", id], &place[..], words].concat(),
        format!("{key}\n"),
    )
}

#[test]
fn a_secret_of_aws_is_sent_by_one_login() {
    let Some((aws, id, key)) = account() else { return };
    let stage = Stage::new();
    connect(&stage.home, &aws, &id, &key, &["--keep", "vault"]).ok();
    stage.home.run(&["link", "key", "prod:prod/app?stage=AWSCURRENT#key", "--host", &stage.origin()]).ok();
    let link = stage.home.run(&["link", "key", "--json"]).ok().json();
    assert_eq!(link["target"], "prod/app#key");
    for words in [&["--refresh"][..], &["--no-cache"], &[]] {
        stage.send_here(&[&["-s", "-S", "-H", "X-Key: <<vault:key>>"], words].concat(), "/").ok();
    }
    let sent = stage.server.requests();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|request| request.header("x-key") == [VALUE.as_bytes()]));

    let report = stage.home.run(&["connections", "--json"]).ok().json();
    let prod = &report["connections"][0];
    assert_eq!(
        (&prod["state"], &prod["auth"], &prod["kept"]),
        (&json!("ready"), &json!("keys"), &json!("vault"))
    );
    assert!(prod["who"].as_str().is_some_and(|who| who.starts_with("arn:aws:")), "{prod}");
    assert!(prod["expires"].is_string(), "a session of two hours");
    assert!(stage.home.files_with(&[VALUE.as_bytes(), key.as_bytes()]).is_empty());

    stage
        .home
        .run(&["link", "gone", "prod:prod/none#key"])
        .ends(100)
        .says("prod has nothing named prod/none#key");
    stage.home.run(&["link", "odd", "prod:prod/app?state=x"]).ends(2).says("neither stage, version nor role");
    stage.home.run(&["disconnect", "prod"]).ok();
    stage.send_here(&["-s", "-S", "-H", "X-Key: <<vault:key>>"], "/").ends(100).says("prod was disconnected");
}

/// What the environment says for other programs that ask AWS changes nothing here.
#[test]
fn hostile_h83_no_variable_of_the_environment_changes_a_connection() {
    let Some((aws, id, key)) = account() else { return };
    let mut stage = Stage::new();
    connect(&stage.home, &aws, &id, &key, &["--keep", "session"]).ok();
    stage.home.run(&["link", "key", "prod:prod/app#key"]).ok();
    let elsewhere = CaptureServer::start(CaptureOptions::default());
    let url = elsewhere.url("");
    let variables = [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        "AWS_ENDPOINT_URL_STS",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
    ];
    for name in variables {
        stage.home.set(name, &url);
    }
    for (name, value) in [
        ("AWS_PROFILE", "none"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ] {
        stage.home.set(name, value);
    }
    assert_eq!(stage.home.run(&["get", "key", "--refresh"]).ok().text(), VALUE);
    assert_eq!((elsewhere.connections(), elsewhere.requests().len()), (0, 0));
}

/// IAM Identity Center: the portal as its API reference has it, and the file that `aws sso login` leaves behind.
#[test]
fn a_profile_of_identity_center_gives_its_role_while_its_token_lasts() {
    let Some((aws, id, key)) = account() else { return };
    let mut stage = Stage::new();
    let role = json!({ "roleCredentials": { "accessKeyId": id, "secretAccessKey": key, "sessionToken": "t", "expiration": 4_070_908_800_000_i64 } });
    let answer = move |_: usize, request: &Captured| match request.header("x-amz-sso_bearer_token").as_slice()
    {
        [b"a-token-of-the-portal"] => Answer::ok(role.to_string()).with("Content-Type", "application/json"),
        [_] => Answer::status(401),
        _ => Answer::ok(CALLER).with("Content-Type", "text/xml"),
    };
    let portal = CaptureServer::start(CaptureOptions::tls().answering(answer));
    let both = [aws.ca(), portal.ca_path()].map(|file| std::fs::read_to_string(file).expect("a CA")).concat();
    let (ca, url) = (text(&stage.home.write("ca.pem", both)), portal.url(""));
    stage.home.set("AWS_ENDPOINT_URL_SSO", &url);
    stage.home.set("HOME", stage.home.work());
    let token = |word: &str| {
        let folder = stage.home.work().join(".aws/sso/cache");
        std::fs::create_dir_all(&folder).expect("a folder");
        let json = json!({ "accessToken": word, "expiresAt": "2099-01-01T00:00:00Z", "startUrl": START, "region": "eu-central-1" });
        std::fs::write(folder.join(TOKEN_FILE), json.to_string()).expect("a file");
    };
    token("a-token-of-the-portal");
    let config = format!(
        "[profile center]\nsso_start_url = {START}\nsso_region = eu-central-1\nsso_account_id = 123456789012\nsso_role_name = reader\nregion = eu-central-1\n"
    );
    std::fs::write(stage.home.work().join(".aws/config"), config).expect("a file");
    let address = aws.address();
    let connect = |name: &str| {
        let way = ["connect", "aws", name, "--auth", "profile", "--aws-profile", "center", "--ca", &ca];
        stage.home.run(&[&way[..], &["--endpoint", &address, "--sts-endpoint", &url]].concat())
    };
    connect("prod").ok();
    stage.home.run(&["link", "key", "prod:prod/app#key"]).ok();
    assert_eq!(stage.home.run(&["get", "key", "--refresh"]).ok().text(), VALUE);
    let asked = portal.requests();
    assert!(asked[0].target.starts_with("/federation/credentials?") && asked[0].contains("role_name=reader"));
    let portal_was_asked = asked.iter().filter(|request| request.contains("/federation/")).count();
    assert_eq!(portal_was_asked, 1, "the role's keys are kept, sealed, until they end");

    token("a-token-that-was-taken-back");
    let run = connect("revoked").ends(100).says("it is over, or never began");
    assert_eq!(run.hints(), ["aws sso login --profile center"], "{run}");
    let elsewhere = CaptureServer::start(CaptureOptions::tls());
    stage.home.set("AWS_ENDPOINT_URL_SSO", elsewhere.url(""));
    let way = ["connect", "aws", "astray", "--auth", "profile", "--aws-profile", "center", "--ca", &ca];
    let run = stage.home.run(&[&way[..], &["--endpoint", &address, "--sts-endpoint", &url]].concat());
    run.ends(2).says("another address than AWS's");
    assert_eq!(elsewhere.connections(), 0, "the portal's token went nowhere else");
}

const START: &str = "https://example.awsapps.com/start";
/// The SHA-1 of the start URL is what the file is called.
const TOKEN_FILE: &str = "e8be5486177c5b5392bd9aa76563515b29358e6e.json";
const CALLER: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
<Arn>arn:aws:sts::123456789012:assumed-role/reader/ada</Arn><UserId>x</UserId><Account>123456789012</Account>\
</GetCallerIdentityResult></GetCallerIdentityResponse>";
