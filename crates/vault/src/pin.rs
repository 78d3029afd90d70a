//! The roll-back pin: the last generation seen of a vault, kept outside its folder (vault-format.md, section 9).

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::{Tag, VaultId, files::others_may_write};

const MAGIC: &str = "subrosa-pin 1";
/// A pin is about 160 bytes; whatever is longer is none.
const MAX_LEN: u64 = 512;

/// One generation of one vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// The generation's number.
    pub generation: u64,
    /// What tells it from every other generation of that number.
    pub tag: Tag,
}

/// Why a pin cannot be read or written. An absent pin is no error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PinError {
    /// There is a pin, but the system does not give it out.
    #[error("cannot read the roll-back pin {}: {source}", path.display())]
    Read {
        /// The pin's file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a pin of this vault.
    #[error("the roll-back pin {} is damaged", .0.display())]
    Damaged(PathBuf),
    /// Others may write the file, so that it proves nothing.
    #[error("the roll-back pin {} can be written by other users", .0.display())]
    Unsafe(PathBuf),
    /// It cannot be written.
    #[error("cannot write the roll-back pin {}: {source}", path.display())]
    Write {
        /// The pin's file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Where pins are kept.
pub trait PinStore {
    /// The pin of a vault, or `None` if there is none. A pin that cannot be read is an error, not absence.
    fn read(&self, vault: &VaultId) -> Result<Option<Pin>, PinError>;
    /// Stores a pin unless a higher one is there.
    fn raise(&self, vault: &VaultId, pin: &Pin) -> Result<(), PinError>;
    /// Stores a pin whatever is there: only after the user has accepted a roll-back.
    fn force(&self, vault: &VaultId, pin: &Pin) -> Result<(), PinError>;
    /// Forgets a vault that is no more.
    fn forget(&self, vault: &VaultId) -> Result<(), PinError>;
}

/// Pins as small files of the user's state folder: `pins/<vault id>`.
pub struct FilePins {
    folder: PathBuf,
}

impl FilePins {
    /// Pins below this state folder, which need not exist yet.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self { folder: state.join("pins") }
    }

    fn path(&self, vault: &VaultId) -> PathBuf {
        self.folder.join(vault.to_string())
    }

    /// Runs `write` with the pin that is there while no other process changes it. The lock ends with the process.
    fn locked(
        &self,
        vault: &VaultId,
        write: impl FnOnce(&Path) -> Result<(), PinError>,
    ) -> Result<(), PinError> {
        let path = self.path(vault);
        let fail = |source| PinError::Write { path: path.clone(), source };
        let mut folder = fs::DirBuilder::new();
        folder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(&self.folder).map_err(fail)?;
        self.private_folder(&path)?;
        let lock = open_lock(&path.with_extension("lock")).map_err(fail)?;
        lock.lock().map_err(fail)?;
        write(&path)
    }

    /// Who may write into the folder could take the pin out of it.
    fn private_folder(&self, path: &Path) -> Result<(), PinError> {
        match fs::metadata(&self.folder) {
            Ok(folder) if others_may_write(&folder) => Err(PinError::Unsafe(path.to_owned())),
            _ => Ok(()),
        }
    }
}

/// Opens the lock's file, which never holds anything. Opening a FIFO would wait for its reader, a link make a file elsewhere.
fn open_lock(path: &Path) -> std::io::Result<File> {
    loop {
        let opened = match fs::symlink_metadata(path) {
            Ok(file) if file.is_file() => private(&mut OpenOptions::new()).open(path),
            Ok(_) => return Err(std::io::Error::other("its lock is not a regular file")),
            Err(_) => private(OpenOptions::new().create_new(true)).open(path),
        };
        match opened {
            // another process made it, or forgot the vault, meanwhile
            Err(error)
                if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound)
                    && path.parent().is_some_and(Path::is_dir) => {}
            opened => return opened,
        }
    }
}

impl PinStore for FilePins {
    fn read(&self, vault: &VaultId) -> Result<Option<Pin>, PinError> {
        self.private_folder(&self.path(vault))?;
        read(&self.path(vault), vault)
    }

    fn raise(&self, vault: &VaultId, pin: &Pin) -> Result<(), PinError> {
        self.locked(vault, |path| match read(path, vault)? {
            Some(there) if there.generation >= pin.generation => Ok(()),
            _ => replace(path, vault, pin),
        })
    }

    fn force(&self, vault: &VaultId, pin: &Pin) -> Result<(), PinError> {
        self.locked(vault, |path| replace(path, vault, pin))
    }

    fn forget(&self, vault: &VaultId) -> Result<(), PinError> {
        self.locked(vault, |path| match fs::remove_file(path) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                Err(PinError::Write { path: path.to_owned(), source })
            }
            _ => Ok(()),
        })
    }
}

