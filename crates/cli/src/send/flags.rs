//! The flags of `send`: one table, from which the parser, `--help`, completions and the man page are made.
//!
//! Every flag that curl 8 knows stands here, in [`wire_flags`] or in [`curl_only`]: those that mean the same as in curl, those that
//! are accepted because they ask for what happens anyway, and those that `send` does not have, with the reason. So
//! a flag is never ignored in silence and never mistaken for an unknown one.

use super::{curl_only, wire_flags};
use Section::*;
use Support::*;
use Takes::*;

/// Names a flag that `send` acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Id {
    AbstractUnixSocket,
    Anyauth,
    Ask,
    Audit,
    Basic,
    Cache,
    Cacert,
    Capture,
    Cert,
    CertType,
    Certs,
    Color,
    Compressed,
    ConnectTimeout,
    ConnectTo,
    ContinueAt,
    Cookie,
    CookieJar,
    CreateDirs,
    CreateFileMode,
    Crlfile,
    Data,
    DataBinary,
    DataRaw,
    DataUrlencode,
    Digest,
    DisallowUsernameInUrl,
    DumpHeader,
    EtagCompare,
    EtagSave,
    ExpandFiles,
    Explain,
    ExplainJson,
    Expect100Timeout,
    Fail,
    FailEarly,
    FailWithBody,
    Follow,
    Form,
    FormEscape,
    FormString,
    Get,
    Globoff,
    HappyEyeballsTimeoutMs,
    Head,
    Header,
    Help,
    Http10,
    Http11,
    Http2,
    Http2PriorKnowledge,
    IgnoreContentLength,
    Include,
    Insecure,
    Interface,
    Ipv4,
    Ipv6,
    Json,
    JunkSessionCookies,
    Keep,
    KeepaliveCnt,
    KeepaliveTime,
    Key,
    KeyType,
    KeyFile,
    Keychain,
    LimitRate,
    LocalPort,
    Location,
    Mask,
    MaxFilesize,
    MaxRedirs,
    MaxTime,
    Next,
    NoAlpn,
    NoClobber,
    NoKeepalive,
    NoProgressMeter,
    Oauth2Bearer,
    Noproxy,
    Ntlm,
    Output,
    Pass,
    OutputDir,
    Passphrase,
    PassphraseFile,
    PathAsIs,
    Pinnedpubkey,
    Post301,
    Post302,
    Post303,
    Profile,
    Proto,
    ProtoDefault,
    ProtoRedir,
    Proxy,
    ProxyCacert,
    ProxyHeader,
    ProxyUser,
    Proxytunnel,
    Range,
    Rate,
    Raw,
    Recovery,
    Referer,
    Refresh,
    Refs,
    RemoteHeaderName,
    RemoteName,
    RemoteNameAll,
    RemoteTime,
    RemoveOnError,
    Request,
    RequestTarget,
    Resolve,
    Retry,
    RetryAllErrors,
    RetryConnrefused,
    RetryDelay,
    RetryMaxTime,
    ShowError,
    Silent,
    Socks5,
    Socks5Hostname,
    SpeedLimit,
    SpeedTime,
    SuppressConnectHeaders,
    SkipExisting,
    Stderr,
    StyledOutput,
    TimeCond,
    TlsMax,
    Tlsv12,
    Tlsv13,
    UnixSocket,
    Unmask,
    UploadFile,
    Url,
    UrlQuery,
    User,
    UserAgent,
    Vault,
    VaultLiteral,
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
    pub(crate) const ALL: [Self; 6] = [Request, Body, Connection, Response, Secrets, General];

    /// The word for it behind `--help`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Request => "request",
            Body => "body",
            Connection => "connection",
            Response => "response",
            Secrets => "secrets",
            General => "general",
        }
    }

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
    SUPPORTED.iter().chain(wire_flags::FLAGS).chain(curl_only::FLAGS)
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

