//! A request whose user and password answer what a server asks: Digest, NTLM, and Basic where it may be told.
//!
//! The legs are curl's. Where nothing but Digest or NTLM may be told, the body stays here until the server has asked; a
//! server that does not ask is sent the whole request then.

use std::sync::Arc;

use super::client::{Client, MAX_DISCARD, Ready, is_dead_connection};
use super::clock::Clock;
use super::incoming::Response;
use super::pool::{Channel, Idle};
use crate::auth::{Answer, Credentials, Method, Session, negotiate, ntlm_challenge};
use crate::error::HttpError;
use crate::event::Observer;
use crate::leg::Leg;
use crate::request::Request;
use crate::response::Timings;

const UNAUTHORIZED: u16 = 401;
/// A server that calls each answer stale would be answered for ever.
const MAX_ANSWERS: usize = 3;

/// One request on its way to be let in.
pub(super) struct Authenticating<'a> {
    pub(super) client: &'a Client,
    pub(super) request: &'a Request,
    pub(super) credentials: &'a Arc<Credentials>,
    pub(super) session: &'a Session,
    pub(super) clock: &'a Clock,
}

impl Authenticating<'_> {
    pub(super) async fn send(&self, observer: &mut dyn Observer) -> Result<Response, HttpError> {
        let known = self.known(observer).await?;
        let own = known.as_ref().map(|_| self.credentials.clone());
        let mut response = match known {
            Some(response) => response,
            None => match self.session.opening(self.credentials, self.request) {
                (Some(Method::Ntlm), _) => return self.handshake(None, observer).await,
                (_, Some(answer)) => self.leg(&Leg::answering(self.request, answer), observer).await?,
                (Some(Method::Digest), None) => {
                    let first = Leg::bare(self.request);
                    let response = self.leg(&first, observer).await?;
                    if first.is_bare() && response.head().status < 300 {
                        return self.unasked(response, observer).await;
                    }
                    response
                }
                (_, None) => self.leg(&Leg::whole(self.request), observer).await?,
            },
        };
        for _ in 0..MAX_ANSWERS {
            if response.head().status != UNAUTHORIZED {
                break;
            }
            match self.session.answer(self.credentials, self.request, response.head()) {
                None => break,
                Some(Answer::Header(answer)) => {
                    response.discard(MAX_DISCARD).await;
                    response.tell_left(&self.request.connected_host(), observer);
                    let leg = Leg::answering(self.request, answer).bound_to(own.clone());
                    response = self.leg(&leg, observer).await?;
                }
                Some(Answer::Handshake) => {
                    let connection = response.into_connection(MAX_DISCARD).await;
                    return self.handshake(connection, observer).await;
                }
            }
        }
        Ok(response)
    }

    async fn leg(&self, leg: &Leg<'_>, observer: &mut dyn Observer) -> Result<Response, HttpError> {
        self.client.send_leg(leg, self.clock, observer).await
    }

    /// The body was held back for a question that did not come.
    async fn unasked(
        &self,
        mut response: Response,
        observer: &mut dyn Observer,
    ) -> Result<Response, HttpError> {
        response.discard(MAX_DISCARD).await;
        response.tell_left(&self.request.connected_host(), observer);
        self.leg(&Leg::whole(self.request), observer).await
    }

    /// Over a connection that is this user's already, if there is one.
    async fn known(&self, observer: &mut dyn Observer) -> Result<Option<Response>, HttpError> {
        if !self.credentials.may_handshake() {
            return Ok(None);
        }
        let whole = Leg::whole(self.request).bound_to(Some(self.credentials.clone()));
        let Some(ready) = self.client.idle(&whole, observer).await? else { return Ok(None) };
        match self.client.exchange(&whole, whole.asks(), ready, self.clock, observer).await {
            Err(error) if whole.is_repeatable() && is_dead_connection(&error) => Ok(None),
            outcome => outcome.map(|(response, _)| Some(response)),
        }
    }

    /// MS-NTHT, 3.1.5: all of it over one connection, which is this user's afterwards and nobody else's.
    async fn handshake(
        &self,
        connection: Option<Idle>,
        observer: &mut dyn Observer,
    ) -> Result<Response, HttpError> {
        let first = Leg::bare(self.request).with(negotiate());
        let mut response = self.negotiate(&first, connection, observer).await?;
        if first.is_bare() && response.head().status < 300 {
            return self.unasked(response, observer).await;
        }
        let is_asked = response.head().status == UNAUTHORIZED;
        let Some(challenge) = ntlm_challenge(response.head()).filter(|_| is_asked) else {
            response.close_behind();
            return Ok(response);
        };
        let answer = self.credentials.authenticate(&challenge)?;
        let Some(idle) = response.into_connection(MAX_DISCARD).await else {
            let host = self.request.origin.host.to_string();
            return Err(HttpError::Ntlm { host, why: "it ended the connection in the middle of it" });
        };
        let last = Leg::answering(self.request, answer).bound_to(Some(self.credentials.clone()));
        let sent = self.client.exchange(&last, last.asks(), ready(idle), self.clock, observer);
        let (mut response, _) = sent.await?;
        if response.head().status == UNAUTHORIZED {
            response.close_behind();
        }
        Ok(response)
    }

    /// The first message, over the connection on which it was asked for, an idle one of nobody, or a new one.
    async fn negotiate(
        &self,
        first: &Leg<'_>,
        connection: Option<Idle>,
        observer: &mut dyn Observer,
    ) -> Result<Response, HttpError> {
        let found = match connection {
            Some(idle) => Some(ready(idle)),
            None => self.client.idle(first, observer).await?,
        };
        if let Some(ready) = found.filter(|found| matches!(found.idle.channel, Channel::Http1(_))) {
            match self.client.exchange(first, false, ready, self.clock, observer).await {
                Err(error) if first.is_repeatable() && is_dead_connection(&error) => {}
                outcome => return outcome.map(|(response, _)| response),
            }
        }
        let to_be_bound = first.clone().bound_to(Some(self.credentials.clone()));
        let ready = self.client.opened(&to_be_bound, self.clock, observer).await?;
        let sent = self.client.exchange(first, false, ready, self.clock, observer).await;
        sent.map(|(response, _)| response)
    }
}

fn ready(idle: Idle) -> Ready {
    Ready { idle, reused: true, timings: Timings::default() }
}
