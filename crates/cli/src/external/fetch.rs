//! Getting values from connections: from the cache where it holds them, else each connection asked once for all of them.

use super::connection::Place;
use super::{Caching, Connection, Connections, Entrance, copied, keep_session, kept, place_of, vault_ttl};
use crate::failure::reason;
use crate::fault::quoted;
use crate::{output, since};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::thread;
use subrosa_provider::{ErrorKind, ProviderError, Session};
use subrosa_secret::SecretValue;
use subrosa_vault::{CacheEntry, Link, Vault};

/// A secret that is linked: the name is for messages.
pub(crate) struct Wanted<'a> {
    pub(crate) secret: &'a str,
    pub(crate) link: &'a Link,
}

pub(crate) type Answer = Result<Option<SecretValue>, ProviderError>;
type Key = (Place, String);

/// Gets values for one process, none of them twice.
#[derive(Default)]
pub(crate) struct Fetch {
    caching: Caching,
    known: RefCell<BTreeMap<Key, SecretValue>>,
    warned: RefCell<bool>,
}

/// What one connection is asked for.
struct Job<'c> {
    connection: &'c Connection,
    place: Place,
    targets: Vec<String>,
    entrance: Result<Entrance, ProviderError>,
}

/// What it answered, and until when each answer is good.
#[derive(Default)]
struct Done {
    answers: Vec<(Answer, Option<i64>)>,
    session_end: Option<i64>,
    session: Option<Session>,
}

impl Fetch {
    pub(crate) fn new(caching: Caching) -> Self {
        Self { caching, ..Self::default() }
    }

    /// The values of links, in their order.
    pub(crate) fn values(&self, vault: &Vault, wanted: &[Wanted<'_>]) -> Vec<Answer> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let connections = match Connections::load(vault) {
            Ok(connections) => connections,
            Err(error) => {
                let failed = |_| Err(ProviderError::new(ErrorKind::Damaged, error.to_string()));
                return wanted.iter().map(failed).collect();
            }
        };
        let mut failed = self.look_up(vault, &connections, wanted);
        wanted.iter().map(|one| self.answer(&connections, one, &mut failed)).collect()
    }

    /// Fills what is known; what comes back is what went wrong, and what is not there.
    fn look_up(
        &self,
        vault: &Vault,
        connections: &Connections,
        wanted: &[Wanted<'_>],
    ) -> BTreeMap<Key, Option<ProviderError>> {
        let cache = vault.cache();
        let loaded = (!self.caching.off).then(|| cache.load());
        let (now, mut jobs, mut stale) = (since::now(), Vec::<Job<'_>>::new(), BTreeMap::new());
        let mut ttls = BTreeMap::new();
        for Wanted { link, .. } in wanted {
            let Some(connection) = connections.with_id(link.connection) else { continue };
            let Some(place) = connection.place else { continue };
            let key = (place, link.target.clone());
            ttls.insert(key.clone(), link.ttl);
            if self.known.borrow().contains_key(&key) || connection.system().is_err() {
                continue;
            }
            if let Some(loaded) = &loaded
                && let Some(entry) = kept::find(loaded, place, &link.target, &mut self.warned.borrow_mut())
            {
                if entry.is_fresh(now) && !self.caching.refresh {
                    self.known.borrow_mut().insert(key, entry.content);
                    continue;
                }
                if entry.is_kept(now) && connection.stale_if_error.is_some() {
                    stale.insert(key.clone(), entry);
                }
            }
            match jobs.iter_mut().find(|job| job.place == place) {
                Some(job) if job.targets.contains(&key.1) => {}
                Some(job) => job.targets.push(key.1),
                None => {
                    let entrance = Entrance::to(vault, connection);
                    jobs.push(Job { connection, place, targets: vec![key.1], entrance });
                }
            }
        }
        let (mut failed, mut fresh, mut gone) = (BTreeMap::new(), Vec::new(), Vec::new());
        let preferred = vault_ttl(vault).ok().flatten();
        for (job, done) in run(&jobs) {
            if let Ok(entrance) = &job.entrance {
                entrance.tell_end(done.session_end);
            }
            if let Some(session) = done.session {
                keep_session(vault, job.place, session);
            }
            for (target, (answer, value_end)) in job.targets.iter().zip(done.answers) {
                let key = (job.place, target.clone());
                match answer {
                    Ok(Some(value)) => {
                        let ttl = ttls.get(&key).copied().flatten();
                        fresh.extend(copied(&value).and_then(|copy| {
                            let end = [done.session_end, value_end].into_iter().flatten().min();
                            kept::entry(job.connection, ttl, preferred, end, now, copy)
                                .map(|kept| (key.clone(), kept))
                        }));
                        self.known.borrow_mut().insert(key, value);
                    }
                    Ok(None) => {
                        gone.push(key.clone());
                        failed.insert(key, None);
                    }
                    Err(error) => match stale.remove(&key).filter(|_| is_passing(error.kind())) {
                        Some(CacheEntry { fetched, content, .. }) => {
                            let age = super::duration_text(u64::try_from(now - fetched).unwrap_or(0));
                            output::warn(&format!("{error}; a value that was looked up {age} ago is used"));
                            self.known.borrow_mut().insert(key, content);
                        }
                        None => {
                            if matches!(error.kind(), ErrorKind::Denied | ErrorKind::NotFound) {
                                gone.push(key.clone());
                            }
                            failed.insert(key, Some(error));
                        }
                    },
                }
            }
        }
        if !self.caching.off {
            self.keep(vault, &fresh, &gone);
        }
        failed
    }

    /// Stores what was looked up, and drops what is not to be had any more.
    fn keep(&self, vault: &Vault, fresh: &[(Key, CacheEntry)], gone: &[Key]) {
        let cache = vault.cache();
        let places: Vec<_> = gone.iter().map(|(place, target)| place_of(*place, target)).collect();
        if !places.is_empty() {
            kept::drop_targets(&cache, &places);
        }
        let entries: Vec<_> =
            fresh.iter().map(|((place, target), entry)| (place_of(*place, target), entry)).collect();
        if entries.is_empty() {
            return;
        }
        if let Err(error) = cache.put(&entries) {
            // a vault on read-only storage is no news
            use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
            if !matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem) {
                output::note(&format!("nothing was cached: {}", reason(&error)));
            }
        }
    }

    fn answer(
        &self,
        connections: &Connections,
        wanted: &Wanted<'_>,
        failed: &mut BTreeMap<Key, Option<ProviderError>>,
    ) -> Answer {
        let Wanted { secret, link } = wanted;
        let connection = connections.behind(secret, link)?;
        let place =
            connection.place.ok_or_else(|| ProviderError::new(ErrorKind::NotConnected, "no connection"))?;
        let key = (place, link.target.clone());
        if let Some(value) = self.known.borrow().get(&key) {
            return Ok(copied(value));
        }
        match failed.get_mut(&key).map(|failure| failure.as_ref()) {
            Some(Some(error)) => Err(explained(connections, connection, wanted, error)),
            _ => {
                let text = format!("{} has nothing named {}", connection.name, link.target);
                Err(ProviderError::new(ErrorKind::NotFound, text).hint_at(connections.relink(secret, link)))
            }
        }
    }

    /// Forgets what was looked up for these links: a server refused it.
    pub(crate) fn reject(&self, vault: &Vault, links: &[&Link]) -> bool {
        let Ok(connections) = Connections::load(vault) else { return false };
        let mut places = Vec::new();
        for link in links {
            let place = connections.with_id(link.connection).and_then(|connection| connection.place);
            places.extend(place.map(|place| (place, link.target.as_str())));
        }
        let mut known = self.known.borrow_mut();
        for (place, target) in &places {
            known.remove(&(*place, (*target).to_owned()));
        }
        let places: Vec<_> = places.into_iter().map(|(place, target)| place_of(place, target)).collect();
        if self.caching.off || places.is_empty() {
            return false;
        }
        kept::drop_targets(&vault.cache(), &places);
        true
    }
}

/// Whether a failure says nothing of the value itself, so that an older one may do.
fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Throttled)
}

