//! `--explain`: what would be sent where, and by which rules. Nothing is sent, nobody is asked, no value is opened.
//!
//! An explanation may be shown to others. So of what stands in a place for credentials only the references are in it,
//! and not the text that somebody wrote there in clear.

mod certificate;
mod literal;
mod text;

use super::command_line::{CommandLine, Explain};
use super::draft::Job;
use super::literal::parse as parse_literal;
use super::secrets::{malformed, uses};
use crate::context::Context;
use crate::exit::Exit;
use crate::external::Connections;
use crate::failure::Outcome;
use crate::report::{hosts, rules};
use crate::{lookup, unlock};
use certificate::KeptOutline;
use serde::Serialize;
use std::collections::BTreeSet;
use subrosa_http::{Plan, UnixSocket, redirect};
use subrosa_provider::LocalSource;
use subrosa_resolver::{Overrides, Resolver, Use};
use subrosa_secret::{Access, Name, SecretValue};
use subrosa_vault::{Entry, Vault};

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    /// whether all of it would be sent as it stands, without a question
    sendable: bool,
    requests: Vec<Request>,
}

#[derive(Serialize)]
struct Request {
    method: String,
    /// references unfilled
    url: String,
    origin: String,
    headers: Vec<Header>,
    body: Option<Body>,
    references: Vec<Reference>,
    /// `system`, `kept`, `--cacert` or `anybody`; `null` without TLS
    trusts: Option<&'static str>,
    client_certificate: bool,
    /// those of the vault that would be used
    kept: Vec<KeptOutline>,
    /// the proxy on the way
    proxy: Option<String>,
    /// where the connection is opened to: a host and port, or `the socket` and its name
    connects_to: String,
    /// the address comes from `--resolve`
    resolved: bool,
    deviations: Vec<Deviation>,
    /// how many redirects are followed; `null` is any number
    redirects: Option<u32>,
    /// how often it is tried again after a fault that may pass
    retries: u64,
}

#[derive(Serialize)]
struct Header {
    name: String,
    value: String,
}

#[derive(Serialize)]
struct Body {
    /// bytes with references as they are written; `null` where it is not known
    bytes: Option<u64>,
    references: Vec<String>,
}

#[derive(Serialize)]
struct Reference {
    /// as it is written; `null` where it is malformed
    name: Option<String>,
    /// the stored secret, its profile included; `null` where there is none
    secret: Option<String>,
    place: String,
    /// ready, undecided, or the reason for which it is refused
    state: String,
    problem: Option<String>,
    hint: Option<String>,
    rules: Option<Vec<String>>,
    /// those of the rules that are for this origin
    matching: Option<Vec<String>>,
    /// where its value would be looked up; `null` where the vault has it
    link: Option<String>,
    /// the same in one cell
    #[serde(skip)]
    hosts: Option<String>,
}

/// What makes the destination another one than the URL says.
#[derive(Serialize)]
struct Deviation {
    kind: &'static str,
    /// with a secret in the request
    allowed: bool,
}

/// Shows what would be sent. The exit code is that of sending, as far as it can be told: 0 or 100.
pub(super) fn explain(
    context: &Context,
    line: &CommandLine,
    jobs: &[Job<'_>],
    plans: &[Plan],
    how: Explain,
) -> Outcome<Exit> {
    let judge = Judge::new(context, line, plans)?;
    let mut requests = Vec::with_capacity(plans.len());
    for (job, plan) in jobs.iter().zip(plans) {
        requests.push(judge.request(job, plan)?);
    }
    let is_ready = |reference: &Reference| reference.state == "ready";
    let sendable = requests.iter().all(|request| {
        request.references.iter().all(is_ready) && request.kept.iter().all(|kept| kept.allowed)
    });
    match how {
        Explain::Json => {
            context.output.json(&Report { schema: "explain/1", sendable, requests })?;
        }
        Explain::Text => text::write(context, &requests, sendable)?,
    }
    Ok(if sendable { Exit::OK } else { Exit::UNRESOLVED })
}

struct Judge<'a> {
    context: &'a Context,
    /// `None` where no request has a reference.
    vault: Option<(Vault, Connections)>,
    given: Overrides,
}

impl<'a> Judge<'a> {
    fn new(context: &'a Context, line: &CommandLine, plans: &[Plan]) -> Outcome<Self> {
        let has_uses = plans.iter().any(|plan| !plan.uses().is_empty());
        let vault = if has_uses {
            let vault = unlock::open(context)?;
            let connections = Connections::load(&vault)?;
            Some((vault, connections))
        } else {
            None
        };
        let mut given = Overrides::default();
        let literals = line.literals.iter().filter_map(|text| parse_literal(text).ok());
        let with = line.with.iter().map(|text| lookup::name(text)).collect::<Outcome<Vec<_>>>()?;
        for name in with.into_iter().chain(literals.map(|(name, _)| name)) {
            // judged as if there were a value: it is not asked for, because it is not sent
            if let Ok(stand_in) = SecretValue::new(b"-".to_vec()) {
                given.insert(name, stand_in);
            }
        }
        Ok(Self { context, vault, given })
    }

