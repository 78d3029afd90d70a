//! Linked secrets, which have no value of their own.

use std::fs;

use super::{export, hand_over, import, names, traveller, value};
use crate::home::{Home, text};

/// A user with a secret that is linked, and one that is not.
fn linked() -> Home {
    let home = traveller();
    fs::create_dir_all(home.path("mounted")).expect("a folder");
    fs::write(home.path("mounted").join("token"), "made-up-elsewhere").expect("a file");
    home.run(&["connect", "folder", "k8s", "--path", &text(&home.path("mounted"))]).ok();
    home.run(&["link", "LINKED", "k8s:token"]).ok();
    home.store("OWN", "made-up-own", &[]);
    home
}

fn link(home: &Home) -> String {
    home.run(&["link", "LINKED"]).ok().text().to_owned()
}

/// A user who has another folder under the name of the same connection, or none.
fn neighbour(folder: Option<&str>) -> Home {
    let home = traveller();
    if let Some(folder) = folder {
        fs::create_dir_all(home.path(folder)).expect("a folder");
        fs::write(home.path(folder).join("token"), "made-up-here").expect("a file");
        home.run(&["connect", "folder", "k8s", "--path", &text(&home.path(folder))]).ok();
    }
    home
}

#[test]
fn a_link_travels_without_its_value_and_resolves_once_it_is_connected() {
    let (home, other) = (linked(), neighbour(None));
    // looked up once, so that a value of it is cached
    assert_eq!(value(&home, "LINKED"), "made-up-elsewhere");
    home.run(&["allow", "LINKED", "db.example.com"]).ok();
    home.run(&["cache", "ttl", "2h", "--link", "LINKED"]).ok();
    export(&home, "file", &["--history"]).ok();
    hand_over(&home, "file", &other);
    let run = import(&other, "file", &[]).ends(1).says("links of the file say where values are fetched from");
    let path = text(&home.path("mounted"));
    run.says(&format!("  LINKED: k8s:token (folder, path={path}; not connected here) -> db.example.com"));
    assert!(names(&other).is_empty());
    let plan = import(&other, "file", &["--dry-run", "--json"]).ok().json();
    assert_eq!(
        (&plan["secrets"][0]["link"], &plan["secrets"][1]["link"]),
        (&"k8s:token".into(), &serde_json::Value::Null)
    );
    let run = import(&other, "file", &["--accept-links"]).ok();
    assert_eq!(run.text(), "2 new\n");
    assert_eq!(run.hints(), [format!("subrosa connect folder k8s --path {path}")]);
    run.says("1 secret is linked to k8s, which is not connected here");
    let row =
        |home: &Home| home.run(&["list", "--name", "LINKED", "--json"]).ok().json()["secrets"][0].clone();
    assert_eq!(row(&other), row(&home));
    other.write("requests.sh", "<<vault:LINKED>>");
    let refs = other.run(&["refs", "requests.sh", "--json"]).ok().json();
    assert_eq!(refs["references"][0]["state"], "not_connected");
    let run = other.run(&["get", "LINKED"]).ends(100).says("k8s is not connected here");
    assert_eq!(run.hints(), [format!("subrosa connect folder k8s --path {path}")]);
    other.run(&["connect", "folder", "k8s", "--path", &path]).ok();
    assert_eq!(value(&other, "LINKED"), "made-up-elsewhere");
    assert_eq!(other.run(&["cache", "ttl", "--link", "LINKED"]).ok().text(), "2h\n");
    // and again there is nothing to do, nor to ask
    assert_eq!(import(&other, "file", &[]).ok().text(), "2 unchanged\n");
    other.run(&["verify"]).ok();
}

#[test]
fn links_travel_in_plain_json_and_to_age_but_not_where_only_values_can_stand() {
    let home = linked();
    for form in [&["--age-passphrase"][..], &["--plaintext", "json", "--yes"]] {
        export(&home, "file", &[form, &["--force"]].concat()).ok();
        let other = neighbour(None);
        hand_over(&home, "file", &other);
        assert_eq!(import(&other, "file", &["--accept-links"]).ok().text(), "2 new\n");
        assert_eq!(link(&other), "k8s:token\n");
    }
    let plain = fs::read_to_string(home.work().join("file")).expect("the file");
    assert!(plain.contains("\"target\":\"token\"") && !plain.contains("made-up-elsewhere"), "{plain}");
    for format in ["dotenv", "postman"] {
        let words = ["--plaintext", format, "--yes"];
        for names in [&[][..], &["LINKED"], &["LINK*", "OWN"]] {
            let run = export(&home, "values", &[&words[..], names].concat()).ends(1).says("  LINKED\n");
            assert!(run.hints()[0].contains("--without-linked"), "{run}");
        }
        assert!(!home.work().join("values").exists());
    }
    export(&home, "values", &["--plaintext", "dotenv", "--without-linked", "--yes"]).ok();
    assert_eq!(fs::read_to_string(home.work().join("values")).expect("the file"), "OWN=made-up-own\n");
    export(&home, "none", &["LINKED", "--without-linked"]).ends(1).says("nothing is left to be exported");
    export(&home, "some", &["--without-linked"]).ok().says("1 secret is linked and not in it");
    let other = neighbour(None);
    hand_over(&home, "some", &other);
    assert_eq!(import(&other, "some", &[]).ok().text(), "1 new\n");
}

