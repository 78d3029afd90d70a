//! The secrets of one `send`: judged, asked about, looked up, recorded.

use super::command_line::CommandLine;
use super::kept;
use super::literal::Literals;
use crate::context::Context;
use crate::exit::Exit;
use crate::external::{Fetch, Sources};
use crate::failure::{Failure, Outcome};
use crate::{input, lookup, output, record, unlock};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use subrosa_http::{Plan, Values};
use subrosa_provider::ErrorKind;
use subrosa_resolver::{Answer, Overrides, Question, Reason, Resolved, Resolver, Unresolved, Use, Verdicts};
use subrosa_secret::{Access, HostRule, Name, Origin, Profile, Redactor, SecretValue, TrustRules};
use subrosa_vault::{Entry, Link, Vault};

/// Values by the names that references write.
#[derive(Default)]
pub(super) struct Found(BTreeMap<Name, Resolved>);

impl Values for Found {
    fn value(&self, name: &Name) -> Option<&SecretValue> {
        self.0.get(name).map(|resolved| resolved.value.as_ref())
    }
}

impl Found {
    /// Masks every one of these values.
    pub(super) fn redactor(&self) -> Redactor {
        Redactor::new(self.0.iter().map(|(name, resolved)| (name.clone(), resolved.value.as_ref())))
    }
}

/// What `send` knows of secrets. The vault is opened when a request needs it.
pub(super) struct Secrets {
    vault: Option<Vault>,
    trust: TrustRules,
    profile: Option<Profile>,
    overrides: Overrides,
    /// Those of them that the command line held in clear.
    literals: BTreeSet<Name>,
    /// Questions that the user has answered, for the hops of a redirect.
    answered: Vec<(Question, Answer)>,
    /// What the audit log holds of this process already.
    recorded: BTreeSet<(Name, Origin)>,
    /// The same of kept certificates, by their ids.
    recorded_certificates: BTreeSet<(String, Origin)>,
    /// What a person was told of them.
    told: BTreeSet<String>,
    audit: bool,
    fetch: Fetch,
    /// Whether a person reads what goes wrong, and could have been asked.
    attended: bool,
    /// Whose own the captured secrets are.
    given_profile: Option<Profile>,
    captured: Vec<(Name, SecretValue)>,
}

impl Secrets {
    /// Reads the values of `--with`.
    pub(super) fn new(context: &Context, line: &CommandLine) -> Outcome<Self> {
        let mut overrides = Overrides::default();
        // what is only explained needs no value
        let given = line.with.iter().filter(|_| line.explain.is_none());
        for text in given {
            let name = lookup::name(text)?;
            let value = input::value(context, input::Source::Asked, &format!("value of {name}"), false)?;
            overrides.insert(name, value);
        }
        Ok(Self {
            vault: None,
            trust: TrustRules::new(),
            profile: None,
            overrides,
            literals: BTreeSet::new(),
            answered: Vec::new(),
            recorded: BTreeSet::new(),
            recorded_certificates: BTreeSet::new(),
            told: BTreeSet::new(),
            audit: !line.no_audit,
            fetch: Fetch::new(line.caching),
            attended: false,
            given_profile: context.given_profile().cloned(),
            captured: Vec::new(),
        })
    }

    /// Literals of the command line are values for this call, until they are stored.
    pub(super) fn take_literals(&mut self, literals: &mut Literals) -> Outcome {
        for (name, value) in literals.values() {
            if self.overrides.value(&name).is_some() {
                let text = format!("--with {name}: --vault-literal gives a value of that name as well");
                return Err(Failure::usage(text));
            }
            self.literals.insert(name.clone());
            self.overrides.insert(name, value);
        }
        Ok(())
    }

    /// The value that was given for this call.
    pub(super) fn given(&self, name: &Name) -> Option<Arc<SecretValue>> {
        self.overrides.value(name).cloned()
    }

    /// The vault, opened where it is not yet.
    pub(super) fn open(&mut self, context: &Context) -> Outcome<&mut Vault> {
        let vault = match self.vault.take() {
            Some(vault) => vault,
            None => unlock::open(context).map_err(|failure| failure.adding("; nothing was sent"))?,
        };
        Ok(self.vault.insert(vault))
    }

    /// Judges the kept certificates that requests would show, and tells what is wrong with them.
    pub(super) fn judge_kept(&mut self, context: &Context, plans: &[Plan]) -> Outcome {
        if plans.iter().any(|plan| kept::shown(plan).next().is_some()) {
            self.trust = context.trust()?;
        }
        plans.iter().try_for_each(|plan| self.judge_kept_of(plan))
    }