pub(super) const fn flag(
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
    flag(Some('u'), "user", Value("USER:PASSWORD"), Yes(Id::User), Request, "user and password, told by Basic; without ':' the password is asked for"),
    flag(None, "basic", Switch, Yes(Id::Basic), Request, "with -u, Basic authentication [default]"),
    flag(None, "digest", Switch, Yes(Id::Digest), Request, "with -u, Digest authentication; the password itself stays here"),
    flag(None, "ntlm", Switch, Yes(Id::Ntlm), Request, "with -u '[DOMAIN\\]USER:PASSWORD', NTLM authentication (NTLMv2), over HTTP/1.1"),
    flag(None, "anyauth", Switch, Yes(Id::Anyauth), Request, "with -u, the best of Digest, NTLM and Basic that the server asks for"),
    flag(None, "oauth2-bearer", Value("TOKEN"), Yes(Id::Oauth2Bearer), Request, "Authorization: Bearer TOKEN"),
    flag(Some('A'), "user-agent", Value("TEXT"), Yes(Id::UserAgent), Request, "the User-Agent header; an empty text sends none"),
    flag(Some('e'), "referer", Value("URL"), Yes(Id::Referer), Request, "the Referer header"),
    flag(Some('b'), "cookie", Value("DATA|FILE"), Yes(Id::Cookie), Request, "cookies to send, 'a=1; b=2', or a cookie file to begin with; '' begins with none"),
    flag(Some('c'), "cookie-jar", Value("FILE"), Yes(Id::CookieJar), Request, "keep cookies, and write them to this file in the end, which only you can read"),
    flag(Some('j'), "junk-session-cookies", Switch, Yes(Id::JunkSessionCookies), Request, "leave out the cookies of an earlier session"),
    flag(Some('r'), "range", Value("RANGE"), Yes(Id::Range), Request, "only this part of what is there, '0-499'"),
    flag(Some('C'), "continue-at", Value("OFFSET"), Yes(Id::ContinueAt), Request, "go on with a download or an upload at this byte; '-' looks where the file ends"),
    flag(Some('I'), "head", Nothing, Yes(Id::Head), Request, "a HEAD request; shows the headers"),
    flag(Some('G'), "get", Switch, Yes(Id::Get), Request, "put the data into the query of the URL"),
    flag(None, "url", Value("URL"), Yes(Id::Url), Request, "the URL, for one that starts with a dash"),
    flag(None, "path-as-is", Switch, Yes(Id::PathAsIs), Request, "leave . and .. in the path of the URL"),
    flag(None, "url-query", Value("DATA"), Yes(Id::UrlQuery), Request, "add to the query, encoded as --data-urlencode does; '+text' as it is"),
    flag(Some('g'), "globoff", Switch, Yes(Id::Globoff), Request, "take {a,b} and [1-9] in URLs literally"),
    flag(Some(':'), "next", Nothing, Yes(Id::Next), Request, "begin another request with flags of its own"),

    flag(Some('d'), "data", Value("DATA|@FILE"), Yes(Id::Data), Body, "body; several are joined with '&', line breaks of files are dropped"),
    flag(None, "data-ascii", Value("DATA|@FILE"), Yes(Id::Data), Body, "the same as --data"),
    flag(None, "data-raw", Value("DATA"), Yes(Id::DataRaw), Body, "body, '@' means nothing"),
    flag(None, "data-binary", Value("DATA|@FILE"), Yes(Id::DataBinary), Body, "body, files as they are"),
    flag(None, "data-urlencode", Value("[NAME][=|@]DATA"), Yes(Id::DataUrlencode), Body, "body, the data percent-encoded"),
    flag(Some('F'), "form", Value("NAME=CONTENT"), Yes(Id::Form), Body, "a part of a form, 'name=text', 'name=@file' or 'name=<file', then ;type= ;filename= ;headers= ;encoder="),
    flag(None, "form-string", Value("NAME=TEXT"), Yes(Id::FormString), Body, "a part of a form, all of it text"),
    flag(None, "form-escape", Switch, Yes(Id::FormEscape), Body, "quotes in the names of a form as in mail, with a backslash"),
    flag(Some('T'), "upload-file", Value("FILE"), Yes(Id::UploadFile), Body, "PUT this file; '-' is standard input; a URL that ends in '/' gets the file's name"),
    flag(None, "expect100-timeout", Value("SECONDS"), Yes(Id::Expect100Timeout), Body, "how long a server may take to ask for a large body, which is sent then [default: 1]"),
    flag(None, "json", Value("DATA|@FILE"), Yes(Id::Json), Body, "JSON body with the headers for it; several are concatenated"),

    flag(Some('L'), "location", Switch, Yes(Id::Location), Connection, "follow redirects; rules are judged anew at every hop"),
    flag(None, "max-redirs", Value("NUMBER"), Yes(Id::MaxRedirs), Connection, "at most so many redirects, -1 for any number [default: 50]"),
    flag(None, "post301", Switch, Yes(Id::Post301), Connection, "a POST stays one after a 301"),
    flag(None, "post302", Switch, Yes(Id::Post302), Connection, "a POST stays one after a 302"),
    flag(None, "post303", Switch, Yes(Id::Post303), Connection, "a POST stays one after a 303"),
    flag(Some('m'), "max-time", Value("SECONDS"), Yes(Id::MaxTime), Connection, "at most so long for everything"),
    flag(None, "connect-timeout", Value("SECONDS"), Yes(Id::ConnectTimeout), Connection, "at most so long for connecting"),
    flag(None, "retry", Value("NUMBER"), Yes(Id::Retry), Connection, "try again so often after a timeout or status 408, 429, 500, 502, 503, 504"),
    flag(None, "retry-delay", Value("SECONDS"), Yes(Id::RetryDelay), Connection, "wait so long before each attempt [default: 1, 2, 4 ...]"),
    flag(None, "retry-max-time", Value("SECONDS"), Yes(Id::RetryMaxTime), Connection, "begin no attempt after so long"),
    flag(None, "retry-connrefused", Switch, Yes(Id::RetryConnrefused), Connection, "try again as well when nobody listens"),
    flag(None, "retry-all-errors", Switch, Yes(Id::RetryAllErrors), Connection, "try again after any failed transfer"),
    flag(None, "limit-rate", Value("BYTES"), Yes(Id::LimitRate), Connection, "receive at most so many bytes a second; 200k, 1M"),
    flag(None, "rate", Value("NUMBER/UNIT"), Yes(Id::Rate), Connection, "start at most so many requests: 2/s, 10/m, 100/h, 1000/d"),
    flag(Some('k'), "insecure", Switch, Yes(Id::Insecure), Connection, "do not check certificates; with a secret only on loopback or where config.toml allows it"),
    flag(None, "cacert", Value("FILE"), Yes(Id::Cacert), Connection, "trust these authorities (PEM) instead of the system's; with a secret only where -k may be"),
    flag(Some('E'), "cert", Value("FILE[:PASS]"), Yes(Id::Cert), Connection, "client certificate (PEM, DER or P12); the passphrase may be '<<vault:name>>'"),
    flag(None, "cert-type", Value("TYPE"), Yes(Id::CertType), Connection, "PEM, DER or P12; without it PEM and P12 are told apart by themselves"),
    flag(None, "key", Value("FILE"), Yes(Id::Key), Connection, "key of the client certificate; encrypted ones as PKCS #8"),
    flag(None, "key-type", Value("TYPE"), Yes(Id::KeyType), Connection, "PEM, DER or P12"),
    flag(None, "pass", Value("PASS"), Yes(Id::Pass), Connection, "passphrase of the key, as '<<vault:name>>'; '-' asks for it or reads standard input"),
    flag(None, "certs", Switch, Yes(Id::Certs), Connection, "use what 'subrosa cert' and 'subrosa ca' keep for a host [default]; --no-certs leaves it"),
    flag(None, "resolve", Value("HOST:PORT:ADDRESS"), Yes(Id::Resolve), Connection, "take this address for the host; with a secret only where -k may be"),
    flag(None, "connect-to", Value("HOST:PORT:HOST:PORT"), Yes(Id::ConnectTo), Connection, "connect to the second for the first; with a secret only where -k may be"),
    flag(Some('x'), "proxy", Value("[SCHEME://]HOST[:PORT]"), Yes(Id::Proxy), Connection, "go through this proxy (http, https, socks5, socks5h); with a secret only where config.toml allows it"),
    flag(Some('U'), "proxy-user", Value("USER:PASSWORD"), Yes(Id::ProxyUser), Connection, "who asks the proxy; references are judged by the rules for the proxy's host"),
    flag(Some('p'), "proxytunnel", Switch, Yes(Id::Proxytunnel), Connection, "ask an HTTP proxy for a tunnel for http:// as well"),
    flag(None, "noproxy", Value("HOSTS"), Yes(Id::Noproxy), Connection, "hosts that need no proxy, between commas; '*' for all"),
    flag(None, "proxy-header", Value("LINE"), Yes(Id::ProxyHeader), Connection, "a header for the proxy alone"),
    flag(None, "proxy-cacert", Value("FILE"), Yes(Id::ProxyCacert), Connection, "trust these authorities for an https proxy instead of the system's"),
    flag(None, "socks5", Value("HOST[:PORT]"), Yes(Id::Socks5), Connection, "go through this SOCKS proxy; names are looked up here"),
    flag(None, "socks5-hostname", Value("HOST[:PORT]"), Yes(Id::Socks5Hostname), Connection, "go through this SOCKS proxy; it looks names up"),
    flag(None, "suppress-connect-headers", Switch, Yes(Id::SuppressConnectHeaders), Response, "with -i, leave out what a proxy answers to a CONNECT"),
    flag(None, "http1.1", Nothing, Yes(Id::Http11), Connection, "HTTP/1.1"),
    flag(None, "http2", Nothing, Yes(Id::Http2), Connection, "HTTP/2 where the server offers it (https)"),

    flag(Some('o'), "output", Value("FILE"), Yes(Id::Output), Response, "write the body to a file, byte for byte; '-' is standard output"),
    flag(Some('O'), "remote-name", Switch, Yes(Id::RemoteName), Response, "write the body to a file named as the last part of the URL's path"),
    flag(None, "remote-name-all", Switch, Yes(Id::RemoteNameAll), Response, "-O for every URL that follows and has no -o"),
    flag(Some('J'), "remote-header-name", Switch, Yes(Id::RemoteHeaderName), Response, "with -O, take the name that the server gives; never over a file that is there"),
    flag(None, "output-dir", Value("FOLDER"), Yes(Id::OutputDir), Response, "the folder for the files of -o and -O"),
    flag(None, "create-dirs", Switch, Yes(Id::CreateDirs), Response, "make the folders that the files need"),
    flag(None, "create-file-mode", Value("MODE"), Yes(Id::CreateFileMode), Response, "permissions of new files, in octal [default: 0644]"),
    flag(None, "no-clobber", Switch, Yes(Id::NoClobber), Response, "write over no file: NAME.1, NAME.2 ... instead"),
    flag(None, "skip-existing", Switch, Yes(Id::SkipExisting), Response, "send nothing where the file is there"),
    flag(None, "remove-on-error", Switch, Yes(Id::RemoveOnError), Response, "remove the file of a transfer that failed"),
    flag(Some('R'), "remote-time", Switch, Yes(Id::RemoteTime), Response, "give the file the time of Last-Modified"),
    flag(None, "max-filesize", Value("BYTES"), Yes(Id::MaxFilesize), Response, "exit with 63 when the body is longer; 200k, 1M"),
    flag(Some('D'), "dump-header", Value("FILE"), Yes(Id::DumpHeader), Response, "write the headers of the response to a file; '-' is standard output"),
    flag(Some('i'), "include", Switch, Yes(Id::Include), Response, "show the headers of the response as well"),
    flag(Some('f'), "fail", Switch, Yes(Id::Fail), Response, "exit with 22 and show no body when the status is 400 or more"),
    flag(None, "fail-with-body", Switch, Yes(Id::FailWithBody), Response, "exit with 22 when the status is 400 or more, and show the body"),
    flag(None, "fail-early", Switch, Yes(Id::FailEarly), Response, "end with the first request that fails"),
    flag(Some('w'), "write-out", Value("FORMAT|@FILE"), Yes(Id::WriteOut), Response, "show this afterwards, e.g. '%{http_code} %{time_total}\\n'"),
    flag(None, "compressed", Switch, Yes(Id::Compressed), Response, "ask for a compressed response and decompress it"),
    flag(Some('v'), "verbose", Switch, Yes(Id::Verbose), Response, "show the request and the response on standard error, secrets masked"),
    flag(Some('s'), "silent", Switch, Yes(Id::Silent), Response, "no error messages for a request that fails"),
    flag(Some('S'), "show-error", Switch, Yes(Id::ShowError), Response, "with -s, error messages nonetheless"),
    flag(None, "no-progress-meter", Switch, Yes(Id::NoProgressMeter), Response, "no line on the terminal that says how far a long transfer is"),
    flag(None, "styled-output", Switch, Yes(Id::StyledOutput), Response, "on a terminal: names of headers in bold, JSON indented and coloured [default]"),
    flag(None, "stderr", Value("FILE"), Yes(Id::Stderr), Response, "write what goes to standard error to a file; '-' is standard output"),

    flag(None, "with", Value("NAME=-"), Yes(Id::With), Secrets, "a value for this call only, read from the terminal or standard input"),
    flag(None, "keep", Switch, Yes(Id::Keep), Secrets, "store the values of --with in the vault as well"),
    flag(None, "vault-literal", Value("NAME=PLACE"), Yes(Id::VaultLiteral), Secrets, "make a secret of what stands in header:NAME, query:NAME, cookie:NAME, user or user:password"),
    flag(None, "refs", Switch, Yes(Id::Refs), Secrets, "resolve references [default]; --no-refs sends text as it is"),
    flag(None, "expand-files", Switch, Yes(Id::ExpandFiles), Secrets, "resolve references in files as well; --no-expand-files sends files as they are"),
    flag(None, "capture", Value("NAME=JSONPATH"), Yes(Id::Capture), Secrets, "store a value of the answer, which may go to its origin then"),
    flag(None, "explain", Switch, Yes(Id::Explain), Secrets, "show what would be sent where, by which rules; nothing is sent and no value opened"),
    flag(None, "explain-json", Switch, Yes(Id::ExplainJson), Secrets, "the same as JSON, schema explain/1"),
    flag(None, "mask", Switch, Yes(Id::Mask), Secrets, "mask secrets in a body that goes to a pipe or a file"),
    flag(None, "unmask", Switch, Yes(Id::Unmask), Secrets, "show secrets in a body on the terminal"),
    flag(None, "refresh", Switch, Yes(Id::Refresh), Secrets, "look linked secrets up anew, whatever is cached"),
    flag(None, "cache", Switch, Yes(Id::Cache), Secrets, "keep what is looked up [default]; --no-cache looks it up anew and keeps nothing"),
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
    flag(Some('h'), "help", Nothing, Yes(Id::Help), General, "this help; 'category' behind it lists groups of flags, the name of one shows that alone"),
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