#[test]
fn hostile_i91_a_link_of_a_file_is_taken_only_by_whoever_agrees() {
    let (home, other) = (linked(), neighbour(Some("mounted")));
    export(&home, "plain", &["--plaintext", "json", "--yes"]).ok();
    // the folder of the user who imports it, to be sent where the file says
    let file = fs::read_to_string(home.work().join("plain")).expect("the file");
    let file = file.replace(&text(&home.path("mounted")), &text(&other.path("mounted")));
    let file = file.replacen("\"access\":\"undecided\"", "\"access\":{\"restricted\":[\"evil.example\"]}", 1);
    other.write("plain", file);
    other
        .run(&["import", "plain"])
        .ends(1)
        .says("  LINKED: k8s:token (folder, path=")
        .says(") -> evil.example\n");
    assert!(names(&other).is_empty());
    let mut terminal = other.terminal(&["import", "plain"]);
    terminal.expect("links of the file say where values are fetched from, with your rights:");
    terminal.expect("[t]ake them, [l]eave these secrets out, [o]ne by one:");
    terminal.type_line("l");
    let shown = terminal.finish().shown;
    assert!(shown.contains("1 new, 1 skipped") && shown.contains("it is linked in the file"), "{shown}");
    assert_eq!(names(&other), ["OWN"]);
    let mut terminal = other.terminal(&["import", "plain"]);
    terminal.expect("[o]ne by one:");
    terminal.type_line("o");
    terminal.expect("? [y/n]");
    terminal.type_line("n");
    assert!(terminal.finish().shown.contains("1 unchanged, 1 skipped"));
    assert_eq!(other.run(&["import", "plain", "--without-linked"]).ok().text(), "1 unchanged, 1 skipped\n");
    assert_eq!(names(&other), ["OWN"]);
    let mut terminal = other.terminal(&["import", "plain"]);
    terminal.expect("[o]ne by one:");
    terminal.type_line("t");
    assert!(terminal.finish().status.success());
    assert_eq!(value(&other, "LINKED"), "made-up-here");
}

#[test]
fn hostile_i91_a_link_is_not_taken_for_one_to_another_connection_of_that_name() {
    let (home, other) = (linked(), neighbour(Some("another")));
    export(&home, "file", &[]).ok();
    hand_over(&home, "file", &other);
    let run = import(&other, "file", &["--accept-links"]).ends(1);
    let run =
        run.says("the connection k8s of the file is another one than the vault's; nothing was imported");
    let run = run.says(&format!("  of the file: folder, path={}", text(&home.path("mounted"))));
    run.says(&format!("  of the vault: folder, path={}", text(&other.path("another"))));
    import(&other, "file", &["--dry-run"]).ends(1).says("is another one than the vault's");
    assert!(names(&other).is_empty());
    import(&other, "file", &["--connection", "k8s=none"]).ends(1).says("no connection named none");
    import(&other, "file", &["--connection", "aws=k8s"]).ends(2).says("no link to a connection named aws");
    import(&other, "file", &["--connection", "k8s"]).ends(2).says("write NAME=OTHER");
    assert_eq!(import(&other, "file", &["--without-linked"]).ok().text(), "1 new, 1 skipped\n");
    // the user says which one is meant
    other.run(&["connect", "folder", "spare", "--path", &text(&other.path("another"))]).ok();
    let meant = ["--connection", "k8s=spare", "--accept-links"];
    assert_eq!(import(&other, "file", &meant).ok().text(), "1 new, 1 unchanged\n");
    assert_eq!((link(&other).as_str(), value(&other, "LINKED").as_str()), ("spare:token\n", "made-up-here"));
    // one that was ended is the one that it was, wherever it led
    let ended = neighbour(Some("another"));
    ended.run(&["link", "mine", "k8s:token"]).ok();
    ended.run(&["disconnect", "k8s"]).ok();
    hand_over(&home, "file", &ended);
    assert_eq!(import(&ended, "file", &["--accept-links"]).ok().text(), "2 new\n");
    assert_eq!(link(&ended), "k8s:token\n");
    assert_eq!(ended.run(&["connections"]).ok().text().lines().count(), 1);
}