    fn judge_kept_of(&mut self, plan: &Plan) -> Outcome {
        kept::judge(plan, &self.trust)?;
        for text in kept::untimely(plan) {
            if self.told.insert(text.clone()) {
                output::warn(&text);
            }
        }
        Ok(())
    }

    /// Writes to the audit log which kept certificates a plan is about to show, before a connection is made.
    pub(super) fn record_kept(&mut self, plan: &Plan) -> Outcome {
        let Some(vault) = self.vault.as_ref().filter(|_| self.audit) else { return Ok(()) };
        for (kept, destination) in kept::shown(plan) {
            let origin = &destination.origin;
            if self.recorded_certificates.insert((kept.id.clone(), origin.clone())) {
                record::certificate_shown(vault, &kept.id, origin)?;
            }
        }
        Ok(())
    }

    /// Stores values of an answer in one change. A new secret may go to where it came from; of one that is there the
    /// rules stay as they are.
    pub(super) fn store_captured(&mut self, values: Vec<(Name, SecretValue)>, origin: &Origin) -> Outcome {
        let Some(vault) = &mut self.vault else { return Ok(()) };
        let mut stored = Vec::with_capacity(values.len());
        for (name, value) in values {
            let name = match &self.given_profile {
                Some(profile) => {
                    name.in_profile(profile).map_err(|error| Failure::usage(error.to_string()))?
                }
                None => name,
            };
            stored.push((vault.find(&name)?.is_none(), name, value));
        }
        vault.change(|change| {
            for (is_new, name, value) in &stored {
                change.set(name, Some(value))?;
                if *is_new {
                    let rule = HostRule::exactly(origin);
                    change.update(name, |_, policy| policy.access = Access::Restricted(vec![rule]))?;
                }
            }
            Ok(())
        })?;
        for (_, name, value) in stored {
            output::done(&format!("stored {name}"));
            self.captured.push((name, value));
        }
        Ok(())
    }

    /// What masks the values of requests and those that were captured.
    pub(super) fn redactor(&self, found: &Found) -> Redactor {
        let looked_up = found.0.iter().map(|(name, resolved)| (name.clone(), resolved.value.as_ref()));
        Redactor::new(looked_up.chain(self.captured.iter().map(|(name, value)| (name.clone(), value))))
    }

    pub(super) fn captured_count(&self) -> usize {
        self.captured.len()
    }

    /// The value of a secret that this machine alone is shown, such as the passphrase of a file: no host gets it, so
    /// that rules for hosts do not matter. The use is recorded.
    pub(super) fn local(&mut self, context: &Context, name: &Name) -> Outcome<SecretValue> {
        let audit = self.audit;
        let vault = self.open(context)?;
        let found =
            lookup::require(context, vault, name).map_err(|failure| failure.with_exit(Exit::UNRESOLVED))?;
        let refused = |why: &str| Failure::new(Exit::UNRESOLVED, format!("{name} {why}; nothing was sent"));
        let word = crate::fault::quoted(name.as_str());
        if !found.policy.enabled {
            return Err(refused("is disabled").hint(format!("subrosa enable {word}")));
        }
        let value = vault.value(&found)?;
        let value = value.ok_or_else(|| refused("has no value yet").hint(format!("subrosa set {word}")))?;
        if audit {
            record::shown(vault, &found.metadata.name)?;
        }
        Ok(value)
    }

    /// Judges every use of every request, asks what only the user can answer, and looks the values up.
    /// Nothing has been sent when this fails.
    pub(super) fn resolve(&mut self, context: &Context, plans: &[Plan], keep: bool) -> Outcome<Found> {
        let malformed: Vec<Unresolved> = plans.iter().flat_map(malformed).collect();
        let uses: Vec<Use> = plans.iter().flat_map(uses).collect();
        self.refuse_unused(&uses)?;
        if uses.is_empty() {
            return if malformed.is_empty() { Ok(Found::default()) } else { Err(self.refused(malformed)) };
        }
        self.trust = context.trust()?;
        self.attended = context.terminal()?.is_some();
        self.profile = context.profile()?;
        let mut vault = match self.vault.take() {
            Some(vault) => vault,
            None => unlock::open(context).map_err(|failure| unopened(failure, &uses))?,
        };
        let source = Sources::new(&vault, &self.fetch);
        let resolver = Resolver::new(&source, self.profile.clone(), &self.trust, &self.overrides);
        let mut verdicts = resolver.judge(&uses).map_err(unreadable)?;
        let wishes = ask(context, &mut verdicts, &malformed)?;
        let mut unresolved = malformed;
        let found = match verdicts.values() {
            Ok(found) if unresolved.is_empty() => Found(found),
            Ok(_) => return Err(self.refused(unresolved)),
            Err(more) => {
                unresolved.extend(more);
                return Err(self.refused(unresolved));
            }
        };
        self.answered.extend(wishes.iter().map(|(question, _)| (question.clone(), Answer::Yes)));
        let kept = self.overrides.names().filter(|name| keep && !self.literals.contains(*name));
        let kept = kept.filter_map(|name| Some((name, self.overrides.value(name)?.as_ref()))).collect();
        store(&mut vault, &wishes, kept)?;
        self.vault = Some(vault);
        Ok(found)
    }

