//! Where on a command line a literal stands.

use std::ops::Range;
use subrosa_secret::{Name, SecretValue, UrlParts, scan};

/// A place as `--vault-literal` names it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Header(String),
    Query(String),
    Cookie(String),
    /// `-u`: user and password in one.
    User,
    Password,
}

/// What a text of the command line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Url,
    /// `--url-query`
    Query,
    /// `-H`
    Header,
    /// `--oauth2-bearer`
    Bearer,
    /// `-A`
    Agent,
    /// `-e`
    Referer,
    /// `-u`
    User,
    /// `-b`
    Cookie,
}

/// Reads the value of the flag; nothing in it is a secret.
pub(in crate::send) fn parse(text: &str) -> Result<(Name, Place), String> {
    let (name, place) =
        text.split_once('=').ok_or("write NAME=PLACE, such as api-key=header:Authorization")?;
    let name = Name::parse(name).map_err(|error| error.to_string())?;
    Ok((name, Place::parse(place)?))
}

impl Place {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once(':').unwrap_or((text, ""));
        match (kind, name) {
            ("header", name) if !name.is_empty() => Ok(Self::Header(name.to_owned())),
            ("query", name) if !name.is_empty() => Ok(Self::Query(name.to_owned())),
            ("cookie", name) if !name.is_empty() => Ok(Self::Cookie(name.to_owned())),
            ("user", "") => Ok(Self::User),
            ("user", "password") => Ok(Self::Password),
            _ => Err(String::from(
                "the place is one of header:NAME, query:NAME, cookie:NAME, user and user:password",
            )),
        }
    }

    /// Where in a text the literals of this place stand.
    pub(super) fn find(&self, role: Role, text: &str) -> Vec<Range<usize>> {
        let is = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
        let one = |span: Option<Range<usize>>| span.into_iter().collect();
        let whole = Some(0..text.len());
        match (self, role) {
            (Self::Header(name), Role::Header) => one(header(name, text)),
            (Self::Header(name), Role::Bearer) if is(name, "Authorization") => one(whole),
            (Self::Header(name), Role::Agent) if is(name, "User-Agent") => one(whole),
            (Self::Header(name), Role::Referer) if is(name, "Referer") => one(whole),
            (Self::Cookie(name), Role::Cookie) => pairs(text, 0..text.len(), ';', name),
            (Self::Cookie(name), Role::Header) => {
                header("Cookie", text).map(|span| pairs(text, span, ';', name)).unwrap_or_default()
            }
            (Self::Query(name), Role::Url) => {
                let query = UrlParts::parse(text).ok().and_then(|parts| parts.query);
                query.map(|span| pairs(text, span, '&', name)).unwrap_or_default()
            }
            (Self::Query(name), Role::Query) => match text.split_once('=') {
                Some((own, _)) if own == name => one(Some(name.len() + 1..text.len())),
                _ => Vec::new(),
            },
            (Self::User, Role::User) if text.contains(':') => one(whole),
            (Self::Password, Role::User) => one(text.find(':').map(|at| at + 1..text.len())),
            _ => Vec::new(),
        }
    }

    pub(super) fn missing(&self) -> String {
        match self {
            Self::Header(name) => format!("no header {name} is written on the command line"),
            Self::Query(name) => format!("no URL has a parameter {name} in its query"),
            Self::Cookie(name) => format!("no cookie {name} is written on the command line"),
            Self::User | Self::Password => {
                String::from("no -u with a password is written on the command line")
            }
        }
    }
}

impl Role {
    /// The value that a reference needs to stand for this text.
    pub(super) fn value(self, text: &str) -> Result<SecretValue, String> {
        if text.is_empty() {
            return Err(String::from("nothing stands there"));
        }
        let found = scan(text.as_bytes());
        if !found.references.is_empty() || !found.malformed.is_empty() {
            return Err(String::from("a reference stands there already"));
        }
        let bytes = match self {
            Self::Url => decoded(text)?,
            _ => text.as_bytes().to_vec(),
        };
        SecretValue::new(bytes).map_err(|error| error.to_string())
    }
}

/// The value of a header; of credentials only what follows the scheme.
fn header(name: &str, text: &str) -> Option<Range<usize>> {
    let colon = text.find(':').filter(|_| !text.starts_with('@'))?;
    if !text[..colon].eq_ignore_ascii_case(name) {
        return None;
    }
    let span = trimmed(text, colon + 1..text.len());
    let has_scheme =
        ["Authorization", "Proxy-Authorization"].iter().any(|one| one.eq_ignore_ascii_case(name));
    let scheme = text[span.clone()].find(' ').filter(|_| has_scheme);
    Some(scheme.map_or(span.clone(), |at| trimmed(text, span.start + at..span.end)))
}

