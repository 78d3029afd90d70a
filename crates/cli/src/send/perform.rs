//! One `send` from its flags to its exit code: plan, judge, look up, then send one request after another.

use super::command_line::CommandLine;
use super::deliver::Delivery;
use super::draft::{self, Job};
use super::operation::Fail;
use super::secrets::Secrets;
use super::watch::Watch;
use super::write_out::{self, Facts};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use subrosa_http::blocking::{Client, Response};
use subrosa_http::{Clock, HttpError, Limits, Plan, redirect};

/// Sends every request of a command line, all of which are judged and looked up before the first one leaves.
///
/// The code of the last transfer is that of the whole, as in curl. What is wrong on our side, such as an audit log
/// that cannot be written, ends it all.
pub(super) fn perform(context: &Context, line: &CommandLine) -> Outcome<Exit> {
    let jobs = draft::jobs(context, line)?;
    let mut plans = Vec::with_capacity(jobs.len());
    for job in &jobs {
        plans.push(plan(job)?);
    }
    let mut secrets = Secrets::new(context, line)?;
    let found = secrets.resolve(context, &plans, line.keep)?;
    let redactor = found.redactor();
    for name in redactor.unmasked() {
        output::warn(&format!("{name} is too short or too common to be masked"));
    }
    if plans.len() > 1 {
        // a value that cannot stand in one of the requests is found before the first of them has left
        plans.iter().try_for_each(|plan| plan.fill(&found).map(drop))?;
    }
    let client = Client::new()?;
    let mut exit = Exit::OK;
    for (job, plan) in jobs.iter().zip(&plans) {
        let mut watch = Watch::new(line, &mut secrets, &found, &redactor, plan);
        let mut delivery = Delivery::new(line, job, &redactor)?;
        let one = Exchange { client: &client, job, plan };
        let result = one.run(&mut watch, &mut delivery);
        let failure = match result {
            Ok(()) => None,
            Err(failure) => Some(watch.take_failure().unwrap_or(failure)),
        };
        if let Some(format) = &job.format {
            let facts = Facts { url: &watch.url, watch: &watch, failure: failure.as_ref(), job };
            write_out::write(format, &facts, &redactor)?;
        }
        exit = failure.as_ref().map_or(Exit::OK, Failure::exit);
        if let Some(failure) = failure {
            let failure = failure.masked(|text| redactor.redact_str(text).into_owned());
            if !line.silent || line.show_error || !exit.is_of_transfer() {
                failure.report();
            }
            if line.fail_early || !exit.is_of_transfer() {
                break;
            }
        }
    }
    Ok(exit)
}

fn plan(job: &Job<'_>) -> Outcome<Plan> {
    job.draft.plan(&job.connection).map_err(|error| {
        let code = exit_of(&error);
        let failure = Failure::new(code, format!("{error}; nothing was sent"));
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

/// One request and its answer.
struct Exchange<'a> {
    client: &'a Client,
    job: &'a Job<'a>,
    plan: &'a Plan,
}

impl Exchange<'_> {
    fn run(&self, watch: &mut Watch<'_>, delivery: &mut Delivery<'_>) -> Outcome {
        let operation = self.job.operation;
        let limits = Limits { connect: operation.connect_timeout, total: operation.max_time };
        let clock = Clock::start(&limits);
        watch.begin(clock.started());
        let request = self.plan.fill(watch.found())?;
        let answer = if operation.location {
            let limit = operation.max_redirs.unwrap_or(Some(redirect::DEFAULT_LIMIT)).unwrap_or(u32::MAX);
            self.client.follow(&self.job.draft, request, &clock, limit, watch)
        } else {
            self.client.send(&request, &clock, watch)
        };
        let mut response = match answer {
            Ok(response) => response,
            Err(error) => {
                // as far as the chain got
                self.show_heads(watch, delivery)?;
                return Err(error.into());
            }
        };
        watch.answered(&response);
        let result = self.receive(&mut response, watch, delivery);
        watch.done(&response);
        result
    }

    fn show_heads(&self, watch: &Watch<'_>, delivery: &mut Delivery<'_>) -> Outcome {
        if self.job.operation.include || self.job.operation.head {
            watch.heads().try_for_each(|head| delivery.write(head))?;
        }
        Ok(())
    }

    fn receive(
        &self,
        response: &mut Response<'_>,
        watch: &Watch<'_>,
        delivery: &mut Delivery<'_>,
    ) -> Outcome {
        let status = response.head().status;
        let operation = self.job.operation;
        let failed = operation.fail.filter(|_| status >= 400);
        self.show_heads(watch, delivery)?;
        if failed != Some(Fail::WithoutBody) {
            if operation.compressed {
                response.decode();
            }
            // -I with -X GET gets a body, which nobody asked for
            while let Some(chunk) = response.chunk()?.filter(|_| !operation.head) {
                delivery.write_body(&chunk)?;
            }
            delivery.finish()?;
        }
        match failed {
            Some(_) => Err(Failure::new(Exit::curl(22), format!("the server answered with status {status}"))),
            None => Ok(()),
        }
    }
}

/// curl's code where curl has one; ours where a secret was at stake.
fn exit_of(error: &HttpError) -> Exit {
    match (error.curl_code(), error) {
        (Some(code), _) => Exit::curl(code),
        (None, HttpError::MethodMalformed) => Exit::USAGE,
        (None, _) => Exit::UNRESOLVED,
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Failure {
        let failure = Failure::new(exit_of(&error), error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
