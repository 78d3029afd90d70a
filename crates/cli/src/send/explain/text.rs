//! An explanation for a person.

use super::certificate::KeptOutline;
use super::{Reference, Request};
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{Style, count};

pub(super) fn write(context: &Context, requests: &[Request], sendable: bool) -> Outcome {
    let out = &context.output;
    for (at, request) in requests.iter().enumerate() {
        if at > 0 {
            out.line("")?;
        }
        let head = format!("{} {}", request.method, request.url);
        out.bytes(format!("{}\n", out.paint(Style::Heading, &crate::failure::visible(&head))).as_bytes())?;
        for (what, said) in facts(request) {
            out.line(&format!("  {what:<11} {said}"))?;
        }
        for reference in &request.references {
            let style = if reference.state == "ready" { Style::Good } else { Style::Bad };
            let state = out.paint(style, &reference.state);
            out.bytes(format!("  {:<11} {}: {state}", "reference", named(reference)).as_bytes())?;
            out.line(&reason(reference))?;
            if let Some(hint) = &reference.hint {
                out.line(&format!("  {:<11} hint: {hint}", ""))?;
            }
        }
    }
    out.line("")?;
    let all = count(u64::try_from(requests.len()).unwrap_or(u64::MAX), "request");
    let can = if sendable { "would be sent" } else { "would not be sent" };
    out.line(&format!("{all} {can}; nothing was sent"))
}

fn facts(request: &Request) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    for header in &request.headers {
        facts.push(("header", format!("{}: {}", header.name, header.value)));
    }
    if let Some(body) = &request.body {
        let bytes = body.bytes.map_or_else(|| "of unknown length".to_owned(), |bytes| count(bytes, "byte"));
        let with = match body.references.is_empty() {
            true => String::new(),
            false => format!(" with {}", body.references.join(", ")),
        };
        facts.push(("body", format!("{bytes}{with}")));
    }
    facts.push(("trust", trust(request)));
    for kept in &request.kept {
        facts.push((kept.kind, told(kept)));
    }
    facts.push(("route", route(request)));
    for deviation in &request.deviations {
        let allowed = if deviation.allowed { "allowed here" } else { "not with a secret in the request" };
        facts.push(("deviation", format!("{}: {allowed}", deviation.kind)));
    }
    facts.push(("redirects", redirects(request)));
    if request.retries > 0 {
        facts.push(("retries", format!("at most {}", request.retries)));
    }
    facts
}

fn trust(request: &Request) -> String {
    let who = match request.trusts {
        None => "none: the connection is not encrypted",
        Some("system") => "the system's authorities",
        Some("kept") => "the system's authorities and those of 'subrosa ca'",
        Some("--cacert") => "the authorities of --cacert only",
        Some(_) => "anybody: certificates are not checked",
    };
    let identity =
        if request.client_certificate { "; a client certificate is shown if asked for" } else { "" };
    format!("{who}{identity}")
}

fn told(kept: &KeptOutline) -> String {
    let time = kept.problem.clone().unwrap_or_else(|| format!("expires {}", kept.expires));
    let refused = if kept.allowed { "" } else { ": not by this way" };
    format!("{}, kept for {} ({}), {time}{refused}", kept.subject, kept.host, kept.id)
}

fn route(request: &Request) -> String {
    let resolved = if request.resolved { " at the address of --resolve" } else { "" };
    match &request.proxy {
        Some(proxy) => format!("through the proxy {proxy}"),
        None if request.connects_to.starts_with("the socket") => format!("over {}", request.connects_to),
        None => format!("{}{resolved}", request.connects_to),
    }
}

fn redirects(request: &Request) -> String {
    match request.redirects {
        Some(0) => "not followed".to_owned(),
        Some(most) => format!("at most {most} followed, the rules judged anew at each"),
        None => "followed, the rules judged anew at each".to_owned(),
    }
}

fn named(reference: &Reference) -> String {
    let name =
        reference.name.as_ref().map_or_else(|| "malformed".to_owned(), |name| format!("<<vault:{name}>>"));
    format!("{name} in {}", reference.place)
}

/// Why it is in its state, and the rules that it follows from.
fn reason(reference: &Reference) -> String {
    if let Some(problem) = &reference.problem {
        return format!(", {problem}");
    }
    let rules = match (&reference.matching, &reference.hosts) {
        (Some(rules), _) if !rules.is_empty() => format!(" by {}", rules.join(", ")),
        (_, Some(hosts)) => format!(" ({hosts})"),
        _ => String::new(),
    };
    match &reference.link {
        Some(link) => format!("{rules}, looked up at {link}"),
        None => rules,
    }
}
