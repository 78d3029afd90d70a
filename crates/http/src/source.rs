//! Bytes of a body that are read while they are sent, so that no body has to fit into memory.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::error::HttpError;

/// How much is read at a time.
const PIECE: usize = 64 * 1024;
/// How many pieces of a stream may wait for the connection.
const WAITING: usize = 2;

/// Where a body, or a part of one, is read from while it is sent: as it is, references in it are plain text.
#[derive(Clone)]
pub struct Source(Arc<Inner>);

struct Inner {
    name: String,
    kind: Kind,
}

enum Kind {
    /// Its length is known before the first byte is sent, and it can be read again.
    File { file: File, start: u64, length: u64 },
    /// Neither is so. It is gone once somebody has begun to read it.
    Stream(Mutex<Option<Box<dyn Read + Send>>>),
}

impl Source {
    /// A file that is open. One without a length of its own, such as a pipe, is read as a stream.
    ///
    /// # Errors
    /// The system's, when it tells nothing about the file.
    pub fn file(file: File, name: impl Into<String>) -> io::Result<Self> {
        let facts = file.metadata()?;
        if !facts.is_file() {
            return Ok(Self::stream(file, name));
        }
        let kind = Kind::File { file, start: 0, length: facts.len() };
        Ok(Self(Arc::new(Inner { name: name.into(), kind })))
    }

    /// The same from `offset` on (`-C`); `None` for one that ends before it, or that has no length.
    ///
    /// # Errors
    /// The system's, when it gives no second handle of the file.
    pub fn file_from(file: File, name: impl Into<String>, offset: u64) -> io::Result<Option<Self>> {
        let facts = file.metadata()?;
        let Some(length) = facts.len().checked_sub(offset).filter(|_| facts.is_file()) else {
            return Ok(None);
        };
        let kind = Kind::File { file, start: offset, length };
        Ok(Some(Self(Arc::new(Inner { name: name.into(), kind }))))
    }

    /// What `reader` gives until its end, once.
    pub fn stream(reader: impl Read + Send + 'static, name: impl Into<String>) -> Self {
        let kind = Kind::Stream(Mutex::new(Some(Box::new(reader))));
        Self(Arc::new(Inner { name: name.into(), kind }))
    }

    /// How many bytes it holds; `None` for a stream.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match self.0.kind {
            Kind::File { length, .. } => Some(length),
            Kind::Stream(_) => None,
        }
    }

    /// Whether it was a stream that somebody has begun to read.
    pub(crate) fn is_spent(&self) -> bool {
        matches!(&self.0.kind, Kind::Stream(reader) if locked(reader).is_none())
    }

    /// Begins to read it. Nothing of a stream is taken before the first piece is asked for.
    pub(crate) fn open(&self) -> Result<Reading, HttpError> {
        let state = match &self.0.kind {
            Kind::File { .. } => State::File { done: 0, buffer: BytesMut::new() },
            Kind::Stream(_) if self.is_spent() => return Err(self.spent()),
            Kind::Stream(_) => State::Waiting,
        };
        Ok(Reading { source: self.clone(), state })
    }

    fn spent(&self) -> HttpError {
        HttpError::BodyNotRepeatable { what: self.0.name.clone() }
    }

    fn unreadable(&self, source: io::Error) -> HttpError {
        HttpError::BodyUnreadable { what: self.0.name.clone(), source }
    }
}

/// A source that is being read.
pub(crate) struct Reading {
    source: Source,
    state: State,
}

enum State {
    File { done: u64, buffer: BytesMut },
    Waiting,
    Stream(mpsc::Receiver<io::Result<Zeroizing<Vec<u8>>>>),
}

impl Reading {
    /// The next piece, never empty; `None` at the end.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, HttpError>> {
        loop {
            match (&mut self.state, &self.source.0.kind) {
                (State::File { done, buffer }, Kind::File { file, start, length }) => {
                    let piece = next_of_file(file, *start, *length, done, buffer);
                    return Poll::Ready(match piece {
                        Ok(Some(piece)) => Ok(Some(piece).filter(|piece| !piece.is_empty())),
                        Ok(None) => Err(HttpError::BodyChanged { what: self.source.0.name.clone() }),
                        Err(error) => Err(self.source.unreadable(error)),
                    });
                }
                (State::Waiting, Kind::Stream(reader)) => {
                    let Some(reader) = locked(reader).take() else {
                        return Poll::Ready(Err(self.source.spent()));
                    };
                    self.state = State::Stream(read_aside(reader));
                }
                (State::Stream(pieces), _) => {
                    return Poll::Ready(match ready!(pieces.poll_recv(cx)) {
                        Some(Ok(piece)) => Ok(Some(Bytes::from_owner(Owned(piece)))),
                        Some(Err(error)) => Err(self.source.unreadable(error)),
                        None => Ok(None),
                    });
                }
                _ => return Poll::Ready(Ok(None)),
            }
        }
    }
}