    /// The same for one hop of a redirect: the rules are judged anew, and nothing more is asked.
    pub(super) fn resolve_hop(&mut self, plan: &Plan) -> Outcome<Found> {
        self.judge_kept_of(plan)?;
        let uses: Vec<Use> = uses(plan).collect();
        let Some(vault) = self.vault.as_ref().filter(|_| !uses.is_empty()) else {
            return Ok(Found::default());
        };
        let source = Sources::new(vault, &self.fetch);
        let resolver = Resolver::new(&source, self.profile.clone(), &self.trust, &self.overrides);
        let mut verdicts = resolver.judge(&uses).map_err(unreadable)?;
        for question in verdicts.questions().to_vec() {
            let known = |(asked, _): &&(Question, Answer)| {
                asked.secret == question.secret
                    && asked.origin == question.origin
                    && asked.placements.is_superset(&question.placements)
            };
            if let Some((_, answer)) = self.answered.iter().find(known) {
                verdicts.answer(&question, *answer);
            }
        }
        verdicts.values().map(Found).map_err(|unresolved| self.refused(unresolved))
    }

    /// Writes to the audit log what is about to leave, before it does: once for each secret and destination.
    pub(super) fn record(&mut self, found: &Found, plan: &Plan) -> Outcome {
        let Some(vault) = self.vault.as_ref().filter(|_| self.audit) else { return Ok(()) };
        let mut new: BTreeMap<Origin, BTreeSet<Name>> = BTreeMap::new();
        for used in plan.uses() {
            let Some(resolved) = found.0.get(&used.name) else { continue };
            let (secret, origin) = (resolved.secret.clone(), used.destination.origin.clone());
            if !self.recorded.contains(&(secret.clone(), origin.clone())) {
                new.entry(origin).or_default().insert(secret);
            }
        }
        for (origin, secrets) in new {
            record::sent(vault, &secrets, &origin)?;
            self.recorded.extend(secrets.into_iter().map(|secret| (secret, origin.clone())));
        }
        Ok(())
    }

    /// A server refused what it was sent: what was looked up for it is not used again.
    pub(super) fn refused_by_server(&self, found: &Found, plan: &Plan) {
        let Some(vault) = &self.vault else { return };
        let used = plan.uses().iter().filter_map(|used| found.0.get(&used.name));
        let names: Vec<Name> = used.map(|resolved| resolved.secret.clone()).collect();
        // a vault that cannot be read any more gives no cached value either
        let entries = vault.find_many(&names).unwrap_or_default();
        let links: Vec<&Link> = entries.iter().flatten().filter_map(|entry| entry.link.as_ref()).collect();
        if !links.is_empty() {
            self.fetch.reject(vault, &links);
        }
    }

    /// A value for a name that no request uses was meant for something else.
    fn refuse_unused(&self, uses: &[Use]) -> Outcome {
        match self.overrides.names().find(|name| !uses.iter().any(|wanted| wanted.name == **name)) {
            Some(name) => Err(Failure::usage(format!("--with {name}: the request does not refer to it"))),
            None => Ok(()),
        }
    }

    /// One error for everything that keeps the requests from being sent.
    fn refused(&self, unresolved: Vec<Unresolved>) -> Failure {
        let is_damage = |one: &Unresolved| matches!(one.reason, Reason::Provider(ErrorKind::Damaged, _));
        let exit = if unresolved.iter().any(is_damage) { Exit::DAMAGED } else { Exit::UNRESOLVED };
        let failure = match unresolved.as_slice() {
            [one] => Failure::new(exit, format!("{one}; nothing was sent")),
            all => {
                let text = format!("{} references are unresolved; nothing was sent", all.len());
                all.iter().fold(Failure::new(exit, text), |failure, one| failure.detail(one.to_string()))
            }
        };
        hints(&unresolved, self.attended).into_iter().fold(failure, Failure::hint)
    }
}

pub(super) fn uses(plan: &Plan) -> impl Iterator<Item = Use> {
    plan.uses().iter().map(|used| Use {
        name: used.name.clone(),
        placement: used.placement,
        place: used.place.clone(),
        destination: used.destination.clone(),
    })
}