/// The values of `name=value` among several.
fn pairs(text: &str, within: Range<usize>, between: char, name: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = within.start;
    for pair in text[within].split(between) {
        let span = trimmed(text, start..start + pair.len());
        start += pair.len() + between.len_utf8();
        if let Some((own, _)) = text[span.clone()].split_once('=')
            && own == name
        {
            found.push(span.start + own.len() + 1..span.end);
        }
    }
    found
}

fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    let inner = &text[span.clone()];
    let start = span.start + (inner.len() - inner.trim_start().len());
    start..start + inner.trim().len()
}

/// What stands in a query as `%XX`: it is encoded again when it is filled in.
fn decoded(text: &str) -> Result<Vec<u8>, String> {
    if text.contains('+') {
        return Err(String::from("'+' in a query is a space to some servers: write %20 or %2B"));
    }
    Ok(subrosa_http::percent_decoded(text.as_bytes()).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(place: &str, role: Role, text: &'t str) -> Vec<&'t str> {
        let place = Place::parse(place).unwrap();
        place.find(role, text).into_iter().map(|span| &text[span]).collect()
    }

    #[test]
    fn literals_are_found_where_they_stand() {
        for (place, role, text, literal) in [
            ("header:authorization", Role::Header, "Authorization: Bearer s3cr3t", "s3cr3t"),
            ("header:Authorization", Role::Header, "authorization:  Token  s3cr3t ", "s3cr3t"),
            ("header:Authorization", Role::Header, "Authorization: s3cr3t", "s3cr3t"),
            ("header:Authorization", Role::Bearer, "s3cr3t", "s3cr3t"),
            ("header:X-Api-Key", Role::Header, "X-Api-Key:two words", "two words"),
            ("header:user-agent", Role::Agent, "s3cr3t", "s3cr3t"),
            ("cookie:b", Role::Cookie, "a=1; b=s3=cr3t;c", "s3=cr3t"),
            ("cookie:b", Role::Header, "Cookie: a=1;b=s3cr3t", "s3cr3t"),
            ("query:key", Role::Url, "https://a.example/x?q=1&key=s3cr3t#f", "s3cr3t"),
            ("query:key", Role::Url, "a.example?key=s%2Fx", "s%2Fx"),
            ("query:key", Role::Query, "key=s&t", "s&t"),
            ("user", Role::User, "me:s3c:r3t", "me:s3c:r3t"),
            ("user:password", Role::User, "me:s3c:r3t", "s3c:r3t"),
        ] {
            assert_eq!(found(place, role, text), [literal], "{place} in {text}");
        }
        for (place, role, text) in [
            ("header:Authorization", Role::Header, "X-Authorization: a"),
            ("header:Authorization", Role::Header, "@Authorization: a"),
            ("header:Authorization", Role::Header, "Authorization;"),
            ("header:X", Role::Bearer, "s3cr3t"),
            ("cookie:b", Role::Cookie, "bb=1; B=2; b"),
            ("query:key", Role::Url, "https://key=a@a.example/key=b#key=c"),
            ("query:key", Role::Url, "https://{a,b}.example/?key=s3cr3t"),
            ("user", Role::User, "me"),
            ("user:password", Role::User, "me"),
        ] {
            assert!(found(place, role, text).is_empty(), "{place} in {text}");
        }
        assert_eq!(found("query:k", Role::Url, "https://a.example?k=1&k=2").len(), 2);
    }

    #[test]
    fn a_query_is_decoded_and_nothing_else_is() {
        let value = |role: Role, text| role.value(text).map(|value| value.expose_secret().to_vec());
        assert_eq!(value(Role::Url, "a%2Fb%").as_deref(), Ok(&b"a/b%"[..]));
        assert_eq!(value(Role::Header, "a%2Fb+").as_deref(), Ok(&b"a%2Fb+"[..]));
        for (role, text) in [
            (Role::Url, "a+b"),
            (Role::Header, ""),
            (Role::Header, "<<vault:x>>"),
            (Role::Header, "a{{vault:x}}"),
            (Role::Header, "<<vault:"),
        ] {
            let error = value(role, text).unwrap_err();
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }

    #[test]
    fn places_have_names() {
        for wrong in ["", "header", "header:", "body:x", "user:name", "path", "query:", "User"] {
            assert!(Place::parse(wrong).is_err(), "{wrong}");
        }
    }
}
