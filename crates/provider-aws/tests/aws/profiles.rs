//! Profiles of the shared files, workloads and machines.

use subrosa_provider::{ErrorKind, System as _};
use subrosa_provider_aws::Aws;
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, Captured, Emulator, Folder};

use crate::cloud::{Cloud, Way, connect, failure, policy, text};

const READ: &str = "secretsmanager:GetSecretValue secretsmanager:BatchGetSecretValue";

/// A profile of each kind that needs nobody, all leading to the same secret.
#[test]
fn profiles_lead_to_credentials_as_they_say() {
    let Some(cloud) = Cloud::start(Emulator::Ministack) else { return };
    cloud.create("a", "hunter2");
    let (id, key) = cloud.aws.user("ada", "");
    let role = cloud.aws.role("reader", &policy(READ, "*"));
    let folder = Folder::new();
    let token = folder.write("token", "eyJhbGciOiJub25lIn0.e30.\n");
    let printed = format!(r#"{{"Version":1,"AccessKeyId":"{id}","SecretAccessKey":"{key}"}}"#);
    let process = folder.write("printed", printed);
    let config = format!(
        "[default]\nregion = us-east-1\ncredential_process = false\n\
         [profile main]\nregion = eu-central-1\nrole_arn = {role}\nsource_profile = keys\nexternal_id = x\n\
         [profile process]\ncredential_process = cat '{}'\n\
         [profile pod]\nrole_arn = {role}\nweb_identity_token_file = {}\n\
         [profile chain]\nrole_arn = {role}\nsource_profile = main\n\
         [profile self]\nrole_arn = {role}\nsource_profile = self\n\
         [profile loop]\nrole_arn = {role}\nsource_profile = pool\n\
         [profile pool]\nrole_arn = {role}\nsource_profile = loop\n\
         [profile guarded]\nrole_arn = {role}\nsource_profile = keys\nmfa_serial = arn:aws:iam::123456789012:mfa/ada\n\
         [profile environment]\nrole_arn = {role}\ncredential_source = Environment\n\
         [profile odd]\nrole_arn = {role}\n",
        process.display(),
        token.display(),
    );
    let keys = format!("aws_access_key_id = {id}\naws_secret_access_key = {key}\n");
    let credentials = folder.write("credentials", format!("[keys]\n{keys}[self]\n{keys}"));
    let config = folder.write("config", config);
    let files = [
        ("config-file", config.to_str().expect("text")),
        ("credentials-file", credentials.to_str().expect("text")),
    ];
    let by = |more: &[(&str, &str)]| {
        connect(&cloud.settings(&[&files[..], more].concat()), Way::new("profile", ""))
    };
    let usual = by(&[]);
    assert_eq!(text(&usual, "a"), "hunter2");
    let who = usual.0.describe().expect("who one is").who;
    assert!(who.contains(":assumed-role/reader/subrosa"), "main comes before default: {who}");
    for name in ["keys", "process", "pod", "chain", "self"] {
        let provider = by(&[("aws-profile", name)]);
        assert_eq!(text(&provider, "a"), "hunter2", "{name}");
        // what has an end is kept until then, what stands in a file is not
        assert_eq!(provider.0.session().is_some(), !["keys", "process"].contains(&name), "{name}");
    }
    for (name, kind, says) in [
        ("loop", ErrorKind::BadSettings, "lead back"),
        ("guarded", ErrorKind::Expired, "second factor"),
        ("environment", ErrorKind::BadSettings, "not read"),
        ("odd", ErrorKind::BadSettings, "which credentials"),
        ("none", ErrorKind::BadSettings, "none of that name"),
    ] {
        let error = failure(&by(&[("aws-profile", name)]), "a");
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn the_region_of_a_profile_is_the_connections() {
    let folder = Folder::new();
    let config =
        folder.write("config", "[default]\nregion = eu-west-3\n[profile odd]\nregion = evil.example.com/\n");
    let nothing = folder.write("credentials", "");
    let (config, nothing) = (config.to_str().expect("text"), nothing.to_str().expect("text"));
    let server = CaptureServer::start(CaptureOptions::tls().answering(|_, _| Answer::status(500)));
    let (url, ca) = (server.url(""), server.ca_path());
    let by = |profile: &str| {
        let all = [
            ("endpoint", url.as_str()),
            ("sts-endpoint", &url),
            ("ca", ca.to_str().expect("text")),
            ("config-file", config),
            ("credentials-file", nothing),
            ("aws-profile", profile),
        ];
        connect(&Aws.settle(all.into_iter().collect()).expect("settings"), Way::new("profile", ""))
    };
    let error = failure(&by("odd"), "a");
    assert_eq!((error.kind(), error.hint()), (ErrorKind::BadSettings, Some("--region REGION says which")));
    assert!(failure(&by("default"), "a").to_string().contains("no credentials"), "the region is there");
}

/// A pod's token: what STS is told, and what is kept of it.
#[test]
fn a_workload_gets_the_role_of_its_token() {
    let Some(cloud) = Cloud::start(Emulator::Ministack) else { return };
    cloud.create("a", "hunter2");
    let role = cloud.aws.role("reader", &policy(READ, "*"));
    let folder = Folder::new();
    let token = folder.write("token", "eyJhbGciOiJub25lIn0.e30.\n");
    let file = token.to_str().expect("text");
    let settings = cloud.settings(&[("role-arn", &role), ("token-file", file)]);
    let provider = connect(&settings, Way::new("web-identity", ""));
    assert_eq!(text(&provider, "a"), "hunter2");
    assert!(provider.0.session().is_some());
    folder.write("token", "two words");
    let error = failure(&connect(&settings, Way::new("web-identity", "")), "a");
    assert_eq!(error.kind(), ErrorKind::BadSettings);
    assert!(!error.to_string().contains("two words"), "{error}");
}

/// IMDSv2 as the EC2 User Guide describes it: a token for a PUT, the role's name, its credentials.
#[test]
fn a_machine_gives_its_role_for_a_token_alone() {
    let Some(cloud) = Cloud::start(Emulator::Ministack) else { return };
    cloud.create("a", "hunter2");
    let (id, key) = cloud.aws.user("ada", "");
    let answer = move |_: usize, request: &Captured| match (request.method.as_str(), request.target.as_str())
    {
        ("PUT", "/latest/api/token") => {
            Answer::ok("a-token-of-the-machine").with("x-aws-ec2-metadata-token-ttl-seconds", "21600")
        }
        ("GET", _) if request.header("x-aws-ec2-metadata-token") != [b"a-token-of-the-machine"] => {
            Answer::status(401)
        }
        ("GET", "/latest/meta-data/iam/security-credentials/") => Answer::ok("reader"),
        ("GET", "/latest/meta-data/iam/security-credentials/reader") => Answer::ok(format!(
            r#"{{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"{id}","SecretAccessKey":"{key}","Token":"t","Expiration":"2099-01-01T00:00:00Z","LastUpdated":"2026-01-01T00:00:00Z"}}"#
        )),
        _ => Answer::status(404),
    };
    let machine = CaptureServer::start(CaptureOptions::default().answering(answer));
    let settings = cloud.settings(&[("metadata-endpoint", &machine.url(""))]);
    let provider = connect(&settings, Way::new("instance", ""));
    assert_eq!(text(&provider, "a"), "hunter2");
    assert_eq!(provider.0.session_end(), Some(4_070_908_800));
    let deaf = CaptureServer::start(CaptureOptions::default().answering(|_, _| Answer::status(404)));
    let settings = cloud.settings(&[("metadata-endpoint", &deaf.url(""))]);
    let error = failure(&connect(&settings, Way::new("instance", "")), "a");
    assert!(matches!(error.kind(), ErrorKind::NotConnected | ErrorKind::Unavailable), "{error}");
}
