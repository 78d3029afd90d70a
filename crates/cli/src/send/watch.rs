//! What happens on the way: `-v`, the audit entry before the first byte, and the judging of every hop.

use super::command_line::CommandLine;
use super::deliver::Delivery;
use super::kept;
use super::secrets::{Found, Secrets};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, visible};
use std::io::{self, Write};
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
    line: &'a CommandLine,
    secrets: &'s mut Secrets,
    found: &'a Found,
    redactor: &'a Redactor,
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
            line,
            secrets,
            found,
            redactor,
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

    fn say_kept(&self, plan: &Plan) {
        for (kept, destination) in kept::shown(plan) {
            let facts = kept.identity.as_ref().and_then(Identity::facts);
            let subject = facts.map(|facts| facts.subject).unwrap_or_default();
            let text = format!(
                "{} may ask for the client certificate {subject}, kept for {}",
                destination.origin, kept.rule
            );
            self.say('*', text.as_bytes());
        }
        if let Some(kept) = plan.kept_authorities() {
            self.say('*', format!("the authorities kept for {} are trusted too", kept.rule).as_bytes());
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
        self.timings = response.timings();
        self.sizes = response.sizes();
    }

    fn say(&self, mark: char, text: &[u8]) {
        if self.line.verbose {
            let masked = self.redactor.redact(text);
            let text = String::from_utf8_lossy(&masked);
            let _ = writeln!(io::stderr(), "{mark} {}", visible(&text));
        }
    }

    fn say_head(&self, mark: char, head: &[u8]) {
        let lines = head.strip_suffix(b"\r\n").unwrap_or(head);
        for line in lines.split(|byte| *byte == b'\n') {
            self.say(mark, line.strip_suffix(b"\r").unwrap_or(line));
        }
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
            Event::Resolved { host, addresses } => {
                let all: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
                self.say('*', format!("{host} is at {}", all.join(", ")).as_bytes());
            }
            Event::Connected { host, remote } => {
                self.connects += 1;
                self.say(
                    '*',
                    format!("connected to {host} ({}) port {}", remote.ip(), remote.port()).as_bytes(),
                );
            }
            Event::Tls(facts) => {
                let alpn = facts.alpn.as_deref().unwrap_or("http/1.1");
                self.say('*', format!("{}, {}, {alpn}", facts.version, facts.cipher).as_bytes());
                self.certificate = facts.certificate.clone();
                if let Some(certificate) = &facts.certificate {
                    let text =
                        format!("certificate of {}, issued by {}", certificate.subject, certificate.issuer);
                    self.say('*', text.as_bytes());
                }
            }
            Event::Reused { remote } => {
                self.say('*', format!("using the connection to {} again", remote.ip()).as_bytes());
            }
            Event::ConnectHead(head) => self.say_head('>', head),
            Event::ConnectResponseHead { head, is_output } => {
                self.connect_status = head.status;
                self.say_head('<', &head.raw);
                if is_output {
                    self.delivery.head(head);
                    self.heads += head.raw.len();
                }
            }
            Event::RequestHead(head) => {
                self.requests += head.len() as u64;
                self.say_head('>', head);
            }
            // curl counts a body that goes out with the head
            Event::RequestBody(body) if body.len() <= WITH_HEAD => self.requests += body.len() as u64,
            Event::ResponseHead(head) => {
                self.say_head('<', &head.raw);
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
