//! Every bit of a whole small vault flipped, and the file cut at every byte: refused, or the same contents.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    ops::AddAssign,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    thread,
};

use subrosa_secret::{Access, HostRule, Name, Tag};

use crate::{
    Entry, Location, SlotInfo, Unlock, Vault, VaultError, VaultKey,
    scratch::{Scratch, name, value},
};

/// What an edited vault may be refused with. Anything else would be a fault that nobody thought of.
const REFUSALS: [&str; 4] = ["damaged", "wrong_key", "needs_newer", "keyslot"];

/// Everything that a vault discloses, or the refusal in its place.
struct Told {
    secrets: Answer<Vec<Secret>>,
    deleted: Answer<Vec<Secret>>,
    history: Answer<Vec<Earlier>>,
    found: Answer<(Option<Secret>, Option<Secret>)>,
    slots: Answer<Vec<SlotInfo>>,
    problems: Answer<Vec<String>>,
}

type Answer<T> = Result<T, VaultError>;

/// Version, time, length and value.
type Earlier = (u64, i64, u64, Option<Vec<u8>>);

/// Entry and value.
type Secret = (String, Option<Vec<u8>>);

/// A sound vault, as small as one with everything in it can be, and what it tells.
pub(super) struct Small {
    pub(super) bytes: Vec<u8>,
    id: String,
    pin: Vec<u8>,
    key: VaultKey,
    names: [Name; 2],
    told: Told,
}

impl Small {
    fn new() -> Self {
        Self::with(0)
    }

    /// The same with more secrets, so that tables need more than one page.
    pub(super) fn with(more: usize) -> Self {
        let (scratch, mut vault) = Scratch::in_memory();
        // one group of the tree holds them all, since every group is another page of the file
        let names = ["one", "gone"].map(|text| {
            let candidates = (0..).map(|number| name(&format!("{text}-{number}")));
            let in_first_group = |name: &Name| vault.keys.record_key(name)[0] < 4;
            candidates.into_iter().find(in_first_group).expect("one in 64")
        });
        let [one, gone] = &names;
        while vault.change(|change| in_first_group(change.set(one, Some(&value("old")))?)).is_err() {}
        vault
            .change(|change| {
                change.set(one, Some(&value("current")))?;
                change.update(one, |metadata, policy| {
                    metadata.description = "for a test".to_owned();
                    metadata.tags = [Tag::parse("small").expect("tag")].into();
                    let rule = HostRule::parse("api.example.com").expect("rule").rule;
                    policy.access = Access::Restricted(vec![rule]);
                })?;
                change.set(gone, Some(&value("deleted")))?;
                change.remove(gone)
            })
            .expect("change");
        vault
            .change(|change| {
                (0..more)
                    .try_for_each(|n| change.set(&name(&format!("more-{n}")), Some(&value("x"))).map(drop))
            })
            .expect("change");
        vault.store.compact().expect("compact");
        drop(vault);
        let bytes = fs::read(scratch.location.database()).expect("read");
        let vault = scratch.open().expect("open");
        let id = vault.id().to_string();
        let pin = fs::read(scratch.location.state.join("pins").join(&id)).expect("pin");
        let told = Told::by(&vault, &names);
        assert_eq!(told.refusals(), Vec::<&str>::new());
        Self { bytes, id, pin, key: scratch.key, names, told }
    }

    /// Does `edit` to a copy of the vault for every number, and counts what came of it.
    fn try_all(&self, numbers: impl Iterator<Item = usize>, edit: impl Fn(&mut Copy, usize)) -> Outcomes {
        let mut copy = Copy::of(self);
        let mut outcomes = Outcomes::default();
        for at in numbers {
            edit(&mut copy, at);
            let before = copy.read();
            let told = catch_unwind(AssertUnwindSafe(|| copy.ask(self)))
                .unwrap_or_else(|_| panic!("{at}: it panicked"));
            outcomes += told.map_or(Outcomes::refused(), |told| self.judge(&told, at));
            assert!(copy.read() == before, "{at}: the file was written to");
            copy.nothing_else(self, at);
        }
        outcomes
    }

