//! Work on every row of a snapshot, on all processors, with the proof that these were all the rows there are.
//!
//! One thread reads: the engine's connection is not shared. Rows go to the others in chunks whose memory comes back to be
//! used again, so that a vault of any size is walked in a few hundred kilobytes beside the answers; where the others do
//! not keep up, the reader works too.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread::{self, Scope, ScopedJoinHandle},
};

use crate::{
    VaultError,
    seal::Room,
    snapshot::Snapshot,
    store::{Row, RowRef},
    tree::{Builder, Hash, Tree, bucket_of},
};

/// Rows in a chunk: some microseconds of work each, so that handing one over costs next to nothing.
const CHUNK: usize = 128;
/// Chunks that wait for a worker.
const WAITING: usize = 4;

/// Bytes beside the rows after which a chunk counts as full, so that long values do not wait by the hundred.
const CHUNK_LEN: usize = 1 << 20;

/// Calls `work` with every row, and with memory to open its seals in, and returns what it answered, in the order of the rows, once all of them are proven.
pub(crate) fn map<T: Send>(
    snapshot: &Snapshot<'_>,
    work: impl Fn(&Row, &mut Room) -> Result<Option<T>, VaultError> + Sync,
) -> Result<Vec<T>, VaultError> {
    let read = |each: &mut Each<'_, ()>| snapshot.store.each_row(&mut |row| each(row, (), 0));
    let parts = chunks(snapshot, read, |rows: &mut [Loaded<()>]| {
        let mut answers = Vec::with_capacity(rows.len());
        let mut room = Room::default();
        for loaded in rows.iter() {
            answers.extend(work(&loaded.row, &mut room)?);
        }
        Ok(answers)
    })?;
    // room for all of them: growing would take as much again
    let mut all = Vec::with_capacity(parts.iter().map(Vec::len).sum());
    parts.into_iter().for_each(|part| all.extend(part));
    Ok(all)
}

/// What takes a row, what was read along with it, and how many bytes that has.
pub(crate) type Each<'e, E> = dyn FnMut(RowRef<'_>, E, usize) -> Result<(), VaultError> + 'e;

/// The same with several rows at a time. `read` gives every row, in the order of their places, and with each whatever else
/// the work on it needs.
pub(crate) fn chunks<E: Default + Send, T: Send>(
    snapshot: &Snapshot<'_>,
    read: impl FnOnce(&mut Each<'_, E>) -> Result<(), VaultError>,
    work: impl Fn(&mut [Loaded<E>]) -> Result<T, VaultError> + Sync,
) -> Result<Vec<T>, VaultError> {
    let tree = &snapshot.keys.tree;
    let proof = Mutex::new(Proof::new(tree));
    let work = |chunk: &mut Chunk<E>| chunk.work(tree, &work, &proof);
    let (full, waiting) = sync_channel(WAITING);
    let waiting = Mutex::new(waiting);
    let (empty, emptied) = channel();
    let mut parts = thread::scope(|scope| {
        let mut reader = Reader { full, emptied, parts: Vec::new(), chunk: Chunk::default() };
        let mut crew = Vec::new();
        read(&mut |row, more, len| {
            if reader.chunk.is_full() {
                // a small vault is done by now, and needs no thread
                if crew.is_empty() {
                    crew = hire(scope, &work, &waiting, &empty);
                }
                reader.hand_over(&work);
            }
            reader.chunk.push(row, more, len);
            Ok(())
        })?;
        let Reader { full, mut parts, mut chunk, .. } = reader;
        parts.push(work(&mut chunk));
        drop(full);
        parts.extend(work_through(&waiting, work, drop));
        for worker in crew {
            parts.extend(worker.join().expect("work on rows does not panic"));
        }
        Ok::<_, VaultError>(parts)
    })?;
    parts.sort_by_key(|part| part.number);
    let answers = parts.into_iter().map(|part| part.answer).collect::<Result<_, _>>()?;
    let Proof { builder, count, .. } = proof.into_inner().expect("no worker panics");
    snapshot.check_all(builder, count)?;
    Ok(answers)
}

/// The tree over the rows of all chunks, which come from the workers in about their order.
struct Proof<'t> {
    builder: Builder<'t>,
    count: u64,
    next: usize,
    early: BTreeMap<usize, Leaves>,
}

/// The leaves of a chunk's rows with their buckets.
type Leaves = Vec<(u16, Hash)>;

