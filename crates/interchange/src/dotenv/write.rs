//! Writing variables so that every reader gets the same value.

use std::io::{self, Write};

use subrosa_secret::SecretValue;

use super::names;
use crate::item::check_unlinked;
use crate::{InterchangeError, Item, Items, Notice, Notices, Outgoing, Place};

/// What python-dotenv takes off at the end of a value, and Rust does not call white space.
const PYTHON_SPACE: [char; 4] = ['\u{1c}', '\u{1d}', '\u{1e}', '\u{1f}'];
/// What JavaScript calls white space, and Rust does not.
const SCRIPT_SPACE: char = '\u{feff}';

/// Writes `NAME=value` lines that python-dotenv and the npm package dotenv read back byte for byte, without expansion.
///
/// Such a file holds names and values alone: descriptions, tags, hosts and earlier values are not in it, and a secret
/// without a value is left out.
///
/// # Errors
/// [`InterchangeError::Unwritable`] for a value that this notation cannot hold, such as binary ones or both kinds of
/// quotes over several lines, for links, and for two names that would become one variable.
pub fn write(items: &Items) -> Result<Outgoing<'_>, InterchangeError> {
    check_unlinked(items, "dotenv")?;
    names::check(items)?;
    let mut notices = Notices::default();
    for item in items.iter() {
        check(&item, &mut notices)?;
    }
    Ok(Outgoing::new(notices, |out| items.iter().try_for_each(|item| emit(&item, out))))
}

/// Says what is lost, and refuses what cannot be written.
fn check(item: &Item, notices: &mut Notices) -> Result<(), InterchangeError> {
    let name = item.name.as_str();
    let mut notice = |text: String| notices.push(Notice { place: Place::File, text });
    let variable = names::variable(name);
    if variable != name {
        notice(format!("{name} is written as {variable}"));
    }
    let Some(value) = &item.value else {
        notice(format!("{name} has no value and is left out"));
        return Ok(());
    };
    let text = text(value).ok_or_else(|| unwritable(name, "it is no text"))?;
    if text.contains("${") {
        notice(format!("{name} holds '${{', which python-dotenv expands unless told not to"));
    }
    if !item.policy.enabled {
        notice(format!("{name} is disabled, which dotenv cannot say"));
    }
    match quotes(text) {
        Some(_) => Ok(()),
        None => Err(unwritable(name, "no way of quoting it is read alike by all programs")),
    }
}

fn text(value: &SecretValue) -> Option<&str> {
    str::from_utf8(value.expose_secret()).ok().filter(|text| !text.contains('\0'))
}

/// One line, of an item that was checked.
fn emit(item: &Item, out: &mut dyn Write) -> io::Result<()> {
    let Some(text) = item.value.as_ref().and_then(text) else { return Ok(()) };
    let Some(quote) = quotes(text) else { return Ok(()) };
    write!(out, "{}={quote}", names::variable(item.name.as_str()))?;
    // a line break of this kind stands within double quotes alone
    for (at, part) in text.split('\r').enumerate() {
        out.write_all(if at == 0 { b"" } else { b"\\r" })?;
        out.write_all(part.as_bytes())?;
    }
    writeln!(out, "{quote}")
}

fn unwritable(name: &str, why: &str) -> InterchangeError {
    InterchangeError::Unwritable { what: format!("dotenv cannot hold the value of {name}: {why}") }
}

/// What the value stands in, in the plainest notation that keeps it; `None` if there is none.
fn quotes(value: &str) -> Option<&'static str> {
    match () {
        () if !value.is_empty() && value.bytes().all(is_plain) => Some(""),
        () if fits_single(value) => Some("'"),
        () if fits_double(value) => Some("\""),
        () if fits_bare(value) => Some(""),
        () => None,
    }
}

/// Nothing that a shell would look at either.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_./:@%+,=-".contains(&byte)
}

fn fits_single(value: &str) -> bool {
    !value.contains(['\'', '\r']) && !has_escape(value, |_| false)
}

fn fits_double(value: &str) -> bool {
    !value.contains('"') && !has_escape(value, |next| b"abfnrtv".contains(&next))
}

/// Whether a backslash stands before something that gives it a meaning: the end, another one, a quote, or `more`.
fn has_escape(value: &str, more: impl Fn(u8) -> bool) -> bool {
    let bytes = value.as_bytes();
    memchr::memchr_iter(b'\\', bytes)
        .any(|at| bytes.get(at + 1).is_none_or(|next| b"\\'\"\r".contains(next) || more(*next)))
}

fn fits_bare(value: &str) -> bool {
    let is_space = |c: char| c.is_whitespace() || c == SCRIPT_SPACE || PYTHON_SPACE.contains(&c);
    !value.is_empty()
        && !value.contains(['\n', '\r', '#'])
        && !value.starts_with(|c: char| is_space(c) || "'\"`".contains(c))
        && !value.ends_with(is_space)
}
