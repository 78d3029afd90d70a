//! Checking everything: every row, seal, node and value, and the engine's own view of its file.

use std::collections::BTreeSet;

use crate::{
    Document, DocumentKind, Entry, PinError, PinStore, Vault, VaultError,
    snapshot::{CHUNK, RECENT_ROOT, Snapshot},
    store::{Mode, Row, kind},
    tree::{self, Builder, FAN, is_nothing},
};

/// What a complete check found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The generation that was checked.
    pub generation: u64,
    /// Secrets, deleted ones not among them.
    pub secrets: u64,
    /// Earlier values.
    pub history: u64,
    /// Deleted secrets that are not purged yet.
    pub deleted: u64,
    /// Keyslots.
    pub keyslots: u64,
    /// Whether the file is older than, or another branch than, what was last seen here.
    pub rolled_back: bool,
    /// One line for each thing that is wrong; none if the vault is sound.
    pub problems: Vec<String>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty() && !self.rolled_back
    }
}

impl Vault {
    /// Opens every seal, values included, recomputes the tree and compares all of it with the manifest.
    /// Problems are collected, not stopped at; an error means that checking itself was not possible.
    pub fn verify(&self) -> Result<Report, VaultError> {
        let pin = self.pins.read(&self.keys.vault);
        let snapshot = Snapshot::begin(self.store.as_ref(), &self.keys, Mode::Read)?;
        let mut report = Report { generation: snapshot.manifest.generation, ..Report::default() };
        match pin.map_err(VaultError::from).and_then(|pin| snapshot.check_pin(pin.as_ref())) {
            // a damaged pin cannot say that the file is the newest, so it is not taken for it
            Err(VaultError::RolledBack { .. } | VaultError::Pin(PinError::Damaged(_))) => {
                report.rolled_back = true
            }
            Err(error @ VaultError::Pin(_)) => return Err(error),
            result => report.take(result),
        }
        report.problems.extend(self.store.check_engine()?);
        let mut bodies = BTreeSet::new();
        let mut builder = Builder::new(&self.keys.tree);
        let mut rows = 0;
        let walk = self.store.each_row(&mut |row| {
            rows += 1;
            builder.push(row)?;
            let result = self.verify_row(&Row::from(row), &mut report, &mut bodies);
            report.take(result);
            Ok(())
        });
        report.take(walk);
        let (root, groups) = builder.finish();
        self.verify_nodes(&snapshot, &root, &groups, &mut report);
        if rows != snapshot.manifest.records {
            report.problems.push("rows were removed or added".to_owned());
        }
        let stored: BTreeSet<_> = self.store.body_places()?.into_iter().collect();
        if stored != bodies || stored.len() as u64 != snapshot.manifest.bodies {
            report.problems.push("the stored values are not those of the secrets".to_owned());
        }
        Ok(report)
    }

    fn verify_row(
        &self,
        row: &Row,
        report: &mut Report,
        bodies: &mut BTreeSet<(Vec<u8>, i64)>,
    ) -> Result<(), VaultError> {
        match row.kind {
            kind::SECRET => report.secrets += 1,
            kind::HISTORY => report.history += 1,
            kind::TOMBSTONE => report.deleted += 1,
            kind::KEYSLOT => {
                report.keyslots += 1;
                return crate::slots::describe_open(&self.keys, row).map(drop);
            }
            // a kind of a newer program is a leaf, no more
            number if DocumentKind::of(number).is_none() => return Ok(()),
            _ => return Document::open(&self.keys, row).map(drop),
        }
        let entry = Entry::open(&self.keys, row)?;
        let key = match row.kind {
            kind::HISTORY => entry.record.as_bytes().to_vec(),
            _ => self.keys.record_key(&entry.metadata.name),
        };
        if key != row.key {
            return Err(VaultError::damaged("a secret stands under the key of another name"));
        }
        if entry.has_value() {
            bodies.insert((row.id.clone(), row.value_version));
        }
        self.value(&entry).map(drop)
    }

    fn verify_nodes(&self, snapshot: &Snapshot<'_>, root: &[u8], groups: &[Vec<u8>], report: &mut Report) {
        if self.keys.tree.root(root) != snapshot.manifest.tree {
            report.problems.push("the rows are not those that the manifest vouches for".to_owned());
        }
        // a node for what is vouched for as empty is one of no known place
        let empty = |node: Result<Vec<u8>, VaultError>| {
            move |child: u16| {
                node.as_ref().is_ok_and(|node| is_nothing(tree::child(node, usize::from(child))))
            }
        };
        let (no_group, no_chunk) = (empty(snapshot.root()), empty(snapshot.recent_root()));
        let mut expected = BTreeSet::new();
        for (number, group) in (0u16..).zip(groups) {
            if is_nothing(group) && no_group(number) {
                continue;
            }
            match snapshot.group(number) {
                Ok(node) if node == *group => {}
                Ok(_) => report.problems.push(format!("node {} does not fit its rows", number + 1)),
                Err(error) => report.take(Err(error)),
            }
            if !is_nothing(group) {
                expected.insert(1 + i64::from(number));
            }
        }
        expected.insert(0);
        for chunk in (0..FAN as u16).filter(|chunk| !no_chunk(*chunk)) {
            match snapshot.chunk(chunk) {
                Ok(tags) if is_nothing(&tags) => {}
                Ok(_) => drop(expected.insert(CHUNK + i64::from(chunk))),
                Err(error) => report.take(Err(error)),
            }
        }
        match self.store.node_ids() {
            Ok(ids) if ids.iter().all(|id| expected.contains(id) || *id == RECENT_ROOT) => {}
            Ok(_) => report.problems.push("there are nodes of no known place".to_owned()),
            Err(error) => report.take(Err(error)),
        }
    }
}

impl Report {
    fn take(&mut self, result: Result<(), VaultError>) {
        if let Err(error) = result {
            let line = error.to_string();
            if !self.problems.contains(&line) {
                self.problems.push(line);
            }
        }
    }
}