fn read(path: &Path, vault: &VaultId) -> Result<Option<Pin>, PinError> {
    let fail = |source| PinError::Read { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
        Ok(metadata) if !metadata.is_file() => return Err(PinError::Damaged(path.to_owned())),
        Ok(metadata) if others_may_write(&metadata) => return Err(PinError::Unsafe(path.to_owned())),
        Ok(_) => {}
    }
    let mut text = String::new();
    match File::open(path).and_then(|file| file.take(MAX_LEN).read_to_string(&mut text)) {
        // replaced between the two calls by a process that forgets the vault
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            return Err(PinError::Damaged(path.to_owned()));
        }
        Err(error) => return Err(fail(error)),
        Ok(_) => {}
    }
    parse(&text, vault).map(Some).ok_or_else(|| PinError::Damaged(path.to_owned()))
}

fn replace(path: &Path, vault: &VaultId, pin: &Pin) -> Result<(), PinError> {
    let fail = |source| PinError::Write { path: path.to_owned(), source };
    let draft = path.with_extension("new");
    // what a crash left, or a link that would be followed
    let _ = fs::remove_file(&draft);
    let mut file = private(OpenOptions::new().create_new(true)).open(&draft).map_err(fail)?;
    file.write_all(format(vault, pin).as_bytes()).map_err(fail)?;
    // without this, a power failure could leave an empty pin, and an unreadable pin locks the user out
    file.sync_all().map_err(fail)?;
    fs::rename(&draft, path).map_err(fail)
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true)
}

/// Lines of text, the last a checksum over those before it, against accidents only.
pub(crate) fn format(vault: &VaultId, pin: &Pin) -> String {
    let body =
        format!("{MAGIC}\nvault {vault}\ngeneration {}\ntag {}\n", pin.generation, HEXLOWER.encode(&pin.tag));
    let check = check_of(&body);
    format!("{body}check {check}\n")
}

fn check_of(body: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(body.as_bytes())[..8])
}

