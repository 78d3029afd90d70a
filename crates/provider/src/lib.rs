//! Where values come from.
//!
//! A [`Registry`] knows names: what a secret's policy is, and which locator its value has. A [`Provider`] turns locators into
//! values. The local vault is both ([`LocalSource`]); an external vault is a provider only, for its secrets are registered
//! in the local one. Keeping the two apart is what lets a policy be judged before a value is opened.
//!
//! An external vault is a [`System`], which says what it has to be told; connected, it is an [`External`].
//! docs/providers/writing-one.md shows how one is written.
//!
//! What this crate is not: it judges nothing, asks nothing and prints nothing.
//!
//! Invariants: absence is `Ok(None)`, never an error; an error has a stable [`ErrorKind`] and never holds a value.
//! [`conformance::check`] holds every provider to this.

pub mod conformance;
mod error;
mod external;
mod local;
mod person;
mod setup;

use subrosa_secret::{Name, Policy, SecretValue};

pub use error::{ErrorKind, ProviderError};
pub use external::{
    External, Identity, Login, Method, Offer, Offers, Session, Setting, Settings, System, WriteMode,
};
pub use local::LocalSource;
pub use person::Person;
pub use setup::{Plan, Setup, Standing, Step, Work};

/// What a provider can do, asked before anything is promised to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Several lookups cost about as much as one.
    pub batch: bool,
    /// Values can be written back.
    pub write: bool,
    /// It can be asked what there is.
    pub browse: bool,
}

/// Turns locators into values.
pub trait Provider {
    /// What names one value in this provider.
    type Locator;

    /// The provider's name for people, such as `vault` or `aws-prod`.
    fn name(&self) -> &str;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// The value, or `None` where there is none under this locator.
    ///
    /// # Errors
    /// Why it could not be found out whether there is one.
    fn lookup(&self, locator: &Self::Locator) -> Result<Option<SecretValue>, ProviderError>;

    /// Several values in the order of their locators; one failure does not spoil the others.
    fn lookup_many(&self, locators: &[&Self::Locator]) -> Vec<Result<Option<SecretValue>, ProviderError>> {
        locators.iter().map(|locator| self.lookup(locator)).collect()
    }
}

impl<P: Provider + ?Sized> Provider for Box<P> {
    type Locator = P::Locator;

    fn name(&self) -> &str {
        (**self).name()
    }

    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn lookup(&self, locator: &Self::Locator) -> Result<Option<SecretValue>, ProviderError> {
        (**self).lookup(locator)
    }

    fn lookup_many(&self, locators: &[&Self::Locator]) -> Vec<Result<Option<SecretValue>, ProviderError>> {
        (**self).lookup_many(locators)
    }
}

/// What is registered under a name, known without its value.
pub struct Registered<L> {
    /// Where the value may go.
    pub policy: Policy,
    /// Where the value is; `None` while it has none.
    pub locator: Option<L>,
}

/// Knows which secrets there are.
pub trait Registry {
    /// What names one value in the provider behind it.
    type Locator;

    /// What is registered under these names, in their order and in one consistent view.
    ///
    /// # Errors
    /// Why the registry cannot be read.
    fn find(&self, names: &[Name]) -> Result<Vec<Option<Registered<Self::Locator>>>, ProviderError>;
}
