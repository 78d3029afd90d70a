//! `subrosa keys`: the ways into the vault.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Style, rfc3339, short_time};
use crate::table::{Cell, Table};
use crate::unlock::{self, Key};
use crate::ways::{self, Way};
use crate::{ask, input, output};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use serde::Serialize;
use std::path::{Path, PathBuf};
use subrosa_keychain::{Account, Keychain, KeychainError};
use subrosa_vault::{SlotId, SlotInfo, SlotKind, Vault, VaultKey};

pub(super) fn command() -> Command {
    Command::new("keys")
        .about("Ways into the vault: list, show, add, remove, rotate")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(list_command())
        .subcommand(
            Command::new("show")
                .about("Show the vault key, for another machine or a password manager")
                .after_help("Whoever has this key can open the vault.\n\nExample:\n  subrosa keys show"),
        )
        .subcommand(
            Command::new("save")
                .about("Write the vault key to a new file")
                .arg(file("file").help("a file that is not there yet"))
                .after_help("Example:\n  subrosa keys save ~/.config/subrosa/key"),
        )
        .subcommand(add_command())
        .subcommand(
            Command::new("remove")
                .about("Remove a way in; the last one cannot be removed")
                .arg(
                    Arg::new("slot")
                        .value_name("SLOT")
                        .required(true)
                        .help("the beginning of its id, from 'keys list'"),
                )
                .after_help("Example:\n  subrosa keys remove 3f2a"),
        )
        .subcommand(rotate_command())
        .after_help("Examples:\n  subrosa keys list\n  subrosa keys add passphrase\n  subrosa keys rotate")
}

fn list_command() -> Command {
    Command::new("list")
        .about("List the ways in")
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("as JSON, schema keys/1"))
        .after_help("Example:\n  subrosa keys list")
}

fn add_command() -> Command {
    Command::new("add")
        .about("Add a way in")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(Command::new("keychain").about("A key in this machine's keychain"))
        .subcommand(
            Command::new("passphrase")
                .about("A passphrase, typed twice")
                .arg(file("from").long("from").required(false).help("read it from a file instead")),
        )
        .subcommand(Command::new("recovery").about("A recovery key, shown once").arg(
            file("save").long("save").required(false).help("write it to a new file instead of showing it"),
        ))
        .subcommand(
            Command::new("key-file")
                .about("A key in a new file")
                .arg(file("file").help("a file that is not there yet")),
        )
        .after_help(
            "Examples:\n  subrosa keys add passphrase\n  subrosa keys add recovery --save recovery.txt",
        )
}

fn rotate_command() -> Command {
    Command::new("rotate")
        .about("Replace the vault key; with --root, the key under all of them")
        .arg(Arg::new("root").long("root").action(ArgAction::SetTrue).help(
            "seal everything anew under a new root key",
        ))
        .arg(file("save-recovery").long("save-recovery").required(false).help("write the new recovery key to a file"))
        .arg(ask::flag())
        .after_help(
            "No secret is lost. --root keeps the way that opens the vault now, makes a new recovery key, and drops the \
             others, which are named first.\n\nExamples:\n  subrosa keys rotate\n  subrosa keys rotate --root",
        )
}

fn file(id: &'static str) -> Arg {
    Arg::new(id)
        .value_name("FILE")
        .required(true)
        .value_parser(value_parser!(PathBuf))
        .value_hint(ValueHint::FilePath)
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    match arguments.subcommand() {
        Some(("list", arguments)) => list(context, arguments),
        Some(("show", _)) => {
            let key = vault_key(context)?;
            output::warn("whoever has this key can open the vault");
            context.output.bytes(key.to_text().as_bytes())?;
            context.output.bytes(b"\n")
        }
        Some(("save", arguments)) => save(context, arguments),
        Some(("add", arguments)) => add(context, arguments),
        Some(("remove", arguments)) => remove(context, arguments),
        Some(("rotate", arguments)) => super::rotate::run(context, arguments),
        _ => Err(Failure::usage("no such command").hint("subrosa keys --help")),
    }
}

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    vault: String,
    slots: Vec<Slot>,
}

