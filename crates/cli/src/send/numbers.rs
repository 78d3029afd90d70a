//! Numbers in the values of flags, as curl reads them.

use std::ffi::OsStr;
use std::time::Duration;

/// Seconds, with fractions; 0 means no limit, as in curl.
pub(super) fn seconds(value: &OsStr) -> Result<Option<Duration>, String> {
    let wrong = || String::from("the value is not a number of seconds");
    let text = value.to_str().ok_or_else(wrong)?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(wrong());
    }
    let number: f64 = text.parse().map_err(|_| wrong())?;
    let duration = Duration::try_from_secs_f64(number).map_err(|_| wrong())?;
    Ok((!duration.is_zero()).then_some(duration))
}

/// `--max-redirs`: `None` is no limit.
pub(super) fn redirects(value: &OsStr) -> Result<Option<u32>, String> {
    match value.to_str() {
        Some("-1") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| String::from("the value is not a number, nor -1")),
        None => Err(String::from("the value is not a number, nor -1")),
    }
}

/// A count without a sign.
pub(super) fn count(value: &OsStr) -> Result<u64, String> {
    let digits = value.to_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).ok_or_else(|| String::from("the value is not a number"))
}

/// Bytes, with `k`, `m`, `g`, `t`, `p` for powers of 1024; 0 means no limit.
pub(super) fn bytes(value: &OsStr) -> Result<Option<u64>, String> {
    let wrong = || String::from("the value is not a size such as 300, 200k or 10M");
    let text = value.to_str().ok_or_else(wrong)?;
    let (digits, shift) = match text.as_bytes().last().map(u8::to_ascii_lowercase) {
        Some(b'b') => (&text[..text.len() - 1], 0),
        Some(b'k') => (&text[..text.len() - 1], 10),
        Some(b'm') => (&text[..text.len() - 1], 20),
        Some(b'g') => (&text[..text.len() - 1], 30),
        Some(b't') => (&text[..text.len() - 1], 40),
        Some(b'p') => (&text[..text.len() - 1], 50),
        _ => (text, 0),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let size =
        digits.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift)).ok_or_else(wrong)?;
    Ok((size > 0).then_some(size))
}

/// `--create-file-mode`: octal, without the bits that make a program of somebody else's.
pub(super) fn mode(value: &OsStr) -> Result<u32, String> {
    let wrong = || String::from("the value is not a mode in octal, such as 0600");
    let mode = value.to_str().and_then(|text| u32::from_str_radix(text, 8).ok()).ok_or_else(wrong)?;
    if mode > 0o777 { Err(wrong()) } else { Ok(mode) }
}

/// `--rate`: the time from the start of one request to that of the next. `N/s`, `N/m`, `N/h` (the default), `N/d`.
pub(super) fn rate(value: &OsStr) -> Result<Duration, String> {
    let wrong = || String::from("the value is not a rate such as 2/s, 10/m, 100/h or 1000/d");
    let text = value.to_str().ok_or_else(wrong)?;
    let (number, unit) = text.split_once('/').unwrap_or((text, "h"));
    let unit = Duration::from_secs(match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    });
    let number: u32 = number.parse().map_err(|_| wrong())?;
    unit.checked_div(number).ok_or_else(wrong)
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
    fn sizes_have_one_letter_at_most() {
        for (text, size) in
            [("0", None), ("300", Some(300)), ("2k", Some(2048)), ("1M", Some(1 << 20)), ("3b", Some(3))]
        {
            assert_eq!(bytes(OsStr::new(text)), Ok(size), "{text}");
        }
        for wrong in ["", "k", "1M5", "-1", "1x", "1.5k", "+1", "99999999999p"] {
            assert!(bytes(OsStr::new(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn modes_are_octal_and_small() {
        assert_eq!(mode(OsStr::new("600")), Ok(0o600));
        for wrong in ["999", "10000", "4755", "", "rw"] {
            assert!(mode(OsStr::new(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_rate_is_a_distance_in_time() {
        for (text, milliseconds) in [("2/s", 500), ("3/m", 20_000), ("3600", 1000), ("1000/d", 86_400)] {
            assert_eq!(rate(OsStr::new(text)), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for wrong in ["2/x", "0/s", "/s", "s", "-1/s", "1.5/s", ""] {
            assert!(rate(OsStr::new(wrong)).is_err(), "{wrong}");
        }
    }
}
