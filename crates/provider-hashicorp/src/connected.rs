//! A connection: the session, and lookups with it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use subrosa_provider::{
    Capabilities, ErrorKind, External, Identity, Login, Provider, ProviderError, Session, Settings,
};
use subrosa_secret::SecretValue;

use crate::api::Api;
use crate::auth;
use crate::clock::now;
use crate::lease::Lease;
use crate::mount::Mounts;
use crate::read::{self, Found};
use crate::state::State;
use crate::target::{Place, Target};
use crate::token::Token;

type Value = Result<Option<SecretValue>, ProviderError>;
type Answers = BTreeMap<Place, Result<Found, ProviderError>>;

pub(crate) struct Connected<'a> {
    api: Api,
    settings: Settings,
    login: Login<'a>,
    state: RefCell<State>,
    /// whether it is another than the one that the connection was made with
    changed: Cell<bool>,
    credential: RefCell<Option<SecretValue>>,
    mounts: RefCell<Mounts>,
    ends: RefCell<BTreeMap<String, i64>>,
}

impl<'a> Connected<'a> {
    pub(crate) fn new(settings: &Settings, login: Login<'a>) -> Result<Self, ProviderError> {
        let state = login.session.as_ref().and_then(State::read).unwrap_or_default();
        Ok(Self {
            api: Api::new(settings)?,
            settings: settings.clone(),
            login,
            state: RefCell::new(state),
            changed: Cell::new(false),
            credential: RefCell::default(),
            mounts: RefCell::default(),
            ends: RefCell::default(),
        })
    }

    /// Sees to it that there is a token with some life left.
    fn prepare(&self) -> Result<(), ProviderError> {
        let state = &mut *self.state.borrow_mut();
        let mut token = match state.token.take() {
            Some(token) if !token.life.is_over() => token,
            Some(_) => {
                // its leases went with it
                state.leases.clear();
                self.log_in()?
            }
            None => self.log_in()?,
        };
        if token.life.is_waning() && token.renew(&self.api).is_ok() {
            self.changed.set(true);
        }
        state.token = Some(token);
        Ok(())
    }

    fn log_in(&self) -> Result<Token, ProviderError> {
        let auth::LoggedIn { mut token, credential } = auth::log_in(&self.api, &self.settings, &self.login)?;
        if credential.is_some() {
            *self.credential.borrow_mut() = credential;
        }
        if !token.made_here {
            // one whose policies do not let it look itself up may be good for all else
            match token.look_up(&self.api) {
                Ok(about) => token.life = about.life(),
                Err(error) if error.kind() == ErrorKind::Denied => {}
                Err(error) => return Err(error),
            }
        }
        self.changed.set(true);
        Ok(token)
    }

    /// Drops a token that the server does not know any more; whether it was one.
    fn drop_dead_token(&self) -> bool {
        let state = &mut *self.state.borrow_mut();
        let dead =
            |token: &Token| token.look_up(&self.api).is_err_and(|error| error.kind() == ErrorKind::Denied);
        if !state.token.as_ref().is_some_and(dead) {
            return false;
        }
        // its leases went with it
        *state = State::default();
        self.changed.set(true);
        true
    }

