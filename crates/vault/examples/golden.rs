//! Makes the golden vault of a new format: `cargo run -p subrosa-vault --example golden -- FOLDER`, where FOLDER holds a
//! `keys.json` as in `tests/vectors/vault/format-1`. `tests/reader/subrosa_reader.py FOLDER > FOLDER/expected.json` completes it.

use std::{error::Error, path::PathBuf};

use subrosa_secret::{Access, HostRule, Name, Policy, SecretValue, Tag};
use subrosa_vault::{
    KdfParams, Location, Metadata, NewSlot, RecoveryKey, SlotId, Vault, VaultError, VaultId, VaultKey,
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: golden FOLDER")?);
    let keys: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(folder.join("keys.json"))?)?;
    let text = |name: &str| keys[name].as_str().ok_or(format!("keys.json has no {name}"));
    let (key, recovery) = (VaultKey::parse(text("vault_key")?)?, RecoveryKey::parse(text("recovery_key")?)?);
    let passphrase = &SecretValue::new(text("passphrase")?.into())?;
    let location = Location { state: folder.join("state"), dir: folder };
    let params = &KdfParams::MINIMUM;
    let slots = [
        (SlotId::random()?, NewSlot::VaultKey { key: &key, label: "keychain" }),
        (SlotId::random()?, NewSlot::Recovery { key: &recovery, label: "paper" }),
        (SlotId::random()?, NewSlot::Passphrase { passphrase, params, label: "" }),
    ];
    let mut vault = Vault::create(&location, VaultId::random()?, &slots)?;
    fill(&mut vault)?;
    Ok(std::fs::remove_dir_all(location.state)?)
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn fill(vault: &mut Vault) -> Result<(), VaultError> {
    let value = |bytes: &[u8]| SecretValue::new(bytes.to_vec()).expect("short");
    vault.change(|change| {
        change.set(&name("stripe-key"), Some(&value(b"first")))?;
        change.set(&name("prod/Schl\u{fc}ssel: 1"), Some(&value("zweite\nZeile \u{1f511}".as_bytes())))?;
        change.set(&name("not yet"), None)?;
        change.set(&name("binary"), Some(&value(&[0xff, 0, 0xfe])))?;
        change.set(&name("longer"), Some(&value(&[b'x'; 5000])))?;
        change.set(&name("gone"), Some(&value(b"deleted"))).map(drop)
    })?;
    vault.change(|change| change.set(&name("stripe-key"), Some(&value(b"second"))).map(drop))?;
    vault.change(|change| change.remove(&name("gone")))?;
    vault.change(|change| {
        let edit = |metadata: &mut Metadata, policy: &mut Policy| {
            metadata.description = "for payments".to_owned();
            metadata.tags.insert(Tag::parse("billing").expect("a tag"));
            let rule = HostRule::parse("https://*.example.com:8443;header,query").expect("a rule");
            policy.access = Access::Restricted(vec![rule.rule]);
            policy.send_only = true;
        };
        change.update(&name("stripe-key"), edit).map(drop)
    })
}
