//! What an import will do, decided before anything is written.

use super::flags::{Flags, OnConflict};
use super::source::Source;
use crate::exchange;
use crate::external::{Connections, Routes};
use crate::failure::{Failure, Outcome};
use crate::hosts;
use std::collections::{HashMap, HashSet};
use subrosa_interchange::{Item, Link as Described, Place};
use subrosa_secret::{Access, HostRule, Name, Policy};
use subrosa_vault::{Arrival, Change, Entry, Link, Over, Portable, Vault, VaultError};

/// More names than this are looked up by listing the vault, which proves all of it at once.
const FEW: usize = 64;

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

pub(super) struct Plan {
    pub(super) all: Vec<Planned>,
    /// Where links of the file lead here.
    pub(super) routes: Routes,
}

impl Plan {
    pub(super) fn of(mut items: Vec<Item>, source: &Source, flags: &Flags, vault: &Vault) -> Outcome<Plan> {
        for item in &mut items {
            let wrong = |error| {
                let (from, place) = (source.shown(), &item.place);
                Failure::general(format!("{from}: {place}: {error}; nothing was imported"))
            };
            item.name = flags.target(&item.name).map_err(wrong)?;
            item.tags.extend(flags.tags.iter().cloned());
        }
        without_doubles(&mut items, source)?;
        let mut known = known(vault, &items)?;
        let keeps_rules = source.is_of_subrosa();
        let routes = routes(&items, flags, vault)?;
        let planned = items.into_iter().map(|item| {
            let old = known.remove(&item.name);
            let link = link(&item, &routes, source)?;
            let mut planned = planned(item, link, old, keeps_rules, vault)?;
            if flags.without_linked && planned.described.is_some() {
                planned.fate = Fate::Unlinked;
            }
            Ok(planned)
        });
        let all = planned.collect::<Outcome<_>>()?;
        Ok(Plan { all, routes })
    }

    /// Decides all conflicts alike.
    pub(super) fn decide(&mut self, how: Option<OnConflict>) {
        if let Some(how) = how {
            self.undecided().for_each(|planned| planned.decide(how));
        }
    }

    pub(super) fn undecided(&mut self) -> impl Iterator<Item = &mut Planned> {
        self.all.iter_mut().filter(|planned| planned.fate == Fate::Undecided)
    }

    pub(super) fn stored(&self) -> impl Iterator<Item = &Planned> {
        self.all.iter().filter(|planned| planned.is_stored())
    }

    /// Stores what is known of connections that are not here, so that links can lead to them.
    pub(super) fn note(&mut self, change: &mut Change<'_>) -> Result<(), VaultError> {
        let stored = self.all.iter_mut().filter(|planned| planned.is_stored());
        let mut links: Vec<&mut Link> = stored.filter_map(|planned| planned.secret.link.as_mut()).collect();
        self.routes.note(change, &mut links)
    }

    /// Links of the vault that are not current any more once everything is stored.
    pub(super) fn replaced_links(&self) -> Vec<&Link> {
        self.stored().filter_map(|planned| planned.old.as_ref()?.link.as_ref()).collect()
    }

    /// Secrets that get hosts and nothing else, as they were when that was decided.
    pub(super) fn allowed(&self) -> impl Iterator<Item = (&Entry, &Policy)> {
        let allowed = self.all.iter().filter(|planned| planned.fate == Fate::Allowed);
        allowed.filter_map(|planned| Some((planned.old.as_deref()?, &planned.secret.policy)))
    }

    pub(super) fn arrivals(&self) -> impl Iterator<Item = Arrival<'_>> {
        self.stored().map(|planned| {
            let over = match (planned.old.as_deref(), planned.fate) {
                (Some(old), Fate::KeepBoth) => Over::Keeping(old),
                (Some(old), _) => Over::Replacing(old),
                (None, _) => Over::Nothing,
            };
            Arrival { secret: &planned.secret, over }
        })
    }
}

impl Planned {
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

    /// Takes hosts that the file suggests.
    pub(super) fn accept(&mut self, rules: &[HostRule]) {
        hosts::add(&mut self.secret.policy.access, rules);
        if self.fate == Fate::Unchanged && !rules.is_empty() {
            self.fate = Fate::Allowed;
        }
        self.proposed.retain(|rule| !rules.contains(rule));
    }
}