impl<'t> Proof<'t> {
    fn new(tree: &'t Tree) -> Self {
        Self { builder: Builder::new(tree), count: 0, next: 0, early: BTreeMap::new() }
    }

    fn add(&mut self, number: usize, leaves: Leaves) {
        self.early.insert(number, leaves);
        while let Some(leaves) = self.early.remove(&self.next) {
            self.next += 1;
            self.count += leaves.len() as u64;
            leaves.into_iter().for_each(|(bucket, leaf)| self.builder.push_leaf(bucket, leaf));
        }
    }
}

/// A row, and what was read along with it.
#[derive(Default)]
pub(crate) struct Loaded<E> {
    pub row: Row,
    pub more: E,
}

/// Rows that follow each other, in memory that is used again.
#[derive(Default)]
struct Chunk<E> {
    number: usize,
    rows: Vec<Loaded<E>>,
    used: usize,
    len: usize,
}

/// What came of a chunk.
struct Part<T> {
    number: usize,
    answer: Result<T, VaultError>,
}

impl<E: Default> Chunk<E> {
    fn is_full(&self) -> bool {
        self.used == CHUNK || self.len >= CHUNK_LEN
    }

    fn push(&mut self, row: RowRef<'_>, more: E, len: usize) {
        if self.used == self.rows.len() {
            self.rows.push(Loaded::default());
        }
        let loaded = &mut self.rows[self.used];
        loaded.row.assign(row);
        loaded.more = more;
        self.used += 1;
        self.len += len;
    }

    fn work<T>(
        &mut self,
        tree: &Tree,
        work: impl Fn(&mut [Loaded<E>]) -> Result<T, VaultError>,
        proof: &Mutex<Proof<'_>>,
    ) -> Part<T> {
        let rows = &mut self.rows[..self.used];
        let leaves = rows.iter().map(|loaded| {
            let row = &loaded.row;
            Ok((bucket_of(&row.key)?, tree.leaf(row.borrowed())))
        });
        let leaves = leaves.collect::<Result<Leaves, VaultError>>();
        let answer = leaves.and_then(|leaves| {
            proof.lock().expect("no worker panics").add(self.number, leaves);
            work(rows)
        });
        Part { number: self.number, answer }
    }
}

/// The thread that reads, and what it did itself.
struct Reader<E, T> {
    full: SyncSender<Chunk<E>>,
    emptied: Receiver<Chunk<E>>,
    parts: Vec<Part<T>>,
    chunk: Chunk<E>,
}

impl<E: Default, T> Reader<E, T> {
    /// Gives the full chunk to a worker, or works on it where all have enough; goes on with an empty one.
    fn hand_over(&mut self, work: &impl Fn(&mut Chunk<E>) -> Part<T>) {
        let next = self.chunk.number + 1;
        let full = std::mem::take(&mut self.chunk);
        self.chunk = match self.full.try_send(full) {
            Ok(()) => self.emptied.try_recv().unwrap_or_default(),
            Err(refused) => {
                let (std::sync::mpsc::TrySendError::Full(mut chunk)
                | std::sync::mpsc::TrySendError::Disconnected(mut chunk)) = refused;
                self.parts.push(work(&mut chunk));
                chunk
            }
        };
        (self.chunk.number, self.chunk.used, self.chunk.len) = (next, 0, 0);
    }
}

/// A worker for every processor but the reader's.
fn hire<'scope, 'env, E: Send + 'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, 'env>,
    work: &'scope (impl Fn(&mut Chunk<E>) -> Part<T> + Sync),
    waiting: &'scope Mutex<Receiver<Chunk<E>>>,
    empty: &Sender<Chunk<E>>,
) -> Vec<ScopedJoinHandle<'scope, Vec<Part<T>>>> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let start = |empty: Sender<Chunk<E>>| {
        // the reader may have ended: then nobody needs the memory
        scope.spawn(move || work_through(waiting, work, |chunk| drop(empty.send(chunk))))
    };
    (1..processors).map(|_| start(empty.clone())).collect()
}

/// Works on what waits until the reader has ended and nothing is left.
fn work_through<E, T>(
    waiting: &Mutex<Receiver<Chunk<E>>>,
    work: impl Fn(&mut Chunk<E>) -> Part<T>,
    done: impl Fn(Chunk<E>),
) -> Vec<Part<T>> {
    let mut parts = Vec::new();
    loop {
        let next = waiting.lock().expect("no worker panics").recv();
        let Ok(mut chunk) = next else { return parts };
        parts.push(work(&mut chunk));
        done(chunk);
    }
}
