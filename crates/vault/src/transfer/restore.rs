//! Secrets on their way in.

use std::{
    collections::VecDeque,
    num::NonZero,
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use subrosa_secret::{Name, SecretValue};

use super::{Arrivals, Body, Over, Portable};
use crate::{
    Change, Entry, Link, MAX_TARGET_LEN, VaultError,
    change::open_named,
    entry::signed,
    keys::RoleKeys,
    store::{Row, kind},
    tree::bucket_of,
};

/// Secrets that are sealed at a time.
const BATCH: usize = 64;
/// Bytes of their values.
const BATCH_LEN: usize = 1 << 20;
/// Batches that are under way.
const UNDER_WAY: usize = 4;

impl Change<'_> {
    /// Takes secrets in, each with all that is told of it.
    ///
    /// # Errors
    /// [`VaultError::ChangedMeanwhile`] if a name is not what [`Arrivals::over`] says: taken, gone, or changed since;
    /// [`VaultError::NameTaken`] if two of them have one name; [`VaultError::Linked`] for one that has a value and a link;
    /// [`VaultError::TargetTooLong`].
    pub fn restore(&mut self, arrivals: &(impl Arrivals + ?Sized)) -> Result<(), VaultError> {
        let (keys, now) = (self.snapshot.keys, self.now());
        let places = places(keys, arrivals)?;
        let mut numbers = places.iter().map(|place| place.number as usize).peekable();
        let seal = |batch: Batch| batch.seal(keys, arrivals, now);
        let helpers = match places.len() {
            0..=BATCH => 0,
            _ => thread::available_parallelism().map_or(1, NonZero::get) - 1,
        };
        let (drafted, drafts) = channel();
        let drafts = Mutex::new(drafts);
        thread::scope(|scope| {
            // dropped on every way out of here, which ends the helpers
            let drafted = drafted;
            for _ in 0..helpers {
                scope.spawn(|| work_through(&drafts, &seal));
            }
            let mut under_way = VecDeque::new();
            loop {
                while under_way.len() < UNDER_WAY && numbers.peek().is_some() {
                    let batch = self.batch(&mut numbers, arrivals)?;
                    let (sealed, answer) = channel();
                    let (first, last) = batch.span;
                    drafted.send((batch, sealed)).expect("it is received in this very function");
                    under_way.push_back((first, last, answer));
                }
                let Some((first, _, answer)) = under_way.pop_front() else { return Ok(()) };
                let batch = sealed(&answer, &drafts, &seal)?;
                self.store(batch)?;
                let last = under_way.back().map_or(first, |(_, last, _)| *last);
                self.settle(first..=last);
            }
        })
    }

    /// The next few, so many that handing them over costs next to nothing, and so few that ciphertexts do not pile up.
    fn batch(
        &mut self,
        numbers: &mut impl Iterator<Item = usize>,
        arrivals: &(impl Arrivals + ?Sized),
    ) -> Result<Batch, VaultError> {
        let mut batch = Batch { drafts: Vec::with_capacity(BATCH), span: (u16::MAX, 0) };
        let mut room = BATCH_LEN;
        for number in numbers {
            let draft = self.draft(number, arrivals)?;
            let bucket = bucket_of(&draft.key)?;
            batch.span = (batch.span.0.min(bucket), bucket);
            batch.drafts.push(draft);
            room = room.saturating_sub(arrivals.weight(number));
            if room == 0 || batch.drafts.len() == BATCH {
                break;
            }
        }
        Ok(batch)
    }

    /// What an arrival will be, with the old secret of that name out of its way.
    fn draft(&mut self, number: usize, arrivals: &(impl Arrivals + ?Sized)) -> Result<Draft, VaultError> {
        let key = self.snapshot.keys.record_key_of(arrivals.name(number)).to_vec();
        let over = arrivals.over(number);
        let current = self.rows(&key)?.into_iter().find(|row| row.kind == kind::SECRET);
        let old = match (over, current) {
            (Over::Nothing, None) => None,
            (Over::Replacing(seen) | Over::Keeping(seen), Some(row)) => {
                let now = open_named(&self.snapshot, &row, &arrivals.secret(number).name)?;
                if now.seen() != seen {
                    return Err(VaultError::ChangedMeanwhile(now.metadata.name));
                }
                Some(now)
            }
            _ => return Err(meanwhile(arrivals.name(number))),
        };
        match (over, old) {
            (Over::Keeping(_), old) => Ok(Draft { number, key, old }),
            (_, Some(old)) => self.bury(old).map(|()| Draft { number, key, old: None }),
            (_, None) => Ok(Draft { number, key, old: None }),
        }
    }

    fn store(&mut self, batch: Vec<SealedSecret>) -> Result<(), VaultError> {
        for secret in batch {
            secret.bodies.iter().try_for_each(|body| self.put_body(body))?;
            secret.rows.into_iter().try_for_each(|row| self.put(row))?;
        }
        Ok(())
    }
}

fn meanwhile(name: &str) -> VaultError {
    let name = Name::parse(name);
    name.map_or_else(|_| VaultError::damaged("a name is none"), VaultError::ChangedMeanwhile)
}

/// Where an arrival's row will stand in the file, as far as it matters, and its number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// The beginning of the key, in halves so that a place takes twelve bytes.
    key: [u32; 2],
    number: u32,
}

