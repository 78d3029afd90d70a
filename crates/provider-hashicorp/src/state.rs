//! What a session consists of, between two processes.
//!
//! The form, which is sealed before it is stored: a line of JSON, then the token and the data of each lease, whose lengths the line
//! tells. Secrets stand outside of the JSON, so that nothing that serialises holds them.

use serde::{Deserialize, Serialize};
use subrosa_provider::Session;
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use crate::lease::Lease;
use crate::token::{Life, Token};

/// A token and what was leased with it.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) token: Option<Token>,
    pub(crate) leases: Vec<Lease>,
}

#[derive(Serialize, Deserialize)]
struct Outline {
    token: Option<TokenOutline>,
    leases: Vec<LeaseOutline>,
}

#[derive(Serialize, Deserialize)]
struct TokenOutline {
    length: usize,
    made_here: bool,
    life: LifeOutline,
}

#[derive(Serialize, Deserialize)]
struct LeaseOutline {
    length: usize,
    path: String,
    id: String,
    life: LifeOutline,
}

#[derive(Serialize, Deserialize)]
struct LifeOutline {
    expires: Option<i64>,
    granted: i64,
    renewable: bool,
}

impl From<&Life> for LifeOutline {
    fn from(life: &Life) -> Self {
        Self { expires: life.expires, granted: life.granted, renewable: life.renewable }
    }
}

impl From<LifeOutline> for Life {
    fn from(life: LifeOutline) -> Self {
        Self { expires: life.expires, granted: life.granted, renewable: life.renewable }
    }
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
            Some(taken.to_vec())
        };
        let token = match outline.token {
            Some(outline) => Some(Token {
                value: SecretValue::new(taken(outline.length)?).ok()?,
                made_here: outline.made_here,
                life: outline.life.into(),
            }),
            None => None,
        };
        let mut leases = Vec::with_capacity(outline.leases.len());
        for LeaseOutline { length, path, id, life } in outline.leases {
            leases.push(Lease { path, id, life: life.into(), data: Zeroizing::new(taken(length)?) });
        }
        Some(Self { token, leases })
    }

    /// What the next process goes on with. The token is not in it `without_token`, for one that is kept elsewhere.
    pub(crate) fn session(&self, without_token: bool) -> Option<Session> {
        let token = self.token.as_ref().filter(|_| !without_token);
        let outline = Outline {
            token: token.map(|token| TokenOutline {
                length: token.value.len(),
                made_here: token.made_here,
                life: (&token.life).into(),
            }),
            leases: self.leases.iter().map(LeaseOutline::of).collect(),
        };
        if outline.token.is_none() && outline.leases.is_empty() {
            return None;
        }
        let line = serde_json::to_vec(&outline).ok()?;
        let secrets = token.map(|token| token.value.expose_secret());
        let secrets: Vec<&[u8]> =
            secrets.into_iter().chain(self.leases.iter().map(|lease| &lease.data[..])).collect();
        let length = line.len() + 1 + secrets.iter().map(|secret| secret.len()).sum::<usize>();
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        bytes.extend_from_slice(&line);
        bytes.push(b'\n');
        for secret in secrets {
            bytes.extend_from_slice(secret);
        }
        let expires = self.token.as_ref().and_then(|token| token.life.expires);
        Some(Session { state: SecretValue::from_zeroizing(bytes).ok()?, expires })
    }
}

impl LeaseOutline {
    fn of(lease: &Lease) -> Self {
        let life = (&lease.life).into();
        Self { length: lease.data.len(), path: lease.path.clone(), id: lease.id.clone(), life }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        let value = SecretValue::new(b"hvs.some\ntoken".to_vec()).expect("short");
        let life = Life { expires: Some(2_000_000_000), granted: 3600, renewable: true };
        let lease = |path: &str, data: &[u8]| Lease {
            path: path.to_owned(),
            id: format!("{path}/abc"),
            life,
            data: Zeroizing::new(data.to_vec()),
        };
        let leases = vec![lease("database/creds/app", b"{\"password\":\"\\n\"}"), lease("x/y", b"{}")];
        State { token: Some(Token { value, made_here: true, life }), leases }
    }

    #[test]
    fn a_session_is_read_as_it_was_written() {
        let session = state().session(false).expect("a session");
        assert_eq!(session.expires, Some(2_000_000_000));
        let read = State::read(&session.state).expect("it reads");
        let token = read.token.expect("a token");
        assert!(token.value.expose_secret() == b"hvs.some\ntoken" && token.made_here);
        assert_eq!(token.life, state().token.expect("a token").life);
        let data: Vec<&[u8]> = read.leases.iter().map(|lease| &lease.data[..]).collect();
        assert!(data == [&b"{\"password\":\"\\n\"}"[..], b"{}"]);
        assert_eq!(read.leases[0].id, "database/creds/app/abc");
    }

    #[test]
    fn a_token_that_is_kept_elsewhere_is_not_in_the_session() {
        let session = state().session(true).expect("leases");
        let text = session.state.expose_secret();
        assert!(!text.windows(8).any(|part| part == b"hvs.some"));
        assert!(State::read(&session.state).expect("it reads").token.is_none());
        assert!(State { leases: Vec::new(), ..state() }.session(true).is_none());
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
