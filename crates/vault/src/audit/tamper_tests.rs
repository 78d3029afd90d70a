//! What somebody without the key can do to a log, and what comes of it (section 10).

use super::{
    AuditError, Durability, Head,
    record::Trailer,
    scratch::{Scratch, bounds, entry, programs},
};

/// The first entry concerned, as verifying and reading report it.
fn tampered_at(scratch: &Scratch, sealed: Option<&Head>) -> u64 {
    match scratch.log().verify(sealed) {
        Err(AuditError::Tampered { at }) => at,
        Err(error) => panic!("not tampering: {error}"),
        Ok(report) => panic!("not noticed: {report:?}"),
    }
}

/// The records of a log and its header, to be put together in another way.
fn parts(scratch: &Scratch) -> Vec<Vec<u8>> {
    let bytes = scratch.bytes();
    bounds(&bytes).windows(2).map(|bound| bytes[bound[0]..bound[1]].to_vec()).collect()
}

#[test]
fn hostile_a01_every_flipped_bit_is_refused_or_is_a_torn_tail() {
    let (scratch, head) = Scratch::with(3);
    let sound = scratch.bytes();
    let bounds = bounds(&sound);
    for bit in 0..sound.len() * 8 {
        let mut bytes = sound.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        scratch.replace(&bytes);
        assert!(scratch.log().verify(Some(&head)).is_err(), "sealed, bit {bit}");
        let at = bit / 8;
        // all of record 3; of record 2 the head in its trailer, on which record 3 stands
        let torn = if at >= bounds[3] {
            Some(2)
        } else if at >= bounds[3] - 40 {
            Some(1)
        } else {
            None
        };
        match (scratch.log().verify(None), torn) {
            (Ok(report), Some(left)) => {
                assert_eq!(report.entries, left, "bit {bit}");
                assert_eq!(report.torn, (sound.len() - bounds[left as usize + 1]) as u64, "bit {bit}");
                let kept = scratch.log().read(|_| true).expect("read").len();
                assert_eq!(kept as u64, left, "bit {bit}");
            }
            (Err(AuditError::Tampered { at: found }), None) => {
                let expected = bounds.iter().rposition(|bound| *bound <= at).expect("a record") as u64;
                assert_eq!(found, expected, "bit {bit}");
            }
            (Err(error), None) if at < bounds[1] => {
                assert!(matches!(error.kind(), "audit_foreign" | "audit_needs_newer" | "audit_rekeyed"));
            }
            (result, _) => panic!("bit {bit}: {result:?}"),
        }
    }
}

#[test]
fn a_flipped_bit_of_the_sealed_tail_is_not_cut() {
    let (scratch, head) = Scratch::with(2);
    let mut bytes = scratch.bytes();
    *bytes.last_mut().expect("not empty") ^= 1;
    scratch.replace(&bytes);
    let append = scratch.log().sealed_at(Some(head)).append(&[entry(9)], Durability::Process);
    assert!(matches!(append, Err(AuditError::Tampered { at: 2 })));
    assert_eq!(scratch.bytes(), bytes);
}

#[test]
fn records_deleted_swapped_or_duplicated_are_noticed() {
    let (scratch, _) = Scratch::with(5);
    let parts = parts(&scratch);
    let arranged =
        |order: &[usize]| scratch.replace(&order.iter().flat_map(|n| parts[*n].clone()).collect::<Vec<_>>());
    // (order of header and records, the entry at which it is noticed), the two last records being as they were
    let cases: [(&[usize], u64); 7] = [
        (&[0, 2, 3, 4, 5], 1),
        (&[0, 1, 3, 4, 5], 2),
        (&[0, 1, 2, 4, 5], 3),
        (&[0, 2, 1, 3, 4, 5], 1),
        (&[0, 1, 3, 2, 4, 5], 2),
        (&[0, 1, 1, 2, 3, 4, 5], 2),
        (&[0, 1, 2, 2, 3, 4, 5], 3),
    ];
    for (order, at) in cases {
        arranged(order);
        assert_eq!(tampered_at(&scratch, None), at, "{order:?}");
    }
    // what does not fit at the end is as if it were not there
    for (order, left) in
        [([0, 1, 2, 3, 5].as_slice(), 3), (&[0, 1, 2, 3, 5, 4], 3), (&[0, 1, 2, 3, 4, 5, 5], 5)]
    {
        arranged(order);
        assert_eq!(scratch.programs(1), programs(1..=left), "{order:?}");
        assert!(scratch.log().verify(None).expect("verify").torn > 0);
    }
}

#[test]
fn a_log_without_header_is_refused() {
    let (scratch, _) = Scratch::with(2);
    let parts = parts(&scratch);
    scratch.replace(&parts[1..].concat());
    assert_eq!(scratch.log().verify(None).expect_err("no header").kind(), "audit_foreign");
    scratch.replace(&[vec![0; 128], parts[1..].concat()].concat());
    assert_eq!(tampered_at(&scratch, None), 0);
    let append = scratch.log().append(&[entry(3)], Durability::Process);
    assert!(matches!(append, Err(AuditError::Tampered { at: 0 })));
}

