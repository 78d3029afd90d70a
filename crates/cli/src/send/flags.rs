//! The flags of `send`: one table, from which the parser, `--help`, completions and the man page are made.
//!
//! Every flag that curl 8 knows stands here or in [`curl_only`]: those that mean the same as in curl, those that
//! are accepted because they ask for what happens anyway, and those that `send` does not have, with the reason. So
//! a flag is never ignored in silence and never mistaken for an unknown one.

use super::curl_only;
use Section::*;
use Support::*;
use Takes::*;

/// Names a flag that `send` acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Id {
    Ask,
    Audit,
    Cacert,
    Cert,
    Color,
    Compressed,
    ConnectTimeout,
    ConnectTo,
    Cookie,
    Data,
    DataBinary,
    DataRaw,
    DataUrlencode,
    ExpandFiles,
    Fail,
    FailEarly,
    FailWithBody,
    Get,
    Globoff,
    Head,
    Header,
    Help,
    Http11,
    Http2,
    Include,
    Insecure,
    Json,
    Keep,
    Key,
    KeyFile,
    Keychain,
    Location,
    Mask,
    MaxRedirs,
    MaxTime,
    Next,
    Oauth2Bearer,
    Output,
    Passphrase,
    PassphraseFile,
    Profile,
    Range,
    Recovery,
    Referer,
    Refs,
    RemoteName,
    RemoteNameAll,
    Request,
    Resolve,
    ShowError,
    Silent,
    Unmask,
    Url,
    UrlQuery,
    User,
    UserAgent,
    Vault,
    Verbose,
    With,
    WriteOut,
}

/// Whether a flag is followed by a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// On or off: `--name`, and `--no-name` for the opposite.
    Switch,
    /// No value, and no opposite.
    Nothing,
    /// One value, shown under this name.
    Value(&'static str),
}

/// What `send` does with a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Support {
    Yes(Id),
    /// Accepted: it asks for what happens anyway.
    Already,
    /// curl's, useful here too, not done yet.
    Planned,
    /// curl's, and not to be had here for this reason.
    Never(&'static str),
}

/// Groups of `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Request,
    Body,
    Connection,
    Response,
    Secrets,
    General,
}

impl Section {
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Request => "Request",
            Body => "Body",
            Connection => "Connection and trust",
            Response => "Response",
            Secrets => "Secrets",
            General => "General",
        }
    }
}

/// One flag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag {
    /// without the two dashes
    pub(crate) long: &'static str,
    pub(crate) short: Option<char>,
    pub(crate) takes: Takes,
    pub(crate) support: Support,
    pub(crate) section: Section,
    pub(crate) help: &'static str,
}

impl Flag {
    /// The name that turns a switch off (`--no-x` for `--x`, `--x` for `--no-x`).
    pub(crate) fn opposite(&self) -> Option<String> {
        (self.takes == Switch).then(|| match self.long.strip_prefix("no-") {
            Some(positive) => positive.to_owned(),
            None => format!("no-{}", self.long),
        })
    }
}

/// Every flag that is known, in the order of `--help`.
pub(crate) fn all() -> impl Iterator<Item = &'static Flag> {
    SUPPORTED.iter().chain(curl_only::FLAGS)
}

pub(crate) fn by_short(letter: char) -> Option<&'static Flag> {
    all().find(|flag| flag.short == Some(letter))
}

/// The flag of a long name, and whether the name switches it on.
pub(crate) fn by_long(name: &str) -> Option<(&'static Flag, bool)> {
    if let Some(flag) = all().find(|flag| flag.long == name) {
        return Some((flag, true));
    }
    all().find(|flag| flag.opposite().as_deref() == Some(name)).map(|flag| (flag, false))
}

const fn flag(
    short: Option<char>,
    long: &'static str,
    takes: Takes,
    support: Support,
    section: Section,
    help: &'static str,
) -> Flag {
    Flag { long, short, takes, support, section, help }
}

