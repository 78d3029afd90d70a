//! Preparing the system's side: what has to be there before somebody can connect.

use subrosa_secret::SecretValue;

use crate::{ProviderError, Setting, Settings};

/// How a system is prepared for connections, where subrosa knows that.
pub trait Setup: Sync {
    /// What it is told besides the system's own settings, in the order of its help.
    fn settings(&self) -> &'static [Setting];

    /// What has to be done. Nobody is contacted.
    ///
    /// # Errors
    /// [`BadSettings`](crate::ErrorKind::BadSettings) for what cannot work, or is not enough to know what to do.
    fn plan(&self, settings: &Settings) -> Result<Box<dyn Plan>, ProviderError>;
}

/// One step of a plan, as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is for, in half a line.
    pub about: String,
    /// The command by which a person does it, to be pasted into a shell. It holds nothing secret, and may be of several lines.
    pub command: String,
}

/// What has to be done on the system's side.
pub trait Plan {
    /// What the commands take for granted, as commands: where the server is, say. Empty where that is nothing.
    fn before(&self) -> Vec<String>;

    /// The steps, in their order.
    fn steps(&self) -> Vec<Step>;

    /// The command that connects afterwards, to this name, with what was [learned](Work::learned), if anything was.
    fn after(&self, connection: &str, learned: &Settings) -> String;

    /// What whoever takes the steps has to be allowed, in the system's own language.
    fn permissions(&self) -> Option<String> {
        None
    }

    /// What the secret is called that taking the steps from here needs; `None` where the commands are all there is.
    fn credential(&self) -> Option<&'static str> {
        None
    }

    /// Begins to take the steps with that secret.
    ///
    /// # Errors
    /// Why that is not possible; [`Unsupported`](crate::ErrorKind::Unsupported) where the commands are all there is.
    fn begin(&self, credential: SecretValue) -> Result<Box<dyn Work + '_>, ProviderError> {
        drop(credential);
        let text = "its set-up is done by commands, not from here";
        Err(ProviderError::new(crate::ErrorKind::Unsupported, text))
    }
}

/// How things stand before a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// What the step makes is not there.
    Missing,
    /// It is there as the step would make it.
    Done,
    /// It is there, and these parts of it are otherwise.
    Different(Vec<String>),
}

/// Taking the steps of a plan, which are named by their place in it.
pub trait Work {
    /// How things stand before a step. Nothing is changed.
    ///
    /// # Errors
    /// Why that is not known.
    fn standing(&self, step: usize) -> Result<Standing, ProviderError>;

    /// Takes a step, whatever is there.
    ///
    /// # Errors
    /// Why it did not work.
    fn take(&self, step: usize) -> Result<(), ProviderError>;

    /// What only is known when all is done: settings for the connection.
    ///
    /// # Errors
    /// Why it is not known.
    fn learned(&self) -> Result<Settings, ProviderError>;
}
