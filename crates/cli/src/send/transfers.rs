//! Which output and which upload belongs to which URL: curl pairs the first `-o` with the first URL, the second with
//! the second, wherever they stand, and `-T` likewise.

use std::ffi::{OsStr, OsString};

/// Where the body of a response goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// where nothing else was asked for, and `--no-remote-name`
    Stdout,
    /// `-o`; `-` is standard output
    File(OsString),
    /// `-O`: the last part of the URL's path
    RemoteName,
}

/// A URL and what goes with it. Each part may come before the others.
#[derive(Debug, Default)]
struct Transfer {
    url: Option<OsString>,
    output: Option<Output>,
    /// `-T`
    upload: Option<OsString>,
    /// Whether it was begun under `--remote-name-all`.
    remote_name: bool,
}

/// The URLs of one operation.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    all: Vec<Transfer>,
    pub(crate) remote_name_all: bool,
}

impl Transfers {
    pub(crate) fn add_url(&mut self, url: OsString) {
        self.first(|transfer| transfer.url.is_none()).url = Some(url);
    }

    pub(crate) fn set_output(&mut self, output: Output) {
        self.first(|transfer| transfer.output.is_none()).output = Some(output);
    }

    pub(crate) fn set_upload(&mut self, file: OsString) {
        self.first(|transfer| transfer.upload.is_none()).upload = Some(file);
    }

    /// The first that lacks something, else a new one.
    fn first(&mut self, lacks: impl Fn(&Transfer) -> bool) -> &mut Transfer {
        let at = self.all.iter().position(lacks).unwrap_or(self.all.len());
        if at == self.all.len() {
            self.all.push(Transfer { remote_name: self.remote_name_all, ..Transfer::default() });
        }
        &mut self.all[at]
    }

    pub(crate) fn urls(&self) -> impl Iterator<Item = &OsStr> {
        self.all.iter().filter_map(|transfer| transfer.url.as_deref())
    }

    pub(crate) fn urls_mut(&mut self) -> impl Iterator<Item = &mut OsString> {
        self.all.iter_mut().filter_map(|transfer| transfer.url.as_mut())
    }

    /// Every URL with its output and what is uploaded to it.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&OsStr, Output, Option<&OsStr>)> {
        self.all.iter().filter_map(|transfer| {
            Some((transfer.url.as_deref()?, transfer.output(), transfer.upload.as_deref()))
        })
    }

    /// Whether something is uploaded.
    pub(crate) fn uploads(&self) -> bool {
        self.all.iter().any(|transfer| transfer.upload.as_ref().is_some_and(|file| !file.is_empty()))
    }

    /// Whether an output was given that no URL takes.
    pub(crate) fn has_output_to_spare(&self) -> bool {
        self.all.iter().any(|transfer| transfer.url.is_none())
    }
}

impl Transfer {
    fn output(&self) -> Output {
        let default = if self.remote_name { Output::RemoteName } else { Output::Stdout };
        self.output.clone().unwrap_or(default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> Output {
        Output::File(name.into())
    }

    fn pairs(transfers: &Transfers) -> Vec<(&str, Output)> {
        transfers.each().map(|(url, output, _)| (url.to_str().unwrap(), output)).collect()
    }

    #[test]
    fn outputs_and_urls_meet_in_order() {
        let mut transfers = Transfers::default();
        transfers.set_output(file("a"));
        transfers.add_url("u".into());
        transfers.add_url("v".into());
        transfers.set_output(Output::RemoteName);
        transfers.add_url("w".into());
        let expected = vec![("u", file("a")), ("v", Output::RemoteName), ("w", Output::Stdout)];
        assert_eq!(pairs(&transfers), expected);
        assert!(!transfers.has_output_to_spare());
    }

    #[test]
    fn the_first_of_two_outputs_is_that_of_the_only_url() {
        let mut transfers = Transfers::default();
        transfers.set_output(file("a"));
        transfers.set_output(file("b"));
        transfers.add_url("u".into());
        assert_eq!(pairs(&transfers), vec![("u", file("a"))]);
        assert!(transfers.has_output_to_spare());
    }

    #[test]
    fn uploads_meet_urls_in_order() {
        let mut transfers = Transfers::default();
        transfers.set_upload("".into());
        transfers.set_upload("f".into());
        for url in ["u", "v", "w"] {
            transfers.add_url(url.into());
        }
        let uploads: Vec<_> = transfers.each().map(|(_, _, upload)| upload.and_then(OsStr::to_str)).collect();
        assert_eq!(uploads, [Some(""), Some("f"), None]);
        assert!(transfers.uploads());
    }

    #[test]
    fn remote_name_all_holds_for_what_comes_after_it() {
        let mut transfers = Transfers::default();
        transfers.add_url("t".into());
        transfers.remote_name_all = true;
        transfers.add_url("u".into());
        transfers.set_output(Output::Stdout);
        transfers.set_output(Output::Stdout);
        transfers.add_url("v".into());
        let expected = vec![("t", Output::Stdout), ("u", Output::Stdout), ("v", Output::RemoteName)];
        assert_eq!(pairs(&transfers), expected);
    }
}
