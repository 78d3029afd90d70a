//! Many processes at one vault.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::home::{Home, Run, text};

const WRITERS: usize = 20;
const SECRETS: usize = 100;
/// How many secrets are written between two looks of a reader.
const PACE: usize = 25;
const READERS: [&[&str]; 5] = [
    &["list", "--json"],
    &["list", "--json"],
    &["get", "shared"],
    &["history", "shared", "--json"],
    &["verify", "--json"],
];

fn value(name: &str) -> String {
    format!("made-up-value-of-{name}")
}

fn names(run: &Run) -> Vec<String> {
    let list = run.json();
    let secrets = list["secrets"].as_array().expect("a list");
    secrets.iter().map(|secret| secret["name"].as_str().expect("a name").to_owned()).collect()
}

/// Every writer writes one secret after the other: whoever sees the tenth sees the nine before it.
fn assert_whole(names: &[String]) {
    for writer in 0..WRITERS {
        let begin = format!("w{writer:02}/");
        let of_writer: Vec<_> = names.iter().filter(|name| name.starts_with(&begin)).collect();
        let expected: Vec<_> = (0..of_writer.len()).map(|number| format!("{begin}s{number:03}")).collect();
        assert!(of_writer.iter().copied().eq(&expected), "{of_writer:?}");
    }
}

/// One look at the vault while others write, in which there have to be so many secrets.
fn look(home: &Home, words: &[&str], written: usize) {
    let run = home.run(words).ok();
    match words[0] {
        "get" => assert_eq!(run.text(), value("shared")),
        "list" => {
            let names = names(&run);
            assert_whole(&names);
            assert!(names.len() >= written, "{} secrets where {written} were acknowledged", names.len());
        }
        _ => {}
    }
}

#[test]
fn hostile_c32_twenty_writers_and_five_readers() {
    // in memory, where flushing costs nothing: there the processes meet most often
    let home = Home::new().copy();
    home.store("shared", value("shared"), &[]);
    let (written, ended) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (home, written, ended) = (&home, &written, &ended);
        let writer = move |writer: usize| {
            for number in 0..SECRETS {
                let name = format!("w{writer:02}/s{number:03}");
                home.store(&name, value(&name), &[]);
                written.fetch_add(1, Ordering::SeqCst);
            }
        };
        let reader = move |words: &[&str]| {
            let mut next = 0;
            // the writers set the pace: unoptimised, five readers without a pause take the machine for themselves
            while !ended.load(Ordering::SeqCst) {
                let now = written.load(Ordering::SeqCst);
                if now < next {
                    thread::sleep(Duration::from_millis(1));
                    continue;
                }
                look(home, words, now);
                next = now + PACE;
            }
        };
        let readers: Vec<_> = READERS.iter().map(|words| scope.spawn(move || reader(words))).collect();
        let writers: Vec<_> = (0..WRITERS).map(|number| scope.spawn(move || writer(number))).collect();
        let wrote: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        // the readers end whatever became of the writers
        ended.store(true, Ordering::SeqCst);
        let read: Vec<_> = readers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        assert!(wrote.iter().all(Result::is_ok), "a writer failed");
        assert!(read.iter().all(Result::is_ok), "a reader failed");
    });
    let all = names(&home.run(&["list", "--json"]).ok());
    assert_whole(&all);
    assert_eq!(all.len(), 1 + WRITERS * SECRETS);
    assert_values(&home, &all);
    home.run(&["verify"]).ok();
    home.run(&["audit", "verify"]).ok();
}

/// Every secret has the value that was written. Read within this process: two thousand times, a start costs too much.
fn assert_values(home: &Home, names: &[String]) {
    let key = fs::read_to_string(home.path("key")).expect("the key");
    let key = subrosa_vault::VaultKey::parse(key.trim()).expect("a key");
    let location =
        subrosa_vault::Location { dir: home.vault(), state: home.folder("XDG_STATE_HOME").join("subrosa") };
    let vault = subrosa_vault::Vault::open(&location, &subrosa_vault::Unlock::VaultKey(&key)).expect("open");
    for name in names {
        let name: subrosa_secret::Name = name.parse().expect("a name");
        let entry = vault.find(&name).expect("find").expect("there");
        let found = vault.value(&entry).expect("a value").expect("there");
        assert_eq!(found.expose_secret(), value(name.as_str()).as_bytes(), "{name}");
    }
}

#[test]
fn hostile_c32_every_use_leaves_its_entry() {
    const USERS: usize = 8;
    const USES: usize = 10;
    let home = Home::new().copy();
    home.store("shared", value("shared"), &[]);
    thread::scope(|scope| {
        for _ in 0..USERS {
            scope.spawn(|| (0..USES).for_each(|_| look(&home, &["get", "shared"], 0)));
        }
    });
    // no two of them stand in each other's place
    let entries = home.run(&["audit", "show", "--json"]).ok().json();
    assert_eq!(entries["entries"].as_array().expect("entries").len(), USERS * USES);
    home.run(&["audit", "verify"]).ok();
}

