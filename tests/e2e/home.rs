//! A user of a test's own, and subrosa as that user runs it.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use subrosa_testkit::{Folder, Terminal};

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_subrosa");

/// The folders of a home, by the variable that names them.
const FOLDERS: [(&str, &str); 7] = [
    ("HOME", "home"),
    ("XDG_DATA_HOME", "data"),
    ("XDG_STATE_HOME", "state"),
    ("XDG_CONFIG_HOME", "config"),
    ("XDG_CACHE_HOME", "cache"),
    ("XDG_RUNTIME_DIR", "run"),
    ("TMPDIR", "tmp"),
];

/// A user with an environment in which nothing else stands, working in an empty folder.
pub(crate) struct Home {
    folder: Folder,
    /// Where the first of them stood, if this is a copy.
    made_in: PathBuf,
    environment: BTreeMap<String, OsString>,
}

impl Home {
    /// A user without a vault.
    pub(crate) fn bare() -> Self {
        let folder = Folder::new();
        let mut environment = BTreeMap::new();
        for (name, below) in FOLDERS {
            fs::create_dir(folder.join(below)).expect("a folder of the home");
            environment.insert(name.to_owned(), folder.join(below).into_os_string());
        }
        fs::create_dir(folder.join("work")).expect("a folder to work in");
        // so that hints can be run as they are printed
        let own = Path::new(PROGRAM).parent().expect("the program's folder").to_owned();
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([own].into_iter().chain(env::split_paths(&path))).expect("a PATH");
        environment.insert("PATH".to_owned(), path);
        environment.insert("TERM".to_owned(), "xterm".into());
        Self { made_in: folder.path().to_owned(), folder, environment }
    }

    /// A user whose vault opens with a key file that the environment names.
    pub(crate) fn new() -> Self {
        let mut home = Self::bare();
        let key = home.path("key");
        home.run(&["init", "--no-recovery", "--key-file", &text(&key)]).ok();
        home.set("SUBROSA_KEY_FILE", key);
        home
    }

    /// Another user in memory with the same files and the same environment, at other paths.
    pub(crate) fn copy(&self) -> Self {
        let folder = Folder::in_memory();
        self.folder.copy_to(&folder);
        self.in_folder(folder)
    }

    /// A user with the same environment whose files, whatever they are, lie in this folder.
    pub(crate) fn in_folder(&self, folder: Folder) -> Self {
        let (from, to) = (text(self.folder.path()), text(folder.path()));
        let moved = |value: &OsString| value.to_str().expect("UTF-8 text").replace(&from, &to).into();
        let environment = self.environment.iter().map(|(name, value)| (name.clone(), moved(value))).collect();
        Self { folder, made_in: self.made_in.clone(), environment }
    }

    /// Where the home stood that this is a copy of, or a copy of a copy.
    #[cfg(target_os = "linux")]
    pub(crate) fn made_in(&self) -> &Path {
        &self.made_in
    }

    /// The text of a vault key of nobody's vault.
    pub(crate) fn new_key() -> String {
        let home = Self::new();
        fs::read_to_string(home.path("key")).expect("the key").trim().to_owned()
    }

