//! Servers whose key is not the one that is pinned, and what else is demanded of TLS by flags.

use std::fs;

use subrosa_testkit::{CaptureOptions, CaptureServer, CertificateFault};

use crate::home::{Home, text};
use crate::stage::VALUE;

const HEADER: [&str; 2] = ["-H", "X-Key: <<vault:key>>"];

/// A server on loopback, and a vault with a secret for it.
fn server(options: CaptureOptions) -> (CaptureServer, Home) {
    let server = CaptureServer::start(options);
    let home = Home::new();
    home.store("key", VALUE, &["--host", &server.url("")]);
    (server, home)
}

fn local() -> CaptureOptions {
    CaptureOptions::tls_for(&["127.0.0.1"])
}

/// The server has a certificate of an authority that is trusted, and a key that is no longer the one to have.
#[test]
fn hostile_e64_a_key_that_is_no_longer_pinned() {
    let other = CaptureServer::start(local());
    for trust in ["--cacert", "-k"] {
        let (server, home) = server(local());
        let (url, ca, pin) = (server.url("/"), text(&server.ca_path()), text(&other.public_key_path()));
        let mut words = vec!["send", &url, HEADER[0], HEADER[1], "--pinnedpubkey", &pin, trust];
        words.extend((trust == "--cacert").then_some(&*ca));
        let run = home.run(&words).ends(90).says("the public key of 127.0.0.1 is not the one that is pinned");
        assert!(!run.shows(VALUE), "{run}");
        assert_eq!((server.requests(), server.bytes()), (Vec::new(), 0), "{run}");
        // its own key lets it through
        let own = text(&server.public_key_path());
        words[5] = &own;
        home.run(&words).ends(0);
        assert_eq!(server.requests()[0].header("x-key"), [VALUE.as_bytes()]);
    }
}

/// A pin is no reason to trust anybody.
#[test]
fn hostile_e64_a_pin_does_not_take_the_place_of_trust() {
    let (server, home) = server(CaptureOptions { fault: CertificateFault::SelfSigned, ..local() });
    let (url, pin) = (server.url("/"), text(&server.public_key_path()));
    home.run(&["send", &url, HEADER[0], HEADER[1], "--pinnedpubkey", &pin]).ends(60);
    // nor does it make -k one that is allowed
    home.store("away", VALUE, &["--host", "https://api.example.com"]);
    let words = ["send", "-k", "--pinnedpubkey", &pin, "https://api.example.com/", "-H", "X: <<vault:away>>"];
    home.run(&words).ends(100);
    assert_eq!(server.bytes(), 0);
}

/// What cannot be a pin stops everything, also what comes before it.
#[test]
fn hostile_e64_pins_that_are_none() {
    let (server, home) = server(local());
    let (url, ca) = (server.url("/"), text(&server.ca_path()));
    let certificate = ca.clone();
    for pin in ["sha256//", "sha256//AAAA", "no/such/file", "sha1//AAAA", &certificate] {
        let words =
            ["send", &url, "--next", &url, HEADER[0], HEADER[1], "--cacert", &ca, "--pinnedpubkey", pin];
        let run = home.run(&words).ends(90).says("--pinnedpubkey: ");
        assert!(!run.shows(VALUE), "{run}");
    }
    assert_eq!(server.bytes(), 0);
}

#[test]
fn hostile_e64_a_certificate_that_was_taken_back() {
    let (server, home) = server(local());
    let (url, ca) = (server.url("/"), text(&server.ca_path()));
    let list = |revoked| text(&server.revocation_path(revoked));
    let send =
        |list: &str| home.run(&["send", &url, HEADER[0], HEADER[1], "--cacert", &ca, "--crlfile", list]);
    send(&list(true)).ends(60).says("its issuer has revoked it");
    send(&ca).ends(82).says("it holds no revocation list");
    // of whom a list says nothing is not taken either
    let other = CaptureServer::start(local());
    let run = send(&text(&other.revocation_path(false))).ends(60);
    run.says("the revocation list of its issuer is damaged, or made by somebody else");
    assert_eq!(server.bytes(), 0);
    send(&list(false)).ends(0);
    // without authorities there is nobody whom the list is of
    let run = home.run(&["send", &url, HEADER[0], HEADER[1], "--crlfile", &list(true)]);
    run.ends(2).says("--crlfile needs --cacert");
}

/// One whom nobody can trace to an authority, because somebody between the two is not shown.
#[test]
fn hostile_e64_a_chain_with_a_gap() {
    let (server, home) = server(CaptureOptions { fault: CertificateFault::MissingIntermediate, ..local() });
    let (url, ca) = (server.url("/"), text(&server.ca_path()));
    let run = home.run(&["send", &url, HEADER[0], HEADER[1], "--cacert", &ca]).ends(60);
    run.says("nobody who is trusted here has issued it");
    assert_eq!((server.requests(), server.bytes()), (Vec::new(), 0));
}

/// Versions are made narrower by flags, never wider.
#[test]
fn versions_of_tls_are_bounded_on_both_sides() {
    let (server, home) = server(local());
    let (url, ca) = (server.url("/"), text(&server.ca_path()));
    let version = |words: &[&str]| {
        let run = home.run(&[&["send", "-v", &url, "--cacert", &ca][..], words].concat()).ends(0);
        ["TLSv1.3", "TLSv1.2"].into_iter().find(|version| run.err.contains(&format!("using {version} /")))
    };
    assert_eq!(version(&[]), Some("TLSv1.3"));
    for words in [&["--tlsv1.2"][..], &["--tlsv1.0"], &["-1"], &["--tlsv1.3"], &["--tls-max", "1.3"]] {
        assert_eq!(version(words), Some("TLSv1.3"), "{words:?}");
    }
    assert_eq!(version(&["--tls-max", "1.2"]), Some("TLSv1.2"));
    let run = home.run(&["send", &url, "--cacert", &ca, "--tlsv1.3", "--tls-max", "1.2"]).ends(35);
    run.says("no version of TLS is left").says("hint: leave --tls-max out");
    home.run(&["send", &url, "--tls-max", "1.1"]).ends(2).says("TLS 1.2 is the oldest that is spoken");
}

/// The file of a key in DER and the hash of it are the same pin.
#[test]
fn a_pin_is_a_file_or_hashes() {
    let (server, home) = server(local());
    let (url, ca) = (server.url("/"), text(&server.ca_path()));
    let der = server.public_key_path().with_extension("der");
    assert!(fs::exists(&der).unwrap());
    home.run(&["send", &url, "--cacert", &ca, "--pinnedpubkey", &text(&der)]).ends(0);
    let none = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    home.run(&["send", &url, "--cacert", &ca, "--pinnedpubkey", none]).ends(90);
}