pub(super) fn malformed(plan: &Plan) -> Vec<Unresolved> {
    let one = |fault: &subrosa_http::MalformedUse| Unresolved {
        reference: "a reference".to_owned(),
        place: fault.place.clone(),
        reason: Reason::Malformed(fault.fault.to_string()),
        hint: Some("--no-refs sends text as it is".to_owned()),
    };
    plan.malformed().iter().map(one).collect()
}

/// Asks all open questions before anything is sent. Returns those that were answered with yes, and whether for ever.
fn ask(
    context: &Context,
    verdicts: &mut Verdicts<'_, Sources<'_>, Entry>,
    malformed: &[Unresolved],
) -> Outcome<Vec<(Question, bool)>> {
    let mut wishes = Vec::new();
    // no use in asking when the answer cannot help
    if verdicts.questions().is_empty() || !verdicts.unresolved().is_empty() || !malformed.is_empty() {
        return Ok(wishes);
    }
    let Some(mut terminal) = context.terminal()? else { return Ok(wishes) };
    for question in verdicts.questions().to_vec() {
        let places: Vec<String> = question.placements.iter().map(ToString::to_string).collect();
        let text = format!("send {} to {} ({})?", question.secret, question.origin, places.join(", "));
        match terminal.choose(&format!("{text} [t]his time, [a]lways, [n]o:"), &['t', 'a', 'n'])? {
            'n' => verdicts.answer(&question, Answer::No),
            letter => {
                verdicts.answer(&question, Answer::Yes);
                wishes.push((question, letter == 'a'));
            }
        }
    }
    Ok(wishes)
}

/// Stores in one change what the user wants kept: rules for "always", and the values of `--with --keep`.
fn store(vault: &mut Vault, wishes: &[(Question, bool)], kept: Vec<(&Name, &SecretValue)>) -> Outcome {
    let always: Vec<&Question> =
        wishes.iter().filter(|(_, always)| *always).map(|(question, _)| question).collect();
    if always.is_empty() && kept.is_empty() {
        return Ok(());
    }
    vault.change(|change| {
        for (name, value) in &kept {
            change.set(name, Some(*value))?;
        }
        for question in &always {
            let rule = HostRule::exactly(&question.origin).limited_to(question.placements.iter().copied());
            change.update(&question.secret, |_, policy| match &mut policy.access {
                Access::Restricted(rules) => rules.push(rule),
                access => *access = Access::Restricted(vec![rule]),
            })?;
        }
        Ok(())
    })?;
    Ok(())
}

pub(super) fn unreadable(error: subrosa_provider::ProviderError) -> Failure {
    let (exit, hint) = match error.kind() {
        ErrorKind::Damaged => (Exit::DAMAGED, "subrosa verify"),
        ErrorKind::Locked => (Exit::LOCKED, "subrosa doctor"),
        _ => (Exit::GENERAL, "subrosa doctor"),
    };
    Failure::new(exit, format!("{error}; nothing was sent")).hint(hint)
}

/// Why the vault does not open, and what it was needed for.
fn unopened(failure: Failure, uses: &[Use]) -> Failure {
    let mut places: Vec<String> = Vec::new();
    for wanted in uses {
        let place = format!("<<vault:{}>> in {}", wanted.name, wanted.place);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places.into_iter().fold(failure.adding("; nothing was sent"), Failure::detail)
}

/// What mends them, each thing once; rules that are missing with one line for all.
///
/// A rule lets a secret go where it could not go before. A person who was asked to trust a host can judge that; where
/// nobody is, the line may be read by a program that runs whatever it is told to, at the word of somebody who would like
/// to have the secret. So there the condition comes first, and the line is no command as it stands.
fn hints(unresolved: &[Unresolved], attended: bool) -> Vec<String> {
    let (mut rules, mut others) = (Vec::new(), Vec::new());
    let (mut hosts, mut references) = (Vec::new(), Vec::new());
    for one in unresolved {
        let Some(hint) = one.hint.clone() else { continue };
        match one.reason.widens() {
            Some(origin) => {
                once(&mut rules, hint);
                once(&mut hosts, origin.to_string());
                once(&mut references, one.reference.clone());
            }
            None => once(&mut others, hint),
        }
    }
    let rules = rules.join(" && ");
    if !rules.is_empty() && attended {
        others.push(rules);
    } else if !rules.is_empty() {
        let (hosts, references) = (hosts.join(" and "), references.join(" and "));
        others.push(format!("if you trust {hosts} with {references}: {rules}"));
    }
    others
}

fn once(list: &mut Vec<String>, text: String) {
    if !list.contains(&text) {
        list.push(text);
    }
}
