//! A log in ordinary use, and what crashes leave.

use std::fs;

use super::{
    Action, AuditEntry, Durability, Head, Outcome,
    file::tests::bytes_read,
    scratch::{Scratch, VAULT, bounds, chain, entry, key, programs},
};
use crate::Epoch;

#[test]
fn a_missing_log_is_empty_and_asking_makes_no_file() {
    let scratch = Scratch::new();
    assert_eq!(scratch.log().head().expect("head"), None);
    assert!(scratch.log().read(|_| true).expect("read").is_empty());
    let report = scratch.log().verify(None).expect("verify");
    assert_eq!((report.entries, report.head, report.torn), (0, None, 0));
    assert!(!scratch.path().exists());
}

#[test]
fn what_was_appended_is_read() {
    let scratch = Scratch::new();
    let refused = AuditEntry { secret: None, destination: None, outcome: Outcome::Refused, ..entry(2) };
    let long = AuditEntry { program: "x".repeat(4096), action: Action::Run, ..entry(3) };
    let entries = [entry(1), refused, long];
    scratch.log().append(&entries[..1], Durability::Process).expect("append");
    let head = scratch.log().append(&entries[1..], Durability::Power).expect("append");
    assert_eq!(head.count, 3);
    assert_eq!(scratch.log().head().expect("head"), Some(head));
    let records = scratch.log().read(|_| true).expect("read");
    assert_eq!(records.iter().map(|record| record.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(records.into_iter().map(|record| record.entry).collect::<Vec<_>>(), entries);
    let report = scratch.log().verify(Some(&head)).expect("verify");
    assert_eq!((report.entries, report.head, report.unsealed, report.torn), (3, Some(head), 0, 0));
}

#[test]
fn only_what_is_wanted_is_kept() {
    let (scratch, _) = Scratch::with(9);
    let kept = scratch.log().read(|record| record.number % 4 == 0).expect("read");
    assert_eq!(kept.iter().map(|record| record.number).collect::<Vec<_>>(), [4, 8]);
}

#[test]
fn appending_nothing_answers_the_head() {
    let (scratch, head) = Scratch::with(2);
    assert_eq!(scratch.log().append(&[], Durability::Process).expect("append"), head);
    let empty = Scratch::new();
    assert_eq!(empty.log().append(&[], Durability::Process).expect("append").count, 0);
    assert_eq!(empty.log().head().expect("head"), None);
}

#[test]
fn verify_counts_what_no_manifest_vouches_for() {
    let (scratch, sealed) = Scratch::with(2);
    scratch.add(3);
    assert_eq!(scratch.log().verify(Some(&sealed)).expect("verify").unsealed, 1);
    assert_eq!(scratch.log().sealed_at(Some(sealed)).verify(None).expect("verify").unsealed, 1);
    assert_eq!(scratch.log().verify(None).expect("verify").unsealed, 3);
}

#[test]
fn an_entry_that_is_too_long_adds_nothing() {
    let (scratch, head) = Scratch::with(1);
    let before = scratch.bytes();
    let long = AuditEntry { program: "x".repeat(1 << 16), ..entry(3) };
    let error = scratch.log().append(&[entry(2), long], Durability::Process).expect_err("too long");
    assert_eq!(error.kind(), "audit_too_long");
    assert_eq!(scratch.bytes(), before);
    assert_eq!(scratch.log().head().expect("head"), Some(head));
}

#[test]
fn an_entry_of_a_newer_program_is_kept_and_named() {
    let (scratch, head) = Scratch::with(1);
    let newer = br#"{"time":1,"pid":1,"program":"x","action":"teleport","secret":null,"destination":null,"outcome":"allowed"}"#;
    let (record, _) = chain(1).seal(&head, newer).expect("seal");
    scratch.replace(&[scratch.bytes(), record].concat());
    assert_eq!(scratch.add(3).count, 3);
    assert_eq!(scratch.log().read(|_| true).expect_err("newer").kind(), "audit_needs_newer");
    assert_eq!(scratch.log().verify(None).expect("verify").entries, 3);
}

#[test]
fn hostile_a16_nothing_is_legible() {
    let (scratch, _) = Scratch::with(3);
    let bytes = scratch.bytes();
    for word in ["program", "example", "https", "send", "allowed"] {
        assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
    }
}

#[test]
fn hostile_c35_a_clock_set_back_does_not_change_the_order() {
    let scratch = Scratch::new();
    let earlier = AuditEntry { time: 1_400_000_000, ..entry(2) };
    scratch.log().append(&[entry(1), earlier], Durability::Process).expect("append");
    let times: Vec<_> =
        scratch.log().read(|_| true).expect("read").into_iter().map(|record| record.entry.time).collect();
    assert_eq!(times, [1_700_000_000, 1_400_000_000]);
}

/// What a log must be like after a crash left it ending in `torn` bytes after `whole` entries.
fn check_torn(scratch: &Scratch, head: Option<Head>, whole: u64, torn: u64) {
    assert_eq!(scratch.log().head().expect("head"), head);
    assert_eq!(scratch.programs(1), programs(1..=whole));
    assert_eq!(scratch.log().verify(None).expect("verify").torn, torn);
    let added = scratch.add(whole + 1);
    assert_eq!(added.count, whole + 1);
    assert_eq!(scratch.programs(1), programs(1..=whole + 1));
    assert_eq!(scratch.log().verify(Some(&added)).expect("verify").torn, 0);
}

#[test]
fn hostile_a02_a_tail_torn_at_every_byte_is_cut() {
    let (scratch, head) = Scratch::with(2);
    let start = scratch.bytes().len();
    scratch.add(3);
    let bytes = scratch.bytes();
    for length in start..bytes.len() {
        scratch.replace(&bytes[..length]);
        check_torn(&scratch, Some(head), 2, (length - start) as u64);
    }
}

#[test]
fn a_tail_of_zeros_or_stale_bytes_is_cut() {
    let (scratch, head) = Scratch::with(2);
    let bytes = scratch.bytes();
    // stale: the records once more, without what stood before them
    let stale = &bytes[bounds(&bytes)[2]..];
    for length in [1, 43, 44, 128, 384, 5000, 1 << 17] {
        for filler in
            [vec![0; length], vec![0xff; length], stale.iter().copied().cycle().take(length).collect()]
        {
            scratch.replace(&[bytes.clone(), filler].concat());
            check_torn(&scratch, Some(head), 2, length as u64);
        }
    }
}

#[test]
fn a_first_record_or_header_torn_at_every_byte_is_made_anew() {
    let (scratch, _) = Scratch::with(1);
    let bytes = scratch.bytes();
    for length in 0..bytes.len() {
        scratch.replace(&bytes[..length]);
        assert_eq!(scratch.log().head().expect("head"), None, "{length}");
        assert_eq!(scratch.add(1).count, 1, "{length}");
        assert_eq!(scratch.programs(1), programs(1..=1), "{length}");
    }
    for length in 1..=128 {
        scratch.replace(&vec![0; length]);
        assert_eq!(scratch.log().head().expect("head"), None);
        assert_eq!(scratch.add(1).count, 1);
    }
}

#[test]
fn a_torn_batch_leaves_the_entries_that_are_whole() {
    let (scratch, _) = Scratch::with(1);
    scratch.log().append(&(2..=6).map(entry).collect::<Vec<_>>(), Durability::Process).expect("append");
    let bytes = scratch.bytes();
    let bounds = bounds(&bytes);
    for whole in 1..=5 {
        scratch.replace(&bytes[..bounds[whole + 1] + 200]);
        assert_eq!(scratch.programs(1), programs(1..=whole as u64));
        assert_eq!(scratch.add(whole as u64 + 1).count, whole as u64 + 1);
    }
}

#[test]
fn the_cost_of_an_append_does_not_grow_with_the_log() {
    let scratch = Scratch::new();
    let mut costs = Vec::new();
    for size in [10, 1_000, 100_000] {
        let have = scratch.log().head().expect("head").map_or(0, |head| head.count);
        // numbers of one width, so that all records are of one length
        let entries: Vec<_> = (have..size - 1).map(|number| entry(1_000_000 + number)).collect();
        scratch.log().append(&entries, Durability::Process).expect("append");
        bytes_read();
        let head = scratch.log().append(&[entry(1_000_000)], Durability::Process).expect("append");
        let append = bytes_read();
        assert_eq!(head.count, size);
        scratch.log().sealed_at(Some(head)).head().expect("head");
        costs.push((append, bytes_read()));
    }
    assert!(costs[0].0 > 0 && costs[0].1 > 0);
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
}

#[test]
fn the_head_to_be_sealed_is_proven_from_the_last_one_only() {
    let (scratch, sealed) = Scratch::with(50);
    let mut costs = Vec::new();
    for _ in 0..3 {
        let head = scratch.add(51);
        bytes_read();
        assert_eq!(scratch.log().sealed_at(Some(sealed)).head().expect("head"), Some(head));
        costs.push(bytes_read());
    }
    assert_eq!(costs[2] - costs[1], costs[1] - costs[0], "one record more each time: {costs:?}");
}

#[test]
fn several_handles_of_one_process_append_at_once() {
    let scratch = Scratch::new();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let scratch = &scratch;
            scope.spawn(move || {
                for number in 0..25 {
                    scratch.add(1000 + thread * 100 + number);
                    scratch.log().head().expect("head");
                }
            });
        }
    });
    let mut all = scratch.programs(1);
    // each thread's entries in its order
    let of_one: Vec<_> = all.iter().filter(|program| program.starts_with("program 13")).cloned().collect();
    assert_eq!(of_one, programs(1300..1325));
    all.sort();
    assert_eq!(all, programs((0..8).flat_map(|thread| (0..25).map(move |n| 1000 + thread * 100 + n))));
    assert_eq!(scratch.log().verify(None).expect("verify").torn, 0);
}

