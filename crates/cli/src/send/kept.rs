//! What `subrosa cert` and `subrosa ca` keep, in so far as a command line may need it.
//!
//! A kept certificate goes the ways that a secret may go: what makes another destination of its host needs loopback, or
//! the user's own configuration.

use super::command_line::CommandLine;
use super::operation::Operation;
use super::secrets::Secrets;
use crate::certificates::{self, Kind};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::unlock;
use subrosa_http::{CertificateFacts, Kept, Plan};
use subrosa_secret::{Destination, Origin, Scheme, TrustRules, UrlParts};
use subrosa_vault::Vault;

/// The flag that sends without any of it.
const OPT_OUT: &str = "--no-certs sends without what 'subrosa cert' and 'subrosa ca' keep";

/// Whom a command line may speak TLS with.
#[derive(Debug, PartialEq, Eq)]
enum Reach {
    These(Vec<Origin>),
    /// A redirect, a pattern or a proxy may lead anywhere.
    Anybody,
}

/// What is kept for the hosts of a command line. The vault is opened if there seems to be something, and TLS is spoken.
pub(super) fn load(context: &Context, line: &CommandLine, secrets: &mut Secrets) -> Outcome<Vec<Kept>> {
    let reach = Reach::of(line.operations().filter(|operation| !operation.way.leaves_kept));
    if matches!(&reach, Reach::These(origins) if origins.is_empty()) {
        return Ok(Vec::new());
    }
    // whoever has no place for a vault has none
    let Ok(location) = unlock::location(context) else { return Ok(Vec::new()) };
    let unread = |failure: Failure| failure.adding("; nothing was sent").hint(OPT_OUT);
    if !Vault::seems_to_hold(&location, &Kind::DOCUMENTS).map_err(|error| unread(error.into()))? {
        return Ok(Vec::new());
    }
    let mut kept = Vec::new();
    let vault = secrets.open(context).map_err(|failure| failure.hint(OPT_OUT))?;
    for kind in [Kind::Client, Kind::Authority] {
        let entries = certificates::load(vault, kind).map_err(|error| unread(error.into()))?;
        for entry in entries.into_iter().filter(|entry| reach.covers(&entry.rule)) {
            kept.push(entry.to_kept().map_err(|error| unread(error.into()))?);
        }
    }
    Ok(kept)
}

impl Reach {
    fn of<'a>(operations: impl Iterator<Item = &'a Operation>) -> Self {
        let mut all = Vec::new();
        for operation in operations {
            if operation.location || operation.way.has_https_proxy() {
                return Self::Anybody;
            }
            for url in operation.transfers.urls() {
                match url.to_str().and_then(|url| UrlParts::parse(url).ok()) {
                    Some(parts) if parts.scheme == Scheme::Https => all.push(parts.origin()),
                    Some(_) => {}
                    None => return Self::Anybody,
                }
            }
        }
        Self::These(all)
    }

    fn covers(&self, rule: &subrosa_secret::HostRule) -> bool {
        match self {
            Self::These(origins) => origins.iter().any(|origin| rule.matches(origin)),
            Self::Anybody => true,
        }
    }
}

/// The client certificates that a plan would show, each with whom it would be shown to.
pub(super) fn shown(plan: &Plan) -> impl Iterator<Item = (&Kept, &Destination)> {
    let to_host = plan.kept_identity().map(|kept| (kept, plan.destination()));
    to_host.into_iter().chain(plan.kept_proxy_identity())
}

/// Refuses to show a certificate on a way that no secret may go.
pub(super) fn judge(plan: &Plan, trust: &TrustRules) -> Outcome {
    for (kept, destination) in shown(plan) {
        if let Err(deviation) = trust.permits(destination) {
            let origin = &destination.origin;
            let text = format!(
                "the client certificate kept for {}: {deviation} makes {origin} another destination than the one that it \
                 is for; nothing was sent",
                kept.rule
            );
            let failure = Failure::new(Exit::UNRESOLVED, text).hint("subrosa doctor --explain trust");
            return Err(failure.hint(OPT_OUT));
        }
    }
    Ok(())
}

/// What of all that a plan uses a person should hear about: certificates that are not valid today.
pub(super) fn untimely(plan: &Plan) -> Vec<String> {
    let told = |kind: Kind, kept: &Kept, facts: &CertificateFacts| {
        let why = certificates::untimely(facts)?;
        Some(format!("the {} {} for {}: {why}", kind.noun(), facts.subject, kept.rule))
    };
    let clients = shown(plan).filter_map(|(kept, _)| Some((kept, kept.identity.as_ref()?.facts()?)));
    let clients = clients.filter_map(|(kept, facts)| told(Kind::Client, kept, &facts));
    let authorities = plan.kept_authorities().into_iter().flat_map(|kept| {
        let facts = kept.authorities.iter().filter_map(|der| CertificateFacts::of(der));
        facts.filter_map(move |facts| told(Kind::Authority, kept, &facts))
    });
    clients.chain(authorities).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::parse;
    use std::ffi::OsString;

    fn reach(words: &[&str]) -> Reach {
        let line = parse::parse(words.iter().map(OsString::from)).unwrap();
        Reach::of(line.operations())
    }

    #[test]
    fn the_vault_is_looked_at_only_where_tls_may_be_spoken() {
        for words in [
            &["http://a.example/"][..],
            &["a.example"],
            &["http://[::1]:8080/{a,b}", "--next", "http://b.example?q=<<vault:x>>"],
            &["-x", "http://proxy.example", "http://a.example"],
        ] {
            assert_eq!(reach(words), Reach::These(Vec::new()), "{words:?}");
        }
        let these =
            |urls: &[&str]| Reach::These(urls.iter().map(|url| Origin::of_url(url).unwrap()).collect());
        assert_eq!(reach(&["HTTPS://A.example./x", "http://b.example"]), these(&["https://a.example"]));
        assert_eq!(
            reach(&["https://u:<<vault:p p>>@a.example:8443/[1-3]"]),
            these(&["https://a.example:8443"])
        );
        for words in [
            &["-L", "http://a.example"][..],
            &["{http,https}://a.example"],
            &["https://{a,b}.example"],
            &["https://a.example:[1-3]/"],
            &["-x", "HTTPS://proxy.example", "http://a.example"],
            &["https://a.example/<<vault:"],
        ] {
            assert_eq!(reach(words), Reach::Anybody, "{words:?}");
        }
    }
}
