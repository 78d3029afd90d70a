//! A stand-in for the program `op`.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::Vaults;
use crate::{Folder, needs};

const SCRIPT: &str = include_str!("fake_op.py");

/// A program that answers what `op` is documented to, from some [`Vaults`]. It goes with the value.
pub struct FakeOp {
    folder: Folder,
}

impl FakeOp {
    /// The token that it accepts.
    pub const TOKEN: &str = "ops_not-a-token-of-anybody";

    /// Makes one; `None` where there is no Python: the test is then to return.
    ///
    /// # Panics
    /// In CI, where there is no Python.
    #[must_use]
    pub fn install(vaults: &Vaults) -> Option<Self> {
        if !needs(&["python3"]) {
            return None;
        }
        // what is on the PATH may be a script that sets an environment first
        let which = Command::new("python3").args(["-I", "-c", "import sys; print(sys.executable)"]).output();
        let python = String::from_utf8(which.expect("Python").stdout).expect("a path");
        let op = Self { folder: Folder::new() };
        op.folder.write("vaults.json", vaults.0.to_string());
        op.folder.write("token", Self::TOKEN);
        op.folder.write("mode", "");
        let script = format!("#!{} -IB\n{SCRIPT}", python.trim());
        // by a process of its own: were the file open for writing in this one, another thread's child could keep it so, and what
        // is open for writing cannot be run
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "umask 077; cat >\"$1\"; chmod 700 \"$1\"", "sh"]).arg(op.path());
        let mut shell = shell.stdin(Stdio::piped()).spawn().expect("a shell");
        shell.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("the script");
        assert!(shell.wait().expect("a status").success());
        Some(op)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join("op")
    }

    /// Lets it behave otherwise: `offline`, `throttled`, `refused`, `broken`, `hanging`, `huge`, `garbage` or `old`; nothing for
    /// as it should.
    pub fn behave(&self, mode: &str) {
        self.folder.write("mode", mode);
    }

    /// Lets it accept no token but this one.
    pub fn accept(&self, token: &str) {
        self.folder.write("token", token);
    }

    /// What it was called with so far: `argv`, the names in its `environment`, its working `folder`.
    #[must_use]
    pub fn calls(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.join("calls")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}
