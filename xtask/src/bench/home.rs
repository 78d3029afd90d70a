//! A user with a vault of many secrets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::prepare;

/// The name of a secret, as `crates/vault/examples/populate.rs` gives it.
pub(super) fn name(number: u32) -> String {
    format!("team-{}/service-{number}", number % 40)
}

/// Folders of its own, a key file, a vault.
pub(super) struct Home {
    folder: PathBuf,
    subrosa: PathBuf,
}

impl Home {
    pub(super) fn bare(folder: &Path, subrosa: &Path) -> Result<Self, String> {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { folder: folder.to_owned(), subrosa: subrosa.to_owned() })
    }

    /// With an empty vault, and a copy of it.
    pub(super) fn made(folder: &Path, subrosa: &Path) -> Result<Self, String> {
        let home = Self::bare(folder, subrosa)?;
        home.run(&["init", "--no-recovery", "--key-file", &home.key().to_string_lossy()])?;
        fs::copy(home.database(), home.path("empty.db")).map_err(|error| error.to_string())?;
        Ok(home)
    }

    /// Makes the vault of [`Home::made`] as it was. The pin goes: nothing is rolled back here.
    pub(super) fn empty(&self) {
        let _ = fs::remove_dir_all(self.folder.join("state"));
        let _ = fs::remove_file(self.folder.join("data/subrosa/default/audit.log"));
        fs::copy(self.path("empty.db"), self.database()).expect("the copy of the empty vault");
    }

    fn database(&self) -> PathBuf {
        self.folder.join("data/subrosa/default/vault.db")
    }

    /// A path in this home.
    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.folder.join(below)
    }

    pub(super) fn fill(folder: &Path, subrosa: &Path, populate: &Path, count: u32) -> Result<Self, String> {
        let home = Self::bare(folder, subrosa)?;
        let key = home.key();
        home.run(&["init", "--no-recovery", "--key-file", &key.to_string_lossy()])?;
        let (vault, state) = (folder.join("data/subrosa/default"), folder.join("state/subrosa"));
        prepare(Command::new(populate).args([&vault, &state, &key]).arg(count.to_string()))?;
        Ok(home)
    }

    fn key(&self) -> PathBuf {
        self.folder.join("key")
    }

    /// The program in this home, its key in a file.
    pub(super) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.without_key(words);
        command.env("SUBROSA_KEY_FILE", self.key());
        command
    }

    /// The program in this home, its key wherever the system keeps keys.
    pub(super) fn without_key(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.subrosa);
        command.args(words).env("HOME", &self.folder);
        for (name, below) in
            [("XDG_DATA_HOME", "data"), ("XDG_STATE_HOME", "state"), ("XDG_CONFIG_HOME", "config")]
        {
            command.env(name, self.folder.join(below));
        }
        command
    }

    pub(super) fn run(&self, words: &[&str]) -> Result<(), String> {
        let mut command = self.without_key(words);
        // a key file that is to be made is no key yet
        if self.key().exists() {
            command.env("SUBROSA_KEY_FILE", self.key());
        }
        prepare(&mut command)
    }
}
