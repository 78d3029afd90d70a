//! What happens on the way: `-v`, the audit entry before the first byte, and the judging of every hop.

use super::command_line::CommandLine;
use super::deliver::Delivery;
use super::kept;
use super::secrets::{Found, Secrets};
use super::verbose::Verbose;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use std::io;
use std::time::{Duration, Instant};
use subrosa_http::blocking::Response;
use subrosa_http::{
    BoxError, CertificateFacts, CertificateFault, Ends, Event, Hops, HttpError, Identity, Observer, Plan,
    Request, ResponseHead, Sending, Sizes, Timings,
};
use subrosa_secret::{Name, Origin, Redactor, SecretValue};

/// curl's limit for the heads of a chain of redirects, all of which are shown or saved.
const MAX_HEADS: usize = 300 * 1024;

/// A body of data up to this is sent together with the head.
const WITH_HEAD: usize = 64 * 1024;

/// One exchange as it is seen from outside.
pub(super) struct Watch<'a, 's> {
    secrets: &'s mut Secrets,
    found: &'a Found,
    verbose: Verbose<'a>,
    plan: &'a Plan,
    /// The values and the audit's view of a hop, once there is one.
    hop: Option<Hop>,
    failure: Option<Failure>,
    head: Option<ResponseHead>,
    /// Bytes of all heads.
    pub(super) heads: usize,
    started: Instant,
    pub(super) delivery: Delivery<'a>,
    /// Whether nobody listened where the request was to go.
    pub(super) is_refused: bool,
    /// Bytes of all requests, as far as they were sent.
    pub(super) requests: u64,
    /// What a proxy answered to CONNECT.
    pub(super) connect_status: u16,
    /// The server's.
    pub(super) certificate: Option<CertificateFacts>,
    /// What is wrong with it, by OpenSSL's numbers (`X509_V_ERR_…`); 0 is nothing.
    pub(super) verification: u8,
    /// The URL of the last request, references unfilled.
    pub(super) url: String,
    /// That of the last request.
    pub(super) origin: Origin,
    pub(super) method: String,
    pub(super) redirects: u32,
    pub(super) redirect_time: Duration,
    pub(super) connects: u32,
    pub(super) timings: Timings,
    pub(super) sizes: Sizes,
    pub(super) ends: Option<Ends>,
}

struct Hop {
    recorded: bool,
}

impl<'a, 's> Watch<'a, 's> {
    pub(super) fn new(
        line: &'a CommandLine,
        secrets: &'s mut Secrets,
        found: &'a Found,
        redactor: &'a Redactor,
        plan: &'a Plan,
        delivery: Delivery<'a>,
    ) -> Self {
        Self {
            verbose: Verbose::new(redactor, line.verbose, !delivery.shows_body()),
            secrets,
            found,
            plan,
            hop: None,
            failure: None,
            head: None,
            heads: 0,
            started: Instant::now(),
            delivery,
            is_refused: false,
            requests: 0,
            connect_status: 0,
            certificate: None,
            verification: 0,
            url: plan.url(),
            origin: plan.destination().origin.clone(),
            method: plan.method().to_owned(),
            redirects: 0,
            redirect_time: Duration::ZERO,
            connects: 0,
            timings: Timings::default(),
            sizes: Sizes::default(),
            ends: None,
        }
    }

    /// Before a connection is made, which may show a kept certificate.
    pub(super) fn begin(&mut self, started: Instant) -> Outcome {
        self.started = started;
        self.say_kept(self.plan);
        self.secrets.record_kept(self.plan)
    }

    fn say_kept(&mut self, plan: &Plan) {
        for (kept, destination) in kept::shown(plan) {
            let facts = kept.identity.as_ref().and_then(Identity::facts);
            let subject = facts.map(|facts| facts.subject).unwrap_or_default();
            let text = format!(
                "{} may ask for the client certificate {subject}, kept for {}",
                destination.origin, kept.rule
            );
            self.verbose.say('*', text.as_bytes());
        }
        if let Some(kept) = plan.kept_authorities() {
            self.verbose
                .say('*', format!("the authorities kept for {} are trusted too", kept.rule).as_bytes());
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn into_delivery(self) -> Delivery<'a> {
        self.delivery
    }

    pub(super) fn found(&self) -> &'a Found {
        self.found
    }

    /// Stores values of the answer.
    pub(super) fn store(&mut self, values: Vec<(Name, SecretValue)>) -> Outcome {
        self.secrets.store_captured(values, &self.origin)
    }

