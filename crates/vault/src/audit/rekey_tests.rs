//! Changing the root key, and being killed in the midst of it (section 8).

use std::{fs, thread, time::Duration};

use super::{
    AuditError, Durability, Rekeying, abandon,
    scratch::{Scratch, bounds, entry, key, programs},
};
use crate::Epoch;

fn rekey(scratch: &Scratch) -> Rekeying {
    scratch.log().rekey(key(2), Epoch(2)).expect("rekey")
}

fn next(scratch: &Scratch) -> std::path::PathBuf {
    scratch.dir().join(".audit.log.next")
}

/// The old key works and the log goes on under it.
fn check_old(scratch: &Scratch, count: u64) {
    assert_eq!(scratch.programs(1), programs(1..=count));
    assert_eq!(scratch.add(count + 1).count, count + 1);
}

#[test]
fn entries_numbers_and_order_are_kept_and_the_old_key_opens_nothing() {
    let (scratch, old) = Scratch::with(5);
    let before = scratch.bytes();
    let rekeying = rekey(&scratch);
    let head = rekeying.head().expect("entries");
    rekeying.finish().expect("finish");
    assert_ne!(head, old);
    assert_eq!(scratch.programs(2), programs(1..=5));
    assert_eq!(scratch.log_at(2).verify(Some(&head)).expect("verify").entries, 5);
    assert!(!next(&scratch).exists());
    let after = scratch.bytes();
    assert_eq!(bounds(&after), bounds(&before));
    for bound in bounds(&before).windows(2) {
        assert_ne!(before[bound[0]..bound[1]], after[bound[0]..bound[1]]);
    }
    let append = scratch.log().append(&[entry(6)], Durability::Process).map(drop);
    for result in [append, scratch.log().head().map(drop), scratch.log().read(|_| true).map(drop)] {
        assert_eq!(result.expect_err("old key").kind(), "audit_rekeyed");
    }
    assert_eq!(scratch.bytes(), after);
}

#[test]
fn a_torn_tail_is_left_behind() {
    let (scratch, _) = Scratch::with(3);
    let bytes = scratch.bytes();
    scratch.replace(&bytes[..bytes.len() - 1]);
    rekey(&scratch).finish().expect("finish");
    assert_eq!(scratch.programs(2), programs(1..=2));
    assert_eq!(scratch.log_at(2).verify(None).expect("verify").torn, 0);
}

#[test]
fn a_log_without_entries_and_a_missing_one_go_on_under_the_new_key() {
    let missing = Scratch::new();
    let (empty, _) = Scratch::with(0);
    for scratch in [missing, empty] {
        let rekeying = rekey(&scratch);
        assert_eq!(rekeying.head(), None);
        rekeying.finish().expect("finish");
        assert_eq!(scratch.log_at(2).head().expect("head"), None);
        let head = scratch.log_at(2).append(&[entry(1)], Durability::Process).expect("append");
        assert_eq!(head.count, 1);
    }
}

#[test]
fn a_damaged_log_is_not_sealed_anew() {
    let (scratch, head) = Scratch::with(3);
    let sound = scratch.bytes();
    let mut bytes = sound.clone();
    bytes[bounds(&sound)[2] + 100] ^= 1;
    scratch.replace(&bytes);
    assert!(matches!(scratch.log().rekey(key(2), Epoch(2)).map(drop), Err(AuditError::Tampered { at: 2 })));
    assert_eq!(scratch.bytes(), bytes);
    assert!(!next(&scratch).exists());
    scratch.replace(&sound[..bounds(&sound)[3]]);
    let cut = scratch.log().sealed_at(Some(head)).rekey(key(2), Epoch(2)).map(drop);
    assert!(matches!(cut, Err(AuditError::Tampered { at: 3 })));
}

