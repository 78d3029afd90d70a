//! Files of other programs, and the environment.

use std::fs;

use super::{names, traveller, value};
use crate::home::Home;

#[test]
fn postmans_files_come_in_and_go_out() {
    let home = traveller();
    let file = r#"{"name": "staging", "values": [
        {"key": "token", "value": "made-up-token", "type": "secret", "enabled": true},
        {"key": "base", "value": "https://example.com", "type": "default", "enabled": true}
    ], "_postman_variable_scope": "environment"}"#;
    home.write("staging.json", file);
    home.write("marked.json", file.replace("secret", "default"));
    let run = home.run(&["import", "marked.json"]).ok().says("2 variables are not of type secret");
    assert_eq!(run.hints(), ["--all takes what is not marked as secret, too"]);
    assert_eq!(home.run(&["import", "staging.json"]).ok().text(), "1 new\n");
    assert_eq!(home.run(&["import", "staging.json", "--all"]).ok().text(), "1 new, 1 unchanged\n");
    home.run(&["export", "token", "-o", "back.postman_environment.json", "--plaintext", "postman", "--yes"])
        .ok();
    let back = fs::read(home.work().join("back.postman_environment.json")).expect("the file");
    let back: serde_json::Value = serde_json::from_slice(&back).expect("JSON");
    assert_eq!((&back["name"], &back["values"][0]["value"]), (&"back".into(), &"made-up-token".into()));
}

#[test]
fn documents_come_in_by_path() {
    let home = traveller();
    home.write(
        "a.json",
        r#"{"services": {"api": {"token": "made-up-json", "version": 1.10}}, "other": "x"}"#,
    );
    home.write("a.yaml", "services:\n  api:\n    token: made-up-yaml\n    version: 1.10\nother: x\n");
    home.write("a.toml", "other = 'x'\n[services.api]\ntoken = 'made-up-toml'\nversion = 1.10\n");
    for format in ["json", "yaml", "toml"] {
        let (file, prefix) = (format!("a.{format}"), format!("{format}/"));
        let words = ["import", &file, "--path", "services.api", "--prefix", &prefix];
        assert_eq!(home.run(&words).ok().text(), "2 new\n", "{format}");
        assert_eq!(value(&home, &format!("{format}/token")), format!("made-up-{format}"));
        assert_eq!(value(&home, &format!("{format}/version")), "1.10");
        home.run(&["import", &file, "--path", "services.none"])
            .ends(1)
            .says("services.none: the document has nothing there; nothing was imported");
    }
    assert_eq!(names(&home).len(), 6);
    assert_eq!(home.run(&["import", "a.yaml", "--prefix", "whole/"]).ok().text(), "3 new\n");
    assert_eq!(value(&home, "whole/services.api.token"), "made-up-yaml");
}

#[test]
fn a_flag_that_says_nothing_about_the_file_is_refused() {
    let home = traveller();
    home.write("a.env", "A=made-up\nb=other\n");
    for (words, said) in [
        (
            &["a.env", "--path", "services"][..],
            "--path is for JSON, YAML and TOML, and a.env is read as dotenv",
        ),
        (&["a.env", "--identity", "pass"], "--identity is for age files, and a.env is read as dotenv"),
    ] {
        let run = home.run(&[&["import"], words].concat()).ends(2).says(said).says("; nothing was imported");
        assert!(run.hints()[0].starts_with(&format!("leave {} out", words[1])), "{run}");
    }
    home.write("a", "{");
    home.run(&["import", "a"]).ends(1).says("error: a: line 1: ");
    home.write(".env", "\n\n");
    home.run(&["import", ".env"]).ends(1).says("error: .env is empty; nothing was imported");
    assert!(names(&home).is_empty());
}

