//! Faults of the operating system at one chosen call of a program: it dies there, or the call fails.
//!
//! `strace` does both to the program as it is. First [`calls`] counts the calls that change something; then
//! [`Call::with`] runs the program anew and strikes at one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, io::Write as _};

use crate::Folder;

/// The system calls by which something outside of the process changes, or is locked.
const CHANGING: [&str; 27] = [
    "openat",
    "write",
    "writev",
    "pwrite64",
    "sendfile",
    "copy_file_range",
    "fallocate",
    "ftruncate",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "chmod",
    "fchmod",
    "flock",
    "fcntl",
    // a thread is started for every word with the keychain, and requests are sent
    "clone3",
    "sendto",
    "sendmsg",
];

/// What happens at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `SIGKILL`, before the call does anything.
    Kill,
    /// The call does nothing and fails with this error, such as `ENOSPC`.
    Fails(&'static str),
}

/// The `nth` call of its name that a thread of a program makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// The system call.
    pub name: String,
    /// Counted from 1, as strace counts: for every thread and every name apart.
    pub nth: usize,
    /// The file that it works on, if it is one.
    pub file: Option<PathBuf>,
}

impl Call {
    /// The program of `command`, which this fault will strike. The environment is what `command` was given itself;
    /// nothing is inherited.
    #[must_use]
    pub fn with(&self, fault: Fault, command: &Command) -> Command {
        self.with_log(fault, command, Path::new("/dev/null"))
    }

    /// The same, with a log that tells [`was_struck`] whether the program came as far as this call.
    #[must_use]
    pub fn with_log(&self, fault: Fault, command: &Command, log: &Path) -> Command {
        let Self { name, nth, .. } = self;
        let trace = format!("trace={name}");
        let what = match fault {
            Fault::Kill => String::from("signal=KILL"),
            Fault::Fails(error) => format!("error={error}"),
        };
        let inject = format!("inject={name}:{what}:when={nth}");
        // the filter makes it faster, but signals are not delivered at the stops that it makes
        let filter = if fault == Fault::Kill { "-f" } else { "--seccomp-bpf" };
        let log = log.to_str().expect("a path of UTF-8 text");
        let words = ["-f", filter, "-qq", "-o", log, "-e", &trace, "-e", &inject];
        traced(command, &words.map(OsString::from))
    }

    /// Whether it works on a file: only then is an error of a disk something that it can meet.
    #[must_use]
    pub fn is_on_a_file(&self) -> bool {
        self.file.is_some() && !matches!(self.name.as_str(), "clone3" | "sendto" | "sendmsg")
    }
}

/// Whether a call was made to fail, by the log of its run.
///
/// # Panics
/// If there is no log.
#[must_use]
pub fn was_struck(log: &Path) -> bool {
    String::from_utf8_lossy(&fs::read(log).expect("the trace")).contains("(INJECTED)")
}

/// `command` under strace.
fn traced(command: &Command, options: &[OsString]) -> Command {
    let mut traced = Command::new("strace");
    traced.args(options).arg("--").arg(command.get_program()).args(command.get_args());
    traced.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        traced.current_dir(folder);
    }
    traced
}

/// Runs the program to its end and tells every call by which it changed, locked or flushed something, in their order.
///
/// # Panics
/// If strace cannot be run or the program does not succeed.
#[must_use]
pub fn calls(command: &Command, input: &[u8]) -> Vec<Call> {
    let folder = Folder::new();
    let log = folder.join("trace");
    let trace = format!("trace={}", CHANGING.map(|name| format!("?{name}")).join(","));
    let log_name = log.to_str().expect("a path of UTF-8 text");
    let options = ["-f", "-y", "--seccomp-bpf", "-s", "0", "-e", &trace, "-o", log_name];
    let mut traced = traced(command, &options.map(OsString::from));
    traced.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = traced.spawn().expect("strace starts");
    // a program that does not read its input closes it
    let _ = child.stdin.take().expect("its input").write_all(input);
    let output = child.wait_with_output().expect("strace ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} under strace: {said}");
    parse(&fs::read_to_string(&log).expect("the trace"))
}

/// The changing calls of a trace, each once even where several threads made a call of that number.
fn parse(trace: &str) -> Vec<Call> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut known = BTreeSet::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let Some((name, words)) = call.trim_start().split_once('(') else { continue };
        // the end of a call that another thread's has interrupted was counted where it began
        if !CHANGING.contains(&name) {
            continue;
        }
        let count = counts.entry((thread, name)).or_default();
        *count += 1;
        if changes(name, words) && known.insert((name, *count)) {
            calls.push(Call { name: name.to_owned(), nth: *count, file: file_of(words) });
        }
    }
    calls
}

fn changes(name: &str, words: &str) -> bool {
    match name {
        "openat" => ["O_CREAT", "O_WRONLY", "O_RDWR"].iter().any(|flag| words.contains(flag)),
        "fcntl" => words.contains("F_SETLK"),
        _ => true,
    }
}

/// The path of `3</path>, …`, else the last one in quotes: that which is opened, or renamed to.
fn file_of(words: &str) -> Option<PathBuf> {
    let words = words.split(") = ").next().unwrap_or(words);
    let described =
        words.split_once('<').filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()));
    if let Some((_, rest)) = described {
        let path = rest.split_once('>').map_or(rest, |(path, _)| path);
        return path.starts_with('/').then(|| path.into());
    }
    words.split('"').skip(1).step_by(2).filter(|text| !text.is_empty()).last().map(PathBuf::from)
}

