//! What becomes of one secret of a file.

use super::flags::OnConflict;
use crate::failure::Outcome;
use crate::{exchange, hosts};
use std::collections::BTreeSet;
use subrosa_interchange::{Item, Link as Described, Place};
use subrosa_secret::{Access, HostRule, Policy, Tag};
use subrosa_vault::{Entry, Link, Portable, Vault};

/// What becomes of one secret of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    New,
    /// The vault has it as it is.
    Unchanged,
    /// The vault has it, and it may go to hosts that the file suggests.
    Allowed,
    /// The name is taken, and nobody has decided yet.
    Undecided,
    Replace,
    KeepBoth,
    Skip,
    /// The file has the name, and no value for it.
    Valueless,
    /// It is linked in the file, and its link is not wanted.
    Unlinked,
}

pub(super) struct Planned {
    /// Its number among the secrets of the file, counted from 0.
    pub(super) number: usize,
    /// What it would be; its policy never is wider than that of the vault's secret.
    pub(super) secret: Portable,
    pub(super) place: Place,
    pub(super) fate: Fate,
    /// What has the name now.
    pub(super) old: Option<Box<Entry>>,
    /// The policy of the file, where it would let the vault's secret go further than now.
    pub(super) wider: Option<Policy>,
    /// Where the file suggests that it belongs, and it may not go yet.
    pub(super) proposed: Vec<HostRule>,
    /// Its link as the file has it.
    pub(super) described: Option<Box<Described>>,
}

impl Planned {
    /// A secret without a link that comes upon nothing, or upon itself.
    pub(super) fn simple(number: usize, mut item: Item, fate: Fate) -> Planned {
        let (place, proposed) = (std::mem::take(&mut item.place), std::mem::take(&mut item.proposed));
        let secret = exchange::portable(item, None);
        Planned { number, secret, place, fate, old: None, wider: None, proposed, described: None }
    }

    /// A secret that is linked, or may come upon another one.
    pub(super) fn of(
        number: usize,
        mut item: Item,
        link: Option<Link>,
        old: Option<Box<Entry>>,
        keeps_rules: bool,
        vault: &Vault,
    ) -> Outcome<Planned> {
        let place = item.place.clone();
        let (mut proposed, described) = (std::mem::take(&mut item.proposed), item.link.take());
        let same_rest = old.as_ref().is_some_and(|old| Told::of(old).is_said_by(&item, keeps_rules));
        let mut secret = exchange::portable(item, link);
        let mut wider = None;
        let fate = match &old {
            None => Fate::New,
            Some(old) => {
                if !keeps_rules {
                    keep_untold(&mut secret, old);
                }
                let fate = fate_over(&secret, described.is_some(), old, same_rest, vault)?;
                if is_wider(&secret.policy, &old.policy) {
                    wider = Some(std::mem::replace(&mut secret.policy, old.policy.clone()));
                }
                fate
            }
        };
        proposed.retain(|rule| is_news(rule, &secret.policy.access));
        Ok(Planned { number, secret, place, fate, old, wider, proposed, described })
    }

    pub(super) fn decide(&mut self, how: OnConflict) {
        self.fate = match how {
            OnConflict::Replace => Fate::Replace,
            OnConflict::KeepBoth => Fate::KeepBoth,
            OnConflict::Skip => Fate::Skip,
        };
    }

    pub(super) fn is_stored(&self) -> bool {
        matches!(self.fate, Fate::New | Fate::Replace | Fate::KeepBoth)
    }

    /// Whether the name is that of a linked secret.
    pub(super) fn is_over_link(&self) -> bool {
        self.old.as_ref().is_some_and(|old| old.link.is_some())
    }

    /// Whether a link comes in that the vault's secret does not have.
    pub(super) fn brings_link(&self) -> bool {
        let known = self.old.as_ref().and_then(|old| old.link.as_ref());
        self.is_stored() && self.described.is_some() && !same_place(self.secret.link.as_ref(), known)
    }

    /// Whether the vault holds the value of the file, once everything is stored.
    pub(super) fn is_kept(&self) -> bool {
        self.is_stored() || matches!(self.fate, Fate::Unchanged | Fate::Allowed)
    }

    /// Takes the file's policy although it is wider than the vault's.
    pub(super) fn widen(&mut self) {
        if let Some(policy) = self.wider.take() {
            self.secret.policy = policy;
        }
    }

    /// Takes all hosts that the file suggests.
    pub(super) fn accept_all(&mut self) {
        let rules = std::mem::take(&mut self.proposed);
        self.accept(&rules);
    }

    /// Takes hosts that the file suggests.
    pub(super) fn accept(&mut self, rules: &[HostRule]) {
        if rules.is_empty() {
            return;
        }
        hosts::add(&mut self.secret.policy.access, rules);
        if self.fate == Fate::Unchanged {
            self.fate = Fate::Allowed;
        }
        self.proposed.retain(|rule| !rules.contains(rule));
    }
}

