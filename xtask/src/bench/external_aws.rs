//! The same of AWS Secrets Manager, as ministack emulates it.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::contest::command;
use super::external::{SECRETS, VALUE, contend, file, link, relay};
use super::home::Home;
use super::prepare;
use super::server::Server;
use crate::backends;
use crate::process::is_installed;

const REGION: &str = "eu-central-1";

/// References to a hundred secrets in one request: cold, warm, local. There is no TLS, whose handshake is one round trip more.
pub(super) fn measure(folder: &Path, subrosa: &Path) -> Result<(), String> {
    let Some(aws) = Ministack::start(&folder.join("ministack"))? else {
        println!("\nAWS: skipped; `cargo xtask backends` installs ministack");
        return Ok(());
    };
    let near = Home::made(&folder.join("aws-near"), subrosa)?;
    let far = Home::made(&folder.join("aws-far"), subrosa)?;
    let server = Server::start().map_err(|error| error.to_string())?;
    for number in 0..SECRETS {
        let secret = format!(r#"{{"Name":"s{number}","SecretString":"{{\"key\":\"{VALUE}\"}}"}}"#);
        aws.post("CreateSecret", &secret)?;
    }
    let late = format!("http://{}", relay(aws.port).map_err(|error| error.to_string())?);
    let key = file(&far, "access-key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")?;
    let place = ["--region", REGION, "--endpoint", &late, "--sts-endpoint", &late, "--insecure-http"];
    let login = ["--access-key-id", "AKIAIOSFODNN7EXAMPLE", "--credential-file", &key, "--keep", "vault"];
    far.run(&[&["connect", "aws", "prod"], &place[..], &login].concat())?;
    link(&near, &far, |number| format!("prod:s{number}#key"))?;
    contend("AWS", &near, &far, &server)
}

/// The emulator that `cargo xtask backends` installs.
struct Ministack {
    process: Child,
    port: u16,
}

impl Ministack {
    fn start(folder: &Path) -> Result<Option<Self>, String> {
        let program = backends::folder().join("ministack/bin/ministack");
        if !program.is_file() || !is_installed("curl") {
            return Ok(None);
        }
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.map_err(|error| error.to_string())?.port();
        let mut server = Command::new(program);
        server.env("GATEWAY_PORT", port.to_string()).env("BIND_HOST", "127.0.0.1").env("HOME", folder);
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = server.spawn().map_err(|error| format!("ministack: {error}"))?;
        let started = Self { process, port };
        for _ in 0..200 {
            if started.post("ListSecrets", "{}").is_ok() {
                return Ok(Some(started));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err("ministack does not start".to_owned())
    }

    fn post(&self, action: &str, json: &str) -> Result<(), String> {
        let mut curl = command(Path::new("curl"), &["-q", "-s", "-f", "--noproxy", "*", "--data-raw", json]);
        let scope = format!("testing/20260101/{REGION}/secretsmanager/aws4_request");
        let signed =
            format!("Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let target = format!("X-Amz-Target: secretsmanager.{action}");
        for header in [&signed, &target, "Content-Type: application/x-amz-json-1.1"] {
            curl.args(["-H", header]);
        }
        prepare(curl.arg(format!("http://127.0.0.1:{}/", self.port)))
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