    /// Both processors at work, each on every second one.
    pub(super) fn try_all_in_parallel(
        &self,
        count: usize,
        edit: impl Fn(&mut Copy, usize) + Sync,
    ) -> Outcomes {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            let edit = &edit;
            let work = |first| move || self.try_all((first..count).step_by(threads), edit);
            let workers: Vec<_> = (0..threads).map(|first| scope.spawn(work(first))).collect();
            let mut outcomes = Outcomes::default();
            for worker in workers {
                outcomes += worker.join().expect("what it found is shown above");
            }
            outcomes
        })
    }

    /// Every answer is a refusal or what the sound vault answers.
    fn judge(&self, told: &Told, at: usize) -> Outcomes {
        let refusals = told.refusals();
        for kind in &refusals {
            assert!(REFUSALS.contains(kind), "{at}: {kind}");
        }
        same(&told.secrets, &self.told.secrets, at);
        same(&told.deleted, &self.told.deleted, at);
        same(&told.history, &self.told.history, at);
        same(&told.found, &self.told.found, at);
        same(&told.slots, &self.told.slots, at);
        match &told.problems {
            _ if !refusals.is_empty() => Outcomes::refused(),
            Ok(problems) if !problems.is_empty() => Outcomes { noticed: 1, ..Outcomes::default() },
            _ => Outcomes { identical: 1, ..Outcomes::default() },
        }
    }
}

#[track_caller]
fn same<T: PartialEq + std::fmt::Debug>(found: &Answer<T>, sound: &Answer<T>, at: usize) {
    if let (Ok(found), Ok(sound)) = (found, sound) {
        assert_eq!(found, sound, "{at}: other contents");
    }
}

fn in_first_group(entry: Entry) -> Result<(), VaultError> {
    if entry.record.as_bytes()[0] < 4 { Ok(()) } else { Err(VaultError::WrongKey) }
}

impl Told {
    fn by(vault: &Vault, [one, gone]: &[Name; 2]) -> Self {
        let bytes = |value: Option<subrosa_secret::SecretValue>| value.map(|it| it.expose_secret().to_vec());
        let secret = |entry: Entry| {
            let text = format!("{} {} {:?} {:?}", entry.record, entry.version, entry.metadata, entry.policy);
            Ok((text, bytes(vault.value(&entry)?)))
        };
        let secrets = |entries: Vec<Entry>| entries.into_iter().map(secret).collect();
        let revisions = || {
            let revisions = vault
                .history(one)?
                .into_iter()
                .map(|it| Ok((it.version, it.changed, it.length, bytes(vault.value_at(one, it.version)?))));
            revisions.collect()
        };
        let find = |name| vault.find(name)?.map(secret).transpose();
        Self {
            secrets: vault.list().and_then(secrets),
            deleted: vault.deleted().and_then(secrets),
            history: revisions(),
            found: find(one).and_then(|one| Ok((one, find(gone)?))),
            slots: vault.slots(),
            problems: vault.verify().map(|report| {
                assert!(!report.rolled_back);
                report.problems
            }),
        }
    }

    /// The kinds of all refusals.
    fn refusals(&self) -> Vec<&'static str> {
        let Self { secrets, deleted, history, found, slots, problems } = self;
        let errors = [
            secrets.as_ref().err(),
            deleted.as_ref().err(),
            history.as_ref().err(),
            found.as_ref().err(),
            slots.as_ref().err(),
            problems.as_ref().err(),
        ];
        errors.into_iter().flatten().map(VaultError::kind).collect()
    }
}

/// What became of the edits.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    /// Something was refused that the sound vault tells.
    pub(super) refused: usize,
    /// Everything is told as by the sound vault, but the complete check names a problem.
    pub(super) noticed: usize,
    /// Everything is as in the sound vault.
    pub(super) identical: usize,
}

impl Outcomes {
    fn refused() -> Self {
        Self { refused: 1, ..Self::default() }
    }
}

impl Outcomes {
    #[allow(clippy::print_stdout, reason = "the figures are for the person who reads the test run")]
    pub(super) fn show(&self, what: &str, count: usize) {
        let Self { refused, noticed, identical } = self;
        assert_eq!(refused + noticed + identical, count, "each has one outcome");
        println!(
            "{count} {what}: {refused} refused, {noticed} noticed by verify alone, {identical} identical"
        );
    }
}

