//! Secrets whose values are files of a mounted folder: linked, looked up, cached, refused, disconnected.

use std::fs;
use std::path::PathBuf;

use subrosa_testkit::Answer;

use crate::home::{Home, Run, text};
use crate::stage::{Stage, VALUE};

/// A user with a connection `k8s` to a folder of files.
struct Mounted {
    stage: Stage,
}

impl Mounted {
    fn new() -> Self {
        Self::on(Stage::new())
    }

    fn on(stage: Stage) -> Self {
        let mounted = Self { stage };
        mounted.put("token", VALUE);
        mounted.home().run(&["connect", "folder", "k8s", "--path", &text(&mounted.folder())]).ok();
        mounted
    }

    fn home(&self) -> &Home {
        &self.stage.home
    }

    fn folder(&self) -> PathBuf {
        self.home().path("mounted")
    }

    /// Writes a file of the folder.
    fn put(&self, name: &str, content: &str) {
        let path = self.folder().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        fs::write(path, content).expect("a file");
    }

    fn link(&self, name: &str, target: &str) -> Run {
        self.home().run(&["link", name, target, "--host", &self.stage.origin()])
    }

    /// Sends a secret in a header, and answers the run.
    fn send(&self, name: &str, words: &[&str]) -> Run {
        let header = format!("X-Key: <<vault:{name}>>");
        self.stage.send_here(&[&["-s", "-S", "-H", &header], words].concat(), "/")
    }

    fn get(&self, name: &str) -> String {
        self.home().run(&["get", name]).ok().text().to_owned()
    }

    fn cached(&self) -> Vec<String> {
        let report = self.home().run(&["cache", "list", "--json"]).ok().json();
        let values = report["values"].as_array().expect("values");
        values.iter().map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
    }
}

#[test]
fn a_linked_secret_is_sent_shown_and_listed() {
    let mounted = Mounted::new();
    mounted.put("db/password", "hunter2\n");
    mounted.link("token", "k8s:token").ok();
    mounted.link("db", "k8s:db//password").ok();
    mounted.send("token", &[]).ok();
    let sent = mounted.stage.request();
    assert_eq!(sent.header("x-key"), [VALUE.as_bytes()]);
    assert_eq!(mounted.get("db"), "hunter2");
    assert_eq!(mounted.home().run(&["link", "db"]).ok().text(), "k8s:db/password\n");
    let list = mounted.home().run(&["list", "--state", "linked", "--json"]).ok().json();
    assert_eq!(list["secrets"][0]["link"], "k8s:db/password");
    assert_eq!(
        (&list["secrets"][0]["state"], &list["secrets"][0]["length"]),
        (&"linked".into(), &serde_json::Value::Null)
    );
    mounted.home().write("requests.sh", "curl -H 'X: <<vault:db>>' <<vault:gone>>");
    let refs = mounted.home().run(&["refs", "requests.sh", "--json"]).ok().json();
    assert_eq!(
        (&refs["references"][0]["state"], &refs["references"][0]["link"]),
        (&"ready".into(), &"k8s:db/password".into())
    );
    let connections = mounted.home().run(&["connections", "--json"]).ok().json();
    assert_eq!(
        (&connections["connections"][0]["state"], &connections["connections"][0]["links"]),
        (&"ready".into(), &2.into())
    );
    mounted.home().run(&["reauth", "k8s"]).ok();
    assert!(mounted.home().run(&["doctor"]).ok().text().contains("1 connection"));
}

