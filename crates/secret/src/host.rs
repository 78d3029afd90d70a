//! Hosts, read strictly: what two parsers could read differently is refused.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use thiserror::Error;

/// The longest domain name in its ASCII form without the trailing dot (RFC 1035 section 2.3.4).
const MAX_DOMAIN_LEN: usize = 253;
const MAX_LABEL_LEN: usize = 63;

/// A host in its one canonical form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// A domain name: lower case, A-labels, no trailing dot.
    Domain(String),
    /// An IPv4 address, written with four decimal numbers.
    V4(Ipv4Addr),
    /// An IPv6 address, written in brackets. An IPv4-mapped one stays what it is.
    V6(Ipv6Addr),
}

/// Why a text is no host that subrosa would connect to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HostError {
    /// There is no host.
    #[error("the host is empty")]
    Empty,
    /// Two dots in a row, or a dot at the beginning.
    #[error("the host has an empty label")]
    EmptyLabel,
    /// A name of more than 253 bytes or a label of more than 63.
    #[error("the host or one of its labels is too long")]
    TooLong,
    /// A character that stands in no host name.
    #[error("a host cannot hold {0:?}")]
    Character(char),
    /// An IPv4 address in another spelling than four decimal numbers: parsers disagree on it.
    #[error("an IPv4 address must be written as four decimal numbers")]
    UnusualAddress,
    /// Brackets that hold no IPv6 address, or one with a zone.
    #[error("the brackets hold no IPv6 address")]
    BadAddress,
    /// A name that is mapped to another one before it is looked up (fullwidth letters, soft hyphens).
    #[error("the host is not written in its canonical form; it would become {ascii}")]
    Mapped {
        /// The name that it would become, with A-labels.
        ascii: String,
    },
    /// Letters of look-alike scripts in one label.
    #[error("the host mixes alphabets within one label; it is {ascii}")]
    MixedScripts {
        /// The name with A-labels.
        ascii: String,
    },
    /// A name that IDNA (UTS 46) does not allow.
    #[error("the host is not a valid internationalised name")]
    Invalid,
}

impl HostError {
    /// A stable name for this kind of error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "host_empty",
            Self::EmptyLabel => "host_empty_label",
            Self::TooLong => "host_too_long",
            Self::Character(_) => "host_character",
            Self::UnusualAddress => "host_unusual_address",
            Self::BadAddress => "host_bad_address",
            Self::Mapped { .. } => "host_mapped",
            Self::MixedScripts { .. } => "host_mixed_scripts",
            Self::Invalid => "host_invalid",
        }
    }
}

impl Host {
    /// Reads a host as it stands in a URL: a name, four decimal numbers, or an IPv6 address in brackets.
    ///
    /// Upper-case ASCII and one trailing dot are brought to the canonical form; anything else that a parser
    /// would change is refused. Source: RFC 3986 section 3.2.2, WHATWG URL section 3.5, UTS 46.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if let Some(rest) = text.strip_prefix('[') {
            let inner = rest.strip_suffix(']').ok_or(HostError::BadAddress)?;
            return inner.parse().map(Self::V6).map_err(|_| HostError::BadAddress);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::V4(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err(HostError::Empty);
        }
        let ascii = if name.is_ascii() { check_ascii(name)? } else { check_unicode(name)? };
        check_lengths(&ascii)?;
        if ends_in_a_number(&ascii) {
            return Err(HostError::UnusualAddress);
        }
        Ok(Self::Domain(ascii))
    }

    /// Whether the address is this machine's own beyond doubt: 127.0.0.0/8, `::1` or the name `localhost`.
    ///
    /// Names below `localhost` are left out because resolvers differ on them.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Domain(name) => name == "localhost",
            Self::V4(address) => address.is_loopback(),
            Self::V6(address) => address.is_loopback(),
        }
    }
}

/// The lower-case form of an ASCII name whose A-labels are valid.
fn check_ascii(name: &str) -> Result<String, HostError> {
    if let Some(wrong) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || "-_.".contains(*c))) {
        return Err(HostError::Character(wrong));
    }
    let lower = name.to_ascii_lowercase();
    if lower.split('.').any(|label| label.starts_with("xn--")) && to_ascii(&lower)? != lower {
        return Err(HostError::Invalid);
    }
    Ok(lower)
}

