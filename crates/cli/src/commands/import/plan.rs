//! What an import will do, decided before anything is written.

use super::flags::Flags;
use super::known::{Arriving, Known};
use super::planned::{Fate, Open, Planned, Verdict};
use super::source::Source;
use crate::exchange;
use crate::external::{Connections, Routes};
use crate::failure::{Failure, Outcome};
use std::collections::{HashMap, HashSet};
use subrosa_interchange::{Item, Items};
use subrosa_secret::HostRule;
use subrosa_vault::{Arrivals, Change, Given, Link, Over, Portable, Seen, Vault, VaultError};

pub(super) struct Plan {
    /// Every secret of the file, in its order, counted from 0.
    items: Items,
    /// The numbers of those that are simply new.
    fresh: Vec<u32>,
    /// The numbers of those that the vault has as they are,
    same: Vec<u32>,
    /// and what it has of those that it has rules for, by name.
    governed: Items,
    /// All others, about which there is something to decide, in the order of the file,
    open: Vec<Open>,
    /// and what they would be, without their values.
    would: Items,
    taken: Taken,
    /// Where links of the file lead here.
    pub(super) routes: Routes,
}

/// Which hosts are taken that the file suggests.
enum Taken {
    These(HashMap<usize, Vec<HostRule>>),
    All,
}

impl Plan {
    pub(super) fn of(items: Items, source: &Source, flags: &Flags, vault: &Vault) -> Outcome<Plan> {
        let mut items = renamed(items, source, flags)?;
        without_doubles(&mut items, source)?;
        let routes = routes(&items, flags, vault)?;
        let links = links(&items, &routes, source)?;
        let file = Arriving { items: &items, links: &links, keeps_rules: source.is_of_subrosa() };
        let mut known = Known::of(vault, &file)?;
        known.same.sort_unstable();
        known.governed.sort();
        known.open.sort_unstable_by_key(|open| open.number);
        let judged = known.open.len();
        let mut fresh = Vec::with_capacity(items.len() - judged - known.same.len());
        for number in 0..items.len() {
            // a file has no more secrets than fit
            let is_same = known.same.binary_search(&(number as u32)).is_ok();
            if is_same || known.open[..judged].binary_search_by_key(&number, Open::at).is_ok() {
                continue;
            }
            match items.is_linked(number).then(|| file.judge(number, None)) {
                Some(Verdict::Open(open, would)) => known.push(open, &would)?,
                _ => fresh.push(number as u32),
            }
        }
        let Known { same, governed, mut open, would } = known;
        open.sort_unstable_by_key(|open| open.number);
        if flags.without_linked {
            let linked = open.iter_mut().filter(|open| items.is_linked(open.at()));
            linked.for_each(|open| open.fate = Fate::Unlinked);
        }
        let taken = Taken::These(HashMap::new());
        Ok(Plan { items, fresh, same, governed, open, would, taken, routes })
    }

    /// Every secret of the file, in its order.
    pub(super) fn each(&self, mut each: impl FnMut(&Planned)) {
        (0..self.items.len()).for_each(|number| each(&self.one(number)));
    }

    /// All that is known of the secret with this number.
    pub(super) fn one(&self, number: usize) -> Planned {
        let item = self.items.get(number);
        let mut planned = match self.open(number) {
            Some(open) => self.planned(open, item),
            None if self.same.binary_search(&(number as u32)).is_ok() => {
                let governed = self.governed.find(item.name.as_str()).map(|at| self.governed.get(at));
                let policy = governed.map_or_else(Default::default, |same| same.policy);
                Planned::simple(number, Item { policy, proposed: Vec::new(), ..item }, Fate::Unchanged)
            }
            None => Planned::simple(number, item, Fate::New),
        };
        match &self.taken {
            Taken::All if planned.fate.is_kept() => planned.accept_all(),
            Taken::All => {}
            Taken::These(rules) => planned.accept(rules.get(&number).map_or(&[], Vec::as_slice)),
        }
        planned
    }

