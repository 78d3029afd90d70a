//! The flags of one operation, as given: nothing is read, opened or resolved yet. `--next` begins another one.

use super::flags::Id;
use super::literal::Role;
use super::numbers::{bytes, count, mode, redirects, seconds};
use super::saving::{Clobber, Saving};
use super::transfers::{Output, Transfers};
use super::way::Way;
use std::ffi::{OsStr, OsString};
use std::time::Duration;
use subrosa_http::{AuthMethods, KeptPost, Schemes, Slowest};

/// One of the flags that make up the body, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Data {
    pub(crate) kind: DataKind,
    pub(crate) text: OsString,
}

/// One `-F` or `--form-string`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FormText {
    pub(crate) text: OsString,
    pub(crate) literal: bool,
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
    pub(crate) auth: AuthMethods,
    pub(crate) bearer: Option<OsString>,
    pub(crate) user_agent: Option<OsString>,
    pub(crate) referer: Option<OsString>,
    pub(crate) cookies: Vec<OsString>,
    pub(crate) cookie_files: Vec<OsString>,
    pub(crate) cookie_jar: Option<OsString>,
    pub(crate) junk_session_cookies: bool,
    pub(crate) range: Option<OsString>,
    pub(crate) resume: Option<Resume>,
    pub(crate) path_as_is: bool,
    pub(crate) head: bool,
    pub(crate) get: bool,
    pub(crate) query: Vec<OsString>,
    pub(crate) globoff: bool,
    pub(crate) data: Vec<Data>,
    pub(crate) form: Vec<FormText>,
    pub(crate) form_escape: bool,
    pub(crate) expect_timeout: Option<Duration>,

    pub(crate) location: bool,
    /// `None` is curl's default of 50, `Some(None)` is no limit.
    pub(crate) max_redirs: Option<Option<u32>>,
    pub(crate) kept_post: KeptPost,
    pub(crate) max_time: Option<Duration>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) way: Way,
    /// bytes a second
    pub(crate) limit_rate: Option<u64>,
    pub(crate) max_filesize: Option<u64>,

    pub(crate) speed: Speed,
    pub(crate) schemes: Schemes,
    pub(crate) redirect_schemes: Schemes,
    /// `--proto-default`
    pub(crate) default_scheme: Option<String>,
    pub(crate) refuses_user_in_url: bool,
    pub(crate) request_target: Option<OsString>,
    pub(crate) method_by_status: bool,
    /// `-z`
    pub(crate) condition: Option<OsString>,
    pub(crate) etag_compare: Option<OsString>,
    pub(crate) etag_save: Option<OsString>,
    pub(crate) raw: bool,
    pub(crate) ignores_length: bool,

    pub(crate) retry: Retry,

    pub(crate) saving: Saving,
    pub(crate) dump_header: Option<OsString>,
    pub(crate) include: bool,
    pub(crate) fail: Option<Fail>,
    pub(crate) write_out: Option<OsString>,
    pub(crate) compressed: bool,

    pub(crate) no_refs: bool,
    /// checked
    pub(crate) captures: Vec<String>,
    pub(crate) expand_files: Option<bool>,
}

/// Where a transfer goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// At this byte.
    At(u64),
    /// `-`: where the file that is there ends.
    Auto,
}

impl Resume {
    pub(super) fn parse(value: &OsStr) -> Result<Self, String> {
        match value.to_str() {
            Some("-") => Ok(Resume::Auto),
            _ => count(value).map(Resume::At),
        }
    }
}

/// `-Y` and `-y`.
#[derive(Debug, Default)]
pub(crate) struct Speed {
    limit: Option<u64>,
    time: Option<u64>,
}

impl Speed {
    /// What a transfer is held to. Either flag has curl's default for the other.
    pub(crate) fn slowest(&self) -> Option<Slowest> {
        if self.limit.is_none() && self.time.is_none() {
            return None;
        }
        let bytes = self.limit.filter(|bytes| *bytes > 0).unwrap_or(1);
        let time = Duration::from_secs(self.time.filter(|seconds| *seconds > 0).unwrap_or(30));
        Some(Slowest { bytes, time })
    }
}

