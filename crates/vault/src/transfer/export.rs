//! Secrets on their way out.

use super::{Exported, Past};
use crate::{
    Entry, Vault, VaultError,
    entry::{ValueAt, signed},
    keys::RoleKeys,
    scan::{self, Loaded},
    seal::Room,
    snapshot::Snapshot,
    store::{Store, kind},
};

impl Vault {
    /// All secrets that are wanted, with their values, and with their earlier values if `history` says so. The whole vault is
    /// proven before anything is given out, and all of it is of one generation.
    ///
    /// `pack` is given some of them at a time, on any thread, and keeps of them what the caller needs; what it made is
    /// returned in an order that means nothing.
    ///
    /// Earlier links are no values, and are not in [`Portable::history`](crate::Portable::history).
    pub fn export<T: Send>(
        &self,
        wanted: impl Fn(&Entry) -> bool + Sync,
        history: bool,
        pack: impl Fn(Vec<Exported>) -> T + Sync,
    ) -> Result<Vec<T>, VaultError> {
        let keys = &self.keys;
        let snapshot = self.read()?;
        let shelf = if history { Shelf::read(&snapshot, keys)? } else { Shelf::default() };
        let store = self.store.as_ref();
        let read = |each: &mut scan::Each<'_, Ciphertexts>| {
            store.each_row_with_body(kind::SECRET, &mut |row, body| {
                let past = if row.kind == kind::SECRET { shelf.of(store, row.id)? } else { Vec::new() };
                let texts = Ciphertexts { body: body.map(<[u8]>::to_vec), past };
                let len = texts.len();
                each(row, texts, len)
            })
        };
        scan::chunks(&snapshot, read, |rows: &mut [Loaded<Ciphertexts>]| {
            let mut secrets = Vec::with_capacity(rows.len());
            let mut room = Room::default();
            for Loaded { row, more } in rows.iter_mut().filter(|loaded| loaded.row.kind == kind::SECRET) {
                let texts = std::mem::take(more);
                let entry = Entry::open_in(&mut room, keys, row)?;
                if wanted(&entry) {
                    secrets.push(opened(keys, entry, texts)?);
                }
            }
            Ok(pack(secrets))
        })
    }
}

/// The ciphertexts of the values of one secret.
#[derive(Default)]
struct Ciphertexts {
    body: Option<Vec<u8>>,
    past: Vec<ShelvedText>,
}

impl Ciphertexts {
    fn len(&self) -> usize {
        let past = self.past.iter().filter_map(|(_, body)| body.as_ref());
        self.body.iter().chain(past).map(Vec::len).sum()
    }
}

fn opened(keys: &RoleKeys, entry: Entry, texts: Ciphertexts) -> Result<Exported, VaultError> {
    let value = entry.open_value(keys, texts.body)?;
    let past = texts.past.into_iter();
    let past = past
        .map(|(shelved, body)| Ok(Past { value: shelved.place.open(keys, body)?, changed: shelved.changed }));
    let history = past.collect::<Result<_, VaultError>>()?;
    let mut exported = Exported::of(entry, value);
    exported.secret.history = history;
    Ok(exported)
}

/// An earlier value, not yet opened.
#[derive(Clone, Copy)]
struct Shelved {
    place: ValueAt,
    changed: i64,
}

/// The same with its ciphertext.
type ShelvedText = (Shelved, Option<Vec<u8>>);

/// All earlier values, in the order of their records and versions, which is that of their rows.
#[derive(Default)]
struct Shelf(Vec<Shelved>);

impl Shelf {
    fn read(snapshot: &Snapshot<'_>, keys: &RoleKeys) -> Result<Self, VaultError> {
        let shelved = scan::map(snapshot, |row, room| {
            let entry = (row.kind == kind::HISTORY).then(|| Entry::open_in(room, keys, row)).transpose()?;
            let changed = entry.as_ref().map_or(0, |entry| entry.metadata.changed);
            Ok(entry.and_then(|entry| entry.value_at()).map(|place| Shelved { place, changed }))
        })?;
        Ok(Self(shelved))
    }

    /// The earlier values of a record with their ciphertexts.
    fn of(&self, store: &dyn Store, record: &[u8]) -> Result<Vec<ShelvedText>, VaultError> {
        let first = self.0.partition_point(|shelved| shelved.place.record.as_bytes().as_slice() < record);
        let those = self.0[first..].iter().take_while(|shelved| shelved.place.record.as_bytes() == record);
        let with_body =
            |shelved: &Shelved| Ok((*shelved, store.body(record, signed(shelved.place.version)?)?));
        those.map(with_body).collect()
    }
}
