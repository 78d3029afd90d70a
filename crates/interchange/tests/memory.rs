//! How much memory files of secrets take at the most: less than three times the file, measured in a process of its own.
#![cfg(target_os = "linux")]

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use subrosa_interchange::age::{Form, Recipients};
use subrosa_interchange::{Contents, Item, Items, Outgoing, Place, age, subrosa};
use subrosa_secret::{Name, SecretValue};
use subrosa_vault::{KdfParams, Passphrase};

/// Says to the child what it is to do.
const TASK: &str = "SUBROSA_MEMORY_TASK";
/// A recipient whose key nobody kept: only writing is measured.
const RECIPIENT: &str = "age1083t4sx67uz8wh7k9lcfm7jvwyvq3m7j3fedlxyemw2dtqhqusxs9ae8zc";
/// Secrets of a mebibyte.
const SECRETS: usize = 32;

fn passphrase() -> Passphrase {
    Passphrase::new(b"made up for tests").expect("a passphrase")
}

fn item(number: usize) -> Item {
    let value = SecretValue::new(vec![b'a' + (number % 26) as u8; 1 << 20]).expect("short");
    Item::new(Name::parse(&format!("secret-{number}")).expect("a name"), Some(value), Place::File)
}

fn check(contents: &Contents) {
    assert_eq!(contents.items.len(), SECRETS);
}

/// Does one task; the length of the file that it read or wrote.
fn run(task: &str, path: &Path) -> usize {
    let items = || {
        let mut items = Items::default();
        (0..SECRETS).for_each(|number| items.push(&item(number)).expect("few"));
        items
    };
    let read = || fs::read(path).expect("a file");
    let write = |file: Outgoing<'_>| {
        let mut out = fs::File::create(path).expect("a file");
        file.write_to(&mut out).expect("written");
    };
    match task {
        "seal" => write(subrosa::seal(&items(), &passphrase(), KdfParams::MINIMUM).expect("sealed")),
        "open" => check(&subrosa::open(&read(), &passphrase()).expect("opens")),
        "write-plain" => write(subrosa::write_plain(&items()).expect("ready")),
        "read-plain" => check(&subrosa::read_plain(&read()).expect("read")),
        "age" => {
            let items = items();
            let plain = subrosa::write_plain(&items).expect("ready");
            let recipients = Recipients::parse(RECIPIENT).expect("a recipient");
            write(age::seal(plain, &recipients, Form::Binary).expect("sealed"));
        }
        _ => panic!("no such task"),
    }
    fs::metadata(path).expect("a file").len() as usize
}

/// The most memory that this process had at any time.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}

#[test]
fn a_task_of_its_own() {
    let Ok(task) = env::var(TASK) else { return };
    let (task, path) = task.split_once(':').expect("a task and a path");
    let length = run(task, Path::new(path));
    fs::write(format!("{path}.{task}"), format!("{length} {}", peak())).expect("written");
}

#[test]
fn hostile_i88_no_file_takes_three_times_its_length() {
    let folder = tempfile::tempdir().expect("a folder");
    for tasks in [&["seal", "open"][..], &["write-plain", "read-plain"], &["age"]] {
        let path = folder.path().join("file");
        for task in tasks {
            let mut child = Command::new(env::current_exe().expect("this test"));
            child.args(["--exact", "a_task_of_its_own"]).env(TASK, format!("{task}:{}", path.display()));
            let output = child.output().expect("it starts");
            assert!(output.status.success(), "{task}: {}", String::from_utf8_lossy(&output.stdout));
            let told = fs::read_to_string(format!("{}.{task}", path.display())).expect("measured");
            let (length, peak) = told.split_once(' ').expect("two numbers");
            let (length, peak): (usize, usize) =
                (length.parse().expect("bytes"), peak.parse().expect("bytes"));
            assert!(length > SECRETS << 20);
            assert!(peak < 3 * length, "{task}: {} MiB for {} MiB", peak >> 20, length >> 20);
        }
    }
}
