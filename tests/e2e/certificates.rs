//! Client certificates and authorities that the vault keeps by host, against servers that demand them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, CertificateFault};

use crate::home::{Home, Run, contains, text};
use crate::stage::{Stage, VALUE};

const PASSPHRASE: &str = "made-up-pfx-passphrase";

/// A server that talks to nobody without a certificate of its own CA.
fn strict() -> Stage {
    strict_for(&["127.0.0.1"])
}

fn strict_for(names: &[&str]) -> Stage {
    Stage::with(CaptureOptions { client_certificate: true, ..CaptureOptions::tls_for(names) })
}

fn file(stage: &Stage, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = stage.home.write(name, content);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a private file");
    text(&path)
}

/// A certificate of nobody's CA, and its key.
fn stranger(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../http/tests/identities").join(name)
}

fn add_stranger(stage: &Stage, rule: &str) -> Run {
    let (certificate, key) = (text(&stranger("certificate.pem")), text(&stranger("key.pem")));
    stage.home.run(&["cert", "add", "--host", rule, "--cert", &certificate, "--key", &key])
}

fn add_client(stage: &Stage, rule: &str) -> Run {
    let (certificate, key) = stage.server.client_identity();
    stage.home.run(&["cert", "add", "--host", rule, "--cert", &text(&certificate), "--key", &text(&key)])
}

fn add_ca(stage: &Stage, rule: &str) -> Run {
    stage.home.run(&["ca", "add", "--host", rule, &text(&stage.server.ca_path())])
}

/// Both, for the server itself.
fn kept() -> Stage {
    let stage = strict();
    add_ca(&stage, &stage.origin()).ok();
    add_client(&stage, &stage.origin()).ok();
    stage
}