#[test]
fn a_lock_that_is_never_released_is_not_waited_for_for_ever() {
    let (scratch, _) = Scratch::with(1);
    let held = fs::File::open(scratch.path()).expect("open");
    held.lock().expect("lock");
    assert_eq!(scratch.log().head().expect_err("locked").kind(), "audit_busy");
    held.unlock().expect("unlock");
    assert_eq!(scratch.add(2).count, 2);
}

#[cfg(unix)]
#[test]
fn the_file_is_private_from_the_start() {
    use std::os::unix::fs::PermissionsExt as _;
    let (scratch, _) = Scratch::with(1);
    let mode = |path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
    assert_eq!(mode(scratch.path()), 0o600);
    let rekeying = scratch.log().rekey(key(2), Epoch(2)).expect("rekey");
    assert_eq!(mode(scratch.dir().join(".audit.log.next")), 0o600);
    rekeying.finish().expect("finish");
    assert_eq!(mode(scratch.path()), 0o600);
}

#[cfg(unix)]
#[test]
fn hostile_a18_what_cannot_be_trusted_is_refused_and_left_alone() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let refused = |scratch: &Scratch, what: &str| {
        let append = scratch.log().append(&[entry(1)], Durability::Process).map(drop);
        for result in [append, scratch.log().head().map(drop), scratch.log().read(|_| true).map(drop)] {
            assert_eq!(result.expect_err(what).kind(), "audit_unsafe_path", "{what}");
        }
    };
    let (elsewhere, _) = Scratch::with(1);
    for target in [elsewhere.path(), elsewhere.dir().join("nothing")] {
        let scratch = Scratch::new();
        symlink(&target, scratch.path()).expect("symlink");
        let before = fs::read(&target).ok();
        refused(&scratch, "symlink");
        assert_eq!(fs::read(&target).ok(), before);
    }
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).expect("folder");
    refused(&scratch, "folder");
    let scratch = Scratch::new();
    let made = std::process::Command::new("mkfifo").arg(scratch.path()).status().expect("mkfifo");
    assert!(made.success());
    refused(&scratch, "fifo");
    for mode in [0o620, 0o602] {
        let (scratch, _) = Scratch::with(1);
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(mode)).expect("chmod");
        refused(&scratch, "writable by others");
    }
}

