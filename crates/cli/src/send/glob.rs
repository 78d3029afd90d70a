//! curl's URL globbing: `{a,b}` and `[1-9]`, `[01-10:3]`, `[a-z]` stand for several URLs.
//!
//! The rules and the faults are curl's (measured with 7.88, pinned below), with one addition: references are
//! found first and are never part of a pattern. `{{vault:a}}` is a reference; `{{app}}` is curl's "nested brace".

use std::fmt;
use std::net::Ipv6Addr;
use std::ops::Range;

/// One command line stands for at most this many URLs. curl has no such limit; a plan that is judged before the
/// first request has to be held as a whole.
pub(crate) const MAX_URLS: usize = 10_000;

/// And those URLs are at most so many bytes together: a long URL with a short range in it would fill the memory.
pub(crate) const MAX_BYTES: usize = 64 << 20;

/// One of the URLs that a pattern stands for, with what each pattern became (`#1`, `#2` in `-o`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expansion {
    pub(crate) url: String,
    pub(crate) matched: Vec<String>,
}

/// What is wrong with a pattern, and at which character (counted from 1).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GlobError {
    pub(crate) fault: GlobFault,
    pub(crate) position: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GlobFault {
    UnmatchedOpen,
    UnmatchedClose,
    Nested,
    EmptySet,
    BadRange,
    TooMany,
    TooLong,
}

impl fmt::Display for GlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.fault {
            GlobFault::UnmatchedOpen => "unmatched brace",
            GlobFault::UnmatchedClose => "unmatched close brace or bracket",
            GlobFault::Nested => "nested brace",
            GlobFault::EmptySet => "empty braces",
            GlobFault::BadRange => "bad range",
            GlobFault::TooMany => return write!(f, "more than {MAX_URLS} URLs in one pattern"),
            GlobFault::TooLong => {
                return f.write_str("the URLs of one pattern are longer than 64 MiB together");
            }
        };
        write!(f, "{text} at character {}", self.position)
    }
}

enum Part {
    Fixed(String),
    Choice(Vec<String>),
}

impl Part {
    /// What it contributes to `count` URLs, in bytes.
    fn bytes_in(&self, count: usize) -> usize {
        match self {
            Part::Fixed(text) => text.len().saturating_mul(count),
            Part::Choice(choices) => {
                let each: usize = choices.iter().map(String::len).sum();
                each.saturating_mul(count / choices.len().max(1))
            }
        }
    }
}

/// The URLs that a pattern stands for, the rightmost part varying first. Text in `references` is left alone.
pub(crate) fn expand(pattern: &str, references: &[Range<usize>]) -> Result<Vec<Expansion>, GlobError> {
    let parts = Scanner { pattern, references, at: 0 }.parts()?;
    let mut count = 1usize;
    for part in &parts {
        if let Part::Choice(choices) = part {
            count = count.saturating_mul(choices.len());
        }
    }
    if count > MAX_URLS {
        return Err(GlobError { fault: GlobFault::TooMany, position: 1 });
    }
    if parts.iter().map(|part| part.bytes_in(count)).fold(0, usize::saturating_add) > MAX_BYTES {
        return Err(GlobError { fault: GlobFault::TooLong, position: 1 });
    }
    let mut all = vec![Expansion { url: String::new(), matched: Vec::new() }];
    for part in parts {
        all = match part {
            Part::Fixed(text) => {
                all.iter_mut().for_each(|one| one.url.push_str(&text));
                all
            }
            Part::Choice(choices) => all.iter().flat_map(|one| choices.iter().map(|c| one.with(c))).collect(),
        };
    }
    Ok(all)
}

impl Expansion {
    fn with(&self, choice: &str) -> Expansion {
        let mut next = self.clone();
        next.url.push_str(choice);
        next.matched.push(choice.to_owned());
        next
    }
}

