//! Work on every row of a snapshot, on all processors, with the proof that these were all the rows there are.
//!
//! One thread reads: the engine's connection is not shared. Rows go to the others in chunks whose memory comes back to be
//! used again, so that a vault of any size is walked in a few hundred kilobytes beside the answers; where the others do
//! not keep up, the reader works too.

use std::{
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread::{self, Scope, ScopedJoinHandle},
};

use crate::{
    VaultError,
    snapshot::Snapshot,
    store::{Row, RowRef},
    tree::{Builder, Hash, Tree, bucket_of},
};

/// Rows in a chunk: some microseconds of work each, so that handing one over costs next to nothing.
const CHUNK: usize = 128;
/// Chunks that wait for a worker.
const WAITING: usize = 4;

/// Calls `work` with every row and returns what it answered, in the order of the rows, once all of them are proven.
pub(crate) fn map<T: Send>(
    snapshot: &Snapshot<'_>,
    work: impl Fn(&Row) -> Result<Option<T>, VaultError> + Sync,
) -> Result<Vec<T>, VaultError> {
    let tree = &snapshot.keys.tree;
    let work = |chunk: &Chunk| chunk.work(tree, &work);
    let (full, waiting) = sync_channel(WAITING);
    let waiting = Mutex::new(waiting);
    let (empty, emptied) = channel();
    let mut parts = thread::scope(|scope| {
        let mut reader = Reader { full, emptied, parts: Vec::new(), chunk: Chunk::default() };
        let mut crew = Vec::new();
        snapshot.store.each_row(&mut |row| {
            if reader.chunk.is_full() {
                // a small vault is done by now, and needs no thread
                if crew.is_empty() {
                    crew = hire(scope, &work, &waiting, &empty);
                }
                reader.hand_over(&work);
            }
            reader.chunk.push(row);
            Ok(())
        })?;
        let Reader { full, mut parts, chunk, .. } = reader;
        parts.push(work(&chunk));
        drop(full);
        parts.extend(work_through(&waiting, work, drop));
        for worker in crew {
            parts.extend(worker.join().expect("work on rows does not panic"));
        }
        Ok::<_, VaultError>(parts)
    })?;
    parts.sort_by_key(|part| part.number);
    prove(snapshot, parts)
}

fn prove<T>(snapshot: &Snapshot<'_>, parts: Vec<Part<T>>) -> Result<Vec<T>, VaultError> {
    let mut builder = Builder::new(&snapshot.keys.tree);
    // room for all of them: growing would take as much again
    let known = |part: &Part<T>| part.result.as_ref().map_or(0, |done| done.answers.len());
    let mut answers = Vec::with_capacity(parts.iter().map(known).sum());
    let mut count = 0;
    for part in parts {
        let done = part.result?;
        count += done.leaves.len() as u64;
        for (bucket, leaf) in done.leaves {
            builder.push_leaf(bucket, leaf);
        }
        answers.extend(done.answers);
    }
    snapshot.check_all(builder, count)?;
    Ok(answers)
}

/// Rows that follow each other, in memory that is used again.
#[derive(Default)]
struct Chunk {
    number: usize,
    rows: Vec<Row>,
    used: usize,
}

/// What came of a chunk.
struct Part<T> {
    number: usize,
    result: Result<Done<T>, VaultError>,
}

/// The leaves of a chunk's rows with their buckets, and the answers.
struct Done<T> {
    leaves: Vec<(u16, Hash)>,
    answers: Vec<T>,
}

impl Chunk {
    fn is_full(&self) -> bool {
        self.used == CHUNK
    }

    fn push(&mut self, row: RowRef<'_>) {
        match self.rows.get_mut(self.used) {
            Some(old) => old.assign(row),
            None => self.rows.push(row.into()),
        }
        self.used += 1;
    }

    fn work<T>(&self, tree: &Tree, work: impl Fn(&Row) -> Result<Option<T>, VaultError>) -> Part<T> {
        let mut done = Done { leaves: Vec::with_capacity(self.used), answers: Vec::with_capacity(self.used) };
        let result = self.rows[..self.used].iter().try_for_each(|row| {
            done.leaves.push((bucket_of(&row.key)?, tree.leaf(row.borrowed())));
            done.answers.extend(work(row)?);
            Ok(())
        });
        Part { number: self.number, result: result.map(|()| done) }
    }
}

/// The thread that reads, and what it did itself.
struct Reader<T> {
    full: SyncSender<Chunk>,
    emptied: Receiver<Chunk>,
    parts: Vec<Part<T>>,
    chunk: Chunk,
}

impl<T> Reader<T> {
    /// Gives the full chunk to a worker, or works on it where all have enough; goes on with an empty one.
    fn hand_over(&mut self, work: &impl Fn(&Chunk) -> Part<T>) {
        let next = self.chunk.number + 1;
        let full = std::mem::take(&mut self.chunk);
        self.chunk = match self.full.try_send(full) {
            Ok(()) => self.emptied.try_recv().unwrap_or_default(),
            Err(refused) => {
                let (std::sync::mpsc::TrySendError::Full(chunk)
                | std::sync::mpsc::TrySendError::Disconnected(chunk)) = refused;
                self.parts.push(work(&chunk));
                chunk
            }
        };
        (self.chunk.number, self.chunk.used) = (next, 0);
    }
}

/// A worker for every processor but the reader's.
fn hire<'scope, 'env, T: Send + 'scope>(
    scope: &'scope Scope<'scope, 'env>,
    work: &'scope (impl Fn(&Chunk) -> Part<T> + Sync),
    waiting: &'scope Mutex<Receiver<Chunk>>,
    empty: &Sender<Chunk>,
) -> Vec<ScopedJoinHandle<'scope, Vec<Part<T>>>> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let start = |empty: Sender<Chunk>| {
        // the reader may have ended: then nobody needs the memory
        scope.spawn(move || work_through(waiting, work, |chunk| drop(empty.send(chunk))))
    };
    (1..processors).map(|_| start(empty.clone())).collect()
}

/// Works on what waits until the reader has ended and nothing is left.
fn work_through<T>(
    waiting: &Mutex<Receiver<Chunk>>,
    work: impl Fn(&Chunk) -> Part<T>,
    done: impl Fn(Chunk),
) -> Vec<Part<T>> {
    let mut parts = Vec::new();
    loop {
        let next = waiting.lock().expect("no worker panics").recv();
        let Ok(chunk) = next else { return parts };
        parts.push(work(&chunk));
        done(chunk);
    }
}
