//! `cert list` and `ca list`.

use super::{Entry, Kind, day, load, untimely};
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{self, Style, rfc3339};
use crate::table::{Cell, Table};
use crate::unlock;
use clap::{Arg, ArgAction, ArgMatches, Command};
use data_encoding::HEXLOWER;
use serde::Serialize;
use subrosa_http::CertificateFacts;

pub(crate) fn list_command(kind: Kind) -> Command {
    let (about, schema) = match kind {
        Kind::Client => ("List client certificates by host; never their keys", "as JSON, schema cert/1"),
        Kind::Authority => ("List authorities by host", "as JSON, schema ca/1"),
    };
    Command::new("list")
        .about(about)
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help(schema))
        .after_help(format!(
            "In the order in which they were added: of several for a host the last counts. In a pipe each line is one \
             certificate, its columns separated by tabs: id, host, subject, last day, issuer, SHA-256.\n\n\
             Example:\n  subrosa {} list",
            kind.command()
        ))
}

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    certificates: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    /// the same for certificates that were added together
    id: String,
    host: String,
    subject: String,
    issuer: String,
    valid_from: String,
    expires: String,
    /// whether it can be used today
    valid: bool,
    sha256: String,
    added: String,
    #[serde(skip)]
    remark: Option<String>,
    #[serde(skip)]
    last_day: String,
}

pub(crate) fn list(kind: Kind, context: &Context, arguments: &ArgMatches) -> Outcome {
    let vault = unlock::open(context)?;
    let entries = load(&vault, kind)?;
    let rows: Vec<Row> = entries.iter().flat_map(rows).collect();
    if arguments.get_flag("json") {
        let schema = match kind {
            Kind::Client => "cert/1",
            Kind::Authority => "ca/1",
        };
        return context.output.json(&Report { schema, certificates: rows });
    }
    if rows.is_empty() {
        output::done(match kind {
            Kind::Client => "no client certificates",
            Kind::Authority => "no authorities but the system's",
        });
        return Ok(());
    }
    let mut table = Table::new(&["ID", "HOST", "SUBJECT", "EXPIRES", "ISSUER", "SHA-256"]);
    for row in &rows {
        let style = if row.remark.is_none() { Style::Good } else { Style::Bad };
        table.row([
            row.id.as_str().into(),
            row.host.as_str().into(),
            row.subject.as_str().into(),
            Cell::styled(&row.last_day, style),
            row.issuer.as_str().into(),
            row.sha256.as_str().into(),
        ]);
    }
    context.output.table(&table)?;
    for row in &rows {
        if let Some(why) = &row.remark {
            output::warn(&format!("{} {}: {why}", row.id, row.subject));
        }
    }
    Ok(())
}

fn rows(entry: &Entry) -> Vec<Row> {
    let seconds = |seconds: u64| rfc3339(i64::try_from(seconds).unwrap_or(i64::MAX));
    let row = |facts: CertificateFacts| {
        let remark = untimely(&facts);
        Row {
            id: entry.short_id(),
            host: entry.rule.to_string(),
            valid_from: seconds(facts.not_before),
            expires: seconds(facts.not_after),
            valid: remark.is_none(),
            sha256: HEXLOWER.encode(&facts.fingerprint),
            added: rfc3339(entry.added),
            remark,
            last_day: day(facts.not_after),
            subject: facts.subject,
            issuer: facts.issuer,
        }
    };
    entry.facts().into_iter().map(row).collect()
}
