//! What a person wants to know of a certificate, read from its DER (RFC 5280, 4.1). Nothing is verified here.

/// The facts of a certificate that `-v` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Whom it names, as `CN=...; O=...` in the order of the certificate.
    pub subject: String,
    /// Who issued it, written likewise.
    pub issuer: String,
    /// Seconds since 1970 from which it is valid.
    pub not_before: i64,
    /// Seconds since 1970 until which it is valid.
    pub not_after: i64,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const EXPLICIT_VERSION: u8 = 0xa0;

/// Reads the facts, or nothing if the bytes are no certificate.
#[must_use]
pub fn facts(der: &[u8]) -> Option<CertificateFacts> {
    let mut outer = Reader(Reader(der).expect(SEQUENCE)?);
    let mut fields = Reader(outer.expect(SEQUENCE)?);
    if fields.peek() == Some(EXPLICIT_VERSION) {
        fields.next()?;
    }
    fields.next()?; // serial number
    fields.expect(SEQUENCE)?; // signature algorithm
    let issuer = name(fields.expect(SEQUENCE)?)?;
    let mut validity = Reader(fields.expect(SEQUENCE)?);
    let (not_before, not_after) = (time(validity.next()?)?, time(validity.next()?)?);
    let subject = name(fields.expect(SEQUENCE)?)?;
    Some(CertificateFacts { subject, issuer, not_before, not_after })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element: its tag and content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}

/// A distinguished name in one line. Characters that could play tricks on a terminal are left out.
fn name(der: &[u8]) -> Option<String> {
    let mut parts = Vec::new();
    let mut sets = Reader(der);
    while sets.peek().is_some() {
        let mut pairs = Reader(sets.expect(SET)?);
        while pairs.peek().is_some() {
            let mut pair = Reader(pairs.expect(SEQUENCE)?);
            let label = label(pair.expect(OBJECT_ID)?);
            let (_, value) = pair.next()?;
            let value: String = String::from_utf8_lossy(value).chars().filter(|c| !c.is_control()).collect();
            parts.push(format!("{label}={value}"));
        }
    }
    Some(parts.join("; "))
}

/// The short names of RFC 4519.
fn label(oid: &[u8]) -> &'static str {
    match oid {
        [0x55, 0x04, 0x03] => "CN",
        [0x55, 0x04, 0x06] => "C",
        [0x55, 0x04, 0x07] => "L",
        [0x55, 0x04, 0x08] => "ST",
        [0x55, 0x04, 0x0a] => "O",
        [0x55, 0x04, 0x0b] => "OU",
        _ => "other",
    }
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` (RFC 5280, 4.1.2.5) in seconds since 1970.
fn time((tag, text): (u8, &[u8])) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match (tag, text.len()) {
        (UTC_TIME, 12) => {
            let short: i64 = text[..2].parse().ok()?;
            (if short < 50 { 2000 + short } else { 1900 + short }, &text[2..])
        }
        (GENERALIZED_TIME, 14) => (text[..4].parse().ok()?, &text[4..]),
        _ => return None,
    };
    let field = |at: usize| rest[at..at + 2].parse::<i64>().ok();
    let days = days_since_1970(year, field(0)?, field(2)?);
    Some(((days * 24 + field(4)?) * 60 + field(6)?) * 60 + field(8)?)
}

/// Days from 1970-01-01 in the Gregorian calendar, counting years from March so that leap days come last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + leap_days + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        assert_eq!(time((UTC_TIME, b"700101000000Z")), Some(0));
        assert_eq!(time((UTC_TIME, b"000229235959Z")), Some(951_868_799));
        assert_eq!(time((GENERALIZED_TIME, b"20380119031408Z")), Some(1 << 31));
        assert_eq!(time((GENERALIZED_TIME, b"20380119031408")), None);
        assert_eq!(time((UTC_TIME, b"7001010000+0Z")), None);
    }

    #[test]
    fn damaged_der_is_no_certificate() {
        for der in [&b""[..], b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\x03\x30\x01\x00", b"\x30\x80"] {
            assert_eq!(facts(der), None);
        }
    }
}
