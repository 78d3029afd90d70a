//! Emulators of AWS of a test's own: moto, which checks signatures and policies, and ministack. They differ in their faults.

use std::path::PathBuf;
use std::process::Command;

use crate::backends::environment;
use crate::http_server::CertificateFault;
use crate::http_server::certificates::Certificates;
use crate::needs;
use crate::service::{Service, free_port, wait_until};

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emulator {
    /// `moto_server`. Its signature checks are off until [`AwsEmulator::check_signatures`].
    Moto,
    /// `ministack`, which takes every signature.
    Ministack,
}

/// Secrets Manager, STS and IAM at one address over TLS, with nothing in it. It ends with the value.
pub struct AwsEmulator {
    port: u16,
    certificates: Certificates,
    _server: Service,
}

impl AwsEmulator {
    /// The region that tests are in.
    pub const REGION: &str = "eu-central-1";

    /// Starts one; `None` where it is not installed: the test is then to return.
    ///
    /// # Panics
    /// In CI, where it is not installed; and when it does not start.
    #[must_use]
    pub fn start(which: Emulator) -> Option<Self> {
        let python = match which {
            Emulator::Moto => environment("moto")?,
            Emulator::Ministack => environment("ministack")?,
        };
        if !needs(&["curl"]) {
            return None;
        }
        // somebody else may take a port in between
        for _ in 0..3 {
            if let Some(started) = Self::try_start(which, &python) {
                return Some(started);
            }
        }
        panic!("{which:?} does not start");
    }

    fn try_start(which: Emulator, python: &std::path::Path) -> Option<Self> {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificates = Certificates::new(&names, CertificateFault::None);
        let (certificate, key) = certificates.server_identity();
        let port = free_port();
        let mut command;
        match which {
            Emulator::Moto => {
                command = Command::new(python.with_file_name("moto_server"));
                command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
                command.arg("-c").arg(certificate).arg("-k").arg(key);
                // as many as a test may need to prepare it
                command.env("INITIAL_NO_AUTH_ACTION_COUNT", "1000000");
            }
            Emulator::Ministack => {
                command = Command::new(python.with_file_name("ministack"));
                command.env("GATEWAY_PORT", port.to_string()).env("BIND_HOST", "127.0.0.1");
                command
                    .env("USE_SSL", "1")
                    .env("MINISTACK_SSL_CERT", certificate)
                    .env("MINISTACK_SSL_KEY", key);
                command.env("MINISTACK_REGION", Self::REGION).env("MINISTACK_ACCOUNT_ID", "123456789012");
            }
        }
        let server = Service::start(&command, "TERM", |_| {});
        let started = Self { port, certificates, _server: server };
        wait_until(|| started.try_query("sts", "Action=GetCallerIdentity&Version=2011-06-15").is_ok())
            .then_some(started)
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The file of the authority that signed its certificate.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.certificates.ca_path()
    }

    /// An action of Secrets Manager; the answer is JSON.
    ///
    /// # Panics
    /// When it does not succeed.
    pub fn secrets(&self, action: &str, json: &str) -> String {
        let target = format!("X-Amz-Target: secretsmanager.{action}");
        let headers = [target.as_str(), "Content-Type: application/x-amz-json-1.1"];
        self.ask("secretsmanager", &headers, json).unwrap_or_else(|answer| panic!("{action}: {answer}"))
    }

    /// An action of IAM or STS, as the fields of a form; the answer is XML.
    ///
    /// # Panics
    /// When it does not succeed.
    pub fn query(&self, service: &str, form: &str) -> String {
        self.try_query(service, form).unwrap_or_else(|answer| panic!("{form}: {answer}"))
    }

    fn try_query(&self, service: &str, form: &str) -> Result<String, String> {
        self.ask(service, &["Content-Type: application/x-www-form-urlencoded"], form)
    }

    /// From now on moto takes only what is signed by keys that it knows, for what their policies allow.
    ///
    /// # Panics
    /// When it does not succeed.
    pub fn check_signatures(&self) {
        // a request that is signed would be one for a service of AWS
        self.post(&["Content-Type: text/plain"], "/moto-api/reset-auth", "0")
            .expect("moto checks signatures");
    }

    /// A user of these rights with an access key: its id and its secret part.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn user(&self, name: &str, policy: &str) -> (String, String) {
        const VERSION: &str = "Version=2010-05-08";
        self.query("iam", &format!("Action=CreateUser&UserName={name}&{VERSION}"));
        if !policy.is_empty() {
            let policy = encoded(policy);
            let form = format!(
                "Action=PutUserPolicy&UserName={name}&PolicyName=p&PolicyDocument={policy}&{VERSION}"
            );
            self.query("iam", &form);
        }
        let answer = self.query("iam", &format!("Action=CreateAccessKey&UserName={name}&{VERSION}"));
        (element(&answer, "AccessKeyId"), element(&answer, "SecretAccessKey"))
    }

    /// A role that everybody may take, of these rights: its ARN.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn role(&self, name: &str, policy: &str) -> String {
        const VERSION: &str = "Version=2010-05-08";
        let trust = encoded(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#,
        );
        let form = format!("Action=CreateRole&RoleName={name}&AssumeRolePolicyDocument={trust}&{VERSION}");
        let answer = self.query("iam", &form);
        let policy = encoded(policy);
        let form =
            format!("Action=PutRolePolicy&RoleName={name}&PolicyName=p&PolicyDocument={policy}&{VERSION}");
        self.query("iam", &form);
        element(&answer, "Arn")
    }

    /// Asks with a signature that nobody checks: region and service stand in it.
    fn ask(&self, service: &str, headers: &[&str], body: &str) -> Result<String, String> {
        let scope = format!("testing/20260101/{}/{service}/aws4_request", Self::REGION);
        let signed =
            format!("Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        self.post(&[headers, &[&signed, "X-Amz-Date: 20260101T000000Z"]].concat(), "/", body)
    }

    fn post(&self, headers: &[&str], path: &str, body: &str) -> Result<String, String> {
        let mut curl = Command::new("curl");
        curl.args([
            "-q",
            "-s",
            "--noproxy",
            "*",
            "--max-time",
            "20",
            "-w",
            "\n%{http_code}",
            "--data-raw",
            body,
        ]);
        curl.arg("--cacert").arg(self.ca());
        for header in headers {
            curl.args(["-H", header]);
        }
        let output = curl.arg(format!("{}{path}", self.address())).output().expect("curl runs");
        let text = String::from_utf8(output.stdout).expect("text");
        let (body, status) = text.rsplit_once('\n').expect("a status");
        if status == "200" { Ok(body.to_owned()) } else { Err(format!("{status} {body}")) }
    }
}

/// The text of the first element of that name.
fn element(xml: &str, name: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let from = xml.find(&open).unwrap_or_else(|| panic!("{name} is not in {xml}")) + open.len();
    let length = xml[from..].find(&close).expect("it ends");
    xml[from..from + length].to_owned()
}

/// A text in a form.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_keep_secrets() {
        for which in [Emulator::Moto, Emulator::Ministack] {
            let Some(aws) = AwsEmulator::start(which) else { return };
            aws.secrets("CreateSecret", r#"{"Name":"a/b","SecretString":"text","ClientRequestToken":"00000000-0000-0000-0000-000000000000"}"#);
            let answer = aws.secrets("GetSecretValue", r#"{"SecretId":"a/b"}"#);
            assert!(answer.contains("\"text\""), "{answer}");
            let (id, _) = aws.user("ada", "");
            assert!(id.len() >= 16, "{id}");
        }
    }
}
