//! What may be exported: as the vault says, and as whoever looks after the machine says. The stricter wins.
//!
//! A policy keeps honest people from a mistake. Who can open the vault can change the vault's, and read its secrets
//! without exporting them; the machine's needs root to be changed.

mod machine;

use crate::failure::{Failure, Outcome};
use serde::{Deserialize, Serialize};
use subrosa_vault::{Change, DocumentKind, RecordId, Vault, VaultError};

pub(crate) use machine::{of_machine, path};

/// What may leave a vault as a file, from the loosest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Exports {
    #[default]
    All,
    /// Nothing in plain text.
    Encrypted,
    None,
}

impl Exports {
    pub(crate) const WORDS: [&str; 3] = ["all", "encrypted", "none"];

    pub(crate) fn parse(text: &str) -> Option<Exports> {
        [Exports::All, Exports::Encrypted, Exports::None].into_iter().find(|one| one.word() == text)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Exports::All => "all",
            Exports::Encrypted => "encrypted",
            Exports::None => "none",
        }
    }

    /// What of exports it lets through, as the end of a sentence.
    pub(crate) fn allows(self) -> &'static str {
        match self {
            Exports::All => "allows every export",
            Exports::Encrypted => "allows only encrypted exports",
            Exports::None => "allows no export",
        }
    }
}

/// A policy as it stands under a seal of the vault. One that is about something else is another's business.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    policy: String,
    allow: Exports,
}

const ABOUT: &str = "export";

#[derive(Deserialize)]
struct About {
    policy: String,
}

/// Both policies; `None` where nobody has said anything.
pub(crate) struct Policies {
    pub(crate) vault: Option<Exports>,
    pub(crate) machine: Option<Exports>,
}

impl Policies {
    pub(crate) fn of(vault: &Vault) -> Outcome<Policies> {
        let kept = kept(vault.documents(DocumentKind::Policy)?)?;
        Ok(Policies { vault: kept.iter().map(|(_, allow)| *allow).max(), machine: of_machine()? })
    }

    /// What holds in the end.
    pub(crate) fn effective(&self) -> Exports {
        self.vault.unwrap_or_default().max(self.machine.unwrap_or_default())
    }

    /// Refuses an export that is looser than both policies allow; `form` says what it is.
    pub(crate) fn require(&self, form: Exports) -> Outcome {
        // an encrypted export is refused by nothing but `none`, a plain one by anything but `all`
        let refuses = |policy: Exports| match form {
            Exports::All => policy != Exports::All,
            _ => policy == Exports::None,
        };
        if let Some(policy) = self.machine.filter(|policy| refuses(*policy)) {
            let text = format!("the policy of this machine {} ({})", policy.allows(), path().display());
            return Err(refused(text, policy));
        }
        match self.vault.filter(|policy| refuses(*policy)) {
            Some(policy) => Err(refused(format!("the policy of this vault {}", policy.allows()), policy)
                .hint("subrosa policy export all")),
            None => Ok(()),
        }
    }
}

fn refused(text: String, policy: Exports) -> Failure {
    let failure = Failure::general(format!("{text}; nothing was exported"));
    match policy {
        Exports::Encrypted => failure.hint("leave --plaintext out"),
        _ => failure,
    }
}

/// Sets the vault's policy.
pub(crate) fn set(vault: &mut Vault, allow: Exports) -> Outcome {
    let known = kept(vault.documents(DocumentKind::Policy)?)?;
    vault.change(|change| put(change, known.iter().map(|(id, _)| *id), allow))?;
    Ok(())
}

fn put(
    change: &mut Change<'_>,
    mut known: impl Iterator<Item = RecordId>,
    allow: Exports,
) -> Result<(), VaultError> {
    let kept = Kept { policy: ABOUT.to_owned(), allow };
    let content = serde_json::to_vec(&kept).expect("two words");
    change.put_document(DocumentKind::Policy, known.next(), &content)?;
    // two processes may have stored one each; the stricter held
    known.try_for_each(|id| change.remove_document(DocumentKind::Policy, id))
}

/// The policies about exports among all that the vault keeps.
fn kept(documents: Vec<subrosa_vault::Document>) -> Outcome<Vec<(RecordId, Exports)>> {
    let mut found = Vec::new();
    for document in documents {
        let is_ours = serde_json::from_slice::<About>(&document.content).map(|about| about.policy == ABOUT);
        if is_ours.is_ok_and(|is_ours| !is_ours) {
            continue;
        }
        // what is not understood may be a restriction
        let kept: Kept = serde_json::from_slice(&document.content).map_err(|_| {
            Failure::general("the vault holds a policy that this version does not understand")
                .hint("use the newest subrosa")
        })?;
        found.push((document.id, kept.allow));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policies(vault: Option<Exports>, machine: Option<Exports>) -> Policies {
        Policies { vault, machine }
    }

    #[test]
    fn the_stricter_wins() {
        use Exports::{All, Encrypted, None as Nothing};
        for (vault, machine, effective) in [
            (None, None, All),
            (Some(Encrypted), None, Encrypted),
            (None, Some(Encrypted), Encrypted),
            (Some(All), Some(Nothing), Nothing),
            (Some(Nothing), Some(All), Nothing),
            (Some(Encrypted), Some(Nothing), Nothing),
        ] {
            let both = policies(vault, machine);
            assert_eq!(both.effective(), effective, "{vault:?} {machine:?}");
            assert_eq!(both.require(All).is_ok(), effective == All, "{vault:?} {machine:?}");
            assert_eq!(both.require(Encrypted).is_ok(), effective != Nothing, "{vault:?} {machine:?}");
        }
    }

    #[test]
    fn a_refusal_says_which_policy_and_where() {
        let refused = policies(Some(Exports::Encrypted), None).require(Exports::All).unwrap_err();
        assert!(refused.message().starts_with("the policy of this vault allows only encrypted exports"));
        let both = policies(Some(Exports::None), Some(Exports::None));
        let refused = both.require(Exports::Encrypted).unwrap_err();
        assert!(refused.message().contains(&path().display().to_string()), "{}", refused.message());
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for word in Exports::WORDS {
            let exports = Exports::parse(word).unwrap();
            assert_eq!(exports.word(), word);
            assert_eq!(serde_json::to_value(exports).unwrap(), word);
        }
        assert_eq!(Exports::parse("some"), None);
    }
}
