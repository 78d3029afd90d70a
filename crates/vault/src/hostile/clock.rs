//! A clock that was set back: versions and generations count, and ask no clock.

use crate::{
    Vault, VaultError,
    change::Change,
    scratch::{Scratch, name, read, value},
    snapshot::Snapshot,
    store::Mode,
    vault::now,
};

const TEN_YEARS: i64 = 10 * 365 * 86_400;

/// A change as it is made when the clock says so.
fn change_at(vault: &Vault, now: i64, work: impl FnOnce(&mut Change<'_>) -> Result<(), VaultError>) {
    let snapshot = Snapshot::begin(vault.store.as_ref(), &vault.keys, Mode::Write).expect("begin");
    let mut change = Change::new(snapshot, now);
    work(&mut change).expect("work");
    let pin = change.finish(None).expect("finish");
    vault.raise_committed(&pin).expect("pin");
}

#[test]
fn hostile_c35_a_clock_set_back_ten_years() {
    let (scratch, vault) = Scratch::new();
    let times = [now(), now() - TEN_YEARS, 0, now() - TEN_YEARS];
    for (number, time) in times.into_iter().enumerate() {
        change_at(&vault, time, |change| {
            change.set(&name("one"), Some(&value(&number.to_string()))).map(drop)
        });
    }
    let mut vault = scratch.open().expect("no roll-back");
    assert_eq!(read(&vault, "one").expect("get").as_deref(), Some("3"));
    let history = vault.history(&name("one")).expect("history");
    assert_eq!(history.iter().map(|it| it.version).collect::<Vec<_>>(), [3, 2, 1], "the latest first");
    assert_eq!(history.iter().map(|it| it.changed).collect::<Vec<_>>(), [times[2], times[1], times[0]]);
    assert!(vault.verify().expect("verify").is_sound());
    // taking back takes back the last change, not the one with the greatest time
    vault.change(|change| change.undo(&name("one")).map(drop)).expect("undo");
    assert_eq!(read(&vault, "one").expect("get").as_deref(), Some("2"));
    change_at(&vault, 0, |change| change.remove(&name("one")));
    assert_eq!(read(&scratch.open().expect("open"), "one").expect("get"), None);
    vault.change(|change| change.undo(&name("one")).map(drop)).expect("undo");
    assert_eq!(read(&vault, "one").expect("get").as_deref(), Some("2"));
    // an old file is still an old file
    let old = std::fs::read(scratch.location.database()).expect("read");
    change_at(&vault, 0, |change| change.set(&name("one"), Some(&value("newest"))).map(drop));
    std::fs::write(scratch.location.database(), old).expect("write");
    assert!(matches!(scratch.open(), Err(VaultError::RolledBack { .. })));
}
