//! `subrosa doctor`: what is wrong with a set-up, and what to do about it. Needs no key, and tries those that need no
//! question.

mod access;
mod certificates;
mod links;

use crate::context::Context;
use crate::export_policy::{self, Policies};
use crate::failure::{Failure, Outcome};
use crate::output::Style;
use crate::table::{Cell, Table};
use crate::{paths, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde::Serialize;
use std::env;
use std::path::Path;
use subrosa_vault::{Header, Location, SlotKind, Vault, VaultError};

pub(super) fn command() -> Command {
    Command::new("doctor")
        .about("Explain what is wrong with a set-up, and the next command")
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("as JSON, schema doctor/1"))
        .arg(
            Arg::new("explain")
                .long("explain")
                .value_name("TOPIC")
                .value_parser(["trust"])
                .help("explain something instead: trust, where requests with secrets may leave the beaten track"),
        )
        .after_help("Asks for nothing, changes nothing, and tries the keys at hand. Exits with 1 if something is wrong.\n\nExample:\n  subrosa doctor")
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Good,
    Note,
    Bad,
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    text: String,
    hint: Option<String>,
}

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    findings: Vec<Finding>,
}

fn finding(what: &'static str, verdict: Verdict, text: impl Into<String>, hint: Option<&str>) -> Finding {
    Finding { what, verdict, text: text.into(), hint: hint.map(str::to_owned) }
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    if arguments.contains_id("explain") {
        return explain_trust(context);
    }
    let location = unlock::location(context)?;
    let mut findings = vec![configuration(context), machine_policy()];
    let header = vault(context, &location, &mut findings);
    findings.extend(access::findings(context, header.as_ref(), &location));
    findings.extend(environment());
    let bad = findings.iter().filter(|finding| finding.verdict == Verdict::Bad).count();
    if arguments.get_flag("json") {
        context.output.json(&Report { schema: "doctor/1", findings })?;
    } else {
        show(context, &findings)?;
    }
    if bad == 0 { Ok(()) } else { Err(Failure::silent(crate::exit::Exit::GENERAL)) }
}

/// What stands behind "makes it another destination", and how the user allows it.
fn explain_trust(context: &Context) -> Outcome {
    let path = paths::config()?;
    let text = format!(
        "A destination is more than a host: it is whom the connection trusts and which way it takes.\n\
         A request that holds a secret may use -k, --cacert, --resolve, --connect-to, a Host header of another host or a\n\
         proxy only where the connection ends on this machine, or where you allow it for a host in\n  {}\n\n\
         [[trust]]\nhost = \"*.internal.example\"\nallow = [\"--cacert\", \"--resolve\"]\n\n\
         The words are -k, --cacert, --resolve, --connect-to, foreign-host and proxy. No project's file can allow it: what\n\
         lies there was often written by somebody else.\n",
        path.display()
    );
    context.output.bytes(text.as_bytes())?;
    for trust in &context.config()?.trust {
        context.output.line(&format!("allowed now: {} for {}", trust.allow.join(", "), trust.host))?;
    }
    context.trust().map(drop)
}

fn show(context: &Context, findings: &[Finding]) -> Outcome {
    let mut table = Table::new(&["WHAT", "", "FOUND"]);
    for finding in findings {
        let (word, style) = match finding.verdict {
            Verdict::Good => ("good", Style::Good),
            Verdict::Note => ("note", Style::Faint),
            Verdict::Bad => ("bad", Style::Bad),
        };
        table.row([finding.what.into(), Cell::styled(word, style), finding.text.as_str().into()]);
    }
    context.output.table(&table)?;
    let hints = findings.iter().filter_map(|finding| finding.hint.as_deref());
    hints.for_each(crate::output::hint);
    Ok(())
}

fn configuration(context: &Context) -> Finding {
    let path = paths::config().map(|path| path.display().to_string()).unwrap_or_default();
    match context.config() {
        Ok(_) if !Path::new(&path).exists() => {
            finding("configuration", Verdict::Good, format!("none, it would be {path}"), None)
        }
        Ok(_) => finding("configuration", Verdict::Good, path, None),
        Err(failure) => {
            finding("configuration", Verdict::Bad, failure.message(), Some(&format!("edit {path}")))
        }
    }
}

fn machine_policy() -> Finding {
    let (what, path) = ("machine policy", export_policy::path().display().to_string());
    match export_policy::of_machine() {
        Ok(None) => finding(what, Verdict::Good, format!("none about exports, it would be {path}"), None),
        Ok(Some(policy)) => finding(what, Verdict::Good, format!("{path} {}", policy.allows()), None),
        Err(failure) => finding(what, Verdict::Bad, failure.message(), failure.first_hint()),
    }
}