#[test]
fn a_value_is_looked_up_once_an_hour() {
    let mounted = Mounted::new();
    let before = fs::read(mounted.home().database()).expect("the vault");
    mounted.link("token", "k8s:token").ok();
    mounted.put("token", "newer");
    assert_eq!(mounted.get("token"), VALUE, "linking looked it up");
    let vault = fs::read(mounted.home().database()).expect("the vault");
    assert_ne!(before, vault);
    let run =
        |words: &[&str]| mounted.home().run(&[&["get", "token"], words].concat()).ok().text().to_owned();
    assert_eq!(run(&["--no-cache"]), "newer");
    assert_eq!(run(&[]), VALUE, "--no-cache keeps nothing");
    assert_eq!(run(&["--refresh"]), "newer");
    assert_eq!(run(&[]), "newer");
    assert_eq!(fs::read(mounted.home().database()).expect("the vault"), vault, "a lookup changes the vault");
    assert_eq!(mounted.cached(), ["token"]);
    mounted.put("token", "newest");
    mounted.home().run(&["cache", "clear", "token"]).ok();
    assert!(mounted.cached().is_empty());
    assert_eq!(run(&[]), "newest");
    mounted.home().run(&["cache", "ttl", "0"]).ok();
    mounted.put("token", "last");
    assert_eq!(run(&[]), "last");
    assert!(mounted.cached().is_empty(), "nothing is kept");
    mounted.home().run(&["cache", "ttl", "1h", "--link", "token"]).ok();
    run(&[]);
    assert_eq!(mounted.cached(), ["token"], "what is said of the link counts first");
    mounted.home().run(&["cache", "ttl", "2h", "--connection", "k8s"]).ok();
    assert_eq!(mounted.home().run(&["cache", "ttl", "--connection", "k8s"]).ok().text(), "2h\n");
    assert_eq!(mounted.home().run(&["cache", "ttl"]).ok().text(), "0\n");
}

/// Each reason in its own words, with the command that mends it; nothing is ever sent.
#[test]
fn reasons_are_told_apart_and_nothing_is_sent() {
    let mounted = Mounted::new();
    for name in ["a", "b", "c"] {
        mounted.put(name, name);
        mounted.link(name, &format!("k8s:{name}")).ok();
    }
    mounted.home().run(&["cache", "clear"]).ok();
    fs::remove_file(mounted.folder().join("a")).expect("removed");
    mounted
        .send("a", &[])
        .ends(100)
        .says("k8s has nothing named a; nothing was sent")
        .says("hint: subrosa link a k8s:a");
    fs::remove_file(mounted.folder().join("b")).expect("removed");
    std::os::unix::fs::symlink("/etc/hostname", mounted.folder().join("b")).expect("a link");
    mounted.send("b", &[]).ends(100).says("k8s: b: a link leads out of the folder");
    let away = mounted.home().path("away");
    fs::rename(mounted.folder(), &away).expect("unmounted");
    mounted.send("c", &[]).ends(100).says("there is no such folder").says("hint: subrosa connections k8s");
    mounted.home().run(&["connections"]).ok();
    mounted.home().run(&["reauth", "k8s"]).ends(100).says("there is no such folder");
    fs::rename(away, mounted.folder()).expect("mounted again");
    mounted.home().run(&["disconnect", "k8s"]).ok().says("3 secrets are linked to it");
    let run = mounted.send("c", &[]).ends(100).says("k8s was disconnected");
    assert_eq!(run.hints(), ["subrosa connect folder k8s --path FOLDER"]);
    mounted.home().write("requests.sh", "<<vault:c>>");
    assert_eq!(
        mounted.home().run(&["refs", "requests.sh", "--json"]).ok().json()["references"][0]["state"],
        "not_connected"
    );
    mounted.home().run(&["refs", "--check", "requests.sh"]).ends(100);
    mounted.stage.untouched();
    // unresolved, not lost
    mounted.home().run(&["connect", "folder", "k8s", "--path", &text(&mounted.folder())]).ok();
    mounted.send("c", &[]).ok();
    assert_eq!(mounted.stage.request().header("x-key"), [b"c"]);
}

#[test]
fn a_linked_secret_is_not_set_but_unlinked() {
    let mounted = Mounted::new();
    mounted.home().store("token", "own", &[]);
    mounted.link("token", "k8s:token").ok();
    let run = mounted
        .home()
        .feed(&["set", "token"], "x")
        .ends(1)
        .says("token is linked: its value is kept elsewhere");
    assert_eq!(run.hints(), ["subrosa push token", "subrosa unlink token"]);
    mounted.home().run(&["unlink", "token"]).ok();
    assert!(mounted.cached().is_empty());
    mounted.home().run(&["get", "token"]).ends(1).says("token has no value yet");
    mounted.home().run(&["unlink", "token"]).ends(1).says("token is not linked");
    mounted.home().run(&["undo", "token"]).ok();
    assert_eq!(mounted.get("token"), VALUE);
    mounted.home().run(&["get", "token", "--version", "1"]).ok();
}