#[test]
fn hostile_c32_ten_processes_make_one_vault() {
    for _ in 0..5 {
        let home = Home::bare().copy();
        let runs: Vec<Run> = thread::scope(|scope| {
            let init = |number: usize| {
                let key = text(&home.path(&format!("key-{number}")));
                home.run(&["init", "--no-recovery", "--key-file", &key])
            };
            let threads: Vec<_> = (0..10).map(|number| scope.spawn(move || init(number))).collect();
            threads.into_iter().map(|thread| thread.join().expect("a run")).collect()
        });
        let winners: Vec<usize> = (0..10).filter(|&number| runs[number].code == 0).collect();
        assert_eq!(winners.len(), 1, "{winners:?}");
        for (number, run) in runs.into_iter().enumerate().filter(|(number, _)| *number != winners[0]) {
            run.ends(1).says("there is a vault in");
            assert!(!home.path(&format!("key-{number}")).exists(), "a key that opens nothing stays");
        }
        let key = text(&home.path(&format!("key-{}", winners[0])));
        home.feed(&["set", "next", "--key-file", &key], "made-up").ok();
        home.run(&["verify", "--key-file", &key]).ok();
        let files = fs::read_dir(home.vault()).expect("its folder").count();
        assert!(files <= 2, "drafts stay: {:?}", home.files());
    }
}

#[test]
fn hostile_c32_two_processes_rotate_at_once() {
    let home = Home::new().copy();
    home.store("shared", value("shared"), &[]);
    let first = fs::read_to_string(home.path("key")).expect("the key");
    for _ in 0..10 {
        let runs: Vec<Run> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| home.run(&["keys", "rotate"]))).collect();
            threads.into_iter().map(|thread| thread.join().expect("a run")).collect()
        });
        assert!(runs.iter().any(|run| run.code == 0), "none was done: {}", runs[0]);
        for run in runs.into_iter().filter(|run| run.code != 0) {
            run.ends(1).says("another process is replacing the key in");
        }
        assert!(!home.path("key.new").exists());
        look(&home, &["get", "shared"], 0);
    }
    let slots = home.run(&["keys", "list", "--json"]).ok().json();
    assert_eq!(slots["slots"].as_array().expect("slots").len(), 1, "{slots}");
    fs::write(home.path("key"), first).expect("the first key");
    home.run(&["verify"]).ends(101);
}

#[test]
fn hostile_c32_the_keys_change_while_others_write() {
    let home = Home::new().copy();
    // another way in, which stays
    let second = text(&home.path("second"));
    home.run(&["keys", "add", "key-file", &second]).ok();
    thread::scope(|scope| {
        for writer in 0..4 {
            let (home, second) = (&home, &second);
            scope.spawn(move || {
                for number in 0..SECRETS / 4 {
                    let name = format!("w{writer:02}/s{number:03}");
                    home.feed(&["set", &name, "--key-file", second], value(&name)).ok();
                }
            });
        }
        scope.spawn(|| (0..10).for_each(|_| drop(home.run(&["keys", "rotate"]).ok())));
    });
    let all = names(&home.run(&["list", "--json"]).ok());
    assert_whole(&all);
    assert_eq!(all.len(), SECRETS);
    assert_values(&home, &all);
}

#[test]
fn hostile_c32_the_root_key_changes_while_others_write() {
    let home = Home::new().copy();
    // whoever had opened the vault before is told so, and has changed nothing
    let settled = |run: &dyn Fn() -> Run| loop {
        let run = run();
        if !run.shows("root key was changed meanwhile") {
            return run.ok();
        }
        assert_eq!(run.hints(), ["run the command again"], "{run}");
    };
    thread::scope(|scope| {
        for writer in 0..4 {
            let (home, settled) = (&home, &settled);
            scope.spawn(move || {
                for number in 0..SECRETS / 4 {
                    let name = format!("w{writer:02}/s{number:03}");
                    settled(&|| home.feed(&["set", &name], value(&name)));
                    assert_eq!(settled(&|| home.run(&["get", &name])).text(), value(&name));
                }
            });
        }
        scope.spawn(|| (0..5).for_each(|_| drop(home.run(&["keys", "rotate", "--root", "--yes"]).ok())));
    });
    let all = names(&home.run(&["list", "--json"]).ok());
    assert_whole(&all);
    assert_eq!(all.len(), SECRETS);
    assert_values(&home, &all);
    home.run(&["verify"]).ok();
    home.run(&["audit", "verify"]).ok();
}
