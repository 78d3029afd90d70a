//! Azure's own command line, or what stands in its place.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use subrosa_provider::{ErrorKind, Settings, System as _};
use subrosa_provider_azure::Azure;
use subrosa_testkit::{Azure as StandIn, Folder};

use crate::vault::{Way, enter, failure, text};

/// A program that writes down what it is told, and then does this.
fn az(folder: &Folder, script: &str) -> PathBuf {
    let log = folder.join("log");
    let script = format!("#!/bin/sh\n{{ echo \"$@\"; env; }} >'{}'\n{script}\n", log.display());
    let program = folder.write("az", script);
    fs::set_permissions(&program, Permissions::from_mode(0o700)).expect("its own file");
    program
}

fn way<'w>(settings: &'w [(&'w str, &'w str)]) -> Way<'w> {
    Way { settings, ..Way::new("az", b"") }
}

#[test]
fn whoever_is_logged_in_with_az_is_logged_in_here() {
    let (azure, folder) = (StandIn::start(), Folder::new());
    azure.put("db-password", "hunter2");
    let token = azure.token();
    let printed = format!(r#"{{"accessToken":"{token}","expires_on":4000000000,"tokenType":"Bearer"}}"#);
    let program = az(&folder, &format!("echo '{printed}'"));
    let program = program.to_str().expect("text");
    let provider = enter(&azure, way(&[("az", program)]));
    assert_eq!(text(&*provider, "db-password"), "hunter2");
    let log = fs::read_to_string(folder.join("log")).expect("it was run");
    let asked =
        format!("account get-access-token --output json --scope {}/.default --tenant", azure.address());
    assert!(log.starts_with(&asked), "{log}");
    for name in ["CARGO", "RUST_BACKTRACE", "LD_PRELOAD", "HTTPS_PROXY"] {
        assert!(!log.lines().any(|line| line.starts_with(name)), "{name}");
    }
}

#[test]
fn what_az_complains_of_is_told_apart_and_not_repeated() {
    let (azure, folder) = (StandIn::start(), Folder::new());
    for (script, kind, hint) in [
        (
            "echo \"hunter2: Please run 'az login' to setup account.\" >&2; exit 1",
            ErrorKind::Expired,
            Some("az login"),
        ),
        ("echo 'hunter2' >&2; exit 2", ErrorKind::Unavailable, Some("az account get-access-token")),
        ("echo hunter2", ErrorKind::BadAnswer, None),
        ("echo '{\"accessToken\":null,\"expires_on\":1}'", ErrorKind::BadAnswer, None),
        ("echo '{\"accessToken\":\"hunter2\"}'", ErrorKind::BadSettings, Some("az upgrade")),
        ("exec cat /dev/zero", ErrorKind::BadAnswer, None),
    ] {
        let program = az(&folder, script);
        let error = failure(&*enter(&azure, way(&[("az", program.to_str().expect("text"))])), "db-password");
        assert_eq!((error.kind(), error.hint()), (kind, hint), "{script}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn hostile_h81_an_az_that_others_can_exchange_is_not_run() {
    let (azure, folder) = (StandIn::start(), Folder::new());
    let program = az(&folder, "exit 0");
    let named = program.to_str().expect("text");
    fs::set_permissions(&program, Permissions::from_mode(0o777)).expect("its own file");
    let settle = |file: &str| {
        Azure
            .settle(Settings::from_iter([("key-vault", "contoso"), ("az", file)]))
            .map_err(|error| error.kind())
    };
    assert_eq!(settle(named), Err(ErrorKind::BadSettings));
    fs::set_permissions(&program, Permissions::from_mode(0o700)).expect("its own file");
    assert!(settle(named).is_ok());
    assert_eq!(settle("/nowhere/az"), Err(ErrorKind::BadSettings));
    // looked at again before it is run
    let provider = enter(&azure, way(&[("az", named)]));
    fs::set_permissions(&program, Permissions::from_mode(0o722)).expect("its own file");
    assert_eq!(failure(&*provider, "db-password").kind(), ErrorKind::BadSettings);
    assert!(!folder.join("log").exists(), "it was not run");
}
