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
use std::path::PathBuf;
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
    let (chosen, out) = left_out.apart(&selection, vault.list()?)?;
    if let Form::Plain(_) = form {
        confirm(context, arguments, chosen, &target)?;
    }
    let lock = Lock::of(context, arguments, &form)?;
    // values are opened when there is nothing left to ask
    let secrets = vault
        .export(|entry| selection.fits(entry) && !left_out.holds(entry), arguments.get_flag("history"))?;
    let names = secrets.iter().map(|secret| &secret.name);
    selection.require(names.chain(out.iter().map(|entry| &entry.metadata.name)))?;
    let count = output::count(secrets.len() as u64, "secret");
    let names =
        selection.is_narrow().then(|| secrets.iter().map(|secret| secret.name.clone()).collect::<Vec<_>>());
    let items = secrets.into_iter().map(|secret| exchange::item(secret, &connections));
    let (bytes, notices) = lock.write(items.collect::<Outcome<_>>()?, &path)?;
    exchange::tell(&notices);
    record::exported(&vault, names.as_ref().map(|names| names.iter()), &target.destination())?;
    target.write(&bytes)?;
    let linked = out.iter().filter(|entry| entry.link.is_some()).count();
    if linked > 0 {
        let are = if linked == 1 { "is" } else { "are" };
        output::note(&format!("{} {are} linked and not in it", output::count(linked as u64, "secret")));
    }
    if !selection.is_narrow() && has_certificates(&vault)? {
        output::note("certificates are not in it: 'subrosa backup' takes them along");
    }
    output::done(&format!("exported {count} to {}, {}", path.display(), form.told()));
    Ok(())
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

    fn holds(&self, entry: &Entry) -> bool {
        self.linked && entry.link.is_some() || self.send_only && entry.policy.send_only
    }

    /// How many secrets are to be exported, and those that stay out.
    fn apart(&self, selection: &Selection, mut entries: Vec<Entry>) -> Outcome<(usize, Vec<Entry>)> {
        entries.retain(|entry| selection.fits(entry));
        selection.require(entries.iter().map(|entry| &entry.metadata.name))?;
        self.check(&entries)?;
        let all = entries.len();
        entries.retain(|entry| self.holds(entry));
        entries.shrink_to_fit();
        match all - entries.len() {
            0 => Err(Failure::general("nothing is left to be exported")),
            chosen => Ok((chosen, entries)),
        }
    }

    fn check(&self, entries: &[Entry]) -> Outcome {
        let named = |wrong: &dyn Fn(&Entry) -> bool| -> Vec<&str> {
            let those = entries.iter().filter(|entry| wrong(entry) && !self.holds(entry));
            those.map(|entry| entry.metadata.name.as_str()).collect()
        };
        let hidden = named(&|entry| self.shows && entry.policy.send_only);
        if let Some(first) = hidden.first() {
            let text = "what is send-only is never shown, so it is not exported in plain text either";
            return Err(refused(text, &hidden)
                .hint("--without-send-only leaves them out")
                .hint(format!("subrosa send-only --off {}", quoted(first))));
        }
        let linked = named(&|entry| self.no_links.is_some() && entry.link.is_some());
        let Some(format) = self.no_links.filter(|_| !linked.is_empty()) else { return Ok(()) };
        let text = format!("{format} holds values, and what is linked has none of its own");
        Err(refused(&text, &linked)
            .hint("--without-linked leaves them out")
            .hint("an encrypted export, and --plaintext json, hold links"))
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

/// What has to be said and agreed before values stand where everybody can read them.
fn confirm(context: &Context, arguments: &ArgMatches, secrets: usize, target: &Target) -> Outcome {
    output::warn("everybody who gets to see the file can read the values in it");
    if arguments.get_flag("yes") {
        return Ok(());
    }
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
