//! `allow --from`: rules proposed from requests that somebody wrote down, for the user to review.
//!
//! A request is a paragraph of a text: the lines up to an empty one, or a command continued by backslashes. The
//! references of a paragraph go with the hosts of the URLs in it. That is a guess by design, so nothing comes of it
//! without an answer.

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::terminal::Terminal;
use crate::{hosts, lookup, output, unlock};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use subrosa_secret::{Access, HostRule, Name, Origin, scan};

/// A longer file is no list of requests.
const MAX_LEN: u64 = 16 << 20;

/// Where each secret seems to go, in order of appearance.
type Proposals = BTreeMap<Name, Vec<Origin>>;

/// Proposes what the file suggests and the vault does not know yet.
pub(crate) fn review(context: &Context, path: &Path) -> Outcome {
    let length = fs::metadata(path).map_err(|error| Failure::file("read", path, &error))?.len();
    if length > MAX_LEN {
        return Err(Failure::usage(format!("{} is larger than 16 MiB", path.display())));
    }
    let text = fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    let mut vault = unlock::open(context)?;
    let mut terminal = context.terminal()?;
    let mut printed = false;
    for (name, origins) in proposals(&String::from_utf8_lossy(&text)) {
        let Some(entry) = lookup::find(context, &vault, &name)? else {
            output::note(&format!("no secret named {name}"));
            continue;
        };
        let name = entry.metadata.name;
        let known = match &entry.policy.access {
            Access::Unrestricted => continue,
            Access::Restricted(known) => known.as_slice(),
            Access::Undecided => &[],
        };
        // a host that a rule covers is decided already, be it for some parts of a request only
        let new = origins.iter().filter(|origin| !known.iter().any(|rule| rule.matches(origin)));
        let new: Vec<HostRule> = new.map(HostRule::exactly).collect();
        if new.is_empty() {
            continue;
        }
        let agreed = match &mut terminal {
            Some(terminal) => asked(terminal, &name, new)?,
            None => {
                let words: Vec<String> = new.iter().map(|rule| quoted(&rule.to_string())).collect();
                context.output.line(&format!(
                    "subrosa allow {} {}",
                    quoted(name.as_str()),
                    words.join(" ")
                ))?;
                printed = true;
                Vec::new()
            }
        };
        if !agreed.is_empty() {
            vault.change(|change| {
                change.update(&name, |_, policy| drop(hosts::add(&mut policy.access, &agreed)))
            })?;
        }
    }
    if printed {
        output::note("nothing was changed: review the commands and run those that are right");
    }
    Ok(())
}

fn asked(terminal: &mut Terminal, name: &Name, rules: Vec<HostRule>) -> Outcome<Vec<HostRule>> {
    let mut agreed = Vec::new();
    for rule in rules {
        if terminal.choose(&format!("{name} may go to {rule}? [y/n]"), &['y', 'n'])? == 'y' {
            agreed.push(rule);
        }
    }
    Ok(agreed)
}

fn proposals(text: &str) -> Proposals {
    let mut found = Proposals::new();
    for paragraph in paragraphs(text) {
        let origins: Vec<Origin> = urls(&paragraph).filter_map(|url| Origin::of_url(&url).ok()).collect();
        for reference in scan(paragraph.as_bytes()).references {
            let known = found.entry(reference.name).or_default();
            for origin in &origins {
                if !known.contains(origin) {
                    known.push(origin.clone());
                }
            }
        }
    }
    found
}

/// Commands and blocks: cut at empty lines and before each line that begins a command.
fn paragraphs(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut continued = false;
    for line in text.lines() {
        let first = line.split_whitespace().next().unwrap_or_default();
        let starts =
            !continued && (first.is_empty() || ["curl", "subrosa", "http", "https", "xh"].contains(&first));
        if starts {
            all.push(String::new());
        }
        if let Some(last) = all.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
        continued = line.trim_end().ends_with('\\');
    }
    all
}

/// Scheme, host and port of each absolute URL; what follows may hold references.
fn urls(text: &str) -> impl Iterator<Item = String> {
    ["https://", "http://", "wss://", "ws://"].into_iter().flat_map(move |scheme| {
        text.match_indices(scheme).filter_map(move |(at, _)| {
            let before = text[..at].chars().next_back();
            if before.is_some_and(char::is_alphanumeric) {
                return None;
            }
            let rest = &text[at + scheme.len()..];
            let end =
                rest.find(|letter: char| letter.is_whitespace() || "/?#'\"`<>{}|\\^,;)(".contains(letter));
            let authority = &rest[..end.unwrap_or(rest.len())];
            Some(format!("{scheme}{authority}/"))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposed(text: &str) -> Vec<(String, Vec<String>)> {
        let all = proposals(text).into_iter();
        all.map(|(name, origins)| (name.to_string(), origins.iter().map(ToString::to_string).collect()))
            .collect()
    }

    #[test]
    fn a_command_gives_its_host_to_its_references() {
        let text = "curl https://api.example.com/v1 \\\n  -H 'A: <<vault:a>>'\ncurl 'http://localhost:8080/x?k={{vault:b}}'\n";
        assert_eq!(
            proposed(text),
            [
                ("a".into(), vec!["https://api.example.com".into()]),
                ("b".into(), vec!["http://localhost:8080".into()])
            ]
        );
    }

    #[test]
    fn text_without_hosts_or_references_proposes_nothing_to_allow() {
        assert!(proposed("see https://example.com\n").is_empty());
        assert_eq!(proposed("key = <<vault:a>>\n"), [("a".into(), vec![])]);
        assert_eq!(proposed("https://evil.example@[x <<vault:a>>\n"), [("a".into(), vec![])]);
    }
}