#[test]
fn many_are_linked_at_once_or_none() {
    let mounted = Mounted::new();
    for name in ["one", "two"] {
        mounted.put(name, name);
    }
    mounted.home().write("links", "# what is mounted\none = k8s:one\n\nprod/two key = k8s:two\n");
    mounted.home().run(&["link", "--bulk", "links"]).ok();
    assert_eq!((mounted.get("one").as_str(), mounted.get("prod/two key").as_str()), ("one", "two"));
    mounted.home().feed(&["link", "--bulk", "-", "--to", "k8s"], "three=one\nfour = two").ok();
    assert_eq!(mounted.get("four"), "two");
    let wrong = "five = k8s:one\nsix\nfive = k8s:two\nseven = nobody:x\neight = k8s:../x\n";
    let run =
        mounted.home().feed(&["link", "--bulk", "-"], wrong).ends(2).says("4 lines of - cannot be read");
    for line in ["line 2: it is not", "line 3: five stands twice", "line 4: no connection named", "line 5: "]
    {
        assert!(run.err.contains(line), "{line}: {run}");
    }
    mounted
        .home()
        .feed(&["link", "--bulk", "-"], "five = k8s:one\nsix = k8s:gone\n")
        .ends(100)
        .says("nothing was linked");
    mounted.home().run(&["get", "five"]).ends(1);
    mounted.home().feed(&["link", "--bulk", "-", "--no-check"], "six = k8s:gone\n").ok();
    mounted.home().run(&["get", "six"]).ends(100);
}

#[test]
fn explain_tells_of_links_and_looks_nothing_up() {
    let mounted = Mounted::new();
    let origin = mounted.stage.origin();
    mounted.home().run(&["link", "token", "k8s:token", "--host", &origin, "--no-check"]).ok();
    let explained = || mounted.send("token", &["--explain"]);
    let shown = format!("<<vault:token>> in header X-Key: ready by {origin}, looked up at k8s:token");
    assert!(explained().ok().text().contains(&shown), "{}", explained());
    let report = mounted.send("token", &["--explain-json"]).ok().json();
    assert_eq!(report["requests"][0]["references"][0]["link"], "k8s:token");
    mounted.home().run(&["disconnect", "k8s"]).ok();
    let run = explained().ends(100);
    assert!(run.text().contains("not_connected, k8s was disconnected"), "{run}");
    assert!(run.text().contains("hint: subrosa connect folder k8s --path FOLDER"), "{run}");
    assert!(mounted.cached().is_empty(), "it was looked up");
    mounted.stage.untouched();
}

/// 401 and 403: the value that was looked up is no longer the right one.
#[test]
fn a_refusal_of_the_server_drops_what_is_cached() {
    for status in [401, 403] {
        let mounted = Mounted::on(Stage::answering(move |number, _| match number {
            0 => Answer::status(status),
            _ => Answer::ok("fine"),
        }));
        mounted.link("token", "k8s:token").ok();
        mounted.put("token", "renewed");
        mounted.send("token", &[]).ok();
        assert!(mounted.cached().is_empty(), "{status}");
        mounted.send("token", &[]).ok();
        let requests = mounted.stage.server.requests();
        let sent: Vec<_> = requests.iter().flat_map(|one| one.header("x-key")).collect();
        assert_eq!(sent, [VALUE.as_bytes(), b"renewed"], "{status}");
        assert_eq!(mounted.cached(), ["token"]);
    }
}

#[test]
fn a_stale_value_is_used_only_if_that_was_asked_for_and_is_said() {
    let mounted = Mounted::new();
    let path = text(&mounted.folder());
    let connect = ["connect", "folder", "spare", "--path", &path, "--ttl", "0", "--stale-if-error", "1h"];
    mounted.home().run(&connect).ok();
    mounted.link("token", "k8s:token").ok();
    mounted.link("spare", "spare:token").ok();
    mounted.home().run(&["cache", "ttl", "0", "--connection", "k8s"]).ok();
    fs::rename(mounted.folder(), mounted.home().path("away")).expect("unmounted");
    mounted.home().run(&["get", "token"]).ends(100);
    let run = mounted.home().run(&["get", "spare"]).ok().says("a value that was looked up");
    assert_eq!(run.text(), VALUE);
    // gone is not unavailable
    fs::create_dir(mounted.folder()).expect("mounted, empty");
    mounted.home().run(&["get", "spare"]).ends(100).says("spare has nothing named token");
    fs::remove_dir(mounted.folder()).expect("unmounted");
    mounted.home().run(&["get", "spare"]).ends(100);
}

