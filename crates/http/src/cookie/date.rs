//! The date of a cookie (RFC 6265, 5.1.1), which servers write in many ways.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Seconds since 1970; `None` for what is no date.
pub(super) fn parse(text: &str) -> Option<i64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    let is_delimiter = |c: char| !(c.is_ascii_alphanumeric() || c == ':' || !c.is_ascii());
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        let digits = token.bytes().take_while(u8::is_ascii_digit).count();
        if time.is_none() && token.contains(':') {
            time = Some(time_of(token)?);
        } else if day.is_none() && (1..=2).contains(&digits) {
            day = token[..digits].parse::<i8>().ok();
        } else if month.is_none() && digits == 0 && month_of(token).is_some() {
            month = month_of(token);
        } else if year.is_none() && (2..=4).contains(&digits) {
            year = token[..digits].parse::<i16>().ok();
        }
    }
    let year = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    let (hour, minute, second) = time?;
    let date = DateTime::new(year, month?, day?, hour, minute, second, 0).ok().filter(|_| year >= 1601)?;
    Some(TimeZone::UTC.to_timestamp(date).ok()?.as_second())
}

fn time_of(token: &str) -> Option<(i8, i8, i8)> {
    let mut fields = token.split(':').map(|field| {
        let digits = field.bytes().take_while(u8::is_ascii_digit).count();
        field.get(..digits).filter(|text| (1..=2).contains(&text.len()))?.parse().ok()
    });
    Some((fields.next()??, fields.next()??, fields.next()??))
}

fn month_of(token: &str) -> Option<i8> {
    let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let start = token.get(..3)?.to_ascii_lowercase();
    i8::try_from(months.iter().position(|month| *month == start)? + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_of_writing_one_moment() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "6 november 94 8:49:37",
        ] {
            assert_eq!(parse(text), Some(784_111_777), "{text}");
        }
        assert_eq!(parse("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(parse("Fri, 01-Jan-38 00:00:00 GMT"), Some(2_145_916_800));
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "0",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "06 Nov 1994",
            "06 Nov 1994 24:00:00",
            "06 Nov 1500 08:49:37",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
