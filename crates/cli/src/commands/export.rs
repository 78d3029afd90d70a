//! `subrosa export`: secrets in a file, encrypted unless somebody insists.

mod form;
mod selection;

use crate::context::Context;
use crate::export_policy::Policies;
use crate::external::Connections;
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::outfile::Target;
use crate::{exchange, output, passphrase, record, terminal, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use form::{Form, Lock};
use selection::Selection;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use subrosa_interchange::Items;
use subrosa_secret::Name;
use subrosa_vault::{DocumentKind, Entry, Vault};

pub(super) fn command() -> Command {
    let switch =
        |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    Command::new("export")
        .about("Write secrets into a file: encrypted, with all that is told of them")
        .arg(Arg::new("names").value_name("NAME|GLOB").num_args(0..).help("these alone, 'prod/*'; without any, all"))
        .arg(Arg::new("tag").long("tag").value_name("TAG").action(ArgAction::Append).help("with this tag; several: with all"))
        .arg(
            Arg::new("output")
                .short('o')
                .long("output")
                .value_name("FILE")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help("the file to be made; '-' is standard output"),
        )
        .arg(switch("force", "replace a file that is there"))
        .arg(switch("history", "with earlier values"))
        .arg(passphrase::flag())
        .args(form::flags())
        .arg(switch("without-linked", "leave out what is linked to an external vault"))
        .arg(switch("without-send-only", "leave out what is never to be shown, instead of refusing").requires("plaintext"))
        .arg(switch("yes", "do not ask whether secrets shall stand in plain text"))
        .after_help(
            "The file is a document of JSON under a passphrase of at least 12 characters, which is asked for twice; it holds \
             values, descriptions, tags, times, rules and with --history earlier values, and 'subrosa import' takes it in. \
             With recipients it is an age file, which 'age -d' opens. --profile exports the profile's own secrets. Of a \
             secret that is linked, the link is exported, with what describes its connection; its value is not, nor are \
             credentials. dotenv and postman cannot hold a link: such a secret is refused, or left out with --without-linked.\n\
             Plain text holds the values for everybody who gets to see the file: it is asked for, and a secret that is \
             send-only is refused. The audit log names what was exported, and where to.\n\n\
             Examples:\n  subrosa export -o secrets.subrosa\n  subrosa export 'prod/*' --tag payments -o prod.subrosa\n  \
             subrosa export --recipient age1… -o secrets.age\n  subrosa export --profile dev --plaintext dotenv -o .env",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let form = Form::of(arguments)?;
    let selection = Selection::of(context, arguments)?;
    let path = arguments.get_one::<PathBuf>("output").cloned().unwrap_or_default();
    let target = Target::of(&path, arguments.get_flag("force"));
    if matches!(target, Target::Stdout) && form.is_binary() && terminal::stdout_is_terminal() {
        return Err(Failure::usage("the file would be binary, and standard output is a terminal")
            .hint("-o FILE, or a pipe"));
    }
    let vault = unlock::open(context)?;
    Policies::of(&vault)?.require(form.exports())?;
    target.check(&vault.location().dir)?;
    let connections = Connections::load(&vault)?;
    let left_out = LeftOut::of(arguments, &form);
    if form.asks(arguments) {
        // nobody is asked about what would be refused
        let count = survey(&vault, &selection, &left_out)?;
        if let Form::Plain(_) = form {
            warn();
            confirm(context, count, &target)?;
        }
    }
    let lock = Lock::of(context, arguments, &form)?;
    // values are opened when there is nothing left to ask
    let (aside, history) = (Mutex::default(), arguments.get_flag("history"));
    let wanted = |entry: &Entry| left_out.takes(entry, &selection, &aside);
    let parts = vault.export(wanted, history, |secrets| form.packed(secrets, &connections))?;
    let (mut items, aside) = (Items::default(), taken(aside));
    for part in parts {
        items.append(part?).map_err(exchange::failure)?;
    }
    items.sort();
    left_out.check(&selection, &aside, items.len(), |name| items.find(name.as_str()).is_some())?;
    if matches!(form, Form::Plain(_)) && !form.asks(arguments) {
        warn();
    }
    let count = output::count(items.len() as u64, "secret");
    let file = lock.ready(&items, &path)?;
    exchange::tell(&file.notices);
    let names = selection.is_narrow().then(|| items.iter().map(|item| item.name).collect::<Vec<_>>());
    record::exported(&vault, names.as_ref().map(|names| names.iter()), &target.destination())?;
    target.write(|out| file.write_to(out))?;
    if aside.linked > 0 {
        let are = if aside.linked == 1 { "is" } else { "are" };
        output::note(&format!("{} {are} linked and not in it", output::count(aside.linked, "secret")));
    }
    if !selection.is_narrow() && has_certificates(&vault)? {
        output::note("certificates are not in it: 'subrosa backup' takes them along");
    }
    output::done(&format!("exported {count} to {}, {}", path.display(), form.told()));
    Ok(())
}

/// How many secrets would be exported, where that is not refused.
fn survey(vault: &Vault, selection: &Selection, left_out: &LeftOut) -> Outcome<usize> {
    let (aside, names) = (Mutex::default(), Mutex::new(BTreeSet::new()));
    // of the entries nothing is kept but the names
    vault.select(|entry| {
        if left_out.takes(entry, selection, &aside) {
            names.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.metadata.name.clone());
        }
        false
    })?;
    let names = taken(names);
    left_out.check(selection, &taken(aside), names.len(), |name| names.contains(name))?;
    Ok(names.len())
}

fn taken<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn has_certificates(vault: &Vault) -> Outcome<bool> {
    let some = |kind| vault.documents(kind).map(|documents| !documents.is_empty());
    Ok(some(DocumentKind::Certificate)? || some(DocumentKind::Authority)?)
}

/// What stays out because the user says so, and is refused otherwise.
struct LeftOut {
    linked: bool,
    send_only: bool,
    /// Whether the file will show what is send-only.
    shows: bool,
    /// The format, if it can hold values alone.
    no_links: Option<&'static str>,
}

impl LeftOut {
    fn of(arguments: &ArgMatches, form: &Form) -> Self {
        Self {
            no_links: form.without_links(),
            linked: arguments.get_flag("without-linked"),
            send_only: arguments.get_flag("without-send-only"),
            shows: arguments.contains_id("plaintext"),
        }
    }

    /// Whether a secret is to be exported. Of one that was meant and is not, the name is kept.
    fn takes(&self, entry: &Entry, selection: &Selection, aside: &Mutex<Aside>) -> bool {
        if !selection.fits(entry) {
            return false;
        }
        let is_linked = entry.link.is_some();
        let why = match () {
            () if self.linked && is_linked || self.send_only && entry.policy.send_only => Why::Wanted,
            () if self.shows && entry.policy.send_only => Why::SendOnly,
            () if self.no_links.is_some() && is_linked => Why::Linked,
            () => return true,
        };
        let mut aside = aside.lock().unwrap_or_else(PoisonError::into_inner);
        aside.linked += u64::from(why == Why::Wanted && is_linked);
        aside.names.push((why, entry.metadata.name.clone()));
        false
    }

    /// Refuses what somebody named and nobody has, what is not to be shown, and what the format cannot hold.
    fn check(
        &self,
        selection: &Selection,
        aside: &Aside,
        count: usize,
        is_taken: impl Fn(&Name) -> bool,
    ) -> Outcome {
        let is_aside = |name: &Name| aside.names.iter().any(|(_, other)| other == name);
        let is_any = count > 0 || !aside.names.is_empty();
        selection.require(is_any, |name| is_taken(name) || is_aside(name))?;
        let hidden = aside.because(Why::SendOnly);
        if let Some(first) = hidden.first() {
            let text = "what is send-only is never shown, so it is not exported in plain text either";
            return Err(refused(text, &hidden)
                .hint("--without-send-only leaves them out")
                .hint(format!("subrosa send-only --off {}", quoted(first))));
        }
        let linked = aside.because(Why::Linked);
        if let Some(format) = self.no_links.filter(|_| !linked.is_empty()) {
            let text = format!("{format} holds values, and what is linked has none of its own");
            return Err(refused(&text, &linked)
                .hint("--without-linked leaves them out")
                .hint("an encrypted export, and --plaintext json, hold links"));
        }
        match count {
            0 => Err(Failure::general("nothing is left to be exported")),
            _ => Ok(()),
        }
    }
}

/// Why a secret that was meant is not exported.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// The user wants it so.
    Wanted,
    SendOnly,
    Linked,
}

