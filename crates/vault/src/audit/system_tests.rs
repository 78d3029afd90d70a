//! Logs shared by processes, killed processes, full disks and read-only folders: what only the system can do.
//!
//! The other processes are this test program again, told by its environment to run [`as_another_process`] only.
#![cfg(unix)]

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use super::{
    AuditError, AuditLog, Durability,
    scratch::{Scratch, VAULT, entry, key, programs},
};
use crate::Epoch;

const DIR: &str = "SUBROSA_TEST_AUDIT_DIR";
const TASK: &str = "SUBROSA_TEST_AUDIT_TASK";
const FIRST: &str = "SUBROSA_TEST_AUDIT_FIRST";
const CHILD: &str = "audit::system_tests::as_another_process";

/// Not a test of its own: what the processes do that the tests below start.
#[test]
fn as_another_process() {
    let (Some(dir), Ok(task)) = (env::var_os(DIR), env::var(TASK)) else { return };
    let first: u64 = env::var(FIRST).ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let log = || AuditLog::open(Path::new(&dir), &VAULT, key(1), Epoch(1)).expect("open");
    let append = |number| log().append(&[entry(number)], Durability::Process);
    match task.as_str() {
        "append 50" => (first..first + 50).for_each(|number| _ = append(number).expect("append")),
        "append for ever" => {
            for number in first.. {
                println!("done {}", append(number).expect("append").count);
            }
        }
        "report" => {
            let kind = |result: Result<(), AuditError>| result.err().map_or("ok", |error| error.kind());
            println!("append {}", kind(append(first).map(drop)));
            println!("head {}", kind(log().head().map(drop)));
            println!("read {}", kind(log().read(|_| true).map(drop)));
        }
        _ => panic!("{task}"),
    }
}

fn task(program: &Path, scratch: &Scratch, task: &str, first: u64) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", CHILD, "--nocapture", "--test-threads=1"]);
    command.env(DIR, scratch.dir()).env(TASK, task).env(FIRST, first.to_string());
    command
}

fn this_program() -> std::path::PathBuf {
    env::current_exe().expect("this program")
}

/// What a child reported about a task. The harness may have written something in front of its line.
fn said(output: &Output, word: &str) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    let answer = text.lines().find_map(|line| Some(line.rsplit_once(&format!("{word} "))?.1));
    answer
        .unwrap_or_else(|| panic!("no {word}: {text}{}", String::from_utf8_lossy(&output.stderr)))
        .to_owned()
}

#[test]
fn hostile_c32_several_processes_lose_no_entry() {
    let scratch = Scratch::new();
    let children: Vec<Child> = (0..4)
        .map(|n| task(&this_program(), &scratch, "append 50", 1000 + n * 100).stdout(Stdio::null()).spawn())
        .map(|child| child.expect("start"))
        .collect();
    for mut child in children {
        assert!(child.wait().expect("wait").success());
    }
    let mut all = scratch.programs(1);
    all.sort();
    assert_eq!(all, programs((0..4).flat_map(|n| 1000 + n * 100..1000 + n * 100 + 50)));
    assert_eq!(scratch.log().verify(None).expect("verify").torn, 0);
}

#[test]
fn hostile_c29_killed_while_appending_no_acknowledged_entry_is_missing() {
    let scratch = Scratch::new();
    let mut acknowledged = 0;
    for round in 0..12 {
        let mut command = task(&this_program(), &scratch, "append for ever", 1);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("start");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        // long enough to be in the midst of it, at another moment each time
        let begun = lines.by_ref().map(|line| line.expect("read")).find(|line| line.contains("done "));
        assert!(begun.is_some());
        thread::sleep(Duration::from_micros(500 + 700 * round));
        child.kill().expect("kill");
        child.wait().expect("wait");
        let said = lines.map_while(Result::ok).chain(begun);
        let counts = said.filter_map(|line| line.rsplit_once("done ")?.1.parse::<u64>().ok());
        acknowledged = counts.max().expect("a count").max(acknowledged);
        let report = scratch.log().verify(None).expect("verify");
        assert!(report.entries >= acknowledged, "{} of {acknowledged}", report.entries);
    }
    assert!(acknowledged >= 12);
}

#[test]
fn hostile_c30_a_full_disk_adds_nothing_and_is_named() {
    let (scratch, head) = Scratch::with(2);
    let bytes = scratch.bytes();
    // the third record (384 bytes) crosses the limit of two blocks of 512 bytes; ignoring the signal makes it an error
    let limited = r#"trap "" XFSZ; ulimit -f 2; exec "$0" "$@""#;
    let child = task(&this_program(), &scratch, "report", 3);
    let mut shell = Command::new("sh");
    shell.args(["-c", limited]).arg(child.get_program()).args(child.get_args());
    shell.envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = shell.stdin(Stdio::null()).output().expect("sh");
    assert_eq!(said(&output, "append"), "audit_full");
    assert_eq!(said(&output, "read"), "ok");
    assert_eq!(scratch.bytes(), bytes);
    assert_eq!(scratch.log().head().expect("head"), Some(head));
    assert_eq!(scratch.add(3).count, 3);
}

/// Runs the report as a user who does not own everything: root may write into read-only folders.
fn report_as_ordinary_user(scratch: &Scratch, program: &Path) -> Output {
    use std::os::unix::{fs::MetadataExt as _, process::CommandExt as _};
    let mut command = task(program, scratch, "report", 2);
    if fs::metadata("/proc/self").map_or(0, |metadata| metadata.uid()) == 0 {
        command.uid(65_534).gid(65_534).current_dir("/");
    }
    loop {
        match command.output() {
            // another test's fork holds the copy open for writing until its exec
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                thread::sleep(Duration::from_millis(1));
            }
            output => break output.expect("start"),
        }
    }
}

#[test]
fn hostile_c31_a_read_only_folder_or_file_can_be_read_and_says_so() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    let folder =
        tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir().expect("folder");
    let program = folder.path().join("program");
    fs::copy(this_program(), &program).expect("copy");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("chmod");
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
    let give = |path: &Path| {
        // fails for an ordinary user, who owns it already
        let _ = chown(path, Some(65_534), Some(65_534));
    };

    let empty = Scratch::new();
    give(empty.dir());
    mode(empty.dir(), 0o500);
    let output = report_as_ordinary_user(&empty, &program);
    let answers = ["append", "head", "read"].map(|word| said(&output, word));
    mode(empty.dir(), 0o700);
    assert_eq!(answers, ["audit_read_only", "ok", "ok"]);
    assert!(!empty.path().exists());

    let (scratch, _) = Scratch::with(1);
    let before = scratch.bytes();
    give(scratch.dir());
    give(&scratch.path());
    mode(&scratch.path(), 0o400);
    let output = report_as_ordinary_user(&scratch, &program);
    let answers = ["append", "head", "read"].map(|word| said(&output, word));
    assert_eq!(answers, ["audit_read_only", "ok", "ok"]);
    assert_eq!(scratch.bytes(), before);
}
