//! A connection: the session, and lookups with it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use subrosa_provider::{
    Capabilities, ErrorKind, External, Identity, Login, Offers, Provider, ProviderError, Session, Settings,
    WriteMode,
};
use subrosa_secret::SecretValue;

use crate::api::Api;
use crate::auth;
use crate::lookup::Answers;
use crate::mount::Mounts;
use crate::read::{self, Found};
use crate::state::State;
use crate::target::{Place, Target};
use crate::token::Token;

type Value = Result<Option<SecretValue>, ProviderError>;

pub(crate) struct Connected<'a> {
    pub(crate) api: Api,
    settings: Settings,
    pub(crate) login: Login<'a>,
    pub(crate) state: RefCell<State>,
    /// whether it is another than the one that the connection was made with
    pub(crate) changed: Cell<bool>,
    credential: RefCell<Option<SecretValue>>,
    pub(crate) mounts: RefCell<Mounts>,
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
    pub(crate) fn prepare(&self) -> Result<(), ProviderError> {
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

    /// Does something in the name of the token; where it dies on the way, once more with another, if one can be had.
    pub(crate) fn with_token<T>(
        &self,
        work: impl Fn(&SecretValue) -> Result<T, ProviderError>,
    ) -> Result<T, ProviderError> {
        let attempt = || {
            self.prepare()?;
            let state = self.state.borrow();
            let over = || ProviderError::new(ErrorKind::Expired, "there is no session");
            work(&state.token.as_ref().ok_or_else(over)?.value)
        };
        match attempt() {
            Err(error) if error.kind() == ErrorKind::Denied && self.drop_dead_token() => {
                if self.login.method == auth::TOKEN {
                    let text = "the server does not know the session any more";
                    return Err(ProviderError::new(ErrorKind::Expired, text));
                }
                attempt()
            }
            outcome => outcome,
        }
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
    pub(crate) fn drop_dead_token(&self) -> bool {
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
}

impl Provider for Connected<'_> {
    type Locator = String;

    fn name(&self) -> &str {
        "hashicorp"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { batch: true, write: true, browse: true }
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
            match answers.as_ref().map_err(ProviderError::again)?.get(&target.place) {
                Some(Ok(Found::Fields(fields))) => {
                    if let Some(end) = fields.end {
                        self.ends.borrow_mut().insert((*text).clone(), end);
                    }
                    read::field(&target.place, &fields.json, &target.key)
                }
                Some(Ok(Found::Gone(version, what))) => {
                    let text = format!("{}: version {version} {what}", target.place);
                    Err(ProviderError::new(ErrorKind::NotFound, text))
                }
                Some(Err(error)) => Err(error.again()),
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

    fn offers(&self, search: &str, limit: usize) -> Result<Offers, ProviderError> {
        self.offered(search, limit)
    }

    fn write(&self, target: &String, value: &SecretValue, mode: WriteMode) -> Result<(), ProviderError> {
        self.put(&Target::parse(target)?, value, mode)
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
