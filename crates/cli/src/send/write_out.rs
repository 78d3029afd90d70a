//! `-w`: facts about a transfer, in curl's words.
//!
//! The variables are those of curl 7.88. What a variable shows is masked before anything is made of it: the escapes of
//! JSON would hide a value from whoever looks for it afterwards.

use super::draft::Job;
use super::watch::Watch;
use crate::failure::{Failure, Outcome};
use crate::output;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;
use subrosa_http::{Ends, UnixSocket, redirect};
use subrosa_secret::Redactor;

/// What the variables are taken from.
pub(super) struct Facts<'a> {
    pub(super) watch: &'a Watch<'a, 'a>,
    pub(super) failure: Option<&'a Failure>,
    pub(super) job: &'a Job<'a>,
}

/// Every variable with one value, in the order of `%{json}`.
#[rustfmt::skip]
const VARIABLES: &[&str] = &[
    "certs", "content_type", "errormsg", "exitcode", "filename_effective", "ftp_entry_path", "http_code", "http_connect",
    "http_version", "local_ip", "local_port", "method", "num_certs", "num_connects", "num_headers", "num_redirects",
    "proxy_ssl_verify_result", "redirect_url", "referer", "remote_ip", "remote_port", "response_code", "scheme",
    "size_download", "size_header", "size_request", "size_upload", "speed_download", "speed_upload",
    "ssl_verify_result", "time_appconnect", "time_connect", "time_namelookup", "time_pretransfer", "time_redirect",
    "time_starttransfer", "time_total", "url", "url_effective", "urlnum",
];

/// What a variable holds.
enum Value {
    Text(String),
    /// `null` in JSON, nothing otherwise
    Nothing,
    Number(u64),
    /// three digits, but in JSON a number
    Status(u16),
    Seconds(Duration),
}

/// Writes the format to standard output, or where `%{stderr}` sends it. Secrets are masked.
pub(super) fn write(format: &str, facts: &Facts<'_>, redactor: &Redactor) -> Outcome {
    let mut out = Writer { text: String::new(), to_stderr: false, redactor };
    let mut rest = format;
    while let Some(at) = rest.find(['%', '\\']) {
        out.text.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some((name, taken)) = variable(rest) else {
            let (text, taken) = escape(rest);
            out.text.push_str(text);
            rest = &rest[taken..];
            continue;
        };
        match name {
            "stderr" | "stdout" => out.turn(name == "stderr")?,
            "onerror" if facts.failure.is_none() => {
                rest = "";
                break;
            }
            "onerror" => {}
            "json" => out.text.push_str(&facts.json(redactor)),
            "header_json" => out.text.push_str(&facts.headers_json(redactor)),
            name => match name.strip_prefix("header{") {
                Some(name) => out.text.push_str(&facts.header(name)),
                None => out.text.push_str(&facts.plain(name)),
            },
        }
        rest = &rest[taken..];
    }
    out.text.push_str(rest);
    out.finish()
}

/// Text on its way to one of two streams.
struct Writer<'a> {
    text: String,
    to_stderr: bool,
    redactor: &'a Redactor,
}

impl Writer<'_> {
    fn turn(&mut self, to_stderr: bool) -> Outcome {
        self.flush()?;
        self.to_stderr = to_stderr;
        Ok(())
    }

    fn flush(&mut self) -> Outcome {
        let masked = self.redactor.redact_str(&self.text).into_owned();
        self.text.clear();
        match self.to_stderr {
            true => drop(io::stderr().write_all(masked.as_bytes())),
            false => io::stdout().write_all(masked.as_bytes())?,
        }
        Ok(())
    }

    fn finish(mut self) -> Outcome {
        self.flush()?;
        if !self.to_stderr {
            io::stdout().flush()?;
        }
        Ok(())
    }
}

/// `%{name}` or `%header{name}` at the start of the text, and how long it is.
fn variable(text: &str) -> Option<(&str, usize)> {
    let open = if text.starts_with("%header{") { 1 } else { text.starts_with("%{").then_some(2)? };
    let end = text.find('}')?;
    Some((&text[open..end], end + 1))
}

