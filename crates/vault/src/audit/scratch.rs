//! Logs for this module's own tests.

use std::{fs, io::Write as _, path::PathBuf};

use subrosa_secret::Name;
use tempfile::TempDir;

use super::{Action, AuditEntry, AuditLog, Durability, FILE, Head, Outcome, record::Chain};
use crate::{AuditKey, Epoch, RootKey, VaultId};

pub const VAULT: VaultId = VaultId::from_bytes([7; 16]);

/// The audit key of an epoch; each epoch has a root key of its own.
pub fn key(epoch: u32) -> AuditKey {
    let root = RootKey::from_slice(&[epoch.to_le_bytes()[0]; 32]).expect("32 bytes");
    AuditKey::derive(&root, &VAULT, Epoch(epoch))
}

pub fn chain(epoch: u32) -> Chain {
    Chain { vault: VAULT, key: key(epoch), epoch: Epoch(epoch) }
}

/// An entry that can be told from every other.
pub fn entry(number: u64) -> AuditEntry {
    AuditEntry {
        time: 1_700_000_000,
        pid: 4321,
        program: format!("program {number}"),
        action: Action::Send,
        secret: Some(Name::parse("example-key").expect("name")),
        destination: Some("https://api.example.com".to_owned()),
        outcome: Outcome::Allowed,
    }
}

/// A folder for one log.
pub struct Scratch(TempDir);

impl Scratch {
    pub fn new() -> Self {
        Self(TempDir::new().expect("temporary folder"))
    }

    /// A log with entries 1 to `count`, and its head.
    pub fn with(count: u64) -> (Self, Head) {
        let scratch = Self::new();
        let head = scratch.log().append(&(1..=count).map(entry).collect::<Vec<_>>(), Durability::Process);
        (scratch, head.expect("append"))
    }

    pub fn dir(&self) -> &std::path::Path {
        self.0.path()
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join(FILE)
    }

    pub fn log(&self) -> AuditLog {
        self.log_at(1)
    }

    pub fn log_at(&self, epoch: u32) -> AuditLog {
        AuditLog::open(self.0.path(), &VAULT, key(epoch), Epoch(epoch)).expect("open")
    }

    pub fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).expect("read")
    }

    /// Writes over the file. It is not emptied first: ext4 would flush it each time.
    pub fn replace(&self, bytes: &[u8]) {
        let mut file = fs::OpenOptions::new().write(true).open(self.path()).expect("open");
        file.write_all(bytes).and_then(|()| file.set_len(bytes.len() as u64)).expect("write");
    }

    /// Adds one entry.
    pub fn add(&self, number: u64) -> Head {
        self.log().append(&[entry(number)], Durability::Process).expect("append")
    }

    /// The programs of all entries, by which [`entry`] numbers them.
    pub fn programs(&self, epoch: u32) -> Vec<String> {
        let records = self.log_at(epoch).read(|_| true).expect("read");
        assert!((1..).zip(&records).all(|(number, record)| record.number == number));
        records.into_iter().map(|record| record.entry.program).collect()
    }
}

pub fn programs(numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    numbers.into_iter().map(|number| entry(number).program).collect()
}

/// Where header and records of a sound log begin, and its end.
pub fn bounds(bytes: &[u8]) -> Vec<usize> {
    let mut bounds = vec![0, 128];
    while let Some(at) = bounds.last().copied().filter(|at| *at < bytes.len()) {
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        bounds.push(at + length as usize);
    }
    bounds
}
