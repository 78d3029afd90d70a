//! The commands that are tried, each with the home that it is run in.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::home::{Home, Run, text};

/// One command in one home.
pub(super) struct Action {
    /// What it is called in reports.
    pub(super) name: &'static str,
    /// The home before the command; it is never run in this one.
    pub(super) home: Home,
    words: Vec<String>,
    pub(super) input: &'static [u8],
    /// Key files of which one opens the vault at every moment.
    pub(super) key_files: &'static [&'static str],
    /// What a crash may leave behind, by the end of the path.
    pub(super) leftovers: &'static [&'static str],
    /// Whether the command can be run again until it succeeds.
    pub(super) again: bool,
    /// Whether for a while both the old and the new way in are there.
    pub(super) overlaps: bool,
    /// What must hold beside what holds of every vault; whether the vault is as it was before is told.
    pub(super) also: fn(&Home, before: bool) -> Result<(), String>,
}

/// A value that does not fit into one page of the database.
const LONG: usize = 6000;
/// What every write may leave: the roll-back journal, and the pin that was about to replace the one that is there.
const OF_A_WRITE: [&str; 2] = ["-journal", ".new"];

const ADD_CERTIFICATE: [&str; 8] =
    ["cert", "add", "--host", "api.example.com", "--cert", "~/certificate.pem", "--key", "~/key.pem"];

/// A project's file before and after it is rewritten.
const ENV: &str = "# ours\nONE=made-up-one\nTWO='made-up two'\n";
const REWRITTEN: &str = "# ours\nONE=\"<<vault:ONE>>\"\nTWO=\"<<vault:TWO>>\"\n";

/// A user with secrets, history, a deleted secret, rules, two ways in and an audit log.
fn lived_in() -> Home {
    let mut home = Home::bare();
    let (key, recovery) = (home.path("key"), home.path("recovery"));
    home.run(&["init", "--key-file", &text(&key), "--save-recovery", &text(&recovery)]).ok();
    home.set("SUBROSA_KEY_FILE", key);
    home.store("replaced", "made-up-first", &[]);
    home.store("replaced", "made-up-second", &[]);
    home.store("ruled", "made-up-ruled", &["--host", "api.example.com"]);
    home.store("long", "x".repeat(LONG), &[]);
    home.store("deleted", "made-up-deleted", &[]);
    home.run(&["rm", "deleted"]).ok();
    for _ in 0..3 {
        home.run(&["get", "replaced"]).ok();
    }
    home
}

impl Action {
    fn new(name: &'static str, home: Home, words: &[&str]) -> Self {
        let words = words.iter().map(|&word| word.to_owned()).collect();
        Self {
            name,
            home,
            words,
            input: b"",
            key_files: &["key"],
            leftovers: &OF_A_WRITE,
            again: false,
            overlaps: false,
            also: |_, _| Ok(()),
        }
    }

    pub(super) fn init() -> Self {
        let words = ["init", "--key-file", "~/key", "--save-recovery", "~/recovery"];
        Self {
            leftovers: &["key", "recovery", "-journal", ".new", "pins/"],
            ..Self::new("init", Home::bare(), &words)
        }
    }

    pub(super) fn set_new() -> Self {
        let action = Self::new("set, a new secret", lived_in(), &["set", "new"]);
        Self { input: b"made-up-new", again: true, ..action }
    }

    pub(super) fn set_again() -> Self {
        let action = Self::new("set, a new value", lived_in(), &["set", "replaced"]);
        Self { input: b"made-up-third", again: true, ..action }
    }

    pub(super) fn rm() -> Self {
        Self::new("rm", lived_in(), &["rm", "ruled"])
    }

    pub(super) fn undo() -> Self {
        Self { again: true, ..Self::new("undo", lived_in(), &["undo", "replaced"]) }
    }

    pub(super) fn rename() -> Self {
        Self::new("rename", lived_in(), &["rename", "ruled", "renamed"])
    }

    pub(super) fn allow() -> Self {
        let words = ["allow", "replaced", "api.example.org"];
        Self { again: true, ..Self::new("allow", lived_in(), &words) }
    }