    /// Asks for places; one whose token dies on the way is logged in again once, if that can be done.
    fn read(&self, places: &BTreeSet<Place>) -> Result<Answers, ProviderError> {
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
    fn keep(&self, answers: &mut Answers) {
        let state = &mut *self.state.borrow_mut();
        for (place, answer) in answers {
            let Ok(Found::Leased(lease)) = answer else { continue };
            let fields = Found::Fields(lease.data.clone(), Some(lease.used_until()));
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
    Some(Found::Fields(lease.data.clone(), Some(lease.used_until())))
}

fn again(error: &ProviderError) -> ProviderError {
    let same = ProviderError::new(error.kind(), error.to_string());
    match error.hint() {
        Some(hint) => same.hint_at(hint),
        None => same,
    }
}

impl Provider for Connected<'_> {
    type Locator = String;

    fn name(&self) -> &str {
        "hashicorp"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { batch: true, write: false }
    }

    fn lookup(&self, target: &String) -> Value {
        self.lookup_many(&[target]).pop().unwrap_or(Ok(None))
    }

    fn lookup_many(&self, targets: &[&String]) -> Vec<Value> {
        let parsed: Vec<_> = targets.iter().map(|text| Target::parse(text)).collect();
        let places: BTreeSet<Place> = parsed.iter().flatten().map(|target| target.place.clone()).collect();
        let answers = match places.is_empty() {
            true => Ok(Answers::new()),
            false => self.read(&places),
        };
        let answers = answers.map(|mut answers| {
            self.keep(&mut answers);
            answers
        });
        let value = |(text, target): (&&String, Result<Target, ProviderError>)| {
            let target = target?;
            match answers.as_ref().map_err(again)?.get(&target.place) {
                Some(Ok(Found::Fields(fields, end))) => {
                    if let Some(end) = end {
                        self.ends.borrow_mut().insert((*text).clone(), *end);
                    }
                    read::field(&target.place, fields, &target.key)
                }
                Some(Err(error)) => Err(again(error)),
                Some(Ok(Found::Nothing | Found::Leased(_))) | None => Ok(None),
            }
        };
        targets.iter().zip(parsed).map(value).collect()
    }
}

impl External for Connected<'_> {
    fn describe(&self) -> Result<Identity, ProviderError> {
        self.prepare()?;
        let mut about = self.state.borrow().token.as_ref().map(|token| token.look_up(&self.api));
        if matches!(&about, Some(Err(error)) if error.kind() == ErrorKind::Denied) {
            let over =
                ProviderError::new(ErrorKind::Expired, "the server does not know the session any more");
            self.state.take();
            self.changed.set(true);
            if self.login.method == auth::TOKEN {
                return Err(over);
            }
            self.prepare()?;
            about = self.state.borrow().token.as_ref().map(|token| token.look_up(&self.api));
        }
        let about =
            about.unwrap_or_else(|| Err(ProviderError::new(ErrorKind::Expired, "there is no session")))?;
        if let Some(token) = &mut self.state.borrow_mut().token {
            token.life = about.life();
        }
        let policies = about.policies.unwrap_or_default().join(", ");
        let who = format!("{} (policies: {policies})", about.display_name);
        let who = match self.settings.text("namespace") {
            Some(namespace) => format!("{who} in {namespace}"),
            None => who,
        };
        Ok(Identity { who, expires: self.session_end() })
    }

    fn session(&self) -> Option<Session> {
        if !self.changed.get() {
            return None;
        }
        let kept_elsewhere = self.login.method == auth::TOKEN && self.login.is_kept;
        self.state.borrow().session(kept_elsewhere)
    }

    fn credential(&self) -> Option<SecretValue> {
        self.credential.take()
    }

    fn value_end(&self, target: &String) -> Option<i64> {
        self.ends.borrow().get(target).copied()
    }

    fn session_end(&self) -> Option<i64> {
        self.state.borrow().token.as_ref().and_then(|token| token.life.expires)
    }

    fn end(&self) -> Result<(), ProviderError> {
        let State { token, leases } = self.state.take();
        self.changed.set(false);
        let token = match token.filter(|token| !token.life.is_over()) {
            Some(token) => token,
            // leases of a token that is kept elsewhere
            None if !leases.is_empty() => auth::log_in(&self.api, &self.settings, &self.login)?.token,
            None => return Ok(()),
        };
        let ended: Vec<_> = leases.iter().map(|lease| lease.revoke(&self.api, &token.value)).collect();
        match token.made_here {
            // whatever could not be taken back goes with the token, if a little later
            true => token.revoke(&self.api),
            false => ended.into_iter().collect(),
        }
    }
}
