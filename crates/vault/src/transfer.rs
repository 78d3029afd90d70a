//! Many secrets at once, whole: out of a vault in one snapshot, into one in one change.
//!
//! Seals are made and opened on all processors; the engine is spoken to by one thread, in the order of the rows' places.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    num::NonZero,
    thread,
};

use subrosa_secret::{Name, Policy, SecretValue, Tag as Label};

use crate::{
    Change, Entry, Link, MAX_TARGET_LEN, RecordId, Vault, VaultError,
    entry::signed,
    keys::RoleKeys,
    scan,
    store::{Row, kind},
};

/// Fewer secrets than this are not worth a thread.
const WORTH_A_THREAD: usize = 64;
/// Secrets that are sealed before they are stored, or read before they are opened.
const BATCH: usize = 1024;
/// Bytes of their values.
const BATCH_LEN: usize = 4 << 20;

/// A secret with everything that is told of it: what an export holds and an import brings.
pub struct Portable {
    /// The name by which references ask for it.
    pub name: Name,
    /// The value; `None` where it has none yet, or is linked.
    pub value: Option<SecretValue>,
    /// Where the value is kept instead. Never beside a value.
    pub link: Option<Link>,
    /// Free text for people.
    pub description: String,
    /// Words to find it by.
    pub tags: BTreeSet<Label>,
    /// Where it may go.
    pub policy: Policy,
    /// When it was made, in seconds since 1970; `None` is now.
    pub created: Option<i64>,
    /// When it was last changed, in seconds since 1970; `None` is now.
    pub changed: Option<i64>,
    /// Earlier values, oldest first.
    pub history: Vec<Past>,
}

/// A value that was current once.
pub struct Past {
    /// The value.
    pub value: SecretValue,
    /// When it became current, in seconds since 1970.
    pub changed: i64,
}

/// What becomes of the secret that has the name already.
#[derive(Clone, Copy)]
pub enum Over<'e> {
    /// There is none.
    Nothing,
    /// It is deleted as [`Change::remove`] deletes, so that it can be brought back until it is purged.
    Replacing(&'e Entry),
    /// It stays the same record: its value or link goes into the history, as the last one before what is new.
    Keeping(&'e Entry),
}

/// One secret that comes in.
pub struct Arrival<'a> {
    /// What it will be.
    pub secret: &'a Portable,
    /// What it comes upon, as it was when that was decided.
    pub over: Over<'a>,
}

impl Vault {
    /// All secrets that are wanted, by name, with their values, and with their earlier values if `history` says so. The whole
    /// vault is proven first, and all of it is of one generation.
    ///
    /// Earlier links are no values, and are not in [`Portable::history`].
    pub fn export(
        &self,
        wanted: impl Fn(&Entry) -> bool + Sync,
        history: bool,
    ) -> Result<Vec<Portable>, VaultError> {
        let keys = &self.keys;
        let snapshot = self.read()?;
        let mut current = Vec::new();
        let mut earlier: HashMap<RecordId, Vec<Entry>> = HashMap::new();
        for (kind, entry) in scan::map(&snapshot, |row| match row.kind {
            kind::SECRET => Ok(Some(Entry::open(keys, row)?).filter(&wanted).map(|entry| (row.kind, entry))),
            kind::HISTORY if history => Ok(Some((row.kind, Entry::open(keys, row)?))),
            _ => Ok(None),
        })? {
            match kind {
                kind::SECRET => current.push(entry),
                // they come in the order of their versions
                _ => earlier.entry(entry.record).or_default().push(entry),
            }
        }
        current.sort_unstable_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        let mut secrets = Vec::with_capacity(current.len());
        let mut current = current.into_iter().peekable();
        while current.peek().is_some() {
            let mut sealed = Vec::with_capacity(current.len().min(BATCH));
            let mut room = BATCH_LEN;
            // ciphertexts of a few at a time: together they are as long as all values
            while let Some(entry) = current.next_if(|_| room > 0 && sealed.len() < BATCH) {
                let past = earlier.remove(&entry.record).unwrap_or_default();
                let past = past.into_iter().map(|entry| SealedValue::of(self, entry));
                let past = past.collect::<Result<Vec<_>, _>>()?;
                let current = SealedValue::of(self, entry)?;
                room = room.saturating_sub(current.len() + past.iter().map(SealedValue::len).sum::<usize>());
                sealed.push((current, past));
            }
            secrets.extend(on_all_processors(sealed, |(current, past)| opened(keys, current, past))?);
        }
        drop(snapshot);
        Ok(secrets)
    }
}