#[derive(Serialize)]
struct Slot {
    id: String,
    kind: String,
    label: Option<String>,
    created: Option<String>,
    kdf: Option<String>,
    weak: bool,
    used_now: bool,
    #[serde(skip)]
    seconds: Option<i64>,
}

fn list(context: &Context, arguments: &ArgMatches) -> Outcome {
    let vault = unlock::open(context)?;
    let mut slots = vault.slots()?;
    // ids are random: an order that a person can see
    slots.sort_by_key(|info| (kind_rank(info.kind), info.created, info.id));
    let slots: Vec<Slot> = slots.into_iter().map(|info| describe(&vault, info)).collect();
    if arguments.get_flag("json") {
        return context.output.json(&Report { schema: "keys/1", vault: vault.id().to_string(), slots });
    }
    let mut table = Table::new(&["SLOT", "KIND", "LABEL", "CREATED", ""]);
    for slot in &slots {
        let remark = match (slot.used_now, slot.weak) {
            (_, true) => Cell::styled("weak: add a new passphrase and remove this one", Style::Bad),
            (true, false) => Cell::styled("in use now", Style::Good),
            (false, false) => Cell::default(),
        };
        table.row([
            slot.id.get(..8).unwrap_or_default().into(),
            slot.kind.replace('_', " ").into(),
            slot.label.as_deref().unwrap_or_default().into(),
            slot.seconds.map(short_time).unwrap_or_default().into(),
            remark,
        ]);
    }
    context.output.table(&table)
}

fn kind_rank(kind: SlotKind) -> u8 {
    match kind {
        SlotKind::VaultKey => 0,
        SlotKind::Passphrase => 1,
        SlotKind::Recovery => 2,
        _ => 3,
    }
}

fn describe(vault: &Vault, info: SlotInfo) -> Slot {
    Slot {
        id: info.id.to_string(),
        kind: info.kind.to_string().replace(' ', "_"),
        weak: crate::report::is_weak(&info),
        label: info.label,
        created: info.created.map(rfc3339),
        kdf: info.kdf.map(|kdf| kdf.to_string()),
        used_now: info.id == vault.slot(),
        seconds: info.created,
    }
}

/// The vault key itself: the one presented, else the keychain's.
fn vault_key(context: &Context) -> Outcome<VaultKey> {
    // a key that opens nothing is not worth showing
    let (_, key) = unlock::open_with_key(context)?;
    match key {
        Key::Vault(key) => Ok(key),
        Key::Passphrase(_) | Key::Recovery(_) => {
            Err(Failure::general("the vault was opened without a vault key")
                .hint("subrosa keys add keychain, or subrosa keys add key-file FILE"))
        }
    }
}

fn save(context: &Context, arguments: &ArgMatches) -> Outcome {
    let path = arguments.get_one::<PathBuf>("file").map_or(Path::new(""), PathBuf::as_path);
    unlock::outside_of_vault(path, &context.vault_folder()?)?;
    let key = vault_key(context)?;
    ways::write_key(path, &key.to_text())?;
    output::done(&format!("wrote the vault key to {}", path.display()));
    Ok(())
}

fn add(context: &Context, arguments: &ArgMatches) -> Outcome {
    let mut vault = unlock::open(context)?;
    let way = match arguments.subcommand() {
        Some(("keychain", _)) => Way::keychain(vault.id()).map_err(no_keychain)?,
        Some(("passphrase", arguments)) => new_passphrase(context, arguments)?,
        Some(("key-file", arguments)) => {
            let path = arguments.get_one::<PathBuf>("file").map_or(Path::new(""), PathBuf::as_path);
            Way::key_file(path, &vault.location().dir)?
        }
        Some(("recovery", arguments)) => return add_recovery(context, &mut vault, arguments),
        _ => return Err(Failure::usage("no such way in").hint("subrosa keys add --help")),
    };
    let (slot, new) = way.new_slot();
    if let Err(error) = vault.add_slot(slot, &new) {
        if !way.may_open(&vault) {
            way.take_back();
        }
        return Err(error.into());
    }
    output::done(&format!("the vault opens with: {}", way.label()));
    Ok(())
}

