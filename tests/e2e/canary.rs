//! A value that is planted and looked for in everything that the program says, keeps or starts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use data_encoding::{BASE64, HEXLOWER};
use subrosa_testkit::Answer;

use crate::home::{Home, Run, text};
use crate::stage::Stage;

const CANARY: &str = "canary-6a1f0d92c8b74e35";
const EARLIER: &str = "canary-of-an-earlier-day-01d7";

/// The canaries as they could turn up.
fn spellings() -> Vec<Vec<u8>> {
    let of = |value: &str| {
        let hex = HEXLOWER.encode(value.as_bytes());
        [value.to_owned(), hex, BASE64.encode(value.as_bytes()).trim_end_matches('=').to_owned()]
    };
    [CANARY, EARLIER].iter().flat_map(|value| of(value)).map(String::into_bytes).collect()
}

#[track_caller]
fn silent(run: &Run) {
    for spelling in spellings() {
        let spelling = String::from_utf8(spelling).expect("text");
        assert!(!run.shows(&spelling), "{run}");
    }
}

#[track_caller]
fn nowhere_on_the_disk(home: &Home) {
    let spellings = spellings();
    let spellings: Vec<&[u8]> = spellings.iter().map(Vec::as_slice).collect();
    assert_eq!(home.files_with(&spellings), Vec::<PathBuf>::new());
}

/// A user with the canary in a vault that a lot has happened to, and a server that echoes.
fn stage() -> Stage {
    let stage = Stage::answering(|_, request| {
        Answer::ok(request.headers.iter().flat_map(|(_, value)| value.clone()).collect::<Vec<u8>>())
    });
    stage.home.store("bird", EARLIER, &[]);
    stage.home.store(
        "bird",
        CANARY,
        &["--host", &stage.origin(), "--description", "a test", "--tag", "yellow"],
    );
    stage.home.store("gone", CANARY, &[]);
    stage.home.run(&["rm", "gone"]).ok();
    stage
}

#[test]
fn no_command_but_get_shows_it() {
    let stage = stage();
    let home = &stage.home;
    home.write("requests.sh", format!("curl -H 'X-Key: <<vault:bird>>' {}\n", stage.origin()));
    home.write("old.sh", "curl -H 'X-Key: <<vault:bird>>' https://api.example.com\n");
    let url = stage.server.url("/?q=<<vault:bird>>");
    let commands: &[&[&str]] = &[
        &["list"],
        &["list", "--json"],
        &["history", "bird"],
        &["history", "bird", "--json"],
        &["refs", "requests.sh"],
        &["refs", "requests.sh", "--json"],
        &["allow", "bird"],
        &["allow", "bird", "--json"],
        &["allow", "--from", "old.sh"],
        &["profiles"],
        &["profiles", "--json"],
        &["keys", "list"],
        &["keys", "list", "--json"],
        &["verify"],
        &["verify", "--json"],
        &["doctor"],
        &["doctor", "--json"],
        &["audit", "show"],
        &["audit", "show", "--json"],
        &["audit", "verify"],
        &["audit", "verify", "--json"],
        &["describe", "bird", "another text"],
        &["tag", "bird", "feathered"],
        &["rename", "bird", "eagle"],
        &["rename", "eagle", "bird"],
        &["disable", "bird"],
        &["get", "bird"],
        &["send", "-H", "X-Key: <<vault:bird>>", &url],
        &["enable", "bird"],
        &["send-only", "bird"],
        &["get", "bird"],
        &["get", "bird", "--json"],
        &["get", "birt"],
        &["get", "bird", "--version", "1"],
        &["send", "-v", "--mask", "-H", "X-Key: <<vault:bird>>", &url],
        &["send", "-v", "--mask", "-i", "-u", "<<vault:bird>>:x", "-w", "%{json} %{url}", &url],
        &["send", "-v", "-H", "X-<<vault:bird>>: x", &url],
        &["send", "-v", "-H", "X-Key: <<vault:bird>>", "http://127.0.0.1:1/<<vault:bird>>"],
        &["undo", "gone"],
        &["keys", "rotate"],
        &["backup", "copy"],
        &["purge", "--yes"],
        &["keys", "rotate", "--root", "--yes"],
        &["verify"],
        &["rm", "bird", "gone"],
    ];
    let mut refused = Vec::new();
    for words in commands {
        let run = home.run(words);
        silent(&run);
        assert_ne!(run.code, 2, "a command line that makes no sense tests nothing: {run}");
        if run.code != 0 {
            refused.push(words.join(" "));
        }
    }
    // those that were meant to be refused; everything else did its work
    assert_eq!(refused.len(), 8, "{refused:#?}");
    nowhere_on_the_disk(home);
}

