//! What the tests of this crate share.

#![allow(dead_code, reason = "every test file uses a part of it")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use subrosa_http::blocking::{Client, Response};
use subrosa_http::{
    BoxError, Clock, Connection, ConnectionOptions, Hops, HttpError, Limits, Observer, Plan, Request,
    RequestDraft, Sending, Trust,
};
use subrosa_secret::{Name, Policy, SecretValue, TrustRules, Verdict};
use subrosa_testkit::CaptureServer;

/// A value that nothing else in a test looks like.
pub const CANARY: &str = "canary-9f2b7c41d8";

/// `name = value` pairs as values.
pub fn values(pairs: &[(&str, &str)]) -> BTreeMap<Name, SecretValue> {
    let pair = |(name, value): &(&str, &str)| {
        (Name::parse(name).unwrap(), SecretValue::new(value.as_bytes().to_vec()).unwrap())
    };
    pairs.iter().map(pair).collect()
}

/// The canary under the name `key`.
pub fn canary() -> BTreeMap<Name, SecretValue> {
    values(&[("key", CANARY)])
}

/// A connection that trusts the server's own CA.
pub fn trusting(server: &CaptureServer) -> Arc<Connection> {
    with_ca(server, ConnectionOptions::default())
}

/// The same with other options.
pub fn with_ca(server: &CaptureServer, options: ConnectionOptions) -> Arc<Connection> {
    Connection::new(ConnectionOptions { trust: Trust::from_ca_file(&server.ca_path()).unwrap(), ..options })
}

/// A clock that no test runs out of.
pub fn clock() -> Clock {
    Clock::start(&Limits { total: Some(Duration::from_secs(60)), ..Limits::default() })
}

/// Reads a body to its end.
pub fn body(mut response: Response<'_>) -> Result<Vec<u8>, HttpError> {
    let mut whole = Vec::new();
    while let Some(chunk) = response.chunk()? {
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}

/// Sends a draft without judging it; status and body.
pub fn send(draft: &RequestDraft, connection: &Arc<Connection>) -> Result<(u16, Vec<u8>), HttpError> {
    let request = draft.fill(connection, &canary())?;
    let client = Client::new()?;
    let response = client.send(&request, &clock(), &mut subrosa_http::Unobserved)?;
    let status = response.head().status;
    Ok((status, body(response)?))
}

/// A caller as the program is one: judges each plan by one policy for all secrets, then fills it.
pub struct Judge {
    /// The rules of every secret.
    pub policy: Policy,
    /// The user's own allowances.
    pub trust: TrustRules,
    /// The values.
    pub values: BTreeMap<Name, SecretValue>,
    /// The origins that `before_send` was called for.
    pub sent_to: Vec<String>,
}

impl Judge {
    /// A judge whose every secret may go to the places that `rules` name.
    pub fn allowing(rules: &[&str]) -> Self {
        let rule = |text: &&str| subrosa_secret::HostRule::parse(text).unwrap().rule;
        let access = subrosa_secret::Access::Restricted(rules.iter().map(rule).collect());
        Self {
            policy: Policy { access, ..Policy::default() },
            trust: TrustRules::new(),
            values: canary(),
            sent_to: Vec::new(),
        }
    }

    /// Judges and fills.
    pub fn judge(&self, plan: &Plan) -> Result<Request, BoxError> {
        for used in plan.uses() {
            let destination = &used.destination;
            self.trust.permits(destination).map_err(|deviation| format!("not trusted: {deviation}"))?;
            match self.policy.judge(&destination.origin, used.placement) {
                Verdict::Allowed => {}
                _ => return Err(format!("{} may not go to {}", used.name, destination.origin).into()),
            }
        }
        Ok(plan.fill(&self.values)?)
    }

    /// Plans, judges, sends and follows.
    pub fn follow(&mut self, draft: &RequestDraft, connection: &Arc<Connection>) -> Result<u16, HttpError> {
        let plan = draft.plan(connection)?;
        let request = self.judge(&plan).map_err(|source| HttpError::HopRefused { source })?;
        let client = Client::new()?;
        let response = client.follow(draft, request, &clock(), 50, self)?;
        let status = response.head().status;
        body(response)?;
        Ok(status)
    }
}

impl Observer for Judge {
    fn before_send(&mut self, sending: &Sending<'_>) -> Result<(), BoxError> {
        self.sent_to.push(sending.origin.to_owned());
        Ok(())
    }
}

impl Hops for Judge {
    fn fill(&mut self, plan: &Plan) -> Result<Request, BoxError> {
        self.judge(plan)
    }
}
