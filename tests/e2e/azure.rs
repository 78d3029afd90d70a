//! Secrets of a vault of Azure: connected, linked, sent, written, and what is left when a session ends.

use serde_json::json;
use subrosa_testkit::{Azure, AzureCertificate, AzureFault, Chromium};

use crate::home::{Home, Run, text};
use crate::stage::{Stage, VALUE};

/// A vault with one secret.
fn vault() -> Azure {
    let azure = Azure::start();
    azure.put("stripe-key", VALUE);
    azure
}

/// Connects `prod`; what it logs in with comes from standard input.
fn connect(home: &Home, azure: &Azure, auth: &str, words: &[&str], input: &[u8]) -> Run {
    let (address, ca) = (azure.address(), text(&azure.ca()));
    let way = ["connect", "azure", "prod", "--auth", auth, "--key-vault", &address, "--resource", &address];
    let who = ["--authority", &address, "--ca", &ca, "--tenant", Azure::TENANT, "--client-id", Azure::CLIENT];
    home.feed(&[&way[..], &who, words].concat(), input)
}

fn send(stage: &Stage, words: &[&str]) -> Run {
    stage.send_here(&[&["-s", "-S", "-H", "X-Key: <<vault:key>>"], words].concat(), "/")
}

#[test]
fn a_secret_of_the_vault_is_sent_by_one_login() {
    let (azure, stage) = (vault(), Stage::new());
    connect(&stage.home, &azure, "client-secret", &["--keep", "vault"], Azure::SECRET.as_bytes()).ok();
    let shown = format!("prod:{}/secrets/Stripe-Key", azure.address());
    stage.home.run(&["link", "key", &shown, "--host", &stage.origin()]).ok();
    send(&stage, &["--refresh"]).ok();
    send(&stage, &["--no-cache"]).ok();
    send(&stage, &[]).ok();
    let sent = stage.server.requests();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|request| request.header("x-key") == [VALUE.as_bytes()]));
    assert_eq!(azure.tokens_made(), 1, "processes share the session");
    assert_eq!(stage.home.run(&["link", "key"]).ok().text().trim(), "prod:stripe-key");

    let report = stage.home.run(&["connections", "--json"]).ok().json();
    let prod = &report["connections"][0];
    assert_eq!((&prod["state"], &prod["auth"]), (&json!("ready"), &json!("client-secret")));
    assert_eq!(prod["who"], format!("application {} at 127.0.0.1", Azure::CLIENT));
    assert!(stage.home.files_with(&[VALUE.as_bytes(), Azure::SECRET.as_bytes()]).is_empty());

    // the vault's own token is over: the application logs in by itself
    azure.revoke(false);
    send(&stage, &["--refresh"]).ok();
    assert_eq!(azure.tokens_made(), 2);
    azure.enable("stripe-key", false);
    let run = send(&stage, &["--refresh"]).ends(100);
    assert!(run.err.contains("stripe-key: the secret is disabled"), "{run}");
    stage.home.run(&["disconnect", "prod"]).ok();
    send(&stage, &[]).ends(100).says("prod was disconnected");
    stage.home.run(&["verify"]).ok();
}

#[test]
fn a_session_that_is_over_is_told_and_nothing_is_sent() {
    let (azure, stage) = (vault(), Stage::new());
    connect(&stage.home, &azure, "client-secret", &["--keep", "session"], Azure::SECRET.as_bytes()).ok();
    stage.home.run(&["link", "key", "prod:stripe-key", "--host", &stage.origin()]).ok();
    azure.revoke(false);
    let run = send(&stage, &["--refresh"]).ends(100);
    assert_eq!(run.hints(), ["subrosa reauth prod"], "{run}");
    assert!(stage.server.requests().is_empty());
    stage
        .home
        .feed(&["reauth", "prod", "--keep", "session"], "wrong")
        .ends(100)
        .says("the client secret is wrong");
    stage.home.feed(&["reauth", "prod", "--keep", "session"], Azure::SECRET).ok();
    send(&stage, &["--refresh"]).ok();
}

#[test]
fn a_certificate_is_kept_as_it_was_given() {
    let (azure, home, certificate) = (vault(), Home::new(), AzureCertificate::new());
    azure.register(&certificate);
    for file in [std::fs::read(certificate.pem_path()).expect("a file"), certificate.pfx("")] {
        connect(&home, &azure, "client-certificate", &["--keep", "vault"], &file).ok();
        home.run(&["link", "key", "prod:stripe-key"]).ok();
        std::fs::remove_file(home.vault().join("sessions")).expect("there are sessions");
        assert_eq!(home.run(&["get", "key", "--refresh"]).ok().text().trim(), VALUE);
        home.run(&["disconnect", "prod"]).ok();
        home.run(&["rm", "key", "--yes"]);
    }
}

