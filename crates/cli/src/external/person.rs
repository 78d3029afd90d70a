//! Whoever is in front of the screen while a connection is made.

use crate::context::Context;
use crate::failure::{Failure, Outcome, visible};
use crate::terminal::Terminal;
use crate::{browser, output};
use subrosa_provider::{ErrorKind, Person, ProviderError};
use subrosa_secret::SecretValue;

/// The person who typed the command. What is said goes to standard error, questions to the terminal.
pub(crate) struct AtScreen {
    is_asked: bool,
    answers: bool,
}

impl AtScreen {
    pub(crate) fn of(context: &Context) -> Outcome<Self> {
        Ok(Self { is_asked: context.asks()?, answers: context.terminal()?.is_some() })
    }

    /// Whom a login may turn to: nobody where nobody is to be asked, for a page that waits is a question too.
    pub(crate) fn asked(&self) -> Option<&dyn Person> {
        self.is_asked.then_some(self)
    }
}

impl Person for AtScreen {
    fn tell(&self, line: &str) {
        output::say(line);
    }

    fn open(&self, url: &str) {
        // alone on its line, so that it can be marked and copied whole
        output::say(url);
        browser::open(url);
    }

    fn ask(&self, what: &str) -> Result<SecretValue, ProviderError> {
        let terminal = self.answers.then(Terminal::open).flatten();
        let Some(mut terminal) = terminal else {
            let text = format!("no terminal to ask for the {}", visible(what));
            return Err(ProviderError::new(ErrorKind::NotConnected, text)
                .hint_at("run it in a terminal, where you can answer"));
        };
        let typed = terminal.secret(&format!("{what}:")).map_err(|failure| unanswered(&failure, what))?;
        if typed.is_empty() {
            return Err(ProviderError::new(
                ErrorKind::BadSettings,
                format!("the {} is empty", visible(what)),
            ));
        }
        SecretValue::from_zeroizing(typed).map_err(|error| {
            ProviderError::new(ErrorKind::BadSettings, format!("{}: {error}", visible(what)))
        })
    }
}

/// ^C is no fault of anybody's; a terminal that went away is.
fn unanswered(failure: &Failure, what: &str) -> ProviderError {
    match failure.exit() == crate::exit::Exit::INTERRUPTED {
        true => ProviderError::new(ErrorKind::Cancelled, format!("the {} was not given", visible(what))),
        false => ProviderError::new(ErrorKind::NotConnected, failure.message().to_owned()),
    }
}
