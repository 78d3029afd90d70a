//! Client certificates in the forms in which OpenSSL writes them, and by host.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::path::{Path, PathBuf};

use subrosa_http::{
    CertificateFacts, CertificateForm, Connection, ConnectionOptions, HttpError, Identity, IdentitySource,
    Kept, RequestDraft, authorities, authorities_to_keep,
};
use subrosa_secret::{HostRule, SecretValue};
use subrosa_testkit::{CaptureOptions, CaptureServer};
use support::send;

fn file(name: &str) -> Vec<u8> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/identities").join(name);
    std::fs::read(path).unwrap()
}

fn passphrase(text: &str) -> SecretValue {
    SecretValue::new(text.as_bytes().to_vec()).unwrap()
}

/// Reads a certificate of `identities` with a key beside it, or within it.
fn read(certificate: &str, key: Option<&str>, with: Option<&str>) -> Result<Identity, HttpError> {
    let form = |name: &str| match name.rsplit_once('.').unwrap().1 {
        "pem" => CertificateForm::Pem,
        "der" => CertificateForm::Der,
        _ => CertificateForm::Pkcs12,
    };
    let passphrase = with.map(passphrase);
    let (certificate, own_form) = (file(certificate), form(certificate));
    let key = key.map(|name| (file(name), form(name)));
    Identity::read(&IdentitySource {
        certificate: &certificate,
        form: own_form,
        key: key.as_ref().map(|(bytes, form)| (bytes.as_slice(), *form)),
        passphrase: passphrase.as_ref(),
    })
}

#[test]
fn every_form_is_read() {
    for (certificate, key, passphrase) in [
        ("certificate.pem", Some("key.pem"), None),
        ("certificate.der", Some("key.der"), None),
        ("certificate.pem", Some("key-aes.pem"), Some("sesame")),
        ("certificate.der", Some("key-aes.der"), Some("sesame")),
        ("certificate.pem", Some("key-des3-sha1.pem"), Some("sesame")),
        ("certificate.pem", Some("key-scrypt.pem"), Some("sesame")),
        ("certificate.pem", Some("key.pem"), Some("not needed")),
        ("modern.p12", None, Some("sesame")),
        ("legacy.p12", None, Some("sesame")),
        ("empty-passphrase.p12", None, None),
        ("without-mac.p12", None, Some("sesame")),
        ("certificate.pem", Some("modern.p12"), Some("sesame")),
    ] {
        let facts = read(certificate, key, passphrase).map(|identity| identity.facts().unwrap());
        assert!(facts.unwrap().subject.contains("client.example"), "{certificate} {key:?}");
    }
    let both = [file("key.pem"), file("certificate.pem")].concat();
    assert!(Identity::from_pem(&both, &both, None).is_ok());
    assert!(Identity::from_pkcs12(&file("modern.p12"), Some(&passphrase("sesame"))).is_ok());
}

#[test]
fn what_is_missing_is_told_from_what_is_wrong() {
    for (certificate, key, passphrase, kind) in [
        ("certificate.pem", Some("key-aes.pem"), None, "passphrase_missing"),
        ("certificate.pem", Some("key-aes.der"), None, "passphrase_missing"),
        ("certificate.pem", Some("key-aes.pem"), Some("Sesame"), "passphrase_wrong"),
        ("certificate.pem", Some("key-scrypt.pem"), Some(""), "passphrase_wrong"),
        ("modern.p12", None, None, "passphrase_missing"),
        ("modern.p12", None, Some("Sesame"), "passphrase_wrong"),
        ("legacy.p12", None, Some("Sesame"), "passphrase_wrong"),
        ("without-mac.p12", None, Some("Sesame"), "passphrase_wrong"),
        ("without-key.p12", None, Some("sesame"), "client_certificate"),
        ("certificate.pem", Some("key-pbes1.pem"), Some("sesame"), "client_certificate"),
        ("certificate.pem", Some("key-traditional.pem"), Some("sesame"), "key_form_old"),
        ("certificate.pem", Some("other-key.pem"), None, "client_certificate"),
        ("certificate.pem", None, None, "client_certificate"),
        ("key.pem", Some("key.pem"), None, "client_certificate"),
    ] {
        let error = read(certificate, key, passphrase).err().unwrap();
        assert_eq!(error.kind(), kind, "{certificate} {key:?}: {error}");
        assert_eq!(error.curl_code(), Some(58), "{error}");
        let said = format!("{error} {error:?}");
        assert!(!said.contains("esame"), "{said}");
    }
}

#[test]
fn hostile_files_are_errors() {
    let with = passphrase("sesame");
    for name in ["modern.p12", "legacy.p12", "key-aes.der", "certificate.der"] {
        let whole = file(name);
        for cut in 0..whole.len() {
            for form in [CertificateForm::Der, CertificateForm::Pkcs12] {
                let source =
                    IdentitySource { certificate: &whole[..cut], form, key: None, passphrase: Some(&with) };
                assert!(Identity::read(&source).is_err(), "{name} cut at {cut}");
            }
        }
    }
    for text in [
        "",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----",
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----",
    ] {
        assert!(Identity::from_pem(text.as_bytes(), text.as_bytes(), Some(&with)).is_err(), "{text:?}");
    }
}