/// What of exports the open vault lets through, if anybody said something about it.
fn vault_policy(vault: &Vault) -> Option<Finding> {
    let what = "vault policy";
    match Policies::of(vault) {
        Ok(policies) => policies.vault.map(|policy| finding(what, Verdict::Good, policy.allows(), None)),
        // that of the machine has been told already
        Err(_) if export_policy::of_machine().is_err() => None,
        Err(failure) => Some(finding(what, Verdict::Bad, failure.message(), failure.first_hint())),
    }
}

fn vault(context: &Context, location: &Location, findings: &mut Vec<Finding>) -> Option<Header> {
    match Vault::inspect(location) {
        Ok(header) => {
            let text = format!("{}, generation {}", location.dir.display(), header.generation);
            findings.push(finding("vault", Verdict::Good, text, None));
            findings.extend(permissions(location));
            findings.push(ways_in(&header));
            findings.push(pin(location, &header));
            Some(header)
        }
        Err(error) => {
            let hint = match &error {
                VaultError::NotFound(_) => format!("subrosa init{}", context.vault_flag()),
                VaultError::Unsafe { path, .. } => match privacy(path) {
                    Some(command) => command,
                    None => String::from(
                        "put the vault's own folder and file there, or name another: --vault FOLDER",
                    ),
                },
                _ => String::from("restore a backup"),
            };
            findings.push(finding("vault", Verdict::Bad, error.to_string(), Some(&hint)));
            None
        }
    }
}

/// Folder and files that others can look into. What is in them is sealed; which records change, and how many there are,
/// is not.
fn permissions(location: &Location) -> Vec<Finding> {
    let paths = [
        location.dir.clone(),
        location.database(),
        location.dir.join("audit.log"),
        location.dir.join("cache"),
        location.dir.join("sessions"),
        location.state.join("pins"),
    ];
    let wide = paths.iter().filter_map(|path| Some((path, privacy(path)?)));
    wide.map(|(path, command)| {
        let text = format!("{} is open to other users", path.display());
        finding("permissions", Verdict::Bad, text, Some(&command))
    })
    .collect()
}

/// What makes a folder or file its owner's alone; `None` if it is, or is neither.
#[cfg(unix)]
fn privacy(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = path.symlink_metadata().ok()?;
    let mode = match (metadata.is_dir(), metadata.is_file()) {
        (true, _) => "700",
        (_, true) => "600",
        _ => return None,
    };
    let wide = metadata.permissions().mode() & 0o077 != 0;
    wide.then(|| format!("chmod {mode} {}", crate::fault::quoted(&path.display().to_string())))
}

/// On Windows a folder of the user's profile inherits an access list that leaves other users out.
#[cfg(not(unix))]
fn privacy(_: &Path) -> Option<String> {
    None
}

fn ways_in(header: &Header) -> Finding {
    let count = |kind| header.slots.iter().filter(|slot| slot.kind == kind).count();
    let text = format!(
        "{} by vault key, {} by passphrase, {} by recovery key",
        count(SlotKind::VaultKey),
        count(SlotKind::Passphrase),
        count(SlotKind::Recovery)
    );
    match (count(SlotKind::Recovery), header.slots.iter().any(crate::report::is_weak)) {
        (_, true) => finding(
            "ways in",
            Verdict::Bad,
            format!("{text}; a passphrase is weakly protected"),
            Some("subrosa keys add passphrase"),
        ),
        (0, false) => finding("ways in", Verdict::Note, text, Some("subrosa keys add recovery")),
        _ => finding("ways in", Verdict::Good, text, None),
    }
}

fn pin(location: &Location, header: &Header) -> Finding {
    let path = location.state.join("pins").join(header.id.to_string());
    match path.symlink_metadata() {
        Ok(_) => finding("roll-back pin", Verdict::Good, path.display().to_string(), None),
        Err(_) => {
            finding("roll-back pin", Verdict::Note, "none yet: this vault was not opened here before", None)
        }
    }
}

fn environment() -> Vec<Finding> {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let mut findings = Vec::new();
    if is_set("SSLKEYLOGFILE") {
        findings.push(finding(
            "SSLKEYLOGFILE",
            Verdict::Note,
            "is ignored: it would give every secret away",
            None,
        ));
    }
    for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        if is_set(name) {
            findings.push(finding(
                name,
                Verdict::Note,
                "is ignored: no proxy is taken from the environment",
                None,
            ));
        }
    }
    findings
}
