//! A disk that is really full: a small file system in memory, with room for so many bytes and no more.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use subrosa_testkit::{Folder, copy_tree, needs, skip};

use super::action::Action;
use super::trial::Trial;
use crate::home::{Home, Run, text};

/// Room for a home, its backup and a change of its root key.
const SIZE: usize = 768 << 10;
const PAGE: u64 = 4096;
/// How much is left for the command, in pages.
const LEFT: [u64; 17] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18, 22, 30, 40, 90];

/// A file system of [`SIZE`] bytes in a mount namespace of its own. It ends with the shell that holds it.
struct SmallDisk {
    shell: Child,
    _until: ChildStdin,
    /// How to get into the namespaces.
    enter: &'static [&'static str],
    home: Home,
}

impl SmallDisk {
    /// With the files of a home on it; `None` where the system lets nobody mount anything.
    fn with(template: &Home) -> Option<Self> {
        if !needs(&["unshare", "mount", "nsenter"]) {
            return None;
        }
        let home = template.in_folder(Folder::new());
        let of_user: (&[&str], &'static [&'static str]) =
            (&["--user", "--map-root-user"], &["--user", "--preserve-credentials"]);
        // root may mount without a user namespace, which not every machine has
        let mounted = [of_user, (&[], &[])].into_iter().find_map(|(unshare, enter)| {
            let (shell, until) = mount(unshare, &text(&home.path("")))?;
            Some((shell, until, enter))
        });
        let Some((shell, until, enter)) = mounted else {
            skip("a namespace in which a file system can be mounted");
            return None;
        };
        let disk = Self { shell, _until: until, enter, home };
        copy_tree(&template.path(""), &disk.seen("."));
        Some(disk)
    }

    /// A file of the home, as it is reached from out here.
    fn seen(&self, below: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.shell.id()));
        root.join(self.home.path(below).strip_prefix("/").expect("a whole path"))
    }

    /// Fills the disk until this much is left.
    fn fill(&self, left: u64) {
        let mut filler = File::create(self.seen("filler")).expect("a file");
        while filler.write_all(&[1; PAGE as usize]).is_ok() {}
        let length = filler.metadata().expect("its length").len();
        filler.set_len(length.checked_sub(left * PAGE).expect("a disk of that size")).expect("room");
    }

    fn run(&self, action: &Action) -> Run {
        let command = action.command(&self.home);
        let mut inside = Command::new("nsenter");
        inside.args(["--target", &self.shell.id().to_string(), "--mount"]).args(self.enter);
        inside.args(["--", "sh", "-c", "cd \"$0\" && exec \"$@\""]).arg(self.home.work());
        inside.arg(command.get_program()).args(command.get_args());
        inside.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Run::of(inside, action.input)
    }

    /// The home as it is now, on a disk with room.
    fn copied_out(&self) -> Home {
        let folder = Folder::in_memory();
        copy_tree(&self.seen("."), folder.path());
        fs::remove_file(folder.join("filler")).expect("the filler");
        self.home.in_folder(folder)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// A shell in whose namespace the file system is mounted.
fn mount(unshare: &[&str], at: &str) -> Option<(Child, ChildStdin)> {
    let script = format!("mount -t tmpfs -o size={SIZE},mode=700 none {at} && echo ready && read -r _");
    let mut shell = Command::new("unshare")
        .args(unshare)
        .args(["--mount", "sh", "-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("unshare starts");
    let ready = shell.stdout.as_mut().expect("its output").read_exact(&mut [0; 6]);
    let until = shell.stdin.take().expect("its input");
    if ready.is_ok() {
        return Some((shell, until));
    }
    let _ = shell.kill();
    let _ = shell.wait();
    None
}

fn survives_a_full_disk(action: Action) {
    let trial = Trial::of(action);
    let name = trial.action.name;
    let (mut refused, mut done) = (0, 0);
    for left in LEFT {
        let Some(disk) = SmallDisk::with(&trial.action.home) else { return };
        disk.fill(left);
        let run = disk.run(&trial.action);
        let found = trial.examine(&disk.copied_out(), run.code == 0);
        found.unwrap_or_else(|wrong| panic!("{name} with {left} pages: {wrong}\n{run}"));
        fs::remove_file(disk.seen("filler")).expect("the filler");
        if run.code == 0 {
            done += 1;
            continue;
        }
        refused += 1;
        let run = run.says("error: ");
        assert!(run.err.to_lowercase().contains("no space left"), "{name} with {left} pages: {run}");
        // now there is room
        for key in ["key", "recovery", "next-recovery"] {
            if !trial.action.home.path(key).exists() {
                assert!(!disk.seen(key).exists(), "{name} with {left} pages left {key} behind: {run}");
            }
        }
        if !run.err.contains("the change was saved") {
            disk.run(&trial.action).ok();
        }
    }
    assert!(refused > 0 && done > 0, "{name}: {refused} refused, {done} done");
}

#[test]
fn hostile_c30_init_on_a_full_disk() {
    survives_a_full_disk(Action::init());
}

#[test]
fn hostile_c30_set_on_a_full_disk() {
    survives_a_full_disk(Action::set_again());
}

#[test]
fn hostile_c30_purge_on_a_full_disk() {
    survives_a_full_disk(Action::purge());
}

#[test]
fn hostile_c30_keys_rotate_on_a_full_disk() {
    survives_a_full_disk(Action::keys_rotate());
}

#[test]
fn hostile_c30_keys_rotate_root_on_a_full_disk() {
    survives_a_full_disk(Action::keys_rotate_root());
}

#[test]
fn hostile_c30_backup_on_a_full_disk() {
    survives_a_full_disk(Action::backup());
}

#[test]
fn hostile_i90_import_on_a_full_disk() {
    survives_a_full_disk(Action::import());
}

#[test]
fn hostile_i90_import_rewrite_on_a_full_disk() {
    survives_a_full_disk(Action::import_rewrite());
}

#[test]
fn hostile_c30_export_on_a_full_disk() {
    survives_a_full_disk(Action::export());
}

#[test]
fn hostile_c30_clear_on_a_full_disk() {
    survives_a_full_disk(Action::clear());
}
