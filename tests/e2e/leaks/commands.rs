//! Every command, as it succeeds.

use std::collections::BTreeSet;
use std::fs;

use subrosa_testkit::leak::Sink;

use super::planted::{EARLIER, LINKED, OTHER, Planted, VALUE, VAULT_KEY, read};
use crate::home::text;

/// A command line: what it gets on standard input, which canaries standard output was asked to show, how it ends.
struct Step {
    words: Vec<String>,
    input: &'static str,
    shown: &'static [&'static str],
    code: i32,
}

/// Words are separated by spaces, and these stand for canaries and files.
fn step(planted: &Planted, line: &str, shown: &'static [&'static str], code: i32) -> Step {
    let texts = &planted.texts;
    let fill = |word: &str| {
        let word = word
            .replace("NAME", &texts.name)
            .replace("REF", &planted.reference())
            .replace("VALUE", &texts.value)
            .replace("PROFILE", &texts.profile)
            .replace("TARGET", &texts.target)
            .replace("TAG", &texts.tag)
            .replace("HOST", &texts.host)
            .replace("STRICT", &planted.strict.url(""))
            .replace("URL", &planted.stage.server.url(""))
            .replace("DESCRIPTION", &texts.description);
        match word.strip_prefix("own/") {
            Some(file) => planted.own(file),
            None => word,
        }
    };
    Step { words: line.split(' ').map(fill).collect(), input: "", shown, code }
}

