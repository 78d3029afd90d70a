//! URLs, split by byte ranges and refused wherever parsers could disagree about the host.

use std::ops::Range;

use thiserror::Error;

use crate::{
    Host, HostError, Malformed, Origin, Scheme,
    authority::{parse_port, split_host},
    scan,
};

/// Stands for the bytes of references while a URL is split: no delimiter, and refused in plain text.
const OPAQUE: u8 = 0;

/// The parts of a URL: what was judged, and where each part stands in the text.
///
/// Ranges are byte ranges of the text that was split, delimiters (`@`, `?`, `#`) excluded; the path begins
/// with its `/` or is empty. References keep their positions, so their spans lie within these ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlParts {
    /// The scheme; `http` when the text names none, as curl has it.
    pub scheme: Scheme,
    /// Whether the text names a scheme.
    pub scheme_written: bool,
    /// User name and password, before the `@`.
    pub userinfo: Option<Range<usize>>,
    /// The host in canonical form.
    pub host: Host,
    /// The host as written.
    pub host_range: Range<usize>,
    /// The port: the written one or the scheme's own.
    pub port: u16,
    /// The port as written, without the colon.
    pub port_range: Option<Range<usize>>,
    /// The path.
    pub path: Range<usize>,
    /// The query.
    pub query: Option<Range<usize>>,
    /// The fragment.
    pub fragment: Option<Range<usize>>,
}

/// The parts of a URL where no reference may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AuthorityPart {
    /// Before `://`.
    #[error("scheme")]
    Scheme,
    /// The host.
    #[error("host")]
    Host,
    /// The port.
    #[error("port")]
    Port,
}

/// Why a URL is refused. Messages never quote what could be a password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UrlError {
    /// A scheme that secrets do not travel by.
    #[error("the scheme is none of https, http, wss and ws")]
    Scheme,
    /// `https:host`, `https:/host` or `https:///host`: parsers find different hosts in it.
    #[error("exactly two slashes must stand between scheme and host")]
    Slashes,
    /// There is no host.
    #[error("the URL has no host")]
    NoHost,
    /// The host is refused.
    #[error("{0}")]
    Host(#[from] HostError),
    /// The port is no number from 1 to 65535.
    #[error("the port is no number from 1 to 65535")]
    Port,
    /// A backslash before the query: some parsers read it as a slash.
    #[error("a backslash cannot stand before the query: parsers disagree on it")]
    Backslash,
    /// Several `@` before the path: parsers disagree on where the host begins.
    #[error("several '@' stand before the path: write those of a password as %40")]
    SeveralAt,
    /// A space, tab, newline or other control character.
    #[error("the URL holds {0:?}, which must be percent-encoded")]
    Character(char),
    /// A reference where it would decide who is connected to.
    #[error("a reference cannot stand in the {part} of a URL")]
    ReferenceInAuthority {
        /// Where it stands.
        part: AuthorityPart,
        /// Its byte range.
        span: Range<usize>,
    },
    /// Something that looks like a reference and is none.
    #[error("malformed reference: {}", .0.fault)]
    Malformed(Malformed),
}

impl UrlError {
    /// A stable name for this kind of error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Scheme => "url_scheme",
            Self::Slashes => "url_slashes",
            Self::NoHost => "url_no_host",
            Self::Host(error) => error.kind(),
            Self::Port => "url_port",
            Self::Backslash => "url_backslash",
            Self::SeveralAt => "url_several_at",
            Self::Character(_) => "url_character",
            Self::ReferenceInAuthority { .. } => "url_reference_in_authority",
            Self::Malformed(_) => "url_malformed_reference",
        }
    }
}

impl UrlParts {
    /// Splits a URL that may hold references in user name, password, path, query and fragment.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let mut scan = scan(text.as_bytes());
        if !scan.malformed.is_empty() {
            return Err(UrlError::Malformed(scan.malformed.swap_remove(0)));
        }
        let spans: Vec<_> = scan.references.into_iter().map(|reference| reference.span).collect();
        Self::split(text, &spans)
    }

    /// Splits a URL, taking the `opaque` byte ranges for single characters without a meaning of their own.
    /// Without any, references are plain text.
    ///
    /// Sources: RFC 3986 section 3, WHATWG URL section 4.4, curl's URL syntax. A text that they read
    /// differently is refused.
    ///
    /// # Errors
    /// [`UrlError`].
    ///
    /// # Panics
    /// When a range lies outside of the text.
    pub fn split(text: &str, opaque: &[Range<usize>]) -> Result<Self, UrlError> {
        Splitter::new(text, opaque)?.split()
    }

    /// The origin.
    pub fn origin(&self) -> Origin {
        Origin { scheme: self.scheme, host: self.host.clone(), port: self.port }
    }
}

/// The text of a URL with its references blanked, byte for byte in the same places.
struct Splitter<'a> {
    opaque: &'a [Range<usize>],
    shadow: String,
}