    fn request(&self, job: &Job<'_>, plan: &Plan) -> Outcome<Request> {
        let (route, destination) = (plan.route(), plan.destination());
        let trust = self.context.trust()?;
        let one = |deviation: &subrosa_secret::Deviation| {
            let mut alone = destination.clone();
            alone.deviations = vec![*deviation];
            Deviation { kind: deviation.word(), allowed: trust.permits(&alone).is_ok() }
        };
        let limit = job.operation.max_redirs.unwrap_or(Some(redirect::DEFAULT_LIMIT));
        let body = plan.body().map(|body| Body {
            bytes: body.length,
            references: body.references.iter().map(|name| format!("<<vault:{name}>>")).collect(),
        });
        Ok(Request {
            method: plan.method().to_owned(),
            url: literal::url(&plan.url()),
            origin: destination.origin.to_string(),
            headers: plan.headers().filter(|header| !header.pieces.is_empty()).map(literal::header).collect(),
            body,
            references: self.references(plan)?,
            trusts: route.trusts,
            client_certificate: route.has_identity,
            kept: certificate::kept(plan, &trust),
            proxy: route.proxy.map(|proxy| proxy.to_string()),
            connects_to: match &job.operation.way.wire.unix_socket {
                Some(UnixSocket::Path(path)) => format!("the socket {}", path.display()),
                Some(UnixSocket::Abstract(name)) => format!("the socket @{name}"),
                None => format!("{}:{}", route.host, route.port),
            },
            resolved: route.is_resolved,
            deviations: destination.deviations.iter().map(one).collect(),
            redirects: if job.operation.location { limit } else { Some(0) },
            retries: job.operation.retry.count,
        })
    }

    fn references(&self, plan: &Plan) -> Outcome<Vec<Reference>> {
        let broken = malformed(plan).into_iter().map(|one| Reference {
            name: None,
            secret: None,
            place: one.place,
            state: one.reason.kind().to_owned(),
            problem: Some(one.reason.to_string()),
            hint: one.hint,
            rules: None,
            matching: None,
            link: None,
            hosts: None,
        });
        let mut references: Vec<Reference> = broken.collect();
        let Some((vault, connections)) = &self.vault else { return Ok(references) };
        let uses: Vec<Use> = uses(plan).collect();
        let (source, trust, profile) =
            (LocalSource::new(vault), self.context.trust()?, self.context.profile()?);
        let resolver = Resolver::new(&source, profile, &trust, &self.given);
        let verdicts = resolver.judge(&uses).map_err(super::secrets::unreadable)?;
        let asked: BTreeSet<Name> = verdicts.questions().iter().map(|one| one.secret.clone()).collect();
        for wanted in &uses {
            let written = format!("<<vault:{}>>", wanted.name);
            let refused = verdicts
                .unresolved()
                .iter()
                .find(|one| one.reference == written && one.place == wanted.place);
            let entry = lookup::find(self.context, vault, &wanted.name)?;
            let link = entry.as_ref().and_then(|entry| entry.link.as_ref());
            let astray = link.and_then(|link| connections.behind(wanted.name.as_str(), link).err());
            let (state, problem, hint) = match (refused, astray) {
                (Some(one), _) => (one.reason.kind(), Some(one.reason.to_string()), one.hint.clone()),
                (None, Some(error)) => {
                    (error.kind().as_str(), Some(error.to_string()), error.hint().map(str::to_owned))
                }
                _ if asked.contains(verdicts.secret(&wanted.name)) => ("undecided", None, None),
                _ => ("ready", None, None),
            };
            let link = link.map(|link| connections.shown(link));
            let reference = Reference {
                state: state.to_owned(),
                problem,
                hint,
                link,
                ..described(wanted, entry.as_ref())
            };
            references.push(reference);
        }
        Ok(references)
    }
}

/// What is known of a reference without judging it.
fn described(wanted: &Use, entry: Option<&Entry>) -> Reference {
    let access = entry.map(|entry| &entry.policy.access);
    let matching = access.and_then(|access| match access {
        Access::Restricted(rules) => {
            let fits = rules.iter().filter(|rule| rule.matches(&wanted.destination.origin));
            Some(fits.map(ToString::to_string).collect())
        }
        Access::Undecided | Access::Unrestricted => None,
    });
    Reference {
        name: Some(wanted.name.to_string()),
        secret: entry.map(|entry| entry.metadata.name.to_string()),
        place: wanted.place.clone(),
        state: String::new(),
        problem: None,
        hint: None,
        rules: access.and_then(rules),
        matching,
        link: None,
        hosts: access.map(hosts),
    }
}
