use std::fs;

use super::*;
use crate::{NewSlot, scratch::Scratch};

const HOUR: i64 = 3600;

fn place(target: &str) -> CachePlace<'_> {
    let connection = RecordId::from_bytes([7; 16]);
    CachePlace { kind: CacheKind::Value, connection, version: 1, target }
}

fn entry(text: &str) -> CacheEntry {
    let content = SecretValue::new(text.as_bytes().to_vec()).expect("short");
    CacheEntry { fetched: 100, expires: 100 + HOUR, kept: 100 + 2 * HOUR, content }
}

fn put(cache: &Cache, target: &str, text: &str) {
    cache.put(&[(place(target), &entry(text))]).expect("put");
}

/// What is found for a target, or why nothing is.
fn found(cache: &Cache, target: &str) -> Result<Option<String>, CacheTampered> {
    let entry = cache.load().find(&place(target))?;
    Ok(entry.map(|entry| String::from_utf8(entry.content.expose_secret().to_vec()).expect("text")))
}

fn cached() -> (Scratch, Vault, std::path::PathBuf) {
    let (scratch, vault) = Scratch::new();
    let cache = vault.cache();
    put(&cache, "one", "first");
    put(&cache, "two", "second");
    let path = scratch.location.dir.join("cache");
    (scratch, vault, path)
}

#[test]
fn what_was_put_is_found_replaced_and_removed() {
    let (_scratch, vault, path) = cached();
    let cache = vault.cache();
    put(&cache, "one", "newer");
    assert_eq!(found(&cache, "one"), Ok(Some("newer".to_owned())));
    assert_eq!(found(&cache, "two"), Ok(Some("second".to_owned())));
    assert_eq!(cache.load().count(), 2);
    cache.remove(&[place("one")]).expect("remove");
    assert_eq!(found(&cache, "one"), Ok(None));
    assert_eq!(found(&cache, "two"), Ok(Some("second".to_owned())));
    cache.clear().expect("clear");
    assert!(!path.exists());
    assert_eq!((found(&cache, "two"), cache.load().problem()), (Ok(None), None));
}

#[test]
fn every_part_of_a_place_counts() {
    let (_scratch, vault, _) = cached();
    let cache = vault.cache();
    let one = place("one");
    for other in [
        CachePlace { kind: CacheKind::Session, ..one },
        CachePlace { connection: RecordId::from_bytes([8; 16]), ..one },
        CachePlace { version: 2, ..one },
        CachePlace { target: "on", ..one },
    ] {
        assert!(cache.load().find(&other).expect("sound").is_none(), "{other:?}");
    }
}

#[test]
fn it_is_fresh_until_it_expires_and_never_from_the_future() {
    let entry = entry("x");
    let at = |now| (entry.is_fresh(now), entry.is_kept(now));
    assert_eq!([at(99), at(100), at(99 + HOUR)], [(false, false), (true, true), (true, true)]);
    assert_eq!([at(100 + HOUR), at(100 + 2 * HOUR)], [(false, true), (false, false)]);
}

#[test]
fn it_holds_so_much_and_no_more() {
    let (_scratch, vault, path) = cached();
    let cache = vault.cache();
    let large = entry(&"x".repeat(1 << 20));
    for number in 0..9 {
        cache.put(&[(place(&format!("large {number}")), &large)]).expect("put");
    }
    assert!(fs::metadata(&path).expect("the file").len() <= 8 << 20);
    assert!(cache.load().find(&place("large 8")).expect("sound").is_some(), "the latest is there");
    assert_eq!(found(&cache, "one"), Ok(None), "the earliest went");
    cache.clear().expect("clear");
    let names: Vec<String> = (0..1030).map(|number| number.to_string()).collect();
    let (small, places) = (entry("x"), names.iter().map(|name| place(name)));
    let entries: Vec<_> = places.map(|place| (place, &small)).collect();
    cache.put(&entries).expect("put");
    assert_eq!(cache.load().count(), 1024);
    assert_eq!((found(&cache, "5"), found(&cache, "6")), (Ok(None), Ok(Some("x".to_owned()))));
}

