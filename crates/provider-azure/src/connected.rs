//! A connection: the session, and lookups with it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use azure_security_keyvault_secrets::models::SecretClientGetSecretOptions;
use azure_security_keyvault_secrets::{ResourceExt as _, SecretClient, SecretClientOptions, models::Secret};
use futures_util::future::join_all;
use subrosa_provider::{
    Capabilities, ErrorKind, External, Identity, Login, Offers, Provider, ProviderError, Session, Settings,
    WriteMode,
};
use subrosa_rest::Relay;
use subrosa_secret::{MAX_VALUE_LEN, SecretValue};

use crate::auth;
use crate::fault;
use crate::state::State;
use crate::target::Target;
use crate::token::Bearer;
use crate::transport::{End, options};

pub(crate) type Value = Result<Option<SecretValue>, ProviderError>;

pub(crate) struct Connected<'a> {
    pub(crate) settings: Settings,
    login: Login<'a>,
    pub(crate) relay: Relay,
    state: RefCell<State>,
    /// whether the session is another than the one that the connection was made with
    changed: Cell<bool>,
    client: RefCell<Option<Arc<SecretClient>>>,
    credential: RefCell<Option<SecretValue>>,
}

impl<'a> Connected<'a> {
    pub(crate) fn new(settings: &Settings, login: Login<'a>) -> Result<Self, ProviderError> {
        let state = login.session.as_ref().and_then(State::read).unwrap_or_default();
        Ok(Self {
            settings: settings.clone(),
            relay: Relay::new(settings.text("ca"), false)?,
            login,
            state: RefCell::new(state),
            changed: Cell::new(false),
            client: RefCell::default(),
            credential: RefCell::default(),
        })
    }

    pub(crate) fn vault(&self) -> &str {
        self.settings.text("key-vault").unwrap_or_default()
    }

    /// A client with a token that has some life left.
    pub(crate) fn client(&self) -> Result<Arc<SecretClient>, ProviderError> {
        let state = &mut *self.state.borrow_mut();
        if let (Some(client), Some(false)) =
            (&*self.client.borrow(), state.token.as_ref().map(|token| token.is_over()))
        {
            return Ok(Arc::clone(client));
        }
        if state.token.as_ref().is_none_or(|token| token.is_over()) {
            let logged_in = auth::log_in(&self.settings, &self.login, state.refresh.as_ref())?;
            *state = State { token: Some(logged_in.token), refresh: logged_in.refresh };
            if logged_in.credential.is_some() {
                *self.credential.borrow_mut() = logged_in.credential;
            }
            self.changed.set(true);
        }
        let none = || ProviderError::new(ErrorKind::Expired, "there is no session");
        let resource = self.settings.text("resource").unwrap_or_default();
        let bearer = Bearer::new(resource, state.token.as_ref().ok_or_else(none)?)?;
        let client_options =
            options(&self.relay.handle(), End::Vault, self.settings.text("authority").unwrap_or_default());
        // the bearer knows which resource it is for, to the letter
        let more = SecretClientOptions {
            client_options,
            verify_challenge_resource: Some(false),
            ..SecretClientOptions::default()
        };
        let made = SecretClient::new(self.vault(), Arc::new(bearer), Some(more)).map(Arc::new);
        let made =
            made.map_err(|_| ProviderError::new(ErrorKind::BadSettings, "the vault's address is none"))?;
        *self.client.borrow_mut() = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Does something with a client; once more with another token where the vault does not take the one that there is.
    pub(crate) fn ask<T>(
        &self,
        work: impl Fn(&SecretClient) -> Result<T, ProviderError>,
    ) -> Result<T, ProviderError> {
        match work(&*self.client()?) {
            Err(error) if error.kind() == ErrorKind::Expired && self.drop_token() => work(&*self.client()?),
            answer => answer,
        }
    }

    /// Drops a token that the vault does not take; whether it was one of an earlier process, which may be over by now.
    fn drop_token(&self) -> bool {
        let is_new = self.changed.replace(true);
        self.client.take();
        self.state.borrow_mut().token = None;
        !is_new
    }

    fn read(&self, client: &SecretClient, targets: &[Target]) -> Result<Vec<Value>, ProviderError> {
        let Some((first, others)) = targets.split_first() else { return Ok(Vec::new()) };
        // the first answer says which tokens the vault takes; the others are asked for at the same time
        let first = match self.relay.run(get(client, first)) {
            Err(error) if error.kind() == ErrorKind::Expired => return Err(error),
            answer => answer,
        };
        let others = self.relay.run(join_all(others.iter().map(|target| get(client, target))));
        Ok(std::iter::once(first).chain(others).collect())
    }
}

/// One value.
async fn get(client: &SecretClient, target: &Target) -> Value {
    let about = |error: ProviderError| error.about(&target.to_string());
    let wish = SecretClientGetSecretOptions {
        secret_version: target.version.clone(),
        ..SecretClientGetSecretOptions::default()
    };
    let answer = client.get_secret(&target.name, Some(wish)).await.and_then(|answer| answer.into_model());
    match answer {
        Ok(secret) => value(target, secret).map(Some).map_err(about),
        Err(error) => fault::of(&error).map_or(Ok(None), |error| Err(about(error))),
    }
}

/// The value of an answer, which has to be one about what was asked.
fn value(target: &Target, secret: Secret) -> Result<SecretValue, ProviderError> {
    let bad = |why: &str| ProviderError::new(ErrorKind::BadAnswer, why);
    let id = secret.resource_id().map_err(|_| bad("the answer names no secret"))?;
    let is_version =
        |wanted: &String| id.version.as_ref().is_some_and(|version| version.eq_ignore_ascii_case(wanted));
    if !id.name.eq_ignore_ascii_case(&target.name) || !target.version.as_ref().is_none_or(is_version) {
        return Err(bad("the answer is about another secret"));
    }
    let text = secret.value.ok_or_else(|| bad("the answer holds no value"))?;
    SecretValue::new(text.into_bytes()).map_err(|_| {
        bad(&format!("the value is longer than the {MAX_VALUE_LEN} bytes that a secret may have"))
    })
}

impl Provider for Connected<'_> {
    type Locator = String;

