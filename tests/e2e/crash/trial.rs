//! One command, struck by faults again and again, and what must hold afterwards every time.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use subrosa_testkit::Folder;
use subrosa_testkit::faults::{self, Call, Dice, Fault};

use super::action::Action;
use super::contents::{Contents, location, open};
use crate::home::{Home, Run, text};

/// Of calls that a command makes more often than this, some are struck in every round.
const FEW: usize = 12;
/// One of how many.
const SHARE: usize = 8;

/// A command, what its vault holds before and after it, and the calls by which it gets from one to the other.
pub(super) struct Trial {
    pub(super) action: Action,
    /// Nothing where there is no vault yet.
    before: Option<Contents>,
    after: Contents,
    pub(super) calls: Vec<Call>,
    /// The files of the home before and after.
    known: Vec<PathBuf>,
    takes: Duration,
}

/// What a fault left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Before,
    After,
}

impl Trial {
    /// Runs the command without a fault, twice.
    pub(super) fn of(action: Action) -> Self {
        let before = action.home.database().exists().then(|| {
            // a vault that was rolled back is described as it will be
            let home = action.home.copy();
            if open(&home, action.key_files).is_err() {
                home.run(&["accept-rollback", "--yes"]).ok();
            }
            Contents::of(&home, action.key_files).expect("a sound vault")
        });
        let home = action.home.copy();
        let mut known = files(&home);
        let begun = Instant::now();
        action.run(&home).ok();
        let takes = begun.elapsed();
        known.extend(files(&home));
        let after = Contents::of(&home, action.key_files).expect("a sound vault");
        let calls = faults::calls(&action.command(&action.home.copy()), action.input);
        Self { action, before, after, calls, known, takes }
    }

    /// The calls to strike in one of many rounds: all of those that are few, and of those that are many every eighth,
    /// others in every round.
    pub(super) fn chosen(&self, round: usize) -> Vec<&Call> {
        let number = |call: &Call| self.calls.iter().filter(|other| other.name == call.name).count();
        let is_due = |(at, call): &(usize, &Call)| number(call) <= FEW || at % SHARE == round % SHARE;
        self.calls.iter().enumerate().filter(is_due).map(|(_, call)| call).collect()
    }

    /// Kills the command at a call; what is left must be sound. Whether it was killed at all.
    pub(super) fn kill_at(&self, call: &Call) -> bool {
        let home = self.action.home.copy();
        let run = Run::of(call.with(Fault::Kill, &self.action.command(&home)), self.action.input);
        let left = self.examine(&home, run.code == 0);
        left.unwrap_or_else(|wrong| self.fail(call, &run, &wrong));
        run.code == 137
    }

    /// Kills the command at a moment of its life. Whether it was killed at all.
    pub(super) fn kill_at_random(&self, dice: &mut Dice) -> bool {
        let home = self.action.home.copy();
        // a busy machine is slower than it was at first
        let wait = dice.moment(self.takes * 3 / 2);
        let ended = faults::kill_after(&mut self.action.command(&home), self.action.input, wait);
        assert_ne!(ended, Some(false), "{} failed without a fault", self.action.name);
        let left = self.examine(&home, ended.is_some());
        left.unwrap_or_else(|wrong| panic!("{}: killed after {wait:?}: {wrong}", self.action.name));
        ended.is_none()
    }

    /// Lets a call fail. The command fails and says why, or has done what it was to do all the same. Whether it came as
    /// far as that call: keys are random, so a tree of rows has now one page more and now one less.
    pub(super) fn fail_at(&self, call: &Call, error: &'static str) -> bool {
        let home = self.action.home.copy();
        let log = Folder::new();
        let log = log.write("trace", "");
        let command = call.with_log(Fault::Fails(error), &self.action.command(&home), &log);
        let run = Run::of(command, self.action.input);
        let is_struck = faults::was_struck(&log);
        let check = || {
            self.examine(&home, run.code == 0)?;
            match run.code {
                0 if !is_struck || self.may_pass_over(call) => Ok(()),
                0 => Err("it was passed over".to_owned()),
                _ => explains(&run, call, error),
            }
        };
        check().unwrap_or_else(|wrong: String| self.fail(call, &run, &wrong));
        is_struck
    }

    /// Failures that take nothing from what was acknowledged: of locks and files that are given up, of opening for writing
    /// what is only read, of flushing a folder (SQLite leaves it at a try), of a pin that is raised by a reader, and of
    /// what the next use of the audit log does as well. What cannot be cached is looked up again.
    fn may_pass_over(&self, call: &Call) -> bool {
        let file = call.file.as_deref().map(text).unwrap_or_default();
        match call.name.as_str() {
            "fcntl" | "flock" | "unlink" | "openat" | "mkdir" => true,
            "fsync" if file.ends_with("default") || file.ends_with("backup") => true,
            _ if file.ends_with("default/.cache.new") || file.ends_with("default/cache") => true,
            "rename" if self.action.name == "keys rotate --root" => file.ends_with("audit.log"),
            _ => self.action.name == "init" && file.contains("/pins/"),
        }
    }

