//! What an open vault does, and what it refuses.

use crate::{
    DocumentKind, NewSlot, SlotId, Unlock, VaultError, VaultKey,
    scratch::{Scratch, name, read, store, value},
};

fn kind<T>(result: Result<T, VaultError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(error) => error.kind(),
    }
}

#[test]
fn values_survive_reopening_and_absence_is_an_answer() {
    let (scratch, mut vault) = Scratch::new();
    store(&mut vault, "api-key", "one");
    drop(vault);
    let vault = scratch.open().expect("open");
    assert_eq!(read(&vault, "api-key").expect("get").as_deref(), Some("one"));
    assert_eq!(read(&vault, "no-such").expect("get"), None);
}

#[test]
fn history_undo_and_redo() {
    let (_scratch, mut vault) = Scratch::new();
    for text in ["one", "two", "three"] {
        store(&mut vault, "k", text);
    }
    assert_eq!(vault.history(&name("k")).expect("history").len(), 2);
    vault.change(|change| change.undo(&name("k"))).expect("undo");
    assert_eq!(read(&vault, "k").expect("get").as_deref(), Some("two"));
    vault.change(|change| change.undo(&name("k"))).expect("redo");
    assert_eq!(read(&vault, "k").expect("get").as_deref(), Some("three"));
    assert!(vault.verify().expect("verify").is_sound());
}

#[test]
fn removal_and_its_undo_keep_everything() {
    let (_scratch, mut vault) = Scratch::new();
    store(&mut vault, "k", "one");
    vault.change(|change| change.update(&name("k"), |_, policy| policy.send_only = true)).expect("update");
    vault.change(|change| change.remove(&name("k"))).expect("remove");
    assert_eq!(read(&vault, "k").expect("get"), None);
    assert_eq!(vault.deleted().expect("deleted").len(), 1);
    let entry = vault.change(|change| change.undo(&name("k"))).expect("undo");
    assert!(entry.policy.send_only);
    assert_eq!(read(&vault, "k").expect("get").as_deref(), Some("one"));
    assert_eq!(kind(vault.change(|change| change.undo(&name("k")))), "nothing_to_undo");
    assert!(vault.verify().expect("verify").is_sound());
}

#[test]
fn every_deletion_of_a_name_can_be_undone() {
    let (_scratch, mut vault) = Scratch::new();
    for text in ["one", "two", "three"] {
        store(&mut vault, "k", text);
        vault.change(|change| change.remove(&name("k"))).expect("remove");
        assert!(vault.verify().expect("verify").is_sound(), "{text}");
    }
    assert_eq!(vault.deleted().expect("deleted").len(), 3);
    for text in ["three", "two", "one"] {
        vault.change(|change| change.undo(&name("k"))).expect("undo");
        assert_eq!(read(&vault, "k").expect("get").as_deref(), Some(text));
        vault.change(|change| change.rename(&name("k"), &name(text))).expect("rename");
    }
    assert!(vault.verify().expect("verify").is_sound());
}

#[test]
fn rename_takes_history_along_and_never_overwrites() {
    let (_scratch, mut vault) = Scratch::new();
    store(&mut vault, "a", "one");
    store(&mut vault, "a", "two");
    store(&mut vault, "b", "other");
    assert_eq!(kind(vault.change(|change| change.rename(&name("a"), &name("b")))), "name_taken");
    vault.change(|change| change.rename(&name("a"), &name("c"))).expect("rename");
    assert_eq!(read(&vault, "a").expect("get"), None);
    assert_eq!(read(&vault, "c").expect("get").as_deref(), Some("two"));
    assert_eq!(vault.history(&name("c")).expect("history").len(), 1);
}

#[test]
fn a_failed_change_changes_nothing() {
    let (_scratch, mut vault) = Scratch::new();
    store(&mut vault, "a", "one");
    let generation = vault.generation().expect("generation");
    let failed = vault.change(|change| {
        change.set(&name("a"), Some(&value("two")))?;
        change.remove(&name("missing"))
    });
    assert_eq!(kind(failed), "no_such_secret");
    assert_eq!(read(&vault, "a").expect("get").as_deref(), Some("one"));
    assert_eq!(vault.generation().expect("generation"), generation);
}

#[test]
fn purge_drops_history_and_deleted_secrets() {
    let (_scratch, mut vault) = Scratch::new();
    for text in ["one", "two"] {
        store(&mut vault, "a", text);
        store(&mut vault, "b", text);
    }
    vault.change(|change| change.remove(&name("b"))).expect("remove");
    let purged = vault.purge(Some(&name("a"))).expect("purge");
    assert_eq!((purged.values, purged.secrets), (1, 0));
    let purged = vault.purge(None).expect("purge");
    assert_eq!((purged.values, purged.secrets), (1, 1));
    assert_eq!(kind(vault.change(|change| change.undo(&name("b")))), "nothing_to_undo");
    assert!(vault.verify().expect("verify").is_sound());
}

