//! External vaults: what they ask for to be connected, and what a connection answers.

use std::collections::BTreeMap;

use subrosa_secret::SecretValue;

use crate::{ErrorKind, Person, Provider, ProviderError, Setup};

/// What a system is told when it is connected, none of it secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its name in the connection's document, and the flag of `connect`.
    pub name: &'static str,
    /// How its value is shown in help; empty for one that is on or off.
    pub value_name: &'static str,
    /// What it is, in half a line.
    pub help: &'static str,
    /// Whether there is no connection without it.
    pub required: bool,
    /// Whether it says who logs in and how, rather than where. Such a setting stays where it is when links go to other vaults.
    pub login: bool,
}

impl Setting {
    /// One that says where, and without which there may be a connection; without a `value_name` it is on or off.
    #[must_use]
    pub const fn place(name: &'static str, value_name: &'static str, help: &'static str) -> Self {
        Self { name, value_name, help, required: false, login: false }
    }

    /// One that says who logs in and how.
    #[must_use]
    pub const fn login(name: &'static str, value_name: &'static str, help: &'static str) -> Self {
        Self { login: true, ..Self::place(name, value_name, help) }
    }

    /// The same, without which there is no connection.
    #[must_use]
    pub const fn needed(self) -> Self {
        Self { required: true, ..self }
    }
}

/// One way to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// Its name in the connection's document and for `--auth`.
    pub name: &'static str,
    /// What the secret that it takes is called where it is asked for, such as `token`.
    pub credential: &'static str,
    /// Settings that this way needs.
    pub needs: &'static [&'static str],
    /// Whether nobody gets in this way without a [`Person`], such as one at a browser. Between logins there is the session alone.
    pub person: bool,
}

/// The settings of one connection, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// The value of a setting.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether a setting without a value is on.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Sets one; what it was before is replaced.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// Makes the path that a setting names absolute, if there is one: what is relative would be another file for every working directory.
    ///
    /// # Errors
    /// [`BadSettings`](ErrorKind::BadSettings) for what is empty, or no text once it is absolute.
    pub fn settle_file(&mut self, name: &str) -> Result<(), ProviderError> {
        let Some(file) = self.text(name) else { return Ok(()) };
        let path = std::path::absolute(file).ok().and_then(|path| path.to_str().map(str::to_owned));
        let path =
            path.ok_or_else(|| ProviderError::new(ErrorKind::BadSettings, format!("{name} is no path")))?;
        self.set(name, path);
        Ok(())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Settings {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(settings: I) -> Self {
        Self(settings.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// What a login left behind and the next process can go on with.
pub struct Session {
    /// What the system's provider made of it. It is sealed before it is stored.
    pub state: SecretValue,
    /// When it ends, in seconds since 1970; `None` where the system does not say.
    pub expires: Option<i64>,
}

/// Who a connection is to its system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// One line for people: an account, a role, a folder.
    pub who: String,
    /// When the session ends, in seconds since 1970.
    pub expires: Option<i64>,
}

/// Something in an external vault that can be linked. No value is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its target, in canonical form.
    pub target: String,
    /// What tells it from others beyond its target, in half a line; empty where there is nothing to say.
    pub about: String,
}

/// What an external vault offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offers {
    /// In the order of their targets.
    pub found: Vec<Offer>,
    /// Whether there is more than was wanted, or more than could be looked through.
    pub more: bool,
}

/// Whether a value may take the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// Only where there is none: [`Exists`](crate::ErrorKind::Exists) otherwise.
    New,
    /// There or not.
    Replace,
}

/// What a connection may log in with.
pub struct Login<'a> {
    /// The name of the [`Method`]; empty for a system that has none.
    pub method: &'a str,
    /// The session of an earlier process that has not ended yet.
    pub session: Option<SecretValue>,
    /// Whether the credential can be had again later. One that can does not belong into a session too.
    pub is_kept: bool,
    /// Whether the credential is given just now, by a person or a program, and is not one that was kept.
    pub is_new: bool,
    /// Gets the credential, when it is needed: it may be in a keychain that asks its user.
    pub credential: &'a (dyn Fn() -> Result<SecretValue, ProviderError> + Sync),
    /// Who is there to be told and asked; nobody at a lookup.
    pub person: Option<&'a dyn Person>,
}

