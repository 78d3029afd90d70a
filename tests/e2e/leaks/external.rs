//! What one logs in to an external vault with, and the session that comes of it.

use serde_json::json;
use subrosa_testkit::leak::Kind;
use subrosa_testkit::{Azure, AzureCertificate, ConnectServer, FakeOp, OpenBao, Vaults};

use super::planted::{AT_SERVER, Planted};
use crate::home::text;

#[test]
fn logins_to_a_server() {
    let Some(bao) = OpenBao::start() else { return };
    let mut planted = Planted::new();
    let password = planted.plant(Kind::Passphrase, "the password of a login");
    let token = planted.plant(Kind::Passphrase, "a token");
    let wrong = planted.plant(Kind::Passphrase, "a wrong password");
    let value = planted.plant(Kind::Value, AT_SERVER);
    let set = |path: &str, value: serde_json::Value| bao.post(path, &value.to_string());
    set(
        "sys/policies/acl/app",
        json!({ "policy": "path \"secret/*\" { capabilities = [\"create\", \"read\", \"update\", \"list\"] }" }),
    );
    set("secret/data/app", json!({ "data": { "key": value } }));
    set("sys/auth/userpass", json!({ "type": "userpass" }));
    set("auth/userpass/users/ada", json!({ "password": password, "token_policies": "app" }));
    set("auth/token/create", json!({ "id": token, "policies": ["app"], "ttl": "1h" }));
    let admin = planted.plant(Kind::Passphrase, "a token that may do everything");
    set("auth/token/create", json!({ "id": admin, "policies": ["root"] }));
    let admin = planted.write_own("admin", &admin);
    let (password, token) = (planted.write_own("password", &password), planted.write_own("token", &token));
    let wrong = planted.write_own("wrong", &wrong);
    let (address, ca, host) = (bao.address(), text(&bao.ca()), planted.stage.server.url(""));
    let by = ["--address", &address, "--ca", &ca, "--credential-file"];
    let ada = ["--auth", "userpass", "--username", "ada"];

    let connect = |name, more: &[&str]| [&["connect", "hashicorp", name], &by[..], more].concat().join(" ");
    let set_up = |file: &str, how: &str| {
        let by = [&by[..], &[file]].concat().join(" ");
        format!("connect hashicorp --setup {how} {by} --mounts secret --everybody")
    };
    let lines = [
        (set_up(&wrong, "--yes"), 100),
        (set_up(&admin, "--dry-run"), 0),
        (set_up(&admin, "--yes"), 0),
        (set_up(&admin, "--yes"), 0),
        (connect("refused", &[&[wrong.as_str()], &ada[..], &["--keep", "vault"]].concat()), 100),
        (connect("refused", &[wrong.as_str(), "--keep", "session"]), 100),
        (connect("ada", &[&[password.as_str()], &ada[..], &["--keep", "vault"]].concat()), 0),
        (connect("given", &[token.as_str(), "--keep", "session"]), 0),
        (format!("link of-ada ada:secret/app#key --host {host}"), 0),
        ("link of-token given:secret/app#key".to_owned(), 0),
        ("connections".to_owned(), 0),
        ("connections --json".to_owned(), 0),
        (format!("send -sv --mask --refresh -H X-Key:<<vault:of-ada>> {host}/"), 0),
        ("link --browse ada --search app".to_owned(), 0),
        ("push of-ada --file VALUE".to_owned(), 0),
        ("push of-ada --file BINARY".to_owned(), 1),
        ("copy NAME ada:secret/out#key".to_owned(), 0),
        ("copy NAME ada:secret/out#key".to_owned(), 1),
        ("copy ada:secret/out#key copied".to_owned(), 0),
        ("promote copied --to ada secret/app#key".to_owned(), 1),
        ("promote copied --to ada secret/moved#key".to_owned(), 0),
        ("link gone ada:secret/app#none".to_owned(), 100),
        ("link denied ada:sys/raw#key".to_owned(), 100),
        (format!("reauth ada --credential-file {wrong} --keep vault"), 100),
        ("reauth ada".to_owned(), 0),
        (format!("reauth given --credential-file {wrong} --keep session"), 100),
        ("doctor".to_owned(), 0),
        ("disconnect ada".to_owned(), 0),
        ("disconnect given".to_owned(), 0),
    ];
    let new_value = planted.write_own("value", &planted.texts.value);
    let binary = planted.write_own("binary", "");
    std::fs::write(&binary, [0xff, 0xfe]).expect("a file");
    for (line, code) in lines {
        let line =
            line.replace("NAME", &planted.texts.name).replace("VALUE", &new_value).replace("BINARY", &binary);
        let words: Vec<&str> = line.split(' ').collect();
        planted.run(&words, "", &[]).ends(code);
    }
    planted.done();
}