    fn fail(&self, call: &Call, run: &Run, wrong: &str) -> ! {
        panic!("{}: struck at {call:?}: {wrong}\n{run}", self.action.name)
    }

    /// What must hold whatever happened to the command.
    pub(super) fn examine(&self, home: &Home, acknowledged: bool) -> Result<Left, String> {
        let strays = self.action.strays(home, &self.known);
        if !strays.is_empty() {
            return Err(format!("left behind: {strays:?}"));
        }
        let left = self.left(home)?;
        if acknowledged && left != Left::After {
            return Err("it was acknowledged, and did not happen".to_owned());
        }
        (self.action.also)(home, left == Left::Before)?;
        self.goes_on(home, left)?;
        Ok(left)
    }

    fn left(&self, home: &Home) -> Result<Left, String> {
        let Some(before) = &self.before else {
            if !location(home).exists() {
                return Ok(Left::Before);
            }
            let now = Contents::of(home, self.action.key_files)?;
            return if now == self.after { Ok(Left::After) } else { Err(format!("{now:?}")) };
        };
        let rolled_back = open(home, self.action.key_files).is_err_and(|wrong| wrong.contains("rolled back"));
        if rolled_back {
            succeeds(home.run(&["accept-rollback", "--yes"]))?;
        }
        let now = Contents::of(home, self.action.key_files)?;
        let is = |other: &Contents| now.secrets == other.secrets && now.ways == other.ways;
        if !(before.audit..=self.after.audit).contains(&now.audit) {
            return Err(format!("{} entries in the audit log", now.audit));
        }
        if is(&self.after) && !rolled_back {
            return Ok(Left::After);
        }
        let has_both = before.ways.iter().chain(&self.after.ways).all(|way| now.ways.contains(way));
        if is(before) || self.action.overlaps && now.secrets == before.secrets && has_both {
            return Ok(Left::Before);
        }
        Err(format!("neither before nor after: {now:#?}"))
    }

    /// The same command can be run again where that makes sense, and the next write works.
    fn goes_on(&self, home: &Home, left: Left) -> Result<(), String> {
        if !location(home).exists() {
            // a key is never written over, so that of the vault that was not made is taken away, as the program says
            for file in ["key", "recovery"] {
                let _ = fs::remove_file(home.path(file));
            }
            succeeds(self.action.run(home))?;
        }
        if self.action.again && (left == Left::Before || self.action.overlaps) {
            let mut run = self.action.run(home);
            if let Some(file) = run.hints().iter().find_map(|hint| hint.split_once(": rm ")) {
                // a key that opens nothing here may open another vault, so that its owner has to decide
                fs::remove_file(file.1).map_err(|error| error.to_string())?;
                run = self.action.run(home);
            }
            succeeds(run)?;
            let now = Contents::of(home, &["key"])?;
            if now.secrets != self.after.secrets || now.ways != self.after.ways {
                return Err(format!("run again it made: {now:#?}"));
            }
        }
        succeeds(home.feed(&["set", "next", "--key-file", "../key"], "made-up-next"))?;
        let now = Contents::of(home, &["key"])?;
        if now.secrets.contains("next = made-up-next") { Ok(()) } else { Err(format!("{now:?}")) }
    }
}

fn succeeds(run: Run) -> Result<(), String> {
    if run.code == 0 { Ok(()) } else { Err(format!("afterwards: {run}")) }
}

/// One line says what failed on what, without a panic; a full disk is called that.
fn explains(run: &Run, call: &Call, error: &str) -> Result<(), String> {
    let line = run.err.lines().find(|line| line.starts_with("error: ")).unwrap_or_default().to_lowercase();
    let says = |text: &str| line.contains(text);
    if line.is_empty() || run.err.contains("panicked") || run.code > 128 {
        return Err("it does not say what is wrong".to_owned());
    }
    if !["/", "for the vault", "the editor"].into_iter().any(says) {
        return Err("it does not say on what".to_owned());
    }
    let writes = ["write", "pwrite64", "copy_file_range"].contains(&call.name.as_str());
    if error == "ENOSPC" && writes && !says("no space left") {
        return Err("it does not call the disk full".to_owned());
    }
    Ok(())
}

fn files(home: &Home) -> Vec<PathBuf> {
    let below = |path: PathBuf| path.strip_prefix(home.path("")).map(PathBuf::from).unwrap_or(path);
    home.files().into_iter().map(below).collect()
}