/// The A-label form of a name with other letters, if IDNA changes nothing but ASCII case in it.
fn check_unicode(name: &str) -> Result<String, HostError> {
    if let Some(wrong) = name.chars().find(|c| c.is_control() || c.is_whitespace() || is_delimiter(*c)) {
        return Err(HostError::Character(wrong));
    }
    let ascii = to_ascii(name)?;
    let plain = |text: &str| text.split('.').all(|label| !label.starts_with("xn--"));
    let lower = name.to_ascii_lowercase();
    let (shown, valid) = Uts46::new().to_unicode(ascii.as_bytes(), AsciiDenyList::URL, Hyphens::Allow);
    if valid.is_err() {
        return Err(HostError::Invalid);
    }
    // an A-label written beside other letters would be decoded by `to_unicode`: nobody writes that
    if shown != lower || !plain(&lower) {
        return Err(HostError::Mapped { ascii });
    }
    if lower.split('.').any(mixes_scripts) {
        return Err(HostError::MixedScripts { ascii });
    }
    Ok(ascii)
}

fn to_ascii(name: &str) -> Result<String, HostError> {
    Uts46::new()
        .to_ascii(name.as_bytes(), AsciiDenyList::URL, Hyphens::Allow, DnsLength::Ignore)
        .map(|ascii| ascii.into_owned())
        .map_err(|_| HostError::Invalid)
}

