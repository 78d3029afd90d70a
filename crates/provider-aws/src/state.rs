//! What a session consists of, between two processes.
//!
//! The form, which is sealed before it is stored: a line of JSON, then the secret parts of each pair of keys, whose lengths the line
//! tells. Secrets stand outside of the JSON, so that nothing that serialises holds them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use subrosa_provider::Session;
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use crate::keys::Keys;

/// Temporary keys: those of the login, and those of roles by their ARN.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) login: Option<Keys>,
    pub(crate) roles: BTreeMap<String, Keys>,
}

#[derive(Serialize, Deserialize)]
struct Outline {
    keys: Vec<KeysOutline>,
}

#[derive(Serialize, Deserialize)]
struct KeysOutline {
    /// `None`: those of the login
    role: Option<String>,
    id: String,
    secret: usize,
    token: Option<usize>,
    expires: Option<i64>,
}

impl State {
    /// Reads what [`State::session`] made; what cannot be read is no session.
    pub(crate) fn read(session: &SecretValue) -> Option<Self> {
        let bytes = session.expose_secret();
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let outline: Outline = serde_json::from_slice(&bytes[..end]).ok()?;
        let mut rest = &bytes[end + 1..];
        let mut taken = |length: usize| {
            let (taken, after) = rest.split_at_checked(length)?;
            rest = after;
            SecretValue::new(taken.to_vec()).ok()
        };
        let mut state = Self::default();
        for KeysOutline { role, id, secret, token, expires } in outline.keys {
            let secret = taken(secret)?;
            let token = match token {
                Some(length) => Some(taken(length)?),
                None => None,
            };
            let keys = Keys { id, secret, token, expires };
            match role {
                Some(role) => drop(state.roles.insert(role, keys)),
                None => state.login = Some(keys),
            }
        }
        Some(state)
    }

    /// What the next process goes on with: all that has an end, and has not ended. What has none stands in a file of the user's. The login's keys are not in it `without_login`, for those that are
    /// kept elsewhere.
    pub(crate) fn session(&self, without_login: bool) -> Option<Session> {
        let login = self.login.iter().filter(|_| !without_login).map(|keys| (None, keys));
        let roles = self.roles.iter().map(|(role, keys)| (Some(role.clone()), keys));
        let all: Vec<(Option<String>, &Keys)> =
            login.chain(roles).filter(|(_, keys)| keys.expires.is_some() && !keys.is_over()).collect();
        if all.is_empty() {
            return None;
        }
        let outline = |(role, keys): &(Option<String>, &Keys)| KeysOutline {
            role: role.clone(),
            id: keys.id.clone(),
            secret: keys.secret.len(),
            token: keys.token.as_ref().map(SecretValue::len),
            expires: keys.expires,
        };
        let line = serde_json::to_vec(&Outline { keys: all.iter().map(outline).collect() }).ok()?;
        let secrets = all.iter().flat_map(|(_, keys)| [Some(&keys.secret), keys.token.as_ref()]).flatten();
        let secrets: Vec<&[u8]> = secrets.map(SecretValue::expose_secret).collect();
        let length = line.len() + 1 + secrets.iter().map(|secret| secret.len()).sum::<usize>();
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        bytes.extend_from_slice(&line);
        bytes.push(b'\n');
        for secret in secrets {
            bytes.extend_from_slice(secret);
        }
        // keys of roles are got anew with those of the login; without these, they are the session
        let expires = match &all[0] {
            (None, keys) => keys.expires,
            _ => all.iter().filter_map(|(_, keys)| keys.expires).max(),
        };
        Some(Session { state: SecretValue::from_zeroizing(bytes).ok()?, expires })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/reader";

    fn keys(id: &str, token: Option<&[u8]>, expires: Option<i64>) -> Keys {
        let value = |bytes: &[u8]| SecretValue::new(bytes.to_vec()).expect("short");
        Keys { id: id.to_owned(), secret: value(b"sec\nret"), token: token.map(value), expires }
    }

    fn state() -> State {
        let roles = BTreeMap::from([
            (ROLE.to_owned(), keys("ASIAROLEEXAMPLE00000", Some(b"role token"), Some(4_000_000_000))),
            (format!("{ROLE}-over"), keys("ASIAOVEREXAMPLE00000", Some(b"over"), Some(1))),
        ]);
        State { login: Some(keys("ASIAIOSFODNN7EXAMPLE", Some(b"token"), Some(3_000_000_000))), roles }
    }

    #[test]
    fn a_session_is_read_as_it_was_written() {
        let session = state().session(false).expect("a session");
        assert_eq!(session.expires, Some(3_000_000_000));
        let State { login, roles } = State::read(&session.state).expect("it reads");
        let login = login.expect("keys");
        assert!(login.secret.expose_secret() == b"sec\nret" && login.id == "ASIAIOSFODNN7EXAMPLE");
        assert!(login.token.is_some_and(|token| token.expose_secret() == b"token"));
        assert_eq!(roles.len(), 1, "what is over is not kept");
        assert!(roles[ROLE].token.as_ref().is_some_and(|token| token.expose_secret() == b"role token"));
        let roles_alone = state().session(true).expect("a session");
        assert_eq!(roles_alone.expires, Some(4_000_000_000));
        assert!(State::default().session(false).is_none());
    }

    #[test]
    fn what_was_cut_is_no_session() {
        let session = state().session(false).expect("a session").state;
        let bytes = session.expose_secret();
        for length in 0..bytes.len() {
            let cut = SecretValue::new(bytes[..length].to_vec()).expect("short");
            assert!(State::read(&cut).is_none(), "{length}");
        }
    }
}
