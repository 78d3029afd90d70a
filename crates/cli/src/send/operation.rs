//! The flags of one operation, as given: nothing is read, opened or resolved yet. `--next` begins another one.

use super::flags::Id;
use super::transfers::{Output, Transfers};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

/// One of the flags that make up the body, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Data {
    pub(crate) kind: DataKind,
    pub(crate) text: OsString,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataKind {
    /// `-d`: `@file` without its line breaks
    Ascii,
    /// `--data-raw`: `@` means nothing
    Raw,
    /// `--data-binary`: `@file` as it is
    Binary,
    /// `--data-urlencode`
    Encoded,
    /// `--json`: like binary, but joined without `&`
    Json,
}

/// What was asked of redirects, certificates and the like stays here as text; who uses it judges it.
#[derive(Debug, Default)]
pub(crate) struct Operation {
    pub(crate) transfers: Transfers,
    pub(crate) method: Option<String>,
    pub(crate) headers: Vec<OsString>,
    pub(crate) user: Option<OsString>,
    pub(crate) bearer: Option<OsString>,
    pub(crate) user_agent: Option<OsString>,
    pub(crate) referer: Option<OsString>,
    pub(crate) cookies: Vec<OsString>,
    pub(crate) range: Option<OsString>,
    pub(crate) head: bool,
    pub(crate) get: bool,
    pub(crate) query: Vec<OsString>,
    pub(crate) globoff: bool,
    pub(crate) data: Vec<Data>,

    pub(crate) location: bool,
    /// `None` is curl's default of 50, `Some(None)` is no limit.
    pub(crate) max_redirs: Option<Option<u32>>,
    pub(crate) max_time: Option<Duration>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) way: Way,

    pub(crate) include: bool,
    pub(crate) fail: Option<Fail>,
    pub(crate) write_out: Option<OsString>,
    pub(crate) compressed: bool,

    pub(crate) no_refs: bool,
    pub(crate) expand_files: Option<bool>,
}

/// The flags that decide what kind of connection a request needs. Operations for which these are the same share
/// connections, so a flag that makes two connections differ has its place here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) insecure: bool,
    pub(crate) cacert: Option<PathBuf>,
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) resolve: Vec<String>,
    pub(crate) connect_to: Vec<String>,
    pub(crate) version: Option<Version>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http11,
    Http2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fail {
    WithoutBody,
    WithBody,
}

impl Operation {
    /// Takes a flag that has a value. The error says what is wrong with the value.
    pub(super) fn take(&mut self, id: Id, value: OsString) -> Result<(), String> {
        match id {
            Id::Request => self.method = Some(method(value)?),
            Id::Header => self.headers.push(value),
            Id::User => self.user = Some(value),
            Id::Oauth2Bearer => self.bearer = Some(value),
            Id::UserAgent => self.user_agent = Some(value),
            Id::Referer => self.referer = Some(referer(value)?),
            Id::Cookie => self.cookies.push(cookie(value)?),
            Id::Range => self.range = Some(value),
            Id::Url => self.transfers.add_url(value),
            Id::UrlQuery => self.query.push(value),
            Id::Data => self.body(DataKind::Ascii, value),
            Id::DataRaw => self.body(DataKind::Raw, value),
            Id::DataBinary => self.body(DataKind::Binary, value),
            Id::DataUrlencode => self.body(DataKind::Encoded, value),
            Id::Json => self.body(DataKind::Json, value),
            Id::Output => self.transfers.set_output(Output::File(not_empty(value)?)),
            Id::WriteOut => self.write_out = Some(value),
            _ => return self.take_setting(id, value),
        }
        Ok(())
    }

    /// The flags with a value that say how to send, not what.
    fn take_setting(&mut self, id: Id, value: OsString) -> Result<(), String> {
        match id {
            Id::MaxRedirs => self.max_redirs = Some(redirects(&value)?),
            Id::MaxTime => self.max_time = seconds(&value)?,
            Id::ConnectTimeout => self.connect_timeout = seconds(&value)?,
            Id::Cacert => self.way.cacert = Some(not_empty(value)?.into()),
            Id::Cert => self.way.cert = Some(not_empty(value)?.into()),
            Id::Key => self.way.key = Some(not_empty(value)?.into()),
            Id::Resolve => self.way.resolve.push(text(value)?),
            Id::ConnectTo => self.way.connect_to.push(text(value)?),
            _ => return Err(String::from("the flag takes no value")),
        }
        Ok(())
    }

