//! `NAME=value`, line by line.
//!
//! There is no specification; there are programs. Where python-dotenv and the npm package dotenv agree on what a text
//! says, it is read so. Where they differ, docs/import.md lists what is done and why: a value is never cut, a text that
//! only one of them takes at all is refused, and what one of them would read otherwise is a [`Notice`]. Nothing is
//! expanded: `$HOME` is five characters.
//!
//! The code is our own since no crate tells where a value stands, which [`rewrite`] needs: `dotenvy` gives names and
//! values, always expands variables, and quotes the line that is wrong.

mod escape;
mod names;
mod rewrite;
mod scanner;
mod superseded;
mod write;

use subrosa_secret::SecretValue;

use crate::text::text;
use crate::{Contents, InterchangeError, Item, Notice, Place};

pub use rewrite::rewrite;
use scanner::{Entry, Quote, Scanner};
pub use superseded::{Superseded, superseded};
pub use write::write;

/// Reads a file of variables.
///
/// Of several values of one name the last one counts, as everywhere. An empty value is none. A value that holds a
/// reference to a secret is left out.
///
/// # Errors
/// [`InterchangeError`]: no text, or a line that is no assignment.
pub fn read(bytes: &[u8]) -> Result<Contents, InterchangeError> {
    let text = text(bytes)?;
    let mut contents = Contents::default();
    let mut scanner = Scanner::new(text);
    while let Some(entry) = scanner.next_entry()? {
        let place = Place::Line(entry.line);
        let mut notice = |text: String| contents.notices.push(Notice { place: place.clone(), text });
        let name = entry.name(text)?;
        let value = escape::decode(entry.quote, &text[entry.inner.clone()]);
        if crate::item::holds_reference(&value) {
            notice(format!("{name} holds a reference already and is left out"));
            continue;
        }
        differences(&entry, text).into_iter().for_each(&mut notice);
        let value = SecretValue::from_zeroizing(value)
            .map_err(|source| InterchangeError::Value { place: place.clone(), source })?;
        contents.items.push(&Item::new(name, Some(value).filter(|value| !value.is_empty()), place))?;
    }
    last_of_each_name(&mut contents);
    Ok(contents)
}

fn last_of_each_name(Contents { items, notices }: &mut Contents) {
    let doubles = items.doubles();
    for (_, later) in &doubles {
        let Item { name, place, .. } = items.get(*later);
        notices.push(Notice { place, text: format!("{name} was set above; the last value counts") });
    }
    notices.sort_by_line();
    items.keep_last(&doubles);
}

/// What another program would make of this value.
fn differences(entry: &Entry, text: &str) -> Vec<String> {
    let name = &text[entry.name.clone()];
    let inner = &text[entry.inner.clone()];
    let mut found = Vec::new();
    if expands(inner) {
        found.push(format!("'$' in {name} stays as it is; some programs put a variable in its place"));
    }
    if entry.quote.is_none() && inner.contains('#') {
        found.push(format!("'#' is part of {name}; the npm package dotenv ends the value before it"));
    }
    if entry.quote == Some(Quote::Backtick) {
        found.push(format!("{name} stands in backticks; python-dotenv takes them as part of the value"));
    }
    if escape::is_read_differently(entry.quote, inner) {
        found.push(format!(
            "escapes in {name} are read as python-dotenv does; the npm package dotenv keeps backslashes"
        ));
    }
    found
}

fn expands(value: &str) -> bool {
    let behind = value.split('$').skip(1);
    behind.into_iter().any(|rest| rest.starts_with(|c: char| c == '{' || c == '_' || c.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests;
