//! What is in memory while a secret is in use and when the work is done, and what a crash leaves behind.
//!
//! A process of ours can be dumped by root only; that is what these tests need to be, and what a thief is not.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use subrosa_testkit::leak::{Canaries, Kind, Scanner, Sink};
use subrosa_testkit::{Answer, Folder, KeyringState, backend_python, needs, skip};

use super::planted::{EARLIER, OTHER, Planted, VALUE, VAULT_KEY};
use crate::home::{Home, PROGRAM, text as path_text};
use crate::keychain::{User, shown_key};
use crate::stage::Stage;

/// Far above what anything takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether processes can be dumped here.
fn can_dump() -> bool {
    if !needs(&["gdb", "gcore"]) {
        return false;
    }
    let root = fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0);
    if !root {
        skip("to be root, who alone can dump the process");
    }
    root
}

/// The memory of a process that goes on afterwards.
fn dump(process: u32) -> Vec<u8> {
    let folder = Folder::new();
    let output = Command::new("gcore")
        .args(["-a", "-o"])
        .arg(folder.join("core"))
        .arg(process.to_string())
        .stdin(Stdio::null())
        .output()
        .expect("gcore runs");
    let path = folder.join(format!("core.{process}"));
    fs::read(&path).unwrap_or_else(|error| {
        panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr));
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The memory of a command when its work is done: at its last system call.
fn dump_at_exit(home: &Home, words: &[&str], input: &Path) -> Vec<u8> {
    let folder = Folder::new();
    let core = folder.join("core");
    let output = folder.join("output");
    let mut command = home.program("gdb");
    command.args(["-batch", "-nx", "-ex", "handle SIGPIPE nostop noprint pass"]);
    command.args(["-ex", "catch syscall exit_group"]);
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let run = format!("run {} <'{}' >'{}'", quoted.join(" "), input.display(), output.display());
    command.args(["-ex", &run, "-ex", &format!("gcore {}", core.display()), "-ex", "kill", PROGRAM]);
    command.env("SHELL", "/bin/sh");
    let said = command.stdin(Stdio::null()).output().expect("gdb runs");
    let said = text(&said.stdout) + &text(&said.stderr);
    assert!(said.contains("call to syscall exit_group"), "{said}");
    assert!(said.contains("status=0") || said.contains("status@entry=0"), "it failed: {said}");
    let core = fs::read(&core).expect("the core file");
    // a dump without its memory would prove nothing
    let environment = home.folder("XDG_DATA_HOME");
    assert!(crate::home::contains(&core, environment.as_os_str().as_encoded_bytes()), "the dump is empty");
    core
}

#[test]
fn hostile_d44_nothing_is_left_when_the_work_is_done() {
    if !can_dump() {
        return;
    }
    let mut planted = Planted::new();
    if let Some(python) = backend_python() {
        planted.know_root_key(&python);
    }
    let (name, reference) = (planted.texts.name.clone(), planted.reference());
    let url = planted.stage.server.url(&format!("/?q={reference}"));
    let header = format!("X-Key: {reference}");
    let basic = format!("{reference}:x");
    let json = format!("{{\"key\":\"{reference}\"}}");
    let data = format!("key={reference}");
    let (value, empty) = (planted.own("new-value"), planted.own("empty"));
    planted.write_own("new-value", &planted.texts.value.clone());
    planted.write_own("empty", "");
    let passphrase = planted.own("passphrase");
    let [saved, added, rotated] = ["saved", "added", "rotated"].map(|file| planted.own(file));
    let (pfx, pass) = (planted.own("client.p12"), planted.own("key-passphrase"));
    let strict = planted.strict.url("");
    planted.home().run(&["ca", "add", "--host", &strict, &planted.own("ca.pem")]).ok();
    let commands: &[(&[&str], &str)] = &[
        (&["cert", "add", "--host", &strict, "--pfx", &pfx, "--pass-file", &pass], &empty),
        (&["cert", "list"], &empty),
        (&["send", "-s", &strict], &empty),
        (&["get", &name], &empty),
        (&["get", &name, "--json"], &empty),
        (&["get", &name, "--version", "1"], &empty),
        (&["set", &name, "-"], &value),
        (&["set", &name, "--file", &value], &empty),
        (&["send", "-s", "-H", &header, "-u", &basic, "-d", &reference, &url], &empty),
        (&["send", "-sv", "--mask", "--json", &json, &url], &empty),
        (&["get", "linked"], &empty),
        (&["get", "linked", "--refresh"], &empty),
        (&["send", "-s", "-L", "-G", "-d", &data, "-w", "%{json}", &url], &empty),
        (&["list", "--json"], &empty),
        (&["verify"], &empty),
        (&["doctor"], &empty),
        (&["keys", "show"], &empty),
        (&["history", &name], &empty),
        (&["describe", &name, "x", "--passphrase-file", &passphrase], &empty),
        (&["keys", "save", &saved], &empty),
        (&["keys", "add", "recovery", "--save", &added], &empty),
        (&["keys", "rotate"], &empty),
        (&["keys", "rotate", "--root", "--yes", "--save-recovery", &rotated], &empty),
    ];
    for (words, input) in commands {
        let core = dump_at_exit(planted.home(), words, Path::new(input));
        planted.look(Sink::Memory, &format!("the memory of {} at its end", words.join(" ")), &core, &[]);
    }
    planted.done();
}

/// The keychain is asked on a thread of its own, whose stack outlives it.
#[test]
fn hostile_d44_nothing_is_left_of_a_key_from_the_keychain() {
    if !can_dump() {
        return;
    }
    let Some(user) = User::with(KeyringState::Unlocked) else { return };
    let home = &user.home;
    home.run(&["init", "--no-recovery"]).ok();
    let mut canaries = Canaries::new();
    let value = canaries.plant(Kind::Value, VALUE);
    home.store("key", &value, &[]);
    canaries.add_key(Kind::VaultKey, VAULT_KEY, &shown_key(home, &[]));
    let scanner = Scanner::new(&canaries);
    let empty = home.write("empty", "");
    let saved = path_text(&home.path("saved"));
    for words in [&["get", "key"][..], &["list"], &["keys", "rotate"], &["keys", "save", &saved], &["doctor"]]
    {
        let core = dump_at_exit(home, words, &empty);
        let leaks = scanner.scan(Sink::Memory, &format!("the memory of {}", words.join(" ")), &core, &[]);
        assert_eq!(leaks, []);
    }
}

/// Starts a command, waits until `ready`, dumps it, and ends it.
fn dump_during(mut child: Child, ready: impl FnOnce(&mut Child)) -> Vec<u8> {
    ready(&mut child);
    let core = dump(child.id());
    child.kill().expect("it can be ended");
    child.wait().expect("it ended");
    core
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn hostile_d44_while_a_request_is_under_way_only_its_value_is_there() {
    if !can_dump() {
        return;
    }
    let (arrived, is_there) = channel();
    let arrived = std::sync::Mutex::new(arrived);
    let stage = Stage::answering(move |_, _| {
        arrived.lock().expect("one request").send(()).expect("the test waits");
        Answer::ok("late").after(Duration::from_secs(600))
    });
    let mut planted = Planted::with(stage);
    let words =
        ["send", "-s", "-H", &format!("X-Key: {}", planted.reference()), &planted.stage.server.url("/")];
    let child = planted.home().command(&words).stdout(Stdio::null()).spawn().expect("subrosa");
    let core = dump_during(child, |_| is_there.recv_timeout(PATIENCE).expect("the request"));
    assert!(planted.scanner.labels_in(&core).contains(&VALUE), "the dump holds nothing");
    // in flight: it is masked in the answer, which is not there yet
    planted.look(Sink::Memory, "the memory of a send under way", &core, &[VALUE]);
    planted.done();
}

#[test]
fn hostile_d44_a_value_that_cannot_be_written_is_the_only_one_there() {
    if !can_dump() {
        return;
    }
    let mut planted = Planted::new();
    let large = [planted.texts.value.as_bytes(), &vec![b'x'; 1 << 18]].concat();
    let name = planted.texts.name.clone();
    planted.home().store(&name, large, &[]);
    let mut command = planted.home().command(&["get", &name]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("subrosa");
    let mut first = [0];
    child.stdout.as_mut().expect("its output").read_exact(&mut first).expect("the beginning");
    let state = format!("/proc/{}/stat", child.id());
    // it has begun to write, and nothing but the full pipe keeps it from ending
    let core = dump_during(child, |_| {
        wait_until("the pipe to be full", || {
            fs::read_to_string(&state).is_ok_and(|text| text.contains(") S "))
        });
    });
    assert!(planted.scanner.labels_in(&core).contains(&VALUE), "the dump holds nothing");
    planted.look(Sink::Memory, "the memory of a get into a full pipe", &core, &[VALUE]);
    planted.done();
}

/// At the prompt the vault is open: the keys that seal it are there, but neither a value nor what opened it.
#[test]
fn hostile_d44_at_a_hidden_prompt() {
    if !can_dump() {
        return;
    }
    let mut planted = Planted::new();
    let keys = backend_python().map(|python| planted.know_root_key(&python)).unwrap_or_default();
    let name = planted.texts.name.clone();
    let script = format!("echo $$ >pid; exec '{PROGRAM}' set '{name}'");
    let mut command = planted.home().program("sh");
    command.args(["-c", &script]);
    let mut terminal = subrosa_testkit::Terminal::start(command);
    terminal.expect(&format!("value of {name}:"));
    let process = fs::read_to_string(planted.home().work().join("pid")).expect("its number");
    let process = process.trim().parse().expect("a number");
    let core = dump(process);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    assert!(keys.is_empty() || planted.scanner.labels_in(&core).contains(&"the root key"), "no key is found");
    planted.look(Sink::Memory, "the memory of set at its prompt", &core, &keys);
    terminal.type_line(&planted.texts.value.clone());
    let finished = terminal.finish();
    assert!(finished.status.success(), "{}", finished.status);
    planted.look(Sink::Report, "the terminal", finished.shown.as_bytes(), &[]);
    planted.done();
}

/// What the scan of a dump is worth: a program that keeps what it read is found out.
#[test]
fn a_dump_shows_what_a_program_keeps() {
    if !can_dump() {
        return;
    }
    let planted = Planted::new();
    let texts = &planted.texts;
    let all = [&texts.value, &texts.earlier, &texts.other, &texts.passphrase].map(String::as_str).join(" ");
    let file = planted.write_own("all", &all);
    let mut command = planted.home().program("sh");
    command.args(["-c", &format!("kept=$(cat '{file}' '{}'); echo ready; read x", planted.own("key"))]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a program that keeps secrets");
    let mut ready = [0; 6];
    child.stdout.as_mut().expect("its output").read_exact(&mut ready).expect("ready");
    let core = dump_during(child, |_| {});
    for label in [VALUE, EARLIER, OTHER, "the passphrase", VAULT_KEY] {
        assert!(planted.scanner.labels_in(&core).contains(&label), "{label} is not found");
    }
    planted.done();
}

/// However a process dies, it writes no core file.
#[test]
fn hostile_d43_a_crash_leaves_no_core_file() {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").expect("where core files go");
    let written = !pattern.starts_with('|') && !pattern.starts_with('/');
    let mut planted = Planted::new();
    let name = planted.texts.name.clone();
    let folder = Folder::new();
    let cores = |folder: &Folder| folder.files();
    for signal in ["SEGV", "ABRT", "BUS", "QUIT", "SYS"] {
        let script = format!("ulimit -c unlimited; exec '{PROGRAM}' set '{name}' -");
        let mut command = planted.home().program("sh");
        command.args(["-c", &script]).current_dir(folder.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("subrosa");
        // it reads more than this: the vault is open and a value in the buffer
        child.stdin.as_mut().expect("its input").write_all(planted.texts.value.as_bytes()).expect("it reads");
        let told =
            |file: &str| fs::read_to_string(format!("/proc/{}/{file}", child.id())).unwrap_or_default();
        wait_until("the process to harden itself", || {
            let limits = told("limits");
            let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size"));
            let core = core.unwrap_or_default().split_whitespace();
            told("comm").trim() == "subrosa" && core.take(2).eq(["0", "0"])
        });
        // the standard library's own handler of a stack overflow lets a signal pass that no fault has raised
        wait_until("the process to die", || {
            let killed = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
            killed.expect("kill runs");
            child.try_wait().expect("its state").is_some()
        });
        let status = child.wait().expect("its end");
        assert!(status.signal().is_some() && !status.core_dumped(), "{signal}: {status}");
        assert_eq!(cores(&folder), Vec::<std::path::PathBuf>::new(), "{signal}");
    }
    // the test would see one, where the system writes them into the current folder
    if written {
        let mut command = planted.home().program("sh");
        command.args(["-c", "ulimit -c unlimited && kill -SEGV $$"]).current_dir(folder.path());
        let status = command.status().expect("a shell");
        assert_eq!(status.core_dumped(), !cores(&folder).is_empty());
    }
    planted.home().run(&["verify"]).ok();
    planted.look_at_disk();
    planted.done();
}
