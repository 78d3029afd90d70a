//! Waiting for a keychain, but not for ever.

use std::io::{IsTerminal as _, stderr, stdin};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use subrosa_secret::wipe_dead_stack;

use crate::KeychainError;
use crate::platform::has_display;

/// How long one call waits where a person may be at an unlock dialog.
pub const WITH_A_PERSON: Duration = Duration::from_secs(120);
/// How long one call waits where nobody can be asked: long enough for a key store that is just being started on a busy
/// machine, short enough for a job that is not watched.
pub const UNATTENDED: Duration = Duration::from_secs(20);
/// Between two questions to a key store that did not answer the first.
const PAUSE: Duration = Duration::from_millis(100);

/// How long to wait in this process: a person is taken to be there if it has a terminal, or a display to ask on.
pub(crate) fn fitting() -> Duration {
    if stdin().is_terminal() || stderr().is_terminal() || has_display() { WITH_A_PERSON } else { UNATTENDED }
}

/// Runs `work` on a thread of its own and waits for it `patience` long. Work that ends with
/// [`KeychainError::NoAnswer`] before that is done again, so it must be such that twice is as good as once: the Secret
/// Service's client gives each message two seconds, which a busy machine, or a service that shows its unlock dialog
/// before it answers, does not keep.
///
/// The stores' calls cannot be cancelled: after [`KeychainError::NoAnswer`] the thread goes on waiting for its answer
/// until the process ends, and what it was to do may still happen.
pub(crate) fn bounded<T: Send + 'static>(
    patience: Duration,
    what: &'static str,
    work: impl Fn() -> Result<T, KeychainError> + Send + 'static,
) -> Result<T, KeychainError> {
    let (sender, receiver) = channel();
    let start = thread::Builder::new().name("keychain".to_owned()).spawn(move || {
        let over = Instant::now() + patience;
        let answer = loop {
            match work() {
                Err(KeychainError::NoAnswer { .. }) if Instant::now() + PAUSE < over => thread::sleep(PAUSE),
                Err(KeychainError::NoAnswer { .. }) => {
                    break Err(KeychainError::NoAnswer { waited: patience });
                }
                answer => break answer,
            }
        };
        // the stack of a thread that ended is kept for the next one
        wipe_dead_stack();
        // nobody listens any more once the time is over
        let _ = sender.send(answer);
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
    use std::sync::atomic::{AtomicUsize, Ordering};

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
    fn a_question_without_an_answer_is_asked_again() {
        let asked = AtomicUsize::new(0);
        let slow = move || match asked.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Err(KeychainError::NoAnswer { waited: Duration::from_secs(2) }),
            times => Ok(times),
        };
        assert_eq!(bounded(WITH_A_PERSON, "test", slow).expect("the third answer"), 2);
        let never = || Err::<(), _>(KeychainError::NoAnswer { waited: Duration::ZERO });
        let short = Duration::from_millis(20);
        let error = bounded(short, "test", never).expect_err("nobody answered");
        assert!(matches!(error, KeychainError::NoAnswer { waited } if waited == short), "{error}");
    }

    #[test]
    fn a_panic_inside_is_a_failure() {
        let error = bounded::<()>(WITH_A_PERSON, "test", || panic!("as asked")).expect_err("it panicked");
        assert_eq!(error.kind(), "failed");
    }
}