/// The arrivals in the order of their places, which saves the engine looking for each; no name twice.
fn places(keys: &RoleKeys, arrivals: &(impl Arrivals + ?Sized)) -> Result<Vec<Place>, VaultError> {
    let place = |number: u32| {
        let key = keys.record_key_of(arrivals.name(number as usize));
        let half = |at: usize| u32::from_be_bytes([key[at], key[at + 1], key[at + 2], key[at + 3]]);
        Place { key: [half(0), half(4)], number }
    };
    let mut places: Vec<Place> = (0..).take(arrivals.len()).map(place).collect();
    places.sort_unstable();
    for alike in places.chunk_by(|one, other| one.key == other.key).filter(|alike| alike.len() > 1) {
        let mut names: Vec<&str> = alike.iter().map(|place| arrivals.name(place.number as usize)).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let name = Name::parse(twice[0]);
            return Err(name.map_or_else(|_| VaultError::damaged("a name is none"), VaultError::NameTaken));
        }
    }
    Ok(places)
}

/// A secret that is about to be sealed.
struct Draft {
    number: usize,
    key: Vec<u8>,
    /// What its record was before, if that stays.
    old: Option<Entry>,
}

/// Some of them, and the first and the last of the buckets that their rows will be in.
struct Batch {
    drafts: Vec<Draft>,
    span: (u16, u16),
}

type Answer = Result<Vec<SealedSecret>, VaultError>;
type Drafts = Mutex<Receiver<(Batch, Sender<Answer>)>>;

/// Seals what is drafted until nothing more comes.
fn work_through(drafts: &Drafts, seal: &impl Fn(Batch) -> Answer) {
    loop {
        let next = drafts.lock().expect("nobody panics").recv();
        let Ok((batch, answer)) = next else { return };
        // nobody waits for it any more where the change has failed
        let _ = answer.send(seal(batch));
    }
}

/// The batch once it is sealed; works on others as long as it is not.
fn sealed(answer: &Receiver<Answer>, drafts: &Drafts, seal: &impl Fn(Batch) -> Answer) -> Answer {
    loop {
        if let Ok(sealed) = answer.try_recv() {
            return sealed;
        }
        // a helper that waits for a draft holds the lock, and so there is none
        let next = drafts.try_lock().ok().and_then(|drafts| drafts.try_recv().ok());
        match next {
            Some((batch, answer)) => drop(answer.send(seal(batch))),
            None => return answer.recv().expect("whoever has taken it answers"),
        }
    }
}

impl Batch {
    fn seal(self, keys: &RoleKeys, arrivals: &(impl Arrivals + ?Sized), now: i64) -> Answer {
        self.drafts
            .into_iter()
            .map(|draft| {
                let secret = arrivals.secret(draft.number);
                draft.seal(keys, &secret, now)
            })
            .collect()
    }
}

impl Draft {
    fn seal(self, keys: &RoleKeys, secret: &Portable, now: i64) -> Result<SealedSecret, VaultError> {
        let mut entry = match &self.old {
            Some(old) => old.clone(),
            None => Entry::blank(&secret.name, now)?,
        };
        if let Some(link) = &secret.link {
            check_link(secret, link)?;
        }
        entry.link.clone_from(&secret.link);
        entry.metadata.description.clone_from(&secret.description);
        entry.metadata.tags.clone_from(&secret.tags);
        entry.metadata.created = secret.created.unwrap_or(entry.metadata.created);
        entry.metadata.changed = secret.changed.unwrap_or(now);
        entry.policy.clone_from(&secret.policy);
        self.seal_as(entry, keys, secret)
    }

    fn seal_as(
        self,
        mut entry: Entry,
        keys: &RoleKeys,
        secret: &Portable,
    ) -> Result<SealedSecret, VaultError> {
        let mut sealed = SealedSecret { rows: Vec::new(), bodies: Vec::new() };
        let is_new = self.old.is_none();
        let shelf = entry.record.as_bytes().to_vec();
        // the version of the old value is taken until it is on the shelf
        entry.version += u64::from(!is_new);
        for past in &secret.history {
            let mut earlier = Entry { link: None, ..entry.clone() };
            earlier.metadata.changed = past.changed;
            sealed.put_value(keys, &mut earlier, &past.value, is_new)?;
            sealed.rows.push(earlier.seal(keys, kind::HISTORY, shelf.clone(), signed(earlier.version)?)?);
            entry.version += 1;
        }
        if let Some(mut old) = self.old.filter(|old| old.has_value() || old.link.is_some()) {
            old.version = entry.version;
            sealed.rows.push(old.seal(keys, kind::HISTORY, shelf, signed(old.version)?)?);
            entry.version += 1;
        }
        (entry.head, entry.metadata.length, entry.metadata.text) = (None, 0, true);
        if let Some(value) = &secret.value {
            sealed.put_value(keys, &mut entry, value, is_new)?;
        }
        sealed.rows.push(entry.seal(keys, kind::SECRET, self.key, 0)?);
        Ok(sealed)
    }
}

fn check_link(secret: &Portable, link: &Link) -> Result<(), VaultError> {
    match link.target.len() {
        _ if secret.value.is_some() => Err(VaultError::Linked(secret.name.clone())),
        len if len > MAX_TARGET_LEN => Err(VaultError::TargetTooLong { len }),
        _ => Ok(()),
    }
}

/// Its rows and the ciphertexts of their values.
struct SealedSecret {
    rows: Vec<Row>,
    bodies: Vec<Body>,
}

impl SealedSecret {
    fn put_value(
        &mut self,
        keys: &RoleKeys,
        entry: &mut Entry,
        value: &SecretValue,
        is_new: bool,
    ) -> Result<(), VaultError> {
        let content = entry.put_value(keys, value)?;
        self.bodies.push(Body { record: entry.record, version: entry.version, is_new, content });
        Ok(())
    }
}
