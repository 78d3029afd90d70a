//! Cookies that servers set (RFC 6265), kept and sent as curl 7.88 does.
//!
//! Written here rather than taken from a crate: the jar's file is curl's, dates and attributes are read as leniently as
//! curl reads them, and the rules that crates leave out (the prefixes `__Host-` and `__Secure-`, no secure cookie
//! replaced from an insecure origin) are the ones that protect. A cookie is as good as a password, so values are wiped.

mod date;
mod netscape;
mod set_cookie;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use subrosa_secret::{Host, Origin};
use zeroize::Zeroizing;

pub use netscape::CookieFileError;
use set_cookie::SetCookie;

use crate::response::ResponseHead;
use crate::text::Sink;

/// Of one answer no more cookies than this are kept, and no more go into one request: curl's limits.
const MAX_SET: usize = 50;
const MAX_SENT: usize = 150;
/// curl's limit for the value of a Cookie header.
const MAX_HEADER: usize = 8190;

/// Cookies by the hosts that set them. A copy is the same jar.
#[derive(Clone, Default)]
pub struct CookieJar(Arc<Mutex<Vec<Cookie>>>);

/// One cookie.
#[derive(Clone)]
struct Cookie {
    name: String,
    value: Zeroizing<Vec<u8>>,
    /// Without a dot in front, in lower case.
    domain: String,
    /// Whether subdomains get it as well.
    with_subdomains: bool,
    /// As it was set.
    path: String,
    secure: bool,
    http_only: bool,
    /// Seconds since 1970; 0 for one of a session.
    expires: i64,
}

/// Where a request goes, as far as cookies are concerned.
pub(crate) struct Site<'a> {
    host: String,
    is_address: bool,
    is_secure: bool,
    path: &'a str,
}

impl<'a> Site<'a> {
    pub(crate) fn new(origin: &Origin, path: &'a str) -> Self {
        let is_address = matches!(origin.host, Host::V4(_) | Host::V6(_));
        let host = origin.host.to_string().trim_matches(['[', ']']).to_ascii_lowercase();
        // nobody listens in on the way to this machine
        let here = ["localhost", "127.0.0.1", "::1"].contains(&host.as_str());
        Self { is_address, is_secure: here || origin.scheme.is_encrypted(), host, path }
    }

    fn gets(&self, cookie: &Cookie) -> bool {
        let domain = if cookie.with_subdomains && !self.is_address {
            is_within(&self.host, &cookie.domain)
        } else {
            self.host == cookie.domain
        };
        domain && (!cookie.secure || self.is_secure) && path_matches(cookie.clean_path(), self.path)
    }
}

/// RFC 6265, 5.1.3.
fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