    fn planned(&self, open: &Open, item: Item) -> Planned {
        let would = self.would.get(open.would as usize);
        let (value, history, place) = (item.value, item.history, item.place);
        let mut planned = Planned::simple(open.at(), Item { value, history, place, ..would }, open.fate);
        planned.secret.link = open.link().cloned();
        planned.old_link = open.old_link().cloned();
        planned.wider = open.wider().cloned();
        if let Some(policy) = planned.wider.take_if(|_| open.widened) {
            planned.secret.policy = policy;
        }
        planned
    }

    fn open(&self, number: usize) -> Option<&Open> {
        self.open.binary_search_by_key(&number, Open::at).ok().map(|at| &self.open[at])
    }

    fn open_mut(&mut self, number: usize) -> Option<&mut Open> {
        self.open.binary_search_by_key(&number, Open::at).ok().map(|at| &mut self.open[at])
    }

    /// What becomes of the secrets, without their order.
    pub(super) fn fates(&self) -> impl Iterator<Item = (Fate, usize)> {
        let simple = [(Fate::New, self.fresh.len()), (Fate::Unchanged, self.same.len())];
        simple.into_iter().chain(self.open.iter().map(|open| (open.fate, 1)))
    }

    /// The numbers of secrets that have this fate, of those about which there is something to decide.
    pub(super) fn with(&self, fate: Fate) -> Vec<usize> {
        self.open.iter().filter(|open| open.fate == fate).map(Open::at).collect()
    }

    /// The numbers of secrets that are stored and linked in the file.
    pub(super) fn stored_links(&self) -> impl Iterator<Item = usize> {
        let stored = self.open.iter().filter(|open| open.fate.is_stored());
        stored.map(Open::at).filter(|number| self.items.is_linked(*number))
    }

    /// The numbers of secrets that are stored and would go further than the vault lets them.
    pub(super) fn wider(&self) -> Vec<usize> {
        let stored = self.open.iter().filter(|open| open.fate.is_stored());
        stored.filter(|open| open.wider().is_some()).map(Open::at).collect()
    }

    /// The numbers of secrets for which the file suggests hosts that are not taken.
    pub(super) fn suggesting(&self) -> Vec<usize> {
        let open = self.open.iter().filter(|open| open.fate.is_kept());
        let open = open.filter(|open| self.would.proposes(open.would as usize)).map(Open::at);
        let fresh = self.fresh.iter().map(|number| *number as usize);
        let mut all: Vec<usize> = open.chain(fresh.filter(|it| self.items.proposes(*it))).collect();
        all.sort_unstable();
        all
    }

    /// How many secrets are stored.
    pub(super) fn len(&self) -> usize {
        let changes = |open: &&Open| open.fate.is_stored() || open.fate == Fate::Allowed;
        self.fresh.len() + self.open.iter().filter(changes).count()
    }

    /// Decides about a secret.
    pub(super) fn decide(&mut self, number: usize, fate: Fate) {
        self.open_mut(number).into_iter().for_each(|open| open.fate = fate);
    }

    /// Takes the file's policy although it is wider than the vault's.
    pub(super) fn widen(&mut self, number: usize) {
        self.open_mut(number).into_iter().for_each(|open| open.widened = true);
    }

    /// Takes all hosts that the file suggests.
    pub(super) fn accept_all(&mut self) {
        let would = &self.would;
        let proposing = self.open.iter_mut().filter(|open| would.proposes(open.would as usize));
        proposing.for_each(Open::allow);
        self.taken = Taken::All;
    }

    /// Takes a host that the file suggests for a secret.
    pub(super) fn accept(&mut self, number: usize, rule: HostRule) {
        self.open_mut(number).into_iter().for_each(Open::allow);
        if let Taken::These(rules) = &mut self.taken {
            rules.entry(number).or_default().push(rule);
        }
    }

