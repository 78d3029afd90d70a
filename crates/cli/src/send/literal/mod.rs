//! `--vault-literal NAME=PLACE`: a literal of the command line becomes a secret, and the command is shown with the
//! reference in its place.
//!
//! The literal is taken out before anything is planned, so that the very same request goes through the reference: it is
//! judged, filled in and recorded like any other. It is stored when nothing stands in the way of the request any more.

mod command;
mod place;

use super::command_line::CommandLine;
use super::secrets::Secrets;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::{lookup, output};
use place::Place;
pub(super) use place::{Role, parse};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use subrosa_http::Plan;
use subrosa_secret::{Access, HostRule, Name, Origin, Placement, SecretValue};

/// What was taken out of a command line.
#[derive(Default)]
pub(super) struct Literals {
    values: Vec<(Name, SecretValue)>,
    names: Vec<Name>,
    /// The command with references, as a shell takes it.
    command: String,
}

impl Literals {
    /// Takes them out of the operations, which hold references then.
    pub(super) fn take(line: &mut CommandLine, words: &[OsString]) -> Outcome<Self> {
        let mut taken = Self::default();
        let mut edits = Vec::new();
        for text in line.literals.clone() {
            let wrong =
                |why: String| Failure::usage(format!("--vault-literal {text}: {why}; nothing was sent"));
            let (name, place) = parse(&text).map_err(wrong)?;
            let (value, edit) = take_one(line, &name, &place).map_err(wrong)?;
            match taken.values.iter().find(|(known, _)| *known == name) {
                Some((_, known)) if known.expose_secret() != value.expose_secret() => {
                    return Err(wrong(format!("another literal is to be {name} already")));
                }
                Some(_) => {}
                None => {
                    taken.names.push(name.clone());
                    taken.values.push((name, value));
                }
            }
            edits.push(edit);
        }
        if !edits.is_empty() {
            let values = taken.values.iter().map(|(_, value)| value.expose_secret());
            taken.command = command::rewritten(words, &edits, &line.literals, values).ok_or_else(|| {
                Failure::usage(
                    "--vault-literal: the literal stands on the command line a second time; nothing was sent",
                )
                .hint("name that place as well, with the same NAME")
            })?;
        }
        Ok(taken)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Hands the values over to whoever fills requests.
    pub(super) fn values(&mut self) -> Vec<(Name, SecretValue)> {
        std::mem::take(&mut self.values)
    }

    /// A secret that is there may be another one: it is neither replaced nor taken for the literal.
    pub(super) fn check(&self, context: &Context, secrets: &mut Secrets) -> Outcome {
        if self.is_empty() {
            return Ok(());
        }
        let vault = secrets.open(context)?;
        for name in &self.names {
            let stored = stored_name(context, name)?;
            if vault.find(&stored)?.is_some() || lookup::find(context, vault, name)?.is_some() {
                let text = format!(
                    "--vault-literal {name}: there is a secret of that name already; nothing was sent"
                );
                return Err(Failure::general(text).hint(format!(
                    "choose another name, or write <<vault:{name}>> in place of the literal"
                )));
            }
        }
        Ok(())
    }

    /// Stores them, each for just the origins and the parts of the requests in which they are about to be sent, and
    /// shows the command.
    pub(super) fn store(&self, context: &Context, secrets: &mut Secrets, plans: &[Plan]) -> Outcome {
        if self.is_empty() {
            return Ok(());
        }
        let mut stored = Vec::with_capacity(self.names.len());
        for name in &self.names {
            stored.push((stored_name(context, name)?, secrets.given(name), rules_for(name, plans)));
        }
        secrets.open(context)?.change(|change| {
            for (name, value, rules) in &stored {
                change.set(name, value.as_deref())?;
                change.update(name, |_, policy| policy.access = Access::Restricted(rules.clone()))?;
            }
            Ok(())
        })?;
        for (name, _, rules) in &stored {
            let rules: Vec<String> = rules.iter().map(ToString::to_string).collect();
            output::note(&format!("stored {name}, for {}", rules.join(", ")));
        }
        output::hint_lines(&self.command);
        output::warn(
            "the literal is still in the history of your shell, and wherever this command came from",
        );
        let words: Vec<String> = stored.iter().map(|(name, ..)| quoted(name.as_str())).collect();
        output::hint(&format!("take it out there, or make a new one: subrosa set {}", words.join(" ")));
        Ok(())
    }
}

/// With `--profile` the secret is the profile's own.
fn stored_name(context: &Context, name: &Name) -> Outcome<Name> {
    match context.given_profile() {
        Some(profile) => name.in_profile(profile).map_err(|error| Failure::usage(error.to_string())),
        None => Ok(name.clone()),
    }
}

fn rules_for(name: &Name, plans: &[Plan]) -> Vec<HostRule> {
    let mut places: BTreeMap<&Origin, BTreeSet<Placement>> = BTreeMap::new();
    for used in plans.iter().flat_map(Plan::uses).filter(|used| used.name == *name) {
        places.entry(&used.destination.origin).or_default().insert(used.placement);
    }
    places.into_iter().map(|(origin, places)| HostRule::exactly(origin).limited_to(places)).collect()
}

/// A text of the command line, before and after.
struct Edit {
    before: OsString,
    after: OsString,
}

/// Puts a reference in the place of the only literal that stands there.
fn take_one(line: &mut CommandLine, name: &Name, place: &Place) -> Result<(SecretValue, Edit), String> {
    let mut found = Vec::new();
    for operation in line.operations_mut() {
        if operation.no_refs {
            return Err(String::from("--no-refs sends references as text"));
        }
        for (role, text) in operation.texts_mut() {
            let spans = text.to_str().map(|written| place.find(role, written)).unwrap_or_default();
            found.extend((!spans.is_empty()).then_some((role, text, spans)));
        }
    }
    let count: usize = found.iter().map(|(_, _, spans)| spans.len()).sum();
    let Some((role, text, spans)) = found.pop().filter(|_| count == 1) else {
        return Err(match count {
            0 => place.missing(),
            _ => String::from("it stands there more than once"),
        });
    };
    let written = text.to_string_lossy().into_owned();
    let (Some(span), before) = (spans.first().cloned(), text.clone()) else { return Err(place.missing()) };
    let value = role.value(&written[span.clone()])?;
    *text = format!("{}<<vault:{name}>>{}", &written[..span.start], &written[span.end..]).into();
    Ok((value, Edit { before, after: text.clone() }))
}
