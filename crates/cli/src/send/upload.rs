//! `-T`: which files are uploaded, and to which URL.

use super::files::{self, Files};
use super::operation::Operation;
use super::{body, glob, resume};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use std::ffi::OsStr;
use subrosa_http::{RangeHeader, RequestDraft};
use subrosa_secret::scan;

/// The files that a `-T` names, patterns expanded; a transfer without one has one `None`.
pub(super) fn files(named: Option<&OsStr>, operation: &Operation) -> Outcome<Vec<Option<String>>> {
    let Some(named) = named.filter(|name| !name.is_empty()) else { return Ok(vec![None]) };
    let wrong = |why: String| Failure::new(Exit::URL_MALFORMED, format!("-T: {why}; nothing was sent"));
    let text = named.to_str().ok_or_else(|| wrong("the name of the file is not UTF-8 text".to_owned()))?;
    if operation.globoff {
        return Ok(vec![Some(text.to_owned())]);
    }
    let expanded = glob::expand(text, &[]).map_err(|error| wrong(error.to_string()))?;
    Ok(expanded.into_iter().map(|one| Some(one.url)).collect())
}

/// Lets a request upload a file, or what is left of it.
pub(super) fn attach(file: &str, operation: &Operation, files: &Files, draft: &mut RequestDraft) -> Outcome {
    draft.data_in_query = false;
    match operation.resume {
        Some(resume) if !is_stdin(file) => return resume::upload(file, resume, files, draft),
        _ => draft.body = Some(body::upload(file, files)?),
    }
    if let Some(range) = &operation.range {
        let part = files.typed(range.as_encoded_bytes());
        draft.range = Some(RangeHeader::Sent { part, before: None });
    }
    Ok(())
}

fn is_stdin(file: &str) -> bool {
    matches!(file, "-" | ".")
}

/// The URL with the file's name behind it, if its path ends without one. Standard input has no name.
pub(super) fn url(url: &str, file: &str) -> String {
    let bytes = url.as_bytes();
    let spans = scan(bytes).references;
    let outside = |at: usize| spans.iter().all(|reference| !reference.span.contains(&at));
    let find = |from: usize, signs: &[u8]| {
        (from..bytes.len()).find(|at| signs.contains(&bytes[*at]) && outside(*at))
    };
    let authority = url.find("://").map_or(0, |at| at + 3);
    let end = find(authority, b"?#").unwrap_or(bytes.len());
    let path = find(authority, b"/").filter(|at| *at < end);
    if is_stdin(file) || (path.is_some() && bytes[end - 1] != b'/') {
        return url.to_owned();
    }
    let slash = if path.is_none() { "/" } else { "" };
    format!("{}{slash}{}{}", &url[..end], encoded(files::base_name(file.as_bytes())), &url[end..])
}

/// As curl writes a file's name into a URL: RFC 3986's unreserved characters stay.
fn encoded(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) => text.push(char::from(*byte)),
            byte => text.push_str(&format!("%{byte:02x}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_without_a_name_gets_the_files() {
        for (given, expected) in [
            ("http://h/a/", "http://h/a/f%20%c3%a4.txt"),
            ("http://h", "http://h/f%20%c3%a4.txt"),
            ("h?q=/x", "h/f%20%c3%a4.txt?q=/x"),
            ("http://h/a/?q#f", "http://h/a/f%20%c3%a4.txt?q#f"),
            ("http://h/a", "http://h/a"),
            ("http://h/<<vault:a/>>", "http://h/<<vault:a/>>"),
        ] {
            assert_eq!(url(given, "/some/where/f ä.txt"), expected, "{given}");
        }
        assert_eq!(url("http://h/", "-"), "http://h/");
    }
}
