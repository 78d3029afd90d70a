//! What becomes of one secret of a file.

use super::flags::OnConflict;
use crate::{exchange, hosts};
use subrosa_interchange::{Item, Link as Described, Place};
use subrosa_secret::{Access, HostRule, Policy, SecretValue};
use subrosa_vault::{Exported, Link, Portable, Seen};

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

/// A secret about which there is something to decide, and what is decided. What it would be is packed elsewhere.
pub(super) struct Open {
    /// Its number among the secrets of the file, counted from 0.
    pub(super) number: u32,
    /// The number of what it would be.
    pub(super) would: u32,
    pub(super) fate: Fate,
    /// Whether it takes the wider policy of the file.
    pub(super) widened: bool,
    /// What has the name now.
    pub(super) seen: Option<Seen>,
    pub(super) more: Option<Box<More>>,
}

/// What few of them have.
#[derive(Default)]
pub(super) struct More {
    /// Where the value will be kept, where the link of the file leads somewhere.
    pub(super) link: Option<Link>,
    /// Where the value is kept now.
    pub(super) old_link: Option<Link>,
    /// The policy of the file, where it would let the vault's secret go further than now.
    pub(super) wider: Option<Policy>,
}

/// What an import comes to for one secret.
pub(super) enum Verdict {
    /// There is nothing to do for the secret with this number: this is what the vault has, without its value.
    Same(u32, Item),
    /// And this is what it would be, without its value.
    Open(Open, Item),
}

/// All that is known of one secret of the file.
pub(super) struct Planned {
    /// Its number among the secrets of the file, counted from 0.
    pub(super) number: usize,
    /// What it would be; its policy never is wider than that of the vault's secret, unless that was agreed to.
    pub(super) secret: Portable,
    pub(super) place: Place,
    pub(super) fate: Fate,
    /// The policy of the file, where it would let the vault's secret go further than now.
    pub(super) wider: Option<Policy>,
    /// Where the file suggests that it belongs, and it may not go yet.
    pub(super) proposed: Vec<HostRule>,
    /// Its link as the file has it.
    pub(super) described: Option<Box<Described>>,
    /// Where the vault's secret is linked to.
    pub(super) old_link: Option<Link>,
}

impl Fate {
    pub(super) fn of(how: OnConflict) -> Fate {
        match how {
            OnConflict::Replace => Fate::Replace,
            OnConflict::KeepBoth => Fate::KeepBoth,
            OnConflict::Skip => Fate::Skip,
        }
    }

    pub(super) fn is_stored(self) -> bool {
        matches!(self, Fate::New | Fate::Replace | Fate::KeepBoth)
    }

    /// Whether the vault holds the value of the file, once everything is stored.
    pub(super) fn is_kept(self) -> bool {
        self.is_stored() || matches!(self, Fate::Unchanged | Fate::Allowed)
    }
}

impl Open {
    pub(super) fn at(&self) -> usize {
        self.number as usize
    }

    /// Hosts were taken for it.
    pub(super) fn allow(&mut self) {
        if self.fate == Fate::Unchanged {
            self.fate = Fate::Allowed;
        }
    }

    pub(super) fn link(&self) -> Option<&Link> {
        self.more.as_ref()?.link.as_ref()
    }

    pub(super) fn old_link(&self) -> Option<&Link> {
        self.more.as_ref()?.old_link.as_ref()
    }

    pub(super) fn wider(&self) -> Option<&Policy> {
        self.more.as_ref()?.wider.as_ref()
    }
}

impl Planned {
    /// A secret without a link that comes upon nothing, or upon itself.
    pub(super) fn simple(number: usize, mut item: Item, fate: Fate) -> Planned {
        let (place, proposed) = (std::mem::take(&mut item.place), std::mem::take(&mut item.proposed));
        let described = item.link.take();
        let secret = exchange::portable(item, None);
        Planned { number, secret, place, fate, wider: None, proposed, described, old_link: None }
    }

    pub(super) fn is_stored(&self) -> bool {
        self.fate.is_stored()
    }

    /// Whether a link comes in that the vault's secret does not have.
    pub(super) fn brings_link(&self) -> bool {
        self.is_stored()
            && self.described.is_some()
            && !same_place(self.secret.link.as_ref(), self.old_link.as_ref())
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
        self.proposed.retain(|rule| !rules.contains(rule));
    }
}

/// Whether a value comes from the same place, however long it is kept.
fn same_place(one: Option<&Link>, other: Option<&Link>) -> bool {
    let place = |link: &Link| (link.connection, link.target.clone());
    one.map(place) == other.map(place)
}

/// Judges a secret of the file by what has its name in the vault. `link` is where its link leads here.
pub(super) fn judge(
    number: usize,
    mut item: Item,
    link: Option<Link>,
    old: Option<&Exported>,
    keeps_rules: bool,
) -> Verdict {
    let value = item.value.take();
    (item.history, item.place) = (Vec::new(), Place::File);
    let mut open = Open {
        // a file has no more secrets than fit
        number: number as u32,
        would: 0,
        fate: Fate::New,
        widened: false,
        seen: old.map(|old| old.seen),
        more: None,
    };
    let mut more = More { link, ..More::default() };
    if let Some(Exported { secret: old, .. }) = old {
        open.fate = fate_over(&item, value.as_ref(), more.link.as_ref(), old, keeps_rules);
        if !keeps_rules {
            keep_untold(&mut item, old);
        }
        if is_wider(&item.policy, &old.policy) {
            more.wider = Some(std::mem::replace(&mut item.policy, old.policy.clone()));
        }
        more.old_link.clone_from(&old.link);
    }
    let access = &item.policy.access;
    item.proposed.retain(|rule| is_news(rule, access));
    if open.fate == Fate::Unchanged && item.link.is_none() && item.proposed.is_empty() {
        return Verdict::Same(open.number, item);
    }
    let is_more = more.link.is_some() || more.old_link.is_some() || more.wider.is_some();
    open.more = is_more.then(|| Box::new(more));
    Verdict::Open(open, item)
}

fn fate_over(
    item: &Item,
    value: Option<&SecretValue>,
    link: Option<&Link>,
    old: &Portable,
    keeps_rules: bool,
) -> Fate {
    let same_value = match (value, &old.value) {
        // a link that leads elsewhere is none here
        (None, _) if item.link.is_some() => link.is_some() && link == old.link.as_ref(),
        (None, None) if old.link.is_none() => return Fate::Unchanged,
        (None, _) => return Fate::Valueless,
        (Some(value), Some(known)) => known.expose_secret() == value.expose_secret(),
        (Some(_), None) => false,
    };
    if same_value && says_nothing_else(item, old, keeps_rules) { Fate::Unchanged } else { Fate::Undecided }
}

/// Where a file does not keep rules, what it does not speak of stays as it is.
fn says_nothing_else(item: &Item, old: &Portable, keeps_rules: bool) -> bool {
    let same = item.description == old.description;
    match keeps_rules {
        true => same && item.tags == old.tags && item.policy == old.policy,
        false => (same || item.description.is_empty()) && item.tags.is_subset(&old.tags),
    }
}

fn keep_untold(item: &mut Item, old: &Portable) {
    item.policy = old.policy.clone();
    item.created = item.created.or(old.created);
    item.tags.extend(old.tags.iter().cloned());
    if item.description.is_empty() {
        item.description.clone_from(&old.description);
    }
}

/// Whether a host that a file suggests is more than what is allowed.
fn is_news(rule: &HostRule, access: &Access) -> bool {
    match access {
        Access::Undecided => true,
        Access::Unrestricted => false,
        Access::Restricted(known) => !known.contains(rule),
    }
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
