//! `subrosa link --browse`: choose from what an external vault offers.

use crate::context::Context;
use crate::external::{Connection, Connections, Entrance, Target, failed, of_connection};
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::{lookup, output, terminal};
use inquire::ui::RenderConfig;
use inquire::{InquireError, MultiSelect};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use subrosa_provider::{ErrorKind, Offer, Offers, ProviderError};
use subrosa_secret::Name;
use subrosa_vault::Vault;

/// More is not read from a list by anybody: `--search` narrows it.
const MOST: usize = 1_000;
/// Lines of the list that are seen at the same time, where the terminal is high enough.
const PAGE: usize = 15;
/// Lines beside them: the question, the help, and what wraps.
const BESIDE: usize = 5;

/// What is offered, as it stands in the list.
struct Choice {
    offer: Offer,
    /// the secret that is linked to it already
    linked: Option<Name>,
}

impl fmt::Display for Choice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offer: Offer { target, about }, linked } = self;
        formatter.write_str(target)?;
        if !about.is_empty() {
            write!(formatter, "  {about}")?;
        }
        match linked {
            Some(name) => write!(formatter, "  (is {name})"),
            None => Ok(()),
        }
    }
}

/// What is to be linked, by names that a person gave. Where there is nobody to choose, the offers are written to standard output as
/// `link --bulk` reads them, and nothing is.
pub(super) fn chosen<'c>(
    context: &Context,
    vault: &Vault,
    connections: &'c Connections,
    (name, search): (&str, &str),
) -> Outcome<Vec<(Name, Target<'c>)>> {
    let connection = connections.require(name)?;
    let offers = offers(vault, connection, search).map_err(|error| explained(name, error))?;
    if offers.found.is_empty() {
        let text = match search {
            "" => format!("{name} offers nothing that could be linked"),
            search => format!("{name} offers nothing with {search:?} in it"),
        };
        return Err(Failure::general(text));
    }
    if offers.more {
        output::note(&format!("{name} holds more than is shown; --search TEXT narrows it"));
    }
    let mut taken: BTreeSet<Name> = BTreeSet::new();
    let mut linked = BTreeMap::new();
    for entry in vault.list()? {
        taken.insert(entry.metadata.name.clone());
        if let Some(link) =
            entry.link.filter(|link| Some(link.connection) == connection.place.map(|place| place.id))
        {
            linked.insert(link.target, entry.metadata.name);
        }
    }
    let is_asked = context.output.is_terminal() && terminal::stdin_is_terminal();
    if !is_asked {
        for offer in offers.found.iter().filter(|offer| !linked.contains_key(&offer.target)) {
            let suggested = suggested(&offer.target, &taken);
            context.output.line(&format!("{suggested} = {name}:{}", offer.target))?;
            taken.insert(suggested);
        }
        return Ok(Vec::new());
    }
    let choices = offers.found.into_iter().map(|offer| {
        let linked = linked.get(&offer.target).cloned();
        Choice { offer, linked }
    });
    let picked = pick(context, name, choices.collect())?;
    named(context, connection, picked, &mut taken)
}

fn offers(vault: &Vault, connection: &Connection, search: &str) -> Result<Offers, ProviderError> {
    connection.system()?;
    let entrance = Entrance::to(vault, connection)?;
    entrance.visit(vault, connection, None, |external| external.offers(search, MOST))
}

fn explained(name: &str, error: ProviderError) -> Failure {
    let error = match error.kind() {
        ErrorKind::Unsupported => error.hint_at(format!("subrosa link NAME {}:TARGET", quoted(name))),
        _ => error,
    };
    failed(&of_connection(name, &error))
}

fn pick(context: &Context, name: &str, choices: Vec<Choice>) -> Outcome<Vec<Choice>> {
    let style =
        if context.output.colored() { RenderConfig::default_colored() } else { RenderConfig::empty() };
    let list = MultiSelect::new(&format!("What of {name} is to be linked?"), choices)
        .with_render_config(style)
        .with_page_size(PAGE.min(terminal::height().saturating_sub(BESIDE)).max(3))
        .with_help_message("type to search, space to choose, enter to go on, escape to leave")
        .prompt();
    match list {
        Ok(picked) if picked.is_empty() => Err(Failure::general("nothing was chosen; nothing was linked")),
        Ok(picked) => Ok(picked),
        Err(InquireError::OperationCanceled) => Err(Failure::general("nothing was linked")),
        Err(InquireError::OperationInterrupted) => Err(Failure::interrupted()),
        Err(error) => Err(Failure::general(format!("cannot talk to the terminal: {error}"))),
    }
}

/// Asks for the name of each; enter takes the one that is suggested.
fn named<'c>(
    context: &Context,
    connection: &'c Connection,
    picked: Vec<Choice>,
    taken: &mut BTreeSet<Name>,
) -> Outcome<Vec<(Name, Target<'c>)>> {
    let Some(mut terminal) = context.terminal()? else {
        return Err(Failure::usage("no terminal to ask for names on"));
    };
    let mut wanted = Vec::new();
    for Choice { offer, .. } in picked {
        let suggested = suggested(&offer.target, taken);
        let name = loop {
            let answer = terminal.ask(&format!("name for {} [{suggested}]:", offer.target))?;
            if answer.is_empty() {
                break suggested.clone();
            }
            match lookup::name(&answer) {
                Ok(name) if taken.contains(&name) => {
                    terminal.say(&format!("there is a secret named {name} already"))?
                }
                Ok(name) => break name,
                Err(failure) => terminal.say(failure.message())?,
            }
        };
        taken.insert(name.clone());
        wanted.push((name, Target { connection, text: offer.target }));
    }
    Ok(wanted)
}

/// A name that is free, from the end of a target: `secret/stripe#api-key` is `stripe-api-key`.
fn suggested(target: &str, taken: &BTreeSet<Name>) -> Name {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let words: Vec<&str> = target
        .split(|letter| !is_plain(letter) && letter != ' ')
        .map(|word| word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric()))
        .filter(|word| !word.is_empty() && !["secret", "secrets"].contains(word))
        .collect();
    let last = &words[words.len().saturating_sub(2)..];
    let base = last.join("-").replace(' ', "-");
    let base = if base.is_empty() { String::from("linked") } else { base };
    (1..)
        .map(|number| if number == 1 { base.clone() } else { format!("{base}-{number}") })
        .find_map(|text| Name::parse(&text).ok().filter(|name| !taken.contains(name)))
        .unwrap_or_else(|| unreachable!("one of the numbers is free"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_end_of_a_target() {
        let mut taken = BTreeSet::new();
        for (target, expected) in [
            ("secret/stripe#api-key", "stripe-api-key"),
            ("db/password", "db-password"),
            ("db/password", "db-password-2"),
            ("token", "token"),
            ("op://Private/My Login/pass word", "My-Login-pass-word"),
            ("https://kv.vault.azure.net/secrets/stripe", "kv.vault.azure.net-stripe"),
            ("///", "linked"),
            ("..data/x", "data-x"),
        ] {
            let name = suggested(target, &taken);
            assert_eq!(name.as_str(), expected, "{target}");
            taken.insert(name);
        }
    }
}
