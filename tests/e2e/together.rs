//! Secrets of all external vaults in one request.

use serde_json::json;
use subrosa_testkit::{AwsEmulator, Azure, ConnectServer, Emulator, OpenBao, Vaults};

use crate::home::{Run, text};
use crate::stage::Stage;

/// The connections by name, what each has under a name of its own, and the value.
const LINKS: [(&str, &str, &str); 4] = [
    ("aws", "aws:prod/app#key", "of-aws-5b1e"),
    ("azure", "azure:stripe-key", "of-azure-77c0"),
    ("bao", "bao:secret/app#key", "of-bao-e2d4"),
    ("work", "work:op://Automation/Stripe/credential", "of-work-19af"),
];

struct Systems {
    aws: AwsEmulator,
    azure: Azure,
    bao: OpenBao,
    work: ConnectServer,
}

impl Systems {
    /// One secret in each.
    fn start() -> Option<Self> {
        let [(_, _, of_aws), (_, _, of_azure), (_, _, of_bao), (_, _, of_work)] = LINKS;
        let (aws, bao) = (AwsEmulator::start(Emulator::Moto)?, OpenBao::start()?);
        let secret = json!({ "key": of_aws }).to_string();
        let secret = json!({ "Name": "prod/app", "SecretString": secret, "ClientRequestToken": "00000000-0000-4000-8000-000000000001" });
        aws.secrets("CreateSecret", &secret.to_string());
        bao.post("secret/data/app", &json!({ "data": { "key": of_bao } }).to_string());
        let azure = Azure::start();
        azure.put("stripe-key", of_azure);
        Some(Self { aws, azure, bao, work: ConnectServer::start(Vaults::with(of_work)) })
    }

    /// Connects each under its name; nothing but its session is kept of that which is to end.
    fn connect(&self, stage: &Stage) {
        let connect = |words: &[&str], credential: &str| {
            stage.home.feed(&[&["connect"], words].concat(), credential).ok();
        };
        let (id, key) = self.aws.user("ada", "");
        let (address, ca) = (self.aws.address(), text(&self.aws.ca()));
        let place = ["--region", AwsEmulator::REGION, "--endpoint", &address, "--sts-endpoint", &address];
        let way = ["aws", "aws", "--access-key-id", &id, "--ca", &ca, "--keep", "vault"];
        connect(&[&way[..], &place].concat(), &key);
        let (address, ca) = (self.azure.address(), text(&self.azure.ca()));
        let place = ["--key-vault", &address, "--resource", &address, "--authority", &address, "--ca", &ca];
        let who = ["--tenant", Azure::TENANT, "--client-id", Azure::CLIENT, "--keep", "session"];
        let way = ["azure", "azure", "--auth", "client-secret"];
        connect(&[&way[..], &place, &who].concat(), Azure::SECRET);
        let (address, ca) = (self.bao.address(), text(&self.bao.ca()));
        connect(&["hashicorp", "bao", "--address", &address, "--ca", &ca, "--keep", "vault"], OpenBao::ROOT);
        let (address, ca) = (self.work.address(), text(&self.work.ca()));
        let way = ["onepassword", "work", "--auth", "connect-server", "--keep", "vault"];
        connect(&[&way[..], &["--address", &address, "--ca", &ca]].concat(), ConnectServer::TOKEN);
    }
}

fn send(stage: &Stage, words: &[&str]) -> Run {
    let headers = LINKS.map(|(name, _, _)| format!("X-{name}: <<vault:of-{name}>>"));
    let headers = headers.iter().flat_map(|header| ["-H", header.as_str()]);
    let words: Vec<&str> = ["-s", "-S"].into_iter().chain(headers).chain(words.iter().copied()).collect();
    stage.send_here(&words, "/")
}

#[test]
fn one_request_takes_secrets_from_all_of_them_or_is_not_sent() {
    let Some(systems) = Systems::start() else { return };
    let stage = Stage::new();
    systems.connect(&stage);
    for (name, target, _) in LINKS {
        stage.home.run(&["link", &format!("of-{name}"), target, "--host", &stage.origin()]).ok();
    }
    for words in [&["--refresh"][..], &[]] {
        send(&stage, words).ok();
    }
    let sent = stage.server.requests();
    assert_eq!(sent.len(), 2);
    for request in &sent {
        for (name, _, value) in LINKS {
            assert_eq!(request.header(&format!("x-{name}")), [value.as_bytes()], "{name}");
        }
    }
    let values = LINKS.map(|(_, _, value)| value.as_bytes());
    assert!(stage.home.files_with(&values).is_empty());

    // one session that is over keeps all of it back
    systems.azure.revoke(false);
    let run = send(&stage, &["--refresh"]).ends(100);
    assert!(run.err.contains("<<vault:of-azure>>") && run.err.contains("nothing was sent"), "{run}");
    assert_eq!(run.hints(), ["subrosa reauth azure"]);
    for (name, _, value) in LINKS {
        assert!(!run.shows(value), "{name}: {run}");
    }
    assert_eq!(stage.server.requests().len(), 2);
    stage.home.feed(&["reauth", "azure", "--keep", "session"], Azure::SECRET).ok();
    send(&stage, &["--refresh"]).ok();

    // from one vault to another
    stage.home.run(&["copy", LINKS[2].1, "azure:copied"]).ok();
    assert_eq!(systems.azure.value("copied").as_deref(), Some(LINKS[2].2));
    stage.home.run(&["copy", "of-work", "aws:copied"]).ok();
    stage.home.run(&["copy", "aws:copied", "here"]).ok();
    assert_eq!(stage.home.run(&["get", "here"]).ok().text(), LINKS[3].2);
}