#[test]
fn get_and_a_pipe_are_the_ways_out() {
    let stage = stage();
    assert!(stage.home.run(&["get", "bird"]).ok().shows(CANARY));
    assert!(stage.home.run(&["get", "bird", "--json"]).ok().shows(CANARY));
    assert!(stage.home.run(&["get", "bird", "--version", "1"]).ok().shows(EARLIER));
    let url = stage.server.url("/");
    assert!(stage.home.run(&["send", "-H", "X-Key: <<vault:bird>>", &url]).ok().shows(CANARY));
    nowhere_on_the_disk(&stage.home);
}

#[test]
fn a_value_on_the_command_line_is_warned_of_and_kept_nowhere_in_clear() {
    let home = Home::new();
    let run = home.run(&["set", "bird", CANARY]).ok().says("warning: the value stood on the command line");
    silent(&run);
    assert_eq!(home.run(&["get", "bird"]).ok().text(), CANARY);
    nowhere_on_the_disk(&home);
}

/// The editor is the one program that subrosa starts for a user: it gets neither value nor key, in no way.
#[test]
fn hostile_d46_what_a_child_is_given() {
    let mut stage = stage();
    let key = fs::read_to_string(stage.home.path("key")).expect("the key").trim().to_owned();
    let seen = stage.home.path("seen");
    let script = format!(
        "#!/bin/sh\n{{ echo \"$0\" \"$@\"; cat \"/proc/$$/cmdline\"; env; cat \"$1\"; ls -l \"$1\"; }} >{}\n",
        seen.display()
    );
    let editor = stage.home.write("editor", script);
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o700)).expect("an executable");
    stage.home.set("EDITOR", &editor);
    stage.home.unset("SUBROSA_KEY_FILE");
    stage.home.set("SUBROSA_KEY", &key);
    stage.home.run(&["edit", "bird"]).ok();
    let seen = fs::read_to_string(seen).expect("what the editor saw");
    assert!(seen.contains("name = \"bird\"") && seen.contains("-rw-------"), "{seen}");
    for word in [CANARY, EARLIER, &key, "SUBROSA_KEY"] {
        assert!(!seen.contains(word), "{word}: {seen}");
    }
    assert_eq!(fs::read_dir(stage.home.folder("TMPDIR")).expect("the folder").count(), 0);
}

/// The key in the environment is as secret as what it opens.
#[test]
fn a_key_in_the_environment_is_not_shown() {
    let mut home = Home::new();
    home.store("bird", CANARY, &[]);
    let key = fs::read_to_string(home.path("key")).expect("the key").trim().to_owned();
    home.unset("SUBROSA_KEY_FILE");
    for wrong in [key.clone(), key[..60].to_owned(), key.replace('-', "_"), Home::new_key()] {
        home.set("SUBROSA_KEY", &wrong);
        for words in
            [&["list"][..], &["doctor"], &["doctor", "--json"], &["verify"], &["keys", "list", "--json"]]
        {
            let run = home.run(words);
            assert!(!run.shows(&wrong) && !run.shows(&wrong[..40]), "{run}");
        }
    }
    fs::remove_file(home.path("key")).expect("the key's file");
    assert_eq!(home.files_with(&[key.as_bytes()]), Vec::<PathBuf>::new());
}

#[test]
fn hostile_a16_no_name_host_or_tag_stands_in_the_vaults_files() {
    let stage = stage();
    stage
        .home
        .run(&["set", "wren", "--empty", "--host", "api.feathers.example", "--description", "small brown"])
        .ok();
    stage.send_here(&["-H", "X-Key: <<vault:bird>>"], "/").ok();
    let words = ["bird", "wren", "yellow", "feathers", "127.0.0.1", "small brown", "http://"];
    for path in stage.home.files() {
        let path = text(&path);
        if !path.contains("subrosa/") || path.ends_with("/config.toml") {
            continue;
        }
        let content = fs::read(&path).expect("a file");
        for word in words {
            assert!(!crate::home::contains(&content, word.as_bytes()), "{word} stands in {path}");
        }
    }
}
