//! Each way to log in, and what is left of it for the next process.

use std::path::Path;

use subrosa_provider::ErrorKind;
use subrosa_testkit::{Azure as StandIn, AzureCertificate, Folder};

use crate::vault::{Way, copied, enter, failure, text};

fn vault() -> StandIn {
    let azure = StandIn::start();
    azure.put("db-password", "hunter2");
    azure
}

fn path(path: &Path) -> &str {
    path.to_str().expect("text")
}

#[test]
fn an_application_logs_in_with_its_secret() {
    let azure = vault();
    let provider = enter(&azure, Way::usual());
    let identity = provider.describe().expect("it works");
    let (client, host) = (StandIn::CLIENT, "127.0.0.1");
    assert_eq!(identity.who, format!("application {client} at {host}"));
    assert_eq!(identity.expires, None, "the secret is at hand for the next one");
    assert_eq!(text(&*provider, "db-password"), "hunter2");
    assert_eq!(azure.tokens_made(), 1);

    let error = failure(&*enter(&azure, Way::new("client-secret", b"wrong")), "db-password");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Denied, "login: the client secret is wrong (AADSTS7000215)")
    );
    let stranger = Way { settings: &[("client-id", "00000000-0000-0000-0000-000000000000")], ..Way::usual() };
    let error = failure(&*enter(&azure, stranger), "db-password");
    assert_eq!(error.to_string(), "login: the tenant knows no such application (AADSTS700016)");
    let nobody = Way { settings: &[("tenant", "other.example.com")], ..Way::usual() };
    assert_eq!(failure(&*enter(&azure, nobody), "db-password").kind(), ErrorKind::BadSettings);
}

#[test]
fn an_application_logs_in_with_its_certificate() {
    let (azure, certificate) = (vault(), AzureCertificate::new());
    let pem = std::fs::read(certificate.pem_path()).expect("a file");
    let error = failure(&*enter(&azure, Way::new("client-certificate", &pem)), "db-password");
    assert_eq!(error.to_string(), "login: the application has no such certificate (AADSTS700027)");
    azure.register(&certificate);
    for file in [&pem, &certificate.pfx("")] {
        // each is signed anew: what was seen is not taken again
        for _ in 0..2 {
            assert_eq!(text(&*enter(&azure, Way::new("client-certificate", file)), "db-password"), "hunter2");
        }
    }
    let (client_certificate, key) = azure.server().client_identity();
    let elliptic = [client_certificate, key].map(|path| std::fs::read(path).expect("a file")).concat();
    for (file, says) in [
        (b"hunter2".as_slice(), "certificate"),
        (&elliptic, "RSA keys"),
        (&certificate.pfx("opensesame"), "is encrypted"),
    ] {
        let error = failure(&*enter(&azure, Way::new("client-certificate", file)), "db-password");
        assert_eq!(error.kind(), ErrorKind::BadSettings);
        assert!(error.to_string().contains(says) && !error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn a_workload_logs_in_with_what_its_issuer_says() {
    let (azure, folder) = (vault(), Folder::new());
    let file = folder.write("token", StandIn::FEDERATED);
    let settings = [("token-file", path(&file))];
    let way = || Way { settings: &settings, ..Way::new("workload-identity", b"") };
    assert_eq!(text(&*enter(&azure, way()), "db-password"), "hunter2");
    folder.write("token", "of somebody else");
    assert_eq!(failure(&*enter(&azure, way()), "db-password").kind(), ErrorKind::Denied);
    std::fs::remove_file(&file).expect("it was there");
    let error = failure(&*enter(&azure, way()), "db-password");
    assert_eq!(error.kind(), ErrorKind::BadSettings);
    assert!(error.to_string().starts_with(path(&file)), "{error}");
    let error = failure(&*enter(&azure, Way::new("workload-identity", b"")), "db-password");
    assert!(error.to_string().contains("--token-file, or AZURE_FEDERATED_TOKEN_FILE"), "{error}");
}

#[test]
fn the_next_process_goes_on_with_the_session() {
    let azure = vault();
    let first = enter(&azure, Way { is_kept: false, ..Way::usual() });
    first.describe().expect("it works");
    let ends = first.session_end().expect("nothing leads to another token");
    let session = first.session().expect("a session");
    assert_eq!(session.expires, Some(ends));
    let way = || Way { is_kept: false, ..Way::new("client-secret", b"") };
    let session = || Some(copied(&session.state));
    let second = enter(&azure, way().after(session()));
    assert_eq!(text(&*second, "db-password"), "hunter2");
    assert!(second.session().is_none(), "it is the same");
    assert_eq!(azure.tokens_made(), 1);

    // the vault does not take it any more: without what it logs in with that is the end
    azure.revoke(false);
    assert_eq!(failure(&*enter(&azure, way().after(session())), "db-password").kind(), ErrorKind::Expired);
    let third = enter(&azure, Way::usual().after(session()));
    assert_eq!(text(&*third, "db-password"), "hunter2");
    assert!(third.session().is_some(), "it is another one");
    assert_eq!(azure.tokens_made(), 2);
    third.end().expect("it ends");
    assert!(third.session().is_none());
}

#[test]
fn hostile_h87_a_token_that_ends_between_two_lookups_is_renewed_once() {
    let azure = vault();
    let provider = enter(&azure, Way::usual());
    assert_eq!(text(&*provider, "db-password"), "hunter2");
    azure.revoke(false);
    let error = failure(&*provider, "db-password");
    assert_eq!(
        error.kind(),
        ErrorKind::Expired,
        "one that was made here and is not taken is no reason to ask for more"
    );
    assert_eq!(text(&*provider, "db-password"), "hunter2");
    // one that lasts no longer than the margin is made anew for each question
    azure.tokens_last(30);
    let short = enter(&azure, Way::usual());
    let before = azure.tokens_made();
    assert_eq!(text(&*short, "db-password"), "hunter2");
    assert_eq!(text(&*short, "db-password"), "hunter2");
    assert_eq!(azure.tokens_made(), before + 2);
}

#[test]
fn a_session_that_was_tampered_with_is_none() {
    let azure = vault();
    for session in [
        "",
        "{}",
        "\n",
        "{\"token\":1,\"expires\":9,\"refresh\":0}\nxx",
        "{\"token\":99999999999999999999}\n",
    ] {
        let way = Way::usual().after(Some(crate::vault::secret(session)));
        assert_eq!(text(&*enter(&azure, way), "db-password"), "hunter2", "{session}");
    }
}