#[test]
fn variables_of_the_environment_come_in_by_their_names() {
    let mut home = traveller();
    home.set("STRIPE_KEY", "made-up-key");
    home.set("STRIPE_URL", "made-up-url");
    home.set("API_TOKEN", "made-up-token");
    home.set("OTHER_TOKEN", "made-up-other");
    home.store("untouched", "made-up", &[]);
    let run = home.run(&["import", "--env", "STRIPE_*", "--env", "API_TOKEN", "--prefix", "dev/"]).ok();
    assert_eq!(run.text(), "3 new\n");
    assert_eq!(names(&home), ["dev/API_TOKEN", "dev/STRIPE_KEY", "dev/STRIPE_URL", "untouched"]);
    assert_eq!(value(&home, "dev/STRIPE_KEY"), "made-up-key");
    assert!(home.run(&["audit", "show"]).ok().text().contains("the environment"));
    home.run(&["import", "--env", "NONE_*"])
        .ends(1)
        .says("the environment: no variable has such a name; nothing was imported");
    // keys of subrosa itself stay where they are
    home.set("SUBROSA_SECRET", "made-up-own");
    home.run(&["import", "--env", "SUBROSA_*"]).ok().says("this is for subrosa itself and is left out");
    home.set("STRIPE_KEY", "made-up-changed");
    let again = ["import", "--env", "STRIPE_*", "--prefix", "dev/"];
    home.run(&[&again[..], &["--on-conflict", "replace"]].concat()).ok();
    assert_eq!(value(&home, "dev/STRIPE_KEY"), "made-up-changed");
    assert_eq!(names(&home).len(), 4);
    home.run(&["import"]).ends(2);
    for words in [&[".env"][..], &["--rewrite"], &["--path", "a"], &["--format", "dotenv"], &["--all"]] {
        home.run(&[&["import", "--env", "STRIPE_*"], words].concat()).ends(2).says("cannot be used with");
    }
}

#[test]
fn hosts_that_a_file_suggests_are_taken_only_when_somebody_says_so() {
    let file = r#"{"id": "vault", "prefix": "vault:", "values": [
        {"key": "vault:one", "value": "made-up-one", "_domains": ["https://api.example.com:8443"]},
        {"key": "vault:two", "value": "made-up-two", "_domains": ["https://two.example.com:443", "https://three.example.com:443"]}
    ]}"#;
    let fresh = || {
        let home = traveller();
        home.write("vault.json", file);
        home
    };
    let rules = |home: &Home, name: &str| home.run(&["allow", name]).ok().text().to_owned();
    let home = fresh();
    let run = home.run(&["import", "vault.json"]).ok().says("the file suggests hosts; they were not taken:");
    assert!(run.hints().contains(&"subrosa allow one https://api.example.com:8443"), "{run}");
    assert_eq!(rules(&home, "one"), "undecided\n");
    // what is in the vault already is suggested for as well
    let run = home.run(&["import", "vault.json", "--accept-hosts"]).ok();
    assert_eq!(run.text(), "2 with new hosts\n");
    assert_eq!(rules(&home, "one"), "https://api.example.com:8443\n");
    let home = fresh();
    let mut terminal = home.terminal(&["import", "vault.json"]);
    terminal.expect("the file suggests where secrets may go:");
    terminal.expect("[t]ake all, [l]eave all, [o]ne by one:");
    terminal.type_line("o");
    for answer in ["n", "y", "n"] {
        terminal.expect("[y/n]");
        terminal.type_line(answer);
    }
    assert!(terminal.finish().status.success());
    assert_eq!(
        (rules(&home, "one").as_str(), rules(&home, "two").as_str()),
        ("undecided\n", "https://two.example.com\n")
    );
}

#[test]
fn prefixes_profiles_and_tags_are_put_on_what_comes_in() {
    let home = traveller();
    let input = "A=made-up\nB=made-up-too\n";
    let words = ["import", "-", "--profile", "dev", "--prefix", "app-", "--tag", "team"];
    assert_eq!(home.feed(&words, input).ok().text(), "2 new\n");
    assert_eq!(names(&home), ["dev/app-A", "dev/app-B"]);
    assert_eq!(home.run(&["list", "--tag", "team"]).ok().text().lines().count(), 2);
    home.feed(&["import", "-", "--prefix", "a//"], input).ends(1).says("standard input: line 1: ");
}
