//! Where in a file of variables names and values stand.

use std::ops::Range;

use subrosa_secret::Name;

use crate::{InterchangeError, MAX_ITEMS, Notice, Notices, Place};

/// What a value stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    Single,
    Double,
    Backtick,
}

/// One assignment.
pub(super) struct Entry {
    /// The line of the name.
    pub line: usize,
    pub name: Range<usize>,
    /// The value with its quotes; empty where there is none.
    pub span: Range<usize>,
    /// The value within its quotes.
    pub inner: Range<usize>,
    pub quote: Option<Quote>,
}

/// Goes over a text from assignment to assignment.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    entries: usize,
    /// Remarks that look like assignments.
    pub remarks: Notices,
}

impl Entry {
    pub(super) fn name(&self, text: &str) -> Result<Name, InterchangeError> {
        Name::parse(&text[self.name.clone()])
            .map_err(|source| InterchangeError::Name { place: Place::Line(self.line), source })
    }
}

impl<'a> Scanner<'a> {
    /// `text` is without a byte order mark.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, line: 1, entries: 0, remarks: Notices::default() }
    }

    /// The next assignment, `None` at the end.
    pub(super) fn next_entry(&mut self) -> Result<Option<Entry>, InterchangeError> {
        loop {
            self.skip(char::is_whitespace);
            match self.rest().chars().next() {
                None => return Ok(None),
                Some('#') => self.remark(),
                // a name that is set again and again takes a notice each time
                Some(_) if self.entries == MAX_ITEMS => return Err(InterchangeError::TooMany),
                Some(_) => {
                    self.entries += 1;
                    return self.entry().map(Some);
                }
            }
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Moves on to `at`.
    fn advance(&mut self, at: usize) {
        let passed = &self.text.as_bytes()[self.at..at];
        let ends = memchr::memchr2_iter(b'\n', b'\r', passed);
        self.line += ends.filter(|end| passed[*end] == b'\n' || passed.get(end + 1) != Some(&b'\n')).count();
        self.at = at;
    }

    fn skip(&mut self, skipped: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.advance(self.at + rest.find(|c| !skipped(c)).unwrap_or(rest.len()));
    }

    fn skip_blanks(&mut self) {
        self.skip(|c| c.is_whitespace() && !is_end(c));
    }

    fn line_end(&self) -> usize {
        self.rest().find(is_end).map_or(self.text.len(), |end| self.at + end)
    }

    fn remark(&mut self) {
        let remark = self.text[self.at..self.line_end()].trim_start_matches('#').trim_start();
        let looks = remark.split_once('=').is_some_and(|(name, value)| {
            let name = name.trim_end().trim_start_matches("export ");
            !name.is_empty() && name.chars().all(is_name) && !value.trim().is_empty()
        });
        if looks {
            let text = "a remark that looks like a variable stays as it is".to_owned();
            self.remarks.push(Notice { place: Place::Line(self.line), text });
        }
        self.advance(self.line_end());
    }

    fn entry(&mut self) -> Result<Entry, InterchangeError> {
        let line = self.line;
        self.skip_export();
        let start = self.at;
        self.skip(is_name);
        let name = start..self.at;
        self.skip_blanks();
        if name.is_empty() || !self.rest().starts_with('=') {
            return Err(self.wrong("this is no `NAME=value`, as all else in such a file has to be"));
        }
        self.advance(self.at + 1);
        let before = self.at;
        self.skip_blanks();
        let quote = self.rest().chars().next().and_then(Quote::of);
        let (span, inner) = match quote {
            Some(quote) => self.quoted(quote)?,
            None if self.rest().starts_with('#') && self.at > before => (before..before, before..before),
            None => {
                let span = self.unquoted();
                (span.clone(), span)
            }
        };
        self.advance(self.line_end());
        Ok(Entry { line, name, span, inner, quote })
    }

    fn skip_export(&mut self) {
        let behind = self.rest().strip_prefix("export");
        if behind.is_some_and(|rest| rest.starts_with(|c: char| c.is_whitespace() && !is_end(c))) {
            self.advance(self.at + "export".len());
            self.skip_blanks();
        }
    }

    fn unquoted(&self) -> Range<usize> {
        let line = &self.text[self.at..self.line_end()];
        let mut marks = memchr::memchr_iter(b'#', line.as_bytes());
        let remark = marks.find(|at| line[..*at].ends_with(char::is_whitespace));
        self.at..self.at + line[..remark.unwrap_or(line.len())].trim_end().len()
    }

    /// The value with and without its quotes.
    fn quoted(&mut self, quote: Quote) -> Result<(Range<usize>, Range<usize>), InterchangeError> {
        let start = self.at;
        let len = quote.len_of(&self.text[start + 1..]);
        let len = len.ok_or_else(|| self.wrong("the value begins with a quote that is not closed"))?;
        let inner = start + 1..start + 1 + len;
        self.advance(inner.end + 1);
        self.skip_blanks();
        match self.rest().chars().next() {
            Some(c) if c != '#' && !is_end(c) => Err(self.wrong("something stands behind the closing quote")),
            _ => Ok((start..inner.end + 1, inner)),
        }
    }

    fn wrong(&self, what: &str) -> InterchangeError {
        InterchangeError::Malformed { place: Place::Line(self.line), what: what.to_owned() }
    }
}

impl Quote {
    fn of(c: char) -> Option<Self> {
        match c {
            '\'' => Some(Self::Single),
            '"' => Some(Self::Double),
            '`' => Some(Self::Backtick),
            _ => None,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Single => b'\'',
            Self::Double => b'"',
            Self::Backtick => b'`',
        }
    }

    /// Where the closing quote stands. A backslash takes its meaning from the character behind it, whatever that is; in
    /// backticks it does so for a backtick alone.
    fn len_of(self, text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        let mut from = 0;
        loop {
            let at = from + memchr::memchr2(self.byte(), b'\\', &bytes[from..])?;
            let escapes = self != Self::Backtick || bytes.get(at + 1) == Some(&b'`');
            from = match bytes[at] {
                b'\\' if escapes => at + 2,
                b'\\' => at + 1,
                _ => return Some(at),
            };
            if from > bytes.len() {
                return None;
            }
        }
    }
}

fn is_end(c: char) -> bool {
    c == '\n' || c == '\r'
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.-".contains(c)
}
