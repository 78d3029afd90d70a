//! The text of vault keys and recovery keys, compared with another reading of it.

use data_encoding::{Encoding, Specification};
use sha2::{Digest, Sha256};
use subrosa_vault::{RecoveryKey, VaultKey};

/// Any text as either key: what is accepted has one canonical form and a checksum that agrees.
pub fn vault_key(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(key) = VaultKey::parse(&text) {
        let shown = key.to_text().to_string();
        is_canonical("SRVK1", b"subrosa vault key 1", &text, &shown);
        damage_is_noticed(&shown, data, "subrosa vault key 1", |text| {
            VaultKey::parse(text).ok().map(|key| key.to_text().to_string())
        });
        assert!(RecoveryKey::parse(&text).is_err(), "no key is of both kinds");
    }
    if let Ok(key) = RecoveryKey::parse(&text) {
        let shown = key.to_text().to_string();
        is_canonical("SRRK1", b"subrosa recovery key 1", &text, &shown);
        damage_is_noticed(&shown, data, "subrosa recovery key 1", |text| {
            RecoveryKey::parse(text).ok().map(|key| key.to_text().to_string())
        });
    }
}

/// Case, hyphens, white space and letters that look like digits are all that differs between a text that is accepted
/// and its key's own form.
fn is_canonical(prefix: &str, label: &[u8], given: &str, shown: &str) {
    let given = given.replace(['-', ' ', '\t', '\r', '\n'], "").to_ascii_uppercase();
    assert_eq!(given.replace(['I', 'L'], "1").replace('O', "0"), shown.replace('-', ""));
    assert!(shown.starts_with(prefix) && shown.len() == 69);
    assert!(agrees(shown, label), "its checksum is another");
}

/// Whether the checksum in a key's own form is that of the key, read by another decoder of base32.
fn agrees(shown: &str, label: &[u8]) -> bool {
    let symbols = shown[5..].replace('-', "");
    let payload = crockford().decode(symbols.as_bytes()).expect("55 symbols");
    let (key, check) = payload.split_at(32);
    Sha256::new().chain_update(label).chain_update(key).finalize()[..3] == *check
}

fn crockford() -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    specification.encoding().expect("32 symbols")
}

/// Another character in one place, one missing or one too many: refused, but for one in 2^24 whose checksum agrees.
fn damage_is_noticed(shown: &str, data: &[u8], label: &str, read: impl Fn(&str) -> Option<String>) {
    assert_eq!(read(shown).as_deref(), Some(shown), "its own form is read back");
    let seed = data.iter().fold(7usize, |seed, byte| seed.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let at = seed % shown.len();
    let other = char::from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZILOU-"[seed / 69 % 37]);
    let mut changed = shown.to_owned();
    changed.replace_range(at..=at, &other.to_string());
    if let Some(key) = read(&changed).filter(|key| key != shown) {
        assert!(agrees(&key, label.as_bytes()), "a changed character went unnoticed");
    }
    if shown.as_bytes()[at] != b'-' {
        let mut missing = shown.to_owned();
        missing.remove(at);
        assert_eq!(read(&missing), None, "a missing character went unnoticed");
        let mut doubled = shown.to_owned();
        doubled.insert(at, char::from(shown.as_bytes()[at]));
        assert_eq!(read(&doubled), None, "a doubled character went unnoticed");
    }
}
