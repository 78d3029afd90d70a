//! A login by a code that is typed on another device (RFC 8628).

use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use subrosa_provider::{ErrorKind, Person, ProviderError};
use subrosa_rest::{Answer, text_of};
use subrosa_secret::{Origin, SecretValue};

use crate::authority::{Authority, Client};
use crate::refusal::Refusal;
use crate::tokens::{Tokens, granted, refused};

/// Nobody is waited for longer than half an hour, whatever the authority says, in seconds.
const LONGEST: u64 = 1800;
/// RFC 8628, section 3.2.
const INTERVAL: u64 = 5;
/// Nobody is asked less often than once in so many seconds.
const SLOWEST: u64 = 60;
/// What `slow_down` adds (section 3.5).
const SLOWER: u64 = 5;

/// What is told of a login that was begun.
#[derive(Deserialize)]
struct Begun<'a> {
    #[serde(borrow)]
    device_code: &'a RawValue,
    user_code: String,
    verification_uri: String,
    #[serde(default)]
    expires_in: u64,
    #[serde(default)]
    interval: Option<u64>,
}

/// Where the waiting stands.
enum Asked {
    Done(Tokens),
    Pending,
    Slower,
    /// Nothing came: it is asked less often (section 3.5).
    Lost,
}

/// How often it is asked, and until when; in seconds.
struct Pace {
    interval: u64,
    left: u64,
}

impl Pace {
    fn of(expires_in: u64, interval: Option<u64>) -> Self {
        let left = if expires_in == 0 { LONGEST } else { expires_in.min(LONGEST) };
        Self { interval: interval.unwrap_or(INTERVAL).clamp(1, SLOWEST), left }
    }

    /// How long to wait before the next question; `None` where there is no time for one.
    fn next(&mut self) -> Option<u64> {
        self.left = self.left.checked_sub(self.interval)?;
        Some(self.interval)
    }
}

impl Authority {
    /// Lets somebody log in on another device, and waits until that is done.
    ///
    /// # Errors
    /// [`BadSettings`](ErrorKind::BadSettings) for an authority without this flow; why nobody is logged in.
    pub fn log_in_elsewhere(
        &self,
        client: &Client<'_>,
        scope: &str,
        person: &dyn Person,
    ) -> Result<Tokens, ProviderError> {
        let endpoint = self.endpoints.device.as_deref().ok_or_else(|| {
            ProviderError::new(ErrorKind::BadSettings, "there is no login on another device there")
        })?;
        let answer = self.ask(endpoint, client.form().text("scope", scope))?;
        if !answer.is_success() {
            return Err(refused(&answer));
        }
        let begun: Begun<'_> = answer.json()?;
        let bad =
            || ProviderError::new(ErrorKind::BadAnswer, "the login on another device began with no code");
        let code = text_of(begun.device_code)?.filter(|code| !code.is_empty()).ok_or_else(bad)?;
        let (page, typed) = (&begun.verification_uri, &begun.user_code);
        let is_shown = |text: &str, most: usize| {
            (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let is_page = Origin::of_url(page).is_ok_and(|origin| origin.scheme.is_encrypted());
        if !(is_page && is_shown(page, 200) && is_shown(typed, 40)) {
            return Err(bad());
        }
        person.tell(&format!("to log in, open {page} on any device and enter the code {typed}"));
        let mut pace = Pace::of(begun.expires_in, begun.interval);
        while let Some(pause) = pace.next() {
            thread::sleep(Duration::from_secs(pause));
            match self.poll(client, &code)? {
                Asked::Done(tokens) => return Ok(tokens),
                Asked::Pending => {}
                Asked::Slower => pace.interval += SLOWER,
                Asked::Lost => pace.interval = (pace.interval * 2).min(SLOWEST),
            }
        }
        Err(ProviderError::new(ErrorKind::Expired, "nobody entered the code in time"))
    }

    fn poll(&self, client: &Client<'_>, code: &SecretValue) -> Result<Asked, ProviderError> {
        let form = client.form().text("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
        let answer = match self.ask(&self.endpoints.token, form.secret("device_code", code)) {
            Err(error) if error.kind() == ErrorKind::Unavailable => return Ok(Asked::Lost),
            answer => answer?,
        };
        match refusal_of(&answer).as_deref() {
            Some("authorization_pending") => Ok(Asked::Pending),
            Some("slow_down") => Ok(Asked::Slower),
            _ => granted(&answer).map(Asked::Done),
        }
    }
}

fn refusal_of(answer: &Answer) -> Option<String> {
    (400..500)
        .contains(&answer.status())
        .then(|| answer.json::<Refusal>().ok())
        .flatten()
        .map(|refusal| refusal.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_as_the_authority_says_within_reason() {
        let waits = |expires_in, interval| {
            let mut pace = Pace::of(expires_in, interval);
            std::iter::from_fn(move || pace.next()).collect::<Vec<_>>()
        };
        assert_eq!(waits(12, Some(5)), [5, 5]);
        assert_eq!(waits(12, None), [5, 5]);
        assert_eq!(waits(3, Some(0)), [1, 1, 1]);
        assert_eq!(waits(150, Some(9999)), [60, 60]);
        assert_eq!(waits(u64::MAX, Some(60)).len(), 30);
        assert_eq!(waits(0, Some(60)).len(), 30);
    }
}
