//! One transfer: its attempts, the waits between them, and what is said at its end.

use super::capture::Captures;
use super::command_line::CommandLine;
use super::deliver::Delivery;
use super::draft::Job;
use super::http_date;
use super::meter::Meter;
use super::operation::Fail;
use super::retry::{Ended, Next, Retries};
use super::secrets::{Found, Secrets};
use super::watch::Watch;
use super::write_out::{self, Facts};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use jiff::Timestamp;
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use subrosa_http::blocking::{Client, Response};
use subrosa_http::{Body, Clock, Limits, Plan, ResponseHead, redirect};
use subrosa_secret::Redactor;

/// What all transfers of a command line share.
pub(super) struct Stage<'a> {
    pub(super) line: &'a CommandLine,
    pub(super) client: &'a Client,
    pub(super) found: &'a Found,
    pub(super) redactor: &'a Redactor,
    /// Whether colours are wanted and a terminal is there to show them.
    pub(super) colored: bool,
}

impl<'a> Stage<'a> {
    /// Sends one request until it is answered or given up. The code is curl's for the last attempt.
    pub(super) fn transfer(&self, job: &'a Job<'a>, plan: &'a Plan, secrets: &mut Secrets) -> Outcome<Exit> {
        let mut retries = Retries::new(job.operation);
        let started = Instant::now();
        let mut delivery = Delivery::new(self.line, self.colored, job, self.redactor)?;
        if delivery.is_skipped() {
            return Ok(Exit::OK);
        }
        loop {
            let mut watch = Watch::new(self.line, secrets, self.found, self.redactor, plan, delivery);
            let exchange = Exchange { line: self.line, client: self.client, job, plan };
            let failure = match exchange.run(&mut watch) {
                Ok(()) => None,
                Err(failure) => Some(watch.take_failure().unwrap_or(failure)),
            };
            let ended = Ended {
                code: failure.as_ref().map_or(0, |failure| failure.exit().code()),
                is_refused: watch.is_refused,
                is_spent: job.draft.body.as_ref().is_some_and(Body::is_spent),
                head: watch.head(),
            };
            match retries.next(&ended, started.elapsed(), Timestamp::now().as_second()) {
                Next::Again { after, why } => {
                    self.announce(&why, after, retries.left());
                    delivery = watch.into_delivery();
                    delivery.restart()?;
                    thread::sleep(after);
                    continue;
                }
                Next::TooLong(asked) => {
                    self.warn(&format!(
                        "not tried again: the server asks for a wait of {} s",
                        asked.as_secs()
                    ));
                }
                Next::Spent => {
                    self.warn("not tried again: the body is a stream, which can be read only once")
                }
                Next::Stop => {}
            }
            return self.end(job, watch, failure);
        }
    }

    fn announce(&self, why: &str, after: Duration, left: u64) {
        let left = output::count(left, "attempt");
        self.warn(&format!("{why}; trying again in {} s, {left} left", short(after)));
    }

    fn warn(&self, text: &str) {
        if !self.line.silent {
            output::warn(text);
        }
    }

    fn end(&self, job: &Job<'_>, mut watch: Watch<'_, '_>, failure: Option<Failure>) -> Outcome<Exit> {
        watch.delivery.close(failure.is_some(), watch.head().and_then(modified));
        let exit = failure.as_ref().map_or(Exit::OK, Failure::exit);
        let failure =
            failure.map(|failure| failure.masked(|text| self.redactor.redact_str(text).into_owned()));
        if let Some(failure) = &failure
            && (!self.line.silent || self.line.show_error || !exit.is_of_transfer())
        {
            failure.report();
        }
        if let Some(format) = &job.format {
            let facts = Facts { watch: &watch, failure: failure.as_ref(), job };
            write_out::write(format, &facts, self.redactor)?;
        }
        Ok(exit)
    }
}

/// Seconds, with fractions where there is less than one.
fn short(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 { format!("{seconds:.1}") } else { format!("{seconds:.0}") }
}

/// Last-Modified, for `-R`.
fn modified(head: &ResponseHead) -> Option<SystemTime> {
    let time = http_date::parse(head.header("last-modified")?)?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(time.as_second()).ok()?))
}

