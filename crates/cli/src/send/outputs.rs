//! Which file a response goes to.

use super::glob::Expansion;
use super::transfers::Output;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use std::ffi::OsStr;
use std::path::PathBuf;

/// The file of a URL's response; `None` is standard output.
pub(super) fn path(output: &Output, found: &Expansion) -> Outcome<Option<PathBuf>> {
    Ok(match output {
        Output::Stdout => None,
        Output::File(file) if file == "-" => None,
        Output::File(file) => Some(named(file, &found.matched)),
        Output::RemoteName => Some(PathBuf::from(remote_name(&found.url)?)),
    })
}

/// `#1` in a file's name is what the first pattern of the URL became.
fn named(file: &OsStr, matched: &[String]) -> PathBuf {
    let Some(text) = file.to_str() else { return PathBuf::from(file) };
    let named = matched.iter().enumerate().rev();
    PathBuf::from(named.fold(text.to_owned(), |text, (at, part)| text.replace(&format!("#{}", at + 1), part)))
}

/// The last part of a URL's path, as it is written there.
fn remote_name(url: &str) -> Outcome<String> {
    let refused = |why: &str| {
        let text = format!("-O: the last part of the path of {url} {why}; nothing was sent");
        Err(Failure::new(Exit::WRITE_ERROR, text).hint("-o FILE names the file"))
    };
    let url = opaque(url);
    let after_scheme = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let end = after_scheme.find(['?', '#']).unwrap_or(after_scheme.len());
    let path = after_scheme[..end].split_once('/').map_or("", |(_, path)| path);
    match path.rsplit(['/', '\\']).next().unwrap_or_default() {
        "" | "." | ".." => refused("is no name of a file"),
        name if name.contains(REFERENCE) => refused("holds a reference"),
        name => Ok(name.to_owned()),
    }
}

const REFERENCE: char = '\0';

/// The URL with one letter for each reference: a name such as `<<vault:a/b>>` holds what divides a URL.
fn opaque(url: &str) -> String {
    let mut text = String::with_capacity(url.len());
    let mut at = 0;
    for span in subrosa_secret::scan(url.as_bytes()).references.into_iter().map(|reference| reference.span) {
        text.push_str(&url[at..span.start]);
        text.push(REFERENCE);
        at = span.end;
    }
    text.push_str(&url[at..]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_name_is_the_last_part_of_the_path() {
        for (url, name) in [
            ("http://h/a/b%20c?x=/1#/f", "b%20c"),
            ("h/a", "a"),
            ("https://h/<<vault:a/b>>/c?key=<<vault:k>>", "c"),
        ] {
            assert_eq!(remote_name(url).unwrap(), name, "{url}");
        }
        for url in
            ["http://h", "http://h/", "h/a/", "http://h?x=/y", "http://h/a/..", "http://h/<<vault:a>>.txt"]
        {
            let failure = remote_name(url).unwrap_err();
            assert_eq!(failure.exit(), Exit::WRITE_ERROR, "{url}");
        }
    }

    #[test]
    fn patterns_name_files() {
        let matched = ["a".to_owned(), "1".to_owned()];
        assert_eq!(named(OsStr::new("#1_#2#3"), &matched), PathBuf::from("a_1#3"));
    }
}
