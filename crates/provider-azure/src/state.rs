//! What a session consists of, between two processes.
//!
//! The form, which is sealed before it is stored: a line of JSON, then the access token and what leads to the next one, whose lengths
//! the line tells. Secrets stand outside of the JSON, so that nothing that serialises holds them.

use serde::{Deserialize, Serialize};
use subrosa_provider::Session;
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use crate::token::Token;

/// An access token, and what a person's login left behind to get the next one.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) token: Option<Token>,
    pub(crate) refresh: Option<SecretValue>,
}

#[derive(Serialize, Deserialize)]
struct Outline {
    token: usize,
    expires: i64,
    refresh: usize,
}

impl State {
    /// Reads what [`State::session`] made; what cannot be read is no session.
    pub(crate) fn read(session: &SecretValue) -> Option<Self> {
        let bytes = session.expose_secret();
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let outline: Outline = serde_json::from_slice(&bytes[..end]).ok()?;
        let (token, refresh) = bytes[end + 1..].split_at_checked(outline.token)?;
        if refresh.len() != outline.refresh {
            return None;
        }
        let value = |bytes: &[u8]| match bytes {
            [] => Some(None),
            bytes => SecretValue::new(bytes.to_vec()).ok().map(Some),
        };
        let token = value(token)?.map(|value| Token { value, expires: outline.expires });
        Some(Self { token, refresh: value(refresh)? })
    }

    /// What the next process goes on with. It ends with the token where nothing leads to another one.
    pub(crate) fn session(&self) -> Option<Session> {
        let token = self.token.as_ref().map(|token| token.value.expose_secret()).unwrap_or_default();
        let refresh = self.refresh.as_ref().map(SecretValue::expose_secret).unwrap_or_default();
        if token.is_empty() && refresh.is_empty() {
            return None;
        }
        let expires = self.token.as_ref().map_or(0, |token| token.expires);
        let line =
            serde_json::to_vec(&Outline { token: token.len(), expires, refresh: refresh.len() }).ok()?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(line.len() + 1 + token.len() + refresh.len()));
        for part in [&line, b"\n".as_slice(), token, refresh] {
            bytes.extend_from_slice(part);
        }
        let expires = self.refresh.is_none().then_some(expires);
        Some(Session { state: SecretValue::from_zeroizing(bytes).ok()?, expires })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretValue {
        SecretValue::new(text.as_bytes().to_vec()).expect("short")
    }

    fn state(refresh: Option<&str>) -> State {
        let token = Token { value: secret("a\ntoken"), expires: 2_000_000_000 };
        State { token: Some(token), refresh: refresh.map(secret) }
    }

    #[test]
    fn a_session_is_read_as_it_was_written() {
        let session = state(Some("another\n")).session().expect("a session");
        assert_eq!(session.expires, None, "it can be renewed");
        let read = State::read(&session.state).expect("it reads");
        let token = read.token.expect("a token");
        assert!(token.value.expose_secret() == b"a\ntoken" && token.expires == 2_000_000_000);
        assert!(read.refresh.expect("another").expose_secret() == b"another\n");
        let session = state(None).session().expect("a session");
        assert_eq!(session.expires, Some(2_000_000_000));
        assert!(State::read(&session.state).expect("it reads").refresh.is_none());
        assert!(State::default().session().is_none());
    }

    #[test]
    fn what_was_cut_or_added_to_is_no_session() {
        let session = state(Some("another")).session().expect("a session").state;
        let bytes = session.expose_secret();
        for length in 0..bytes.len() {
            assert!(
                State::read(&SecretValue::new(bytes[..length].to_vec()).expect("short")).is_none(),
                "{length}"
            );
        }
        assert!(State::read(&SecretValue::new([bytes, b"x"].concat()).expect("short")).is_none());
    }
}
