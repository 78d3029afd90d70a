//! Values that are kept elsewhere: connections, what is cached of them, and the source behind every lookup.
//!
//! A link names a connection, a connection its system, a system the provider: [`Sources`] goes that way for each secret that
//! is linked, asks each connection once for all that is wanted of it, connections in parallel, and no secret twice.

mod caching;
mod connection;
mod credential;
mod deposit;
mod fetch;
mod kept;
mod login;
mod person;
mod preference;
mod sources;
pub(crate) mod systems;
mod target;
mod travel;

pub(crate) use caching::Caching;
pub(crate) use connection::{Connection, Connections, Place};
pub(crate) use credential::{Keep, Kept, KeptPlace, keychain};
pub(crate) use deposit::{deposit, value_at};
pub(crate) use fetch::{Fetch, Wanted};
pub(crate) use kept::place_of;
pub(crate) use login::{Entrance, copied, drop_session, keep_session};
pub(crate) use person::AtScreen;
pub(crate) use preference::{DEFAULT_TTL, set_vault_ttl, vault_ttl};
pub(crate) use sources::Sources;
pub(crate) use target::Target;
pub(crate) use travel::{Route, Routes, place, place_of_link};

use crate::failure::Failure;
use crate::fault::quoted;
use clap::{Arg, ArgAction, ArgMatches};
use subrosa_provider::{ErrorKind, ProviderError};

impl Caching {
    /// `--refresh` and `--no-cache`.
    pub(crate) fn flags() -> [Arg; 2] {
        [
            Arg::new("refresh")
                .long("refresh")
                .action(ArgAction::SetTrue)
                .help("look linked secrets up anew, whatever is cached"),
            Arg::new("no-cache")
                .long("no-cache")
                .action(ArgAction::SetTrue)
                .help("look linked secrets up anew and keep nothing of it"),
        ]
    }

    pub(crate) fn of(arguments: &ArgMatches) -> Self {
        Self { refresh: arguments.get_flag("refresh"), off: arguments.get_flag("no-cache") }
    }
}

/// What a person reads of a lookup that failed outside of a request.
pub(crate) fn failed(error: &ProviderError) -> Failure {
    use crate::exit::Exit;
    if error.kind() == ErrorKind::Cancelled {
        return Failure::interrupted();
    }
    let exit = match error.kind() {
        ErrorKind::Damaged => Exit::DAMAGED,
        ErrorKind::Locked => Exit::LOCKED,
        ErrorKind::BadSettings | ErrorKind::BadLink => Exit::USAGE,
        ErrorKind::Unsupported | ErrorKind::Exists => Exit::GENERAL,
        _ => Exit::UNRESOLVED,
    };
    let failure = Failure::new(exit, error.to_string());
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// A failure of a connection, its name in front, with a command that mends it where the failure itself knows none.
pub(crate) fn of_connection(name: &str, error: &ProviderError) -> ProviderError {
    let about = error.again().about(name);
    match (error.hint(), error.kind()) {
        (None, ErrorKind::Expired | ErrorKind::NotConnected) => {
            about.hint_at(format!("subrosa reauth {}", quoted(name)))
        }
        // nothing is wrong with the connection
        (None, ErrorKind::BadLink | ErrorKind::Unsupported | ErrorKind::NotFound | ErrorKind::Exists) => {
            about
        }
        (None, _) => about.hint_at(format!("subrosa connections {}", quoted(name))),
        (Some(_), _) => about,
    }
}

/// How long something is kept: `0`, `30s`, `15m`, `2h`, `7d`; at most thirty days.
pub(crate) fn duration(text: &str) -> Result<u64, String> {
    const LONGEST: u64 = 30 * 86_400;
    let wrong = || format!("{text:?} is no duration: write 30s, 15m, 2h or 7d, or 0 for not at all");
    if text == "0" {
        return Ok(0);
    }
    let unit = match text.as_bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 3600,
        Some(b'd') => 86_400,
        _ => return Err(wrong()),
    };
    let number = &text[..text.len() - 1];
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = number.parse::<u64>().ok().filter(|_| digits).and_then(|number| number.checked_mul(unit));
    match seconds.ok_or_else(wrong)? {
        seconds if seconds > LONGEST => Err(format!("{text} is longer than 30 days")),
        seconds => Ok(seconds),
    }
}

/// The same as text, in the largest unit that divides it.
pub(crate) fn duration_text(seconds: u64) -> String {
    match seconds {
        0 => String::from("0"),
        _ if seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        _ if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, seconds) in [("0", 0), ("30s", 30), ("15m", 900), ("2h", 7200), ("7d", 604_800)] {
            assert_eq!(duration(text), Ok(seconds), "{text}");
            assert_eq!(duration_text(seconds), text);
        }
        for wrong in ["", "m", "5", "-1m", "+1m", "1.5h", "31d", "99999999999999999999h", "1é"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert_eq!(duration_text(90), "90s");
    }
}