/// A name that stands twice, and means one thing, stands once; two values of one name are for the user to tell apart.
fn without_doubles(items: &mut Vec<Item>, source: &Source) -> Outcome {
    let mut places: HashMap<&Name, usize> = HashMap::with_capacity(items.len());
    let (mut doubled, mut differing) = (HashSet::new(), Vec::new());
    for (at, item) in items.iter().enumerate() {
        let first = *places.entry(&item.name).or_insert(at);
        if first == at {
            continue;
        }
        doubled.insert(at);
        if !same_value(&items[first], item) {
            differing.push(format!("{}: {} and {}", item.name, items[first].place, item.place));
        }
    }
    if !differing.is_empty() {
        let failure =
            Failure::general(format!("{} gives names several values; nothing was imported", source.shown()));
        let failure =
            differing.iter().take(super::super::SHOWN).fold(failure, |failure, line| failure.detail(line));
        return Err(failure.hint("take away in the file those that are not meant"));
    }
    let mut at = 0..;
    items.retain(|_| at.next().is_none_or(|at| !doubled.contains(&at)));
    Ok(())
}

/// Whether a value comes from the same place, however long it is kept.
fn same_place(one: Option<&Link>, other: Option<&Link>) -> bool {
    let place = |link: &Link| (link.connection, link.target.clone());
    one.map(place) == other.map(place)
}

fn routes(items: &[Item], flags: &Flags, vault: &Vault) -> Outcome<Routes> {
    let mut links = items.iter().filter_map(|item| item.link.as_deref()).peekable();
    if links.peek().is_none() && flags.connections.is_empty() {
        return Ok(Routes::default());
    }
    Routes::of(links, &flags.connections, &Connections::load(vault)?)
        .map_err(|failure| failure.adding("; nothing was imported"))
}

/// What the item's link becomes here; `None` also where it leads to what the vault knows otherwise.
fn link(item: &Item, routes: &Routes, source: &Source) -> Outcome<Option<Link>> {
    let Some(described) = &item.link else { return Ok(None) };
    let named = |failure: Failure| {
        failure.in_file(&format!("{}: {}", source.shown(), item.place)).adding("; nothing was imported")
    };
    routes.link(described).map_err(named)
}

fn same_value(one: &Item, other: &Item) -> bool {
    if one.link != other.link {
        return false;
    }
    match (&one.value, &other.value) {
        (Some(one), Some(other)) => one.expose_secret() == other.expose_secret(),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// The secrets of the vault that have one of these names.
fn known(vault: &Vault, items: &[Item]) -> Outcome<HashMap<Name, Box<Entry>>> {
    let found = match items.len() {
        0..=FEW => {
            let names: Vec<Name> = items.iter().map(|item| item.name.clone()).collect();
            vault.find_many(&names)?.into_iter().flatten().collect()
        }
        _ => vault.list()?,
    };
    let wanted: HashSet<&Name> = items.iter().map(|item| &item.name).collect();
    let mut known = HashMap::with_capacity(found.len().min(items.len()));
    for entry in found {
        if wanted.contains(&entry.metadata.name) {
            known.insert(entry.metadata.name.clone(), Box::new(entry));
        }
    }
    Ok(known)
}

fn planned(
    mut item: Item,
    link: Option<Link>,
    old: Option<Box<Entry>>,
    keeps_rules: bool,
    vault: &Vault,
) -> Outcome<Planned> {
    let place = item.place.clone();
    let (mut proposed, described) = (std::mem::take(&mut item.proposed), item.link.take());
    let mut secret = exchange::portable(item, link);
    let mut wider = None;
    let fate = match &old {
        None => Fate::New,
        Some(old) => {
            if !keeps_rules {
                // what the file does not speak of stays as it is
                secret.policy = old.policy.clone();
                secret.created = secret.created.or(Some(old.metadata.created));
                secret.tags.extend(old.metadata.tags.iter().cloned());
                if secret.description.is_empty() {
                    secret.description.clone_from(&old.metadata.description);
                }
            }
            let fate = fate_over(&secret, described.is_some(), old, vault)?;
            if is_wider(&secret.policy, &old.policy) {
                wider = Some(std::mem::replace(&mut secret.policy, old.policy.clone()));
            }
            fate
        }
    };
    let access = &secret.policy.access;
    proposed.retain(|rule| match access {
        Access::Undecided => true,
        Access::Unrestricted => false,
        Access::Restricted(known) => !known.contains(rule),
    });
    Ok(Planned { secret, place, fate, old, wider, proposed, described })
}

fn fate_over(secret: &Portable, is_linked: bool, old: &Entry, vault: &Vault) -> Outcome<Fate> {
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
    let told = &old.metadata;
    let same_rest =
        told.description == secret.description && told.tags == secret.tags && old.policy == secret.policy;
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
