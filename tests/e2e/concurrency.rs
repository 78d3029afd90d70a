//! Many processes at one vault, and processes that are killed in the middle of a write.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io::Write as _};

use crate::home::Home;

const WRITERS: usize = 8;
const SECRETS: usize = 10;
const ROUNDS: u32 = 30;

fn value(name: &str) -> String {
    format!("made-up-value-of-{name}")
}

fn names(home: &Home) -> Vec<String> {
    let list = home.run(&["list", "--json"]).ok().json();
    let secrets = list["secrets"].as_array().expect("a list");
    secrets.iter().map(|secret| secret["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn hostile_c32_eight_writers_and_two_readers() {
    let home = Home::new();
    let written = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let home = &home;
                scope.spawn(move || {
                    for number in 0..SECRETS {
                        let name = format!("w{writer}/s{number}");
                        home.store(&name, value(&name), &[]);
                        assert_eq!(home.run(&["get", &name]).ok().text(), value(&name));
                    }
                })
            })
            .collect();
        for words in [["list", "--json"], ["verify", "--json"]] {
            let (home, written) = (&home, &written);
            scope.spawn(move || {
                while !written.load(Ordering::SeqCst) {
                    home.run(&words).ok();
                }
            });
        }
        let outcomes: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        // the readers end whatever became of the writers
        written.store(true, Ordering::SeqCst);
        assert!(outcomes.iter().all(Result::is_ok), "a writer failed");
    });
    let names = names(&home);
    assert_eq!(names.len(), WRITERS * SECRETS);
    for name in &names {
        assert_eq!(home.run(&["get", name]).ok().text(), value(name));
    }
    home.run(&["verify"]).ok();
    // every get left its entry, and no two of them stand in each other's place
    let entries = home.run(&["audit", "show", "--json"]).ok().json();
    let entries = entries["entries"].as_array().expect("entries").len();
    assert_eq!(entries, 2 * WRITERS * SECRETS);
    home.run(&["audit", "verify"]).ok();
}

/// Starts `set`, kills it after a while, and tells whether it had said that all went well.
fn set_and_kill(home: &Home, name: &str, after: Duration) -> bool {
    let mut command = home.command(&["set", name]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("subrosa starts");
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(value(name).as_bytes()).expect("it takes its input");
    drop(stdin);
    thread::sleep(after);
    // SIGKILL; to a process that has ended it does nothing
    let _ = child.kill();
    child.wait().expect("it ends").success()
}

#[test]
fn hostile_c29_killed_at_any_moment_of_a_write() {
    let home = Home::new();
    let before = Instant::now();
    home.store("first", value("first"), &[]);
    // spread over what one write takes on this machine, and somewhat more
    let step = before.elapsed() * 3 / (2 * ROUNDS);
    let mut acknowledged = vec!["first".to_owned()];
    for round in 0..ROUNDS {
        let name = format!("round-{round}");
        if set_and_kill(&home, &name, step * round) {
            acknowledged.push(name);
        }
    }
    home.run(&["verify"]).ok();
    let names = names(&home);
    for name in &acknowledged {
        assert!(names.contains(name), "{name} was acknowledged and is not there: {names:?}");
    }
    for name in &names {
        assert_eq!(home.run(&["get", name]).ok().text(), value(name));
    }
    home.store("last", value("last"), &[]);
    home.run(&["verify"]).ok();
    let left: Vec<_> =
        home.files().into_iter().filter(|path| path.to_string_lossy().contains(".new")).collect();
    assert!(left.iter().all(|path| fs::metadata(path).is_ok_and(|file| file.len() < 4096)), "{left:?}");
}

#[test]
fn killed_at_any_moment_of_a_rotation() {
    let home = Home::new();
    home.store("key", value("key"), &[]);
    let before = Instant::now();
    home.run(&["keys", "rotate"]).ok();
    let step = before.elapsed() / 8;
    for round in 0..12 {
        let mut command = home.command(&["keys", "rotate"]);
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("subrosa starts");
        thread::sleep(step * round);
        let _ = child.kill();
        child.wait().expect("it ends");
        // one of the two files opens the vault at every moment
        let key = home.path("key");
        let new = home.path("key.new");
        let opens = |path: &std::path::Path| {
            path.exists() && home.run(&["get", "key", "--key-file", path.to_str().expect("text")]).code == 0
        };
        if !opens(&key) {
            assert!(opens(&new), "round {round}: neither key opens the vault");
            fs::rename(&new, &key).expect("the new key takes its place");
        } else if new.exists() {
            fs::remove_file(&new).expect("a key that is not needed");
        }
    }
    assert_eq!(home.run(&["get", "key"]).ok().text(), value("key"));
    home.run(&["verify"]).ok();
}
