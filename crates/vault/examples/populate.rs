//! Fills a vault for benchmarks: `cargo run --release -p subrosa-vault --example populate -- VAULT STATE KEY_FILE COUNT`.
//!
//! The vault is one that `subrosa init --key-file KEY_FILE` made. It gets COUNT secrets that look like those of people who use
//! HTTP APIs: a path-like name, a token, a description, a tag, one host rule. What is there already is kept.

use std::{error::Error, path::PathBuf};

use subrosa_secret::{Access, HostRule, Name, SecretValue, Tag};
use subrosa_vault::{Location, Unlock, Vault, VaultKey};

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: populate VAULT STATE KEY_FILE COUNT";
    let [vault, state, key, count] = <[_; 4]>::try_from(std::env::args().skip(1).collect::<Vec<_>>())
        .map_err(|_| usage)?
        .map(PathBuf::from);
    let count: u32 = count.to_str().ok_or(usage)?.parse()?;
    let key = VaultKey::parse(std::fs::read_to_string(key)?.trim())?;
    let mut vault = Vault::open(&Location { dir: vault, state }, &Unlock::VaultKey(&key))?;
    vault.change(|change| {
        for number in 0..count {
            let name = Name::parse(&format!("team-{}/service-{number}", number % 40)).expect("a name");
            // varies, so that no engine can skip a write; no credential of anybody's
            let value = format!(
                "made-up-token-{number:08}-{:016x}",
                u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            );
            change.set(&name, Some(&SecretValue::new(value.into_bytes()).expect("short")))?;
            let rule = HostRule::parse(&format!("api-{}.example.com", number % 200)).expect("a rule").rule;
            change.update(&name, |metadata, policy| {
                metadata.description = format!("token of service {number}");
                metadata.tags.insert(Tag::parse("bench").expect("a tag"));
                policy.access = Access::Restricted(vec![rule]);
            })?;
        }
        Ok(())
    })?;
    Ok(())
}