/// Starts the program and kills it after a while; `None` if it had not ended by then, else whether it succeeded.
///
/// # Panics
/// If the program cannot be started.
pub fn kill_after(command: &mut Command, input: &[u8], wait: Duration) -> Option<bool> {
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let _ = child.stdin.take().expect("its input").write_all(input);
    thread::sleep(wait.saturating_sub(begun.elapsed()));
    // to a process that has ended it does nothing
    let _ = child.kill();
    child.wait().expect("it ends").code().map(|code| code == 0)
}

/// Numbers that look random and come again with their seed (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The seed of `SUBROSA_SEED`, else of the clock; either way it is printed, for the report of a failing test.
    ///
    /// # Panics
    /// If the variable holds no number.
    #[must_use]
    #[allow(clippy::print_stdout, reason = "shown where a test fails")]
    pub fn new() -> Self {
        let clock = || std::time::UNIX_EPOCH.elapsed().map_or(1, |now| now.as_nanos() as u64);
        let seed = env::var("SUBROSA_SEED").map_or_else(|_| clock(), |text| text.parse().expect("a number"));
        println!("SUBROSA_SEED={seed}");
        Self(seed)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    /// A time up to `most`.
    pub fn moment(&mut self, most: Duration) -> Duration {
        Duration::from_nanos(self.below(most.as_nanos() as u64))
    }
}

impl Default for Dice {
    fn default() -> Self {
        Self::new()
    }
}

/// How many kills the tests are to make together: `SUBROSA_KILLS`, else a thousand.
///
/// # Panics
/// If the variable holds no number.
#[must_use]
pub fn kills() -> usize {
    env::var("SUBROSA_KILLS").map_or(1000, |text| text.parse().expect("a number"))
}

/// Names the file to which [`tally`] adds. `cargo xtask soak` sets it, shows how far the tests are, and adds up.
pub const TALLY: &str = "SUBROSA_TALLY";

/// Notes that `count` faults of a kind have struck a command and were survived.
///
/// # Panics
/// If the file cannot be written.
pub fn tally(command: &str, kind: &str, count: usize) {
    let Some(path) = env::var_os(TALLY) else { return };
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).expect("the tally");
    // one write, so that lines of tests that run side by side do not mix
    file.write_all(format!("{command}\t{kind}\t{count}\n").as_bytes()).expect("the tally");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::needs;
    use std::os::unix::process::ExitStatusExt as _;
    use std::path::Path;

    fn call(name: &str, nth: usize, file: Option<&str>) -> Call {
        Call { name: name.into(), nth, file: file.map(PathBuf::from) }
    }

    #[test]
    fn traces_are_read() {
        let trace = "\
10 openat(AT_FDCWD</w>, \"/lib/libc.so\", O_RDONLY|O_CLOEXEC) = 3</lib/libc.so>
10 openat(AT_FDCWD</w>, \"/w/a\", O_WRONLY|O_CREAT, 0600) = 3</w/a>
10 write(3</w/a>, \"\"..., 5) = 5
10 clone3({flags=CLONE_VM} <unfinished ...>
11 write(4<pipe:[77]>, \"\"..., 5 <unfinished ...>
10 <... clone3 resumed>) = 11
11 <... write resumed>) = 5
11 write(3</w/a>, \"\"..., 5) = 5
10 rename(\"/w/a\", \"/w/b\") = 0
10 fcntl(3</w/a>, F_GETFD) = 1
10 +++ exited with 0 +++
";
        let expected = [
            call("openat", 2, Some("/w/a")),
            call("write", 1, Some("/w/a")),
            call("clone3", 1, None),
            call("write", 2, Some("/w/a")),
            call("rename", 1, Some("/w/b")),
        ];
        assert_eq!(parse(trace), expected);
    }

    fn writes_twice(file: &Path) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one >\"$0\"; echo two >>\"$0\""]).arg(file).env("PATH", "/usr/bin:/bin");
        command
    }

    #[test]
    fn a_call_fails_or_ends_the_program_where_it_was_told_to() {
        if !needs(&["strace"]) {
            return;
        }
        let folder = Folder::new();
        let file = folder.join("file");
        let command = writes_twice(&file);
        let calls = calls(&command, b"");
        let second = calls.iter().filter(|call| call.name == "write").nth(1).expect("two writes");
        assert_eq!(second.file.as_deref(), Some(file.as_path()));
        assert_eq!(fs::read_to_string(&file).expect("the file"), "one\ntwo\n");

        let ended = second.with(Fault::Kill, &command).status().expect("strace runs");
        assert_eq!(ended.signal(), Some(9));
        assert_eq!(fs::read_to_string(&file).expect("the file"), "one\n");

        let log = folder.join("log");
        let failed = second.with_log(Fault::Fails("ENOSPC"), &command, &log).output().expect("strace runs");
        assert!(!failed.status.success() && was_struck(&log));
        assert_eq!(fs::read_to_string(&file).expect("the file"), "one\n");

        let later = call("write", 99, None);
        let passed = later.with_log(Fault::Fails("ENOSPC"), &command, &log).output().expect("strace runs");
        assert!(passed.status.success() && !was_struck(&log));
    }

    #[test]
    fn dice_come_again_with_their_seed() {
        let (mut one, mut other) = (Dice(7), Dice(7));
        let numbers: Vec<u64> = (0..100).map(|_| one.below(10)).collect();
        assert!(numbers.iter().all(|number| *number == other.below(10)));
        assert!((0..10).all(|number| numbers.contains(&number)));
    }
}
