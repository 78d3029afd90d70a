//! What an import will do, decided before anything is written.

use super::flags::{Flags, OnConflict};
use super::source::Source;
use crate::exchange;
use crate::external::{Connections, Routes};
use crate::failure::{Failure, Outcome};
use crate::hosts;
use std::collections::HashMap;
use std::sync::OnceLock;
use subrosa_interchange::{Item, Items, Link as Described, Place};
use subrosa_secret::{Access, HostRule, Name, Policy};
use subrosa_vault::{Arrivals, Change, Entry, Given, Link, Over, Portable, Vault, VaultError};

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

pub(super) struct Plan {
    /// Secrets that are simply new: nothing has to be decided about them, and little is kept of each.
    pub(super) fresh: Items,
    /// All others, in the order of the file.
    pub(super) all: Vec<Planned>,
    /// Where links of the file lead here.
    pub(super) routes: Routes,
}

impl Plan {
    pub(super) fn of(items: Items, source: &Source, flags: &Flags, vault: &Vault) -> Outcome<Plan> {
        let mut items = renamed(items, source, flags)?;
        without_doubles(&mut items, source)?;
        let mut known = known(vault, &items)?;
        let routes = routes(&items, flags, vault)?;
        let open = |number: &usize| items.is_questionable(*number) || known.contains_key(items.name(*number));
        let numbers: Vec<usize> = (0..items.len()).filter(open).collect();
        let mut all = Vec::with_capacity(numbers.len());
        for number in &numbers {
            let item = items.get(*number);
            let old = known.remove(item.name.as_str());
            let link = link(&item, &routes, source)?;
            let mut planned = planned(item, link, old, source.is_of_subrosa(), vault)?;
            planned.number = *number;
            if flags.without_linked && planned.described.is_some() {
                planned.fate = Fate::Unlinked;
            }
            all.push(planned);
        }
        items.remove(numbers);
        Ok(Plan { fresh: items, all, routes })
    }

    /// Every secret of the file, in its order.
    pub(super) fn each(&self, mut each: impl FnMut(&Planned)) {
        let mut fresh = self.fresh.iter().map(Planned::fresh);
        let mut number = 0;
        for planned in &self.all {
            fresh.by_ref().take(planned.number - number).for_each(|planned| each(&planned));
            each(planned);
            number = planned.number + 1;
        }
        fresh.for_each(|planned| each(&planned));
    }

    /// How many secrets are stored.
    pub(super) fn len(&self) -> usize {
        self.fresh.len() + self.stored().count() + self.allowed().count()
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

    /// What is stored, as the vault takes it.
    pub(super) fn incoming(&self) -> Incoming<'_> {
        Incoming { decided: self.stored().collect(), fresh: &self.fresh }
    }
}

/// Secrets on their way into the vault: those of which something was decided, and behind them the others.
pub(super) struct Incoming<'p> {
    decided: Vec<&'p Planned>,
    fresh: &'p Items,
}

impl Incoming<'_> {
    fn fresh(&self, number: usize) -> usize {
        number - self.decided.len()
    }
}

impl Arrivals for Incoming<'_> {
    fn len(&self) -> usize {
        self.decided.len() + self.fresh.len()
    }

    fn name(&self, number: usize) -> &str {
        match self.decided.get(number) {
            Some(planned) => planned.secret.name.as_str(),
            None => self.fresh.name(self.fresh(number)),
        }
    }

    fn over(&self, number: usize) -> Over<'_> {
        let planned = self.decided.get(number);
        match planned.and_then(|planned| Some((planned.old.as_deref()?, planned.fate))) {
            Some((old, Fate::KeepBoth)) => Over::Keeping(old),
            Some((old, _)) => Over::Replacing(old),
            None => Over::Nothing,
        }
    }

    fn weight(&self, number: usize) -> usize {
        match self.decided.get(number) {
            Some(planned) => planned.secret.weight(),
            None => self.fresh.weight(self.fresh(number)),
        }
    }

    fn secret(&self, number: usize) -> Given<'_> {
        match self.decided.get(number) {
            Some(planned) => Given::Lent(&planned.secret),
            None => Given::Made(Box::new(exchange::portable(self.fresh.get(self.fresh(number)), None))),
        }
    }
}