/// The lines of `cert list` or `ca list`, each as its columns.
fn listed(home: &Home, command: &str) -> Vec<Vec<String>> {
    let run = home.run(&[command, "list"]).ok();
    run.text().lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// No connection to it stands: it lets nobody in who shows nothing, or something else.
#[track_caller]
fn shut_out(stage: &Stage, run: Run) {
    assert!([16, 35, 52, 55, 56].contains(&run.code), "{run}");
    assert_eq!(stage.server.requests(), [], "{run}");
}

#[test]
fn what_is_kept_for_a_host_is_used_by_itself() {
    let stage = strict();
    stage.allowed("key");
    stage.send_here(&[], "/").ends(60);
    add_ca(&stage, "127.0.0.1:*").ok();
    shut_out(&stage, stage.send_here(&[], "/"));
    let pfx = file(&stage, "client.p12", stage.server.client_pfx(PASSPHRASE));
    let pass = file(&stage, "passphrase", PASSPHRASE);
    stage.home.run(&["cert", "add", "--host", "127.0.0.1:*", "--pfx", &pfx, "--pass-file", &pass]).ok();
    for used in [&pfx, &pass] {
        fs::remove_file(used).expect("it is not needed any more");
    }
    let run = stage.send_here(&["-v", "-H", "X-Key: <<vault:key>>"], "/").ok();
    run.says("client certificate CN=subrosa test client, kept for 127.0.0.1:*");
    assert!(stage.request().contains(VALUE));
    let entries = stage.home.run(&["audit", "show", "--json"]).ok().json();
    let last: Vec<&str> = entries["entries"].as_array().expect("entries")[..]
        .iter()
        .filter_map(|entry| entry["action"].as_str())
        .collect();
    assert_eq!(last[last.len() - 2..], ["certificate", "send"], "{entries}");
    let id = listed(&stage.home, "cert")[0][0].clone();
    assert!(entries["entries"].to_string().contains(&format!("\"secret\":\"{id}\"")), "{entries}");
}

#[test]
fn hosts_ports_and_schemes_are_told_apart() {
    let stage = strict_for(&["a.api.example.com", "api.example.com"]);
    let port = stage.server.port();
    let send = |host: &str| {
        let resolve = format!("{host}:{port}:127.0.0.1");
        stage.send(&["--resolve", &resolve, &format!("https://{host}:{port}/")])
    };
    add_ca(&stage, "*.example.com:*").ok();
    for (rule, opens) in [
        ("*.api.example.com", false),
        ("api.example.com:*", false),
        (&format!("*.api.example.com:{}", port ^ 1), false),
        (&format!("*.api.example.com:{port}"), true),
    ] {
        add_client(&stage, rule).ok();
        match opens {
            true => drop(send("a.api.example.com").ok()),
            false => shut_out(&stage, send("a.api.example.com")),
        }
        stage.home.run(&["cert", "rm", rule, "--yes"]).ok();
    }
    add_client(&stage, "*.example.com:*").ok();
    send("api.example.com").ok();
    for (rule, said) in [
        ("http://api.example.com", "https alone"),
        ("api.example.com;header", "no part of a request"),
        ("*", "any host"),
        ("*.com", "suffix"),
    ] {
        let run = add_client(&stage, rule).ends(2);
        assert!(run.err.contains(said) || run.err.contains("rule"), "{run}");
    }
}

/// Over plain http nothing of it is looked for: the vault stays shut.
#[test]
fn plain_http_never_opens_the_vault_for_certificates() {
    let mut stage = kept();
    let plain = Stage::new();
    stage.home.unset("SUBROSA_KEY_FILE");
    let send = |words: &[&str]| stage.home.run(&[&["send", "--no-keychain"], words].concat());
    send(&[&plain.server.url("/")]).ok();
    let run = send(&[&stage.server.url("/")]).ends(101).says("nothing was sent");
    assert!(run.hints().iter().any(|hint| hint.starts_with("--no-certs ")), "{run}");
    assert_eq!(stage.server.connections(), 0);
    send(&["--no-certs", &stage.server.url("/")]).ends(60);
}

#[test]
fn the_last_that_was_added_wins_and_the_command_line_before_it() {
    let stage = kept();
    let (certificate, key) = stage.server.client_identity();
    let (certificate, key) = (text(&certificate), text(&key));
    add_stranger(&stage, "127.0.0.1:*").ok();
    shut_out(&stage, stage.send_here(&[], "/"));
    stage.send_here(&["--cert", &certificate, "--key", &key], "/").ok();
    let ids: Vec<String> = listed(&stage.home, "cert").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(ids.len(), 2);
    // the same one for the same hosts, added again, is the last
    add_client(&stage, &stage.origin()).ok();
    assert_eq!(listed(&stage.home, "cert").len(), 2);
    stage.send_here(&[], "/").ok();
    stage.home.run(&["cert", "rm", &ids[1], "--yes"]).ok();
    let left = listed(&stage.home, "cert");
    assert_eq!((left.len(), left[0][1].as_str()), (1, stage.origin().as_str()));
    let (other, other_key) = (text(&stranger("certificate.pem")), text(&stranger("key.pem")));
    let run = stage.send_here(&["--cert", &other, "--key", &other_key], "/");
    assert!([16, 35, 52, 55, 56].contains(&run.code), "{run}");
    let elsewhere = CaptureServer::start(CaptureOptions::tls());
    stage.send_here(&["--cacert", &text(&elsewhere.ca_path())], "/").ends(60);
    stage.send_here(&["--no-certs", "-k", "--cert", &certificate, "--key", &key], "/").ok();
}

#[test]
fn each_hop_of_a_redirect_goes_by_the_rules_for_its_own_host() {
    let strict = kept();
    let (location, rule) = (strict.server.url("/end"), strict.origin());
    let first = CaptureServer::start(
        CaptureOptions::default().answering(move |_, _| Answer::redirect(302, &location)),
    );
    strict.home.run(&["send", "-L", &first.url("/")]).ok();
    assert_eq!(strict.server.requests().len(), 1);
    strict.home.run(&["cert", "rm", &rule, "--yes"]).ok();
    let run = strict.home.run(&["send", "-L", &first.url("/")]);
    assert!([16, 35, 52, 55, 56].contains(&run.code), "{run}");
    assert_eq!(strict.server.requests().len(), 1);
}

/// What the request says of its host, `-k` and `--cert` among it, is not said of the proxy.
#[test]
fn an_https_proxy_is_a_host_like_another() {
    let stage = kept();
    let proxy = stage.origin();
    let (other, other_key) = (text(&stranger("certificate.pem")), text(&stranger("key.pem")));
    let own = ["-k", "--cert", &other, "--key", &other_key];
    for words in [&[][..], &own] {
        stage.send(&[words, &["-x", &proxy, "http://api.example.com/v1"]].concat()).ok();
    }
    let targets: Vec<String> = stage.server.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["http://api.example.com/v1", "http://api.example.com/v1"]);
    let audit = stage.home.run(&["audit", "show"]).ok();
    assert!(audit.text().contains(&format!("\t{proxy}\t")), "{audit}");
    stage.send(&["--no-certs", "-x", &proxy, "http://api.example.com/v1"]).ends(60);
    stage.home.run(&["cert", "rm", &proxy, "--yes"]).ok();
    let run = stage.send(&["-x", &proxy, "http://api.example.com/v1"]);
    assert!([16, 35, 52, 55, 56].contains(&run.code), "{run}");
    assert_eq!(stage.server.requests().len(), 2);
}

