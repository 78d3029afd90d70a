//! Whether the vault can be opened with what is at hand: the key of a flag or of the environment, else the keychain's.

use super::{Finding, Verdict, finding, vault_policy};
use crate::context::Context;
use crate::failure::Failure;
use crate::unlock::{self, Key};
use std::env;
use std::path::Path;
use subrosa_keychain::{Keychain, KeychainError};
use subrosa_vault::{Header, Location, SlotKind, Vault, VaultError};

pub(super) fn findings(context: &Context, header: Option<&Header>, location: &Location) -> Vec<Finding> {
    let (keychain, key) = keychain(context, header, location);
    let given = given(context);
    let mut found = vec![keychain];
    let Some(header) = header else {
        found.extend(given.map(|name| finding(name, Verdict::Note, "is set", None)));
        return found;
    };
    match (given, key) {
        (Some(name), _) => found.extend(tried(name, unlock::at_hand(context, location), location)),
        (None, Some(key)) => found.extend(tried("key of the keychain", Ok(Some(Key::Vault(key))), location)),
        (None, None) => found.push(nothing_at_hand(header)),
    }
    found
}

/// The keychain, and the key of this vault that it holds.
fn keychain(
    context: &Context,
    header: Option<&Header>,
    location: &Location,
) -> (Finding, Option<subrosa_vault::VaultKey>) {
    let what = "keychain";
    if context.unlock.no_keychain {
        return (finding(what, Verdict::Note, "left alone", None), None);
    }
    let loaded = match header {
        Some(header) if header.slots.iter().any(|slot| slot.kind == SlotKind::VaultKey) => {
            // the one that opens the vault, if several are there
            unlock::from_keychain(header).map(|key| unlock::fitting(header, location).or(key))
        }
        _ => Keychain::connect().map(|_| None),
    };
    let found = match loaded {
        Ok(Some(key)) => {
            return (finding(what, Verdict::Good, "holds a key for this vault", None), Some(key));
        }
        Ok(None) if header.is_none() => finding(what, Verdict::Good, "answers", None),
        Ok(None) => {
            finding(what, Verdict::Note, "holds no key of this vault", Some("subrosa keys add keychain"))
        }
        // nothing is wrong with a machine that has none, as long as the vault has another way in
        Err(error @ KeychainError::Absent { .. }) => finding(what, Verdict::Note, error.to_string(), None),
        Err(error) => finding(what, Verdict::Bad, error.to_string(), Some(error.hint())),
    };
    (found, None)
}

/// The flag or variable that gives a key without a question.
fn given(context: &Context) -> Option<&'static str> {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let file = context.unlock.key_file.as_deref().filter(|path| *path != Path::new("-"));
    match (file, &context.unlock.passphrase_file) {
        (Some(_), _) => Some("--key-file"),
        (None, Some(_)) => Some("--passphrase-file"),
        (None, None) => unlock::ENVIRONMENT.into_iter().find(|name| is_set(name)),
    }
}

/// Whether it opens the vault, the vault is whole, and it is the newest.
fn tried(name: &'static str, key: Result<Option<Key>, Failure>, location: &Location) -> Vec<Finding> {
    let opened = match &key {
        Ok(Some(key)) => Vault::open(location, &key.as_unlock()).and_then(|vault| Ok((vault.list()?, vault))),
        _ => return vec![not_tried(name, key)],
    };
    match opened {
        Ok((entries, vault)) => {
            let mut found = vec![finding(name, Verdict::Good, "opens this vault", None)];
            found.extend(vault_policy(&vault));
            found.extend(super::links::findings(&vault, &entries));
            found.extend(super::certificates::findings(&vault));
            found
        }
        Err(error) => vec![refused(name, &error)],
    }
}

fn unset(name: &str) -> Option<String> {
    unlock::ENVIRONMENT.contains(&name).then(|| format!("unset {name}"))
}

fn not_tried(name: &'static str, key: Result<Option<Key>, Failure>) -> Finding {
    match key {
        Ok(_) => finding(name, Verdict::Note, "is not tried: it would be asked for", None),
        Err(failure) => {
            let hint = failure.first_hint().map(str::to_owned).or(unset(name));
            finding(name, Verdict::Bad, failure.message(), hint.as_deref())
        }
    }
}

fn refused(name: &'static str, error: &VaultError) -> Finding {
    match error {
        VaultError::RolledBack { .. } => finding(
            "roll-back",
            Verdict::Bad,
            error.to_string(),
            Some("subrosa verify; subrosa accept-rollback"),
        ),
        VaultError::Damaged(_) => finding("vault", Verdict::Bad, error.to_string(), Some("subrosa verify")),
        _ => {
            let own =
                (name == "key of the keychain").then(|| String::from("subrosa keys add keychain --recovery"));
            finding(name, Verdict::Bad, error.to_string(), unset(name).or(own).as_deref())
        }
    }
}

/// Nothing was opened, so nothing is known of what the vault holds.
fn nothing_at_hand(header: &Header) -> Finding {
    let has = |kind| header.slots.iter().any(|slot| slot.kind == kind);
    if has(SlotKind::Passphrase) {
        let text = "none at hand; the passphrase, which is not asked for here, opens the vault; its seals were not checked";
        return finding("key", Verdict::Note, text, Some("subrosa verify --passphrase"));
    }
    let hint = match has(SlotKind::Recovery) {
        true => "subrosa keys add keychain --recovery",
        false => "export SUBROSA_KEY_FILE=FILE",
    };
    finding("key", Verdict::Bad, "none at hand that opens this vault", Some(hint))
}
