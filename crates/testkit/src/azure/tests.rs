//! The stand-in is what Microsoft's client takes it for.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::{Folder, backend_python};

/// Runs parts of `official.py` against a stand-in.
fn passes(azure: &Azure, python: &Path, given: impl AsRef<OsStr>, parts: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/azure/official.py");
    let mut client = Command::new(python);
    client.arg(script).arg(azure.server().port().to_string()).arg(given).args(parts);
    client.env("REQUESTS_CA_BUNDLE", azure.ca()).env("NO_PROXY", "*");
    client.env("IDENTITY_ENDPOINT", azure.identity_endpoint());
    client.env("IDENTITY_HEADER", Azure::IDENTITY_HEADER);
    let output = client.output().expect("python runs");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{parts:?}: {}", String::from_utf8_lossy(&said));
}

/// What an application can show: a certificate in both forms, and what a pod's issuer says.
fn credentials(certificate: &AzureCertificate) -> Folder {
    let folder = Folder::new();
    std::fs::copy(certificate.pem_path(), folder.join("application.pem")).expect("a copy");
    folder.write("application.pfx", certificate.pfx("opensesame"));
    folder.write("federated", Azure::FEDERATED);
    folder
}

#[test]
fn the_official_client_reads_and_writes_secrets() {
    let Some(python) = backend_python() else { return };
    let azure = Azure::start();
    let first = azure.put("db-password", "hunter1");
    azure.put("db-password", "hunter2");
    azure.put("off", "of a disabled secret");
    azure.enable("off", false);
    azure.put("gone", "of a deleted secret");
    azure.delete("gone");
    azure.put("busy", "x");
    azure.fail("busy", Some(AzureFault::Throttled(7)));
    azure.put("closed", "x");
    azure.fail("closed", Some(AzureFault::Firewall));
    azure.put("down", "x");
    azure.fail("down", Some(AzureFault::Unavailable));
    for number in 0..30 {
        azure.put(&format!("many-{number:02}"), "x");
    }
    passes(&azure, &python, &first, &["secrets"]);
    assert_eq!(azure.value("written").as_deref(), Some("by the official client"));
    // the first question of all goes without a token
    let asked = azure.server().requests();
    let first = asked.iter().find(|request| request.target.starts_with("/secrets/")).expect("a question");
    assert!(first.header("authorization").is_empty());
}

#[test]
fn the_official_client_logs_in_each_way() {
    let Some(python) = backend_python() else { return };
    let (azure, certificate) = (Azure::start(), AzureCertificate::new());
    azure.put("db-password", "hunter2");
    azure.register(&certificate);
    azure.approve_devices(true);
    let parts = ["certificate", "assertion", "workload", "machine", "browser", "device"];
    passes(&azure, &python, credentials(&certificate).path(), &parts);
}

#[test]
fn the_official_client_is_refused_what_it_should_be() {
    let Some(python) = backend_python() else { return };
    let (azure, certificate) = (Azure::start(), AzureCertificate::new());
    azure.put("db-password", "hunter2");
    passes(&azure, &python, credentials(&certificate).path(), &["refused"]);
    assert_eq!(azure.tokens_made(), 0);
}
