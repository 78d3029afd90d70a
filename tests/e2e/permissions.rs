//! What permissions forbid, for a user whom they bind: root would pass or fail these for the wrong reason.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use subrosa_testkit::{Answer, CaptureOptions, OrdinaryUser};

use crate::home::{Home, PROGRAM, Run, contains};
use crate::stage::{Stage, VALUE};

/// Something of a home, its mode as read-only and as usual.
type Place<'f> = (&'f dyn Fn(&Home) -> PathBuf, u32, u32);
/// What is put in a file's place, and its name.
type Put<'f> = (&'f str, &'f dyn Fn(&Path));

/// A home that belongs to an ordinary user.
struct Given {
    stage: Stage,
    user: OrdinaryUser,
    program: PathBuf,
}

impl Given {
    fn new(stage: Stage) -> Self {
        stage.allowed("key");
        let user = OrdinaryUser::new();
        let program = user.program(Path::new(PROGRAM));
        user.give(&stage.home.path(""));
        Self { stage, user, program }
    }

    fn home(&self) -> &Home {
        &self.stage.home
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.home().program(self.program.to_str().expect("text"));
        self.user.run(command.args(words));
        command
    }

    fn run(&self, words: &[&str]) -> Run {
        Run::of(self.command(words), b"")
    }
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("chmod");
}

#[test]
fn hostile_c31_a_read_only_file_or_folder_is_read() {
    let database = |home: &Home| home.database();
    let folder = |home: &Home| home.vault();
    let places: [Place; 2] = [(&database, 0o400, 0o600), (&folder, 0o500, 0o700)];
    for (place, locked, unlocked) in places {
        let given = Given::new(Stage::new());
        let home = given.home();
        given.run(&["get", "key"]).ok();
        // the one that the last commit emptied: a vault that was copied has none
        let _ = fs::remove_file(home.vault().join("vault.db-journal"));
        let before = fs::read(home.database()).expect("the database");
        chmod(&place(home), locked);
        assert_eq!(given.run(&["get", "key"]).ok().text(), VALUE);
        given.run(&["list"]).ok();
        given.run(&["history", "key"]).ok();
        given.run(&["verify"]).ok();
        given.run(&["keys", "list"]).ok();
        for words in [
            &["set", "new", "--empty"][..],
            &["rm", "key"],
            &["purge", "--yes"],
            &["allow", "key", "--nowhere"],
        ] {
            let run = given.run(words);
            assert!(run.code != 0 && run.err.contains("read-only") && !run.shows(VALUE), "{run}");
        }
        assert!(fs::read(home.database()).expect("the database") == before, "it was written to");
        chmod(&place(home), unlocked);
        given.run(&["set", "new", "--empty"]).ok();
    }
}

#[test]
fn hostile_c31_a_folder_that_may_not_be_entered() {
    let given = Given::new(Stage::new());
    chmod(&given.home().vault(), 0o000);
    let run = given.run(&["get", "key"]);
    chmod(&given.home().vault(), 0o700);
    assert!(run.code != 0 && run.out.is_empty() && !run.err.contains("subrosa init"), "{run}");
}

/// A pin that the user may not read is no absent pin.
#[test]
fn hostile_a18_a_pin_that_may_not_be_read() {
    let given = Given::new(Stage::new());
    let pins = given.home().folder("XDG_STATE_HOME").join("subrosa/pins");
    chmod(&pins, 0o000);
    let run = given.run(&["get", "key"]);
    chmod(&pins, 0o700);
    assert!(run.code != 0 && run.out.is_empty() && run.err.contains("pin"), "{run}");
}

/// Nobody reads the memory of a running program, its own user neither; of another program that user may.
#[test]
#[cfg(target_os = "linux")]
fn hostile_d45_the_memory_of_a_waiting_request_is_closed() {
    let (entered, waiting) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (entered, released) = (std::sync::Mutex::new(entered), std::sync::Mutex::new(released));
    let options = CaptureOptions::default().answering(move |_, _| {
        entered.lock().expect("unpoisoned").send(()).expect("the test waits");
        let _ = released.lock().expect("unpoisoned").recv();
        Answer::ok("done")
    });
    let given = Given::new(Stage::with(options));
    // a shell is the parent of both, so that no rule about other people's children is what forbids it
    let script = r#"
        sleep 1000 & other=$!
        "$0" send -H 'X-Key: <<vault:key>>' "$1" & ours=$!
        read -r go
        for pid in $other $ours; do
            for file in mem environ maps; do
                if { :; } 2>/dev/null <"/proc/$pid/$file"; then echo "$file open"; else echo "$file closed"; fi
            done
        done
        kill $other
        read -r go
        wait $ours
    "#;
    let mut shell = given.home().program("sh");
    given.user.run(shell.args(["-c", script]).arg(&given.program).arg(given.stage.server.url("/")));
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sh");
    let mut input = shell.stdin.take().expect("piped");
    let patience = std::time::Duration::from_secs(120);
    waiting.recv_timeout(patience).expect("the request arrives");
    std::io::Write::write_all(&mut input, b"go\ngo\n").expect("the shell waits");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(shell.stdout.take().expect("piped")));
    let seen: Vec<String> = lines.by_ref().take(6).map(|line| line.expect("text")).collect();
    release.send(()).expect("the server waits");
    assert!(shell.wait().expect("it ends").success());
    assert_eq!(seen[..3], ["mem open", "environ open", "maps open"], "the control");
    assert_eq!(seen[3..], ["mem closed", "environ closed", "maps closed"]);
    assert!(contains(&lines.map(|line| line.expect("text")).collect::<String>().into_bytes(), b"done"));
}

/// What stands in a file's place is neither waited for nor read without end.
#[test]
fn hostile_a18_the_users_own_files_are_something_else() {
    let stage = Stage::new();
    stage.allowed("key");
    let home = &stage.home;
    let config = home.folder("XDG_CONFIG_HOME").join("subrosa/config.toml");
    let key = home.path("key");
    let sound = fs::read(&key).expect("the key");
    home.configure("");
    let put: [Put; 4] = [
        ("a FIFO", &|path| assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success())),
        ("a folder", &|path| fs::create_dir(path).expect("mkdir")),
        ("a device without end", &|path| std::os::unix::fs::symlink("/dev/zero", path).expect("symlink")),
        ("a huge file", &|path| fs::File::create(path).and_then(|it| it.set_len(1 << 30)).expect("a file")),
    ];
    for (what, put) in put {
        let _ = fs::remove_file(&config).or_else(|_| fs::remove_dir(&config));
        put(&config);
        let run = stage.send_here(&["-H", "X-Key: <<vault:key>>"], "/");
        assert!(run.code != 0 && run.err.contains("config.toml"), "{what}: {run}");
        stage.untouched();
        let _ = fs::remove_file(&config).or_else(|_| fs::remove_dir(&config));
        // a FIFO is a way to hand over a key; whoever names one means to wait
        if what == "a FIFO" {
            continue;
        }
        fs::remove_file(&key).expect("remove");
        put(&key);
        let _ = fs::symlink_metadata(&key).is_ok_and(|it| it.is_file()).then(|| chmod(&key, 0o600));
        let run = home.run(&["get", "key"]);
        assert!(run.code != 0 && run.out.is_empty(), "{what}: {run}");
        let _ = fs::remove_file(&key).or_else(|_| fs::remove_dir(&key));
        fs::write(&key, &sound).expect("the key");
        chmod(&key, 0o600);
    }
    assert_eq!(home.run(&["get", "key"]).ok().text(), VALUE);
}