/// The keychain's own hint is about a new vault; here there is one.
fn no_keychain(error: KeychainError) -> Failure {
    match error {
        KeychainError::Absent { .. } => Failure::new(Exit::KEYCHAIN, error.to_string())
            .hint("subrosa keys add key-file FILE")
            .hint("subrosa keys add passphrase"),
        error => error.into(),
    }
}

/// The flags about passphrases say how the vault is opened now; the new one is always asked for.
fn new_passphrase(context: &Context, arguments: &ArgMatches) -> Outcome<Way> {
    if let Some(path) = arguments.get_one::<PathBuf>("from") {
        return Way::of_passphrase(input::line_of_file(path)?);
    }
    match context.terminal()? {
        Some(mut terminal) => Way::of_passphrase(terminal.new_secret("new passphrase of the vault:")?),
        None => Err(Failure::usage("no terminal to ask for the new passphrase").hint("--from FILE")),
    }
}

fn add_recovery(context: &Context, vault: &mut Vault, arguments: &ArgMatches) -> Outcome {
    let save = arguments.get_one::<PathBuf>("save").map(PathBuf::as_path);
    let mut terminal = context.terminal()?;
    if save.is_none() && terminal.is_none() {
        return Err(Failure::usage("no terminal to show the recovery key on")
            .hint("subrosa keys add recovery --save FILE"));
    }
    let way = Way::recovery()?;
    // a file is written first: a slot whose key got lost would look like a way in and be none
    if save.is_some() {
        way.hand_over(save, None)?;
    }
    let (slot, new) = way.new_slot();
    let added = vault.add_slot(slot, &new);
    let opens = added.is_ok() || way.may_open(vault);
    match save {
        None if opens => way.hand_over(None, terminal.as_mut())?,
        Some(path) if !opens => ways::take_back_file(path),
        _ => {}
    }
    Ok(added?)
}

fn remove(context: &Context, arguments: &ArgMatches) -> Outcome {
    let prefix = arguments.get_one::<String>("slot").map(String::as_str).unwrap_or_default();
    let mut vault = unlock::open(context)?;
    let info = slot_of(&vault, prefix)?;
    vault.remove_slot(info.id)?;
    if info.kind == SlotKind::VaultKey {
        forget(&vault, info.id);
    }
    output::done(&format!("removed {}", info.label.unwrap_or_else(|| info.kind.to_string())));
    Ok(())
}

fn slot_of(vault: &Vault, prefix: &str) -> Outcome<SlotInfo> {
    let fits = |info: &SlotInfo| info.id.to_string().starts_with(&prefix.to_ascii_lowercase());
    let mut found: Vec<SlotInfo> = vault.slots()?.into_iter().filter(fits).collect();
    match (found.pop(), found.is_empty()) {
        (Some(info), true) if !prefix.is_empty() => Ok(info),
        (None, _) => Err(Failure::general(format!("no slot {prefix}")).hint("subrosa keys list")),
        _ => {
            Err(Failure::usage(format!("{prefix:?} is the beginning of several slots"))
                .hint("subrosa keys list"))
        }
    }
}

/// Takes a key that opens nothing any more out of the keychain, if there is one with it.
pub(super) fn forget(vault: &Vault, slot: SlotId) {
    let account = Account { vault: vault.id(), slot };
    if let Err(error) = Keychain::connect().and_then(|keychain| keychain.delete(&account))
        && !matches!(error, KeychainError::Absent { .. })
    {
        output::warn(&format!("the keychain still holds a key that opens nothing any more: {error}"));
    }
}
