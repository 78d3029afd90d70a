//! What an import did, or would do.

use super::flags::Flags;
use super::links;
use super::plan::Plan;
use super::planned::{Fate, Planned};
use crate::context::Context;
use crate::external::Routes;
use crate::failure::Outcome;
use crate::output::{self, Style};
use crate::report::hosts;
use crate::table::{Cell, Table};
use serde::Serialize;

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    dry_run: bool,
    /// how many secrets came to each end
    counts: Counts,
    secrets: Vec<Secret>,
}

#[derive(Default, Serialize)]
struct Counts {
    new: u64,
    replaced: u64,
    kept_both: u64,
    unchanged: u64,
    /// the same value, and hosts that were suggested
    allowed: u64,
    skipped: u64,
    /// in a dry run, what would be asked
    conflicts: u64,
}

#[derive(Serialize)]
struct Secret {
    name: String,
    fate: &'static str,
    /// why nothing happened, `null` where something does
    why: Option<&'static str>,
    place: String,
    hosts: String,
    /// hosts that the file suggests and that were not taken
    suggested: Vec<String>,
    /// where the file says that the value is kept, `CONNECTION:TARGET`; `null` where it is the file
    link: Option<String>,
}

impl Fate {
    /// As it stands in JSON and in the table; `will` before it happens.
    fn word(self) -> &'static str {
        match self {
            Fate::New => "new",
            Fate::Unchanged => "unchanged",
            Fate::Allowed => "allowed",
            Fate::Undecided => "conflict",
            Fate::Replace => "replaced",
            Fate::KeepBoth => "kept_both",
            Fate::Skip | Fate::Valueless | Fate::Unlinked => "skipped",
        }
    }

    fn why(self) -> Option<&'static str> {
        match self {
            Fate::Unchanged => Some("the vault has it already"),
            Fate::Skip => Some("the name is taken"),
            Fate::Valueless => Some("the file has no value for it, and the vault has one"),
            Fate::Unlinked => Some("it is linked in the file"),
            _ => None,
        }
    }

    fn style(self) -> Style {
        match self {
            Fate::New | Fate::Replace | Fate::KeepBoth | Fate::Allowed => Style::Good,
            Fate::Unchanged => Style::Faint,
            Fate::Undecided | Fate::Skip | Fate::Valueless | Fate::Unlinked => Style::Bad,
        }
    }
}

impl Counts {
    fn of(plan: &Plan) -> Counts {
        let mut counts = Counts::default();
        for (fate, number) in plan.fates() {
            let those = match fate {
                Fate::New => &mut counts.new,
                Fate::Unchanged => &mut counts.unchanged,
                Fate::Allowed => &mut counts.allowed,
                Fate::Undecided => &mut counts.conflicts,
                Fate::Replace => &mut counts.replaced,
                Fate::KeepBoth => &mut counts.kept_both,
                Fate::Skip | Fate::Valueless | Fate::Unlinked => &mut counts.skipped,
            };
            *those += number as u64;
        }
        counts
    }

    /// `3 new, 1 replaced`: what there is of.
    fn line(&self) -> String {
        let counts = [
            (self.new, "new"),
            (self.replaced, "replaced"),
            (self.kept_both, "kept both"),
            (self.unchanged, "unchanged"),
            (self.allowed, "with new hosts"),
            (self.skipped, "skipped"),
            (self.conflicts, "to be decided"),
        ];
        let told: Vec<String> = counts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{number} {word}"))
            .collect();
        if told.is_empty() { String::from("no secrets in it") } else { told.join(", ") }
    }
}

impl Secret {
    fn of(planned: &Planned, routes: &Routes) -> Self {
        Self {
            link: planned.described.as_deref().map(|described| links::shown(described, routes)),
            name: planned.secret.name.to_string(),
            fate: planned.fate.word(),
            why: planned.fate.why(),
            place: planned.place.to_string(),
            hosts: hosts(&planned.secret.policy.access),
            suggested: planned.proposed.iter().map(ToString::to_string).collect(),
        }
    }
}

pub(super) fn show(context: &Context, plan: &Plan, flags: &Flags) -> Outcome {
    let counts = Counts::of(plan);
    if flags.json {
        let mut secrets = Vec::new();
        plan.each(|planned| secrets.push(Secret::of(planned, &plan.routes)));
        let report = Report { schema: "import/1", dry_run: flags.dry_run, counts, secrets };
        return context.output.json(&report);
    }
    if flags.dry_run {
        context.output.table(&table(plan))?;
        output::note(&format!("a dry run, nothing was changed: {}", counts.line()));
        return Ok(());
    }
    context.output.line(&counts.line())?;
    for why in [Fate::Skip, Fate::Valueless, Fate::Unlinked] {
        let numbers = plan.with(why);
        if let Some(reason) = why.why().filter(|_| !numbers.is_empty()) {
            let names =
                numbers.iter().take(super::super::SHOWN).map(|it| plan.one(*it).secret.name.to_string());
            let shown = names.collect::<Vec<_>>().join(", ");
            let rest = numbers.len().saturating_sub(super::super::SHOWN);
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            output::note(&format!("skipped {shown}{more}: {reason}"));
        }
    }
    Ok(())
}

fn table(plan: &Plan) -> Table {
    let mut table = Table::new(&["NAME", "WHAT", "HOSTS", "SUGGESTED", "LINK", "WHERE"]);
    plan.each(|planned| {
        let secret = Secret::of(planned, &plan.routes);
        table.row([
            secret.name.into(),
            Cell::styled(secret.fate, planned.fate.style()),
            secret.hosts.into(),
            secret.suggested.join(", ").into(),
            secret.link.unwrap_or_default().into(),
            Cell::styled(secret.place, Style::Faint),
        ]);
    });
    table
}
