//! Names that are taken, and rules that are wider.

use crate::home::Home;

use super::{export, hand_over, import, names, project, traveller, value};

#[test]
fn names_that_are_taken_are_told_and_nothing_is_stored() {
    let home = project();
    let run = home.run(&["import", ".env"]).ends(1);
    assert!(run.says("API_KEY  (line 2)").hints()[0].contains("--on-conflict replace"));
    assert_eq!(names(&home), ["API_KEY", "SAME"]);
    let plan = home.run(&["import", ".env", "--dry-run", "--json"]).ok().json();
    let fates = plan["secrets"].as_array().expect("secrets").iter();
    let fates: Vec<_> = fates.map(|one| one["fate"].as_str().expect("a word").to_owned()).collect();
    assert_eq!(fates, ["conflict", "unchanged", "new"]);
    assert_eq!(names(&home), ["API_KEY", "SAME"]);
}

#[test]
fn replace_keep_both_and_skip() {
    for (how, line, now) in [
        ("replace", "1 new, 1 replaced, 1 unchanged\n", "made-up-new"),
        ("keep-both", "1 new, 1 kept both, 1 unchanged\n", "made-up-new"),
        ("skip", "1 new, 1 unchanged, 1 skipped\n", "made-up-old"),
    ] {
        let home = project();
        let run = home.run(&["import", ".env", "--on-conflict", how]).ok();
        assert_eq!(run.text(), line);
        assert_eq!(value(&home, "API_KEY"), now);
        assert_eq!(value(&home, "NEW"), "made-up third");
        // what a file of variables does not speak of stays
        let secret = home.run(&["list", "--name", "API_KEY", "--json"]).ok().json()["secrets"][0].clone();
        assert_eq!(secret["rules"][0], "api.example.com");
        assert_eq!(secret["tags"][0], "mine");
        match how {
            "keep-both" => {
                home.run(&["undo", "API_KEY"]).ok();
                assert_eq!(value(&home, "API_KEY"), "made-up-old");
            }
            "replace" => {
                home.run(&["undo", "API_KEY"]).ends(1);
                home.run(&["rename", "API_KEY", "aside"]).ok();
                home.run(&["undo", "API_KEY"]).ok();
                assert_eq!(value(&home, "API_KEY"), "made-up-old");
            }
            _ => drop(run.says("skipped API_KEY: the name is taken")),
        }
        home.run(&["verify"]).ok();
    }
}

#[test]
fn conflicts_are_asked_once_or_one_by_one() {
    let home = project();
    home.write(".env", "API_KEY=made-up-new\nSAME=made-up-other\n");
    let mut terminal = home.terminal(&["import", ".env"]);
    terminal.expect("2 names are taken by secrets that differ:");
    terminal.expect("[r]eplace, [k]eep both, [s]kip, [o]ne by one:");
    terminal.type_line("o");
    terminal.expect("API_KEY: [r]eplace, [k]eep both, [s]kip:");
    terminal.type_line("k");
    terminal.expect("SAME: [r]eplace, [k]eep both, [s]kip:");
    terminal.type_line("s");
    let finished = terminal.finish();
    assert!(finished.shown.contains("1 kept both, 1 skipped"), "{}", finished.shown);
    assert!(!finished.shown.contains("made-up-"), "{}", finished.shown);
    assert_eq!(value(&home, "SAME"), "made-up-same");
    let mut terminal = home.terminal(&["import", ".env"]);
    terminal.expect("[o]ne by one:");
    terminal.type_line("r");
    assert!(terminal.finish().shown.contains("1 replaced, 1 unchanged"));
    // ^C stores nothing
    home.write(".env", "API_KEY=made-up-last\nFRESH=made-up\n");
    let mut terminal = home.terminal(&["import", ".env"]);
    terminal.expect("[o]ne by one:");
    terminal.press(b"\x03");
    assert!(!terminal.finish().status.success());
    assert_eq!(value(&home, "API_KEY"), "made-up-new");
    assert!(!names(&home).contains(&"FRESH".to_owned()));
}

