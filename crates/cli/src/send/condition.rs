//! `-z`, `--etag-compare` and `--etag-save`: asking for what has changed.

use super::files;
use super::http_date;
use super::saving::dump_file;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, reason};
use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;
use subrosa_http::{HeaderField, ResponseHead, Text};

/// What `-z` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeCondition {
    kind: Kind,
    time: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Newer,
    Older,
    /// `=`: a Last-Modified of the request's own, and no condition.
    Same,
}

/// Ways of writing a time that curl reads too.
const FORMATS: [&str; 8] = [
    "%d %b %Y %H:%M:%S %z",
    "%d %b %Y %H:%M %z",
    "%d %b %Y %H:%M:%S",
    "%d %b %Y %H:%M",
    "%d %b %Y",
    "%b %d %Y",
    "%a %b %d %Y",
    "%Y%m%d",
];

impl TimeCondition {
    /// Reads the text of `-z`: a time or the name of a file, behind `-` for what is older or `=`.
    ///
    /// curl warns of what is neither, and sends the request without a condition.
    pub(super) fn parse(value: &OsStr) -> Outcome<Self> {
        let text = value.to_string_lossy();
        let (kind, rest) = match text.bytes().next() {
            Some(b'-') => (Kind::Older, &text[1..]),
            Some(b'=') => (Kind::Same, &text[1..]),
            Some(b'+') => (Kind::Newer, &text[1..]),
            _ => (Kind::Newer, &text[..]),
        };
        let time =
            http_date::parse(rest.as_bytes()).or_else(|| FORMATS.iter().find_map(|form| read(rest, form)));
        match time.or_else(|| changed(Path::new(rest))) {
            Some(time) => Ok(Self { kind, time }),
            None => {
                Err(Failure::usage("-z: the value is no time and no file that is there; nothing was sent")
                    .hint("-z '5 Mar 2019 10:20'"))
            }
        }
    }

    /// The header that says so.
    pub(super) fn header(&self) -> HeaderField {
        let name = match self.kind {
            Kind::Newer => "If-Modified-Since",
            Kind::Older => "If-Unmodified-Since",
            Kind::Same => "Last-Modified",
        };
        let time = self.time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        HeaderField::new(name, Text::literal(time))
    }

    /// Whether an answer is what was asked for, as far as it says when it has changed.
    pub(super) fn is_met(&self, head: &ResponseHead) -> bool {
        let Some(modified) = head.header("last-modified").and_then(http_date::parse) else { return true };
        match self.kind {
            Kind::Older => modified.as_second() < self.time.as_second(),
            Kind::Newer | Kind::Same => modified.as_second() > self.time.as_second(),
        }
    }
}

fn read(text: &str, format: &str) -> Option<Timestamp> {
    let parsed = strtime::parse(format, text.trim()).ok()?;
    if format.ends_with("%z") {
        return parsed.to_timestamp().ok();
    }
    TimeZone::UTC.to_timestamp(parsed.to_datetime().ok()?).ok()
}

/// When a file was last changed.
fn changed(path: &Path) -> Option<Timestamp> {
    let time = fs::metadata(path).ok()?.modified().ok()?;
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}

/// `--etag-compare`: the header with what the file holds, which is no text of the user's and so has no references.
pub(super) fn of_etag(file: &OsStr) -> Outcome<HeaderField> {
    let bytes = files::read(Path::new(file))?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
    let etag = if line.is_empty() { b"\"\"" } else { line };
    Ok(HeaderField::new("If-None-Match", Text::literal(etag)))
}

/// The file of `--etag-save`.
pub(super) enum EtagFile {
    Stdout,
    File(File),
}

impl EtagFile {
    pub(super) fn new(file: &OsStr, is_first: bool) -> Outcome<Self> {
        if file == "-" {
            return Ok(Self::Stdout);
        }
        dump_file(Path::new(file), is_first).map(Self::File)
    }

    /// Takes the head of an answer.
    pub(super) fn head(&mut self, head: &ResponseHead) -> Outcome {
        let Some(etag) = head.header("etag").filter(|etag| !etag.is_empty()) else { return Ok(()) };
        let line = [etag, b"\n"].concat();
        let written = match self {
            Self::Stdout => io::stdout().lock().write_all(&line),
            Self::File(file) => file.write_all(&line),
        };
        let failed = |error| format!("cannot write the file of --etag-save: {}", reason(&error));
        written.map_err(|error| Failure::new(Exit::WRITE_ERROR, failed(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_curl_reads_them() {
        for (text, second) in [
            ("Tue, 05 Mar 2019 10:20:30 GMT", 1_551_781_230),
            ("1 jan 2018", 1_514_764_800),
            ("12 dec 2030 12:00 +0200", 1_923_300_000),
            ("Nov 6 2019", 1_572_998_400),
            ("20200101", 1_577_836_800),
            ("5 Mar 2019 10:20", 1_551_781_200),
        ] {
            let read = TimeCondition::parse(OsStr::new(text)).unwrap();
            assert_eq!((read.kind, read.time.as_second()), (Kind::Newer, second), "{text}");
        }
        let older = TimeCondition::parse(OsStr::new("-1 jan 2018")).unwrap();
        assert_eq!(older.kind, Kind::Older);
        assert_eq!(older.header().name(), "If-Unmodified-Since");
        assert_eq!(TimeCondition::parse(OsStr::new("=1 jan 2018")).unwrap().kind, Kind::Same);
        for wrong in ["", "yesterday", "-", "no/such/file"] {
            assert!(TimeCondition::parse(OsStr::new(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_file_stands_for_the_time_of_its_change() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = TimeCondition::parse(file.path().as_os_str()).unwrap();
        assert!(Timestamp::now().as_second() - read.time.as_second() < 60);
    }
}