struct Scanner<'a> {
    pattern: &'a str,
    references: &'a [Range<usize>],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        self.pattern.get(self.at..).unwrap_or_default()
    }

    fn fault<T>(&self, fault: GlobFault) -> Result<T, GlobError> {
        let before = self.pattern.get(..self.at).unwrap_or_default();
        Err(GlobError { fault, position: before.chars().count() + 1 })
    }

    /// The reference that starts here.
    fn reference(&self) -> Option<&'a str> {
        let span = self.references.iter().find(|span| span.start == self.at)?;
        self.pattern.get(span.clone())
    }

    fn parts(mut self) -> Result<Vec<Part>, GlobError> {
        let mut parts = Vec::new();
        let mut fixed = String::new();
        while let Some(letter) = self.rest().chars().next() {
            if let Some(reference) = self.reference() {
                fixed.push_str(reference);
                self.at += reference.len();
                continue;
            }
            match letter {
                '{' => parts.extend([Part::Fixed(std::mem::take(&mut fixed)), self.set()?]),
                '[' => match literal_brackets(self.rest()) {
                    Some(text) => {
                        fixed.push_str(text);
                        self.at += text.len();
                    }
                    None => parts.extend([Part::Fixed(std::mem::take(&mut fixed)), self.range()?]),
                },
                '}' | ']' => return self.fault(GlobFault::UnmatchedClose),
                _ => {
                    let escaped = self.rest().strip_prefix('\\').and_then(|rest| rest.chars().next());
                    let taken = escaped.filter(|next| "{}[]".contains(*next));
                    self.at += if taken.is_some() { 2 } else { letter.len_utf8() };
                    fixed.push(taken.unwrap_or(letter));
                }
            }
        }
        parts.push(Part::Fixed(fixed));
        Ok(parts)
    }

    /// `{a,b}`, standing at the brace.
    fn set(&mut self) -> Result<Part, GlobError> {
        let opened = self.at;
        self.at += 1;
        let mut choices = vec![String::new()];
        while let Some(letter) = self.rest().chars().next() {
            let choice = choices.last_mut().map_or_else(String::new, std::mem::take);
            let (text, step) = match (self.reference(), letter) {
                (Some(reference), _) => (choice + reference, reference.len()),
                (None, '{' | '[') => return self.fault(GlobFault::Nested),
                (None, ']') => return self.fault(GlobFault::UnmatchedClose),
                (None, '}') if choices.len() == 1 && choice.is_empty() => {
                    return self.fault(GlobFault::EmptySet);
                }
                (None, '}') => {
                    self.at += 1;
                    choices.pop();
                    choices.push(choice);
                    return Ok(Part::Choice(choices));
                }
                (None, ',') => (choice, 0),
                (None, '\\') => match self.rest().chars().nth(1) {
                    Some(next) => (choice + &next.to_string(), 1 + next.len_utf8()),
                    None => (choice + "\\", 1),
                },
                (None, letter) => (choice + &letter.to_string(), letter.len_utf8()),
            };
            if let Some(last) = choices.last_mut() {
                *last = text;
            }
            if step == 0 {
                choices.push(String::new());
            }
            self.at += step.max(1);
        }
        self.at = opened;
        self.fault(GlobFault::UnmatchedOpen)
    }

    /// `[1-9]`, standing at the bracket.
    fn range(&mut self) -> Result<Part, GlobError> {
        let inside = self.rest().get(1..).and_then(|rest| rest.split_once(']')).map(|(inside, _)| inside);
        let Some(choices) = inside.and_then(|inside| numbers(inside).or_else(|| letters(inside))) else {
            return self.fault(GlobFault::BadRange);
        };
        if choices.len() > MAX_URLS {
            return self.fault(GlobFault::TooMany);
        }
        self.at += inside.map_or(0, str::len) + 2;
        Ok(Part::Choice(choices))
    }
}

/// Brackets that are no range: an IPv6 address, and `[]`.
fn literal_brackets(rest: &str) -> Option<&str> {
    let (inside, _) = rest.strip_prefix('[')?.split_once(']')?;
    let address = inside.split('%').next().unwrap_or_default();
    let literal = inside.is_empty() || address.parse::<Ipv6Addr>().is_ok();
    literal.then(|| rest.get(..inside.len() + 2)).flatten()
}

/// `first-last[:step]`, the ends in order, a step no longer than the way.
fn steps(first: u64, last: u64, step: Option<&str>) -> Option<impl Iterator<Item = u64>> {
    let step: u64 = step.map_or(Some(1), |step| step.parse().ok())?;
    let way = last.checked_sub(first)?;
    let sound = if way == 0 { step == 1 } else { (1..=way).contains(&step) };
    // one more than is allowed is enough to see that there are too many
    sound.then(|| (first..=last).step_by(usize::try_from(step).unwrap_or(usize::MAX)).take(MAX_URLS + 1))
}

fn split_range(inside: &str) -> Option<(&str, &str, Option<&str>)> {
    let (first, rest) = inside.split_once('-')?;
    Some(match rest.split_once(':') {
        Some((last, step)) => (first, last, Some(step)),
        None => (first, rest, None),
    })
}

fn numbers(inside: &str) -> Option<Vec<String>> {
    let (first, last, step) = split_range(inside)?;
    let width = if first.starts_with('0') { first.len() } else { 0 };
    let digits =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let range = steps(digits(first)?, digits(last.trim_start_matches([' ', '\t']))?, step)?;
    Some(range.map(|number| format!("{number:0width$}")).collect())
}