#[test]
fn tokens_of_1password() {
    let mut planted = Planted::new();
    let value = planted.plant(Kind::Value, AT_SERVER);
    // a token is one word
    let mut word = |label| planted.plant(Kind::Passphrase, label).replace(' ', "-");
    let wrong = word("a wrong token");
    let service = format!("ops_{}", word("a service account token"));
    let token = word("a Connect token");
    let vaults = Vaults::with(&value);
    let Some(op) = FakeOp::install(&vaults) else { return };
    op.accept(&service);
    let server = ConnectServer::start(vaults);
    server.accept(&token);
    let (connect_token, service_token) =
        (planted.write_own("connect-token", &token), planted.write_own("service-token", &service));
    let (wrong, wrong_service) =
        (planted.write_own("wrong", &wrong), planted.write_own("wrong-service", &format!("ops_{wrong}")));
    let (host, op) = (planted.stage.server.url(""), text(&op.path()));
    let by_server = format!(
        "--auth connect-server --address {} --ca {} --keep vault --credential-file",
        server.address(),
        text(&server.ca())
    );
    let lines = [
        (format!("connect onepassword refused {by_server} {wrong}"), 100),
        (format!("connect onepassword refused --op {op} --keep vault --credential-file {wrong}"), 2),
        (
            format!("connect onepassword refused --op {op} --keep vault --credential-file {wrong_service}"),
            100,
        ),
        (format!("connect onepassword work {by_server} {connect_token}"), 0),
        (format!("connect onepassword ci --op {op} --keep vault --credential-file {service_token}"), 0),
        (format!("link of-work work:op://automation/stripe/credential --host {host}"), 0),
        (format!("link of-ci ci:op://automation/stripe/credential --host {host}"), 0),
        ("connections".to_owned(), 0),
        ("connections --json".to_owned(), 0),
        (
            format!(
                "send -sv --mask --refresh -H X-Key:<<vault:of-work>> -H X-Other:<<vault:of-ci>> {host}/"
            ),
            0,
        ),
        ("link gone work:op://automation/stripe/none".to_owned(), 100),
        ("link gone ci:op://automation/twin/none".to_owned(), 2),
        (format!("reauth work --credential-file {wrong} --keep vault"), 100),
        ("reauth ci".to_owned(), 0),
        ("doctor".to_owned(), 0),
        ("disconnect work".to_owned(), 0),
        ("disconnect ci".to_owned(), 0),
    ];
    for (line, code) in lines {
        let words: Vec<&str> = line.split(' ').collect();
        planted.run(&words, "", &[]).ends(code);
    }
    planted.done();
}

#[test]
fn logins_to_azure() {
    let (azure, certificate) = (Azure::start(), AzureCertificate::new());
    let mut planted = Planted::new();
    let secret = planted.plant(Kind::Passphrase, "a client secret");
    let wrong = planted.plant(Kind::Passphrase, "a wrong secret");
    let [access, refresh] = ["an access token", "a refresh token"].map(|label| {
        data_encoding::BASE64URL_NOPAD.encode(planted.plant(Kind::Passphrase, label).as_bytes())
    });
    for (label, mark) in [("an access token's text", &access), ("a refresh token's text", &refresh)] {
        planted.add(Kind::Passphrase, label, mark.as_bytes());
    }
    let pem = std::fs::read_to_string(certificate.pem_path()).expect("a file");
    planted.add(Kind::Passphrase, "the key of an application's certificate", key_of(&pem).as_bytes());
    let value = planted.plant(Kind::Value, AT_SERVER);
    azure.client_secret(&secret);
    azure.mark_tokens(&access, &refresh);
    azure.register(&certificate);
    azure.approve_devices(true);
    azure.put("stripe-key", &value);
    let (secret, wrong) = (planted.write_own("secret", &secret), planted.write_own("wrong", &wrong));
    let pem = planted.write_own("application.pem", &pem);
    let (address, ca, host) = (azure.address(), text(&azure.ca()), planted.stage.server.url(""));
    let place = ["--key-vault", &address, "--resource", &address, "--authority", &address, "--ca", &ca];
    let who = ["--tenant", Azure::TENANT, "--client-id", Azure::CLIENT];
    let connect = |name, auth, more: &str| {
        let words = [&["connect", "azure", name, "--auth", auth], &place[..], &who].concat().join(" ");
        format!("{words} {more}").trim_end().to_owned()
    };
    let lines = [
        (connect("refused", "client-secret", &format!("--credential-file {wrong} --keep vault")), 100),
        (connect("refused", "client-certificate", &format!("--credential-file {wrong} --keep vault")), 2),
        (connect("app", "client-secret", &format!("--credential-file {secret} --keep vault")), 0),
        (connect("signed", "client-certificate", &format!("--credential-file {pem} --keep vault")), 0),
        (connect("ada", "device-code", ""), 0),
        (format!("link of-app app:stripe-key --host {host}"), 0),
        ("link of-signed signed:stripe-key".to_owned(), 0),
        (format!("link of-ada ada:stripe-key --host {host}"), 0),
        ("connections".to_owned(), 0),
        ("connections --json".to_owned(), 0),
        (format!("send -sv --mask --refresh -H X-Key:<<vault:of-ada>> {host}/"), 0),
        ("link gone app:nothing".to_owned(), 100),
        (format!("reauth app --credential-file {wrong} --keep vault"), 100),
        ("reauth signed".to_owned(), 0),
        ("doctor".to_owned(), 0),
    ];
    let run = |planted: &mut Planted, line: &str, code| {
        planted.run(&line.split(' ').collect::<Vec<_>>(), "", &[]).ends(code);
    };
    for (line, code) in lines {
        run(&mut planted, &line, code);
    }
    // the tokens are over, then what leads to others
    azure.revoke(false);
    run(&mut planted, &format!("send -sS --mask --refresh -H X-Key:<<vault:of-ada>> {host}/"), 0);
    azure.revoke(true);
    run(&mut planted, &format!("send -sS --mask --refresh -H X-Key:<<vault:of-ada>> {host}/"), 100);
    for name in ["app", "signed", "ada"] {
        run(&mut planted, &format!("disconnect {name}"), 0);
    }
    planted.done();
}

/// A line of a key in PEM, which stands for the whole of it.
fn key_of(pem: &str) -> &str {
    let key = pem.split("PRIVATE KEY-----").nth(1).expect("a key");
    key.lines().nth(5).expect("it has many lines")
}