/// A failure with the connection's name in front and the command that mends it.
fn explained(
    connections: &Connections,
    connection: &Connection,
    wanted: &Wanted<'_>,
    error: &ProviderError,
) -> ProviderError {
    let name = quoted(&connection.name);
    let hint = error.hint().map(str::to_owned).unwrap_or_else(|| match error.kind() {
        ErrorKind::Expired | ErrorKind::NotConnected => format!("subrosa reauth {name}"),
        ErrorKind::BadLink | ErrorKind::NotFound => connections.relink(wanted.secret, wanted.link),
        _ => format!("subrosa connections {name}"),
    });
    ProviderError::new(error.kind(), format!("{}: {error}", connection.name)).hint_at(hint)
}

/// Asks every connection, several of them at the same time.
fn run<'j>(jobs: &'j [Job<'j>]) -> Vec<(&'j Job<'j>, Done)> {
    if let [job] = jobs {
        return vec![(job, ask(job))];
    }
    thread::scope(|scope| {
        let work = |job| {
            move || {
                let done = ask(job);
                subrosa_secret::wipe_dead_stack();
                done
            }
        };
        let threads: Vec<_> = jobs.iter().map(|job| (job, scope.spawn(work(job)))).collect();
        threads
            .into_iter()
            .map(|(job, thread)| (job, thread.join().unwrap_or_else(|_| failed(job, broken))))
            .collect()
    })
}

fn broken() -> ProviderError {
    ProviderError::new(ErrorKind::Unavailable, "the lookup failed")
}

fn failed(job: &Job<'_>, error: impl Fn() -> ProviderError) -> Done {
    Done { answers: job.targets.iter().map(|_| (Err(error()), None)).collect(), ..Done::default() }
}

fn ask(job: &Job<'_>) -> Done {
    let entrance = match &job.entrance {
        Ok(entrance) => entrance,
        Err(error) => return failed(job, || error.again()),
    };
    let asked = entrance.enter(job.connection, |external| {
        let answers = external.lookup_many(&job.targets.iter().collect::<Vec<_>>());
        let ends = job.targets.iter().map(|target| external.value_end(target));
        Done {
            answers: answers.into_iter().zip(ends).collect(),
            session_end: external.session_end(),
            session: external.session(),
        }
    });
    asked.unwrap_or_else(|error| failed(job, || error.again()))
}