/// What was meant and is not exported.
#[derive(Default)]
struct Aside {
    names: Vec<(Why, Name)>,
    /// How many of those that are left out as wanted are linked.
    linked: u64,
}

impl Aside {
    /// In the order of the names.
    fn because(&self, why: Why) -> Vec<&str> {
        let those = self.names.iter().filter(|(other, _)| *other == why);
        let mut names: Vec<&str> = those.map(|(_, name)| name.as_str()).collect();
        names.sort_unstable();
        names
    }
}

fn refused(text: &str, names: &[&str]) -> Failure {
    let failure = Failure::general(format!("{text}; nothing was exported"));
    let failure = names.iter().take(super::SHOWN).fold(failure, |failure, name| failure.detail(*name));
    match names.len().saturating_sub(super::SHOWN) {
        0 => failure,
        rest => failure.detail(format!("and {rest} more")),
    }
}

/// What has to be said before values stand where everybody can read them.
fn warn() {
    output::warn("everybody who gets to see the file can read the values in it");
}

/// What has to be agreed to before that.
fn confirm(context: &Context, secrets: usize, target: &Target) -> Outcome {
    let Some(mut terminal) = context.terminal()? else {
        return Err(Failure::usage(
            "an export in plain text has to be confirmed, and there is no terminal to do it on",
        )
        .hint("--yes says that you are sure; without --plaintext the export is encrypted"));
    };
    let what =
        format!("{} in plain text into {}", output::count(secrets as u64, "secret"), target.destination());
    if terminal.confirm_typed(&what, "plaintext")? {
        Ok(())
    } else {
        Err(Failure::general("nothing was exported"))
    }
}