    /// Takes a flag that has none.
    pub(super) fn switch(&mut self, id: Id, on: bool) -> Result<(), String> {
        match id {
            Id::Head => self.head = on,
            Id::Get => self.get = on,
            Id::Globoff => self.globoff = on,
            Id::Location => self.location = on,
            Id::Insecure => self.way.insecure = on,
            Id::Http11 => self.way.version = Some(Version::Http11),
            Id::Http2 => self.way.version = Some(Version::Http2),
            Id::Include => self.include = on,
            Id::Fail => self.fails(Fail::WithoutBody, on)?,
            Id::FailWithBody => self.fails(Fail::WithBody, on)?,
            Id::Compressed => self.compressed = on,
            Id::RemoteName => {
                self.transfers.set_output(if on { Output::RemoteName } else { Output::Stdout });
            }
            Id::RemoteNameAll => self.transfers.remote_name_all = on,
            Id::Refs => self.no_refs = !on,
            Id::ExpandFiles => self.expand_files = Some(on),
            _ => return Err(String::from("the flag needs a value")),
        }
        Ok(())
    }

    fn body(&mut self, kind: DataKind, text: OsString) {
        self.data.push(Data { kind, text });
    }

    fn fails(&mut self, how: Fail, on: bool) -> Result<(), String> {
        match self.fail {
            Some(other) if on && other != how => {
                Err(String::from("--fail and --fail-with-body exclude each other"))
            }
            _ => {
                self.fail = on.then_some(how);
                Ok(())
            }
        }
    }
}

pub(super) fn text(value: OsString) -> Result<String, String> {
    value.into_string().map_err(|_| String::from("the value is not UTF-8 text"))
}

pub(super) fn not_empty(value: OsString) -> Result<OsString, String> {
    if value.is_empty() { Err(String::from("the value is empty")) } else { Ok(value) }
}

/// RFC 9110, section 9.1: a method is a token. curl writes anything into the request line.
fn method(value: OsString) -> Result<String, String> {
    let method = text(value)?;
    if !method.is_empty() && method.bytes().all(is_token_byte) {
        return Ok(method);
    }
    Err("the value is no request method (a word such as GET)".to_owned())
}

/// RFC 9110, section 5.6.2.
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// curl's `;auto` sends the last URL along on redirects.
fn referer(value: OsString) -> Result<OsString, String> {
    if value.as_encoded_bytes().ends_with(b";auto") {
        return Err(String::from(
            "';auto' is not supported: the URL of a request does not follow to another host",
        ));
    }
    Ok(value)
}

/// curl takes a text without `=` for the name of a cookie file.
fn cookie(value: OsString) -> Result<OsString, String> {
    if value.as_encoded_bytes().contains(&b'=') || looks_like_reference(&value) {
        return Ok(value);
    }
    Err(String::from("cookie files are not supported yet, and the value is no cookie 'name=value'"))
}

fn looks_like_reference(value: &OsStr) -> bool {
    !subrosa_secret::scan(value.as_encoded_bytes()).references.is_empty()
}

/// Seconds, with fractions; 0 means no limit, as in curl.
fn seconds(value: &OsStr) -> Result<Option<Duration>, String> {
    let wrong = || String::from("the value is not a number of seconds");
    let text = value.to_str().ok_or_else(wrong)?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(wrong());
    }
    let number: f64 = text.parse().map_err(|_| wrong())?;
    let duration = Duration::try_from_secs_f64(number).map_err(|_| wrong())?;
    Ok((!duration.is_zero()).then_some(duration))
}

fn redirects(value: &OsStr) -> Result<Option<u32>, String> {
    match value.to_str() {
        Some("-1") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| String::from("the value is not a number, nor -1")),
        None => Err(String::from("the value is not a number, nor -1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_as_curl_reads_them() {
        assert_eq!(seconds(OsStr::new("0.5")), Ok(Some(Duration::from_millis(500))));
        assert_eq!(seconds(OsStr::new("0")), Ok(None));
        for wrong in ["abc", "-1", "1.5s", "", "1e3", "inf", "NaN", "."] {
            assert!(seconds(OsStr::new(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn redirects_as_curl_reads_them() {
        assert_eq!(redirects(OsStr::new("-1")), Ok(None));
        assert_eq!(redirects(OsStr::new("7")), Ok(Some(7)));
        for wrong in ["x", "-2", ""] {
            assert!(redirects(OsStr::new(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_method_is_a_token() {
        assert_eq!(method("put".into()).as_deref(), Ok("put"));
        for wrong in ["", "pu t", "GET\r\nX: y"] {
            assert!(method(wrong.into()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn fail_and_fail_with_body_exclude_each_other_as_in_curl() {
        let mut operation = Operation::default();
        operation.switch(Id::Fail, true).unwrap();
        assert!(operation.switch(Id::FailWithBody, true).is_err());
        operation.switch(Id::Fail, false).unwrap();
        operation.switch(Id::FailWithBody, true).unwrap();
        assert_eq!(operation.fail, Some(Fail::WithBody));
    }
}
