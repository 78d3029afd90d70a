//! Files on their way out.

use std::io::{self, Write};

use zeroize::Zeroizing;

use crate::Notices;

/// How long the pieces are that a file is gathered in.
const PIECE_LEN: usize = 1 << 16;

/// A file that is ready to be written. Nothing can be wrong with it any more but the place that it goes to, and the system's
/// random generator.
pub struct Outgoing<'a> {
    /// What its format cannot say, or says differently.
    pub notices: Notices,
    emit: Box<Emit<'a>>,
}

/// Writes a file, bit by bit.
pub(crate) type Emit<'a> = dyn FnOnce(&mut dyn Write) -> io::Result<()> + 'a;

impl<'a> Outgoing<'a> {
    pub(crate) fn new(notices: Notices, emit: impl FnOnce(&mut dyn Write) -> io::Result<()> + 'a) -> Self {
        Self { notices, emit: Box::new(emit) }
    }

    /// Writes it, bit by bit: never is the whole of it in memory.
    ///
    /// # Errors
    /// Those of `out`, and of the system's random generator where the file is sealed.
    pub fn write_to(self, out: &mut dyn Write) -> io::Result<()> {
        (self.emit)(out)
    }

    /// The whole of it in memory, for files that are known to be small.
    ///
    /// # Errors
    /// That of the system's random generator.
    pub fn to_bytes(self) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut pieces = Pieces::default();
        self.write_to(&mut pieces)?;
        Ok(pieces.whole())
    }
}

/// A file whose bytes are there already.
impl<'a> From<&'a [u8]> for Outgoing<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::new(Notices::default(), |out| out.write_all(bytes))
    }
}

/// Bytes that came one after the other. None of them is ever moved but into what is given out.
#[derive(Default)]
struct Pieces(Vec<Zeroizing<Vec<u8>>>);

impl Pieces {
    fn whole(self) -> Zeroizing<Vec<u8>> {
        let mut whole = Zeroizing::new(Vec::with_capacity(self.0.iter().map(|piece| piece.len()).sum()));
        self.0.iter().for_each(|piece| whole.extend_from_slice(piece));
        whole
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.last().is_none_or(|piece| piece.len() == PIECE_LEN) {
            self.0.push(Zeroizing::new(Vec::with_capacity(PIECE_LEN)));
        }
        let last = self.0.len() - 1;
        let piece = &mut self.0[last];
        let taken = bytes.len().min(PIECE_LEN - piece.len());
        piece.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Counts what would be written.
#[derive(Default)]
pub(crate) struct Length(pub usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
