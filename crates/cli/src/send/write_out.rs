//! `-w`: facts about a transfer, in curl's words.

use super::draft::Job;
use super::watch::Watch;
use crate::failure::{Failure, Outcome};
use crate::output;
use std::io::{self, Write};
use std::time::Duration;
use subrosa_secret::Redactor;

/// What the variables are taken from.
pub(super) struct Facts<'a> {
    pub(super) url: &'a str,
    pub(super) watch: &'a Watch<'a, 'a>,
    pub(super) failure: Option<&'a Failure>,
    pub(super) job: &'a Job<'a>,
}

/// Writes the format to standard output, or where `%{stderr}` sends it. Secrets are masked.
pub(super) fn write(format: &str, facts: &Facts<'_>, redactor: &Redactor) -> Outcome {
    let (mut out, mut to_stderr) = (String::new(), false);
    let flush = |text: &mut String, to_stderr: bool| -> Outcome {
        let masked = redactor.redact_str(text).into_owned();
        text.clear();
        match to_stderr {
            true => drop(io::stderr().write_all(masked.as_bytes())),
            false => io::stdout().write_all(masked.as_bytes())?,
        }
        Ok(())
    };
    let mut rest = format;
    while let Some(at) = rest.find(['%', '\\']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match variable(rest) {
            Some(("stderr" | "stdout", taken)) => {
                flush(&mut out, to_stderr)?;
                to_stderr = rest.starts_with("%{stderr}");
                taken
            }
            Some((name, taken)) => {
                out.push_str(&value(name, facts));
                taken
            }
            None => {
                let (text, taken) = escape(rest);
                out.push_str(text);
                taken
            }
        };
        rest = &rest[taken..];
    }
    out.push_str(rest);
    flush(&mut out, to_stderr)?;
    if !to_stderr {
        io::stdout().flush()?;
    }
    Ok(())
}

/// `%{name}` at the start of the text, and how long it is.
fn variable(text: &str) -> Option<(&str, usize)> {
    let open =
        if text.starts_with("%header{") { "%header{".len() } else { text.starts_with("%{").then_some(2)? };
    let end = text.find('}')?;
    let name = if open > 2 { &text[1..end] } else { &text[open..end] };
    Some((name, end + 1))
}

/// `%%`, `\n` and the like; any other `%` or `\` stands for itself.
fn escape(text: &str) -> (&str, usize) {
    match text.get(..2) {
        Some("%%") => ("%", 2),
        Some("\\n") => ("\n", 2),
        Some("\\r") => ("\r", 2),
        Some("\\t") => ("\t", 2),
        _ => (&text[..1], 1),
    }
}

fn value(name: &str, facts: &Facts<'_>) -> String {
    let watch = facts.watch;
    let head = watch.head();
    let header = |name: &str| {
        let value = head.and_then(|head| head.header(name)).unwrap_or_default();
        String::from_utf8_lossy(value).into_owned()
    };
    let seconds = |time: Duration| format!("{:.6}", time.as_secs_f64());
    let ends = watch.ends;
    match name {
        "http_code" | "response_code" => format!("{:03}", head.map_or(0, |head| head.status)),
        "http_version" => head.map_or_else(|| "0".to_owned(), |head| head.version.to_string()),
        "url_effective" => facts.url.to_owned(),
        "url" => facts.job.url.clone(),
        "method" => watch.method.clone(),
        "content_type" => header("content-type"),
        "redirect_url" => header("location"),
        "num_redirects" => watch.redirects.to_string(),
        "num_connects" => watch.connects.to_string(),
        "num_headers" => head.map_or(0, |head| head.headers.len()).to_string(),
        "scheme" => facts.url.split(':').next().unwrap_or_default().to_ascii_uppercase(),
        "filename_effective" => {
            watch.delivery.file().map(|path| path.display().to_string()).unwrap_or_default()
        }
        "remote_ip" => ends.map(|ends| ends.remote.ip().to_string()).unwrap_or_default(),
        "remote_port" => ends.map_or(0, |ends| ends.remote.port()).to_string(),
        "local_ip" => ends.map(|ends| ends.local.ip().to_string()).unwrap_or_default(),
        "local_port" => ends.map_or(0, |ends| ends.local.port()).to_string(),
        "size_download" => watch.sizes.response_body.to_string(),
        "size_upload" => watch.sizes.request_body.to_string(),
        "size_header" => watch.heads.to_string(),
        "size_request" => watch.sizes.request_head.to_string(),
        "time_namelookup" => seconds(watch.timings.name_lookup),
        "time_connect" => seconds(watch.timings.connect),
        "time_appconnect" => seconds(watch.timings.app_connect),
        "time_pretransfer" => seconds(watch.timings.pre_transfer),
        "time_starttransfer" => seconds(watch.timings.start_transfer),
        "time_redirect" => seconds(watch.redirect_time),
        "time_total" => seconds(watch.timings.total),
        "exitcode" => facts.failure.map_or(0, |failure| failure.exit().code()).to_string(),
        "errormsg" => facts.failure.map(|failure| failure.message().to_owned()).unwrap_or_default(),
        "onerror" => String::new(),
        _ => match name.strip_prefix("header{") {
            Some(name) => header(name),
            None => {
                output::warn(&format!("unknown variable '{name}' in -w"));
                String::new()
            }
        },
    }
}