pub(crate) fn parse(text: &str, vault: &VaultId) -> Option<Pin> {
    let body = &text[..text.find("check ")?];
    let mut lines = body.lines();
    (lines.next()? == MAGIC).then_some(())?;
    let named = lines.next()?.strip_prefix("vault ")?;
    let generation = lines.next()?.strip_prefix("generation ")?.parse().ok()?;
    let tag = HEXLOWER.decode(lines.next()?.strip_prefix("tag ")?.as_bytes()).ok()?;
    let pin = Pin { generation, tag: tag.try_into().ok()? };
    (VaultId::parse(named).ok()? == *vault && format(vault, &pin) == text).then_some(pin)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VAULT: VaultId = VaultId::from_bytes([5; 16]);

    fn pin(generation: u64) -> Pin {
        Pin { generation, tag: [generation as u8; 16] }
    }

    fn pins() -> (tempfile::TempDir, FilePins) {
        let folder = tempfile::TempDir::new().expect("temporary folder");
        let pins = FilePins::new(&folder.path().join("state"));
        (folder, pins)
    }

    #[test]
    fn absent_then_raised_never_lowered() {
        let (_folder, pins) = pins();
        assert_eq!(pins.read(&VAULT).expect("read"), None);
        for (raised, expected) in [(5, 5), (3, 5), (7, 7)] {
            pins.raise(&VAULT, &pin(raised)).expect("raise");
            assert_eq!(pins.read(&VAULT).expect("read"), Some(pin(expected)));
        }
        pins.force(&VAULT, &pin(2)).expect("force");
        assert_eq!(pins.read(&VAULT).expect("read"), Some(pin(2)));
        pins.forget(&VAULT).expect("forget");
        assert_eq!(pins.read(&VAULT).expect("read"), None);
    }

    #[test]
    fn unreadable_is_not_absent() {
        let (_folder, pins) = pins();
        pins.raise(&VAULT, &pin(5)).expect("raise");
        let good = fs::read_to_string(pins.path(&VAULT)).expect("read");
        let other = format(&VaultId::from_bytes([6; 16]), &pin(5));
        for bad in [
            "",
            "subrosa-pin 1\n",
            &good[..good.len() - 1],
            &good.replace("generation 5", "generation 4"),
            &other,
        ] {
            fs::write(pins.path(&VAULT), bad).expect("write");
            assert!(matches!(pins.read(&VAULT), Err(PinError::Damaged(_))), "{bad:?}");
            assert!(pins.raise(&VAULT, &pin(9)).is_err(), "{bad:?}: raised over a damaged pin");
        }
        fs::remove_file(pins.path(&VAULT)).expect("remove");
        fs::create_dir(pins.path(&VAULT)).expect("mkdir");
        assert!(pins.read(&VAULT).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_and_files_are_private() {
        use std::os::unix::fs::MetadataExt;
        let (folder, pins) = pins();
        pins.raise(&VAULT, &pin(5)).expect("raise");
        assert_eq!(fs::metadata(pins.path(&VAULT)).expect("metadata").mode() & 0o777, 0o600);
        let moved = folder.path().join("moved");
        fs::rename(pins.path(&VAULT), &moved).expect("rename");
        std::os::unix::fs::symlink(&moved, pins.path(&VAULT)).expect("symlink");
        assert!(matches!(pins.read(&VAULT), Err(PinError::Damaged(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_pin_that_others_may_write_proves_nothing() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, pins) = pins();
        pins.raise(&VAULT, &pin(5)).expect("raise");
        for (mode, good) in [(0o620, false), (0o602, false), (0o644, true), (0o600, true)] {
            fs::set_permissions(pins.path(&VAULT), fs::Permissions::from_mode(mode)).expect("chmod");
            assert_eq!(pins.read(&VAULT).is_ok(), good, "{mode:o}");
            assert_eq!(pins.raise(&VAULT, &pin(6)).is_ok(), good, "{mode:o}");
        }
    }

    #[test]
    fn what_a_crash_left_behind_is_no_hindrance() {
        let (_folder, pins) = pins();
        pins.raise(&VAULT, &pin(5)).expect("raise");
        fs::write(pins.path(&VAULT).with_extension("new"), "subrosa-pin 1\nvault 0505")
            .expect("a torn draft");
        assert_eq!(pins.read(&VAULT).expect("read"), Some(pin(5)));
        pins.raise(&VAULT, &pin(6)).expect("raise");
        assert_eq!(pins.read(&VAULT).expect("read"), Some(pin(6)));
    }

    #[test]
    fn no_other_text_of_the_same_meaning_is_a_pin() {
        let good = format(&VAULT, &pin(5));
        assert_eq!(parse(&good, &VAULT), Some(pin(5)));
        let resealed = |text: String| {
            let body = &text[..text.find("check ").expect("check")];
            format!("{body}check {}\n", check_of(body))
        };
        for bad in [
            good.replace("generation 5", "generation 05"),
            good.replace("generation 5", "generation +5"),
            good.replace("generation 5", "generation 18446744073709551616"),
            good.replace("tag 05", "tag 5"),
            good.replace("\n", "\r\n"),
            good.replace("pin 1", "pin 2"),
        ] {
            assert_eq!(parse(&resealed(bad.clone()), &VAULT), None, "{bad}");
        }
        assert_eq!(parse(&format!("{good}{good}"), &VAULT), None);
        for length in 0..good.len() {
            assert_eq!(parse(&good[..length], &VAULT), None, "cut at {length}");
        }
    }

    /// The environment variable that makes a test of this module raise a pin for another test, in a process of its own.
    const CHILD: &str = "SUBROSA_TEST_PIN_RAISER";

    fn raiser(state: &Path, from: u64) -> std::process::Child {
        std::process::Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "pin::tests::raises_for_another_test", "--nocapture"])
            .env(CHILD, format!("{from} {}", state.display()))
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("a child")
    }

    #[test]
    fn raises_for_another_test() {
        let Ok(orders) = std::env::var(CHILD) else { return };
        let (from, state) = orders.split_once(' ').expect("orders");
        let pins = FilePins::new(Path::new(state));
        for generation in (from.parse().expect("a number")..).step_by(2).take(4000) {
            pins.raise(&VAULT, &pin(generation)).expect("raise");
            println!("raised {generation}");
        }
    }

    /// The last generation that a killed raiser had acknowledged.
    fn killed_after(mut child: std::process::Child, lines: usize) -> u64 {
        let mut output = std::io::BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        let mut last = 0;
        for _ in 0..lines {
            line.clear();
            std::io::BufRead::read_line(&mut output, &mut line).expect("a line");
            last = line.trim().strip_prefix("raised ").and_then(|number| number.parse().ok()).unwrap_or(last);
        }
        child.kill().expect("kill");
        child.wait().expect("wait");
        let mut rest = String::new();
        output.read_to_string(&mut rest).expect("the rest");
        let complete = rest.rsplit_once('\n').map_or("", |(complete, _)| complete);
        complete
            .lines()
            .filter_map(|line| line.strip_prefix("raised ")?.parse().ok())
            .next_back()
            .unwrap_or(last)
    }

    #[test]
    fn processes_that_are_killed_leave_a_sound_pin_and_no_lock() {
        let (folder, pins) = pins();
        let state = folder.path().join("state");
        for round in 0..6 {
            let begin = 10_000 * round;
            let (even, odd) = (raiser(&state, begin), raiser(&state, begin + 1));
            let acknowledged = killed_after(even, 12 + round as usize * 7).max(killed_after(odd, 5));
            let there = pins.read(&VAULT).expect("sound").expect("there");
            assert!(acknowledged >= begin && there.generation >= acknowledged, "{there:?} {acknowledged}");
            assert_eq!(there, pin(there.generation));
        }
        pins.raise(&VAULT, &pin(1_000_000)).expect("no lock is left");
    }

    #[test]
    fn concurrent_raisers_leave_the_highest() {
        let (_folder, pins) = pins();
        std::thread::scope(|scope| {
            for start in 0..4u64 {
                let pins = &pins;
                scope.spawn(move || {
                    (start..200).step_by(4).for_each(|n| pins.raise(&VAULT, &pin(n)).expect("raise"))
                });
            }
        });
        assert_eq!(pins.read(&VAULT).expect("read"), Some(pin(199)));
    }
}
