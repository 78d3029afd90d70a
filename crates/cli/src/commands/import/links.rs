//! Links of a file: taken only by whoever agrees, since they say where a value is fetched from.

use super::flags::Flags;
use super::plan::Plan;
use super::planned::{Fate, Planned};
use super::questions::{list, more};
use crate::commands::SHOWN;
use crate::external::{Route, Routes};
use crate::failure::{Failure, Outcome, visible};
use crate::fault::quoted;
use crate::terminal::Terminal;
use crate::{external, output, report};
use subrosa_interchange::Link as Described;

/// Asks for links that are new to the vault. One that leads to what the vault knows otherwise is refused before that.
pub(super) fn agree(plan: &mut Plan, flags: &Flags, terminal: Option<&mut Terminal>) -> Outcome {
    check(plan)?;
    let stored: Vec<Planned> = plan.stored_links().map(|number| plan.one(number)).collect();
    let new: Vec<&Planned> = stored.iter().filter(|planned| planned.brings_link()).collect();
    if new.is_empty() || flags.accept_links {
        return Ok(());
    }
    let lines: Vec<String> = new.iter().filter_map(|planned| told(planned, &plan.routes)).collect();
    let what = "links of the file say where values are fetched from, with your rights";
    let Some(terminal) = terminal else {
        let failure = Failure::general(format!("{what}; nothing was imported"));
        let failure = lines.iter().take(SHOWN).fold(failure, |failure, line| failure.detail(visible(line)));
        return Err(more(failure, lines.len())
            .hint("--accept-links takes them, --without-linked leaves these secrets out")
            .hint("--dry-run shows what would happen"));
    };
    list(terminal, &format!("{what}:"), &lines)?;
    match terminal.choose("[t]ake them, [l]eave these secrets out, [o]ne by one:", &['t', 'l', 'o'])? {
        't' => {}
        'o' => {
            for (planned, line) in new.iter().zip(&lines) {
                if terminal.choose(&format!("{}? [y/n]", visible(line)), &['y', 'n'])? == 'n' {
                    plan.decide(planned.number, Fate::Unlinked);
                }
            }
        }
        _ => new.iter().for_each(|planned| plan.decide(planned.number, Fate::Unlinked)),
    }
    Ok(())
}

/// `name: k8s:db/password (folder, path=/run/secrets; not connected here) -> api.example.com`
fn told(planned: &Planned, routes: &Routes) -> Option<String> {
    let described = planned.described.as_deref()?;
    let (connection, state) = match routes.get(&described.connection)? {
        Route::Here(connection) | Route::Elsewhere(connection) => (connection, ""),
        Route::Nowhere { noted, .. } => (noted, "; not connected here"),
    };
    let (name, place) = (&planned.secret.name, external::place(connection));
    let (target, hosts) = (&described.target, report::hosts(&planned.secret.policy.access));
    Some(format!("{name}: {}:{target} ({place}{state}) -> {hosts}", connection.name))
}

/// As a table has it: `k8s:db/password`, by the connection that it leads to here.
pub(super) fn shown(described: &Described, routes: &Routes) -> String {
    let name = match routes.get(&described.connection) {
        Some(Route::Here(connection)) => &connection.name,
        _ => &described.connection,
    };
    format!("{name}:{}", described.target)
}

/// Refuses links to a connection of which file and vault say different things.
pub(super) fn check(plan: &Plan) -> Outcome {
    for described in plan.stored_links().filter_map(|number| plan.one(number).described) {
        let Some(Route::Elsewhere(connection)) = plan.routes.get(&described.connection) else { continue };
        let name = &connection.name;
        let text = format!(
            "the connection {name} of the file is another one than the vault's; nothing was imported"
        );
        return Err(Failure::general(text)
            .detail(visible(&format!("of the file: {}", external::place_of_link(&described))))
            .detail(visible(&format!("of the vault: {}", external::place(connection))))
            .hint(format!(
                "--connection {0}={0} uses the vault's, --connection {0}=OTHER another one of it",
                quoted(name)
            ))
            .hint("--without-linked leaves these secrets out"));
    }
    Ok(())
}

/// Says which connections are still to be made, and how.
pub(super) fn tell(plan: &Plan) {
    for (noted, _) in plan.routes.nowhere() {
        let leads_there =
            |number: &usize| plan.one(*number).described.is_some_and(|link| link.connection == noted.name);
        let count = plan.stored_links().filter(leads_there).count();
        if count > 0 {
            let (are, resolve) = if count == 1 { ("is", "does") } else { ("are", "do") };
            let secrets = output::count(count as u64, "secret");
            output::note(&format!(
                "{secrets} {are} linked to {}, which is not connected here, and {resolve} not resolve",
                noted.name
            ));
            output::hint(&noted.command());
        }
    }
}