/// What is told of a secret of the vault, beside its value.
pub(super) struct Told<'a> {
    pub(super) description: &'a str,
    pub(super) tags: &'a BTreeSet<Tag>,
    pub(super) policy: &'a Policy,
}

impl<'a> Told<'a> {
    fn of(old: &'a Entry) -> Self {
        let told = &old.metadata;
        Self { description: &told.description, tags: &told.tags, policy: &old.policy }
    }

    /// Whether a file says nothing else. Where it does not keep rules, what it does not speak of stays as it is.
    pub(super) fn is_said_by(&self, item: &Item, keeps_rules: bool) -> bool {
        let same = item.description == self.description;
        match keeps_rules {
            true => same && item.tags == *self.tags && item.policy == *self.policy,
            false => (same || item.description.is_empty()) && item.tags.is_subset(self.tags),
        }
    }
}

/// Whether a host that a file suggests is more than what is allowed.
pub(super) fn is_news(rule: &HostRule, access: &Access) -> bool {
    match access {
        Access::Undecided => true,
        Access::Unrestricted => false,
        Access::Restricted(known) => !known.contains(rule),
    }
}

/// Whether a value comes from the same place, however long it is kept.
fn same_place(one: Option<&Link>, other: Option<&Link>) -> bool {
    let place = |link: &Link| (link.connection, link.target.clone());
    one.map(place) == other.map(place)
}

fn keep_untold(secret: &mut Portable, old: &Entry) {
    secret.policy = old.policy.clone();
    secret.created = secret.created.or(Some(old.metadata.created));
    secret.tags.extend(old.metadata.tags.iter().cloned());
    if secret.description.is_empty() {
        secret.description.clone_from(&old.metadata.description);
    }
}

fn fate_over(
    secret: &Portable,
    is_linked: bool,
    old: &Entry,
    same_rest: bool,
    vault: &Vault,
) -> Outcome<Fate> {
    let same_value = match &secret.value {
        // a link that leads elsewhere is none here
        None if is_linked => secret.link.is_some() && secret.link == old.link,
        None => {
            let has_one = old.has_value() || old.link.is_some();
            return Ok(if has_one { Fate::Valueless } else { Fate::Unchanged });
        }
        // of another length it is another value, whatever it is
        Some(value) if old.metadata.length != value.len() as u64 || !old.has_value() => false,
        Some(value) => vault.value(old)?.is_some_and(|known| known.expose_secret() == value.expose_secret()),
    };
    Ok(if same_value && same_rest { Fate::Unchanged } else { Fate::Undecided })
}

/// Whether a policy lets a secret go where the other does not. What cannot be compared counts as wider.
fn is_wider(new: &Policy, old: &Policy) -> bool {
    let shown = !new.send_only && old.send_only;
    let enabled = new.enabled && !old.enabled;
    let further = match (&new.access, &old.access) {
        (_, Access::Unrestricted) => false,
        (Access::Undecided, Access::Undecided) => false,
        (Access::Restricted(new), Access::Restricted(old)) => new.iter().any(|rule| !old.contains(rule)),
        (Access::Restricted(new), Access::Undecided) => !new.is_empty(),
        (Access::Unrestricted | Access::Undecided, _) => true,
    };
    shown || enabled || further
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(rules: Option<&[&str]>) -> Policy {
        let access = match rules {
            None => Access::Undecided,
            Some(["*"]) => Access::Unrestricted,
            Some(rules) => Access::Restricted(rules.iter().map(|text| hosts::rule(text).unwrap()).collect()),
        };
        Policy { access, ..Policy::default() }
    }

    #[test]
    fn what_lets_a_secret_go_further_is_wider() {
        let (one, two) = (["a.example.com"], ["a.example.com", "b.example.com"]);
        for (new, old, wider) in [
            (None, None, false),
            (None, Some(&one[..]), true),
            (None, Some(&["*"]), false),
            (Some(&one[..]), None, true),
            (Some(&[]), None, false),
            (Some(&one), Some(&one), false),
            (Some(&one), Some(&two), false),
            (Some(&two), Some(&one), true),
            (Some(&["a.example.com:*"]), Some(&one), true),
            (Some(&["*"]), Some(&two), true),
            (Some(&["*"]), None, true),
            (Some(&two), Some(&["*"]), false),
        ] {
            assert_eq!(is_wider(&policy(new), &policy(old)), wider, "{new:?} over {old:?}");
        }
        let strict = Policy { enabled: false, send_only: true, ..policy(None) };
        assert!(is_wider(&policy(None), &strict));
        assert!(!is_wider(&strict, &policy(None)));
        assert!(is_wider(&Policy { enabled: true, ..strict.clone() }, &strict));
        assert!(is_wider(&Policy { send_only: false, ..strict.clone() }, &strict));
    }
}
