//! What an import will do, decided before anything is written.

use super::flags::{Flags, OnConflict};
use super::known::Known;
use super::planned::{Fate, Planned};
use super::source::Source;
use crate::exchange;
use crate::external::{Connections, Routes};
use crate::failure::{Failure, Outcome};
use std::collections::{HashMap, HashSet};
use subrosa_interchange::{Item, Items};
use subrosa_secret::{HostRule, Policy};
use subrosa_vault::{Arrivals, Change, Entry, Given, Link, Over, Vault, VaultError};

pub(super) struct Plan {
    /// Every secret of the file, in its order, counted from 0.
    items: Items,
    /// The numbers of those that are simply new.
    fresh: Vec<u32>,
    /// What the vault has of those that it has as they are, by name.
    same: Items,
    /// All others, about which there is something to decide, in the order of the file.
    pub(super) open: Vec<Planned>,
    taken: Taken,
    /// Where links of the file lead here.
    pub(super) routes: Routes,
}

/// Which hosts are taken that the file suggests for new secrets.
enum Taken {
    These(HashMap<usize, Vec<HostRule>>),
    All,
}

impl Plan {
    pub(super) fn of(items: Items, source: &Source, flags: &Flags, vault: &Vault) -> Outcome<Plan> {
        let mut items = renamed(items, source, flags)?;
        without_doubles(&mut items, source)?;
        let keeps_rules = source.is_of_subrosa();
        let Known { same, mut others } = Known::of(vault, &items, keeps_rules)?;
        let routes = routes(&items, flags, vault)?;
        let (mut fresh, mut open) = (Vec::new(), Vec::new());
        for number in 0..items.len() {
            let name = items.name(number);
            let old = others.remove(name);
            if !items.is_linked(number) && old.is_none() {
                // a file has no more secrets than fit
                fresh.extend(same.find(name).is_none().then_some(number as u32));
                continue;
            }
            let item = items.get(number);
            let link = link(&item, &routes, source)?;
            let mut planned = Planned::of(number, item, link, old, keeps_rules, vault)?;
            if flags.without_linked && planned.described.is_some() {
                planned.fate = Fate::Unlinked;
            }
            open.push(planned);
        }
        Ok(Plan { items, fresh, same, open, taken: Taken::These(HashMap::new()), routes })
    }

    /// Every secret of the file, in its order.
    pub(super) fn each(&self, mut each: impl FnMut(&Planned)) {
        (0..self.items.len()).for_each(|number| self.one(number, &mut each));
    }

    /// The secret with this number.
    pub(super) fn one<T>(&self, number: usize, told: impl FnOnce(&Planned) -> T) -> T {
        if let Ok(at) = self.open.binary_search_by_key(&number, |planned| planned.number) {
            return told(&self.open[at]);
        }
        match self.same.find(self.items.name(number)) {
            None => told(&self.fresh(number)),
            Some(at) => {
                let item = Item { place: self.items.get(number).place, ..self.same.get(at) };
                told(&Planned::simple(number, item, Fate::Unchanged))
            }
        }
    }

    fn fresh(&self, number: usize) -> Planned {
        let mut planned = Planned::simple(number, self.items.get(number), Fate::New);
        match &self.taken {
            Taken::All => planned.accept_all(),
            Taken::These(rules) => planned.accept(rules.get(&number).map_or(&[], Vec::as_slice)),
        }
        planned
    }

    /// How many secrets are simply new.
    pub(super) fn new_count(&self) -> usize {
        self.fresh.len()
    }

    /// How many secrets the vault has as they are, beside those that are open.
    pub(super) fn same_count(&self) -> usize {
        self.same.len()
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
        self.open.iter_mut().filter(|planned| planned.fate == Fate::Undecided)
    }