#[test]
fn hostile_b27_killed_while_the_new_log_is_written() {
    let (scratch, _) = Scratch::with(3);
    drop(rekey(&scratch));
    let whole = fs::read(next(&scratch)).expect("read");
    for length in [0, 1, 127, 128, 129, 512, whole.len() - 1] {
        let (scratch, _) = Scratch::with(3);
        fs::write(next(&scratch), &whole[..length]).expect("write");
        check_old(&scratch, 3);
        rekey(&scratch).finish().expect("finish");
        assert_eq!(scratch.programs(2), programs(1..=4));
    }
}

#[test]
fn hostile_b27_killed_before_the_vault_commits() {
    let (scratch, _) = Scratch::with(3);
    drop(rekey(&scratch));
    assert!(next(&scratch).exists());
    check_old(&scratch, 3);
    // the next change has another new root key and the same epoch
    drop(rekey(&scratch));
    abandon(scratch.dir()).expect("abandon");
    assert!(!next(&scratch).exists());
    check_old(&scratch, 4);
    drop(rekey(&scratch));
    rekey(&scratch).finish().expect("finish");
    assert_eq!(scratch.programs(2), programs(1..=5));
}

#[test]
fn hostile_b27_killed_after_the_vault_committed() {
    let uses: [fn(&Scratch); 4] = [
        |scratch| assert_eq!(scratch.log_at(2).head().expect("head").expect("entries").count, 3),
        |scratch| assert_eq!(scratch.programs(2), programs(1..=3)),
        |scratch| assert_eq!(scratch.log_at(2).verify(None).expect("verify").entries, 3),
        |scratch| {
            let head = scratch.log_at(2).append(&[entry(4)], Durability::Process).expect("append");
            assert_eq!(head.count, 4);
        },
    ];
    for first_use in uses {
        let (scratch, _) = Scratch::with(3);
        let sealed = rekey(&scratch).head().expect("entries");
        first_use(&scratch);
        assert!(!next(&scratch).exists());
        scratch.log_at(2).verify(Some(&sealed)).expect("verify");
        assert_eq!(scratch.log().head().expect_err("old key").kind(), "audit_rekeyed");
    }
}

#[test]
fn a_log_of_before_the_change_is_refused_unless_the_new_one_is_there_whole() {
    let (scratch, _) = Scratch::with(3);
    let old = scratch.bytes();
    drop(rekey(&scratch));
    let whole = fs::read(next(&scratch)).expect("read");
    let other_key = |bytes: &[u8]| {
        // as if an earlier change, under another root key, had left it
        let (other, _) = Scratch::with(3);
        drop(other.log().rekey(key(3), Epoch(2)).expect("rekey"));
        let stale = fs::read(next(&other)).expect("read");
        assert_eq!(stale.len(), bytes.len());
        stale
    };
    for bytes in [None, Some(whole[..600].to_vec()), Some(old.clone()), Some(other_key(&whole))] {
        scratch.replace(&old);
        let _ = fs::remove_file(next(&scratch));
        if let Some(bytes) = &bytes {
            fs::write(next(&scratch), bytes).expect("write");
        }
        let append = scratch.log_at(2).append(&[entry(4)], Durability::Process);
        assert_eq!(append.expect_err("old log").kind(), "audit_tampered");
        assert_eq!(scratch.bytes(), old);
    }
}

#[test]
fn who_waits_for_the_change_does_not_write_into_the_old_file() {
    let (scratch, _) = Scratch::with(3);
    let rekeying = rekey(&scratch);
    thread::scope(|scope| {
        let old = scope.spawn(|| scratch.log().append(&[entry(4)], Durability::Process));
        let new = scope.spawn(|| scratch.log_at(2).append(&[entry(5)], Durability::Process));
        thread::sleep(Duration::from_millis(100));
        assert!(!old.is_finished() && !new.is_finished());
        rekeying.finish().expect("finish");
        assert_eq!(old.join().expect("thread").expect_err("old key").kind(), "audit_rekeyed");
        assert_eq!(new.join().expect("thread").expect("append").count, 4);
    });
    assert_eq!(scratch.programs(2), programs([1, 2, 3, 5]));
}
