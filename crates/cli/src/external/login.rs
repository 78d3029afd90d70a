//! Getting into a connection: by the session that it left behind, else by what it logs in with.

use super::connection::Place;
use super::{Connection, Kept, KeptPlace};
use crate::failure::reason;
use crate::fault::quoted;
use crate::{output, since};
use subrosa_provider::{ErrorKind, External, Login, Person, ProviderError, Session};
use subrosa_secret::SecretValue;
use subrosa_vault::{CacheEntry, CacheKind, CachePlace, Vault, VaultId};

/// A session whose end nobody knows is kept so long, and one that ended so much longer, to say when it did.
const LONGEST: i64 = 32 * 86_400;
/// An end that is nearer than this, in seconds, is told.
const SOON: i64 = 600;

/// All that it takes to open a connection, got while the vault is at hand; opening may happen on another thread.
pub(crate) struct Entrance {
    name: String,
    method: String,
    /// whether a login takes something that was given, or somebody who is there
    needs_somebody: bool,
    session: Option<SecretValue>,
    /// when the last session ended
    ended: Option<i64>,
    kept: Option<Kept>,
    sealed: Option<SecretValue>,
    vault: VaultId,
}

fn place_of(place: Place) -> CachePlace<'static> {
    CachePlace { kind: CacheKind::Session, connection: place.id, version: place.version, target: "" }
}

impl Entrance {
    /// What is there for a connection.
    pub(crate) fn to(vault: &Vault, connection: &Connection) -> Result<Self, ProviderError> {
        let method = connection.method();
        let mut entrance = Self {
            name: connection.name.clone(),
            method: connection.auth.clone(),
            needs_somebody: method.is_some_and(|method| method.person || !method.credential.is_empty()),
            session: None,
            ended: None,
            kept: connection.kept.clone(),
            sealed: None,
            vault: vault.id(),
        };
        let Some(place) = connection.place.filter(|_| method.is_some()) else { return Ok(entrance) };
        let sessions = vault.sessions();
        let loaded = sessions.load();
        if let Ok(Some(entry)) = loaded.find(&place_of(place)) {
            match entry.is_fresh(since::now()) {
                true => entrance.session = Some(entry.content),
                false => entrance.ended = Some(entry.expires),
            }
        }
        entrance.sealed = match &connection.kept {
            Some(kept) => kept.sealed(vault)?,
            None => None,
        };
        Ok(entrance)
    }

    /// The same without the session: what comes is a new one.
    pub(crate) fn anew(mut self) -> Self {
        self.session = None;
        self
    }

    pub(crate) fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// Whether it can log in without anybody.
    pub(crate) fn needs_nobody(&self) -> bool {
        self.kept.is_some() || !self.needs_somebody
    }

    /// What is in the way of a lookup, as far as that is known without asking anybody.
    pub(crate) fn obstacle(&self) -> Option<ProviderError> {
        let is_closed = self.session.is_none() && !self.needs_nobody();
        is_closed.then(|| self.credential().err()).flatten()
    }

    fn credential(&self) -> Result<SecretValue, ProviderError> {
        let loaded = match &self.kept {
            Some(kept) if kept.place == KeptPlace::Keychain => kept.load(self.vault)?,
            _ => self.sealed.as_ref().and_then(copied),
        };
        loaded.ok_or_else(|| {
            let text = match (&self.kept, self.ended) {
                (Some(kept), _) => {
                    format!("what it logs in with is not in the {} any more", kept.place.as_str())
                }
                (None, Some(ended)) => {
                    let ago = u64::try_from(since::now() - ended).unwrap_or(0);
                    format!("its session expired {} ago", about(ago))
                }
                (None, None) => "it has to log in again".to_owned(),
            };
            let hint = format!("subrosa reauth {}", quoted(&self.name));
            ProviderError::new(ErrorKind::Expired, text).hint_at(hint)
        })
    }

    /// Opens the connection and does something with it.
    pub(crate) fn enter<T>(
        &self,
        connection: &Connection,
        work: impl FnOnce(&dyn External) -> T,
    ) -> Result<T, ProviderError> {
        self.enter_with(connection, None, work)
    }

    /// The same with somebody who can be asked.
    pub(crate) fn enter_with<T>(
        &self,
        connection: &Connection,
        person: Option<&dyn Person>,
        work: impl FnOnce(&dyn External) -> T,
    ) -> Result<T, ProviderError> {
        let credential = || self.credential();
        let login = Login {
            method: &self.method,
            session: self.session.as_ref().and_then(copied),
            is_kept: self.needs_nobody(),
            is_new: false,
            credential: &credential,
            person,
        };
        Ok(work(&*connection.open(login)?))
    }

    /// The same, and keeps the session that came of it for the next process.
    pub(crate) fn visit<T>(
        &self,
        vault: &Vault,
        connection: &Connection,
        person: Option<&dyn Person>,
        work: impl FnOnce(&dyn External) -> Result<T, ProviderError>,
    ) -> Result<T, ProviderError> {
        let visited = |external: &dyn External| (work(external), external.session(), external.session_end());
        let (done, session, end) = self.enter_with(connection, person, visited)?;
        if let (Some(place), Some(session)) = (connection.place, session) {
            keep_session(vault, place, session);
        }
        self.tell_end(end);
        done
    }

    /// Says that the session ends soon, where nothing but a person can begin another.
    pub(crate) fn tell_end(&self, end: Option<i64>) {
        let left = end.map(|end| end - since::now()).filter(|left| (1..SOON).contains(left));
        if let Some(left) = left.and_then(|left| u64::try_from(left).ok()).filter(|_| !self.needs_nobody()) {
            output::warn(&format!("the session of {} ends in {}", self.name, about(left)));
            output::hint(&format!("subrosa reauth {}", quoted(&self.name)));
        }
    }
}

/// A duration as a person says it.
fn about(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// Keeps the session of a connection for the next process. Where that cannot be, the next one logs in again.
pub(crate) fn keep_session(vault: &Vault, place: Place, session: Session) {
    let now = since::now();
    let expires = session.expires.unwrap_or_else(|| now.saturating_add(LONGEST));
    let kept = expires.saturating_add(LONGEST);
    let entry = CacheEntry { fetched: now, expires, kept, content: session.state };
    if let Err(error) = vault.sessions().put(&[(place_of(place), &entry)]) {
        // a vault on read-only storage is no news
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        if !matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem) {
            output::note(&format!("the session was not kept: {}", reason(&error)));
        }
    }
}

/// Drops the session of a connection.
pub(crate) fn drop_session(vault: &Vault, place: Place) -> std::io::Result<()> {
    vault.sessions().remove(&[place_of(place)])
}

pub(crate) fn copied(value: &SecretValue) -> Option<SecretValue> {
    SecretValue::new(value.expose_secret().to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_in_the_largest_unit_that_fits() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (3599, "59 minutes"),
            (7200, "2 hours"),
            (172_799, "47 hours"),
            (172_800, "2 days"),
        ] {
            assert_eq!(about(seconds), text);
        }
    }
}