#[test]
fn an_import_lets_no_secret_go_further_without_being_told_to() {
    let (home, other) = (traveller(), traveller());
    home.store("key", "made-up-home", &["--host", "api.example.com", "--send-only"]);
    other.store("key", "made-up-other", &["--unrestricted"]);
    export(&other, "file", &[]).ok();
    hand_over(&other, "file", &home);
    let policy = || {
        let secret = home.run(&["list", "--json"]).ok().json()["secrets"][0].clone();
        (secret["access"].as_str().expect("a word").to_owned(), secret["send_only"] == true)
    };
    let strict = (String::from("restricted"), true);
    let run = import(&home, "file", &["--on-conflict", "keep-both"]).ok();
    run.says("key: api.example.com, send-only -> anywhere").says("hint: --accept-hosts takes them");
    assert_eq!(policy(), strict);
    // on a terminal it is asked
    home.run(&["undo", "key"]).ok();
    let words = ["import", "file", "--export-passphrase-file", "pass", "--on-conflict", "replace"];
    let mut terminal = home.terminal(&words);
    terminal.expect("key: api.example.com, send-only -> anywhere");
    terminal.expect("[t]ake them, [l]eave the vault's, [o]ne by one:");
    terminal.type_line("l");
    assert!(terminal.finish().status.success());
    assert_eq!(policy(), strict);
    import(&home, "file", &["--on-conflict", "replace", "--accept-hosts"]).ok();
    assert_eq!(policy(), (String::from("unrestricted"), false));
    assert_eq!(value(&home, "key"), "made-up-other");
}

/// A vault's scope of so many secrets; the first of each ten has another value than usual.
fn scope(count: usize, first: &str) -> String {
    let variable = |number: usize| {
        let value = if number.is_multiple_of(10) { first } else { "made-up" };
        format!(
            r#"{{"key":"vault:k{number:03}","value":"{value}-{number}","description":"d","_domains":["https://api.example.com"]}}"#
        )
    };
    let variables: Vec<String> = (0..count).map(variable).collect();
    format!(r#"{{"id":"vault","values":[{}]}}"#, variables.join(","))
}

/// What a dry run says of the first ten secrets.
fn foretold(home: &Home, words: &[&str]) -> Vec<String> {
    let plan = home.run(&[&["import", "scope", "--dry-run", "--json"], words].concat()).ok().json();
    let secrets = plan["secrets"].as_array().expect("secrets").iter().take(10);
    secrets.map(ToString::to_string).collect()
}

#[test]
fn many_secrets_are_judged_as_few_are() {
    let told = |count: usize| {
        let home = traveller();
        let mut told = Vec::new();
        home.write("scope", scope(count, "made-up"));
        told.push(foretold(&home, &[]));
        home.run(&["import", "scope"]).ok().says("the file suggests hosts; they were not taken");
        told.push(foretold(&home, &[]));
        let run = home.run(&["import", "scope", "--accept-hosts"]).ok();
        assert_eq!(run.text(), format!("{count} with new hosts\n"));
        told.push(foretold(&home, &[]));
        assert_eq!(home.run(&["import", "scope"]).ok().text(), format!("{count} unchanged\n"));
        home.run(&["tag", "k002", "mine"]).ok();
        home.run(&["describe", "k003", "another"]).ok();
        home.write("scope", scope(count, "other"));
        told.push(foretold(&home, &["--on-conflict", "replace"]));
        let run = home.run(&["import", "scope", "--on-conflict", "replace"]).ok();
        let replaced = count / 10 + 1;
        assert_eq!(run.text(), format!("{replaced} replaced, {} unchanged\n", count - replaced));
        assert_eq!((value(&home, "k000"), value(&home, "k001")), ("other-0".into(), "made-up-1".into()));
        home.run(&["verify"]).ok();
        told
    };
    assert_eq!(told(100), told(10));
    assert_eq!(told(1_000), told(10));
}

#[test]
fn hosts_are_taken_one_by_one_of_new_secrets_and_of_known_ones() {
    let home = traveller();
    home.write("scope", scope(2, "made-up"));
    home.run(&["set", "k001", "--file", "pass"]).ok();
    let mut terminal = home.terminal(&["import", "scope"]);
    terminal.expect("[r]eplace, [k]eep both, [s]kip, [o]ne by one:");
    terminal.type_line("r");
    terminal.expect("[t]ake all, [l]eave all, [o]ne by one:");
    terminal.type_line("o");
    terminal.expect("k000 may go to https://api.example.com:*? [y/n]");
    terminal.type_line("n");
    terminal.expect("k001 may go to https://api.example.com:*? [y/n]");
    terminal.type_line("y");
    terminal.expect("1 new, 1 replaced");
    assert!(terminal.finish().status.success());
    let rules = |name: &str| {
        let listed = home.run(&["list", "--name", name, "--json"]).ok().json();
        listed["secrets"][0]["rules"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((rules("k000"), rules("k001")), (0, 1));
}
