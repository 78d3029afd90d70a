//! ^C while the terminal's echo is off.
//!
//! Whoever reads without echo turns the terminal's own interrupt key off, sees the ^C as a byte and raises the
//! signal. By default that ends the process before the terminal's settings are back, and the user's shell
//! stays mute. While a [`Guard`] is held the signal does nothing, the read returns "interrupted", the settings go
//! back, and the command ends by itself.

use std::io;

#[cfg(unix)]
mod platform {
    use std::io;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, OnceLock};

    static LETHAL: OnceLock<Arc<AtomicBool>> = OnceLock::new();

    pub(super) fn set_lethal(lethal: bool) -> io::Result<()> {
        let flag = match LETHAL.get() {
            Some(flag) => flag,
            None => {
                let flag = Arc::new(AtomicBool::new(true));
                signal_hook::flag::register_conditional_default(
                    signal_hook::consts::SIGINT,
                    Arc::clone(&flag),
                )?;
                LETHAL.get_or_init(|| flag)
            }
        };
        flag.store(lethal, Ordering::SeqCst);
        Ok(())
    }
}

#[cfg(not(unix))]
mod platform {
    pub(super) fn set_lethal(_lethal: bool) -> std::io::Result<()> {
        Ok(())
    }
}

/// While it lives, SIGINT does not end the process.
pub(crate) struct Guard(());

impl Guard {
    pub(crate) fn hold() -> io::Result<Guard> {
        platform::set_lethal(false)?;
        Ok(Guard(()))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // it was set before, so it can be set again; the handler is in place either way
        let _ = platform::set_lethal(true);
    }
}