impl<'a> Splitter<'a> {
    fn new(text: &str, opaque: &'a [Range<usize>]) -> Result<Self, UrlError> {
        let mut shadow = String::with_capacity(text.len());
        let mut done = 0;
        for span in opaque {
            push_plain(&text[done..span.start], &mut shadow)?;
            shadow.extend(std::iter::repeat_n(char::from(OPAQUE), span.len()));
            done = span.end;
        }
        push_plain(&text[done..], &mut shadow)?;
        Ok(Self { opaque, shadow })
    }

    fn split(&self) -> Result<UrlParts, UrlError> {
        let shadow = &self.shadow;
        let (scheme, start) = self.scheme()?;
        let find = |from: usize, set: &[char]| shadow[from..].find(set).map_or(shadow.len(), |at| from + at);
        let authority = start..find(start, &['/', '?', '#']);
        let path = authority.end..find(authority.end, &['?', '#']);
        if shadow[authority.start..path.end].contains('\\') {
            return Err(UrlError::Backslash);
        }
        let (query, fragment) = tail(shadow, path.end);
        let (userinfo, host_start) = split_userinfo(shadow, &authority)?;
        let (host_range, port_range) = split_port(shadow, host_start..authority.end);
        self.no_reference(&host_range, AuthorityPart::Host)?;
        let host_text = &shadow[host_range.clone()];
        if host_text.is_empty() {
            return Err(UrlError::NoHost);
        }
        let host = Host::parse(host_text)?;
        let written = scheme.is_some();
        let scheme = scheme.unwrap_or(Scheme::Http);
        let port = match &port_range {
            None => scheme.default_port(),
            Some(range) => {
                self.no_reference(range, AuthorityPart::Port)?;
                parse_port(&shadow[range.clone()]).ok_or(UrlError::Port)?
            }
        };
        let parts = UrlParts {
            scheme,
            scheme_written: written,
            userinfo,
            host,
            host_range,
            port,
            port_range,
            path,
            query,
            fragment,
        };
        Ok(parts)
    }

    /// The scheme, if there is one, and where the authority begins.
    fn scheme(&self) -> Result<(Option<Scheme>, usize), UrlError> {
        let shadow = &self.shadow;
        let Some(end) = shadow.find([':', '/', '\\', '?', '#', '@']) else { return Ok((None, 0)) };
        let (word, rest) = shadow.split_at(end);
        if !rest.starts_with(':') {
            return if rest.starts_with('/') && word.is_empty() {
                Err(UrlError::NoHost)
            } else {
                Ok((None, 0))
            };
        }
        let after = &rest[1..];
        let slashes = &after[..after.len() - after.trim_start_matches(['/', '\\']).len()];
        match (slashes, word.parse::<Scheme>().ok()) {
            ("", None) => Ok((None, 0)),
            ("//", known) => {
                self.no_reference(&(0..end), AuthorityPart::Scheme)?;
                Ok((Some(known.ok_or(UrlError::Scheme)?), end + 3))
            }
            (run, _) if run.contains('\\') => Err(UrlError::Backslash),
            _ => Err(UrlError::Slashes),
        }
    }

    fn no_reference(&self, range: &Range<usize>, part: AuthorityPart) -> Result<(), UrlError> {
        match self.opaque.iter().find(|span| span.start < range.end && range.start < span.end) {
            Some(span) => Err(UrlError::ReferenceInAuthority { part, span: span.clone() }),
            None => Ok(()),
        }
    }
}

/// Appends text outside of references, if no parser would strip or encode any of it silently.
fn push_plain(text: &str, shadow: &mut String) -> Result<(), UrlError> {
    match text.chars().find(|c| c.is_control() || c.is_whitespace()) {
        Some(wrong) => Err(UrlError::Character(wrong)),
        None => {
            shadow.push_str(text);
            Ok(())
        }
    }
}

/// Query and fragment from the end of the path on.
fn tail(shadow: &str, from: usize) -> (Option<Range<usize>>, Option<Range<usize>>) {
    let end = shadow.len();
    let hash = shadow[from..].find('#').map(|at| from + at);
    let query = shadow[from..].starts_with('?').then(|| from + 1..hash.unwrap_or(end));
    (query, hash.map(|at| at + 1..end))
}

/// The range before the `@`, and where the host begins.
fn split_userinfo(shadow: &str, authority: &Range<usize>) -> Result<(Option<Range<usize>>, usize), UrlError> {
    let mut ats = shadow[authority.clone()].match_indices('@');
    match (ats.next(), ats.next()) {
        (None, _) => Ok((None, authority.start)),
        (Some((at, _)), None) => {
            let at = authority.start + at;
            Ok((Some(authority.start..at), at + 1))
        }
        (Some(_), Some(_)) => Err(UrlError::SeveralAt),
    }
}

fn split_port(shadow: &str, range: Range<usize>) -> (Range<usize>, Option<Range<usize>>) {
    let (host, port) = split_host(&shadow[range.clone()]);
    let host_end = range.start + host.len();
    (range.start..host_end, port.map(|_| host_end + 1..range.end))
}