/// The next piece of a file, empty at its end; `None` if it is not as long as it was.
///
/// The end is looked at before the last piece is handed out: a file that somebody still writes to must not pass for
/// a whole one.
fn next_of_file(
    file: &File,
    start: u64,
    length: u64,
    done: &mut u64,
    buffer: &mut BytesMut,
) -> io::Result<Option<Bytes>> {
    let left = length - *done;
    if left == 0 {
        return Ok(Some(Bytes::new()));
    }
    buffer.resize(usize::try_from(left).unwrap_or(PIECE).min(PIECE), 0);
    let count = loop {
        match read_at(file, buffer, start + *done) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => break result?,
        }
    };
    if count == 0 || (count as u64 == left && file.metadata()?.len() != start + length) {
        return Ok(None);
    }
    *done += count as u64;
    buffer.truncate(count);
    Ok(Some(buffer.split().freeze()))
}

/// Reads at a place of its own: the handle's position is shared by everybody who sends the file.
#[cfg(unix)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// A stream may keep its reader waiting for ever, so a thread does that; it ends with the stream, or when nobody
/// wants another piece.
fn read_aside(mut reader: Box<dyn Read + Send>) -> mpsc::Receiver<io::Result<Zeroizing<Vec<u8>>>> {
    let (sender, pieces) = mpsc::channel(WAITING);
    std::thread::spawn(move || {
        loop {
            let mut piece = Zeroizing::new(vec![0; PIECE]);
            let read = match reader.read(&mut piece) {
                Ok(0) => return,
                Ok(count) => {
                    piece.truncate(count);
                    Ok(piece)
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let failed = read.is_err();
            if sender.blocking_send(read).is_err() || failed {
                return;
            }
        }
    });
    pieces
}

/// Bytes that are wiped when the last view of them is gone.
pub(crate) struct Owned(pub(crate) Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Write;

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    fn read(source: &Source) -> Result<Vec<u8>, HttpError> {
        let mut reading = source.open()?;
        runtime().block_on(async {
            let mut whole = Vec::new();
            while let Some(piece) = poll_fn(|cx| reading.poll_piece(cx)).await? {
                assert!(!piece.is_empty() && piece.len() <= PIECE);
                whole.extend_from_slice(&piece);
            }
            Ok(whole)
        })
    }

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn a_file_is_read_in_pieces_and_again() {
        let bytes: Vec<u8> = (0..PIECE * 2 + 7).map(|at| (at % 251) as u8).collect();
        let source = Source::file(file_of(&bytes), "big").unwrap();
        assert_eq!(source.length(), Some(bytes.len() as u64));
        assert_eq!(read(&source).unwrap(), bytes);
        assert_eq!(read(&source).unwrap(), bytes);
        assert_eq!(read(&Source::file(file_of(b""), "empty").unwrap()).unwrap(), b"");
    }

    #[test]
    fn a_file_can_be_sent_from_somewhere_on() {
        let from = |offset| Source::file_from(file_of(b"0123456789"), "digits", offset).unwrap();
        assert_eq!(read(&from(4).unwrap()).unwrap(), b"456789");
        assert_eq!(read(&from(10).unwrap()).unwrap(), b"");
        assert!(from(11).is_none());
    }

    #[test]
    fn hostile_a_file_that_changes_its_length_is_not_sent_to_its_end() {
        for (length, changed) in [(PIECE * 2, PIECE * 3), (PIECE * 2, PIECE + 1), (10, 11), (10, 3), (10, 0)]
        {
            let file = file_of(&vec![b'x'; length]);
            let source = Source::file(file.try_clone().unwrap(), "a").unwrap();
            file.set_len(changed as u64).unwrap();
            assert_eq!(read(&source).err().unwrap().kind(), "body_changed", "{length} to {changed}");
        }
    }

    #[test]
    fn a_stream_is_read_once() {
        let source = Source::stream(&b"from elsewhere"[..], "stdin");
        assert_eq!(source.length(), None);
        // opened and left alone: nothing is lost
        drop(source.open().unwrap());
        assert!(!source.is_spent());
        assert_eq!(read(&source).unwrap(), b"from elsewhere");
        assert!(source.is_spent());
        assert_eq!(read(&source).err().unwrap().kind(), "body_not_repeatable");
    }

    #[test]
    fn a_stream_that_fails_says_so() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        assert_eq!(read(&Source::stream(Broken, "pipe")).err().unwrap().kind(), "body_unreadable");
    }
}
