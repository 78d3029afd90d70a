//! Reading a log from its beginning, every record proven (section 6).

use std::io::{BufReader, Read};

use super::{
    AuditError, AuditLog, AuditRecord, Head,
    file::{Access, LogFile},
    record::{BLOCK, follow, record_length},
    tail::Tail,
};

/// What is shown each proven entry: the head that it makes, and its plain text.
type Visit<'a> = dyn FnMut(Head, &[u8]) -> Result<(), AuditError> + 'a;

/// What a complete check of a sound log found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditReport {
    /// Number of entries.
    pub entries: u64,
    /// The head, or `None` if there is no entry.
    pub head: Option<Head>,
    /// Entries after the expected head: whoever can write the file could have taken others from among or after them.
    pub unsealed: u64,
    /// Bytes after the last entry, which a crash left there or somebody damaged. The next append cuts them.
    pub torn: u64,
}

impl AuditLog {
    /// The entries that `keep` wants, in their order, after each one of the log has been proven.
    ///
    /// # Errors
    /// [`AuditError::Tampered`] if any entry of the log is not what was written; [`AuditError::NeedsNewer`] if one was written by a
    /// newer version.
    pub fn read(&self, mut keep: impl FnMut(&AuditRecord) -> bool) -> Result<Vec<AuditRecord>, AuditError> {
        let mut kept = Vec::new();
        let Some((file, tail)) = self.file_to_walk(None)? else { return Ok(kept) };
        self.walk(&file, &tail, None, &mut |head, plain| {
            let entry = serde_json::from_slice(plain);
            let entry = entry.map_err(|_| AuditError::NeedsNewer(self.path.clone()))?;
            let record = AuditRecord { number: head.count, entry };
            if keep(&record) {
                kept.push(record);
            }
            Ok(())
        })?;
        Ok(kept)
    }

    /// Checks every entry, and that `expected`, the head in the vault's manifest, is the head of one of them.
    ///
    /// # Errors
    /// [`AuditError::Tampered`] with the first entry that is missing or is not what was written.
    pub fn verify(&self, expected: Option<&Head>) -> Result<AuditReport, AuditError> {
        let sealed = expected.or(self.sealed.as_ref()).map_or(0, |head| head.count);
        let Some((file, tail)) = self.file_to_walk(expected)? else {
            return Ok(AuditReport { entries: 0, head: None, unsealed: 0, torn: 0 });
        };
        self.walk(&file, &tail, expected, &mut |_, _| Ok(()))?;
        let entries = tail.head.count;
        let head = (entries > 0).then_some(tail.head);
        Ok(AuditReport { entries, head, unsealed: entries - sealed, torn: tail.torn() })
    }

    /// The file and its end, no longer locked: what stands before that end never changes.
    fn file_to_walk(&self, expected: Option<&Head>) -> Result<Option<(LogFile, Tail)>, AuditError> {
        let Some(file) = self.file(Access::Read)? else {
            return self.refuse_cut(&self.chain.genesis(), expected).map(|()| None);
        };
        let tail = file.tail(&self.chain)?;
        file.unlock()?;
        Ok(Some((file, tail)))
    }

    /// Proves each record up to the end and shows it; demands the sealed and the expected head among them.
    pub(super) fn walk(
        &self,
        file: &LogFile,
        tail: &Tail,
        expected: Option<&Head>,
        visit: &mut Visit<'_>,
    ) -> Result<(), AuditError> {
        let mut reader = BufReader::with_capacity(1 << 16, file.reader_at(BLOCK as u64)?);
        let (mut at, mut head) = (BLOCK as u64, self.chain.genesis());
        self.refuse_other(&head, expected)?;
        while at < tail.end {
            let tampered = || AuditError::Tampered { at: head.count + 1 };
            let record = next_record(&mut reader, tail.end - at).map_err(AuditError::reading(file.path()))?;
            let record = record.ok_or_else(tampered)?;
            let next = follow(&head, &record).ok_or_else(tampered)?;
            let plain = self.chain.open(&head, &record).ok_or_else(tampered)?;
            self.refuse_other(&next, expected)?;
            visit(next, &plain)?;
            head = next;
            at += record.len() as u64;
        }
        self.refuse_cut(&head, expected)
    }
}

/// The next record of a file that has `left` bytes; `None` if the length in front of it cannot be.
fn next_record(reader: &mut impl Read, left: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut framed = [0; 4];
    reader.read_exact(&mut framed)?;
    let Some(length) = record_length(framed).filter(|length| *length as u64 <= left) else { return Ok(None) };
    let mut record = vec![0; length];
    record[..framed.len()].copy_from_slice(&framed);
    reader.read_exact(&mut record[framed.len()..])?;
    Ok(Some(record))
}
