//! A login in the user's browser: the authorization code with PKCE.

use std::time::Duration;

use form_urlencoded::Serializer;
use subrosa_provider::{Person, ProviderError};

use crate::authority::{Authority, Client};
use crate::callback::Callback;
use crate::claims;
use crate::listener::{Listener, Loopback};
use crate::proof::{Proof, word};
use crate::refusal;
use crate::tokens::Tokens;

/// How long somebody may take to log in: ten minutes.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// What is asked for in the browser.
#[derive(Debug, Clone, Copy, Default)]
pub struct Browser<'b> {
    /// The scopes, separated by spaces.
    pub scope: &'b str,
    /// More parameters for the page, such as `prompt`. They are shown in the address.
    pub more: &'b [(&'b str, &'b str)],
    /// Where the answer comes back to.
    pub loopback: Loopback<'b>,
    /// What refusals that this authority alone has mean.
    pub explain: Option<Explain>,
}

/// What a refusal means, by its code and description: for those that the caller knows. The description is free text that somebody
/// else wrote; it is compared, and never repeated.
pub type Explain = fn(code: &str, description: &str) -> Option<ProviderError>;

impl Authority {
    /// Lets somebody log in in a browser.
    ///
    /// # Errors
    /// Why nobody is logged in: refused there, nobody came within [`PATIENCE`], no port to listen on, or tokens that are not for
    /// this login.
    pub fn log_in(
        &self,
        client: &Client<'_>,
        wish: &Browser<'_>,
        person: &dyn Person,
    ) -> Result<Tokens, ProviderError> {
        let listener = Listener::open(&wish.loopback)?;
        let (proof, state, nonce) = (Proof::new()?, word()?, word()?);
        let redirect = listener.redirect();
        person.tell("log in in the browser; if none opens, go to this page on this machine:");
        person.open(&self.page(
            client,
            wish,
            &Once { redirect: &redirect, proof: &proof, state: &state, nonce: &nonce },
        ));
        let issuer = self.endpoints.issuer.as_deref();
        let code = match listener.wait(&state, issuer, PATIENCE)? {
            Callback::Code(code) => code,
            Callback::Refusal { code, description } => {
                let known = wish.explain.and_then(|explain| explain(&code, &description));
                return Err(known.unwrap_or_else(|| refusal::of(&code)));
            }
        };
        let form = client.form().text("grant_type", "authorization_code").secret("code", &code);
        let form = form.text("redirect_uri", &redirect).secret("code_verifier", &proof.verifier);
        let tokens = self.exchange(form)?;
        if let Some(token) = &tokens.id {
            claims::Expected { issuer, client: client.id, nonce: &nonce }.check(token)?;
        }
        Ok(tokens)
    }

    /// The address of the page to log in on.
    fn page(&self, client: &Client<'_>, wish: &Browser<'_>, once: &Once<'_>) -> String {
        let page = &self.endpoints.authorization;
        let mut query = Serializer::new(String::new());
        query.append_pair("response_type", "code").append_pair("client_id", client.id);
        query.append_pair("redirect_uri", once.redirect).append_pair("scope", wish.scope);
        query.append_pair("state", once.state).append_pair("nonce", once.nonce);
        query
            .append_pair("code_challenge", &once.proof.challenge)
            .append_pair("code_challenge_method", "S256");
        query.extend_pairs(wish.more);
        let separator = if page.contains('?') { '&' } else { '?' };
        format!("{page}{separator}{}", query.finish())
    }
}

/// What belongs to one login.
struct Once<'o> {
    redirect: &'o str,
    proof: &'o Proof,
    state: &'o str,
    nonce: &'o str,
}