/// A restricted secret's rules are judged before anything is looked up.
#[test]
fn hostile_e48_no_host_that_is_not_allowed_gets_a_linked_value_looked_up() {
    let mounted = Mounted::new();
    mounted.home().run(&["link", "token", "k8s:token", "--host", "api.example.com", "--no-check"]).ok();
    mounted.send("token", &[]).ends(100).says("is not among its allowed hosts");
    assert!(mounted.cached().is_empty(), "it was looked up");
    mounted.stage.untouched();
    mounted.home().run(&["send-only", "token"]).ok();
    mounted.home().run(&["get", "token"]).ends(1).says("send-only");
    mounted.home().run(&["disable", "token"]).ok();
    mounted.home().run(&["get", "token"]).ends(1).says("disabled");
    assert!(mounted.cached().is_empty(), "it was looked up");
}

#[test]
fn hostile_a1_a_tampered_cache_is_not_used_and_said() {
    let mounted = Mounted::new();
    mounted.link("token", "k8s:token").ok();
    let cache = mounted.home().vault().join("cache");
    let mut bytes = fs::read(&cache).expect("the cache");
    *bytes.last_mut().expect("a byte") ^= 1;
    fs::write(&cache, bytes).expect("written");
    mounted.put("token", "looked up");
    let run = mounted
        .home()
        .run(&["get", "token"])
        .ok()
        .says("warning: the vault's cache is damaged or was tampered with");
    assert_eq!((run.text(), run.hints()), ("looked up", vec!["subrosa cache clear"]));
    let run = mounted.home().run(&["get", "token"]).ok();
    assert!(run.err.is_empty(), "it was replaced: {run}");
}

/// What lies in the cache after another connection of that name, or another link, is never taken for the present one's.
#[test]
fn hostile_a6_cached_values_of_an_earlier_connection_or_link_are_not_used() {
    let mounted = Mounted::new();
    mounted.link("token", "k8s:token").ok();
    let cache = mounted.home().vault().join("cache");
    let old = fs::read(&cache).expect("the cache");
    mounted.home().run(&["disconnect", "k8s"]).ok();
    let other = mounted.home().path("other");
    fs::create_dir(&other).expect("a folder");
    fs::write(other.join("token"), "another").expect("a file");
    mounted.home().run(&["connect", "folder", "k8s", "--path", &text(&other)]).ok();
    fs::write(&cache, &old).expect("put back");
    assert_eq!(mounted.get("token"), "another");
    fs::write(other.join("second"), "second").expect("a file");
    mounted.link("token", "k8s:second").ok();
    assert_eq!(mounted.get("token"), "second");
}

#[test]
fn names_targets_and_folders_that_make_no_sense() {
    let mounted = Mounted::new();
    let path = text(&mounted.folder());
    for (words, code) in [
        (&["connect", "folder", "op", "--path", &path][..], 2),
        (&["connect", "folder", "a:b", "--path", &path], 2),
        (&["connect", "folder", "x"], 2),
        (&["connect", "folder", "k8s", "--path", &path], 1),
        (&["connect", "folder", "x", "--path", "/nowhere/at/all"], 100),
        (&["connect", "folder", "x", "--path", &path, "--ttl", "5"], 2),
        (&["disconnect", "nobody"], 1),
        (&["reauth", "nobody"], 1),
        (&["connections", "nobody"], 1),
        (&["link", "x", "token"], 2),
        (&["link", "x", "op://vault/item/field"], 2),
        (&["link", "x", "nobody:token"], 1),
        (&["link", "x", "k8s:../x"], 2),
        (&["link", "x", "k8s:/etc/passwd"], 2),
        (&["link", "x", "k8s:gone"], 100),
        (&["link", "x"], 1),
        (&["unlink", "x"], 1),
        (&["cache", "ttl", "5"], 2),
        (&["cache", "clear", "x"], 1),
    ] {
        let run = mounted.home().run(words).ends(code);
        assert!(run.err.starts_with("error: ") && !run.err.contains("panicked"), "{run}");
    }
    assert_eq!(mounted.home().run(&["list"]).ok().text(), "", "nothing was made");
}
