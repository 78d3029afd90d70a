//! A request as its author wrote it, references and all.

use std::sync::Arc;
use std::time::Duration;

use crate::auth::{AuthMethods, SharedSession};
use crate::body::Body;
use crate::connection::Connection;
use crate::cookie::CookieJar;
use crate::error::HttpError;
use crate::header::HeaderField;
use crate::plan::Plan;
use crate::request::Request;
use crate::schemes::Schemes;
use crate::text::Text;
use crate::values::Values;

/// A request before anything is looked up or sent. Fields stand for curl's options.
#[derive(Clone)]
#[non_exhaustive]
pub struct RequestDraft {
    /// The URL. References may stand in user and password, path and query.
    pub url: Text,
    /// `-X`; without it the method follows from the rest, as with curl.
    pub method: Option<String>,
    /// `-I`: HEAD, unless `method` says otherwise.
    pub head: bool,
    /// `-H`, in order.
    pub headers: Vec<HeaderField>,
    /// `-A`: replaces the default User-Agent; empty removes it.
    pub user_agent: Option<Text>,
    /// `-e`.
    pub referer: Option<Text>,
    /// `-b` with text.
    pub cookies: Option<Text>,
    /// `-b` with a file, `-c`: what servers set goes in here, and back to where it belongs.
    pub jar: Option<CookieJar>,
    /// `-r`, `-C`.
    pub range: Option<RangeHeader>,
    /// `-z`: a condition, which stands in front of the user's own headers.
    pub condition: Option<HeaderField>,
    /// `--compressed`: the codings to offer.
    pub accept_encoding: Option<String>,
    /// `-u user:password`.
    pub basic_auth: Option<Text>,
    /// `--basic`, `--digest`, `--ntlm`, `--anyauth`: how they are told, and those of the URL.
    pub auth: AuthMethods,
    /// `-d` and its kin, `--json`, `-T`.
    pub body: Option<Body>,
    /// `-G`: the body's data goes to the URL's query.
    pub data_in_query: bool,
    /// `--expect100-timeout`: how long a server may take to say that it wants a large body, which is sent then.
    pub expect_timeout: Duration,
    /// `--post301`, `--post302`, `--post303`.
    pub kept_post: KeptPost,
    /// `--path-as-is`: `.` and `..` stay in the path.
    pub path_as_is: bool,
    /// `--request-target`: what is asked for in place of the URL's path and query.
    pub request_target: Option<Text>,
    /// `--proto`: the schemes that it may have, redirects included.
    pub schemes: Schemes,
    /// `--proto-redir`: those that a redirect may lead to.
    pub redirect_schemes: Schemes,
    /// `--disallow-username-in-url`
    pub refuses_user_in_url: bool,
    /// `--follow`: what `method` says ends with a redirect that makes a GET of the request.
    pub method_by_status: bool,
    /// `--raw`: chunks of the answer are left as they are.
    pub raw: bool,
    /// `--ignore-content-length`
    pub ignores_length: bool,
    /// The URL whose `user:password@` counts on after a redirect within its origin.
    pub(crate) credentials_of: Option<Text>,
    /// What is known of the server's authentication after a redirect within its origin.
    pub(crate) session: Option<SharedSession>,
}

/// Which part of something is asked for or sent.
#[derive(Clone)]
#[non_exhaustive]
pub enum RangeHeader {
    /// `Range: bytes=` and this.
    Wanted(Text),
    /// `Content-Range: bytes `, this, `/` and the length of what the body and the bytes before it make.
    Sent {
        /// The part, such as `5-9`.
        part: Text,
        /// How many bytes the other end has already, of an upload that goes on (`-C`).
        before: Option<u64>,
    },
}

/// After which redirects a POST stays one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::exhaustive_structs, reason = "there are no more of these statuses")]
pub struct KeptPost {
    /// `--post301`
    pub after_301: bool,
    /// `--post302`
    pub after_302: bool,
    /// `--post303`
    pub after_303: bool,
}

impl RequestDraft {
    /// A GET of `url`.
    pub fn new(url: impl Into<Text>) -> Self {
        Self {
            url: url.into(),
            method: None,
            head: false,
            headers: Vec::new(),
            user_agent: None,
            referer: None,
            cookies: None,
            jar: None,
            range: None,
            condition: None,
            accept_encoding: None,
            basic_auth: None,
            auth: AuthMethods::default(),
            body: None,
            data_in_query: false,
            expect_timeout: Duration::from_secs(1),
            kept_post: KeptPost::default(),
            path_as_is: false,
            request_target: None,
            schemes: Schemes::ALL,
            redirect_schemes: Schemes::ALL,
            refuses_user_in_url: false,
            method_by_status: false,
            raw: false,
            ignores_length: false,
            credentials_of: None,
            session: None,
        }
    }

    /// What the request needs and where it goes, before any value is known.
    ///
    /// # Errors
    /// What makes the request unsendable whatever the values are; see [`Plan`].
    pub fn plan(&self, connection: &Arc<Connection>) -> Result<Plan, HttpError> {
        Plan::of(self, connection)
    }

    /// Plans and fills in one step, for callers that judged the plan before.
    ///
    /// # Errors
    /// Those of [`RequestDraft::plan`] and [`Plan::fill`].
    pub fn fill(&self, connection: &Arc<Connection>, values: &dyn Values) -> Result<Request, HttpError> {
        self.plan(connection)?.fill(values)
    }

    pub(crate) fn body_to_send(&self) -> Option<&Body> {
        self.body.as_ref().filter(|_| !self.data_in_query)
    }

    /// The method that follows from the options.
    pub(crate) fn effective_method(&self) -> &str {
        match (&self.method, self.body_to_send()) {
            (Some(method), _) => method,
            (None, _) if self.head => "HEAD",
            (None, Some(body)) => body.default_method(),
            (None, None) => "GET",
        }
    }

    pub(crate) fn names_header(&self, name: &str) -> bool {
        self.headers.iter().any(|field| field.is(name))
    }
}
