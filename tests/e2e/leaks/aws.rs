//! What one logs in to AWS with, and the session that comes of it.

use serde_json::json;
use subrosa_testkit::leak::Kind;
use subrosa_testkit::{AwsEmulator, Emulator};

use super::planted::{AT_SERVER, Planted};
use crate::home::text;

#[test]
fn logins_to_aws() {
    let Some(aws) = AwsEmulator::start(Emulator::Moto) else { return };
    let mut planted = Planted::new();
    // keys are one word
    let mut word = |label| planted.plant(Kind::Passphrase, label).replace(' ', "-");
    let (key, token) = (word("a secret access key"), word("a session token"));
    let other = word("the key of a session");
    let value = planted.plant(Kind::Value, AT_SERVER);
    let version = "00000000-0000-4000-8000-000000000001";
    let create = json!({ "Name": "app", "SecretString": json!({ "key": value }).to_string(), "ClientRequestToken": version });
    aws.secrets("CreateSecret", &create.to_string());
    let (id, _) = aws.user("ada", "");
    let temporary =
        json!({ "Version": 1, "AccessKeyId": id, "SecretAccessKey": other, "SessionToken": token });
    let ended = json!({ "AccessKeyId": id, "SecretAccessKey": other, "SessionToken": token, "Expiration": "2020-01-01T00:00:00Z" });
    let (key, temporary) =
        (planted.write_own("aws-key", &key), planted.write_own("temporary", &temporary.to_string()));
    let (broken, ended) = (
        planted.write_own("broken", &format!("{{\"{other}")),
        planted.write_own("ended", &ended.to_string()),
    );
    let (address, ca, host) = (aws.address(), text(&aws.ca()), planted.stage.server.url(""));
    let place =
        ["--region", AwsEmulator::REGION, "--endpoint", &address, "--sts-endpoint", &address, "--ca", &ca];

    let connect = |name, more: &[&str]| [&["connect", "aws", name], &place[..], more].concat().join(" ");
    let by_key = ["--access-key-id", id.as_str(), "--keep", "vault", "--credential-file", key.as_str()];
    let by_token = |file| ["--auth", "temporary", "--keep", "vault", "--credential-file", file];
    let lines = [
        (
            connect(
                "refused",
                &["--access-key-id", "short", "--credential-file", key.as_str(), "--keep", "vault"],
            ),
            2,
        ),
        (connect("refused", &by_token(broken.as_str())), 2),
        (connect("refused", &by_token(ended.as_str())), 100),
        (connect("ada", &by_key), 0),
        (connect("given", &by_token(temporary.as_str())), 0),
        (format!("link of-ada ada:app#key --host {host}"), 0),
        ("link of-token given:app".to_owned(), 0),
        ("connections".to_owned(), 0),
        ("connections --json".to_owned(), 0),
        (format!("send -sv --mask --refresh -H X-Key:<<vault:of-ada>> {host}/"), 0),
        ("link --browse ada --search app".to_owned(), 0),
        ("copy NAME ada:out".to_owned(), 0),
        ("copy NAME ada:out".to_owned(), 1),
        ("link gone ada:app#none".to_owned(), 100),
        ("link wrong ada:app#".to_owned(), 2),
        ("push of-token --file VALUE".to_owned(), 0),
        ("reauth ada".to_owned(), 0),
        (format!("reauth given --credential-file {ended} --keep vault"), 100),
        ("doctor".to_owned(), 0),
        ("disconnect ada".to_owned(), 0),
        ("disconnect given".to_owned(), 0),
    ];
    let new_value = planted.write_own("value", &planted.texts.value);
    for (line, code) in lines {
        let line = line.replace("NAME", &planted.texts.name).replace("VALUE", &new_value);
        let words: Vec<&str> = line.split(' ').collect();
        planted.run(&words, "", &[]).ends(code);
    }
    planted.done();
}
