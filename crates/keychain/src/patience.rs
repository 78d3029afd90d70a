//! Waiting for a keychain, but not for ever.

use std::io::{IsTerminal as _, stderr, stdin};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::KeychainError;
use crate::platform::has_display;

/// How long one call waits where a person may be at an unlock dialog.
pub const WITH_A_PERSON: Duration = Duration::from_secs(120);
/// How long one call waits where nobody can be asked: long enough for a key store that is just being started.
pub const UNATTENDED: Duration = Duration::from_secs(10);

/// How long to wait in this process: a person is taken to be there if it has a terminal, or a display to ask on.
pub(crate) fn fitting() -> Duration {
    if stdin().is_terminal() || stderr().is_terminal() || has_display() { WITH_A_PERSON } else { UNATTENDED }
}

/// Runs `work` on a thread of its own and waits for it `patience` long.
///
/// The stores' calls cannot be cancelled: after [`KeychainError::NoAnswer`] the thread goes on waiting for its answer
/// until the process ends, and what it was to do may still happen.
pub(crate) fn bounded<T: Send + 'static>(
    patience: Duration,
    what: &'static str,
    work: impl FnOnce() -> Result<T, KeychainError> + Send + 'static,
) -> Result<T, KeychainError> {
    let (sender, receiver) = channel();
    let start = thread::Builder::new().name("keychain".to_owned()).spawn(move || {
        // nobody listens any more once the time is over
        let _ = sender.send(work());
    });
    start.map_err(|error| KeychainError::Failed { what, source: Some(error.into()) })?;
    match receiver.recv_timeout(patience) {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => Err(KeychainError::NoAnswer { waited: patience }),
        // the thread panicked inside a store
        Err(RecvTimeoutError::Disconnected) => Err(KeychainError::Failed { what, source: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_time_is_the_answer() {
        assert_eq!(bounded(WITH_A_PERSON, "test", || Ok(7)).expect("the answer"), 7);
    }

    #[test]
    fn no_answer_in_time_is_an_error() {
        let (never, forever) = channel::<()>();
        let error = bounded(Duration::from_millis(20), "test", move || Ok(forever.recv().is_ok()));
        assert_eq!(error.expect_err("nobody answered").kind(), "no_answer");
        drop(never);
    }

    #[test]
    fn a_panic_inside_is_a_failure() {
        let error = bounded::<()>(WITH_A_PERSON, "test", || panic!("as asked")).expect_err("it panicked");
        assert_eq!(error.kind(), "failed");
    }
}
