//! The end of a log: its last record, what a crash left after it, and the way back from it (sections 4 and 5).

use super::{
    AuditError, Head,
    file::LogFile,
    record::{BLOCK, Chain, TRAILER_LEN, Trailer, follow},
};

const HEADER_END: u64 = BLOCK as u64;

/// Where a log ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    /// The last record's head; that of the empty log if there is no record.
    pub head: Head,
    /// The place after the last record, or after the header; 0 if the header is still to be written.
    pub end: u64,
    /// Length of the file.
    pub length: u64,
}

impl Tail {
    /// That of a log which has a header and nothing else.
    pub fn of_empty(chain: &Chain) -> Self {
        Self { head: chain.genesis(), end: HEADER_END, length: HEADER_END }
    }

    pub fn is_blank(&self) -> bool {
        self.end == 0
    }

    /// Bytes that a crash left after the last record.
    pub fn torn(&self) -> u64 {
        self.length - self.end
    }
}

/// A record and the heads before and after it, of which only their fitting together is known.
struct Link {
    before: Head,
    head: Head,
    record: Vec<u8>,
}

impl LogFile {
    /// Finds the last record that a holder of the key wrote after the one that stands before it.
    ///
    /// # Errors
    /// [`AuditError::Tampered`] at a record that is hashed rightly and does not open: no crash leaves that.
    pub fn tail(&self, chain: &Chain) -> Result<Tail, AuditError> {
        let length = self.length()?;
        let mut end = length - length % HEADER_END;
        while end > HEADER_END {
            if let Some(link) = self.record_before(end)? {
                if chain.open(&link.before, &link.record).is_none() {
                    return Err(AuditError::Tampered { at: link.head.count });
                }
                return Ok(Tail { head: link.head, end, length });
            }
            end -= HEADER_END;
        }
        let begun = end == HEADER_END && self.epoch(chain)?.is_some();
        Ok(Tail { head: chain.genesis(), end: if begun { HEADER_END } else { 0 }, length })
    }

    /// Goes back from the last record to an earlier head, recomputing each chain hash.
    ///
    /// # Errors
    /// [`AuditError::Tampered`] if it does not come to that head.
    pub fn prove_ancestor(&self, earlier: &Head, tail: &Tail) -> Result<(), AuditError> {
        let (mut head, mut end) = (tail.head, tail.end);
        while head.count > earlier.count {
            let link = self.record_before(end)?.filter(|link| link.head == head);
            let Some(link) = link else { return Err(AuditError::Tampered { at: head.count }) };
            head = link.before;
            end -= link.record.len() as u64;
        }
        if head == *earlier { Ok(()) } else { Err(AuditError::Tampered { at: head.count }) }
    }

    /// The record that ends at `end`, if framing, number and chain hash fit the trailer before it.
    fn record_before(&self, end: u64) -> Result<Option<Link>, AuditError> {
        let trailer = Trailer::of(&self.read_at(end - TRAILER_LEN as u64, TRAILER_LEN)?);
        let Some(length) = trailer.map(|trailer| trailer.length) else { return Ok(None) };
        let Some(start) = end.checked_sub(length as u64).filter(|start| *start >= HEADER_END) else {
            return Ok(None);
        };
        let mut record = self.read_at(start - TRAILER_LEN as u64, TRAILER_LEN + length)?;
        let before = Trailer::head_of(&record[..TRAILER_LEN]);
        record.drain(..TRAILER_LEN);
        let Some(before) = before else { return Ok(None) };
        Ok(follow(&before, &record).map(|head| Link { before, head, record }))
    }
}