/// Every command but those that end the vault, in an order in which each has something to do.
fn journey(planted: &Planted) -> Vec<Step> {
    let plain = |line: &str| step(planted, line, &[], 0);
    let mut steps: Vec<Step> = [
        "--version",
        "--help",
        "list",
        "list --json",
        "list --deleted",
        "get --help",
        "send --help",
        "history NAME",
        "history NAME --json",
        "profiles",
        "profiles --json",
        "refs own/requests.sh",
        "refs own/requests.sh --json",
        "allow NAME",
        "allow NAME --json",
        "allow NAME api.HOST",
        "allow --from own/requests.sh",
        "describe NAME another:DESCRIPTION",
        "tag NAME x-TAG",
        "rename NAME x.NAME",
        "rename x.NAME NAME",
        "disable NAME",
        "enable NAME",
        "send-only NAME",
        "send-only --off NAME",
        "edit NAME",
        "keys list",
        "keys list --json",
        "keys save own/saved-key",
        "keys add key-file own/second-key",
        "keys add passphrase --from own/second-passphrase",
        "keys add recovery --save own/second-recovery",
        "keys rotate",
        "verify",
        "verify --json",
        "doctor",
        "doctor --json",
        "doctor --explain trust",
        "audit show",
        "audit show --json",
        "audit verify",
        "audit verify --json",
        "send --explain -H X-Key:REF URL/",
        "send --explain-json -u REF:x URL/REF",
        "send -s -o own/body -H X-Key:REF URL/",
        "send -v -s --mask -i -u REF:x -d a=b URL/",
        "send -sv --mask --json {\"key\":\"REF\"} URL/",
        "send -sv --mask -G -d q=REF URL/",
        "send -sv --mask -H X-Key:REF -w %{json}%{url}%{header_json} URL/REF",
        "send -sv --mask --profile PROFILE -H X-Key:<<vault:other>> URL/",
        "send --explain --vault-literal vaulted=header:X-Key -H X-Key:VALUE URL/",
        "send -sv --mask --vault-literal vaulted=header:X-Key -H X-Key:VALUE URL/",
        "undo deleted",
        "rm deleted",
        "connect folder again --path own/mounted --ttl 1h",
        "link linked mounted:TARGET --ttl 2h",
        "link linked",
        "link linked --json",
        "link --bulk own/links --no-check",
        "unlink bulk",
        "link --browse mounted --search TARGET",
        "copy mounted:TARGET copied",
        "copy copied copied-again",
        "connections",
        "connections --json",
        "reauth mounted",
        "list --state linked --json",
        "send -sv --mask -H X-Key:<<vault:linked>> URL/",
        "cache list",
        "cache list --json",
        "cache ttl 2h",
        "cache ttl 2h --link linked",
        "cache clear linked",
        "send -s -o own/linked --refresh -H X-Key:<<vault:linked>> URL/",
        "disconnect again",
        "ca add --host STRICT own/ca.pem",
        "ca list",
        "ca list --json",
        "cert add --host STRICT --cert own/client.pem --key own/client.key",
        "cert add --host STRICT --pfx own/client.p12 --pass-file own/key-passphrase",
        "cert add --host *.HOST --cert own/client.pem --key own/client.key",
        "cert list",
        "cert list --json",
        "allow NAME STRICT",
        "send --explain -H X-Key:REF STRICT/",
        "send -sv --mask -H X-Key:REF STRICT/",
        "cert rm *.HOST --yes",
        "ca rm STRICT --yes",
        "backup copy",
        "export -o sealed --export-passphrase-file own/passphrase",
        "export NAME --history -o own/plain.json --plaintext json --yes",
        "export NAME -o own/plain.env --plaintext dotenv --yes",
        "import sealed --export-passphrase-file own/passphrase",
        "import sealed --prefix y. --accept-links --dry-run --export-passphrase-file own/passphrase",
        "export -o sealed.age --without-linked --age-passphrase --export-passphrase-file own/passphrase",
        "import sealed.age --export-passphrase-file own/passphrase",
        "export NAME -o own/plain.postman.json --plaintext postman --yes",
        "import own/plain.postman.json --all --dry-run",
        "import own/plain.json --prefix x. --dry-run",
        "import own/plain.json --tag x-TAG --json --on-conflict keep-both",
        "import own/env --on-conflict replace --rewrite",
        "policy",
        "policy --json",
        "policy export encrypted",
        "policy export all --yes",
        "completions bash",
        "completions zsh",
        "completions fish",
        "completions elvish",
        "completions powershell",
        "generate man man",
        "generate completions completions",
        "demo",
        "purge --yes",
        "keys rotate --root --yes --save-recovery own/third-recovery",
        "accept-rollback",
        "verify",
    ]
    .into_iter()
    .map(plain)
    .collect();
    steps.push(step(planted, "get NAME", &[VALUE], 0));
    steps.push(step(planted, "get NAME --json", &[VALUE], 0));
    steps.push(step(planted, "get other --profile PROFILE", &[OTHER], 0));
    steps.push(step(planted, "get linked", &[LINKED], 0));
    steps.push(step(planted, "send -s -H X-Key:REF URL/", &[VALUE], 0));
    steps.push(step(planted, "send -s -o own/captured --capture captured=$.json URL/", &[], 1));
    // a folder takes nothing; with a server: external.rs
    steps.push(Step { input: "text", ..step(planted, "push linked -", &[], 1) });
    steps.push(step(planted, "promote NAME --to mounted written", &[], 1));
    steps.push(step(planted, "copy NAME mounted:written", &[], 1));
    steps.push(step(planted, "rm NAME", &[], 0));
    steps.push(step(planted, "undo NAME", &[], 0));
    steps.push(step(planted, "disconnect mounted", &[], 0));
    steps
}

/// The beginning, the end, and what can only be refused here.
fn others(planted: &Planted) -> Vec<Step> {
    vec![
        step(planted, "get NAME --version 1", &[EARLIER], 0),
        step(planted, "keys show", &[VAULT_KEY], 0),
        step(planted, "keys remove 00", &[], 1),
        step(planted, "keys add keychain", &[], 104),
        // with a server: external.rs
        step(
            planted,
            "connect hashicorp far --address https://127.0.0.1:1 --credential-file own/passphrase --keep vault",
            &[],
            100,
        ),
        step(
            planted,
            "connect onepassword far --op own/nothing --credential-file own/passphrase --keep vault",
            &[],
            2,
        ),
        step(
            planted,
            "connect azure far --auth client-secret --tenant contoso.example --client-id 00000000-0000-0000-0000-000000000000 --key-vault . --credential-file own/passphrase --keep vault",
            &[],
            2,
        ),
        step(
            planted,
            "connect aws far --region eu-central-1 --access-key-id AKIAIOSFODNN7EXAMPLE --sts-endpoint https://127.0.0.1:1 --credential-file own/passphrase --keep vault",
            &[],
            100,
        ),
        Step { input: "text", ..step(planted, "set another -", &[], 0) },
        step(planted, "--vault own/second init --key-file own/key-of-second --no-recovery", &[], 0),
        step(planted, "--vault own/second --key-file own/key-of-second set x --empty", &[], 0),
        step(planted, "--vault own/second --key-file own/key-of-second clear --yes", &[], 0),
        step(planted, "--vault own/second reset --yes", &[], 0),
    ]
}