impl Planned {
    /// A secret that is simply new.
    fn fresh(mut item: Item) -> Planned {
        let place = std::mem::take(&mut item.place);
        let secret = exchange::portable(item, None);
        let (old, wider, proposed, described) = (None, None, Vec::new(), None);
        Planned { number: 0, secret, place, fate: Fate::New, old, wider, proposed, described }
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

    /// Takes hosts that the file suggests.
    pub(super) fn accept(&mut self, rules: &[HostRule]) {
        hosts::add(&mut self.secret.policy.access, rules);
        if self.fate == Fate::Unchanged && !rules.is_empty() {
            self.fate = Fate::Allowed;
        }
        self.proposed.retain(|rule| !rules.contains(rule));
    }
}

/// With the names and tags that they will have.
fn renamed(items: Items, source: &Source, flags: &Flags) -> Outcome<Items> {
    if flags.keeps_names() && flags.tags.is_empty() {
        return Ok(items);
    }
    let mut renamed = Items::default();
    for mut item in items.iter() {
        let wrong = |error| {
            let (from, place) = (source.shown(), &item.place);
            Failure::general(format!("{from}: {place}: {error}; nothing was imported"))
        };
        item.name = flags.target(&item.name).map_err(wrong)?;
        item.tags.extend(flags.tags.iter().cloned());
        renamed.push(&item).map_err(exchange::failure)?;
    }
    Ok(renamed)
}

/// A name that stands twice, and means one thing, stands once; two values of one name are for the user to tell apart.
fn without_doubles(items: &mut Items, source: &Source) -> Outcome {
    let doubles = items.doubles();
    let mut differing = Vec::new();
    for (first, later) in &doubles {
        let (first, later) = (items.get(*first), items.get(*later));
        if !same_value(&first, &later) {
            differing.push(format!("{}: {} and {}", later.name, first.place, later.place));
        }
    }
    if !differing.is_empty() {
        let failure =
            Failure::general(format!("{} gives names several values; nothing was imported", source.shown()));
        let failure =
            differing.iter().take(super::super::SHOWN).fold(failure, |failure, line| failure.detail(line));
        return Err(failure.hint("take away in the file those that are not meant"));
    }
    items.remove(doubles.into_iter().map(|(_, later)| later));
    Ok(())
}

/// Whether a value comes from the same place, however long it is kept.
fn same_place(one: Option<&Link>, other: Option<&Link>) -> bool {
    let place = |link: &Link| (link.connection, link.target.clone());
    one.map(place) == other.map(place)
}

fn routes(items: &Items, flags: &Flags, vault: &Vault) -> Outcome<Routes> {
    let linked: Vec<Item> = items.linked().collect();
    if linked.is_empty() && flags.connections.is_empty() {
        return Ok(Routes::default());
    }
    let links = linked.iter().filter_map(|item| item.link.as_deref());
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
fn known(vault: &Vault, items: &Items) -> Outcome<HashMap<String, Box<Entry>>> {
    let found = match items.len() {
        0..=FEW => {
            let names: Vec<Name> = items.iter().map(|item| item.name).collect();
            vault.find_many(&names)?.into_iter().flatten().collect()
        }
        _ => {
            // an empty vault asks for none
            let names = OnceLock::new();
            vault.select(|entry| names.get_or_init(|| items.names()).hold(entry.metadata.name.as_str()))?
        }
    };
    let named = |entry: Entry| (entry.metadata.name.to_string(), Box::new(entry));
    Ok(found.into_iter().map(named).collect())
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
    Ok(Planned { number: 0, secret, place, fate, old, wider, proposed, described })
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