    pub(super) fn edit() -> Self {
        let mut home = lived_in();
        home.write("editor", "#!/bin/sh\nsed -i 's/^enabled = true/enabled = false/' \"$1\"\n");
        home.set("EDITOR", format!("sh {}", text(&home.work().join("editor"))));
        Self {
            again: true,
            // what is edited holds no value; sed writes a file of its own
            leftovers: &["-journal", ".new", ".toml", "tmp/sed"],
            ..Self::new("edit", home, &["edit", "ruled"])
        }
    }

    pub(super) fn connect() -> Self {
        Self::new("connect", lived_in(), &["connect", "folder", "etc", "--path", "/etc"])
    }

    /// Looks the value up, caches it, and puts the link in place of a value.
    pub(super) fn link() -> Self {
        Self { again: true, ..Self::of_links("link", &["link", "replaced", "etc:passwd"]) }
    }

    pub(super) fn unlink() -> Self {
        Self::of_links("unlink", &["unlink", "linked"])
    }

    pub(super) fn disconnect() -> Self {
        Self { again: true, ..Self::of_links("disconnect", &["disconnect", "etc"]) }
    }

    /// A command of a user with a linked secret, whose value is cached.
    fn of_links(name: &'static str, words: &[&str]) -> Self {
        let home = lived_in();
        home.run(&["connect", "folder", "etc", "--path", "/etc"]).ok();
        home.run(&["link", "linked", "etc:passwd"]).ok();
        Self { leftovers: &["-journal", ".new", "default/cache"], ..Self::new(name, home, words) }
    }

    /// In the place of the same one, so that it removes as well.
    pub(super) fn cert_add() -> Self {
        Self { again: true, ..Self::of_certificates("cert add", &ADD_CERTIFICATE) }
    }

    pub(super) fn cert_rm() -> Self {
        Self::of_certificates("cert rm", &["cert", "rm", "api.example.com", "--yes"])
    }

    fn of_certificates(name: &'static str, words: &[&str]) -> Self {
        let home = lived_in();
        let identities = Path::new(env!("CARGO_MANIFEST_DIR")).join("../http/tests/identities");
        for file in ["certificate.pem", "key.pem"] {
            fs::copy(identities.join(file), home.path(file)).expect("a file of the user");
        }
        let action = Self::new(name, home, words);
        let add =
            Self { words: ADD_CERTIFICATE.map(str::to_owned).to_vec(), ..Self::new(name, Home::bare(), &[]) };
        add.run(&action.home).ok();
        action
    }

    pub(super) fn purge() -> Self {
        Self { again: true, ..Self::new("purge", lived_in(), &["purge", "--yes"]) }
    }

    pub(super) fn keys_add() -> Self {
        let action = Self::new("keys add", lived_in(), &["keys", "add", "key-file", "~/second"]);
        Self { leftovers: &["second", "-journal", ".new"], ..action }
    }

    pub(super) fn keys_remove() -> Self {
        let home = lived_in();
        let slots = home.run(&["keys", "list", "--json"]).ok().json();
        let slots = slots["slots"].as_array().expect("slots").clone();
        let recovery = slots.iter().find(|slot| slot["kind"] == "recovery_key").expect("a recovery key");
        let id = recovery["id"].as_str().expect("an id");
        Self::new("keys remove", home, &["keys", "remove", id])
    }

    pub(super) fn keys_rotate() -> Self {
        Self {
            key_files: &["key", "key.new"],
            again: true,
            overlaps: true,
            ..Self::new("keys rotate", lived_in(), &["keys", "rotate"])
        }
    }

    pub(super) fn keys_rotate_root() -> Self {
        let words = ["keys", "rotate", "--root", "--yes", "--save-recovery", "~/next-recovery"];
        Self {
            leftovers: &["-journal", ".new", "next-recovery", ".before-rotation", ".audit.log.next"],
            ..Self::new("keys rotate --root", lived_in(), &words)
        }
    }