#[test]
fn a_file_that_is_no_log_of_this_vault_is_left_alone() {
    let other = super::AuditLog::open;
    let foreign = Scratch::new();
    let vault = crate::VaultId::from_bytes([8; 16]);
    other(foreign.dir(), &vault, key(1), Epoch(1))
        .and_then(|log| log.append(&[entry(1)], Durability::Process))
        .expect("append");
    assert_ne!(vault, VAULT);
    for bytes in [foreign.bytes(), b"notes\n".to_vec(), vec![b'x'; 4096], b"SQLite format 3\0".repeat(64)] {
        let (scratch, _) = Scratch::with(1);
        scratch.replace(&bytes);
        let append = scratch.log().append(&[entry(1)], Durability::Process);
        assert_eq!(append.expect_err("foreign").kind(), "audit_foreign");
        assert_eq!(scratch.log().head().expect_err("foreign").kind(), "audit_foreign");
        assert_eq!(scratch.log().verify(None).expect_err("foreign").kind(), "audit_foreign");
        assert_eq!(scratch.bytes(), bytes);
    }
}

#[test]
fn a_newer_format_is_left_alone() {
    let (scratch, _) = Scratch::with(1);
    let sound = scratch.bytes();
    for place in [16, 20] {
        let mut bytes = sound.clone();
        bytes[place] = 9;
        scratch.replace(&bytes);
        let append = scratch.log().append(&[entry(1)], Durability::Process);
        assert_eq!(append.expect_err("newer").kind(), "audit_needs_newer");
        assert_eq!(scratch.bytes(), bytes);
    }
}