/// An entry and the ciphertext of its value.
struct SealedValue {
    entry: Entry,
    body: Option<Vec<u8>>,
}

impl SealedValue {
    fn of(vault: &Vault, entry: Entry) -> Result<Self, VaultError> {
        let place = signed(entry.value_version)?;
        let body = match entry.has_value() {
            true => vault.store.body(entry.record.as_bytes(), place)?,
            false => None,
        };
        Ok(Self { entry, body })
    }

    fn len(&self) -> usize {
        self.body.as_ref().map_or(0, Vec::len)
    }
}

fn opened(
    keys: &RoleKeys,
    SealedValue { entry, body }: SealedValue,
    past: Vec<SealedValue>,
) -> Result<Portable, VaultError> {
    let value = entry.open_value(keys, body)?;
    let mut history = Vec::with_capacity(past.len());
    for SealedValue { entry, body } in past {
        let changed = entry.metadata.changed;
        history.extend(entry.open_value(keys, body)?.map(|value| Past { value, changed }));
    }
    let Entry { metadata, policy, link, .. } = entry;
    Ok(Portable {
        name: metadata.name,
        value,
        link,
        description: metadata.description,
        tags: metadata.tags,
        policy,
        created: Some(metadata.created),
        changed: Some(metadata.changed),
        history,
    })
}

impl Change<'_> {
    /// Takes secrets in, each with all that is told of it.
    ///
    /// # Errors
    /// [`VaultError::ChangedMeanwhile`] if a name is not what [`Arrival::over`] says: taken, gone, or changed since;
    /// [`VaultError::NameTaken`] if two of them have one name; [`VaultError::Linked`] for one that has a value and a link;
    /// [`VaultError::TargetTooLong`].
    pub fn restore(&mut self, arrivals: &[Arrival<'_>]) -> Result<(), VaultError> {
        let keys = self.snapshot.keys;
        let mut names = HashSet::with_capacity(arrivals.len());
        let mut places = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            let name = &arrival.secret.name;
            if !names.insert(name) {
                return Err(VaultError::NameTaken(name.clone()));
            }
            places.push((keys.record_key(name), arrival));
        }
        drop(names);
        // as they will stand in the file, which saves the engine looking for each place
        places.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut places = places.into_iter().peekable();
        while places.peek().is_some() {
            let batch = self.batch(&mut places)?;
            for secret in on_all_processors(batch, |draft| draft.seal(keys))? {
                secret.bodies.iter().try_for_each(|body| self.put_body(body))?;
                secret.rows.into_iter().try_for_each(|row| self.put(row))?;
            }
        }
        Ok(())
    }

    /// So many that every processor has enough, and that drafts and their ciphertexts do not pile up.
    fn batch<'a>(
        &mut self,
        places: &mut impl Iterator<Item = (Vec<u8>, &'a Arrival<'a>)>,
    ) -> Result<Vec<Draft<'a>>, VaultError> {
        let mut room = BATCH_LEN;
        let mut batch = Vec::new();
        for (key, arrival) in places {
            let draft = self.draft(key, arrival)?;
            room = room.saturating_sub(draft.len());
            batch.push(draft);
            if room == 0 || batch.len() == BATCH {
                break;
            }
        }
        Ok(batch)
    }

    /// What an arrival will be, with the old secret of that name out of its way.
    fn draft<'a>(&mut self, key: Vec<u8>, arrival: &Arrival<'a>) -> Result<Draft<'a>, VaultError> {
        let secret = arrival.secret;
        let found = self.find(&secret.name)?;
        let meanwhile = || VaultError::ChangedMeanwhile(secret.name.clone());
        let is_still = |old: &Entry, now: &Entry| old.record == now.record && old.version == now.version;
        let (mut entry, old) = match (arrival.over, found) {
            (Over::Nothing, None) => (self.blank(&secret.name)?, None),
            (Over::Replacing(old), Some(now)) if is_still(old, &now) => {
                self.bury(now)?;
                (self.blank(&secret.name)?, None)
            }
            (Over::Keeping(old), Some(now)) if is_still(old, &now) => (now.clone(), Some(now)),
            _ => return Err(meanwhile()),
        };
        if let Some(link) = &secret.link {
            check_link(secret, link)?;
        }
        entry.link.clone_from(&secret.link);
        entry.metadata.description.clone_from(&secret.description);
        entry.metadata.tags.clone_from(&secret.tags);
        entry.metadata.created = secret.created.unwrap_or(entry.metadata.created);
        entry.metadata.changed = secret.changed.unwrap_or(self.now());
        entry.policy.clone_from(&secret.policy);
        Ok(Draft { entry, old, secret, key })
    }
}

