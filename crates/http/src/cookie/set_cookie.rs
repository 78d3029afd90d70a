//! A Set-Cookie header (RFC 6265, 5.2), read as curl 7.88 reads it.

use psl::Psl as _;
use zeroize::Zeroizing;

use super::date;
use super::{Cookie, Site, is_within};

/// curl's limits for a line, and for a name with its value.
const MAX_LINE: usize = 5000;
const MAX_PAIR: usize = 4096;

/// What a server wants kept.
pub(super) struct SetCookie {
    name: String,
    value: Zeroizing<Vec<u8>>,
    domain: Option<String>,
    path: Option<String>,
    secure: bool,
    http_only: bool,
    expires: Expiry,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expiry {
    Session,
    /// `Expires`
    Date(i64),
    /// `Max-Age`, which counts more
    Age(i64),
}

impl SetCookie {
    /// `None` for what is no cookie.
    pub(super) fn parse(line: &[u8], now: i64) -> Option<Self> {
        let unfit = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
        if line.len() > MAX_LINE || line.iter().any(unfit) {
            return None;
        }
        let mut pieces = line.split(|byte| *byte == b';');
        let pair = pieces.next()?;
        let (name, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=')?);
        let (name, value) = (name.trim_ascii(), value[1..].trim_ascii());
        if name.is_empty() || name.len() + value.len() > MAX_PAIR || [name, value].concat().contains(&b'\t') {
            return None;
        }
        let mut cookie = Self {
            name: std::str::from_utf8(name).ok()?.to_owned(),
            value: Zeroizing::new(value.to_vec()),
            domain: None,
            path: None,
            secure: false,
            http_only: false,
            expires: Expiry::Session,
        };
        for piece in pieces {
            let end = piece.iter().position(|byte| *byte == b'=').unwrap_or(piece.len());
            let value = piece.get(end + 1..).unwrap_or_default().trim_ascii();
            let name = piece[..end].trim_ascii().to_ascii_lowercase();
            cookie.attribute(&name, &String::from_utf8_lossy(value), now);
        }
        Some(cookie)
    }

    fn attribute(&mut self, name: &[u8], value: &str, now: i64) {
        if value.contains('\t') {
            // in the jar's file it would begin another field
            return;
        }
        match name {
            b"secure" => self.secure = true,
            b"httponly" => self.http_only = true,
            b"domain" if !value.is_empty() => {
                self.domain = Some(value.trim_start_matches('.').to_ascii_lowercase());
            }
            b"path" => {
                let path = value.trim_matches('"');
                self.path = Some(if path.starts_with('/') { path } else { "/" }.to_owned());
            }
            b"max-age" => {
                let age = value.trim_matches('"').parse::<i64>().unwrap_or(0);
                // in the past for one that is over at once, and never 0, which would be a session
                let expires = if age <= 0 { 1 } else { now.saturating_add(age) };
                self.expires = Expiry::Age(expires);
            }
            b"expires" if !matches!(self.expires, Expiry::Age(_)) => {
                if let Some(date) = date::parse(value) {
                    self.expires = Expiry::Date(date.max(1));
                }
            }
            _ => {}
        }
    }

    /// The cookie, if a server at `site` may set it (RFC 6265, 5.3; the prefixes of RFC 6265bis, 4.1.3).
    pub(super) fn accepted_by(self, site: &Site<'_>) -> Option<Cookie> {
        let cookie = self.at(Some(site))?;
        (!cookie.secure || site.is_secure).then_some(cookie)
    }

    /// The cookie of a line in a file, which says by itself whom it is for; `None` if it does not.
    pub(super) fn of_file(self) -> Option<Cookie> {
        self.domain.is_some().then(|| self.at(None)).flatten()
    }

    fn at(self, site: Option<&Site<'_>>) -> Option<Cookie> {
        let is_address = site.is_some_and(|site| site.is_address);
        let (domain, with_subdomains) = match (self.domain, site) {
            (None, Some(site)) => (site.host.clone(), false),
            (Some(domain), Some(site)) => {
                let fits = domain == site.host
                    || (!is_address && is_within(&site.host, &domain) && !is_public(&domain));
                (fits.then_some(domain)?, !is_address)
            }
            (Some(domain), None) => (domain, true),
            (None, None) => return None,
        };
        let is_name = |c: char| c.is_alphanumeric() || ".-_:".contains(c);
        if domain.is_empty() || !domain.chars().all(is_name) {
            return None;
        }
        // one for a public suffix is for the host of that name alone
        let with_subdomains = with_subdomains && !is_public(&domain);
        let path = self.path.unwrap_or_else(|| site.map_or("/", default_path).to_owned());
        let prefix = |prefix: &str| {
            self.name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let keeps_its_word = match () {
            () if prefix("__Secure-") => self.secure,
            () if prefix("__Host-") => self.secure && path == "/" && !with_subdomains,
            () => true,
        };
        keeps_its_word.then_some(Cookie {
            name: self.name,
            value: self.value,
            domain,
            with_subdomains,
            path,
            secure: self.secure,
            http_only: self.http_only,
            expires: match self.expires {
                Expiry::Session => 0,
                Expiry::Date(at) | Expiry::Age(at) => at,
            },
        })
    }
}

/// The path of a request up to its last slash and with it, as curl keeps it (RFC 6265, 5.1.4).
fn default_path<'a>(site: &Site<'a>) -> &'a str {
    let path = site.path.split(['?', '#']).next().unwrap_or_default();
    path.rfind('/').map_or("/", |at| &path[..=at])
}

/// Whether a domain is one under which anybody registers names.
fn is_public(domain: &str) -> bool {
    if domain == "localhost" {
        return false;
    }
    psl::List.suffix(domain.as_bytes()).is_none_or(|suffix| suffix.as_bytes() == domain.as_bytes())
}