impl AddAssign for Outcomes {
    fn add_assign(&mut self, other: Self) {
        self.refused += other.refused;
        self.noticed += other.noticed;
        self.identical += other.identical;
    }
}

/// A copy of the vault to be damaged. Its file stays open here: closing it would give up SQLite's locks in this process.
pub(super) struct Copy {
    scratch: tempfile::TempDir,
    location: Location,
    file: File,
    flipped: Option<usize>,
}

impl Copy {
    fn of(small: &Small) -> Self {
        let scratch = tempfile::TempDir::new_in("/dev/shm").or_else(|_| tempfile::TempDir::new());
        let scratch = scratch.expect("temporary folder");
        let location = Location { dir: scratch.path().join("vault"), state: scratch.path().join("state") };
        crate::files::make_private_folder(&location.dir).expect("folder");
        crate::files::make_private_folder(&location.state.join("pins")).expect("folder");
        crate::files::make_private_file(&location.state.join("pins").join(&small.id))
            .and_then(|mut file| file.write_all(&small.pin).map_err(VaultError::io("write", "pin")))
            .expect("pin");
        crate::files::make_private_file(&location.database()).expect("file");
        let file = OpenOptions::new().read(true).write(true).open(location.database()).expect("open");
        let mut copy = Self { scratch, location, file, flipped: None };
        copy.write(0, &small.bytes);
        copy
    }

    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) {
        self.file.seek(SeekFrom::Start(at as u64)).expect("seek");
        self.file.write_all(bytes).expect("write");
    }

    fn read(&mut self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 << 17);
        self.file.seek(SeekFrom::Start(0)).expect("seek");
        self.file.read_to_end(&mut bytes).expect("read");
        bytes
    }

    /// Makes it sound again.
    pub(super) fn restore(&mut self, small: &Small) {
        self.write(0, &small.bytes);
    }

    /// Flips one bit, after the last one was flipped back.
    fn flip(&mut self, small: &Small, bit: usize) {
        if let Some(last) = self.flipped.replace(bit) {
            self.write(last / 8, &small.bytes[last / 8..=last / 8]);
        }
        self.write(bit / 8, &[small.bytes[bit / 8] ^ 1 << (bit % 8)]);
    }

    fn cut(&mut self, length: usize) {
        self.file.set_len(length as u64).expect("cut");
    }

    /// What the damaged vault tells; `None` if it is refused as a whole.
    fn ask(&self, small: &Small) -> Option<Told> {
        match Vault::open(&self.location, &Unlock::VaultKey(&small.key)) {
            Ok(vault) => Some(Told::by(&vault, &small.names)),
            Err(error) => {
                assert!(REFUSALS.contains(&error.kind()), "{error:?}");
                None
            }
        }
    }

    /// No file was made, nor was the pin changed.
    fn nothing_else(&self, small: &Small, at: usize) {
        let pins = self.location.state.join("pins");
        assert_eq!(files(&pins), [small.id.as_str()], "{at}");
        assert!(fs::read(pins.join(&small.id)).expect("pin") == small.pin, "{at}: the pin was changed");
        assert_eq!(files(&self.location.dir), ["vault.db"], "{at}");
        assert_eq!(files(self.scratch.path()), ["state", "vault"], "{at}");
    }
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).expect("folder");
    let mut names: Vec<_> =
        names.map(|it| it.expect("file").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn hostile_a01_every_flipped_bit_is_refused_or_changes_nothing() {
    let small = Small::new();
    let count = small.bytes.len() * 8;
    let outcomes = small.try_all_in_parallel(count, |copy, bit| copy.flip(&small, bit));
    outcomes.show("flipped bits", count);
    // two thirds of the bits stand in unused parts of pages
    assert!(outcomes.refused > count / 5 && outcomes.identical > 0, "{outcomes:?}");
}

#[test]
fn hostile_a02_every_cut_is_refused_or_takes_nothing() {
    let small = Small::new();
    let count = small.bytes.len();
    // from the end, so that nothing has to be put back
    let outcomes = small.try_all_in_parallel(count, |copy, cut| copy.cut(count - 1 - cut));
    outcomes.show("cuts", count);
    // of the last page, the end may be unused; what is missing there reads as zeros
    assert!(outcomes.refused >= count - 4096, "{outcomes:?}");
}