    /// The numbers of secrets for which the file suggests hosts that are not taken.
    pub(super) fn suggesting(&self) -> Vec<usize> {
        let open = self.open.iter().filter(|it| it.is_kept() && !it.proposed.is_empty()).map(|it| it.number);
        let fresh = self.fresh.iter().map(|number| *number as usize).filter(|it| self.items.proposes(*it));
        let mut all: Vec<usize> = open.chain(fresh).collect();
        all.sort_unstable();
        all
    }

    /// Takes all hosts that the file suggests.
    pub(super) fn accept_all(&mut self) {
        self.open.iter_mut().filter(|planned| planned.is_kept()).for_each(Planned::accept_all);
        self.taken = Taken::All;
    }

    /// Takes a host that the file suggests for a secret.
    pub(super) fn accept(&mut self, number: usize, rule: HostRule) {
        let open = self.open.binary_search_by_key(&number, |planned| planned.number);
        match (open, &mut self.taken) {
            (Ok(at), _) => self.open[at].accept(&[rule]),
            (Err(_), Taken::These(rules)) => rules.entry(number).or_default().push(rule),
            (Err(_), Taken::All) => {}
        }
    }

    /// The names of secrets whose values the vault holds, once everything is stored.
    pub(super) fn kept(&self) -> impl Fn(&str) -> bool {
        let names = self.items.names();
        let gone = self.open.iter().filter(|planned| !planned.is_kept());
        let gone: HashSet<&str> = gone.map(|planned| planned.secret.name.as_str()).collect();
        move |name| names.hold(name) && !gone.contains(name)
    }

    pub(super) fn stored(&self) -> impl Iterator<Item = &Planned> {
        self.open.iter().filter(|planned| planned.is_stored())
    }

    /// Stores what is known of connections that are not here, so that links can lead to them.
    pub(super) fn note(&mut self, change: &mut Change<'_>) -> Result<(), VaultError> {
        let stored = self.open.iter_mut().filter(|planned| planned.is_stored());
        let mut links: Vec<&mut Link> = stored.filter_map(|planned| planned.secret.link.as_mut()).collect();
        self.routes.note(change, &mut links)
    }

    /// Links of the vault that are not current any more once everything is stored.
    pub(super) fn replaced_links(&self) -> Vec<&Link> {
        self.stored().filter_map(|planned| planned.old.as_ref()?.link.as_ref()).collect()
    }

    /// Secrets that get hosts and nothing else, as they were when that was decided.
    pub(super) fn allowed(&self) -> impl Iterator<Item = (&Entry, &Policy)> {
        let allowed = self.open.iter().filter(|planned| planned.fate == Fate::Allowed);
        allowed.filter_map(|planned| Some((planned.old.as_deref()?, &planned.secret.policy)))
    }

    /// What is stored, as the vault takes it.
    pub(super) fn incoming(&self) -> Incoming<'_> {
        Incoming { decided: self.stored().collect(), plan: self }
    }
}

/// Secrets on their way into the vault: those of which something was decided, and behind them the others.
pub(super) struct Incoming<'p> {
    decided: Vec<&'p Planned>,
    plan: &'p Plan,
}

impl Incoming<'_> {
    /// The number in the file of one that is simply new.
    fn fresh(&self, number: usize) -> usize {
        self.plan.fresh[number - self.decided.len()] as usize
    }
}

impl Arrivals for Incoming<'_> {
    fn len(&self) -> usize {
        self.decided.len() + self.plan.fresh.len()
    }

    fn name(&self, number: usize) -> &str {
        match self.decided.get(number) {
            Some(planned) => planned.secret.name.as_str(),
            None => self.plan.items.name(self.fresh(number)),
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
            None => self.plan.items.weight(self.fresh(number)),
        }
    }

    fn secret(&self, number: usize) -> Given<'_> {
        match self.decided.get(number) {
            Some(planned) => Given::Lent(&planned.secret),
            None => Given::Made(Box::new(self.plan.fresh(self.fresh(number)).secret)),
        }
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
