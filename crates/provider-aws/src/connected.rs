//! A connection: the session, and who one is with it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use subrosa_provider::{
    Capabilities, ErrorKind, External, Identity, Login, Offers, Provider, ProviderError, Session, Settings,
    WriteMode,
};
use subrosa_secret::SecretValue;

use crate::auth;
use crate::fault;
use crate::keys::Keys;
use crate::services::Services;
use crate::state::State;

type Value = Result<Option<SecretValue>, ProviderError>;

pub(crate) struct Connected<'a> {
    pub(crate) services: Services,
    settings: Settings,
    pub(crate) login: Login<'a>,
    pub(crate) state: RefCell<State>,
    /// whether it is another than the one that the connection was made with
    changed: Cell<bool>,
    /// whether somebody logged in in this process, so that doing it again would lead to the same
    is_fresh: Cell<bool>,
    /// why nobody could log in, which does not change while a process runs
    failed: RefCell<Option<ProviderError>>,
    /// when what was answered for a target in another role is over
    pub(crate) ends: RefCell<BTreeMap<String, i64>>,
    /// whether several secrets may be asked for at once, as far as that is known
    pub(crate) batches: Cell<bool>,
}

impl<'a> Connected<'a> {
    pub(crate) fn new(settings: &Settings, login: Login<'a>) -> Self {
        let state = login.session.as_ref().and_then(State::read).unwrap_or_default();
        Self {
            services: Services::new(settings, login.method),
            settings: settings.clone(),
            login,
            state: RefCell::new(state),
            changed: Cell::new(false),
            is_fresh: Cell::new(false),
            failed: RefCell::default(),
            ends: RefCell::default(),
            batches: Cell::new(true),
        }
    }

    /// The role that a link is read in: the one that it names, else the connection's.
    pub(crate) fn role<'r>(&'r self, named: Option<&'r str>) -> Option<&'r str> {
        named.or_else(|| auth::role(&self.settings, &self.login))
    }

    /// Does something with the keys of a role, or those of the login, which are got where there are none with some life left.
    pub(crate) fn with_keys<T>(
        &self,
        role: Option<&str>,
        work: impl FnOnce(&Keys) -> Result<T, ProviderError>,
    ) -> Result<T, ProviderError> {
        match role {
            Some(role) => self.take_role(role)?,
            None => self.log_in()?,
        }
        let state = self.state.borrow();
        let keys = match role {
            Some(role) => state.roles.get(role),
            None => state.login.as_ref(),
        };
        work(keys.ok_or_else(|| ProviderError::new(ErrorKind::Expired, "there is no session"))?)
    }

    fn log_in(&self) -> Result<(), ProviderError> {
        if self.state.borrow().login.as_ref().is_some_and(|keys| !keys.is_over()) {
            return Ok(());
        }
        if let Some(error) = &*self.failed.borrow() {
            return Err(error.again());
        }
        let keys = auth::log_in(&self.services, &self.settings, &self.login);
        let keys = keys.inspect_err(|error| drop(self.failed.replace(Some(error.again()))))?;
        self.state.borrow_mut().login = Some(keys);
        self.is_fresh.set(true);
        self.changed.set(true);
        Ok(())
    }

    fn take_role(&self, role: &str) -> Result<(), ProviderError> {
        if self.state.borrow().roles.get(role).is_some_and(|keys| !keys.is_over()) {
            return Ok(());
        }
        // the connection's own role comes first, and leads to others
        let by = auth::role(&self.settings, &self.login).filter(|own| *own != role);
        let external_id = self.settings.text("external-id");
        let keys = self.with_keys(by, |keys| auth::assume(&self.services, keys, role, external_id))?;
        self.state.borrow_mut().roles.insert(role.to_owned(), keys);
        self.changed.set(true);
        Ok(())
    }

    /// Drops a session that AWS does not know any more; whether another login may help.
    pub(crate) fn drop_dead_session(&self) -> bool {
        if self.is_fresh.get() || auth::is_given(&self.login) {
            return false;
        }
        self.state.take();
        self.changed.set(true);
        true
    }
}

impl Provider for Connected<'_> {
    type Locator = String;

    fn name(&self) -> &str {
        "aws"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { batch: true, write: true, browse: true }
    }

    fn lookup(&self, target: &String) -> Value {
        self.lookup_many(&[target]).pop().unwrap_or(Ok(None))
    }

    fn lookup_many(&self, targets: &[&String]) -> Vec<Value> {
        self.look_up(targets)
    }
}

impl External for Connected<'_> {
    fn describe(&self) -> Result<Identity, ProviderError> {
        let ask = |keys: &Keys| {
            let sts = self.services.sts(Some(keys))?;
            let answer = self.services.wait(sts.get_caller_identity().send())?;
            Ok(answer.map_err(|error| (fault::keys_are_dead(&error), fault::of(&error, "GetCallerIdentity"))))
        };
        let role = self.role(None).map(str::to_owned);
        let mut answer = self.with_keys(role.as_deref(), ask)?;
        if matches!(answer, Err((true, _))) && self.drop_dead_session() {
            answer = self.with_keys(role.as_deref(), ask)?;
        }
        let answer = answer.map_err(|(_, error)| error)?;
        let arn = answer.arn.unwrap_or_default();
        if !arn.starts_with("arn:") || arn.chars().any(char::is_control) {
            return Err(ProviderError::new(
                ErrorKind::BadAnswer,
                "GetCallerIdentity: the answer names nobody",
            ));
        }
        let who = match self.services.region() {
            Ok(region) => format!("{arn} in {region}"),
            Err(_) => arn,
        };
        Ok(Identity { who, expires: self.session_end() })
    }

    fn offers(&self, search: &str, limit: usize) -> Result<Offers, ProviderError> {
        self.offered(search, limit)
    }

    fn write(&self, target: &String, value: &SecretValue, mode: WriteMode) -> Result<(), ProviderError> {
        self.written(target, value, mode)
    }

    fn session(&self) -> Option<Session> {
        if !self.changed.get() {
            return None;
        }
        self.state.borrow().session(self.login.is_kept && auth::is_given(&self.login))
    }

    fn value_end(&self, target: &String) -> Option<i64> {
        self.ends.borrow().get(target).copied()
    }

    fn session_end(&self) -> Option<i64> {
        self.state.borrow().login.as_ref().and_then(|keys| keys.expires)
    }
}
