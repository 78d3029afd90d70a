//! The audit log as an attacker left it.

use std::sync::OnceLock;

use subrosa_vault::{
    Action, AuditEntry, AuditKey, AuditLog, Durability, Epoch, Head, Outcome, RootKey, VaultId,
};

use crate::input::Numbers;
use crate::scratch::{folder, write_private};

const VAULT: VaultId = VaultId::from_bytes([7; 16]);
const ENTRIES: u32 = 4;
/// The manifest vouches for so many of them.
const SEALED: usize = 2;

struct Sound {
    bytes: Vec<u8>,
    heads: Vec<Head>,
}

/// `r` and a file, or `p` and patches of a sound one: what is read is what was written, from the first entry on.
pub fn audit_log(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let sound = sound();
    let mut bytes = sound.bytes.clone();
    match kind {
        b'r' => bytes = data.to_vec(),
        b'p' => patch(&mut bytes, &mut Numbers(data)),
        _ => return,
    }
    let folder = folder();
    write_private(&folder.path().join("audit.log"), &bytes);
    let log = open(folder.path()).sealed_at(Some(sound.heads[SEALED - 1]));
    let _ = log.head();
    let report = log.verify(None);
    let read = log.read(|_| true);
    if let Ok(records) = &read {
        assert!((SEALED..=ENTRIES as usize).contains(&records.len()), "{} entries", records.len());
        for (number, record) in (1..).zip(records) {
            assert_eq!((record.number, &record.entry), (number, &entry(number as u32)));
        }
    }
    if let Ok(report) = &report {
        let head = sound.heads[report.entries as usize - 1];
        assert_eq!(report.head, Some(head), "another chain");
    }
    assert_eq!(read.is_ok(), report.is_ok());
    if log.append(&[entry(77)], Durability::Process).is_ok() {
        // it looks at the end alone; what is before that it leaves to whoever reads all
        if let Ok(records) = log.read(|_| true) {
            assert_eq!(records.last().map(|record| &record.entry), Some(&entry(77)));
            assert_eq!(Some(records.len()), read.ok().map(|before| before.len() + 1));
        }
    }
}

fn open(folder: &std::path::Path) -> AuditLog {
    let root = RootKey::from_slice(&[1; 32]).expect("32 bytes");
    AuditLog::open(folder, &VAULT, AuditKey::derive(&root, &VAULT, Epoch(1)), Epoch(1)).expect("a log")
}

fn entry(number: u32) -> AuditEntry {
    AuditEntry {
        time: 1_700_000_000,
        pid: number,
        program: "subrosa".to_owned(),
        action: Action::Send,
        secret: None,
        destination: Some("https://api.example.com".to_owned()),
        outcome: Outcome::Allowed,
    }
}

fn sound() -> &'static Sound {
    static SOUND: OnceLock<Sound> = OnceLock::new();
    SOUND.get_or_init(|| {
        let folder = folder();
        let log = open(folder.path());
        let append = |number| log.append(&[entry(number)], Durability::Process).expect("an entry");
        let heads = (1..=ENTRIES).map(append).collect();
        Sound { bytes: std::fs::read(folder.path().join("audit.log")).expect("a log"), heads }
    })
}

/// Bytes are changed, blocks are moved, copied and taken out, the end is cut.
fn patch(bytes: &mut Vec<u8>, numbers: &mut Numbers<'_>) {
    const BLOCK: usize = 128;
    while !numbers.is_empty() && !bytes.is_empty() {
        let blocks = bytes.len() / BLOCK;
        match numbers.byte() {
            b'x' => {
                let at = numbers.below(bytes.len());
                bytes[at] ^= numbers.byte().max(1);
            }
            b'c' => bytes.truncate(numbers.below(bytes.len() + 1)),
            b'd' if blocks > 0 => {
                let at = numbers.below(blocks) * BLOCK;
                let end = (at + (1 + numbers.below(blocks)) * BLOCK).min(bytes.len());
                bytes.drain(at..end);
            }
            b'm' if blocks > 0 => {
                let at = numbers.below(blocks) * BLOCK;
                let copy =
                    bytes[at..].iter().take((1 + numbers.below(4)) * BLOCK).copied().collect::<Vec<_>>();
                let to = numbers.below(blocks + 1) * BLOCK;
                bytes.splice(to..to, copy);
            }
            b'a' => {
                let length = numbers.below(512);
                bytes.extend_from_slice(numbers.bytes(length));
            }
            _ => return,
        }
        if bytes.len() > 64 << 10 {
            return;
        }
    }
}
