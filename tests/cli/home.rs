//! A user of the test's own: a home folder, and an environment with nothing else in it.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::{env, fs};
use subrosa_testkit::Folder;

/// The binary under test.
pub const SUBROSA: &str = env!("CARGO_BIN_EXE_subrosa");

pub struct Home(pub Folder);

impl Home {
    /// A user without a vault.
    pub fn empty() -> Home {
        Home(Folder::new())
    }

    /// A user whose vault opens with the key in the file `key`.
    pub fn with_vault() -> Home {
        let home = Home::empty();
        let made = home.run(&["init", "--key-file", "key", "--no-recovery"]);
        assert!(made.status.success(), "{}", both(&made));
        home
    }

    /// Any program in this home, with nothing to ask on.
    pub fn command(&self, program: &str) -> Command {
        let folder = self.0.path();
        let mut command = Command::new(program);
        command.env_clear().current_dir(folder).env("HOME", folder).stdin(Stdio::null());
        command.env("PATH", env::var_os("PATH").unwrap_or_default());
        for (name, below) in
            [("XDG_DATA_HOME", "data"), ("XDG_STATE_HOME", "state"), ("XDG_CONFIG_HOME", "config")]
        {
            command.env(name, folder.join(below));
        }
        command
    }

    /// `subrosa` with the vault's key at hand.
    pub fn subrosa(&self, words: &[&str]) -> Command {
        let mut command = self.command(SUBROSA);
        command.args(words).env("SUBROSA_KEY_FILE", self.0.join("key"));
        command
    }

    /// The same, run to its end.
    pub fn run(&self, words: &[&str]) -> Output {
        self.subrosa(words).output().expect("subrosa runs")
    }

    /// Runs what has to succeed and answers its standard output.
    pub fn done(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", both(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Stores a value through a pipe.
    pub fn store(&self, name: &str, value: &str) {
        let file = self.0.write("value", value);
        let stored = self.subrosa(&["set", name]).stdin(fs::File::open(file).expect("the value")).output();
        let stored = stored.expect("subrosa runs");
        assert!(stored.status.success(), "{}", both(&stored));
        fs::remove_file(self.0.join("value")).expect("removed");
    }
}

pub fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Every file below a folder that holds the bytes.
pub fn files_with(folder: &Path, needle: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_with(&path, needle));
        } else if fs::read(&path).expect("a file").windows(needle.len()).any(|window| window == needle) {
            found.push(path.display().to_string());
        }
    }
    found
}