#[test]
fn every_command_keeps_what_it_is_told() {
    let mut planted = Planted::new();
    planted.write_own("second-passphrase", "another passphrase of the vault");
    planted.write_own("env", &format!("KEY={}\nOTHER='{}'\n", planted.texts.value, planted.texts.other));
    let editor = planted.write_own("editor", "#!/bin/sh\nsed -i s/enabled/enabled/ \"$1\"\n");
    fs::set_permissions(&editor, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("a program");
    planted.stage.home.set("EDITOR", &editor);
    let mut used = BTreeSet::new();
    for step in others(&planted).into_iter().chain(journey(&planted)) {
        let words: Vec<&str> = step.words.iter().map(String::as_str).collect();
        let run = planted.run(&words, step.input, step.shown);
        assert_eq!(run.code, step.code, "{}: {}", words.join(" "), run.err);
        // proves that the scanner would see it
        for label in step.shown {
            assert!(planted.scanner.labels_in(&run.out).contains(label), "{label} is not shown");
        }
        used.insert(command_of(&words));
    }
    every_command_was_used(&planted, &used);
    for folder in ["man", "completions"] {
        for entry in fs::read_dir(planted.home().work().join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let content = fs::read(&path).expect("a file");
            planted.look(Sink::Static, &text(&path), &content, &[]);
        }
    }
    // what the user asked for is there, and is all there is
    assert!(planted.scanner.labels_in(read(planted.own("body")).as_bytes()).contains(&VALUE));
    planted.done();
}

/// The vault says how many secrets there are and how long they are, and nothing else.
#[test]
fn hostile_a16_no_name_host_or_tag_stands_in_any_file() {
    let mut planted = Planted::new();
    let (header, url) = (format!("X-Key: {}", planted.reference()), planted.stage.server.url("/"));
    planted.run(&["send", "-s", "-H", &header, &url], "", &[VALUE]).ok();
    planted.run(&["backup", "copy"], "", &[]).ok();
    let kept = planted.home().files();
    for file in ["vault.db", "audit.log", "pins"] {
        assert!(kept.iter().any(|path| text(path).contains(&format!("/{file}"))), "{file} was not looked at");
    }
    // the same scan sees what the user wrote down
    let labels = ["the host", "the name of bird", "the tag"];
    let texts = &planted.texts;
    let written = format!("{} {} {}", texts.host, texts.name, texts.tag);
    assert_eq!(planted.scanner.labels_in(written.as_bytes()), labels);
    planted.done();
}

/// The words that make a command, joined as the names of man pages are.
fn command_of(words: &[&str]) -> String {
    let mut words = words.iter();
    let mut command = Vec::new();
    while let Some(word) = words.next() {
        match *word {
            "--vault" | "--key-file" => drop(words.next()),
            word if word.starts_with('-') && command.is_empty() => {}
            word => command.push(word),
        }
    }
    command.join("-")
}

/// Compares with the man pages, which come from the definitions that the command line is parsed with.
#[track_caller]
fn every_command_was_used(planted: &Planted, used: &BTreeSet<String>) {
    let pages = planted.home().work().join("man");
    let mut unused = Vec::new();
    for page in fs::read_dir(pages).expect("the man pages") {
        let page = page.expect("an entry").file_name().into_string().expect("text");
        let Some(command) = page.strip_prefix("subrosa-").and_then(|page| page.strip_suffix(".1")) else {
            assert_eq!(page, "subrosa.1");
            continue;
        };
        let is_it = |used: &String| used == command || used.starts_with(&format!("{command}-"));
        if !used.iter().any(is_it) {
            unused.push(command.to_owned());
        }
    }
    assert!(unused.is_empty(), "commands that no step uses: {unused:?}");
}

#[test]
fn the_list_of_commands_is_compared_with_what_there_is() {
    assert_eq!(command_of(&["--vault", "v", "keys", "add", "key-file", "f"]), "keys-add-key-file-f");
    assert_eq!(command_of(&["--version"]), "");
}