    /// What stopped the exchange on our side, with its own exit code.
    pub(super) fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }

    /// The head of the last response.
    pub(super) fn head(&self) -> Option<&ResponseHead> {
        self.head.as_ref()
    }

    /// The request was not answered.
    pub(super) fn failed(&mut self, error: &HttpError) {
        self.verbose.left(false);
        self.timings.total = self.started.elapsed();
        self.is_refused = matches!(
            error,
            HttpError::Connect { source: Some(source), .. } if source.kind() == io::ErrorKind::ConnectionRefused
        );
        if let HttpError::Certificate { fault, .. } = error {
            self.verification = match fault {
                CertificateFault::NotYetValid(_) => 9,
                CertificateFault::Expired(_) => 10,
                CertificateFault::UnknownIssuer => 20,
                CertificateFault::RevocationUnknown => 3,
                CertificateFault::RevocationListWrong => 8,
                CertificateFault::RevocationListExpired => 12,
                CertificateFault::Revoked => 23,
                CertificateFault::WrongPurpose => 26,
                CertificateFault::WrongName(_) => 62,
                _ => 1,
            };
        }
    }

    pub(super) fn answered(&mut self, response: &Response<'_>) {
        self.ends = Some(response.ends());
        if matches!(response.head().status, 401 | 403) {
            self.secrets.refused_by_server(self.found, self.plan);
        }
    }

    pub(super) fn done(&mut self, response: &Response<'_>) {
        self.verbose.left(response.is_kept());
        self.timings = response.timings();
        self.sizes = response.sizes();
    }

    /// The answer is not what `-z` asks for.
    pub(super) fn unmodified(&mut self) {
        if let Some(head) = &mut self.head {
            head.status = 304;
        }
    }

    /// A piece of the body came in.
    pub(super) fn received(&mut self, length: usize) {
        self.verbose.data('{', length);
    }

    fn stop(&mut self, failure: Failure) -> BoxError {
        let text = failure.message().to_owned();
        self.failure = Some(failure);
        text.into()
    }
}

impl Observer for Watch<'_, '_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Trying { to } => self.verbose.trying(to),
            Event::Connected { host, at, port, number } => {
                self.connects += 1;
                self.verbose.connected(host, at, port, number);
            }
            Event::Tls(facts) => {
                self.certificate = facts.certificate.clone();
                self.verbose.tls(facts);
            }
            Event::Reused { host, number } => self.verbose.reused(host, number),
            Event::Left { is_kept, .. } => self.verbose.left(is_kept),
            Event::Redirected { url } => self.verbose.redirected(url),
            Event::ConnectHead(head) => self.verbose.connect(head),
            Event::ConnectResponseHead { head, is_output } => {
                self.connect_status = head.status;
                self.verbose.head('<', &head.raw);
                self.verbose.tunnelled(head.status);
                if is_output {
                    self.delivery.head(head);
                    self.heads += head.raw.len();
                }
            }
            Event::RequestHead(head) => {
                self.requests += head.len() as u64;
                self.verbose.head('>', head);
            }
            // curl counts a body that goes out with the head
            Event::RequestBody(body) => {
                if body.len() <= WITH_HEAD {
                    self.requests += body.len() as u64;
                }
                self.verbose.data('}', body.len());
            }
            Event::ResponseHead(head) => {
                // as curl, no empty line behind one that is not the last
                let is_interim = head.status < 200 && head.status != 101;
                let raw = head.raw.strip_suffix(b"\r\n").filter(|_| is_interim);
                self.verbose.head('<', raw.unwrap_or(&head.raw));
                self.delivery.head(head);
                self.heads += head.raw.len();
                self.head = Some(head.clone());
            }
            _ => {}
        }
    }

    fn before_send(&mut self, _: &Sending<'_>) -> Result<(), BoxError> {
        // a hop was recorded when it was filled, with its own uses
        if self.hop.as_ref().is_some_and(|hop| hop.recorded) {
            return Ok(());
        }
        let (found, plan) = (self.found, self.plan);
        self.secrets.record(found, plan).map_err(|failure| self.stop(failure))
    }
}

impl Hops for Watch<'_, '_> {
    fn fill(&mut self, plan: &Plan) -> Result<Request, BoxError> {
        if self.heads > MAX_HEADS {
            let text = "the headers of the answers are longer than 300 KiB in all";
            return Err(self.stop(Failure::new(Exit::curl(56), text)));
        }
        if let Some(head) = &self.head
            && let Err(failure) = self.delivery.check(head)
        {
            return Err(self.stop(failure));
        }
        self.redirects += 1;
        self.redirect_time = self.started.elapsed();
        self.url = plan.url();
        self.origin = plan.destination().origin.clone();
        self.verbose.method(&self.method, plan.method());
        self.method = plan.method().to_owned();
        let found = match self.secrets.resolve_hop(plan) {
            Ok(found) => found,
            Err(failure) => return Err(self.stop(failure.with_exit(Exit::UNRESOLVED))),
        };
        let recorded = self.secrets.record(&found, plan).and_then(|()| self.secrets.record_kept(plan));
        if let Err(failure) = recorded {
            return Err(self.stop(failure));
        }
        self.say_kept(plan);
        self.hop = Some(Hop { recorded: true });
        Ok(plan.fill(&found)?)
    }
}