    /// Sets a variable of the environment.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.insert(name.to_owned(), value.into());
    }

    /// Takes a variable out of the environment.
    pub(crate) fn unset(&mut self, name: &str) {
        self.environment.remove(name);
    }

    /// A path in the folder that holds everything of this user.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.join(below)
    }

    /// The folder of the variable `name`.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.environment.get(name).expect("a folder of the environment").into()
    }

    /// Where commands run.
    pub(crate) fn work(&self) -> PathBuf {
        self.path("work")
    }

    /// Writes a file into the folder where commands run.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        self.folder.write(Path::new("work").join(name), content)
    }

    /// Writes the user's own configuration.
    pub(crate) fn configure(&self, toml: &str) {
        let path = self.folder("XDG_CONFIG_HOME").join("subrosa/config.toml");
        fs::create_dir_all(path.parent().expect("its folder")).expect("the configuration's folder");
        fs::write(path, toml).expect("the configuration");
    }

    /// The default vault's folder.
    pub(crate) fn vault(&self) -> PathBuf {
        self.folder("XDG_DATA_HOME").join("subrosa/default")
    }

    /// The default vault's database.
    pub(crate) fn database(&self) -> PathBuf {
        self.vault().join("vault.db")
    }

    /// Any program in this home.
    pub(crate) fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.environment).current_dir(self.work());
        command
    }

    /// subrosa with these words, not started yet.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.program(PROGRAM);
        command.args(words);
        command
    }

    /// Runs subrosa where nobody can be asked and standard input is empty.
    pub(crate) fn run(&self, words: &[&str]) -> Run {
        Run::of(self.command(words), b"")
    }

    /// The same with something on standard input.
    pub(crate) fn feed(&self, words: &[&str], input: impl AsRef<[u8]>) -> Run {
        Run::of(self.command(words), input.as_ref())
    }

    /// Runs a line of shell script, as a person runs a hint.
    pub(crate) fn shell(&self, script: &str, input: impl AsRef<[u8]>) -> Run {
        let mut command = self.program("sh");
        command.args(["-c", script]);
        Run::of(command, input.as_ref())
    }

    /// Runs subrosa on a terminal.
    pub(crate) fn terminal(&self, words: &[&str]) -> Terminal {
        Terminal::start(self.command(words))
    }

    /// Stores a value, byte for byte; `words` follow the name.
    pub(crate) fn store(&self, name: &str, value: impl AsRef<[u8]>, words: &[&str]) {
        self.feed(&[&["set", name, "--exact"], words].concat(), value).ok();
    }

    /// Every file of this user, wherever it lies.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.folder.files()
    }

    /// The files in which one of `needles` stands.
    pub(crate) fn files_with(&self, needles: &[&[u8]]) -> Vec<PathBuf> {
        let mut files = self.files();
        files.retain(|path| {
            let Ok(content) = fs::read(path) else { return false };
            needles.iter().any(|needle| contains(&content, needle))
        });
        files
    }
}

/// What a program did.
pub(crate) struct Run {
    /// The exit code; 128 and the signal's number where a signal ended it.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: Vec<u8>,
    /// Standard error.
    pub(crate) err: String,
    typed: String,
}

impl Run {
    /// Runs a program to its end.
    pub(crate) fn of(mut command: Command, input: &[u8]) -> Self {
        let typed = [command.get_program()].into_iter().chain(command.get_args());
        let typed = typed.map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" ");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("its standard input");
        let input = input.to_vec();
        // a program that ends without reading is no fault of the test
        let writer = thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().expect("the program ends");
        writer.join().expect("the writer ends");
        Self::from_output(output, typed)
    }

    fn from_output(output: Output, typed: String) -> Self {
        Self {
            code: output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or_default()),
            out: output.stdout,
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            typed,
        }
    }

    /// The run, if it succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.ends(0)
    }

    /// The run, if it ended with this code.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// The run, if standard error holds this text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} is missing: {self}");
        self
    }

    /// Standard output as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.out).expect("text on standard output")
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.out).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// What stands behind `hint: `.
    pub(crate) fn hints(&self) -> Vec<&str> {
        self.err.lines().filter_map(|line| line.strip_prefix("hint: ")).collect()
    }

    /// Whether `needle` stands in anything that was shown.
    pub(crate) fn shows(&self, needle: &str) -> bool {
        contains(&self.out, needle.as_bytes()) || self.err.contains(needle)
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let out = String::from_utf8_lossy(&self.out);
        write!(f, "{}\nexit code {}\nstdout: {out}\nstderr: {}", self.typed, self.code, self.err)
    }
}

/// A path as a word of a command line.
pub(crate) fn text(path: &Path) -> String {
    path.to_str().expect("a path of UTF-8 text").to_owned()
}

/// Whether bytes stand in bytes.
pub(crate) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && haystack.windows(needle.len()).any(|window| window == needle)
}