fn is_delimiter(c: char) -> bool {
    c.is_ascii() && !(c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn check_lengths(ascii: &str) -> Result<(), HostError> {
    if ascii.len() > MAX_DOMAIN_LEN {
        return Err(HostError::TooLong);
    }
    ascii.split('.').try_for_each(|label| match label.len() {
        0 => Err(HostError::EmptyLabel),
        1..=MAX_LABEL_LEN => Ok(()),
        _ => Err(HostError::TooLong),
    })
}

/// Whether a URL parser would take the name for an IPv4 address (WHATWG URL section 3.5).
fn ends_in_a_number(ascii: &str) -> bool {
    let last = ascii.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    hex || last.bytes().all(|b| b.is_ascii_digit())
}

/// Whether one label holds letters of more than one of the alphabets whose letters look alike.
fn mixes_scripts(label: &str) -> bool {
    let mut scripts = label.chars().filter_map(|c| match c {
        'a'..='z' | '\u{00c0}'..='\u{024f}' => Some(0),
        '\u{0370}'..='\u{03ff}' | '\u{1f00}'..='\u{1fff}' => Some(1),
        '\u{0400}'..='\u{052f}' => Some(2),
        '\u{0530}'..='\u{058f}' => Some(3),
        '\u{13a0}'..='\u{13ff}' | '\u{ab70}'..='\u{abbf}' => Some(4),
        _ => None,
    });
    let first = scripts.next();
    scripts.any(|script| Some(script) != first)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(name) => f.write_str(name),
            Self::V4(address) => write!(f, "{address}"),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(text: &str) -> Result<Host, HostError> {
        Ok(Host::Domain(text.to_owned()))
    }

    #[test]
    fn brings_names_to_one_form() {
        assert_eq!(Host::parse("API.Example.COM."), domain("api.example.com"));
        assert_eq!(Host::parse("bücher.example"), domain("xn--bcher-kva.example"));
        assert_eq!(Host::parse("Bücher.example"), domain("xn--bcher-kva.example"));
        assert_eq!(Host::parse("XN--BCHER-KVA.example"), domain("xn--bcher-kva.example"));
        assert_eq!(Host::parse("пример.рф"), domain("xn--e1afmkfd.xn--p1ai"));
        assert_eq!(Host::parse("my_service"), domain("my_service"));
        assert_eq!(Host::parse("r3---sn-x.example"), domain("r3---sn-x.example"));
    }

    #[test]
    fn addresses_are_addresses() {
        assert_eq!(Host::parse("127.0.0.1"), Ok(Host::V4(Ipv4Addr::LOCALHOST)));
        assert_eq!(Host::parse("[0:0::1]"), Ok(Host::V6(Ipv6Addr::LOCALHOST)));
        assert!(matches!(Host::parse("[::ffff:127.0.0.1]"), Ok(Host::V6(_))));
        assert!(!Host::parse("[::ffff:127.0.0.1]").unwrap().is_loopback());
        assert!(Host::parse("127.8.8.8").unwrap().is_loopback());
        assert!(Host::parse("LOCALHOST").unwrap().is_loopback());
        assert!(!Host::parse("x.localhost").unwrap().is_loopback());
        for text in ["[::1", "[::1%25eth0]", "[]", "[127.0.0.1]", "[::1]x"] {
            assert_eq!(Host::parse(text), Err(HostError::BadAddress), "{text}");
        }
    }

    #[test]
    fn hostile_e54_unusual_addresses_are_refused() {
        for text in [
            "0x7f.1",
            "2130706433",
            "127.1",
            "127.0.0.01",
            "1.2.3.4.5",
            "foo.0x7f",
            "foo.09",
            "127.0.0.1.",
            "0x",
            "256.1.1.1",
        ] {
            assert_eq!(Host::parse(text), Err(HostError::UnusualAddress), "{text}");
        }
    }

    #[test]
    fn hostile_e49_percent_and_fullwidth_dots_are_refused() {
        assert_eq!(Host::parse("api.example.com%2eevil.com"), Err(HostError::Character('%')));
        assert_eq!(
            Host::parse("api.example.com．evil.com"),
            Err(HostError::Mapped { ascii: "api.example.com.evil.com".into() })
        );
        assert!(matches!(Host::parse("api。example.com"), Err(HostError::Mapped { .. })));
    }

    #[test]
    fn hostile_e52_mapped_letters_are_refused_with_punycode() {
        let ascii = "api.example.com".to_owned();
        for text in ["ⓐpi.example.com", "a\u{ad}pi.example.com", "ａpi.example.com"] {
            assert_eq!(Host::parse(text), Err(HostError::Mapped { ascii: ascii.clone() }), "{text}");
        }
        let cyrillic = Host::parse("\u{0430}pi.example.com").unwrap_err();
        assert_eq!(cyrillic, HostError::MixedScripts { ascii: "xn--pi-6kc.example.com".into() });
        assert!(cyrillic.to_string().contains("xn--pi-6kc"), "{cyrillic}");
        assert!(matches!(Host::parse("BÜCHER.example"), Err(HostError::Mapped { .. })));
    }

    #[test]
    fn refuses_what_is_no_name() {
        let cases = [
            ("", HostError::Empty),
            (".", HostError::Empty),
            ("a..b", HostError::EmptyLabel),
            (".a", HostError::EmptyLabel),
            ("a.b..", HostError::EmptyLabel),
            ("a b", HostError::Character(' ')),
            ("a\tb", HostError::Character('\t')),
            ("a@b", HostError::Character('@')),
            ("ü@b", HostError::Character('@')),
            ("a\\b", HostError::Character('\\')),
            ("::1", HostError::Character(':')),
            ("*.a.com", HostError::Character('*')),
            ("xn--a-ä.example", HostError::Invalid),
            ("xn--zzzzzz99999.example", HostError::Invalid),
        ];
        for (text, error) in cases {
            assert_eq!(Host::parse(text), Err(error), "{text:?}");
        }
        assert_eq!(Host::parse(&"a".repeat(64)), Err(HostError::TooLong));
        assert_eq!(
            Host::parse(&"a.".repeat(127)),
            Err(HostError::TooLong).or(domain(&"a.".repeat(127)[..253]))
        );
        assert_eq!(Host::parse(&"a.".repeat(128)), Err(HostError::TooLong));
    }

    #[test]
    fn display_parses_back() {
        for text in ["api.example.com", "10.0.0.1", "[2001:db8::1]"] {
            assert_eq!(Host::parse(text).unwrap().to_string(), text);
        }
    }
}
