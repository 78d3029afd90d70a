//! `subrosa allow`: where a secret may go.

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{hosts, lookup, output, proposal, report, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use serde::Serialize;
use std::path::PathBuf;
use subrosa_secret::{Access, HostRule, Name};
use subrosa_vault::{Entry, Vault};

pub(super) fn command() -> Command {
    let switch =
        |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    Command::new("allow")
        .about("Say where a secret may go, or show it")
        .arg(Arg::new("name").value_name("NAME").required_unless_present("from").help("the secret"))
        .arg(Arg::new("rules").value_name("RULE").num_args(0..).help("[scheme://]host[:port]"))
        .arg(hosts::only_flag())
        .arg(Arg::new("remove").long("remove").value_name("RULE").action(ArgAction::Append).help("take this rule away"))
        .arg(hosts::unrestricted_flag().conflicts_with_all(["rules", "remove"]))
        .arg(switch("nowhere", "it may go nowhere").conflicts_with_all(["rules", "remove", "unrestricted"]))
        .arg(
            switch("undecided", "ask again when it is used")
                .conflicts_with_all(["rules", "remove", "unrestricted", "nowhere"]),
        )
        .arg(
            Arg::new("from")
                .long("from")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .conflicts_with_all(["name", "remove", "unrestricted", "nowhere", "undecided"])
                .help("propose rules from the requests in a file; nothing is changed without an answer"),
        )
        .arg(switch("json", "the rules as JSON, schema allow/1"))
        .after_help(
            "A host without a scheme means https and wss, without a port the scheme's own. '*.example.com' is every \
             subdomain, not example.com itself; ':*' is any port; http:// must be written out; IP addresses and \
             localhost are listed literally. With --only the new rules hold for these places of a request only.\n\n\
             Examples:\n  subrosa allow stripe-key api.stripe.com --only header\n  \
             subrosa allow dev-key http://localhost:8080 '*.dev.example.com'\n  \
             subrosa allow stripe-key --remove api.stripe.com\n  subrosa allow --from requests.sh",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    if let Some(path) = arguments.get_one::<PathBuf>("from") {
        return proposal::review(context, path);
    }
    let change = Wanted::of(arguments)?;
    let name = lookup::name(arguments.get_one::<String>("name").map(String::as_str).unwrap_or_default())?;
    let mut vault = unlock::open(context)?;
    let entry = lookup::require(context, &vault, &name)?;
    match change {
        Some(change) => apply(&mut vault, &entry, change),
        None => show(context, &entry, arguments.get_flag("json")),
    }
}

/// What is to become of a secret's rules.
enum Wanted {
    Exactly(Access),
    Rules { added: Vec<HostRule>, removed: Vec<HostRule> },
}

impl Wanted {
    fn of(arguments: &ArgMatches) -> Outcome<Option<Wanted>> {
        let flags = [
            ("unrestricted", Access::Unrestricted),
            ("nowhere", Access::Restricted(Vec::new())),
            ("undecided", Access::Undecided),
        ];
        if let Some((_, access)) = flags.into_iter().find(|(id, _)| arguments.get_flag(id)) {
            return Ok(Some(Wanted::Exactly(access)));
        }
        let added = hosts::rules_of(arguments, "rules")?;
        let removed = arguments.get_many::<String>("remove").unwrap_or_default();
        let removed: Vec<HostRule> = removed.map(|text| hosts::rule(text)).collect::<Outcome<_>>()?;
        if added.is_empty() && arguments.contains_id("only") {
            return Err(Failure::usage("--only needs a rule to go with"));
        }
        Ok((!added.is_empty() || !removed.is_empty()).then_some(Wanted::Rules { added, removed }))
    }
}

fn apply(vault: &mut Vault, entry: &Entry, wanted: Wanted) -> Outcome {
    let name = &entry.metadata.name;
    let access = match wanted {
        Wanted::Exactly(access) => access,
        Wanted::Rules { added, removed } => {
            let mut access = entry.policy.access.clone();
            remove(name, &mut access, &removed)?;
            if !added.is_empty() {
                for wider in hosts::add(&mut access, &added) {
                    let remove = crate::fault::quoted(&wider.to_string());
                    let text =
                        format!("the rule {wider} allows more than that: --remove {remove} takes it away");
                    output::note(&text);
                }
            }
            access
        }
    };
    if entry.policy.access == Access::Unrestricted && matches!(access, Access::Restricted(_)) {
        output::note(&format!("{name} was unrestricted"));
    }
    vault.change(|change| change.update(name, |_, policy| policy.access = access.clone()))?;
    output::done(&format!("{name} may go: {}", report::hosts(&access)));
    Ok(())
}

fn remove(name: &Name, access: &mut Access, removed: &[HostRule]) -> Outcome {
    for rule in removed {
        let before = match access {
            Access::Restricted(rules) => {
                let before = rules.len();
                // a rule with places is taken away by its host as well
                rules.retain(|it| !hosts::same_host(it, rule));
                before - rules.len()
            }
            Access::Undecided | Access::Unrestricted => 0,
        };
        if before == 0 {
            return Err(Failure::general(format!("{name} has no rule {rule}"))
                .hint(format!("subrosa allow {}", crate::fault::quoted(name.as_str()))));
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Report<'e> {
    schema: &'static str,
    name: &'e str,
    access: &'static str,
    rules: Vec<String>,
}

fn show(context: &Context, entry: &Entry, json: bool) -> Outcome {
    let access = &entry.policy.access;
    let rules: Vec<String> = match access {
        Access::Restricted(rules) => rules.iter().map(ToString::to_string).collect(),
        Access::Undecided | Access::Unrestricted => Vec::new(),
    };
    if json {
        let access = report::access_word(access);
        let name = entry.metadata.name.as_str();
        return context.output.json(&Report { schema: "allow/1", name, access, rules });
    }
    if rules.is_empty() {
        return context.output.line(&report::hosts(access));
    }
    rules.iter().try_for_each(|rule| context.output.line(rule))
}