#[rustfmt::skip]
const SUPPORTED: &[Flag] = &[
    flag(Some('X'), "request", Value("METHOD"), Yes(Id::Request), Request, "the request method"),
    flag(Some('H'), "header", Value("LINE|@FILE"), Yes(Id::Header), Request, "a header; 'Name:' removes one that is sent by itself, 'Name;' sends it empty"),
    flag(Some('u'), "user", Value("USER:PASSWORD"), Yes(Id::User), Request, "Basic authentication; without ':' the password is asked for"),
    flag(None, "oauth2-bearer", Value("TOKEN"), Yes(Id::Oauth2Bearer), Request, "Authorization: Bearer TOKEN"),
    flag(Some('A'), "user-agent", Value("TEXT"), Yes(Id::UserAgent), Request, "the User-Agent header; an empty text sends none"),
    flag(Some('e'), "referer", Value("URL"), Yes(Id::Referer), Request, "the Referer header"),
    flag(Some('b'), "cookie", Value("DATA"), Yes(Id::Cookie), Request, "cookies to send, 'a=1; b=2'"),
    flag(Some('r'), "range", Value("RANGE"), Yes(Id::Range), Request, "only this part of what is there, '0-499'"),
    flag(Some('I'), "head", Nothing, Yes(Id::Head), Request, "a HEAD request; shows the headers"),
    flag(Some('G'), "get", Switch, Yes(Id::Get), Request, "put the data into the query of the URL"),
    flag(None, "url", Value("URL"), Yes(Id::Url), Request, "the URL, for one that starts with a dash"),
    flag(None, "url-query", Value("DATA"), Yes(Id::UrlQuery), Request, "add to the query, encoded as --data-urlencode does; '+text' as it is"),
    flag(Some('g'), "globoff", Switch, Yes(Id::Globoff), Request, "take {a,b} and [1-9] in URLs literally"),
    flag(Some(':'), "next", Nothing, Yes(Id::Next), Request, "begin another request with flags of its own"),

    flag(Some('d'), "data", Value("DATA|@FILE"), Yes(Id::Data), Body, "body; several are joined with '&', line breaks of files are dropped"),
    flag(None, "data-ascii", Value("DATA|@FILE"), Yes(Id::Data), Body, "the same as --data"),
    flag(None, "data-raw", Value("DATA"), Yes(Id::DataRaw), Body, "body, '@' means nothing"),
    flag(None, "data-binary", Value("DATA|@FILE"), Yes(Id::DataBinary), Body, "body, files as they are"),
    flag(None, "data-urlencode", Value("[NAME][=|@]DATA"), Yes(Id::DataUrlencode), Body, "body, the data percent-encoded"),
    flag(None, "json", Value("DATA|@FILE"), Yes(Id::Json), Body, "JSON body with the headers for it; several are concatenated"),

    flag(Some('L'), "location", Switch, Yes(Id::Location), Connection, "follow redirects; rules are judged anew at every hop"),
    flag(None, "max-redirs", Value("NUMBER"), Yes(Id::MaxRedirs), Connection, "at most so many redirects, -1 for any number [default: 50]"),
    flag(Some('m'), "max-time", Value("SECONDS"), Yes(Id::MaxTime), Connection, "at most so long for everything"),
    flag(None, "connect-timeout", Value("SECONDS"), Yes(Id::ConnectTimeout), Connection, "at most so long for connecting"),
    flag(Some('k'), "insecure", Switch, Yes(Id::Insecure), Connection, "do not check certificates; with a secret only on loopback or where config.toml allows it"),
    flag(None, "cacert", Value("FILE"), Yes(Id::Cacert), Connection, "trust these authorities (PEM) instead of the system's; with a secret only where -k may be"),
    flag(Some('E'), "cert", Value("FILE"), Yes(Id::Cert), Connection, "client certificate (PEM)"),
    flag(None, "key", Value("FILE"), Yes(Id::Key), Connection, "key of the client certificate (PEM)"),
    flag(None, "resolve", Value("HOST:PORT:ADDRESS"), Yes(Id::Resolve), Connection, "take this address for the host; with a secret only where -k may be"),
    flag(None, "connect-to", Value("HOST:PORT:HOST:PORT"), Yes(Id::ConnectTo), Connection, "connect to the second for the first; with a secret only where -k may be"),
    flag(None, "http1.1", Nothing, Yes(Id::Http11), Connection, "HTTP/1.1"),
    flag(None, "http2", Nothing, Yes(Id::Http2), Connection, "HTTP/2 where the server offers it (https)"),

    flag(Some('o'), "output", Value("FILE"), Yes(Id::Output), Response, "write the body to a file, byte for byte; '-' is standard output"),
    flag(Some('O'), "remote-name", Switch, Yes(Id::RemoteName), Response, "write the body to a file named as the last part of the URL's path"),
    flag(None, "remote-name-all", Switch, Yes(Id::RemoteNameAll), Response, "-O for every URL that follows and has no -o"),
    flag(Some('i'), "include", Switch, Yes(Id::Include), Response, "show the headers of the response as well"),
    flag(Some('f'), "fail", Switch, Yes(Id::Fail), Response, "exit with 22 and show no body when the status is 400 or more"),
    flag(None, "fail-with-body", Switch, Yes(Id::FailWithBody), Response, "exit with 22 when the status is 400 or more, and show the body"),
    flag(None, "fail-early", Switch, Yes(Id::FailEarly), Response, "end with the first request that fails"),
    flag(Some('w'), "write-out", Value("FORMAT|@FILE"), Yes(Id::WriteOut), Response, "show this afterwards, e.g. '%{http_code} %{time_total}\\n'"),
    flag(None, "compressed", Switch, Yes(Id::Compressed), Response, "ask for a compressed response and decompress it"),
    flag(Some('v'), "verbose", Switch, Yes(Id::Verbose), Response, "show the request and the response on standard error, secrets masked"),
    flag(Some('s'), "silent", Switch, Yes(Id::Silent), Response, "no error messages for a request that fails"),
    flag(Some('S'), "show-error", Switch, Yes(Id::ShowError), Response, "with -s, error messages nonetheless"),

    flag(None, "with", Value("NAME=-"), Yes(Id::With), Secrets, "a value for this call only, read from the terminal or standard input"),
    flag(None, "keep", Switch, Yes(Id::Keep), Secrets, "store the values of --with in the vault as well"),
    flag(None, "refs", Switch, Yes(Id::Refs), Secrets, "resolve references [default]; --no-refs sends text as it is"),
    flag(None, "expand-files", Switch, Yes(Id::ExpandFiles), Secrets, "resolve references in files as well; --no-expand-files sends files as they are"),
    flag(None, "mask", Switch, Yes(Id::Mask), Secrets, "mask secrets in a body that goes to a pipe or a file"),
    flag(None, "unmask", Switch, Yes(Id::Unmask), Secrets, "show secrets in a body on the terminal"),
    flag(None, "audit", Switch, Yes(Id::Audit), Secrets, "record the use in the audit log [default]; --no-audit for read-only storage"),

    flag(None, "profile", Value("NAME"), Yes(Id::Profile), General, "the profile to look for secrets in first"),
    flag(None, "vault", Value("FOLDER"), Yes(Id::Vault), General, "the vault's folder"),
    flag(None, "key-file", Value("FILE"), Yes(Id::KeyFile), General, "unlock with the vault key in this file; '-' asks for it or reads standard input"),
    flag(None, "passphrase", Nothing, Yes(Id::Passphrase), General, "unlock with a passphrase, which is asked for"),
    flag(None, "passphrase-file", Value("FILE"), Yes(Id::PassphraseFile), General, "unlock with the passphrase in this file"),
    flag(None, "recovery", Nothing, Yes(Id::Recovery), General, "unlock with the recovery key, which is asked for"),
    flag(None, "keychain", Switch, Yes(Id::Keychain), General, "take the key from the keychain [default]; --no-keychain leaves it alone"),
    flag(None, "ask", Switch, Yes(Id::Ask), General, "ask on a terminal [default]; --no-ask makes an error of what needs an answer"),
    flag(None, "color", Value("WHEN"), Yes(Id::Color), General, "auto, always or never"),
    flag(Some('h'), "help", Nothing, Yes(Id::Help), General, "this help"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_name_stands_twice() {
        let mut longs = HashSet::new();
        let mut shorts = HashSet::new();
        for flag in all() {
            assert!(longs.insert(flag.long.to_owned()), "--{}", flag.long);
            if let Some(opposite) = flag.opposite() {
                assert!(longs.insert(opposite.clone()), "--{opposite}");
            }
            if let Some(letter) = flag.short {
                assert!(shorts.insert(letter), "-{letter}");
            }
        }
    }

    #[test]
    fn help_is_one_short_lower_case_line() {
        for flag in all() {
            assert!(flag.help.len() <= 110, "--{}: {}", flag.long, flag.help.len());
            assert!(!flag.help.ends_with('.'), "--{}", flag.long);
        }
    }
}