#[test]
fn a_new_root_key_leaves_no_cache() {
    let (scratch, mut vault, path) = cached();
    let before = fs::read(&path).expect("the file");
    let slot = NewSlot::VaultKey { key: &scratch.key, label: "" };
    vault.rotate_root(&[(vault.slot(), slot)]).expect("rotate");
    assert!(!path.exists(), "the old keys would open it");
    fs::write(&path, before).expect("write");
    assert_eq!((found(&vault.cache(), "one"), vault.cache().load().problem()), (Ok(None), None));
}

#[test]
fn the_file_is_private_and_a_backup_does_not_hold_it() {
    let (scratch, vault, path) = cached();
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        assert_eq!(fs::metadata(&path).expect("the file").mode() & 0o777, 0o600);
    }
    assert!(path.exists());
    let copy = scratch.folder.path().join("copy");
    vault.backup(&copy).expect("backup");
    for name in CACHE_FILES {
        assert!(!copy.join(name).exists(), "{name}");
    }
}

/// Whatever is done to a row, it is absent or what it was, never something else.
#[test]
fn hostile_a1_a_flipped_bit_of_the_cache_is_never_used() {
    let (_scratch, vault, path) = cached();
    let sound = fs::read(&path).expect("the file");
    let cache = vault.cache();
    for at in 0..sound.len() {
        let mut flipped = sound.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(&path, flipped).expect("write");
        let mut damaged = cache.load().problem().is_some();
        for (target, text) in [("one", "first"), ("two", "second")] {
            match found(&cache, target) {
                Ok(Some(found)) => assert_eq!(found, text, "byte {at}"),
                Ok(None) => {}
                Err(CacheTampered) => damaged = true,
            }
        }
        // an id that nobody asks for any more is no damage that anybody could see, nor is another epoch
        let in_a_name = (32..52).contains(&at) || at >= 36 + (sound.len() - 36) / 2;
        assert!(damaged || in_a_name, "byte {at} went unnoticed");
    }
}

#[test]
fn hostile_a2_a_cut_cache_gives_what_is_whole_or_nothing() {
    let (_scratch, vault, path) = cached();
    let sound = fs::read(&path).expect("the file");
    let cache = vault.cache();
    for length in 0..sound.len() {
        fs::write(&path, &sound[..length]).expect("write");
        let one = found(&cache, "one").expect("cut records are no records");
        assert!(one.is_none_or(|text| text == "first"), "cut at {length}");
        assert_eq!(found(&cache, "two"), Ok(None), "cut at {length}");
    }
}

#[test]
fn hostile_a3_cached_rows_swapped_or_of_another_vault_do_not_open() {
    let (_scratch, vault, path) = cached();
    let sound = fs::read(&path).expect("the file");
    let record = (sound.len() - 36) / 2;
    let (one, two) = (36, 36 + record);
    let mut swapped = sound.clone();
    // the ids stay, the seals change places
    swapped[one + 20..one + record].copy_from_slice(&sound[two + 20..]);
    swapped[two + 20..].copy_from_slice(&sound[one + 20..one + record]);
    fs::write(&path, swapped).expect("write");
    assert_eq!(found(&vault.cache(), "one"), Err(CacheTampered));
    assert_eq!(found(&vault.cache(), "two"), Err(CacheTampered));
    let (_other_scratch, _other, foreign) = cached();
    fs::copy(foreign, &path).expect("copy");
    assert_eq!((found(&vault.cache(), "one"), vault.cache().load().problem().is_some()), (Ok(None), true));
}

#[cfg(unix)]
#[test]
fn hostile_a18_a_cache_that_is_no_file_of_ours_is_left_alone() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let (scratch, vault, path) = cached();
    let cache = vault.cache();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("chmod");
    assert_eq!(
        (found(&cache, "one"), cache.load().problem()),
        (Ok(None), Some("can be written by other users"))
    );
    let elsewhere = scratch.folder.path().join("elsewhere");
    fs::rename(&path, &elsewhere).expect("rename");
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o600)).expect("chmod");
    let before = fs::read(&elsewhere).expect("read");
    symlink(&elsewhere, &path).expect("symlink");
    assert_eq!((found(&cache, "one"), cache.load().problem()), (Ok(None), Some("is not a regular file")));
    symlink(&elsewhere, scratch.location.dir.join(".cache.new")).expect("symlink");
    put(&cache, "one", "again");
    assert_eq!(found(&cache, "one"), Ok(Some("again".to_owned())));
    assert_eq!(fs::read(&elsewhere).expect("read"), before, "a link was followed");
}
