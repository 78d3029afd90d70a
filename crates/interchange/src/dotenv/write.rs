//! Writing variables so that every reader gets the same value.

use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use super::names::variables;
use crate::item::{Written, check_unlinked};
use crate::{InterchangeError, Item, Notice, Place};

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
pub fn write(items: &[Item]) -> Result<Written, InterchangeError> {
    check_unlinked(items, "dotenv")?;
    let mut notices = Vec::new();
    let names = variables(items, &mut notices)?;
    let len = items.iter().zip(&names).map(|(item, name)| {
        // a value of nothing but carriage returns doubles
        name.len() + 4 + item.value.as_ref().map_or(0, SecretValue::len) * 2
    });
    let mut bytes = Zeroizing::new(Vec::with_capacity(len.sum()));
    for (item, variable) in items.iter().zip(&names) {
        let name = &item.name;
        let mut notice = |text: String| notices.push(Notice { place: Place::File, text });
        let Some(value) = &item.value else {
            notice(format!("{name} has no value and is left out"));
            continue;
        };
        let text = str::from_utf8(value.expose_secret()).ok().filter(|text| !text.contains('\0'));
        let text = text.ok_or_else(|| unwritable(name.as_str(), "it is no text"))?;
        if text.contains("${") {
            notice(format!("{name} holds '${{', which python-dotenv expands unless told not to"));
        }
        if !item.policy.enabled {
            notice(format!("{name} is disabled, which dotenv cannot say"));
        }
        bytes.extend(variable.bytes());
        bytes.push(b'=');
        push(&mut bytes, text)
            .ok_or_else(|| unwritable(name.as_str(), "no way of quoting it is read alike by all programs"))?;
        bytes.push(b'\n');
    }
    Ok(Written { bytes, notices })
}

fn unwritable(name: &str, why: &str) -> InterchangeError {
    InterchangeError::Unwritable { what: format!("dotenv cannot hold the value of {name}: {why}") }
}

/// The value in the plainest notation that keeps it; `None` if there is none.
fn push(bytes: &mut Zeroizing<Vec<u8>>, value: &str) -> Option<()> {
    let (open, close) = match () {
        () if !value.is_empty() && value.bytes().all(is_plain) => ("", ""),
        () if fits_single(value) => ("'", "'"),
        () if fits_double(value) => ("\"", "\""),
        () if fits_bare(value) => ("", ""),
        () => return None,
    };
    bytes.extend(open.bytes());
    for byte in value.bytes() {
        match byte {
            // within double quotes alone, by the conditions above
            b'\r' => bytes.extend(b"\\r"),
            _ => bytes.push(byte),
        }
    }
    bytes.extend(close.bytes());
    Some(())
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