#[test]
fn a_machine_and_a_workload_log_in_by_what_their_environment_says() {
    let azure = vault();
    let mut home = Home::new();
    home.set("IDENTITY_ENDPOINT", azure.identity_endpoint());
    home.set("IDENTITY_HEADER", Azure::IDENTITY_HEADER);
    connect(&home, &azure, "managed-identity", &[], b"").ok();
    home.run(&["link", "key", "prod:stripe-key"]).ok();
    assert_eq!(home.run(&["get", "key"]).ok().text().trim(), VALUE);
    assert_eq!(azure.identity_requests().len(), 1);
    home.run(&["disconnect", "prod"]).ok();

    let file = home.write("federated", Azure::FEDERATED);
    home.set("AZURE_FEDERATED_TOKEN_FILE", text(&file));
    connect(&home, &azure, "workload-identity", &[], b"").ok();
    assert_eq!(home.run(&["get", "key", "--refresh"]).ok().text().trim(), VALUE);
}

#[test]
fn hostile_h83_the_environment_of_azure_opens_no_other_way() {
    let azure = vault();
    let mut home = Home::new();
    let address = azure.address();
    for (name, value) in [
        ("AZURE_AUTHORITY_HOST", "https://127.0.0.1:1"),
        ("AZURE_TENANT_ID", "evil"),
        ("AZURE_CLIENT_SECRET", "evil"),
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
    ] {
        home.set(name, value);
    }
    connect(&home, &azure, "client-secret", &["--keep", "vault"], Azure::SECRET.as_bytes()).ok();
    let way =
        ["connect", "azure", "other", "--auth", "client-secret", "--key-vault", &address, "--keep", "vault"];
    let who = ["--tenant", Azure::TENANT, "--client-id", Azure::CLIENT];
    let run = home.feed(&[&way[..], &who].concat(), Azure::SECRET).ends(2);
    assert_eq!(run.hints(), ["--resource URL says which tokens this vault takes"]);
    let mut managed = way;
    managed[6] = "https://contoso.managedhsm.azure.net";
    home.feed(&[&managed[..], &who].concat(), Azure::SECRET).ends(2).says("a managed HSM holds keys");
    assert_eq!(azure.tokens_made(), 1);
}

#[test]
fn values_move_out_and_are_chosen_from_what_is_there() {
    let (azure, home) = (vault(), Home::new());
    azure.put_with("payments", "earlier", "a key");
    connect(&home, &azure, "client-secret", &["--keep", "vault"], Azure::SECRET.as_bytes()).ok();
    let offered = home.run(&["link", "--browse", "prod", "--search", "pay"]).ok();
    assert!(offered.text().contains("prod:payments"), "{offered}");
    home.run(&["link", "payments", "prod:payments"]).ok();
    home.feed(&["push", "payments", "-"], "later").ok();
    assert_eq!(azure.value("payments").as_deref(), Some("later"));
    assert_eq!(azure.content_type("payments").as_deref(), Some("a key"));
    home.store("local", VALUE, &[]);
    home.run(&["promote", "local", "--to", "prod", "payments"]).ends(1);
    home.run(&["promote", "local", "--to", "prod", "moved"]).ok();
    assert_eq!(azure.value("moved").as_deref(), Some(VALUE));
    assert_eq!(home.run(&["get", "local"]).ok().text().trim(), VALUE);
    azure.fail("", Some(AzureFault::Throttled(30)));
    home.feed(&["push", "payments", "-"], "latest").ends(100).says("too many requests; again in 30 s");
}

/// The whole login in the program's own way: the browser is opened by `BROWSER`, and comes back to the port that waits for it.
#[test]
fn a_login_in_a_real_browser_is_gone_on_with() {
    let Some(browser) = Chromium::doing("async (page) => { await page.click('#accept'); }") else { return };
    let azure = vault();
    let mut stage = Stage::new();
    stage.home.set("BROWSER", text(&browser.program()));
    connect(&stage.home, &azure, "browser", &[], b"").ok();
    assert!(browser.seen().contains("http://localhost:"), "{}", browser.seen());
    stage.home.run(&["link", "key", "prod:stripe-key", "--host", &stage.origin()]).ok();
    // nobody is asked again: first the token lasts, then another one follows it
    send(&stage, &["--refresh"]).ok();
    azure.revoke(false);
    send(&stage, &["--refresh"]).ok();
    assert_eq!(azure.tokens_made(), 2);
    azure.revoke(true);
    let run = send(&stage, &["--refresh"]).ends(100);
    assert_eq!(run.hints(), ["subrosa reauth prod"], "{run}");
    assert_eq!(stage.server.requests().len(), 2);
    stage.home.run(&["reauth", "prod"]).ok();
    send(&stage, &["--refresh"]).ok();
}

#[test]
fn the_commands_of_a_set_up_are_shown() {
    let home = Home::new();
    let run = home
        .run(&["connect", "azure", "--setup", "--key-vault", "contoso", "--people", "ada@contoso.com"])
        .ok();
    let text = run.text();
    for part in [
        "az ad app create --display-name subrosa",
        "--public-client-redirect-uris http://localhost",
        "--assignee ada@contoso.com --role 'Key Vault Secrets User'",
        "subrosa connect azure NAME --key-vault https://contoso.vault.azure.net",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
