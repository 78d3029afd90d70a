//! A connection by 1Password's command line with the token of a service account.

mod fault;
mod json;
mod offer;
mod op;
mod write;

use std::path::Path;

use subrosa_program::Known;
use subrosa_provider::{
    Capabilities, ErrorKind, External, Identity, Login, Offers, Provider, ProviderError, Session, Settings,
    WriteMode,
};
use subrosa_secret::SecretValue;

use crate::credential::Credential;
use crate::named::listed;
use crate::target::{Target, value_end};
use op::{Op, Value};

/// `op`.
pub(crate) const PROGRAM: Known = Known {
    name: "op",
    about: "1Password's command line",
    install: "install it from https://developer.1password.com/docs/cli",
    flag: "--op",
};

/// How every service account token begins.
const PREFIX: &[u8] = b"ops_";

/// The program and the token that it is given.
pub(crate) struct ServiceAccount<'a> {
    op: Op,
    credential: Credential<'a>,
}

impl<'a> ServiceAccount<'a> {
    pub(crate) fn new(settings: &Settings, login: Login<'a>) -> Result<Self, ProviderError> {
        let path = settings.text("op").ok_or_else(|| {
            ProviderError::new(ErrorKind::BadSettings, "an address is one of a Connect server")
                .hint_at("add --auth connect-server, or leave --address out")
        })?;
        Ok(Self { op: Op::at(Path::new(path))?, credential: Credential::new(login) })
    }

    fn token(&self) -> Result<&SecretValue, ProviderError> {
        let token = self.credential.token()?;
        if token.expose_secret().starts_with(PREFIX) {
            return Ok(token);
        }
        let text = "what it logs in with is no service account token: it does not begin with ops_";
        Err(ProviderError::new(ErrorKind::BadSettings, text))
    }
}

impl Provider for ServiceAccount<'_> {
    type Locator = String;

    fn name(&self) -> &str {
        "onepassword"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { batch: true, write: true, browse: true }
    }

    fn lookup(&self, target: &String) -> Value {
        self.lookup_many(&[target]).pop().unwrap_or(Ok(None))
    }

    fn lookup_many(&self, targets: &[&String]) -> Vec<Value> {
        let targets: Vec<_> = targets.iter().map(|text| Target::parse(text)).collect();
        let wanted: Vec<&Target> = targets.iter().flatten().collect();
        let mut values = match self.token() {
            Ok(token) => self.op.values(&wanted, token),
            Err(error) => wanted.iter().map(|_| Err(error.again())).collect(),
        }
        .into_iter();
        let broken = || Err(ProviderError::new(ErrorKind::Unavailable, "the lookup failed"));
        targets.into_iter().map(|target| target.and_then(|_| values.next().unwrap_or_else(broken))).collect()
    }
}

impl External for ServiceAccount<'_> {
    fn describe(&self) -> Result<Identity, ProviderError> {
        self.op.check_version()?;
        let vaults = self.list(&["vault", "list"], self.token()?)?;
        let who = format!("a service account for {}", listed(&vaults));
        Ok(Identity { who, expires: None })
    }

    fn offers(&self, search: &str, limit: usize) -> Result<Offers, ProviderError> {
        self.offered(search, limit)
    }

    fn write(&self, target: &String, value: &SecretValue, mode: WriteMode) -> Result<(), ProviderError> {
        self.written(&Target::parse(target)?, value, mode)
    }

    fn session(&self) -> Option<Session> {
        self.credential.session()
    }

    fn value_end(&self, target: &String) -> Option<i64> {
        value_end(target)
    }
}