#[test]
fn what_does_not_open_is_not_kept() {
    let stage = strict();
    let pfx = file(&stage, "client.p12", stage.server.client_pfx(PASSPHRASE));
    let wrong = file(&stage, "wrong", "made-up-wrong-passphrase");
    let (certificate, _) = stage.server.client_identity();
    let (certificate, other) = (text(&certificate), text(&stranger("key.pem")));
    let add = |words: &[&str]| stage.home.run(&[&["cert", "add", "--host", "a.example"], words].concat());
    let run = add(&["--pfx", &pfx, "--pass-file", &wrong]).ends(1).says("the passphrase does not open");
    assert!(!run.shows("made-up-wrong"), "{run}");
    let run = add(&["--pfx", &pfx]).ends(1).says("is encrypted");
    assert!(run.hints().iter().any(|hint| hint.starts_with("--pass-file ")), "{run}");
    add(&["--cert", &certificate, "--key", &other]).ends(1).says("the key is not that of the certificate");
    add(&["--cert", &certificate]).ends(1).says("without a usable key");
    add(&["--cert", "none.pem"]).ends(1).says("none.pem");
    fs::set_permissions(&wrong, fs::Permissions::from_mode(0o644)).expect("a mode");
    add(&["--pfx", &pfx, "--pass-file", &wrong]).ends(101).says("has mode 644");
    assert!(listed(&stage.home, "cert").is_empty());
    // asked for on a terminal, and read from standard input
    let fed = ["cert", "add", "--host", "a.example", "--pfx", &pfx, "--pass-file", "-"];
    stage.home.feed(&fed, format!("{PASSPHRASE}\n")).ok();
    let mut terminal = stage.home.terminal(&["cert", "add", "--host", "b.example", "--pfx", &pfx]);
    terminal.expect("passphrase of ");
    terminal.type_line(PASSPHRASE);
    let finished = terminal.finish();
    assert!(finished.status.success() && !finished.shown.contains(PASSPHRASE), "{}", finished.shown);
    assert_eq!(listed(&stage.home, "cert").len(), 2);
}

#[test]
fn every_form_of_a_certificate_and_its_key_is_told_by_itself() {
    let stage = strict();
    let pass = file(&stage, "passphrase", "sesame");
    for (number, (certificate, key)) in [
        ("certificate.pem", "key.pem"),
        ("certificate.der", "key.der"),
        ("certificate.pem", "key-aes.der"),
        ("certificate.der", "key-scrypt.pem"),
        ("certificate.pem", "modern.p12"),
    ]
    .into_iter()
    .enumerate()
    {
        let (certificate, key) = (text(&stranger(certificate)), text(&stranger(key)));
        let host = format!("host{number}.example");
        let words = ["cert", "add", "--host", &host, "--cert", &certificate, "--key", &key];
        stage.home.run(&[&words[..], &["--pass-file", &pass]].concat()).ok();
    }
    let rows = listed(&stage.home, "cert");
    assert_eq!(rows.len(), 5);
    // one certificate, whatever it was read from
    assert!(rows.iter().all(|row| row[2].contains("client.example") && row[5] == rows[0][5]), "{rows:?}");
}

#[test]
fn only_authorities_are_trusted_as_authorities() {
    let stage = Stage::tls(&["127.0.0.1"]);
    let (leaf, _) = stage.server.client_identity();
    let run = stage.home.run(&["ca", "add", "--host", "127.0.0.1:*", &text(&leaf)]).ends(1);
    run.says("CN=subrosa test client is no authority");
    let other = CaptureServer::start(CaptureOptions::tls());
    let pem = |server: &CaptureServer| fs::read(server.ca_path()).expect("a CA");
    // one of two is no authority: neither is trusted
    let mixed = file(&stage, "mixed.pem", [pem(&stage.server), fs::read(&leaf).expect("a leaf")].concat());
    stage.home.run(&["ca", "add", "--host", "127.0.0.1:*", &mixed]).ends(1).says("mixed.pem");
    let empty = file(&stage, "empty.pem", "nothing");
    stage.home.run(&["ca", "add", "--host", "127.0.0.1:*", &empty]).ends(1).says("it holds no certificate");
    assert!(listed(&stage.home, "ca").is_empty());
    let both = file(&stage, "both.pem", [pem(&other), pem(&stage.server)].concat());
    stage.home.run(&["ca", "add", "--host", "127.0.0.1:*", &both]).ok();
    let rows = listed(&stage.home, "ca");
    assert_eq!((rows.len(), &rows[0][0]), (2, &rows[1][0]), "{rows:?}");
    stage.send_here(&[], "/").ok();
    stage.home.run(&["send", &other.url("/")]).ok();
    // of that host only
    let elsewhere = stage.server.url("/").replace("127.0.0.1", "localhost");
    stage.home.run(&["send", &elsewhere]).ends(60);
}