    pub(super) fn backup() -> Self {
        let action = Self::new("backup", lived_in(), &["backup", "~/backup"]);
        Self { leftovers: &["-journal", ".new", "backup/audit.log"], ..action }
    }

    pub(super) fn accept_rollback() -> Self {
        let home = lived_in();
        let old = fs::read(home.database()).expect("the vault");
        home.store("lost", "made-up-lost", &[]);
        fs::write(home.database(), old).expect("the vault");
        Self { again: true, ..Self::new("accept-rollback", home, &["accept-rollback", "--yes"]) }
    }

    /// Not encrypted, because deriving a key takes longer than all the rest; the file comes about in the same way.
    pub(super) fn export() -> Self {
        let words = ["export", "-o", "~/exported", "--plaintext", "json", "--history", "--yes"];
        let whole = |home: &Home, _| match fs::read(home.path("exported")) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.to_string()),
            Ok(bytes) => {
                let document: serde_json::Value =
                    serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
                let secrets = document["secrets"].as_array().map_or(0, Vec::len);
                if secrets == 3 { Ok(()) } else { Err(format!("{secrets} secrets were exported")) }
            }
        };
        let leftovers = &["-journal", ".new", ".subrosa-draft-"];
        Self { leftovers, also: whole, ..Self::new("export", lived_in(), &words) }
    }

    pub(super) fn import() -> Self {
        let home = lived_in();
        let new = |number| json!({"name": format!("NEW_{number}"), "value": format!("made-up-new-{number}")});
        let mut secrets: Vec<_> = (0..40).map(new).collect();
        secrets.push(json!({"name": "replaced", "value": "made-up-imported"}));
        // a connection that is not here comes with it, in the same change
        secrets.push(json!({
            "name": "linked",
            "link": {"connection": "k8s", "system": "folder", "settings": {"path": "/nowhere"}, "target": "x"},
        }));
        let file = json!({"format": "subrosa-plain", "version": 1, "secrets": secrets});
        home.write("arriving", file.to_string());
        let words = ["import", "arriving", "--on-conflict", "keep-both", "--accept-links"];
        Self { again: true, ..Self::new("import", home, &words) }
    }

    pub(super) fn import_rewrite() -> Self {
        let home = lived_in();
        home.write(".env", ENV);
        let rewritten = |home: &Home, before: bool| match fs::read_to_string(home.work().join(".env")) {
            Ok(text) if text == ENV => Ok(()),
            // never before the values are in the vault
            Ok(text) if text == REWRITTEN && !before => Ok(()),
            other => {
                Err(format!("{other:?}, while the vault is as {}", if before { "before" } else { "after" }))
            }
        };
        let leftovers = &["-journal", ".new", ".subrosa-draft-"];
        let words = ["import", "~/work/.env", "--rewrite"];
        Self { again: true, leftovers, also: rewritten, ..Self::new("import --rewrite", home, &words) }
    }

    pub(super) fn clear() -> Self {
        Self { again: true, ..Self::new("clear", lived_in(), &["clear", "--yes"]) }
    }

    pub(super) fn get() -> Self {
        Self { again: true, ..Self::new("get", lived_in(), &["get", "replaced"]) }
    }

    /// The command in a home, not started yet.
    pub(super) fn command(&self, home: &Home) -> std::process::Command {
        let place = text(&home.path(""));
        let words: Vec<String> = self.words.iter().map(|word| word.replace("~/", &place)).collect();
        home.command(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The command run to its end without a fault.
    pub(super) fn run(&self, home: &Home) -> Run {
        Run::of(self.command(home), self.input)
    }

    /// Files below the home that neither belong there nor may be left by a crash.
    pub(super) fn strays(&self, home: &Home, known: &[PathBuf]) -> Vec<PathBuf> {
        let below = |path: PathBuf| path.strip_prefix(home.path("")).map(PathBuf::from).unwrap_or(path);
        let mut files: Vec<PathBuf> = home.files().into_iter().map(below).collect();
        let may_be_left = |path: &PathBuf| self.leftovers.iter().any(|end| text(path).contains(end));
        files.retain(|path| !known.contains(path) && !may_be_left(path));
        files
    }
}
