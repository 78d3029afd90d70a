//! Somebody in front of the screen.

use subrosa_secret::SecretValue;

use crate::ProviderError;

/// Who can be told and asked while a connection is made. Lookups have nobody: what a [`Login`](crate::Login) needs a person for
/// ends there as [`Expired`](crate::ErrorKind::Expired), never in a question.
pub trait Person: Sync {
    /// Says one line. It is shown whether or not somebody can answer.
    fn tell(&self, line: &str);

    /// Shows a page's address, and opens it in the person's browser where there is one. Whether anything came of that nobody knows.
    fn open(&self, url: &str);

    /// Asks for something that is not shown while it is typed, such as the code of a second factor.
    ///
    /// # Errors
    /// [`NotConnected`](crate::ErrorKind::NotConnected) where nobody can answer, [`Cancelled`](crate::ErrorKind::Cancelled) where
    /// somebody does not want to.
    fn ask(&self, what: &str) -> Result<SecretValue, ProviderError>;
}