/// The flags about further attempts.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    pub(crate) count: u64,
    /// instead of the back-off
    pub(crate) delay: Option<Duration>,
    pub(crate) max_time: Option<Duration>,
    pub(crate) refused: bool,
    pub(crate) all: bool,
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
            Id::Cookie if is_cookie(&value) => self.cookies.push(value),
            Id::Cookie => self.cookie_files.push(value),
            Id::CookieJar => self.cookie_jar = Some(not_empty(value)?),
            Id::Range => self.range = Some(value),
            Id::ContinueAt => self.resume = Some(Resume::parse(&value)?),
            Id::Url => self.transfers.add_url(value),
            Id::UrlQuery => self.query.push(value),
            Id::Data => self.body(DataKind::Ascii, value),
            Id::DataRaw => self.body(DataKind::Raw, value),
            Id::DataBinary => self.body(DataKind::Binary, value),
            Id::DataUrlencode => self.body(DataKind::Encoded, value),
            Id::Json => self.body(DataKind::Json, value),
            Id::Form => self.form.push(FormText { text: value, literal: false }),
            Id::FormString => self.form.push(FormText { text: value, literal: true }),
            Id::UploadFile => self.transfers.set_upload(value),
            Id::Output => self.transfers.set_output(Output::File(not_empty(value)?)),
            Id::WriteOut => self.write_out = Some(value),
            Id::Capture => self.captures.push(capture(value)?),
            _ => return self.take_setting(id, value),
        }
        Ok(())
    }

    /// The flags with a value that say how to send, not what.
    fn take_setting(&mut self, id: Id, value: OsString) -> Result<(), String> {
        match id {
            Id::MaxRedirs => self.max_redirs = Some(redirects(&value)?),
            Id::MaxTime => self.max_time = seconds(&value)?,
            Id::Retry => self.retry.count = count(&value)?,
            Id::RetryDelay => self.retry.delay = seconds(&value)?,
            Id::RetryMaxTime => self.retry.max_time = seconds(&value)?,
            Id::LimitRate => self.limit_rate = bytes(&value)?,
            Id::MaxFilesize => self.max_filesize = bytes(&value)?,
            Id::DumpHeader => self.dump_header = Some(not_empty(value)?),
            Id::OutputDir => self.saving.folder = Some(not_empty(value)?),
            Id::CreateFileMode => self.saving.mode = mode(&value)?,
            Id::Expect100Timeout => self.expect_timeout = Some(seconds(&value)?.unwrap_or_default()),
            Id::ConnectTimeout => self.connect_timeout = seconds(&value)?,
            Id::SpeedLimit => self.speed.limit = Some(count(&value)?),
            Id::SpeedTime => self.speed.time = Some(count(&value)?),
            Id::Proto => self.schemes.change(&text(value)?),
            Id::ProtoRedir => self.redirect_schemes.change(&text(value)?),
            Id::ProtoDefault => self.default_scheme = Some(scheme(value)?),
            Id::RequestTarget => self.request_target = Some(not_empty(value)?),
            Id::TimeCond => self.condition = Some(value),
            Id::EtagCompare => self.etag_compare = Some(not_empty(value)?),
            Id::EtagSave => self.etag_save = Some(not_empty(value)?),
            _ => return self.way.take(id, value),
        }
        Ok(())
    }

    /// The texts that name a place of their own in a request, each with what it is.
    pub(super) fn texts_mut(&mut self) -> impl Iterator<Item = (Role, &mut OsString)> {
        let several = |role| move |text| (role, text);
        let urls = self.transfers.urls_mut().map(several(Role::Url));
        let rest = [
            (Role::Bearer, &mut self.bearer),
            (Role::Agent, &mut self.user_agent),
            (Role::Referer, &mut self.referer),
            (Role::User, &mut self.user),
        ];
        urls.chain(self.query.iter_mut().map(several(Role::Query)))
            .chain(self.headers.iter_mut().map(several(Role::Header)))
            .chain(self.cookies.iter_mut().map(several(Role::Cookie)))
            .chain(rest.into_iter().filter_map(|(role, text)| Some((role, text.as_mut()?))))
    }

    /// Takes a flag that has none.
    pub(super) fn switch(&mut self, id: Id, on: bool) -> Result<(), String> {
        match id {
            Id::Basic => self.auth.basic = on,
            Id::Digest => self.auth.digest = on,
            Id::Ntlm => self.auth.ntlm = on,
            Id::Anyauth => self.auth = if on { AuthMethods::ANY } else { AuthMethods::default() },
            Id::Head => self.head = on,
            Id::Get => self.get = on,
            Id::Globoff => self.globoff = on,
            Id::JunkSessionCookies => self.junk_session_cookies = on,
            Id::PathAsIs => self.path_as_is = on,
            Id::Post301 => self.kept_post.after_301 = on,
            Id::Post302 => self.kept_post.after_302 = on,
            Id::Post303 => self.kept_post.after_303 = on,
            Id::FormEscape => self.form_escape = on,
            Id::Location => self.location = on,
            Id::Follow => (self.location, self.method_by_status) = (on, on),
            Id::DisallowUsernameInUrl => self.refuses_user_in_url = on,
            Id::Raw => self.raw = on,
            Id::IgnoreContentLength => self.ignores_length = on,
            Id::Include => self.include = on,
            Id::Fail => self.fails(Fail::WithoutBody, on)?,
            Id::FailWithBody => self.fails(Fail::WithBody, on)?,
            Id::Compressed => self.compressed = on,
            Id::RemoteName => {
                self.transfers.set_output(if on { Output::RemoteName } else { Output::Stdout });
            }
            Id::RetryConnrefused => self.retry.refused = on,
            Id::RetryAllErrors => self.retry.all = on,
            Id::RemoteHeaderName => self.saving.server_names = on,
            Id::CreateDirs => self.saving.create_folders = on,
            Id::NoClobber => self.saving.clobber = if on { Clobber::Never } else { Clobber::Always },
            Id::SkipExisting => self.saving.skip_existing = on,
            Id::RemoveOnError => self.saving.remove_on_error = on,
            Id::RemoteTime => self.saving.server_time = on,
            Id::RemoteNameAll => self.transfers.remote_name_all = on,
            Id::Refs => self.no_refs = !on,
            Id::ExpandFiles => self.expand_files = Some(on),
            _ => return self.way.switch(id, on),
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

/// A scheme that is spoken here, in lower case.
fn scheme(value: OsString) -> Result<String, String> {
    let name = text(value)?.to_ascii_lowercase();
    match name.as_str() {
        "http" | "https" => Ok(name),
        _ => Err(String::from("the value is neither http nor https")),
    }
}

fn capture(value: OsString) -> Result<String, String> {
    let text = text(value)?;
    super::capture::parse(&text).map(|_| text)
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
fn is_cookie(value: &OsStr) -> bool {
    value.as_encoded_bytes().contains(&b'=') || looks_like_reference(value)
}

fn looks_like_reference(value: &OsStr) -> bool {
    !subrosa_secret::scan(value.as_encoded_bytes()).references.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_a_token() {
        assert_eq!(method("put".into()).as_deref(), Ok("put"));
        for wrong in ["", "pu t", "GET\r\nX: y"] {
            assert!(method(wrong.into()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_speed_needs_only_one_of_its_flags() {
        let slowest =
            |limit, time| Speed { limit, time }.slowest().map(|one| (one.bytes, one.time.as_secs()));
        assert_eq!(slowest(None, None), None);
        assert_eq!(slowest(Some(100), None), Some((100, 30)));
        assert_eq!(slowest(None, Some(5)), Some((1, 5)));
        assert_eq!(slowest(Some(7), Some(9)), Some((7, 9)));
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
