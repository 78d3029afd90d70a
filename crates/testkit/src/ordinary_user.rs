//! Commands without the powers of root: permissions bind everybody else, and tests in containers run as root.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
};

use crate::Folder;

/// Owns nothing on any system.
const NOBODY: u32 = 65_534;

/// Somebody who is bound by permissions: the user who runs the tests, or where that is root, `nobody`.
#[derive(Debug)]
pub struct OrdinaryUser {
    /// Where a user who cannot enter the build folder finds programs.
    programs: Option<Folder>,
}

impl OrdinaryUser {
    /// Finds out who runs the tests.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it may make a folder")]
    pub fn new() -> Self {
        let folder = Folder::new();
        let owner = fs::metadata(folder.path()).expect("the folder").uid();
        let programs = (owner == 0).then(|| {
            let everybody = fs::Permissions::from_mode(0o755);
            fs::set_permissions(folder.path(), everybody).expect("a folder that everybody may enter");
            folder
        });
        Self { programs }
    }

    /// A program of the build as this user can run it.
    #[must_use]
    pub fn program(&self, program: &Path) -> PathBuf {
        let Some(folder) = &self.programs else { return program.to_owned() };
        let copy = folder.join(program.file_name().expect("a program has a name"));
        if !copy.exists() {
            // by another process: a descriptor of ours that a fork of another test inherits would keep the copy busy
            let done = Command::new("cp").arg(program).arg(&copy).status().expect("cp");
            assert!(done.success(), "{} cannot be copied", program.display());
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).expect("an executable");
        }
        copy
    }

    /// Gives a folder or file to this user, with all that is in it.
    pub fn give(&self, path: &Path) {
        if self.programs.is_none() {
            return;
        }
        chown(path, Some(NOBODY), Some(NOBODY)).expect("root may give files away");
        if path.is_dir() && !path.is_symlink() {
            for entry in fs::read_dir(path).expect("a folder") {
                self.give(&entry.expect("an entry").path());
            }
        }
    }

    /// Makes a command run as this user, who is in no other group.
    pub fn run<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        use std::os::unix::process::CommandExt as _;
        if self.programs.is_some() {
            // the standard library drops root's other groups with the user
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_only_folder_binds_it() {
        let (user, folder) = (OrdinaryUser::new(), Folder::new());
        folder.write("file", "text");
        user.give(folder.path());
        let writes = |mode| {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).expect("chmod");
            let mut touch = Command::new("touch");
            user.run(touch.arg(folder.join("another"))).status().expect("touch").success()
        };
        assert!(!writes(0o500));
        assert!(writes(0o700));
        let mut id = Command::new("id");
        let output = user.run(id.arg("-G")).output().expect("id");
        assert!(!String::from_utf8_lossy(&output.stdout).split_whitespace().any(|group| group == "0"));
    }

    #[test]
    fn it_can_run_a_program_of_the_build() {
        let user = OrdinaryUser::new();
        let program = user.program(&std::env::current_exe().expect("this program"));
        let mut list = Command::new(program);
        assert!(user.run(list.args(["--list"]).current_dir("/")).output().expect("runs").status.success());
    }
}