#[test]
fn an_authority_of_the_users_own_is_no_deviation() {
    let stage = strict_for(&["api.corp.example"]);
    stage.home.store("key", VALUE, &["--host", "https://api.corp.example"]);
    add_ca(&stage, "*.corp.example").ok();
    add_client(&stage, "*.corp.example").ok();
    let words = ["send", "--explain-json", "-H", "X-Key: <<vault:key>>", "https://api.corp.example/"];
    let report = stage.home.run(&words).ok().json();
    let request = &report["requests"][0];
    assert_eq!((&report["sendable"], &request["trusts"]), (&true.into(), &"kept".into()), "{report}");
    assert_eq!(request["deviations"].as_array().map(Vec::len), Some(0), "{report}");
    let kept: Vec<[&str; 3]> = request["kept"]
        .as_array()
        .expect("what is kept")
        .iter()
        .map(|kept| ["kind", "host", "subject"].map(|field| kept[field].as_str().expect("text")))
        .collect();
    let expected = [
        ["certificate", "*.corp.example", "CN=subrosa test client"],
        ["authority", "*.corp.example", "CN=subrosa test CA"],
    ];
    assert_eq!(kept, expected);
    let shown = stage.home.run(&["send", "--explain", "https://api.corp.example/"]).ok();
    assert!(shown.text().contains("CN=subrosa test client, kept for *.corp.example"), "{shown}");
    let none = stage.home.run(&["send", "--explain-json", "--no-certs", "https://api.corp.example/"]).ok();
    assert_eq!(none.json()["requests"][0]["kept"].as_array().map(Vec::len), Some(0));
    assert_eq!(stage.server.connections(), 0);
}

/// A kept certificate is as good as a secret: whom the request trusts, and by what way it goes, is the user's to say.
#[test]
fn hostile_e65a_a_kept_certificate_goes_no_way_that_a_secret_may_not_go() {
    let stage = strict_for(&["api.example.com"]);
    add_client(&stage, "api.example.com").ok();
    let ca = text(&stage.server.ca_path());
    // nobody answers at a documentation address (RFC 5737)
    let resolve = ["--resolve", "api.example.com:443:192.0.2.1"];
    for words in [
        &["-k"][..],
        &["--cacert", &ca],
        &resolve,
        &["--connect-to", "api.example.com:443:192.0.2.1:443"],
        &["-x", "http://192.0.2.1:3128"],
    ] {
        let words = [words, &["--connect-timeout", "2", "https://api.example.com/"]].concat();
        let run = stage.send(&words).ends(100).says("the client certificate kept for api.example.com: ");
        run.says(words[0].replace("-x", "--proxy").as_str()).says("nothing was sent");
        let explained = stage.home.run(&[&["send", "--explain-json"], &words[..]].concat()).ends(100).json();
        assert_eq!(explained["requests"][0]["kept"][0]["allowed"], false);
    }
    stage.untouched();
    let url = "https://api.example.com/";
    let timed = ["--connect-timeout", "2", url];
    stage.home.configure("[[trust]]\nhost = \"api.example.com\"\nallow = [\"--resolve\"]\n");
    let run = stage.send(&[&resolve[..], &timed].concat());
    assert!([7, 28].contains(&run.code), "{run}");
    let run = stage.send(&[&["-k"], &resolve[..], &timed].concat()).ends(100);
    assert_eq!(run.hints()[0], "subrosa doctor --explain trust");
    // without it, nothing holds the request back
    let run = stage.send(&[&["-k", "--no-certs"], &resolve[..], &timed].concat());
    assert!([7, 28].contains(&run.code), "{run}");
}

