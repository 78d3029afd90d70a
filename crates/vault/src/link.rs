//! A secret whose value is kept elsewhere (vault-format.md, section 6).

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{Change, Entry, RecordId, VaultError};
use subrosa_secret::Name;

/// The longest target, in bytes.
pub const MAX_TARGET_LEN: usize = 2048;

/// Where the value of a secret is kept instead of in the vault.
///
/// It stands in the policy's seal: who cannot change where a secret may go cannot change where its value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The connection's document.
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub connection: RecordId,
    /// What names the value there; what it means, the connection's system says. At most [`MAX_TARGET_LEN`] bytes.
    pub target: String,
    /// For how many seconds a value that was looked up is kept, where that is not left to the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
}

fn to_hex<S: Serializer>(id: &RecordId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&HEXLOWER.encode(id.as_bytes()))
}

fn from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RecordId, D::Error> {
    let text = String::deserialize(deserializer)?;
    RecordId::parse(&text).map_err(D::Error::custom)
}

impl Change<'_> {
    /// Lets the value of a secret come from elsewhere; the secret is made if it is not there. A value or link that it had
    /// goes into the history, its rules stay.
    ///
    /// # Errors
    /// [`VaultError::TargetTooLong`].
    pub fn link(&mut self, name: &Name, link: Link) -> Result<Entry, VaultError> {
        if link.target.len() > MAX_TARGET_LEN {
            return Err(VaultError::TargetTooLong { len: link.target.len() });
        }
        self.replace(name, Some(link), None)
    }

    /// Says for how many seconds the value behind a link is kept.
    ///
    /// # Errors
    /// [`VaultError::NotLinked`], [`VaultError::NoSuchSecret`].
    pub fn set_link_ttl(&mut self, name: &Name, ttl: Option<u64>) -> Result<Entry, VaultError> {
        let mut entry = self.find(name)?.ok_or_else(|| VaultError::NoSuchSecret(name.clone()))?;
        let link = entry.link.as_mut().ok_or_else(|| VaultError::NotLinked(name.clone()))?;
        link.ttl = ttl;
        entry.metadata.changed = self.now();
        entry.version += 1;
        self.put_current(&entry)?;
        Ok(entry)
    }

    /// Takes the link of a secret away, which is left without a value. The link goes into the history.
    ///
    /// # Errors
    /// [`VaultError::NotLinked`], [`VaultError::NoSuchSecret`].
    pub fn unlink(&mut self, name: &Name) -> Result<Entry, VaultError> {
        match self.find(name)? {
            None => Err(VaultError::NoSuchSecret(name.clone())),
            Some(Entry { link: None, .. }) => Err(VaultError::NotLinked(name.clone())),
            Some(_) => self.replace(name, None, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        NewSlot, Vault,
        scratch::{Scratch, name, read, store, value},
    };

    fn link_to(target: &str) -> Link {
        Link { connection: RecordId::from_bytes([7; 16]), target: target.to_owned(), ttl: Some(60) }
    }

    fn link_of(vault: &Vault, text: &str) -> Option<Link> {
        vault.find(&name(text)).expect("find").expect("there").link
    }

    fn linked() -> (Scratch, Vault) {
        let (scratch, mut vault) = Scratch::new();
        store(&mut vault, "a", "own");
        vault.change(|change| change.link(&name("a"), link_to("there"))).expect("link");
        (scratch, vault)
    }

    #[test]
    fn a_linked_secret_has_no_value_of_its_own() {
        let (_scratch, mut vault) = linked();
        assert_eq!(link_of(&vault, "a"), Some(link_to("there")));
        assert_eq!(read(&vault, "a").expect("read"), None);
        let set = vault.change(|change| change.set(&name("a"), Some(&value("x"))));
        assert_eq!(set.err().expect("refused").kind(), "linked");
        vault.change(|change| change.unlink(&name("a"))).expect("unlink");
        assert_eq!(link_of(&vault, "a"), None);
        assert_eq!(read(&vault, "a").expect("read"), None);
        store(&mut vault, "a", "x");
        assert_eq!(read(&vault, "a").expect("read").as_deref(), Some("x"));
        assert!(vault.verify().expect("verify").is_sound());
    }

    #[test]
    fn what_is_not_linked_cannot_be_unlinked() {
        let (_scratch, mut vault) = Scratch::new();
        store(&mut vault, "a", "own");
        let kind = |result: Result<Entry, VaultError>| result.err().expect("refused").kind();
        assert_eq!(kind(vault.change(|change| change.unlink(&name("a")))), "not_linked");
        assert_eq!(kind(vault.change(|change| change.unlink(&name("b")))), "no_such_secret");
        let long = link_to(&"x".repeat(MAX_TARGET_LEN + 1));
        assert_eq!(kind(vault.change(|change| change.link(&name("b"), long))), "target_too_long");
    }

    #[test]
    fn an_import_gives_a_linked_secret_no_value_of_its_own() {
        let (_scratch, mut vault) = linked();
        let now = vault.find(&name("a")).expect("find").expect("there");
        let secret = crate::Portable {
            name: name("a"),
            value: Some(value("imported")),
            link: None,
            description: String::new(),
            tags: Default::default(),
            policy: now.policy.clone(),
            created: None,
            changed: None,
            history: Vec::new(),
        };
        let arrival = |over| crate::Arrival { secret: &secret, over };
        vault
            .change(|change| change.restore([arrival(crate::Over::Replacing(now.seen()))].as_slice()))
            .expect("restore");
        assert_eq!(
            (link_of(&vault, "a"), read(&vault, "a").expect("read").as_deref()),
            (None, Some("imported"))
        );
        assert!(vault.verify().expect("verify").is_sound());
    }

    #[test]
    fn undo_brings_the_value_back_and_then_the_link() {
        let (_scratch, mut vault) = linked();
        assert_eq!(vault.history(&name("a")).expect("history").len(), 1);
        vault.change(|change| change.undo(&name("a"))).expect("undo");
        assert_eq!((link_of(&vault, "a"), read(&vault, "a").expect("read").as_deref()), (None, Some("own")));
        vault.change(|change| change.undo(&name("a"))).expect("undo");
        assert_eq!((link_of(&vault, "a"), read(&vault, "a").expect("read")), (Some(link_to("there")), None));
        vault.change(|change| change.unlink(&name("a"))).expect("unlink");
        vault.change(|change| change.undo(&name("a"))).expect("undo");
        assert_eq!(link_of(&vault, "a"), Some(link_to("there")));
        assert!(vault.verify().expect("verify").is_sound());
    }

    #[test]
    fn a_link_outlives_renaming_removal_and_a_new_root_key() {
        let (scratch, mut vault) = linked();
        vault.change(|change| change.rename(&name("a"), &name("b"))).expect("rename");
        vault.change(|change| change.remove(&name("b"))).expect("remove");
        vault.change(|change| change.undo(&name("b"))).expect("undo");
        let slot = NewSlot::VaultKey { key: &scratch.key, label: "" };
        vault.rotate_root(&[(vault.slot(), slot)]).expect("rotate");
        assert_eq!(link_of(&vault, "b"), Some(link_to("there")));
        vault.purge(None).expect("purge");
        assert!(vault.verify().expect("verify").is_sound());
        assert_eq!(link_of(&vault, "b"), Some(link_to("there")));
    }

    #[test]
    fn hostile_a9_the_link_of_another_secret_or_of_an_earlier_state_is_noticed() {
        for sql in [
            "UPDATE record SET policy = (SELECT policy FROM record WHERE kind = 1 AND length(sealed) > 0) \
             WHERE kind = 1 AND length(sealed) = 0",
            "UPDATE record SET sealed = (SELECT sealed FROM record WHERE kind = 2) WHERE kind = 1",
            "UPDATE record SET policy = (SELECT policy FROM record WHERE kind = 2) WHERE kind = 1",
        ] {
            let (scratch, mut vault) = linked();
            store(&mut vault, "other", "x");
            drop(vault);
            scratch.tamper(sql);
            let vault = scratch.open().expect("keyslots are elsewhere");
            assert_eq!(vault.find(&name("a")).err().expect(sql).kind(), "damaged", "{sql}");
        }
    }
}
