//! Secrets on their way: out of a vault, into another, out of a project's files.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use subrosa_testkit::{needs, skip};

use crate::home::{Home, PROGRAM, Run, text};

const PASSPHRASE: &str = "gather-lunch-violin-absent";

/// A user with a file that holds the passphrase of exports.
fn traveller() -> Home {
    let home = Home::new();
    let path = home.write("pass", PASSPHRASE);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a private file");
    home
}

/// Exports to `file`, which lies where commands run.
fn export(home: &Home, file: &str, words: &[&str]) -> Run {
    home.run(&[&["export", "-o", file, "--export-passphrase-file", "pass"], words].concat())
}

fn import(home: &Home, file: &str, words: &[&str]) -> Run {
    home.run(&[&["import", file, "--export-passphrase-file", "pass"], words].concat())
}

/// The same file in the hands of another user.
fn hand_over(from: &Home, file: &str, to: &Home) {
    fs::copy(from.work().join(file), to.work().join(file)).expect("copied");
}

fn value(home: &Home, name: &str) -> String {
    home.run(&["get", name]).ok().text().to_owned()
}

fn names(home: &Home) -> Vec<String> {
    let listed = home.run(&["list"]).ok();
    listed.text().lines().map(|line| line.split('\t').next().expect("a name").to_owned()).collect()
}

fn mode(home: &Home, file: &str) -> u32 {
    fs::metadata(home.work().join(file)).expect("the file").permissions().mode() & 0o777
}

#[test]
fn what_leaves_one_vault_stands_in_the_next() {
    let (one, other) = (traveller(), traveller());
    one.store("key", "made-up-first", &[]);
    one.store("key", "made-up-second", &["--host", "api.example.com", "--tag", "t", "--description", "d"]);
    one.store("binary", b"\0\xff\xfe", &["--send-only", "--unrestricted"]);
    one.run(&["set", "empty", "--empty"]).ok();
    one.run(&["disable", "key"]).ok();
    export(&one, "file", &["--history"]).ok();
    assert_eq!(mode(&one, "file"), 0o600);
    hand_over(&one, "file", &other);
    assert_eq!(import(&other, "file", &[]).ok().text(), "3 new\n");
    // times among it
    let listed = |home: &Home| home.run(&["list", "--json"]).ok().json();
    assert_eq!(listed(&one), listed(&other));
    other.run(&["enable", "key"]).ok();
    assert_eq!(value(&other, "key"), "made-up-second");
    other.run(&["undo", "key"]).ok();
    assert_eq!(value(&other, "key"), "made-up-first");
    other.run(&["send-only", "--off", "binary"]).ok();
    assert_eq!(other.run(&["get", "binary"]).ok().out, b"\0\xff\xfe");
    other.run(&["verify"]).ok();
    assert_eq!(import(&one, "file", &[]).ok().text(), "3 unchanged\n");
}

