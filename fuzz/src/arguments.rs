//! The command line of `send`, and the patterns in its URLs.

use std::ffi::OsString;
use std::ops::Range;

use subrosa_secret::scan;

use crate::send::{glob, parse};

/// Stands for a secret where somebody types one in clear.
const SECRET: &str = "hunter2-in-clear";
/// Written in a seed where the secret goes.
const HERE: u8 = b'$';

/// Words that a NUL separates; `$` stands for a secret. The answer is always the same, and no error repeats a value.
pub fn arguments(data: &[u8]) {
    if data.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()) {
        return;
    }
    let words: Vec<OsString> = data.split(|byte| *byte == 0).map(word).collect();
    match (parse::parse(words.clone()), parse::parse(words)) {
        (Ok(args), Ok(again)) => assert_eq!(format!("{args:?}"), format!("{again:?}")),
        (Err(error), Err(again)) => {
            assert_eq!(error, again);
            let said = format!("{error} {}", error.hint().unwrap_or_default());
            assert!(!said.contains(SECRET), "{said}");
        }
        _ => panic!("read once and refused once"),
    }
}

/// A word of the command line. What can be a flag's name is no place for a secret.
fn word(bytes: &[u8]) -> OsString {
    let name = if bytes.starts_with(b"--") {
        bytes.iter().position(|byte| *byte == b'=').unwrap_or(bytes.len())
    } else if bytes.starts_with(b"-") {
        bytes.len().min(2)
    } else {
        0
    };
    let mut word = bytes[..name].to_vec();
    for byte in &bytes[name..] {
        match *byte {
            HERE => word.extend_from_slice(SECRET.as_bytes()),
            byte => word.push(byte),
        }
    }
    os_string(word)
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// A URL with patterns in it: a bounded number of URLs, each with every reference in its place.
pub fn globs(data: &[u8]) {
    let pattern = String::from_utf8_lossy(data);
    let references: Vec<Range<usize>> =
        scan(pattern.as_bytes()).references.into_iter().map(|found| found.span).collect();
    let Ok(all) = glob::expand(&pattern, &references) else { return };
    assert!(!all.is_empty() && all.len() <= glob::MAX_URLS);
    let bytes: usize = all.iter().map(|one| one.url.len()).sum();
    assert!(bytes <= glob::MAX_BYTES, "{bytes} bytes of {}", pattern.len());
    assert!(all.iter().all(|one| one.matched.len() == all[0].matched.len()));
    if !pattern.contains(['{', '[', '\\']) {
        assert!(all.len() == 1 && all[0].url == pattern);
    }
    for span in &references {
        let written = &pattern[span.clone()];
        assert!(all.iter().any(|one| one.url.contains(written)), "{written} is gone");
    }
}
