//! One `send` from its flags to its exit code: plan, judge, look up, then one transfer after another.

use super::command_line::CommandLine;
use super::cookies;
use super::draft::{self, Job};
use super::explain;
use super::http_failure::exit_of;
use super::literal::Literals;
use super::secrets::Secrets;
use super::transfer::Stage;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use std::thread;
use std::time::Instant;
use subrosa_http::Plan;
use subrosa_http::blocking::Client;

/// Sends every request of a command line, all of which are judged and looked up before the first one leaves.
///
/// The code of the last transfer is that of the whole, as in curl. What is wrong on our side, such as an audit log
/// that cannot be written, ends it all.
pub(super) fn perform(context: &Context, line: &CommandLine, mut literals: Literals) -> Outcome<Exit> {
    let mut secrets = Secrets::new(context, line)?;
    secrets.take_literals(&mut literals)?;
    let jobs = draft::jobs(context, line, &mut secrets)?;
    let mut plans = Vec::with_capacity(jobs.len());
    for job in &jobs {
        plans.push(plan(job)?);
    }
    if let Some(how) = line.explain {
        return explain::explain(context, line, &jobs, &plans, how);
    }
    secrets.judge_kept(context, &plans)?;
    literals.check(context, &mut secrets)?;
    let found = secrets.resolve(context, &plans, line.keep)?;
    if line.operations().any(|operation| !operation.captures.is_empty()) {
        // a token that cannot be stored is better not asked for
        secrets.open(context)?;
    }
    let mut redactor = found.redactor();
    for name in redactor.unmasked() {
        output::warn(&format!("{name} is too short or too common to be masked"));
    }
    if plans.len() > 1 || !literals.is_empty() {
        // a value that cannot stand in one of the requests is found before the first of them has left
        plans.iter().try_for_each(|plan| plan.fill(&found).map(drop))?;
    }
    literals.store(context, &mut secrets, &plans)?;
    let client = Client::new()?;
    let colored = context.output.colored();
    let mut exit = Exit::OK;
    let mut last: Option<Instant> = None;
    for (job, plan) in jobs.iter().zip(&plans) {
        if let (Some(last), Some(distance)) = (last, line.rate) {
            thread::sleep(distance.saturating_sub(last.elapsed()));
        }
        last = Some(Instant::now());
        let captured = secrets.captured_count();
        let stage = Stage { line, client: &client, found: &found, redactor: &redactor, colored };
        exit = match stage.transfer(job, plan, &mut secrets) {
            Ok(exit) => exit,
            Err(failure) => {
                save_cookies(line, &jobs);
                return Err(failure);
            }
        };
        if secrets.captured_count() > captured {
            redactor = secrets.redactor(&found);
        }
        if exit != Exit::OK && (line.fail_early || !exit.is_of_transfer()) {
            break;
        }
    }
    save_cookies(line, &jobs);
    Ok(exit)
}

fn save_cookies(line: &CommandLine, jobs: &[Job<'_>]) {
    if let Some(jar) = jobs.iter().find_map(|job| job.draft.jar.as_ref()) {
        cookies::save(line, jar);
    }
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