fn letters(inside: &str) -> Option<Vec<String>> {
    let (first, last, step) = split_range(inside)?;
    let ([first], [last]) = (first.as_bytes(), last.as_bytes()) else { return None };
    if !first.is_ascii_alphabetic() || last.saturating_sub(*first) > b'z' - b'a' {
        return None;
    }
    let bytes = steps(u64::from(*first), u64::from(*last), step)?;
    Some(bytes.filter_map(|byte| u8::try_from(byte).ok()).map(|byte| char::from(byte).to_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(pattern: &str) -> Result<Vec<String>, String> {
        let references: Vec<_> =
            subrosa_secret::scan(pattern.as_bytes()).references.into_iter().map(|found| found.span).collect();
        let all = expand(pattern, &references).map_err(|error| error.to_string())?;
        Ok(all.into_iter().map(|one| one.url).collect())
    }

    /// What curl 7.88 requests for each of these (`curl -w '%{url_effective}'`).
    #[test]
    fn patterns_mean_what_they_mean_to_curl() {
        for (pattern, expected) in [
            ("u/{concept_id}/languages", &["u/concept_id/languages"][..]),
            ("u/{a,b}", &["u/a", "u/b"]),
            ("u/{a,b}/{c,d}", &["u/a/c", "u/a/d", "u/b/c", "u/b/d"]),
            ("u/{a,}", &["u/a", "u/"]),
            ("u/{a\\,b}", &["u/a,b"]),
            ("u/\\{a\\}", &["u/{a}"]),
            ("u/\\x", &["u/\\x"]),
            ("u/[1-3]", &["u/1", "u/2", "u/3"]),
            ("u/[1-1]", &["u/1"]),
            ("u/[01-10:3]", &["u/01", "u/04", "u/07", "u/10"]),
            ("u/[a-e:2]", &["u/a", "u/c", "u/e"]),
            ("u/[]", &["u/[]"]),
            ("u/?x=[1-2]&y={a}", &["u/?x=1&y=a", "u/?x=2&y=a"]),
            ("http://[::1]:1/", &["http://[::1]:1/"]),
            ("http://[::1%25lo]:1/", &["http://[::1%25lo]:1/"]),
            ("u/é", &["u/é"]),
        ] {
            assert_eq!(
                urls(pattern).as_deref(),
                Ok(&expected.iter().map(|s| String::from(*s)).collect::<Vec<_>>()[..]),
                "{pattern}"
            );
        }
    }

    #[test]
    fn faults_are_those_of_curl() {
        for (pattern, fault) in [
            ("u/{{app}}/x", "nested brace at character 4"),
            ("u/{a[1-2]}", "nested brace at character 5"),
            ("u/{a", "unmatched brace at character 3"),
            ("u/a}", "unmatched close brace or bracket at character 4"),
            ("u/a]", "unmatched close brace or bracket at character 4"),
            ("u/{}", "empty braces at character 4"),
            ("u/[3-1]", "bad range at character 3"),
            ("u/[x]", "bad range at character 3"),
            ("u/[1-3", "bad range at character 3"),
            ("u/[a-Z]", "bad range at character 3"),
            ("u/[1-9:0]", "bad range at character 3"),
            ("u/[1-9:9]", "bad range at character 3"),
            ("u/[+1-9]", "bad range at character 3"),
            ("u/[0-18446744073709551615]", "more than 10000 URLs in one pattern"),
            ("u/[1-999][1-999]", "more than 10000 URLs in one pattern"),
        ] {
            assert_eq!(urls(pattern), Err(String::from(fault)), "{pattern}");
        }
    }

    #[test]
    fn long_urls_are_not_multiplied_without_end() {
        let long = "x".repeat(100 << 10);
        let refused = "the URLs of one pattern are longer than 64 MiB together";
        for pattern in [format!("u/{long}[1-1000]"), format!("u/[1-1000]{{{long},a}}")] {
            assert_eq!(urls(&pattern), Err(String::from(refused)));
        }
        assert_eq!(urls(&format!("u/{long}[1-9]")).unwrap().len(), 9);
    }

    #[test]
    fn references_are_not_patterns() {
        for one in ["u/<<vault:a>>", "u/{{vault:a}}", "u/{{ vault:a }}?b=c", "u/{{vault:a}}{{vault:b}}"] {
            assert_eq!(urls(one).as_deref(), Ok(&[String::from(one)][..]));
        }
        assert_eq!(
            urls("u/{{{vault:a}},b}/[1-2]").unwrap(),
            ["u/{{vault:a}}/1", "u/{{vault:a}}/2", "u/b/1", "u/b/2"]
        );
    }

    #[test]
    fn what_a_pattern_became_is_kept_for_file_names() {
        let all = expand("u/{a,b}/[1-2]", &[]).unwrap();
        assert_eq!(all[1], Expansion { url: "u/a/2".into(), matched: vec!["a".into(), "2".into()] });
    }
}