#[test]
fn hostile_i89_a_link_that_leads_out_of_its_folder_is_refused_and_nothing_is_stored() {
    let (home, other) = (linked(), neighbour(None));
    export(&home, "plain", &["--plaintext", "json", "--yes"]).ok();
    let file = fs::read_to_string(home.work().join("plain")).expect("the file");
    for (now, then, said) in [
        ("\"target\":\"token\"", "\"target\":\"../token\"", "it leads out of it"),
        ("\"target\":\"token\"", "\"target\":\"\\u001b[2J\"", "control characters"),
        ("\"path\":", "\"password\":", "its setting password needs a newer subrosa"),
        ("\"connection\":\"k8s\"", "\"connection\":\"op\"", "connection \"op\""),
    ] {
        assert!(file.contains(now), "{file}");
        other.write("plain", file.replace(now, then));
        let run = other.run(&["import", "plain", "--accept-links"]);
        assert!(run.code != 0 && !run.err.contains('\u{1b}'), "{run}");
        run.says(said).says("nothing was imported");
        assert!(names(&other).is_empty());
    }
}

#[test]
fn a_value_that_meets_a_link_is_a_conflict_like_any_other() {
    let home = linked();
    home.write(".env", "NEW=made-up-new\nLINKED=made-up-value\n");
    home.run(&["import", ".env"]).ends(1).says("LINKED  (line 2; linked in the vault)");
    let mut terminal = home.terminal(&["import", ".env"]);
    terminal.expect("[o]ne by one:");
    terminal.type_line("o");
    terminal.expect("LINKED: [r]eplace, [k]eep both, [s]kip:");
    terminal.type_line("s");
    assert!(terminal.finish().shown.contains("1 new, 1 skipped"));
    assert_eq!(link(&home), "k8s:token\n");
    // a file that knows the name alone
    let other = traveller();
    other.run(&["set", "LINKED", "--empty"]).ok();
    export(&other, "empty", &[]).ok();
    hand_over(&other, "empty", &home);
    assert_eq!(import(&home, "empty", &[]).ok().text(), "1 skipped\n");
    assert_eq!(link(&home), "k8s:token\n");
    // kept both: the link is in the history
    home.run(&["import", ".env", "--on-conflict", "keep-both"]).ok();
    assert_eq!(value(&home, "LINKED"), "made-up-value");
    home.run(&["undo", "LINKED"]).ok();
    assert_eq!(link(&home), "k8s:token\n");
    home.run(&["import", ".env", "--on-conflict", "replace"]).ok();
    assert_eq!(value(&home, "LINKED"), "made-up-value");
    // what was replaced comes back
    home.run(&["rename", "LINKED", "aside"]).ok();
    home.run(&["undo", "LINKED"]).ok();
    assert_eq!(link(&home), "k8s:token\n");
    home.run(&["verify"]).ok();
}

#[test]
fn a_link_that_meets_a_value_or_another_link_is_a_conflict_too() {
    let (home, other) = (linked(), traveller());
    export(&home, "file", &["LINKED"]).ok();
    other.store("LINKED", "made-up-own", &[]);
    hand_over(&home, "file", &other);
    import(&other, "file", &[]).ends(1).says("LINKED  (secrets[0]; linked in the file)");
    assert_eq!(import(&other, "file", &["--on-conflict", "skip"]).ok().text(), "1 skipped\n");
    // what becomes of the name is not yet an agreement to the link
    import(&other, "file", &["--on-conflict", "keep-both"]).ends(1).says("with your rights");
    assert_eq!(value(&other, "LINKED"), "made-up-own");
    import(&other, "file", &["--on-conflict", "keep-both", "--accept-links"]).ok();
    assert_eq!(link(&other), "k8s:token\n");
    other.run(&["undo", "LINKED"]).ok();
    assert_eq!(value(&other, "LINKED"), "made-up-own");
    import(&other, "file", &["--on-conflict", "replace", "--accept-links"]).ok();
    assert_eq!(link(&other), "k8s:token\n");
    // another link of the same connection
    fs::write(home.path("mounted").join("second"), "made-up-second").expect("a file");
    home.run(&["link", "LINKED", "k8s:second"]).ok();
    export(&home, "file", &["LINKED", "--force"]).ok();
    hand_over(&home, "file", &other);
    let run = import(&other, "file", &[]).ends(1);
    run.says("LINKED  (secrets[0]; linked in the vault; linked in the file)");
    import(&other, "file", &["--on-conflict", "replace", "--accept-links"]).ok();
    assert_eq!(link(&other), "k8s:second\n");
    other.run(&["verify"]).ok();
}
