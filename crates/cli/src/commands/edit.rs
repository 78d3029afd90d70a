//! `subrosa edit`: all of a secret but its value, in the user's editor.

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{hosts, lookup, output, terminal, unlock};
use clap::{ArgMatches, Command};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, process};
use subrosa_secret::{Access, HostRule, Name, Tag};
use subrosa_vault::Entry;

pub(super) fn command() -> Command {
    Command::new("edit")
        .about("Edit name, description, tags, hosts and switches of a secret in an editor")
        .arg(lookup::one_name())
        .after_help(
            "The editor is $VISUAL, else $EDITOR, else vi. The value is not shown; 'subrosa set' replaces it.\n\n\
             Example:\n  EDITOR=nano subrosa edit stripe-key",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let name = lookup::name(arguments.get_one::<String>("name").map(String::as_str).unwrap_or_default())?;
    let mut vault = unlock::open(context)?;
    let entry = lookup::require(context, &vault, &name)?;
    let before = sheet(&entry);
    let after = edited(&before)?;
    if after.trim().is_empty() || after == before {
        output::done("nothing was changed");
        return Ok(());
    }
    let wanted = Wanted::parse(&after)?;
    let from = entry.metadata.name;
    vault.change(|change| {
        if wanted.name != from {
            change.rename(&from, &wanted.name)?;
        }
        change.update(&wanted.name, |metadata, policy| {
            metadata.description.clone_from(&wanted.description);
            metadata.tags.clone_from(&wanted.tags);
            policy.enabled = wanted.enabled;
            policy.send_only = wanted.send_only;
            policy.access = wanted.access.clone();
        })
    })?;
    output::done(&format!("changed {}", wanted.name));
    Ok(())
}

/// The secret as TOML. JSON's strings are TOML's basic strings.
fn sheet(entry: &Entry) -> String {
    let text = |value: &str| serde_json::Value::from(value).to_string();
    let list =
        |items: Vec<String>| format!("[{}]", items.iter().map(|it| text(it)).collect::<Vec<_>>().join(", "));
    let hosts = match &entry.policy.access {
        Access::Undecided => text("undecided"),
        Access::Unrestricted => text("unrestricted"),
        Access::Restricted(rules) => list(rules.iter().map(ToString::to_string).collect()),
    };
    let tags = entry.metadata.tags.iter().map(|tag| tag.as_str().to_owned()).collect();
    format!(
        "# Everything of this secret but its value. An empty file changes nothing.\n\
         name = {}\ndescription = {}\ntags = {}\nenabled = {}\nsend-only = {}\n\
         # a list of rules, or \"undecided\", or \"unrestricted\"; \"api.example.com;header\" holds for headers only\n\
         hosts = {hosts}\n",
        text(entry.metadata.name.as_str()),
        text(&entry.metadata.description),
        list(tags),
        entry.policy.enabled,
        entry.policy.send_only,
    )
}

/// Lets the user edit a text. It lies in a private file for as long as that takes.
fn edited(text: &str) -> Outcome<String> {
    let editor =
        ["VISUAL", "EDITOR"].iter().find_map(|name| env::var(name).ok().filter(|it| !it.trim().is_empty()));
    let editor = match editor {
        Some(editor) => editor,
        None if terminal::stdin_is_terminal() => String::from(if cfg!(windows) { "notepad" } else { "vi" }),
        None => {
            return Err(Failure::usage("no terminal for an editor")
                .hint("subrosa rename, describe, tag, allow, send-only, enable and disable need none"));
        }
    };
    let path = env::temp_dir().join(format!("subrosa-{}-{}.toml", process::id(), random_word()?));
    let file = TemporaryFile::create(path, text)?;
    // editors are given with arguments: EDITOR="code --wait"
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = crate::child::command(program).args(words).arg(&file.0).status();
    let status = status
        .map_err(|error| Failure::file("start", Path::new(program), &error).hint("export EDITOR=PROGRAM"))?;
    if !status.success() {
        return Err(Failure::general(format!("the editor {program} failed; nothing was changed")));
    }
    fs::read_to_string(&file.0).map_err(|error| Failure::file("read", &file.0, &error))
}

fn random_word() -> Outcome<String> {
    let mut bytes = [0u8; 8];
    getrandom::fill(&mut bytes).map_err(|error| Failure::general(format!("no random numbers: {error}")))?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

/// A private file that goes when this is dropped.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn create(path: PathBuf, text: &str) -> Outcome<TemporaryFile> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| Failure::file("write", &path, &error))?;
        Ok(TemporaryFile(path))
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sheet {
    name: String,
    description: String,
    tags: Vec<String>,
    enabled: bool,
    send_only: bool,
    hosts: Hosts,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Hosts {
    Word(String),
    Rules(Vec<String>),
}

struct Wanted {
    name: Name,
    description: String,
    tags: BTreeSet<Tag>,
    enabled: bool,
    send_only: bool,
    access: Access,
}

impl Wanted {
    fn parse(text: &str) -> Outcome<Wanted> {
        let sheet: Sheet = toml::from_str(text).map_err(|error| {
            Failure::usage(format!(
                "what was edited cannot be read: {}; nothing was changed",
                error.message()
            ))
        })?;
        let access = match sheet.hosts {
            Hosts::Word(word) if word == "undecided" => Access::Undecided,
            Hosts::Word(word) if word == "unrestricted" => Access::Unrestricted,
            Hosts::Word(word) => {
                return Err(Failure::usage(format!("hosts = {word:?}: write a list of rules")));
            }
            Hosts::Rules(rules) => {
                let rules = rules.iter().map(|text| hosts::rule(text));
                Access::Restricted(rules.collect::<Outcome<Vec<HostRule>>>()?)
            }
        };
        Ok(Wanted {
            name: lookup::name(&sheet.name)?,
            description: sheet.description,
            tags: sheet.tags.iter().map(|text| super::tag::parse(text)).collect::<Outcome<_>>()?,
            enabled: sheet.enabled,
            send_only: sheet.send_only,
            access,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_is_read_as_it_was_written() {
        let text = "name = \"a\"\ndescription = \"x \\\"y\\\"\"\ntags = [\"t\"]\nenabled = true\nsend-only = false\nhosts = [\"api.example.com;header\"]\n";
        let wanted = Wanted::parse(text).unwrap();
        assert_eq!(wanted.description, "x \"y\"");
        assert!(matches!(wanted.access, Access::Restricted(rules) if rules.len() == 1));
    }

    #[test]
    fn what_is_wrong_in_a_sheet_is_said() {
        let sheet = |hosts: &str| {
            format!(
                "name = \"a\"\ndescription = \"\"\ntags = []\nenabled = true\nsend-only = false\nhosts = {hosts}\n"
            )
        };
        for wrong in ["\"everywhere\"", "[\"*\"]", "[\"*.com\"]", "3"] {
            assert!(Wanted::parse(&sheet(wrong)).is_err(), "{wrong}");
        }
        assert!(Wanted::parse("name = \"a\"").is_err());
        assert!(Wanted::parse(&sheet("\"undecided\"")).is_ok());
    }
}