#[test]
fn names_patterns_tags_and_profiles_choose() {
    let home = traveller();
    for (name, tag) in [("prod/a", "x"), ("prod/b", "y"), ("dev/a", "x"), ("a", "x")] {
        home.store(name, "made-up", &["--tag", tag]);
    }
    let exported = |words: &[&str]| {
        export(&home, "file", &[words, &["--force"]].concat()).ok();
        let seen = import(&home, "file", &["--dry-run", "--json"]).ok().json();
        let secrets = seen["secrets"].as_array().expect("secrets").clone();
        secrets.iter().map(|one| one["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(exported(&["prod/*"]), ["prod/a", "prod/b"]);
    assert_eq!(exported(&["a"]), ["a"]);
    assert_eq!(exported(&["--tag", "x"]), ["a", "dev/a", "prod/a"]);
    assert_eq!(exported(&["prod/*", "a", "--tag", "x"]), ["a", "prod/a"]);
    assert_eq!(exported(&["--profile", "prod"]), ["prod/a", "prod/b"]);
    assert_eq!(exported(&["--profile", "prod", "b"]), ["prod/b"]);
    for (words, text) in [
        (&["nothing/*"][..], "no secret fits; nothing was exported"),
        (&["c"], "no secret named c"),
        (&["--profile", "dev", "b"], "no secret named dev/b"),
    ] {
        export(&home, "another", words).ends(1).says(text);
        assert!(!home.work().join("another").exists());
    }
    let empty = traveller();
    export(&empty, "file", &[]).ends(1).says("the vault holds no secrets");
}

#[test]
fn an_export_replaces_nothing_and_goes_nowhere_near_the_vault() {
    let home = traveller();
    home.store("key", "made-up-value", &[]);
    home.write("there", "something else");
    export(&home, "there", &[]).ends(1).says("there exists already");
    assert_eq!(fs::read(home.work().join("there")).expect("the file"), b"something else");
    let inside = text(&home.vault().join("file"));
    export(&home, &inside, &["--force"]).ends(2).says("lies in the vault's own folder");
    export(&home, "no/folder/file", &[]).ends(1).says("no such file or directory");
    export(&home, ".", &["--force"]).ends(2).says("is a folder");
    fs::set_permissions(home.work().join("there"), fs::Permissions::from_mode(0o644)).expect("a mode");
    export(&home, "there", &["--force"]).ok();
    assert_eq!(mode(&home, "there"), 0o600);
    let run = export(&home, "-", &[]).ok();
    assert!(run.json().is_object());
    assert!(home.files_with(&[b"made-up-value"]).is_empty());
    let drafts = home.files().into_iter().filter(|path| text(path).contains(".subrosa-draft-")).count();
    assert_eq!(drafts, 0);
}

#[test]
fn passphrases_of_exports_are_held_to_twelve_characters() {
    let home = traveller();
    home.store("key", "made-up", &[]);
    let private = |name: &str, content: &str| {
        let path = home.write(name, content);
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a private file");
    };
    private("short", "elevenchars");
    private("weak", "passwordpassword");
    private("wrong", "gather-lunch-violin-absenT");
    let run = |file: &str, words: &[&str]| home.run(&[words, &["--export-passphrase-file", file]].concat());
    run("short", &["export", "-o", "file"]).ends(2).says("at least 12 are needed");
    run("weak", &["export", "-o", "file"]).ok().says("is weak");
    run("wrong", &["import", "file"]).ends(1).says("does not open");
    home.run(&["import", "file"]).ends(2).says("no terminal to ask for the passphrase");
    home.run(&["export", "-o", "none"]).ends(2).says("no terminal to ask for the passphrase");
    fs::set_permissions(home.work().join("weak"), fs::Permissions::from_mode(0o644)).expect("a mode");
    run("weak", &["import", "file"]).ends(101).says("has mode 644");
    let piped = home.feed(&["export", "-o", "piped", "--export-passphrase-file", "-"], PASSPHRASE).ok();
    assert!(piped.out.is_empty());
    assert_eq!(import(&home, "piped", &[]).ok().text(), "1 unchanged\n");
}

#[test]
fn plain_text_is_asked_for_and_never_holds_what_is_send_only() {
    let home = traveller();
    home.store("KEY", "made-up-value", &[]);
    home.store("hidden", "made-up-hidden", &["--send-only"]);
    let plain =
        |words: &[&str]| home.run(&[&["export", "-o", "plain", "--plaintext", "dotenv"], words].concat());
    plain(&["--yes"]).ends(1).says("hidden\n");
    plain(&["KEY"]).ends(2).says("has to be confirmed");
    assert!(!home.work().join("plain").exists());
    plain(&["--without-send-only", "--yes"]).ok().says("everybody who gets to see the file");
    assert_eq!(fs::read_to_string(home.work().join("plain")).expect("the file"), "KEY=made-up-value\n");
    assert_eq!(mode(&home, "plain"), 0o600);
    plain(&["hidden", "--without-send-only", "--yes", "--force"])
        .ends(1)
        .says("nothing is left to be exported");
    let mut terminal = home.terminal(&["export", "KEY", "-o", "typed", "--plaintext", "json"]);
    terminal.expect("type 'plaintext' to go on:");
    terminal.type_line("yes");
    assert_eq!(terminal.finish().status.code(), Some(1));
    assert!(!home.work().join("typed").exists());
    let mut terminal = home.terminal(&["export", "KEY", "-o", "typed", "--plaintext", "json"]);
    terminal.expect("type 'plaintext' to go on:");
    terminal.type_line("plaintext");
    assert!(terminal.finish().status.success());
    assert_eq!(home.run(&["import", "typed"]).ok().text(), "1 unchanged\n");
}

#[test]
fn a_new_passphrase_is_typed_twice_and_its_strength_is_shown() {
    let home = Home::new();
    home.store("key", "made-up", &[]);
    let mut terminal = home.terminal(&["export", "-o", "file"]);
    terminal.expect("new passphrase of the export:");
    terminal.type_line("short");
    terminal.expect("at least 12 are needed");
    terminal.expect("new passphrase of the export:");
    terminal.type_line("passwordpassword");
    terminal.expect("weak");
    terminal.expect("use it all the same? [y/n]");
    terminal.type_line("n");
    terminal.expect("new passphrase of the export:");
    terminal.type_line(PASSPHRASE);
    terminal.expect("strength: strong");
    terminal.expect("the same again:");
    terminal.type_line("gather-lunch-violin-absenT");
    terminal.expect("the two differ");
    for prompt in ["new passphrase of the export:", "the same again:"] {
        terminal.expect(prompt);
        terminal.type_line(PASSPHRASE);
    }
    let finished = terminal.finish();
    assert!(finished.status.success(), "{}", finished.shown);
    assert!(!finished.shown.contains(PASSPHRASE));
    let mut terminal = home.terminal(&["import", "file"]);
    terminal.expect("passphrase of file:");
    terminal.type_line(PASSPHRASE);
    let finished = terminal.finish();
    assert!(finished.status.success() && finished.shown.contains("1 unchanged"), "{}", finished.shown);
}

/// A key of age's own; answers the file, and the recipient that it belongs to.
fn age_key(home: &Home, file: &str) -> String {
    Run::of(home_command(home, "age-keygen", &["-o", file]), b"").ok();
    let text = fs::read_to_string(home.work().join(file)).expect("the key");
    let line = text.lines().find_map(|line| line.strip_prefix("# public key: "));
    line.expect("a public key").to_owned()
}

fn home_command(home: &Home, program: &str, words: &[&str]) -> Command {
    let mut command = home.program(program);
    command.args(words);
    command
}

#[test]
fn an_export_for_recipients_opens_with_their_keys() {
    if !needs(&["age", "age-keygen"]) {
        return;
    }
    let (home, other) = (traveller(), traveller());
    home.store("key", "made-up-value", &["--host", "api.example.com"]);
    let recipient = age_key(&home, "mine");
    let second = age_key(&home, "second");
    home.write("team", format!("# the team\n{second}\n"));
    let sealed = ["export", "-o", "file.age", "--recipient", &recipient, "--recipients-file", "team"];
    home.run(&sealed).ok();
    assert_eq!(mode(&home, "file.age"), 0o600);
    for key in ["mine", "second"] {
        let run = Run::of(home_command(&home, "age", &["-d", "-i", key, "file.age"]), b"").ok();
        assert_eq!(run.json()["secrets"][0]["name"], "key");
        for file in [key, "file.age"] {
            hand_over(&home, file, &other);
        }
        other.run(&["import", "file.age", "--identity", key, "--on-conflict", "replace"]).ok();
    }
    assert_eq!(value(&other, "key"), "made-up-value");
    assert_eq!(other.run(&["allow", "key"]).ok().text(), "api.example.com\n");
    age_key(&home, "foreign");
    home.run(&["import", "file.age", "--identity", "foreign"])
        .ends(1)
        .says("none of the keys given opens the file");
    home.run(&["import", "file.age"]).ends(2).says("hint: --identity FILE");
    home.run(&["import", "file.age", "--identity", "team"]).ends(101).says("has mode 644");
    home.run(&["export", "-o", "x", "--recipient", "age1nonsense"]).ends(2);
    home.run(&["export", "-o", "x", "--armor"]).ends(2).says("--armor is for age files");
    // any file can lie within one
    home.write("plain.env", "NEW=made-up\n");
    Run::of(home_command(&home, "age", &["-a", "-r", &recipient, "-o", "env.age", "plain.env"]), b"").ok();
    assert_eq!(home.run(&["import", "env.age", "--identity", "mine"]).ok().text(), "1 new\n");
    let mut terminal = home.terminal(&["export", "-o", "-", "--recipient", &recipient]);
    terminal.expect("standard output is a terminal");
    assert!(!terminal.finish().status.success());
}

#[test]
fn an_age_file_under_a_passphrase() {
    let home = traveller();
    home.store("key", "made-up-value", &[]);
    export(&home, "file.age", &["--age-passphrase", "--armor"]).ok();
    let text = fs::read_to_string(home.work().join("file.age")).expect("text");
    assert!(text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"), "{text}");
    assert_eq!(import(&home, "file.age", &[]).ok().text(), "1 unchanged\n");
}

#[test]
fn postmans_files_come_in_and_go_out() {
    let home = traveller();
    let file = r#"{"name": "staging", "values": [
        {"key": "token", "value": "made-up-token", "type": "secret", "enabled": true},
        {"key": "base", "value": "https://example.com", "type": "default", "enabled": true}
    ], "_postman_variable_scope": "environment"}"#;
    home.write("staging.json", file);
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
fn the_policy_of_a_vault_is_kept_and_loosened_only_on_purpose() {
    let home = traveller();
    home.store("key", "made-up", &[]);
    home.run(&["policy", "export", "encrypted"]).ok();
    let plain = ["export", "-o", "plain", "--plaintext", "json", "--yes"];
    home.run(&plain)
        .ends(1)
        .says("the policy of this vault allows only encrypted exports; nothing was exported");
    export(&home, "file", &[]).ok();
    home.run(&["policy", "export", "none"]).ok();
    export(&home, "another", &[]).ends(1).says("the policy of this vault allows no export");
    home.run(&["policy", "export", "all"]).ends(2).says("no terminal to confirm it on");
    let shown = home.run(&["policy", "--json"]).ok().json();
    assert_eq!((&shown["export"]["effective"], &shown["export"]["vault"]), (&"none".into(), &"none".into()));
    home.run(&["doctor"]).ok();
    assert!(home.run(&["doctor"]).text().contains("vault policy\tgood\tallows no export\n"));
    // a change of the root key keeps it
    home.run(&["keys", "rotate", "--root", "--yes"]).ok();
    export(&home, "another", &[]).ends(1);
    home.run(&["policy", "export", "all", "--yes"]).ok();
    home.run(&plain).ok();
    assert!(!home.work().join("another").exists());
}

/// Runs subrosa where root has made `/etc/subrosa` with a line of shell; `None` where nobody may mount anything.
fn on_a_machine(home: &Home, made_by: &str, words: &[&str]) -> Option<Run> {
    let script = format!(
        "mount -t tmpfs none /etc && mkdir -m 755 /etc/subrosa && cd /etc/subrosa && {made_by}\ncd \"$0\" && exec \"$@\""
    );
    let inside = |of_user: &[&str], words: &[&str]| {
        let mut command = Command::new("unshare");
        command
            .args(["--mount"])
            .args(of_user)
            .args(["--", "sh", "-c", &script])
            .arg(home.work())
            .args(words);
        let run = home.command(&[]);
        command.env_clear().envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Run::of(command, b"")
    };
    let of_user: &[&str] = &["--user", "--map-root-user"];
    let way = [of_user, &[]].into_iter().find(|way| inside(way, &["true"]).code == 0)?;
    Some(inside(way, &[&[PROGRAM], words].concat()))
}

#[test]
fn the_policy_of_the_machine_holds_whatever_the_vault_says() {
    if !needs(&["unshare", "mount"]) {
        return;
    }
    let home = traveller();
    home.store("key", "made-up", &[]);
    home.run(&["policy", "export", "all"]).ok();
    let sealed = ["export", "-o", "file", "--export-passphrase-file", "pass", "--force"];
    let plain = ["export", "-o", "plain", "--plaintext", "json", "--yes", "--force"];
    let Some(run) = on_a_machine(&home, "echo 'export = \"encrypted\"' > policy.toml", &sealed) else {
        return skip("a namespace in which a file system can be mounted");
    };
    run.ok();
    let on =
        |made_by: &str, words: &[&str]| on_a_machine(&home, made_by, words).expect("it was possible before");
    let refused = on("echo 'export = \"encrypted\"' > policy.toml", &plain).ends(1);
    refused.says("the policy of this machine allows only encrypted exports (/etc/subrosa/policy.toml)");
    on("echo 'export = \"none\"' > policy.toml", &sealed).ends(1).says("allows no export");
    on("true", &plain).ok();
    let shown = on("echo 'export = \"none\"' > policy.toml", &["policy", "--json"]).ok().json();
    assert_eq!(shown["export"]["effective"], "none");
    // what cannot be relied on lets nothing out
    for made_by in [
        "echo 'export = \"all\"' > policy.toml && chmod 666 policy.toml",
        "echo 'export = \"all\"' > policy.toml && chmod 777 .",
        "echo 'export = \"all\"' > other && ln -s other policy.toml",
        "mkdir policy.toml",
        "mkfifo policy.toml",
        "echo 'export = \"sometimes\"' > policy.toml",
        "echo 'import = \"none\"' > policy.toml",
    ] {
        for words in [&sealed[..], &plain, &["policy"]] {
            on(made_by, words).ends(1).says("the policy of this machine cannot be relied on");
        }
        let doctor = on(made_by, &["doctor"]).ends(1);
        assert!(doctor.text().contains("machine policy\tbad\t"), "{made_by}: {doctor}");
    }
}

/// A file of variables and a vault that has one of the names with another value.
fn project() -> Home {
    let home = traveller();
    home.store("API_KEY", "made-up-old", &["--host", "api.example.com", "--tag", "mine"]);
    home.store("SAME", "made-up-same", &[]);
    home.write(".env", "# the project\nAPI_KEY=made-up-new\nSAME=made-up-same\nexport NEW='made-up third'\n");
    home
}

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

#[test]
fn a_linked_secret_is_exported_neither_without_its_link_nor_unnoticed() {
    let (home, other) = (linked(), traveller());
    // looked up once, so that a value of it is cached
    assert_eq!(value(&home, "LINKED"), "made-up-elsewhere");
    for form in
        [&[][..], &["--age-passphrase"], &["--plaintext", "json", "--yes"], &["--plaintext", "dotenv"]]
    {
        for names in [&[][..], &["LINKED"], &["LINK*", "OWN"]] {
            let run = export(&home, "file", &[form, names].concat()).ends(1).says("  LINKED\n");
            assert!(run.hints()[0].contains("--without-linked"), "{run}");
        }
        assert!(!home.work().join("file").exists());
    }
    export(&home, "file", &["LINKED", "--without-linked"]).ends(1).says("nothing is left to be exported");
    export(&home, "file", &["OWN"]).ok();
    export(&home, "file", &["--without-linked", "--force"]).ok().says("1 secret is linked and not in it");
    hand_over(&home, "file", &other);
    assert_eq!(import(&other, "file", &[]).ok().text(), "1 new\n");
    assert_eq!(names(&other), ["OWN"]);
    export(&home, "plain", &["--plaintext", "dotenv", "--without-linked", "--yes"]).ok();
    assert_eq!(fs::read_to_string(home.work().join("plain")).expect("the file"), "OWN=made-up-own\n");
}

#[test]
fn a_value_that_meets_a_link_is_told_before_anything_is_stored() {
    let home = linked();
    home.write(".env", "NEW=made-up-new\nLINKED=made-up-value\n");
    home.run(&["import", ".env"]).ends(1).says("LINKED  (line 2; linked in the vault)");
    for extra in [&[][..], &["--dry-run"]] {
        let run = home.run(&[&["import", ".env", "--on-conflict", "keep-both"], extra].concat()).ends(1);
        let run = run.says("it cannot keep both; nothing was imported").says("  LINKED\n");
        assert!(run.hints()[0].contains("--on-conflict replace"), "{run}");
        assert_eq!((names(&home).len(), link(&home).as_str()), (2, "k8s:token\n"));
    }
    let mut terminal = home.terminal(&["import", ".env"]);
    terminal.expect("[o]ne by one:");
    terminal.type_line("o");
    terminal.expect("LINKED: linked; [r]eplace, [s]kip:");
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
    home.run(&["import", ".env", "--on-conflict", "replace"]).ok();
    assert_eq!(value(&home, "LINKED"), "made-up-value");
    // what was replaced comes back
    home.run(&["rename", "LINKED", "aside"]).ok();
    home.run(&["undo", "LINKED"]).ok();
    assert_eq!(link(&home), "k8s:token\n");
    home.run(&["verify"]).ok();
}

#[test]
fn conflicts_are_asked_once_or_one_by_one() {
    let home = project();
    home.write(".env", "API_KEY=made-up-new\nSAME=made-up-other\n");
    let mut terminal = home.terminal(&["import", ".env"]);
    terminal.expect("2 names are taken by secrets with other values:");
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

#[test]
fn a_projects_file_is_left_with_references() {
    let home = project();
    fs::set_permissions(home.work().join(".env"), fs::Permissions::from_mode(0o640)).expect("a mode");
    home.run(&["import", ".env", "--rewrite", "--on-conflict", "skip", "--profile", "dev"]).ok();
    let content = fs::read_to_string(home.work().join(".env")).expect("the file");
    let expected = "# the project\nAPI_KEY=\"<<vault:dev/API_KEY>>\"\nSAME=\"<<vault:dev/SAME>>\"\n\
                    export NEW=\"<<vault:dev/NEW>>\"\n";
    assert_eq!(content, expected);
    assert_eq!(mode(&home, ".env"), 0o640);
    assert_eq!(value(&home, "dev/NEW"), "made-up third");
    let found = home.run(&["refs", ".env"]).ok();
    assert!(found.text().lines().count() == 3 && !found.text().contains("missing"), "{found}");
    // again: there is nothing left to do
    home.run(&["import", ".env", "--rewrite", "--profile", "dev"]).ok().says("holds a reference already");
    assert_eq!(fs::read_to_string(home.work().join(".env")).expect("the file"), expected);
}

#[test]
fn a_value_that_was_skipped_stays_in_the_file() {
    let home = project();
    home.run(&["import", ".env", "--rewrite", "--on-conflict", "skip"]).ok();
    let content = fs::read_to_string(home.work().join(".env")).expect("the file");
    assert!(content.contains("API_KEY=made-up-new\nSAME=\"<<vault:SAME>>\"\n"), "{content}");
}

#[test]
fn a_file_that_cannot_be_rewritten_is_refused_before_anything_is_stored() {
    let home = project();
    home.write("data.json", "{\"format\": \"something\"}");
    symlink(home.work().join(".env"), home.work().join("link")).expect("a link");
    for (words, said) in [(&["link"][..], "is a symbolic link"), (&["-", "--format", "dotenv"], "is no file")]
    {
        let run = home.feed(&[&["import", "--rewrite", "--on-conflict", "skip"], words].concat(), "NEW=x\n");
        assert_ne!(run.code, 0, "{run}");
        run.says(said);
    }
    assert_eq!(names(&home), ["API_KEY", "SAME"]);
}

#[test]
fn hostile_i88_a_huge_file_of_nothing_is_refused_without_being_read() {
    let home = traveller();
    for (file, length) in [("junk", 200 << 20), ("more", 10 << 30)] {
        File::create(home.work().join(file)).expect("a file").set_len(length).expect("a sparse file");
        let run = home.run(&["import", file]).ends(1);
        assert!(run.err.contains("is not text") || run.err.contains("bytes"), "{run}");
    }
    home.feed(&["import", "-"], vec![0xff; 1 << 20]).ends(1).says("is not text");
    home.run(&["import", "."]).ends(2).says("is a folder");
    home.run(&["import", "none"]).ends(1).says("no such file");
    assert!(names(&home).is_empty());
}

#[test]
fn hostile_i90_a_file_with_one_wrong_line_stores_nothing() {
    let home = traveller();
    let mut lines: Vec<String> = (0..200).map(|number| format!("KEY_{number}=made-up-{number}")).collect();
    lines[150] = "this is no assignment made-up-line".to_owned();
    let run = home.feed(&["import", "-", "--format", "dotenv"], lines.join("\n")).ends(1);
    assert!(run.err.contains("line 151") && !run.shows("made-up"), "{run}");
    assert!(names(&home).is_empty());
}

#[test]
fn exports_and_imports_are_in_the_audit_log() {
    let home = traveller();
    home.store("a", "made-up", &[]);
    home.store("b", "made-up", &[]);
    export(&home, "all", &[]).ok();
    export(&home, "some", &["a"]).ok();
    import(&home, "all", &["--prefix", "x-"]).ok();
    let seen = home.run(&["audit", "show", "--json"]).ok().json();
    let entries = seen["entries"].as_array().expect("entries").iter();
    let entries: Vec<_> = entries
        .map(|one| {
            let word = |key: &str| one[key].as_str().unwrap_or("-").to_owned();
            let file = word("destination").rsplit('/').next().unwrap_or_default().to_owned();
            (word("action"), word("secret"), file)
        })
        .collect();
    let expected = [("export", "-", "all"), ("export", "a", "some"), ("import", "-", "all")];
    let expected =
        expected.map(|(action, secret, file)| (action.to_owned(), secret.to_owned(), file.to_owned()));
    assert_eq!(entries, expected);
    // an export of everything is one of b
    assert_eq!(home.run(&["audit", "show", "--secret", "b"]).ok().text().lines().count(), 1);
}

#[test]
fn clear_empties_the_vault_and_nothing_brings_it_back() {
    let home = traveller();
    home.store("a", "made-up", &[]);
    home.store("b", "made-up", &[]);
    home.run(&["rm", "b"]).ok();
    home.run(&["policy", "export", "encrypted"]).ok();
    home.run(&["clear"]).ends(2).says("no terminal to confirm it on");
    let mut terminal = home.terminal(&["clear"]);
    terminal.expect("1 secret in ");
    terminal.expect("type 'clear' to go on:");
    terminal.type_line("yes");
    assert!(!terminal.finish().status.success());
    assert_eq!(names(&home), ["a"]);
    home.run(&["clear", "--yes"]).ok();
    assert!(names(&home).is_empty() && home.run(&["list", "--deleted"]).ok().out.is_empty());
    home.run(&["undo", "b"]).ends(1);
    home.run(&["verify"]).ok();
    assert_eq!(home.run(&["policy", "--json"]).ok().json()["export"]["vault"], "encrypted");
}

#[test]
fn many_imports_at_once_lose_nothing() {
    let home = traveller();
    let files: Vec<String> = (0..8).map(|file| format!("env-{file}")).collect();
    for (number, file) in files.iter().enumerate() {
        let lines = (0..50).map(|line| format!("KEY_{number}_{line}=made-up-{number}-{line}\n"));
        home.write(file, lines.collect::<String>());
    }
    std::thread::scope(|scope| {
        for file in &files {
            let home = &home;
            scope.spawn(move || home.run(&["import", file, "--format", "dotenv"]).ok());
        }
    });
    assert_eq!(names(&home).len(), 8 * 50);
    home.run(&["verify"]).ok();
}
