//! What is asked before an import is stored: names that are taken, links, rules that are wider, hosts that are suggested.

use super::flags::{Flags, OnConflict};
use super::links;
use super::plan::Plan;
use super::planned::{Fate, Planned};
use crate::commands::SHOWN;
use crate::context::Context;
use crate::failure::{Failure, Outcome, visible};
use crate::fault::quoted;
use crate::terminal::Terminal;
use crate::{output, report};

pub(super) fn ask(context: &Context, plan: &mut Plan, flags: &Flags) -> Outcome {
    decide(plan, flags.on_conflict);
    let mut terminal = context.terminal()?;
    conflicts(plan, terminal.as_mut())?;
    links::agree(plan, flags, terminal.as_mut())?;
    rules(plan, flags, terminal.as_mut())?;
    suggestions(plan, flags, terminal.as_mut())
}

/// Decides all conflicts alike.
pub(super) fn decide(plan: &mut Plan, how: Option<OnConflict>) {
    if let Some(how) = how {
        plan.with(Fate::Undecided).into_iter().for_each(|number| plan.decide(number, Fate::of(how)));
    }
}

fn conflicts(plan: &mut Plan, terminal: Option<&mut Terminal>) -> Outcome {
    let numbers = plan.with(Fate::Undecided);
    let told = |number: &usize| {
        let it = plan.one(*number);
        let here = if it.old_link.is_some() { "; linked in the vault" } else { "" };
        let there = if it.described.is_some() { "; linked in the file" } else { "" };
        format!("{}  ({}{here}{there})", it.secret.name, it.place)
    };
    let names: Vec<String> = numbers.iter().map(told).collect();
    if names.is_empty() {
        return Ok(());
    }
    let what = match names.len() {
        1 => String::from("a name is taken by a secret that differs"),
        number => format!("{number} names are taken by secrets that differ"),
    };
    let Some(terminal) = terminal else {
        let failure = Failure::general(format!("{what}; nothing was imported"));
        let failure = names.iter().take(SHOWN).fold(failure, |failure, line| failure.detail(line));
        return Err(more(failure, names.len())
            .hint("--on-conflict replace, --on-conflict keep-both or --on-conflict skip")
            .hint("--dry-run shows what would happen"));
    };
    list(terminal, &format!("{what}:"), &names)?;
    match terminal.choose("[r]eplace, [k]eep both, [s]kip, [o]ne by one:", &['r', 'k', 's', 'o'])? {
        'o' => {
            for number in numbers {
                let question = format!("{}: [r]eplace, [k]eep both, [s]kip:", plan.one(number).secret.name);
                plan.decide(number, Fate::of(how(terminal.choose(&question, &['r', 'k', 's'])?)));
            }
        }
        letter => decide(plan, Some(how(letter))),
    }
    Ok(())
}

fn how(letter: char) -> OnConflict {
    match letter {
        'r' => OnConflict::Replace,
        'k' => OnConflict::KeepBoth,
        _ => OnConflict::Skip,
    }
}

/// A secret of the vault goes no further than before unless somebody says so.
fn rules(plan: &mut Plan, flags: &Flags, terminal: Option<&mut Terminal>) -> Outcome {
    let wider = plan.wider();
    if wider.is_empty() {
        return Ok(());
    }
    if flags.accept_hosts {
        wider.into_iter().for_each(|number| plan.widen(number));
        return Ok(());
    }
    let lines: Vec<String> = wider.iter().filter_map(|number| difference(&plan.one(*number))).collect();
    let what = "rules of the file that let a secret of the vault go further than now";
    let Some(terminal) = terminal else {
        output::note(&format!("{what} were not taken, for {}:", output::count(lines.len() as u64, "secret")));
        lines.iter().take(SHOWN).for_each(|line| output::note(line));
        output::hint("--accept-hosts takes them");
        return Ok(());
    };
    list(terminal, &format!("{what}:"), &lines)?;
    match terminal.choose("[t]ake them, [l]eave the vault's, [o]ne by one:", &['t', 'l', 'o'])? {
        't' => wider.into_iter().for_each(|number| plan.widen(number)),
        'o' => {
            for (number, line) in wider.into_iter().zip(&lines) {
                if terminal.choose(&format!("{line}? [y/n]"), &['y', 'n'])? == 'y' {
                    plan.widen(number);
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// `name: api.example.com -> anywhere`
fn difference(planned: &Planned) -> Option<String> {
    let (now, then) = (&planned.secret.policy, planned.wider.as_ref()?);
    let word = |policy: &subrosa_secret::Policy| {
        let mut words = vec![report::hosts(&policy.access)];
        words.extend(policy.send_only.then(|| String::from("send-only")));
        words.extend((!policy.enabled).then(|| String::from("disabled")));
        words.join(", ")
    };
    Some(format!("{}: {} -> {}", planned.secret.name, word(now), word(then)))
}

fn suggestions(plan: &mut Plan, flags: &Flags, terminal: Option<&mut Terminal>) -> Outcome {
    let numbers = plan.suggesting();
    if numbers.is_empty() {
        return Ok(());
    }
    if flags.accept_hosts {
        plan.accept_all();
        return Ok(());
    }
    let Some(terminal) = terminal else {
        output::note("the file suggests hosts; they were not taken:");
        let command = |planned: Planned| {
            let rules: Vec<String> = planned.proposed.iter().map(|rule| quoted(&rule.to_string())).collect();
            format!("subrosa allow {} {}", quoted(planned.secret.name.as_str()), rules.join(" "))
        };
        numbers.iter().take(SHOWN).for_each(|number| output::hint(&command(plan.one(*number))));
        return Ok(());
    };
    let lines: Vec<String> = numbers.iter().map(|number| suggestion(&plan.one(*number))).collect();
    list(terminal, "the file suggests where secrets may go:", &lines)?;
    match terminal.choose("[t]ake all, [l]eave all, [o]ne by one:", &['t', 'l', 'o'])? {
        't' => plan.accept_all(),
        'o' => {
            for number in numbers {
                let planned = plan.one(number);
                for rule in planned.proposed {
                    let question = format!("{} may go to {rule}? [y/n]", planned.secret.name);
                    if terminal.choose(&question, &['y', 'n'])? == 'y' {
                        plan.accept(number, rule);
                    }
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn suggestion(planned: &Planned) -> String {
    let rules: Vec<String> = planned.proposed.iter().map(ToString::to_string).collect();
    format!("{}: {}", planned.secret.name, rules.join(", "))
}

pub(super) fn list(terminal: &mut Terminal, heading: &str, lines: &[String]) -> Outcome {
    terminal.say(heading)?;
    for line in lines.iter().take(SHOWN) {
        terminal.say(&format!("  {}", visible(line)))?;
    }
    match lines.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        rest => terminal.say(&format!("  and {rest} more")),
    }
}

pub(super) fn more(failure: Failure, number: usize) -> Failure {
    match number.saturating_sub(SHOWN) {
        0 => failure,
        rest => failure.detail(format!("and {rest} more")),
    }
}