#[test]
fn a_cut_before_the_sealed_head_is_refused_everywhere() {
    let (scratch, sealed) = Scratch::with(4);
    let bytes = scratch.bytes();
    let bounds = bounds(&bytes);
    let expect = |at: u64, what: &str| {
        assert_eq!(tampered_at(&scratch, Some(&sealed)), at, "{what}");
        let log = scratch.log().sealed_at(Some(sealed));
        let append = log.append(&[entry(9)], Durability::Process).map(drop);
        for result in [append, log.head().map(drop), log.read(|_| true).map(drop), log.verify(None).map(drop)]
        {
            assert!(matches!(result, Err(AuditError::Tampered { at: found }) if found == at), "{what}");
        }
    };
    for (left, end) in bounds[1..5].iter().enumerate() {
        scratch.replace(&bytes[..*end]);
        expect(left as u64 + 1, "cut");
    }
    scratch.replace(&[]);
    expect(1, "emptied");
    std::fs::remove_file(scratch.path()).expect("remove");
    expect(1, "removed");
    assert!(!scratch.path().exists(), "no new log in place of the removed one");
}

#[test]
fn a_cut_after_the_sealed_head_is_all_that_goes_unnoticed() {
    let (scratch, sealed) = Scratch::with(2);
    let end = scratch.bytes().len();
    scratch.add(3);
    scratch.replace(&scratch.bytes()[..end]);
    assert_eq!(scratch.log().verify(Some(&sealed)).expect("verify").entries, 2);
}

#[test]
fn a_log_that_was_cut_and_has_grown_again_is_not_vouched_for() {
    let (scratch, _) = Scratch::with(3);
    let cut = scratch.bytes();
    let sealed = scratch.add(4);
    let hash = Trailer::of(&scratch.bytes()).expect("trailer").head.hash;
    assert_eq!(hash, sealed.hash);
    scratch.replace(&cut);
    // as many entries as were sealed
    scratch.add(5);
    let append = scratch.log().sealed_at(Some(sealed)).append(&[entry(9)], Durability::Process);
    assert!(matches!(append, Err(AuditError::Tampered { at: 4 })));
    // more than were sealed
    for number in 6..9 {
        scratch.add(number);
        assert!(matches!(scratch.log().sealed_at(Some(sealed)).head(), Err(AuditError::Tampered { at: 4 })));
        assert_eq!(tampered_at(&scratch, Some(&sealed)), 4);
    }
    // with the sealed hash written where it is looked for
    let mut bytes = scratch.bytes();
    let end = bounds(&bytes)[5];
    bytes[end - 32..end].copy_from_slice(&sealed.hash);
    scratch.replace(&bytes);
    assert!(matches!(scratch.log().sealed_at(Some(sealed)).head(), Err(AuditError::Tampered { at: 5 })));
    assert_eq!(tampered_at(&scratch, Some(&sealed)), 4);
}

#[test]
fn records_of_an_earlier_branch_do_not_fit_a_later_one() {
    let (scratch, _) = Scratch::with(2);
    let fork = scratch.bytes();
    scratch.add(3);
    scratch.add(4);
    let old = parts(&scratch);
    scratch.replace(&fork);
    for number in 5..8 {
        scratch.add(number);
    }
    let mut new = parts(&scratch);
    new[3] = old[3].clone();
    scratch.replace(&new.concat());
    assert_eq!(tampered_at(&scratch, None), 4);
}

#[test]
fn a_forged_record_that_is_hashed_rightly_is_refused_and_not_cut() {
    let (scratch, head) = Scratch::with(2);
    let forger = super::scratch::chain(9);
    let (record, _) = forger.seal(&head, &entry(3).to_json()).expect("seal");
    let bytes = [scratch.bytes(), record].concat();
    scratch.replace(&bytes);
    assert!(matches!(scratch.log().head(), Err(AuditError::Tampered { at: 3 })));
    let append = scratch.log().append(&[entry(3)], Durability::Process);
    assert!(matches!(append, Err(AuditError::Tampered { at: 3 })));
    assert_eq!(tampered_at(&scratch, None), 3);
    assert_eq!(scratch.bytes(), bytes);
}

#[test]
fn a_forged_record_is_noticed_even_below_one_that_a_key_holder_added() {
    let (scratch, head) = Scratch::with(2);
    let (forged, forged_head) = super::scratch::chain(9).seal(&head, &entry(3).to_json()).expect("seal");
    let (record, _) = super::scratch::chain(1).seal(&forged_head, &entry(4).to_json()).expect("seal");
    scratch.replace(&[scratch.bytes(), forged, record].concat());
    assert_eq!(tampered_at(&scratch, None), 3);
}

#[test]
fn a_wrong_key_cuts_nothing() {
    let (scratch, _) = Scratch::with(3);
    let before = scratch.bytes();
    let wrong =
        super::AuditLog::open(scratch.dir(), &super::scratch::VAULT, super::scratch::key(2), crate::Epoch(1))
            .expect("open");
    let append = wrong.append(&[entry(4)], Durability::Process);
    assert!(matches!(append, Err(AuditError::Tampered { at: 3 })));
    assert_eq!(scratch.bytes(), before);
}

#[test]
fn a_record_copied_behind_garbage_does_not_hide_it() {
    let (scratch, _) = Scratch::with(3);
    let parts = parts(&scratch);
    let garbage = [vec![0xaa; 384 - 44], parts[2][parts[2].len() - 44..].to_vec()].concat();
    scratch.replace(&[parts.concat(), garbage, parts[3].clone()].concat());
    assert_eq!(tampered_at(&scratch, None), 4);
    scratch.add(4);
    assert_eq!(tampered_at(&scratch, None), 4);
}
