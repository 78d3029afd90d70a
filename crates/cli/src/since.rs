//! Points in time, as they are typed.

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// A day (from its beginning, UTC), a time as RFC 3339, or so long ago: `90m`, `24h`, `7d`. In seconds since 1970.
pub(crate) fn parse(text: &str, now: i64) -> Option<i64> {
    if let Some(ago) = ago(text) {
        return now.checked_sub(ago);
    }
    let time = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00Z") };
    time.parse::<jiff::Timestamp>().ok().map(|time| time.as_second())
}

fn ago(text: &str) -> Option<i64> {
    let unit = match text.as_bytes().last()? {
        b'm' => 60,
        b'h' => 3_600,
        b'd' => 86_400,
        _ => return None,
    };
    let number = text.get(..text.len() - 1)?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse::<i64>().ok().filter(|_| digits)?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_times_and_durations() {
        for (text, expected) in [
            ("1970-01-02", Some(86_400)),
            ("1970-01-01T01:00:00Z", Some(3_600)),
            ("1970-01-01T02:00:00+01:00", Some(3_600)),
            ("90m", Some(1_000_000 - 5_400)),
            ("2h", Some(1_000_000 - 7_200)),
            ("7d", Some(1_000_000 - 604_800)),
            ("7", None),
            ("d", None),
            ("-1d", None),
            ("yesterday", None),
            ("2026-13-01", None),
            ("", None),
        ] {
            assert_eq!(parse(text, 1_000_000), expected, "{text}");
        }
    }
}