#[test]
fn hostile_a7_a_certificate_that_was_tampered_with_keeps_requests_from_being_sent() {
    for sql in [
        "UPDATE record SET sealed = (SELECT sealed FROM record WHERE kind = 11) WHERE kind = 10",
        "UPDATE record SET kind = 11, seq = 1 WHERE kind = 10",
        "DELETE FROM record WHERE kind = 10",
        "DELETE FROM record WHERE kind = 11",
    ] {
        let stage = kept();
        let database = Connection::open(stage.home.database()).expect("a database");
        database.execute_batch(sql).expect("SQL");
        drop(database);
        let run = stage.send_here(&[], "/").ends(102).says("nothing was sent");
        assert_eq!(stage.server.connections(), 0, "{sql}: {run}");
        stage.home.run(&["verify"]).ends(102);
    }
}

#[test]
fn what_is_not_valid_today_is_told_wherever_it_is_met() {
    let fault = CertificateFault::ExpiredSelfSigned;
    let stage = Stage::with(CaptureOptions { fault, ..CaptureOptions::tls() });
    let expired = "it expired on 2002-01-01";
    add_ca(&stage, &stage.origin()).ok().says(expired);
    stage.home.run(&["ca", "list"]).ok().says(expired);
    let report = stage.home.run(&["ca", "list", "--json"]).ok().json();
    assert_eq!(report["certificates"][0]["valid"], false);
    let doctor = stage.home.run(&["doctor"]).ends(1);
    assert!(doctor.text().contains(expired), "{doctor}");
    stage.send_here(&[], "/").ends(60).says(&format!("{}: {expired}", stage.origin()));
}

#[test]
fn removing_asks_first() {
    let stage = kept();
    let rule = stage.origin();
    stage.home.run(&["cert", "rm", &rule]).ends(2).says("--yes");
    stage.home.run(&["cert", "rm", "none.example", "--yes"]).ends(1).says("none.example");
    stage.home.run(&["ca", "rm", "", "--yes"]).ends(1);
    let mut terminal = stage.home.terminal(&["cert", "rm", &rule]);
    terminal.expect("type 'remove' to go on:");
    terminal.type_line("no");
    assert!(!terminal.finish().status.success());
    assert_eq!(listed(&stage.home, "cert").len(), 1);
    stage.home.run(&["cert", "rm", &rule, "--yes"]).ok();
    stage.home.run(&["ca", "rm", &rule, "--yes"]).ok();
    assert!(listed(&stage.home, "cert").is_empty() && listed(&stage.home, "ca").is_empty());
    stage.send_here(&[], "/").ends(60);
}

#[test]
fn certificates_travel_with_backups_and_keys_and_not_with_exports() {
    let stage = kept();
    let home = &stage.home;
    stage.allowed("key");
    let pass = file(&stage, "export-passphrase", "correct horse battery staple");
    let run = home.run(&["export", "-o", "sealed", "--export-passphrase-file", &pass]).ok();
    run.says("certificates are not in it");
    home.run(&["backup", "copy"]).ok();
    for command in ["cert", "ca"] {
        let copied = home.run(&["--vault", "copy", command, "list"]).ok();
        assert_eq!(copied.text(), home.run(&[command, "list"]).ok().text());
        assert_eq!(copied.text().lines().count(), 1, "{copied}");
    }
    let recovery = text(&home.path("recovery"));
    home.run(&["keys", "rotate", "--root", "--yes", "--save-recovery", &recovery]).ok();
    home.run(&["clear", "--yes"]).ok();
    stage.send_here(&[], "/").ok();
    home.run(&["cert", "rm", &stage.origin(), "--yes"]).ok();
    home.run(&["verify"]).ok();
}

/// The key stands in nothing that is shown, and in no file but the user's own.
#[test]
fn hostile_a16_a_key_is_in_no_file_in_clear() {
    let stage = kept();
    let (_, path) = stage.server.client_identity();
    let pem = fs::read_to_string(path).expect("the key");
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = data_encoding::BASE64.decode(body.as_bytes()).expect("base64");
    // the private number itself (RFC 5915), beyond what all keys of a kind have in common
    let secret = &der[36..68];
    let encoded = data_encoding::BASE64.encode(&der);
    let needles = [secret, &encoded.as_bytes()[40..88]];
    for words in [
        &["cert", "list"][..],
        &["cert", "list", "--json"],
        &["send", "--explain", &stage.server.url("/")],
        &["doctor"],
        &["send", "-sv", &stage.server.url("/")],
    ] {
        let run = stage.home.run(words);
        assert!(
            needles.iter().all(|needle| !contains(&run.out, needle) && !contains(run.err.as_bytes(), needle))
        );
    }
    assert_eq!(stage.home.files_with(&needles), Vec::<PathBuf>::new());
    // what is looked for would be found
    assert!(contains(&der, secret) && contains(encoded.as_bytes(), needles[1]));
}