/// A kind of external vault.
pub trait System: Sync {
    /// Its name in documents and on the command line, one word of lower-case letters.
    fn name(&self) -> &'static str;

    /// What it is, to be read after "connect".
    fn about(&self) -> &'static str;

    /// What it is told, in the order of its help.
    fn settings(&self) -> &'static [Setting];

    /// The ways to log in, the usual one first; none where nobody logs in.
    fn methods(&self) -> &'static [Method];

    /// An example of a target.
    fn example(&self) -> &'static str;

    /// Settings in the form in which they are stored.
    ///
    /// # Errors
    /// [`BadSettings`](crate::ErrorKind::BadSettings) for what cannot work or is not safe. Nothing is contacted.
    fn settle(&self, settings: Settings) -> Result<Settings, ProviderError>;

    /// A target in its canonical form: targets that mean the same value are the same text.
    ///
    /// # Errors
    /// [`BadLink`](crate::ErrorKind::BadLink) for what can name nothing there. Nothing is contacted.
    fn target(&self, settings: &Settings, text: &str) -> Result<String, ProviderError>;

    /// How the system's side is prepared, where that is known.
    fn setup(&self) -> Option<&dyn Setup> {
        None
    }

    /// Makes a connection. Where there is a way to log in, nobody is contacted before the first question.
    ///
    /// # Errors
    /// Why it cannot be.
    fn connect<'a>(
        &self,
        settings: &Settings,
        login: Login<'a>,
    ) -> Result<Box<dyn External + 'a>, ProviderError>;
}

/// A connection to an external vault. Its locators are canonical targets.
pub trait External: Provider<Locator = String> {
    /// Asks the system who this connection is, which also says whether it works.
    ///
    /// # Errors
    /// Why it does not.
    fn describe(&self) -> Result<Identity, ProviderError>;

    /// The session as it is now, if it is another than the one that the connection was made with.
    fn session(&self) -> Option<Session> {
        None
    }

    /// What is to be kept in place of the credential that was given: one that could be used only once led to it.
    fn credential(&self) -> Option<SecretValue> {
        None
    }

    /// What can be linked there and has `search` in its target, without regard to case: the first `limit` of it. Values are not read where the
    /// system can do without.
    ///
    /// # Errors
    /// Why it cannot be found out; [`Unsupported`](crate::ErrorKind::Unsupported) without [`Capabilities::browse`](crate::Capabilities::browse).
    fn offers(&self, _search: &str, _limit: usize) -> Result<Offers, ProviderError> {
        Err(ProviderError::new(ErrorKind::Unsupported, "it cannot tell what it holds"))
    }

    /// Writes a value. What else is kept in one piece with it, such as the other keys of a JSON text, stays as it is.
    ///
    /// # Errors
    /// Why nothing was written; [`Unsupported`](crate::ErrorKind::Unsupported) without [`Capabilities::write`](crate::Capabilities::write), and for a
    /// target that names an earlier version.
    fn write(&self, _target: &String, _value: &SecretValue, _mode: WriteMode) -> Result<(), ProviderError> {
        Err(ProviderError::new(ErrorKind::Unsupported, "it takes no values"))
    }

    /// Until when what was answered for this target is used without asking again, in seconds since 1970; `None` where the
    /// system leaves that to others.
    fn value_end(&self, _target: &String) -> Option<i64> {
        None
    }

    /// When the session that the last answers came from ends, in seconds since 1970. What was looked up is not used longer.
    fn session_end(&self) -> Option<i64> {
        None
    }

    /// Ends the session at the system's side, where there is one.
    ///
    /// # Errors
    /// Why that was not possible.
    fn end(&self) -> Result<(), ProviderError> {
        Ok(())
    }
}