#[test]
fn a_cleared_vault_holds_no_secret_and_opens_as_before() {
    let scratch = Scratch::furnished();
    let mut vault = scratch.open().expect("open");
    vault.change(|change| change.put_document(DocumentKind::Policy, None, b"{}")).expect("put");
    let cleared = vault.clear().expect("clear");
    assert_eq!((cleared.secrets, cleared.values), (3, 1));
    let report = vault.verify().expect("verify");
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!((report.secrets, report.history, report.deleted, report.keyslots), (0, 0, 0, 1));
    assert_eq!(kind(vault.change(|change| change.undo(&name("gone")))), "nothing_to_undo");
    assert_eq!(vault.documents(DocumentKind::Policy).expect("documents").len(), 1);
    store(&mut vault, "one", "again");
    assert_eq!(read(&scratch.open().expect("open"), "one").expect("get").as_deref(), Some("again"));
}

#[test]
fn hostile_a17_nothing_of_a_purged_secret_is_left_in_the_folder() {
    let (scratch, mut vault) = Scratch::new();
    store(&mut vault, "a", &"x".repeat(9000));
    let entry = vault.find(&name("a")).expect("find").expect("there");
    let body = vault.store.body(entry.record.as_bytes(), 1).expect("body").expect("there");
    let there = |scratch: &Scratch| {
        std::fs::read_dir(&scratch.location.dir).expect("dir").any(|file| {
            let bytes = std::fs::read(file.expect("file").path()).expect("read");
            [0, 1000, 8000].iter().any(|at| memchr_like(&bytes, &body[*at..*at + 24]))
        })
    };
    assert!(there(&scratch));
    vault.change(|change| change.remove(&name("a"))).expect("remove");
    vault.purge(None).expect("purge");
    assert!(!there(&scratch));
}