/// What is kept of an identity makes it again, without what opened it.
#[test]
fn parts_make_the_same_identity_again() {
    let with = passphrase("sesame");
    for (certificate, key) in
        [("certificate.pem", Some("key-aes.pem")), ("certificate.der", Some("key.der")), ("legacy.p12", None)]
    {
        let (text, key) = (file(certificate), key.map(file));
        let source = IdentitySource {
            certificate: &text,
            form: CertificateForm::of(&text),
            key: key.as_ref().map(|key| (key.as_slice(), CertificateForm::of(key))),
            passphrase: Some(&with),
        };
        let parts = Identity::read_parts(&source).unwrap();
        let again = Identity::from_parts(parts.chain.clone(), &parts.key).unwrap();
        assert_eq!(again.facts(), Identity::read(&source).unwrap().facts(), "{certificate}");
        assert!(Identity::from_parts(parts.chain, &parts.key[1..]).is_err());
    }
    assert!(Identity::from_parts(Vec::new(), &file("key.der")).is_err());
}

#[test]
fn an_authority_to_keep_is_one() {
    let server = CaptureServer::start(CaptureOptions::tls());
    let ca = std::fs::read(server.ca_path()).unwrap();
    let (leaf, key) = server.client_identity();
    let twice = [ca.clone(), ca.clone()].concat();
    assert_eq!(authorities_to_keep(&twice).unwrap().len(), 2);
    let der = authorities_to_keep(&ca).unwrap().remove(0);
    assert!(CertificateFacts::of(&der).unwrap().is_authority);
    assert_eq!(authorities_to_keep(&der).unwrap(), std::slice::from_ref(&der));
    for wrong in [Vec::new(), b"text".to_vec(), std::fs::read(leaf).unwrap(), std::fs::read(key).unwrap()] {
        assert_eq!(authorities_to_keep(&wrong).unwrap_err().kind(), "authority_refused");
    }
}

#[test]
fn a_form_is_guessed_from_the_file() {
    assert_eq!(CertificateForm::guess(&file("certificate.pem")), CertificateForm::Pem);
    assert_eq!(CertificateForm::guess(&file("modern.p12")), CertificateForm::Pkcs12);
    assert_eq!(CertificateForm::parse("--cert-type", "p12").unwrap(), CertificateForm::Pkcs12);
    assert_eq!(CertificateForm::parse("--cert-type", "ENG").err().unwrap().kind(), "option_malformed");
}

fn kept(rule: &str, identity: Option<Identity>, ca: Option<&CaptureServer>) -> Kept {
    let pem = ca.map(|server| std::fs::read(server.ca_path()).unwrap());
    Kept {
        id: rule.to_owned(),
        rule: HostRule::parse(rule).unwrap().rule,
        identity,
        authorities: pem.map_or_else(Vec::new, |pem| authorities(&pem).unwrap()),
    }
}

fn client_identity(server: &CaptureServer) -> Identity {
    let (certificate, key) = server.client_identity();
    Identity::from_pem(&std::fs::read(certificate).unwrap(), &std::fs::read(key).unwrap(), None).unwrap()
}

#[test]
fn what_is_kept_for_a_host_is_used_there_alone() {
    let server = CaptureServer::start(CaptureOptions { client_certificate: true, ..CaptureOptions::tls() });
    let stranger = || read("certificate.pem", Some("key.pem"), None).unwrap();
    let try_with = |kept: Vec<Kept>| {
        let connection = Connection::new(ConnectionOptions { kept, ..ConnectionOptions::default() });
        send(&RequestDraft::new(server.url("/")), &connection).map(|(status, _)| status)
    };
    let here = format!("https://127.0.0.1:{}", server.port());
    let own = || Some(client_identity(&server));
    assert_eq!(try_with(vec![kept(&here, own(), Some(&server))]).unwrap(), 200);
    // from two entries, and with one for elsewhere behind them
    let apart = || vec![kept(&here, own(), None), kept("127.0.0.1:*", None, Some(&server))];
    assert_eq!(try_with(apart()).unwrap(), 200);
    let mut more = apart();
    more.push(kept("api.example.com", Some(stranger()), None));
    assert_eq!(try_with(more).unwrap(), 200);
    // the last that was added counts
    let mut replaced = apart();
    replaced.push(kept(&here, Some(stranger()), None));
    assert!(try_with(replaced).is_err());
    // not for this host
    let error = try_with(vec![kept("api.example.com", own(), Some(&server))]).unwrap_err();
    assert_eq!(error.kind(), "certificate");
    let error = try_with(vec![kept(&here, None, Some(&server))]).unwrap_err();
    assert!(matches!(error.kind(), "tls" | "http2" | "receive"), "{error}");
}

/// An authority that is kept for a host vouches for it; it does so for no other name, and an expired one stays expired.
#[test]
fn hostile_e64_an_authority_of_one_host_is_none_of_another() {
    let server = CaptureServer::start(CaptureOptions::tls());
    let connection = Connection::new(ConnectionOptions {
        kept: vec![kept(&format!("https://127.0.0.1:{}", server.port()), None, Some(&server))],
        ..ConnectionOptions::default()
    });
    assert_eq!(send(&RequestDraft::new(server.url("/")), &connection).unwrap().0, 200);
    let elsewhere = server.url("/").replace("127.0.0.1", "localhost");
    let error = send(&RequestDraft::new(elsewhere), &connection).unwrap_err();
    assert_eq!(error.kind(), "certificate");
    assert_eq!(server.requests().len(), 1);
}