fn check_link(secret: &Portable, link: &Link) -> Result<(), VaultError> {
    match link.target.len() {
        _ if secret.value.is_some() => Err(VaultError::Linked(secret.name.clone())),
        len if len > MAX_TARGET_LEN => Err(VaultError::TargetTooLong { len }),
        _ => Ok(()),
    }
}

/// A secret that is about to be sealed.
struct Draft<'a> {
    entry: Entry,
    /// What its record was before.
    old: Option<Entry>,
    secret: &'a Portable,
    key: Vec<u8>,
}

/// Its rows and the ciphertexts of their values.
struct SealedSecret {
    rows: Vec<Row>,
    bodies: Vec<Body>,
}

/// The ciphertext of a value, and where it will stand.
pub(crate) struct Body {
    pub record: RecordId,
    pub version: u64,
    /// Whether nothing can stand there: the record is new.
    pub is_new: bool,
    pub content: Vec<u8>,
}

impl Draft<'_> {
    /// Bytes of its values.
    fn len(&self) -> usize {
        let current = self.secret.value.as_ref().map_or(0, SecretValue::len);
        current + self.secret.history.iter().map(|past| past.value.len()).sum::<usize>()
    }

    fn seal(mut self, keys: &RoleKeys) -> Result<SealedSecret, VaultError> {
        let mut sealed = SealedSecret { rows: Vec::new(), bodies: Vec::new() };
        let is_new = self.old.is_none();
        let shelf = self.entry.record.as_bytes().to_vec();
        // the version of the old value is taken until it is on the shelf
        self.entry.version += u64::from(!is_new);
        for past in &self.secret.history {
            let mut earlier = Entry { link: None, ..self.entry.clone() };
            earlier.metadata.changed = past.changed;
            sealed.put_value(keys, &mut earlier, &past.value, is_new)?;
            sealed.rows.push(earlier.seal(keys, kind::HISTORY, shelf.clone(), signed(earlier.version)?)?);
            self.entry.version += 1;
        }
        if let Some(mut old) = self.old.filter(|old| old.has_value() || old.link.is_some()) {
            old.version = self.entry.version;
            sealed.rows.push(old.seal(keys, kind::HISTORY, shelf, signed(old.version)?)?);
            self.entry.version += 1;
        }
        (self.entry.head, self.entry.metadata.length, self.entry.metadata.text) = (None, 0, true);
        if let Some(value) = &self.secret.value {
            sealed.put_value(keys, &mut self.entry, value, is_new)?;
        }
        sealed.rows.push(self.entry.seal(keys, kind::SECRET, self.key, 0)?);
        Ok(sealed)
    }
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

/// Does the work on each, in their order, on as many threads as it is worth.
fn on_all_processors<T: Send, R: Send>(
    items: Vec<T>,
    work: impl Fn(T) -> Result<R, VaultError> + Sync,
) -> Result<Vec<R>, VaultError> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(processors).max(WORTH_A_THREAD);
    if items.len() <= share {
        return items.into_iter().map(work).collect();
    }
    let mut rest = items.into_iter();
    thread::scope(|scope| {
        let mut crew = Vec::new();
        loop {
            let part: Vec<T> = rest.by_ref().take(share).collect();
            if part.is_empty() {
                break;
            }
            let work = &work;
            crew.push(scope.spawn(move || part.into_iter().map(work).collect::<Result<Vec<R>, _>>()));
        }
        let mut done = Vec::new();
        for worker in crew {
            done.extend(worker.join().expect("work on secrets does not panic")?);
        }
        Ok(done)
    })
}