    /// The names of secrets whose values the vault holds, once everything is stored.
    pub(super) fn kept(&self) -> impl Fn(&str) -> bool {
        let names = self.items.names();
        let gone = self.open.iter().filter(|open| !open.fate.is_kept());
        let gone: HashSet<&str> = gone.map(|open| self.items.name(open.at())).collect();
        move |name| names.hold(name) && !gone.contains(name)
    }

    /// Stores what is known of connections that are not here, so that links can lead to them.
    pub(super) fn note(&mut self, change: &mut Change<'_>) -> Result<(), VaultError> {
        let stored = self.open.iter_mut().filter(|open| open.fate.is_stored());
        let links = stored.filter_map(|open| open.more.as_mut()?.link.as_mut());
        self.routes.note(change, &mut links.collect::<Vec<_>>())
    }

    /// Links of the vault that are not current any more once everything is stored.
    pub(super) fn replaced_links(&self) -> Vec<&Link> {
        self.open.iter().filter(|open| open.fate.is_stored()).filter_map(Open::old_link).collect()
    }

    /// Secrets that get hosts and nothing else, as they were when that was decided.
    pub(super) fn allowed(&self) -> impl Iterator<Item = (Portable, Seen)> {
        let allowed = self.open.iter().filter(|open| open.fate == Fate::Allowed);
        allowed.filter_map(|open| Some((self.one(open.at()).secret, open.seen?)))
    }

    /// What is stored, as the vault takes it.
    pub(super) fn incoming(&self) -> Incoming<'_> {
        let decided = (0..).zip(&self.open).filter(|(_, open)| open.fate.is_stored());
        Incoming { decided: decided.map(|(at, _)| at).collect(), plan: self }
    }
}

/// Secrets on their way into the vault: those of which something was decided, and behind them the others.
pub(super) struct Incoming<'p> {
    /// Their numbers among what was open.
    decided: Vec<u32>,
    plan: &'p Plan,
}

impl Incoming<'_> {
    fn decided(&self, number: usize) -> Option<&Open> {
        self.decided.get(number).map(|at| &self.plan.open[*at as usize])
    }

    /// The number in the file.
    fn number(&self, number: usize) -> usize {
        match self.decided(number) {
            Some(open) => open.at(),
            None => self.plan.fresh[number - self.decided.len()] as usize,
        }
    }
}

impl Arrivals for Incoming<'_> {
    fn len(&self) -> usize {
        self.decided.len() + self.plan.fresh.len()
    }

    fn name(&self, number: usize) -> &str {
        self.plan.items.name(self.number(number))
    }

    fn over(&self, number: usize) -> Over {
        let open = self.decided(number);
        match open.and_then(|open| Some((open.seen?, open.fate))) {
            Some((seen, Fate::KeepBoth)) => Over::Keeping(seen),
            Some((seen, _)) => Over::Replacing(seen),
            None => Over::Nothing,
        }
    }

    fn weight(&self, number: usize) -> usize {
        self.plan.items.weight(self.number(number))
    }

    fn secret(&self, number: usize) -> Given<'_> {
        Given::Made(Box::new(self.plan.one(self.number(number)).secret))
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

/// Where the links of the file lead here; none for what the vault knows otherwise.
fn links(items: &Items, routes: &Routes, source: &Source) -> Outcome<HashMap<usize, Link>> {
    let linked = (0..items.len()).filter(|number| items.is_linked(*number));
    let mut links = HashMap::new();
    for number in linked {
        let Item { link: Some(described), place, .. } = items.get(number) else { continue };
        let named = |failure: Failure| {
            failure.in_file(&format!("{}: {place}", source.shown())).adding("; nothing was imported")
        };
        links.extend(routes.link(&described).map_err(named)?.map(|link| (number, link)));
    }
    Ok(links)
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
