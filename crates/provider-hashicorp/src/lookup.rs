//! Lookups: which engine, which lease, which request.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use subrosa_provider::{ErrorKind, ProviderError};

use crate::api::Api;
use crate::auth;
use crate::clock::now;
use crate::connected::Connected;
use crate::lease::Lease;
use crate::mount::Mounts;
use crate::read::{self, Fields, Found};
use crate::target::Place;
use crate::token::Token;

/// What stands at each place that was asked for.
pub(crate) type Answers = BTreeMap<Place, Result<Found, ProviderError>>;

impl Connected<'_> {
    /// Asks for places; one whose token dies on the way is logged in again once, if that can be done.
    pub(crate) fn read(&self, places: &BTreeSet<Place>) -> Result<Answers, ProviderError> {
        self.prepare()?;
        let mut answers = self.attempt(places);
        let denied = |answer: &Result<Found, ProviderError>| matches!(answer, Err(error) if error.kind() == ErrorKind::Denied);
        if answers.values().any(denied) && self.drop_dead_token() {
            let over =
                || ProviderError::new(ErrorKind::Expired, "the server does not know the session any more");
            if self.login.method == auth::TOKEN {
                return Err(over());
            }
            self.prepare()?;
            let again: BTreeSet<Place> =
                answers.iter().filter(|(_, answer)| denied(answer)).map(|(place, _)| place.clone()).collect();
            answers.extend(self.attempt(&again));
        }
        Ok(answers)
    }

    /// Asks for places with the token that there is.
    fn attempt(&self, places: &BTreeSet<Place>) -> Answers {
        let mut answers = Answers::new();
        self.find_engines(places, &mut answers);
        let state = &mut *self.state.borrow_mut();
        let Some(token) = &state.token else { return answers };
        let mounts = &*self.mounts.borrow();
        let (mut asked, mut calls) = (Vec::new(), Vec::new());
        for place in places {
            if answers.contains_key(place) {
                continue;
            }
            if let Some(lease) = usable(&self.api, &mut state.leases, place, token, &self.changed) {
                answers.insert(place.clone(), Ok(lease));
                continue;
            }
            match read::question(mounts, place) {
                Ok((call, engine)) => {
                    asked.push((place, engine));
                    calls.push(self.api.authorized(call, &token.value));
                }
                Err(error) => {
                    answers.insert(place.clone(), Err(error));
                }
            }
        }
        for ((place, engine), answer) in asked.into_iter().zip(self.api.server.call_all(calls)) {
            let found = match answer {
                Ok(answer) => read::found(place, engine, &answer),
                Err(error) => Err(error.about(&place.to_string())),
            };
            answers.insert(place.clone(), found);
        }
        answers
    }

    /// Asks which engines there are, for paths of which that is not known yet. Paths that begin alike are asked for once.
    fn find_engines(&self, places: &BTreeSet<Place>, answers: &mut Answers) {
        let state = self.state.borrow();
        let Some(token) = &state.token else { return };
        loop {
            let mounts = &mut *self.mounts.borrow_mut();
            let mut firsts = BTreeMap::new();
            for place in places {
                if mounts.find(&place.path).is_none() && !answers.contains_key(place) {
                    firsts.entry(place.path.split('/').next()).or_insert(place);
                }
            }
            if firsts.is_empty() {
                return;
            }
            let calls =
                firsts.values().map(|place| self.api.authorized(Mounts::question(&place.path), &token.value));
            for (place, answer) in firsts.values().zip(self.api.server.call_all(calls.collect())) {
                let learnt = answer.and_then(|answer| mounts.learn(&place.path, &answer));
                let unknown = || {
                    Err(ProviderError::new(
                        ErrorKind::BadLink,
                        format!("{place}: it is an engine and no secret in it"),
                    ))
                };
                match learnt {
                    Ok(()) if mounts.find(&place.path).is_some() => {}
                    Ok(()) => drop(answers.insert((*place).clone(), unknown())),
                    Err(error) => drop(answers.insert((*place).clone(), Err(error))),
                }
            }
        }
    }

    /// Keeps what was leased, and says until when each answer is good.
    pub(crate) fn keep(&self, answers: &mut Answers) {
        let state = &mut *self.state.borrow_mut();
        for (place, answer) in answers {
            let Ok(Found::Leased(lease)) = answer else { continue };
            let fields = leased(lease);
            let Ok(Found::Leased(lease)) = std::mem::replace(answer, Ok(fields)) else { continue };
            state.leases.retain(|other| other.path != place.path);
            state.leases.push(lease);
            self.changed.set(true);
        }
    }
}

/// The lease that there is for a place, with some life left; it is renewed when it is time.
fn usable(
    api: &Api,
    leases: &mut [Lease],
    place: &Place,
    token: &Token,
    changed: &Cell<bool>,
) -> Option<Found> {
    let at = leases.iter().position(|lease| lease.path == place.path)?;
    let lease = &mut leases[at];
    let alive = lease.used_until() > now()
        || (lease.life.renewable && !lease.life.is_over() && {
            changed.set(true);
            lease.renew(api, &token.value).unwrap_or(false)
        });
    if !alive {
        return None;
    }
    Some(leased(lease))
}

fn leased(lease: &Lease) -> Found {
    Found::Fields(Fields { json: lease.data.clone(), end: Some(lease.used_until()), version: 0 })
}