/// One request and its answer.
struct Exchange<'a> {
    line: &'a CommandLine,
    client: &'a Client,
    job: &'a Job<'a>,
    plan: &'a Plan,
}

impl Exchange<'_> {
    fn run(&self, watch: &mut Watch<'_, '_>) -> Outcome {
        let operation = self.job.operation;
        let limits = Limits {
            connect: operation.connect_timeout,
            total: operation.max_time,
            slowest: operation.speed.slowest(),
        };
        let clock = Clock::start(&limits);
        watch.begin(clock.started())?;
        let request = self.plan.fill(watch.found())?;
        let sent = if operation.location {
            let limit = operation.max_redirs.unwrap_or(Some(redirect::DEFAULT_LIMIT)).unwrap_or(u32::MAX);
            self.client.follow(&self.job.draft, request, &clock, limit, watch)
        } else {
            self.client.send(&request, &clock, watch)
        };
        let mut response = sent.inspect_err(|error| watch.failed(error))?;
        watch.answered(&response);
        let result = self.receive(&mut response, watch);
        watch.done(&response);
        result
    }

    fn receive(&self, response: &mut Response<'_>, watch: &mut Watch<'_, '_>) -> Outcome {
        let operation = self.job.operation;
        let status = response.head().status;
        watch.delivery.check(response.head())?;
        let failed = operation.fail.filter(|_| status >= 400);
        if failed != Some(Fail::WithoutBody) {
            watch.delivery.begin(response.head())?;
            if self.job.condition.is_some_and(|condition| !condition.is_met(response.head())) {
                // the server knows no conditions; curl calls this simulating a 304
                watch.unmodified();
                return Ok(());
            }
            if operation.compressed && !operation.raw {
                response.decode();
            }
            let mut captures = Captures::of(&operation.captures);
            // what is masked has to wait for the value that will be masked in it
            let holds = captures.is_some() && watch.delivery.masks();
            let mut meter = Meter::new(self.line, self.job.output.is_none(), length_of(response.head()));
            let mut pace = Pace::new(operation.limit_rate);
            // -I with -X GET gets a body, which nobody asked for
            while let Some(chunk) = response.chunk()?.filter(|_| !operation.head) {
                watch.received(chunk.len());
                if let Some(captures) = &mut captures {
                    captures.push(&chunk)?;
                }
                if !holds {
                    watch.delivery.body(&chunk)?;
                }
                if let Some(meter) = &mut meter {
                    meter.add(chunk.len());
                }
                pace.keep(chunk.len(), operation.max_time.map(|limit| limit.saturating_sub(watch.elapsed())));
            }
            let captured =
                captures.as_ref().map_or(Ok(()), |captures| capture(captures, status, holds, watch));
            watch.delivery.finish()?;
            captured?;
        }
        match failed {
            Some(_) => Err(Failure::new(Exit::curl(22), format!("the server answered with status {status}"))),
            None => Ok(()),
        }
    }
}

/// Stores what is wanted of the answer, and shows the answer where that had to wait.
fn capture(captures: &Captures, status: u16, holds: bool, watch: &mut Watch<'_, '_>) -> Outcome {
    let values = captures.values(status);
    if holds {
        let found = values.iter().flatten().map(|(name, value)| (name.clone(), value));
        let masked = Redactor::new(found).redact(captures.body()).into_owned();
        watch.delivery.body(&masked)?;
    }
    watch.store(values?)
}

/// How long the body says it is.
pub(super) fn length_of(head: &ResponseHead) -> Option<u64> {
    std::str::from_utf8(head.header("content-length")?).ok()?.parse().ok()
}

/// `--limit-rate`: reading waits until the bytes so far are due.
struct Pace {
    limit: Option<u64>,
    started: Instant,
    bytes: u64,
}

impl Pace {
    fn new(limit: Option<u64>) -> Self {
        Self { limit, started: Instant::now(), bytes: 0 }
    }

    /// Waits, but no longer than `-m` has left.
    fn keep(&mut self, count: usize, rest: Option<Duration>) {
        self.bytes += count as u64;
        let Some(limit) = self.limit else { return };
        let due = Duration::from_secs_f64(self.bytes as f64 / limit as f64);
        let wait = due.saturating_sub(self.started.elapsed());
        thread::sleep(rest.map_or(wait, |rest| wait.min(rest)));
    }
}