    fn name(&self) -> &str {
        "azure"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { batch: true, write: true, browse: true }
    }

    fn lookup(&self, target: &String) -> Value {
        self.lookup_many(&[target]).pop().unwrap_or(Ok(None))
    }

    fn lookup_many(&self, targets: &[&String]) -> Vec<Value> {
        let parsed: Vec<_> = targets.iter().map(|text| Target::parse(self.vault(), text)).collect();
        let mut wanted: Vec<Target> = parsed.iter().flatten().cloned().collect();
        wanted.sort();
        wanted.dedup();
        let answers = match wanted.is_empty() {
            true => Ok(Vec::new()),
            false => self.ask(|client| self.read(client, &wanted)),
        };
        let answer = |target: Result<Target, ProviderError>| {
            let target = target?;
            let answers = answers.as_ref().map_err(ProviderError::again)?;
            let at = wanted.binary_search(&target).map_err(|_| missing())?;
            match &answers[at] {
                Ok(Some(value)) => {
                    SecretValue::new(value.expose_secret().to_vec()).map(Some).map_err(|_| missing())
                }
                Ok(None) => Ok(None),
                Err(error) => Err(error.again()),
            }
        };
        parsed.into_iter().map(answer).collect()
    }
}

fn missing() -> ProviderError {
    ProviderError::new(ErrorKind::BadAnswer, "there is no answer")
}

impl External for Connected<'_> {
    fn describe(&self) -> Result<Identity, ProviderError> {
        self.ask(|client| self.knock(client))?;
        let state = self.state.borrow();
        let who = state.token.as_ref().and_then(|token| token.who());
        let host = crate::cloud::host_of(self.vault());
        let who = who.or_else(|| self.settings.text("client-id").map(|id| format!("application {id}")));
        let who = who.unwrap_or_else(|| self.login.method.to_owned());
        Ok(Identity { who: format!("{who} at {host}"), expires: self.session_end() })
    }

    fn session(&self) -> Option<Session> {
        self.changed.get().then(|| self.state.borrow().session()).flatten()
    }

    fn credential(&self) -> Option<SecretValue> {
        self.credential.take()
    }

    fn offers(&self, search: &str, limit: usize) -> Result<Offers, ProviderError> {
        self.ask(|client| self.found(client, search, limit))
    }

    fn write(&self, target: &String, value: &SecretValue, mode: WriteMode) -> Result<(), ProviderError> {
        let parsed = Target::parse(self.vault(), target)?;
        self.ask(|client| self.put(client, &parsed, value, mode)).map_err(|error| error.about(target))
    }

    fn session_end(&self) -> Option<i64> {
        // with what it logs in with at hand, the next token follows this one
        let state = self.state.borrow();
        let ends = !self.login.is_kept && state.refresh.is_none();
        state.token.as_ref().filter(|_| ends).map(|token| token.expires)
    }

    fn end(&self) -> Result<(), ProviderError> {
        // Entra ID takes no token back; what is left of it goes with the session
        self.state.take();
        self.client.take();
        self.changed.set(false);
        Ok(())
    }
}
