//! Values that were looked up elsewhere, and sessions with what they came from, kept for a while (cache.md).

mod file;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use crate::{
    Context, Epoch, Padding, RecordId, Sealed, SealingKey, Vault, VaultId, open, role::CacheKey, seal,
    seal::push_field,
};
use file::{CacheFile, Record};

/// What of a vault's folder belongs to the cache.
pub const CACHE_FILES: [&str; 6] =
    ["cache", "cache.lock", ".cache.new", "sessions", "sessions.lock", ".sessions.new"];

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheKind {
    /// A value that a link names.
    Value,
    /// A session with the system of a connection.
    Session,
}

impl CacheKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Session => "session",
        }
    }
}

/// Names a record. Another version of the connection is another place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachePlace<'a> {
    /// What it holds.
    pub kind: CacheKind,
    /// The connection's document.
    pub connection: RecordId,
    /// That document's version.
    pub version: u64,
    /// What the link names; empty for a session.
    pub target: &'a str,
}

/// What was kept, and for how long. Times are seconds since 1970.
pub struct CacheEntry {
    /// When it was looked up.
    pub fetched: i64,
    /// Until when it is used without asking.
    pub expires: i64,
    /// Until when it may be used where asking fails; at least `expires`.
    pub kept: i64,
    /// The value or session.
    pub content: SecretValue,
}

impl CacheEntry {
    /// Whether it may be used without asking. One from the future may not: the clock cannot be relied on.
    #[must_use]
    pub fn is_fresh(&self, now: i64) -> bool {
        self.fetched <= now && now < self.expires
    }

    /// Whether it may be used where asking fails.
    #[must_use]
    pub fn is_kept(&self, now: i64) -> bool {
        self.fetched <= now && now < self.kept
    }
}

/// A record does not open: it was changed by somebody else than subrosa, or a disk is failing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an entry of the cache is damaged or was tampered with")]
pub struct CacheTampered;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Times {
    fetched: i64,
    expires: i64,
    kept: i64,
}

/// The cache of one vault, or its sessions.
pub struct Cache {
    file: CacheFile,
    key: CacheKey,
    vault: VaultId,
    epoch: Epoch,
}

impl Vault {
    /// The cache beside it.
    #[must_use]
    pub fn cache(&self) -> Cache {
        self.cache_named("cache")
    }

    /// The sessions beside it. They have a file of their own: what makes room for values ends no session.
    #[must_use]
    pub fn sessions(&self) -> Cache {
        self.cache_named("sessions")
    }

    fn cache_named(&self, name: &'static str) -> Cache {
        let (vault, epoch) = (self.keys.vault, self.keys.epoch);
        let file = CacheFile::new(&self.location.dir, name, vault, epoch);
        Cache { file, key: self.keys.cache(), vault, epoch }
    }
}

impl Cache {
    /// Reads the file as it is now.
    #[must_use]
    pub fn load(&self) -> Loaded<'_> {
        let (records, problem) = self.file.read();
        Loaded { cache: self, records, problem }
    }

    /// Keeps these; one of the same place is replaced.
    ///
    /// # Errors
    /// The file cannot be written. Nothing is lost but time.
    pub fn put(&self, entries: &[(CachePlace<'_>, &CacheEntry)]) -> std::io::Result<()> {
        let mut sealed = Vec::with_capacity(entries.len());
        for (place, entry) in entries {
            sealed.push(self.seal(place, entry)?);
        }
        self.file.change(move |records| {
            for record in sealed {
                records.retain(|other| other.id != record.id);
                records.push(record);
            }
        })
    }

    /// Drops what is kept for these places; a file that does not hold them is left as it is.
    ///
    /// # Errors
    /// The file cannot be written: what should go is still there.
    pub fn remove(&self, places: &[CachePlace<'_>]) -> std::io::Result<()> {
        let ids: Vec<_> = places.iter().map(|place| self.id(place)).collect();
        let (there, _) = self.file.read();
        if !there.iter().any(|record| ids.contains(&record.id)) {
            return Ok(());
        }
        self.file.change(|records| records.retain(|record| !ids.contains(&record.id)))
    }

    /// Drops everything.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn clear(&self) -> std::io::Result<()> {
        self.file.remove()
    }

    fn id(&self, place: &CachePlace<'_>) -> [u8; 16] {
        let mut info = Vec::with_capacity(96);
        for field in [
            b"subrosa cache id".as_slice(),
            place.kind.word().as_bytes(),
            place.connection.as_bytes(),
            &place.version.to_le_bytes(),
            place.target.as_bytes(),
        ] {
            push_field(&mut info, field);
        }
        let mut id = [0; 16];
        self.key.expand(&[&info], &mut id);
        id
    }

    fn context<'a>(&'a self, place: &CachePlace<'_>, id: &'a [u8; 16]) -> Context<'a> {
        let (field, version) = (place.kind.word(), place.version);
        Context { vault: &self.vault, table: "cache", record: id, field, version, epoch: self.epoch }
    }

    fn seal(&self, place: &CachePlace<'_>, entry: &CacheEntry) -> std::io::Result<Record> {
        let times = Times { fetched: entry.fetched, expires: entry.expires, kept: entry.kept };
        let times = serde_json::to_vec(&times)?;
        let mut plain = Zeroizing::new(Vec::with_capacity(times.len() + entry.content.len() + 4));
        push_field(&mut plain, &times);
        plain.extend_from_slice(entry.content.expose_secret());
        let id = self.id(place);
        let sealed = seal(&self.key, &self.context(place, &id), Padding::Value, &plain);
        Ok(Record { id, seal: sealed.map_err(std::io::Error::other)?.to_bytes() })
    }

    fn open(&self, place: &CachePlace<'_>, record: &Record) -> Option<CacheEntry> {
        let Sealed { head, body } = Sealed::from_slice(&record.seal)?;
        let plain = open(&self.key, &self.context(place, &record.id), Padding::Value, &head, body).ok()?;
        let (length, rest) = plain.split_first_chunk()?;
        let (times, content) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let Times { fetched, expires, kept } = serde_json::from_slice(times).ok()?;
        Some(CacheEntry { fetched, expires, kept, content: SecretValue::new(content.to_vec()).ok()? })
    }
}

/// The cache as it was when it was read.
pub struct Loaded<'c> {
    cache: &'c Cache,
    records: Vec<Record>,
    problem: Option<&'static str>,
}

impl Loaded<'_> {
    /// What is wrong with the file as a whole, for people.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        self.problem
    }

    /// How many records there are, whatever is in them.
    #[must_use]
    pub fn count(&self) -> usize {
        self.records.len()
    }

    /// What is kept for a place.
    ///
    /// # Errors
    /// [`CacheTampered`]: it is as if there were nothing.
    pub fn find(&self, place: &CachePlace<'_>) -> Result<Option<CacheEntry>, CacheTampered> {
        let id = self.cache.id(place);
        match self.records.iter().rfind(|record| record.id == id) {
            Some(record) => self.cache.open(place, record).map(Some).ok_or(CacheTampered),
            None => Ok(None),
        }
    }
}
