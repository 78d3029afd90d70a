//! One `send` from its flags to its exit code: plan, judge, look up, then send one request after another.

use super::args::{Args, Fail};
use super::deliver::Delivery;
use super::draft::{self, Job};
use super::secrets::Secrets;
use super::watch::Watch;
use super::write_out::{self, Facts};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use std::sync::Arc;
use subrosa_http::blocking::{Client, Response};
use subrosa_http::{Clock, Connection, HttpError, Limits, Plan, redirect};

/// Sends every request of a command line. The code of the last one that failed is that of the whole.
pub(super) fn perform(context: &Context, args: &Args) -> Outcome<Exit> {
    let jobs = draft::jobs(context, args)?;
    let connection = draft::connection(args)?;
    let format = args.write_out.as_ref().map(draft::write_out_format).transpose()?;
    let mut plans = Vec::with_capacity(jobs.len());
    for job in &jobs {
        plans.push(plan(job, &connection)?);
    }
    let mut secrets = Secrets::new(context, args)?;
    let found = secrets.resolve(context, &plans, args.keep)?;
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
        let mut watch = Watch::new(args, &mut secrets, &found, &redactor, plan);
        let mut delivery = Delivery::new(args, job.output.clone(), &redactor)?;
        let one = Exchange { args, client: &client, job, plan };
        let result = one.run(&mut watch, &mut delivery);
        let failure = match result {
            Ok(()) => None,
            Err(failure) => Some(watch.take_failure().unwrap_or(failure)),
        };
        if let Some(format) = &format {
            let facts = Facts { url: &watch.url, watch: &watch, failure: failure.as_ref(), job };
            write_out::write(format, &facts, &redactor)?;
        }
        if let Some(failure) = failure {
            exit = failure.exit();
            let failure = failure.masked(|text| redactor.redact_str(text).into_owned());
            if !args.silent || args.show_error || !exit.is_of_transfer() {
                failure.report();
            }
        }
    }
    Ok(exit)
}

fn plan(job: &Job, connection: &Arc<Connection>) -> Outcome<Plan> {
    job.draft.plan(connection).map_err(|error| {
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
    args: &'a Args,
    client: &'a Client,
    job: &'a Job,
    plan: &'a Plan,
}

impl Exchange<'_> {
    fn run(&self, watch: &mut Watch<'_>, delivery: &mut Delivery<'_>) -> Outcome {
        let limits = Limits { connect: self.args.connect_timeout, total: self.args.max_time };
        let clock = Clock::start(&limits);
        watch.begin(clock.started());
        let request = self.plan.fill(watch.found())?;
        let mut response = if self.args.location {
            let limit = self.args.max_redirs.unwrap_or(Some(redirect::DEFAULT_LIMIT)).unwrap_or(u32::MAX);
            self.client.follow(&self.job.draft, request, &clock, limit, watch)?
        } else {
            self.client.send(&request, &clock, watch)?
        };
        watch.answered(&response);
        let result = self.receive(&mut response, watch, delivery);
        watch.done(&response);
        result
    }

    fn receive(
        &self,
        response: &mut Response<'_>,
        watch: &Watch<'_>,
        delivery: &mut Delivery<'_>,
    ) -> Outcome {
        let status = response.head().status;
        let failed = self.args.fail.filter(|_| status >= 400);
        if self.args.include || self.args.head {
            for head in watch.heads() {
                delivery.write(head)?;
            }
        }
        if failed != Some(Fail::WithoutBody) {
            if self.args.compressed {
                response.decode();
            }
            while let Some(chunk) = response.chunk()? {
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