/// `%%`, `\n` and the like; any other letter behind `%` or `\` is shown with it.
fn escape(text: &str) -> (&str, usize) {
    match text.get(..2) {
        Some("%%") => ("%", 2),
        Some("\\n") => ("\n", 2),
        Some("\\r") => ("\r", 2),
        Some("\\t") => ("\t", 2),
        _ => {
            let length = text.chars().take(2).map(char::len_utf8).sum();
            (&text[..length], length)
        }
    }
}

impl Facts<'_> {
    /// A variable as it stands in text.
    fn plain(&self, name: &str) -> String {
        match self.value(name) {
            Some(Value::Text(text)) => text,
            Some(Value::Nothing) => String::new(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Status(status)) => format!("{status:03}"),
            Some(Value::Seconds(time)) => seconds(time),
            None => {
                output::warn(&format!("unknown variable '{name}' in -w"));
                String::new()
            }
        }
    }

    /// All of them as one object, as curl writes it.
    fn json(&self, redactor: &Redactor) -> String {
        let mut text = String::from("{");
        for name in VARIABLES {
            let value = match self.value(name) {
                Some(Value::Text(value)) => quoted(&value, redactor),
                Some(Value::Number(number)) => number.to_string(),
                Some(Value::Status(status)) => status.to_string(),
                Some(Value::Seconds(time)) => seconds(time),
                Some(Value::Nothing) | None => "null".to_owned(),
            };
            let _ = write!(text, "\"{name}\":{value},");
        }
        let version = quoted(concat!("subrosa/", env!("CARGO_PKG_VERSION")), redactor);
        let _ = write!(text, "\"curl_version\":{version}}}");
        text
    }

    /// The headers of the last response: names in small letters, each with the list of its values.
    fn headers_json(&self, redactor: &Redactor) -> String {
        let mut names: Vec<(String, Vec<String>)> = Vec::new();
        for (name, value) in self.watch.head().map(|head| head.headers.as_slice()).unwrap_or_default() {
            let name = name.to_ascii_lowercase();
            let value = quoted(&String::from_utf8_lossy(value), redactor);
            match names.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => names.push((name, vec![value])),
            }
        }
        let line = |(name, values): &(String, Vec<String>)| {
            format!("{}:[{}]", quoted(name, redactor), values.join(","))
        };
        let lines: Vec<String> = names.iter().map(line).collect();
        format!("{{{}\n}}", lines.join(",\n"))
    }

    /// The first header of this name.
    fn header(&self, name: &str) -> String {
        let value = self.watch.head().and_then(|head| head.header(name)).unwrap_or_default();
        String::from_utf8_lossy(value).into_owned()
    }

    fn value(&self, name: &str) -> Option<Value> {
        use Value::{Number, Seconds};
        let Facts { watch, failure, job } = self;
        let head = watch.head();
        Some(match name {
            "http_code" | "response_code" => Value::Status(head.map_or(0, |head| head.status)),
            "http_connect" => Value::Status(watch.connect_status),
            "exitcode" => Number(failure.map_or(0, |failure| u64::from(failure.exit().code()))),
            "num_certs" => Number(u64::from(watch.certificate.is_some())),
            "num_connects" => Number(u64::from(watch.connects)),
            "num_headers" => Number(head.map_or(0, |head| head.headers.len() as u64)),
            "num_redirects" => Number(u64::from(watch.redirects)),
            "local_port" => Number(watch.ends.and_then(|ends| ends.local).map_or(0, |end| end.port().into())),
            "remote_port" => Number(match watch.ends {
                Some(Ends { remote: Some(remote), .. }) => remote.port().into(),
                // as curl has it over a socket that has none
                Some(_) => watch.origin.port.into(),
                None => 0,
            }),
            "size_download" => Number(watch.sizes.response_body),
            "size_header" => Number(watch.heads as u64),
            "size_request" => Number(watch.requests),
            "size_upload" => Number(watch.sizes.request_body),
            "speed_download" => Number(self.speed(watch.sizes.response_body)),
            "speed_upload" => Number(self.speed(watch.sizes.request_body)),
            "ssl_verify_result" => Number(watch.verification.into()),
            "proxy_ssl_verify_result" => Number(0),
            "time_appconnect" => Seconds(watch.timings.app_connect),
            "time_connect" => Seconds(watch.timings.connect),
            "time_namelookup" => Seconds(watch.timings.name_lookup),
            "time_pretransfer" => Seconds(watch.timings.pre_transfer),
            "time_redirect" => Seconds(watch.redirect_time),
            "time_starttransfer" => Seconds(watch.timings.start_transfer),
            "time_total" => Seconds(watch.timings.total),
            "urlnum" => Number(job.number as u64),
            name => return self.text(name),
        })
    }

    fn text(&self, name: &str) -> Option<Value> {
        let Facts { watch, failure, job } = self;
        let head = watch.head();
        let text = match name {
            "certs" => Some(self.certificate()),
            "content_type" => head.and_then(|head| head.header("content-type")).map(lossy),
            "errormsg" => failure.map(|failure| failure.message().to_owned()),
            "filename_effective" => watch.delivery.file().map(|path| path.display().to_string()),
            "ftp_entry_path" => None,
            "http_version" => Some(head.map_or_else(|| "0".to_owned(), |head| head.version.to_string())),
            "local_ip" => Some(ip(watch.ends.and_then(|ends| ends.local))),
            "method" => Some(watch.method.clone()),
            "redirect_url" => head.and_then(|head| redirect::target_of(&watch.url, head)),
            "referer" => job.operation.referer.as_ref().map(|text| text.to_string_lossy().into_owned()),
            "remote_ip" => Some(match (watch.ends, &job.operation.way.wire.unix_socket) {
                (Some(_), Some(UnixSocket::Path(path))) => path.display().to_string(),
                (Some(_), Some(UnixSocket::Abstract(name))) => name.clone(),
                (ends, _) => ip(ends.and_then(|ends| ends.remote)),
            }),
            "scheme" => {
                let scheme = watch.url.split(':').next().unwrap_or_default().to_ascii_uppercase();
                watch.ends.map(|_| scheme)
            }
            "url" => Some(job.url.clone()),
            "url_effective" => {
                // no reference holds this sign
                let fragment = job.url.find('#').filter(|_| watch.redirects == 0);
                Some(format!("{}{}", watch.url, fragment.map_or("", |at| &job.url[at..])))
            }
            _ => return None,
        };
        Some(text.map_or(Value::Nothing, Value::Text))
    }

    /// The server's own certificate. curl shows the whole chain, and every field of it.
    fn certificate(&self) -> String {
        let Some(facts) = &self.watch.certificate else { return String::new() };
        let time = |seconds: u64| output::rfc3339(i64::try_from(seconds).unwrap_or(i64::MAX));
        let (subject, issuer) = (&facts.subject, &facts.issuer);
        let (from, to) = (time(facts.not_before), time(facts.not_after));
        format!("Subject:{subject}\nIssuer:{issuer}\nStart date:{from}\nExpire date:{to}\n")
    }

    /// Bytes a second over the whole transfer.
    fn speed(&self, bytes: u64) -> u64 {
        let total = self.watch.timings.total.as_secs_f64();
        if total > 0.0 { (bytes as f64 / total) as u64 } else { 0 }
    }
}

/// Over a Unix socket there is none.
fn ip(end: Option<SocketAddr>) -> String {
    end.map(|end| end.ip().to_string()).unwrap_or_default()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn seconds(time: Duration) -> String {
    format!("{:.6}", time.as_secs_f64())
}

/// Masked, then in quotes.
fn quoted(text: &str, redactor: &Redactor) -> String {
    serde_json::Value::from(redactor.redact_str(text).as_ref()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_curls() {
        for (text, shown, taken) in [
            ("%%", "%", 2),
            ("\\n", "\n", 2),
            ("\\\\n", "\\\\", 2),
            ("%\\n", "%\\", 2),
            ("%", "%", 1),
            ("\\é", "\\é", 3),
        ] {
            assert_eq!(escape(text), (shown, taken), "{text}");
        }
    }

    #[test]
    fn a_variable_ends_with_its_brace() {
        assert_eq!(variable("%{url}x"), Some(("url", 6)));
        assert_eq!(variable("%header{a}"), Some(("header{a", 10)));
        assert_eq!(variable("%{}"), Some(("", 3)));
        for text in ["%{url", "%url}", "\\n}"] {
            assert_eq!(variable(text), None, "{text}");
        }
    }
}