fn memchr_like(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn hostile_b28_ways_in_are_added_and_removed_but_never_the_last() {
    let (scratch, mut vault) = Scratch::new();
    store(&mut vault, "a", "one");
    let first = vault.slot();
    assert_eq!(kind(vault.remove_slot(first)), "last_way_in");
    let (id, key) = (SlotId::random().expect("random"), VaultKey::generate().expect("random"));
    vault.add_slot(id, &NewSlot::VaultKey { key: &key, label: "second" }).expect("add");
    assert_eq!(vault.slots().expect("slots").len(), 2);
    vault.remove_slot(first).expect("remove");
    assert_eq!(kind(scratch.open()), "wrong_key");
    let vault = crate::Vault::open(&scratch.location, &Unlock::VaultKey(&key)).expect("open");
    assert_eq!(read(&vault, "a").expect("get").as_deref(), Some("one"));
}

#[test]
fn hostile_b28_a_slot_that_nothing_opens_is_no_way_in() {
    let (_scratch, mut vault) = Scratch::new();
    let first = vault.slot();
    let id = SlotId::random().expect("random");
    let key = VaultKey::generate().expect("random");
    vault.add_slot(id, &NewSlot::VaultKey { key: &key, label: "" }).expect("add");
    // as a newer program could have stored it: for a recipient
    let reserved = vault.change(|change| {
        let rows = change.rows(&crate::slots::key_of(id))?;
        let mut row = rows.first().expect("the slot").clone();
        row.public = vec![4, 0];
        change.put(row)
    });
    reserved.expect("change");
    assert_eq!(vault.slots().expect("slots").len(), 2);
    assert_eq!(kind(vault.remove_slot(first)), "last_way_in");
    vault.remove_slot(id).expect("the other one can go");
    assert_eq!(kind(vault.remove_slot(first)), "last_way_in");
}

#[test]
fn making_copying_and_changing_keys_leaves_nothing_behind() {
    let (scratch, mut vault) = Scratch::new();
    let copy = scratch.folder.path().join("copy");
    store(&mut vault, "a", "one");
    vault.backup(&copy).expect("backup");
    vault.rotate_root(&[(vault.slot(), NewSlot::VaultKey { key: &scratch.key, label: "" })]).expect("rotate");
    drop(vault);
    for folder in [&scratch.location.dir, &copy] {
        let files = std::fs::read_dir(folder).expect("folder").map(|file| file.expect("file").file_name());
        let strange: Vec<_> = files
            .filter(|name| name != "vault.db" && name != "vault.db-journal" && name != "audit.log")
            .collect();
        assert!(strange.is_empty(), "{}: {strange:?}", folder.display());
    }
}

#[test]
fn a_new_root_key_loses_nothing_and_ends_the_old_ways_in() {
    let (scratch, mut vault) = Scratch::new();
    for text in ["one", "two"] {
        store(&mut vault, "a", text);
        store(&mut vault, "b", text);
    }
    vault.change(|change| change.remove(&name("b"))).expect("remove");
    let (id, key) = (SlotId::random().expect("random"), VaultKey::generate().expect("random"));
    vault.rotate_root(&[(id, NewSlot::VaultKey { key: &key, label: "new" })]).expect("rotate");
    assert_eq!(read(&vault, "a").expect("get").as_deref(), Some("two"));
    assert_eq!(vault.history(&name("a")).expect("history").len(), 1);
    vault.change(|change| change.undo(&name("b"))).expect("undo");
    assert_eq!(kind(scratch.open()), "wrong_key");
    assert!(vault.verify().expect("verify").is_sound());
    let left: Vec<_> =
        std::fs::read_dir(&scratch.location.dir).expect("dir").map(|f| f.expect("f").file_name()).collect();
    assert!(!left.iter().any(|file| file.to_string_lossy().contains("before-rotation")), "{left:?}");
}

#[test]
fn a_backup_is_a_vault_and_overwrites_nothing() {
    let (scratch, mut vault) = Scratch::new();
    store(&mut vault, "a", "one");
    let dir = scratch.folder.path().join("copy");
    vault.backup(&dir).expect("backup");
    assert_eq!(kind(vault.backup(&dir)), "vault_exists");
    let location = crate::Location { dir, state: scratch.folder.path().join("other state") };
    let copy = crate::Vault::open(&location, &Unlock::VaultKey(&scratch.key)).expect("open");
    assert_eq!(read(&copy, "a").expect("get").as_deref(), Some("one"));
}

#[test]
fn creating_twice_is_refused() {
    let (scratch, vault) = Scratch::new();
    let slot = (SlotId::random().expect("random"), NewSlot::VaultKey { key: &scratch.key, label: "" });
    assert_eq!(kind(crate::Vault::create(&scratch.location, vault.id(), &[slot])), "vault_exists");
}

#[cfg(unix)]
#[test]
fn files_are_private_from_the_start() {
    use std::os::unix::fs::MetadataExt;
    let (scratch, _vault) = Scratch::new();
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("metadata").mode() & 0o777;
    assert_eq!(mode(&scratch.location.dir), 0o700);
    assert_eq!(mode(&scratch.location.database()), 0o600);
}

/// Records one use of a secret.
fn use_it(vault: &crate::Vault) -> Result<crate::Head, crate::AuditError> {
    let entry = crate::AuditEntry {
        time: 1,
        pid: 1,
        program: "test".to_owned(),
        action: crate::Action::Send,
        secret: Some(name("a")),
        destination: Some("https://api.example.com".to_owned()),
        outcome: crate::Outcome::Allowed,
    };
    vault.audit_log()?.append(&[entry], crate::Durability::Process)
}

#[test]
fn the_audit_log_goes_through_a_change_of_the_root_key() {
    let (_scratch, mut vault) = Scratch::new();
    store(&mut vault, "a", "one");
    use_it(&vault).expect("append");
    let (id, key) = (SlotId::random().expect("random"), VaultKey::generate().expect("random"));
    vault.rotate_root(&[(id, NewSlot::VaultKey { key: &key, label: "new" })]).expect("rotate");
    assert_eq!(use_it(&vault).expect("append").count, 2);
    store(&mut vault, "a", "two");
    assert_eq!(vault.verify_audit().expect("verify").entries, 2);
}

#[test]
fn a_log_cut_below_what_the_vault_vouches_for_takes_no_entry_and_no_secret_with_it() {
    let (scratch, mut vault) = Scratch::new();
    store(&mut vault, "a", "one");
    for _ in 0..2 {
        use_it(&vault).expect("append");
    }
    store(&mut vault, "a", "two");
    std::fs::remove_file(scratch.location.dir.join("audit.log")).expect("remove");
    let mut vault = scratch.open().expect("open");
    assert_eq!(use_it(&vault).map(drop).map_err(|error| error.kind()), Err("audit_tampered"));
    assert_eq!(kind(vault.verify_audit()), "audit");
    // the vault itself goes on, and goes on saying so
    store(&mut vault, "a", "three");
    assert_eq!(kind(vault.verify_audit()), "audit");
    vault.accept_rollback().expect("accept");
    let vault = scratch.open().expect("open");
    assert_eq!(use_it(&vault).expect("append").count, 1);
    assert_eq!(read(&vault, "a").expect("get").as_deref(), Some("three"));
}