/// RFC 6265, 5.1.4, for a path without a slash at its end.
fn path_matches(cookie: &str, request: &str) -> bool {
    let request = request.split(['?', '#']).next().unwrap_or_default();
    let request = if request.starts_with('/') { request } else { "/" };
    cookie == "/" || request.strip_prefix(cookie).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Cookie {
    fn clean_path(&self) -> &str {
        let path = self.path.strip_suffix('/').unwrap_or(&self.path);
        if path.starts_with('/') { path } else { "/" }
    }

    fn is_same(&self, other: &Cookie) -> bool {
        self.name == other.name
            && self.domain == other.domain
            && self.with_subdomains == other.with_subdomains
            && self.clean_path() == other.clean_path()
    }

    /// Whether `other`, set without encryption, would stand in for this one.
    fn is_shadowed_by(&self, other: &Cookie) -> bool {
        let overlaps = is_within(&self.domain, &other.domain) || is_within(&other.domain, &self.domain);
        let below = path_matches(self.clean_path(), other.clean_path());
        self.secure && self.name == other.name && overlaps && below
    }
}

impl CookieJar {
    /// An empty jar.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Cookie>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the cookies out of a file: Netscape's lines and `Set-Cookie:` lines. Those of a session are left out with
    /// `without_session` (`-j`).
    ///
    /// # Errors
    /// A `Set-Cookie:` line that names no domain, so that every host would get it.
    pub fn read(&self, text: &[u8], without_session: bool) -> Result<(), CookieFileError> {
        let now = now();
        for cookie in netscape::read(text, now)? {
            if cookie.expires != 0 || !without_session {
                self.keep(cookie, true, now);
            }
        }
        Ok(())
    }

    /// The file of all cookies, in Netscape's format as curl writes it.
    #[must_use]
    pub fn write(&self) -> Zeroizing<Vec<u8>> {
        let now = now();
        let mut cookies = self.locked();
        cookies.retain(|cookie| !is_over(cookie, now));
        netscape::write(&cookies)
    }

    /// Takes the cookies that an answer sets. `path`: of the request, up to its last slash.
    pub(crate) fn absorb(&self, site: &Site<'_>, head: &ResponseHead) {
        let now = now();
        for line in head.headers_named("set-cookie").take(MAX_SET) {
            if let Some(cookie) = SetCookie::parse(line, now).and_then(|set| set.accepted_by(site)) {
                self.keep(cookie, site.is_secure, now);
            }
        }
    }

    fn keep(&self, cookie: Cookie, is_secure: bool, now: i64) {
        let mut cookies = self.locked();
        if !is_secure && cookies.iter().any(|old| old.is_shadowed_by(&cookie)) {
            return;
        }
        let at = cookies.iter().position(|old| old.is_same(&cookie));
        match at {
            // it keeps its place, which is its age
            Some(at) if !is_over(&cookie, now) => cookies[at] = cookie,
            Some(at) => drop(cookies.remove(at)),
            None if is_over(&cookie, now) => {}
            None => cookies.push(cookie),
        }
    }

    /// The cookies for a request, `a=b; c=d`: longer paths first, then longer domains and names, then the newer.
    pub(crate) fn header(&self, site: &Site<'_>, out: &mut Sink) {
        let now = now();
        let cookies = self.locked();
        let mut chosen: Vec<&Cookie> =
            cookies.iter().rev().filter(|cookie| !is_over(cookie, now) && site.gets(cookie)).collect();
        let lengths = |cookie: &Cookie| (cookie.path.len(), cookie.domain.len(), cookie.name.len());
        chosen.sort_by_key(|cookie| std::cmp::Reverse(lengths(cookie)));
        let mut length = 0;
        for cookie in chosen.into_iter().take(MAX_SENT) {
            length += cookie.name.len() + cookie.value.len() + 3;
            if length > MAX_HEADER {
                break;
            }
            if !out.as_bytes().is_empty() {
                out.extend(b"; ");
            }
            out.extend(cookie.name.as_bytes());
            out.push(b'=');
            out.extend(&cookie.value);
        }
    }
}

fn is_over(cookie: &Cookie, now: i64) -> bool {
    cookie.expires != 0 && cookie.expires <= now
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Origin {
        Origin::of_url(url).unwrap()
    }

    /// A jar after `url` (with a path) has set these.
    fn set(jar: &CookieJar, url: &str, path: &str, lines: &[&str]) {
        let origin = origin(url);
        let site = Site::new(&origin, path);
        let headers = lines.iter().map(|line| ("Set-Cookie".to_owned(), line.as_bytes().to_vec()));
        let head = ResponseHead {
            version: crate::Version::Http11,
            status: 200,
            reason: String::new(),
            headers: headers.collect(),
            raw: Vec::new(),
        };
        jar.absorb(&site, &head);
    }

    fn sent(jar: &CookieJar, url: &str, path: &str) -> String {
        let origin = origin(url);
        let mut out = Sink::default();
        jar.header(&Site::new(&origin, path), &mut out);
        String::from_utf8(out.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_cookie_goes_back_where_it_came_from() {
        let jar = CookieJar::new();
        set(
            &jar,
            "https://a.example.com",
            "/x/y",
            &["a=1", "b=2; Path=/", "c=3; Domain=example.com; Path=/x"],
        );
        assert_eq!(sent(&jar, "https://a.example.com", "/x/z"), "a=1; c=3; b=2");
        assert_eq!(sent(&jar, "https://a.example.com", "/xy"), "b=2");
        assert_eq!(sent(&jar, "https://b.example.com", "/x"), "c=3");
        assert_eq!(sent(&jar, "https://example.com", "/x/"), "c=3");
        assert_eq!(sent(&jar, "https://notexample.com", "/x"), "");
        assert_eq!(sent(&jar, "http://a.example.com:8080", "/"), "b=2", "ports do not count");
    }

    #[test]
    fn a_later_one_replaces_and_an_old_one_removes() {
        let jar = CookieJar::new();
        set(&jar, "https://h.example", "/", &["a=1", "b=2", "a=3"]);
        assert_eq!(sent(&jar, "https://h.example", "/"), "b=2; a=3");
        set(&jar, "https://h.example", "/", &["a=; Max-Age=0", "b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]);
        assert_eq!(sent(&jar, "https://h.example", "/"), "");
        set(&jar, "https://h.example", "/", &["a=1; Max-Age=0; Expires=Fri, 01 Jan 2100 00:00:00 GMT"]);
        assert_eq!(sent(&jar, "https://h.example", "/"), "");
    }

    #[test]
    fn hostile_a_cookie_for_somebody_else_is_not_kept() {
        for (url, line) in [
            ("https://evil.example", "a=1; Domain=bank.example"),
            ("https://evil.example", "a=1; Domain=example"),
            ("https://a.co.uk", "a=1; Domain=co.uk"),
            ("https://me.github.io", "a=1; Domain=github.io"),
            ("https://127.0.0.1", "a=1; Domain=0.0.1"),
            ("https://example.com", "a=1; Domain=www.example.com"),
            ("http://a.example.com", "a=1; Secure"),
            ("https://a.example.com", "__Secure-a=1"),
            ("https://a.example.com", "__Host-a=1; Secure; Path=/x"),
            ("https://a.example.com", "__Host-a=1; Secure; Path=/; Domain=example.com"),
            ("https://a.example.com", "a=1\u{1}"),
            ("https://a.example.com", "=1"),
            ("https://a.example.com", "a"),
        ] {
            let jar = CookieJar::new();
            set(&jar, url, "/", &[line]);
            assert!(jar.locked().is_empty(), "{url}: {line}");
        }
        let jar = CookieJar::new();
        set(&jar, "https://a.example.com", "/", &["__Host-a=1; Secure; Path=/", "__Secure-b=2; secure"]);
        assert_eq!(jar.locked().len(), 2);
    }

    #[test]
    fn hostile_a_secure_cookie_is_not_sent_nor_replaced_in_clear() {
        let jar = CookieJar::new();
        set(&jar, "https://a.example.com", "/", &["sid=good; Secure; Domain=example.com"]);
        set(&jar, "http://a.example.com", "/", &["sid=evil; Domain=example.com", "sid=evil; Path=/login"]);
        assert_eq!(sent(&jar, "http://a.example.com", "/login"), "");
        assert_eq!(sent(&jar, "https://a.example.com", "/login"), "sid=good");
        let here = CookieJar::new();
        set(&here, "http://localhost:3000", "/", &["sid=1; Secure"]);
        assert_eq!(sent(&here, "http://localhost:3000", "/"), "sid=1");
    }

    #[test]
    fn hostile_no_answer_fills_the_memory() {
        let jar = CookieJar::new();
        let lines: Vec<String> = (0..1000).map(|number| format!("n{number}={}", "x".repeat(1000))).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        set(&jar, "https://a.example.com", "/", &lines);
        assert_eq!(jar.locked().len(), MAX_SET);
        assert!(sent(&jar, "https://a.example.com", "/").len() <= MAX_HEADER);
        set(&jar, "https://b.example.com", "/", &[&format!("a={}", "x".repeat(5000))]);
        assert_eq!(sent(&jar, "https://b.example.com", "/"), "");
    }

    #[test]
    fn a_jar_is_written_and_read_again() {
        let jar = CookieJar::new();
        let lines = [
            "a=1; Path=/x; HttpOnly",
            "b=2; Domain=example.com; Secure; Expires=Fri, 01 Jan 2100 00:00:00 GMT",
        ];
        set(&jar, "https://a.example.com", "/y", &lines);
        let text = jar.write();
        let shown = String::from_utf8_lossy(&text);
        assert!(shown.contains("\n#HttpOnly_a.example.com\tFALSE\t/x\tFALSE\t0\ta\t1\n"), "{shown}");
        assert!(shown.contains("\n.example.com\tTRUE\t/\tTRUE\t4102444800\tb\t2\n"), "{shown}");
        let again = CookieJar::new();
        again.read(&text, false).unwrap();
        // the newest are written first, and those that are read last are the newest
        let turned = again.write();
        let lines = |text: &[u8]| {
            String::from_utf8_lossy(text).lines().skip(4).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(lines(&turned), lines(&text).into_iter().rev().collect::<Vec<_>>());
        assert_eq!(sent(&again, "https://a.example.com", "/x"), "a=1; b=2");
        let later = CookieJar::new();
        later.read(&text, true).unwrap();
        assert_eq!(sent(&later, "https://a.example.com", "/x"), "b=2");
    }
}
