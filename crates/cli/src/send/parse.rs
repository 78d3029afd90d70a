//! From the words of a command line to [`CommandLine`], by curl's rules.
//!
//! Measured with curl 7.88 and pinned by the table at the foot of this file: a long flag takes its value from the
//! next word and never after `=`; short flags combine and the first that takes a value takes the rest of the word;
//! the value of a flag may start with a dash; `--` ends the flags; a lone `-` is no URL; the last of a repeated flag
//! wins unless it collects. Unlike curl before 8.10, long names cannot be shortened, and where curl warns and goes
//! on (a header without a colon), this is an error.

use super::command_line::CommandLine;
use super::flags::{self, Flag, Id, Support, Takes};
use super::topic::Topic;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;

/// Why a command line makes no sense. What was given as a value, or could have been meant as one, is in none of these:
/// it may be a secret in clear.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ParseError {
    Unknown { given: String, nearest: Option<&'static str> },
    NoEqualsSign { name: String, value: &'static str },
    NeedsValue { given: String, value: &'static str },
    NoOpposite { given: String },
    Always { given: String },
    Never { given: String, why: &'static str },
    BadValue { given: String, why: String },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseError::Unknown { given, .. } => write!(f, "unknown flag {given}"),
            ParseError::NoEqualsSign { name, .. } => {
                write!(f, "unknown flag {name}=...: the value is the next word")
            }
            ParseError::NeedsValue { given, value } => write!(f, "{given} needs a value: {value}"),
            ParseError::NoOpposite { given } => {
                write!(f, "{given} does not exist: the flag cannot be switched off")
            }
            ParseError::Always { given } => {
                write!(f, "curl's {given} is not supported: what it switches off is always done")
            }
            ParseError::Never { given, why } => write!(f, "curl's {given} is not supported: {why}"),
            ParseError::BadValue { given, why } => write!(f, "{given}: {why}"),
        }
    }
}

impl ParseError {
    /// What to write instead, where that is known.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            ParseError::Unknown { nearest: Some(name), .. } => Some(format!("did you mean --{name}?")),
            ParseError::NoEqualsSign { name, value } => Some(format!("{name} {value}")),
            ParseError::Unknown { .. } | ParseError::NeedsValue { .. } => Some("subrosa send --help".into()),
            _ => None,
        }
    }
}

/// Reads the words after `subrosa send`.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<CommandLine, ParseError> {
    let mut words: VecDeque<OsString> = words.into_iter().collect();
    let mut line = CommandLine::default();
    let mut flags_ended = false;
    while let Some(word) = words.pop_front() {
        let bytes = word.as_encoded_bytes();
        if flags_ended || !bytes.starts_with(b"-") {
            line.add_url(word);
        } else if bytes == b"--" {
            flags_ended = true;
        } else if bytes.starts_with(b"--") {
            long(&word, &mut words, &mut line)?;
        } else {
            shorts(&word, &mut words, &mut line)?;
        }
        // the only flag whose value may be missing
        if line.help.is_some()
            && let Some(topic) = words.front().and_then(|word| Topic::parse(word))
        {
            line.help = Some(topic);
            return Ok(line);
        }
    }
    Ok(line)
}

fn long(word: &OsString, rest: &mut VecDeque<OsString>, line: &mut CommandLine) -> Result<(), ParseError> {
    let given = word.to_string_lossy();
    let name = given.strip_prefix("--").unwrap_or(&given);
    let Some((flag, on)) = flags::by_long(name) else {
        return Err(unknown_long(name));
    };
    let id = known(flag, on, &given)?;
    match flag.takes {
        Takes::Value(what) => {
            let value = rest
                .pop_front()
                .ok_or_else(|| ParseError::NeedsValue { given: given.clone().into_owned(), value: what })?;
            apply(line, id, Some(value), true, &given)
        }
        Takes::Switch | Takes::Nothing => apply(line, id, None, on, &given),
    }
}

fn shorts(word: &OsString, rest: &mut VecDeque<OsString>, line: &mut CommandLine) -> Result<(), ParseError> {
    let bytes = word.as_encoded_bytes();
    let mut at = 1;
    while at == 1 || at < bytes.len() {
        let letter = bytes.get(at).copied().map_or('-', char::from);
        let given = format!("-{}", letter.escape_default());
        let Some(flag) = flags::by_short(letter).filter(|_| at < bytes.len()) else {
            let given = word.to_string_lossy().chars().take(at + 1).collect();
            return Err(ParseError::Unknown { given, nearest: None });
        };
        let id = known(flag, true, &given)?;
        at += 1;
        if let Takes::Value(what) = flag.takes {
            let joined = bytes.get(at..).filter(|joined| !joined.is_empty()).map(|_| tail(word, at));
            let value = joined
                .or_else(|| rest.pop_front())
                .ok_or_else(|| ParseError::NeedsValue { given: given.clone(), value: what })?;
            return apply(line, id, Some(value), true, &given);
        }
        apply(line, id, None, true, &given)?;
    }
    Ok(())
}

/// What follows the first `at` bytes, all of which are ASCII letters of flags.
#[cfg(unix)]
fn tail(word: &OsString, at: usize) -> OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    OsString::from_vec(word.as_bytes().get(at..).unwrap_or_default().to_vec())
}

#[cfg(not(unix))]
fn tail(word: &OsString, at: usize) -> OsString {
    // Windows hands arguments over as UTF-16, so text is what there is
    OsString::from(word.to_string_lossy().get(at..).unwrap_or_default())
}

/// The name of a flag that `send` acts on; `None` for one that asks for what happens anyway.
fn known(flag: &Flag, on: bool, given: &str) -> Result<Option<Id>, ParseError> {
    let given = given.to_owned();
    match flag.support {
        Support::Yes(id) => Ok(Some(id)),
        Support::Already if on => Ok(None),
        Support::Already => Err(ParseError::Always { given }),
        Support::Never(why) => Err(ParseError::Never { given, why }),
    }
}

fn apply(
    line: &mut CommandLine,
    id: Option<Id>,
    value: Option<OsString>,
    on: bool,
    given: &str,
) -> Result<(), ParseError> {
    let Some(id) = id else { return Ok(()) };
    let applied = match value {
        Some(value) => line.take(id, value),
        None => line.switch(id, on),
    };
    applied.map_err(|why| ParseError::BadValue { given: given.to_owned(), why })
}

fn unknown_long(name: &str) -> ParseError {
    let (name, is_cut) = name.split_once('=').map_or((name, false), |(name, _)| (name, true));
    if is_cut && let Some((Flag { takes: Takes::Value(value), .. }, true)) = flags::by_long(name) {
        return ParseError::NoEqualsSign { name: format!("--{name}"), value };
    }
    if let Some(positive) = name.strip_prefix("no-")
        && flags::by_long(positive).is_some()
    {
        return ParseError::NoOpposite { given: format!("--{name}") };
    }
    ParseError::Unknown { given: format!("--{name}"), nearest: nearest(name) }
}

/// The flag that was probably meant: one that begins like this, else the one with the fewest differing letters.
fn nearest(name: &str) -> Option<&'static str> {
    let usable = || flags::all().filter(|flag| matches!(flag.support, Support::Yes(_)));
    if name.len() >= 3
        && let Some(flag) = usable().find(|flag| flag.long.starts_with(name))
    {
        return Some(flag.long);
    }
    usable()
        .map(|flag| (edits(name, flag.long), flag.long))
        .min()
        .filter(|(count, _)| *count <= 2 && *count < name.len())
        .map(|(_, long)| long)
}

/// Levenshtein's distance: letters to insert, delete or replace.
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::operation::Operation;
    use crate::send::transfers::Output;

    fn args(words: &[&str]) -> Result<CommandLine, ParseError> {
        parse(words.iter().map(OsString::from))
    }

    /// Looks at the only operation.
    fn seen<T>(words: &[&str], look: impl FnOnce(&Operation) -> T) -> T {
        let line = args(words).unwrap();
        let operations: Vec<&Operation> = line.operations().collect();
        assert_eq!(operations.len(), 1, "{words:?}");
        look(operations[0])
    }

    fn urls(words: &[&str]) -> Vec<String> {
        seen(words, urls_of)
    }

    fn urls_of(operation: &Operation) -> Vec<String> {
        operation.transfers.urls().map(|url| url.to_string_lossy().into_owned()).collect()
    }

    fn method(words: &[&str]) -> Option<String> {
        seen(words, |operation| operation.method.clone())
    }

    #[test]
    fn short_flags_combine_as_in_curl() {
        for words in [&["-sSXPOST", "u"][..], &["-sSX", "POST", "u"], &["-s", "-S", "--request", "POST", "u"]]
        {
            let line = args(words).unwrap();
            assert!(line.silent && line.show_error, "{words:?}");
            assert_eq!(method(words).as_deref(), Some("POST"), "{words:?}");
            assert_eq!(urls(words), ["u"], "{words:?}");
        }
        // curl: the equals sign belongs to the value of a short flag
        assert_eq!(seen(&["-d=x", "u"], |operation| operation.data[0].text.clone()), "=x");
        assert!(matches!(args(&["-X=PUT", "u"]), Err(ParseError::BadValue { .. })));
    }

    #[test]
    fn help_may_be_about_a_group_of_flags() {
        let topic = |words: &[&str]| args(words).unwrap().help;
        assert_eq!(topic(&["u"]), None);
        assert_eq!(topic(&["u", "--help"]), Some(Topic::All));
        assert_eq!(topic(&["-h", "all"]), Some(Topic::All));
        assert_eq!(topic(&["-h", "https://a.example"]), Some(Topic::All));
        assert_eq!(topic(&["--help", "category"]), Some(Topic::Categories));
        assert_eq!(topic(&["-sh", "body"]), Some(Topic::Of(flags::Section::Body)));
    }

    #[test]
    fn long_flags_take_the_next_word_and_no_equals_sign() {
        assert_eq!(method(&["--request", "PUT", "u"]).as_deref(), Some("PUT"));
        let error = args(&["--request=PUT", "u"]).unwrap_err();
        assert_eq!(error.to_string(), "unknown flag --request=...: the value is the next word");
        assert_eq!(error.hint().as_deref(), Some("--request METHOD"));
    }

    #[test]
    fn errors_repeat_no_value() {
        for words in [
            &["--oauth2-bearer=s3cr3t", "u"][..],
            &["--oauth2-baerer=s3cr3t", "u"],
            &["--silent=s3cr3t", "u"],
            &["-Wuser:s3cr3t", "u"],
            &["-s-s3cr3t", "u"],
            &["-C", "s3cr3t", "u"],
            &["-X", "P s3cr3t", "u"],
            &["--with", "name=s3cr3t", "u"],
            &["-m", "s3cr3t", "u"],
            &["-K", "s3cr3t", "u"],
        ] {
            let error = args(words).unwrap_err();
            let said = format!("{error} {}", error.hint().unwrap_or_default());
            assert!(!said.contains("s3cr3t"), "{said}");
        }
        assert_eq!(args(&["-sWuser", "u"]).unwrap_err().to_string(), "unknown flag -sW");
    }

    #[test]
    fn a_value_may_look_like_a_flag() {
        let outputs =
            |operation: &Operation| operation.transfers.each().map(|(_, output, _)| output).collect();
        let outputs: Vec<Output> = seen(&["-o", "-s", "u"], outputs);
        assert_eq!(outputs, [Output::File("-s".into())]);
        assert_eq!(urls(&["--url", "--silent"]), ["--silent"]);
    }

    #[test]
    fn next_begins_with_flags_of_its_own_and_keeps_those_for_all() {
        let line = args(&["-XPUT", "-s", "-k", "u", "v", "-:", "-v", "w", "--next", "x", "-dy"]).unwrap();
        assert!(line.silent && line.verbose);
        let operations: Vec<&Operation> = line.operations().collect();
        let methods: Vec<_> = operations.iter().map(|one| one.method.as_deref()).collect();
        assert_eq!(methods, [Some("PUT"), None, None]);
        let all: Vec<_> = operations.iter().map(|one| urls_of(one)).collect();
        assert_eq!(all, [vec!["u", "v"], vec!["w"], vec!["x"]]);
        assert_eq!(operations.iter().map(|one| one.way.insecure).collect::<Vec<_>>(), [true, false, false]);
        // without a URL before it, it begins nothing
        assert_eq!(method(&["-XPUT", "--next", "u"]).as_deref(), Some("PUT"));
        assert!(args(&["u", "--no-next", "v"]).is_err());
    }

    #[test]
    fn two_dashes_end_the_flags() {
        assert_eq!(urls(&["--", "-X", "u"]), ["-X", "u"]);
        assert_eq!(urls(&["a", "--", "b"]), ["a", "b"]);
    }

    #[test]
    fn what_curl_calls_unknown_is_unknown() {
        for words in [&["-", "u"][..], &["u", "-"], &["-?", "u"], &["--nosuch", "u"]] {
            assert!(matches!(args(words), Err(ParseError::Unknown { .. })), "{words:?}: {:?}", args(words));
        }
        assert!(matches!(args(&["-X"]), Err(ParseError::NeedsValue { .. })));
        for word in ["--no-request", "--no-no-buffer"] {
            assert!(matches!(args(&[word, "u"]), Err(ParseError::NoOpposite { .. })), "{word}");
        }
    }

    #[test]
    fn a_line_break_before_a_flag_makes_it_a_url_as_in_curl() {
        assert_eq!(urls(&["u", "\n--header", "A: b"]), ["u", "\n--header", "A: b"]);
    }

    #[test]
    fn switches_can_be_switched_off_again() {
        assert!(!seen(&["-L", "--no-location", "u"], |operation| operation.location));
        assert!(!args(&["-s", "--no-silent", "u"]).unwrap().silent);
        assert!(args(&["--no-buffer", "u"]).is_ok());
    }

    #[test]
    fn what_is_missing_says_so() {
        let text = |words: &[&str]| args(words).unwrap_err().to_string();
        assert!(
            text(&["-n", "u"]).starts_with("curl's -n is not supported: .netrc holds passwords in clear")
        );
        assert_eq!(
            text(&["--buffer", "u"]),
            "curl's --buffer is not supported: what it switches off is always done"
        );
        assert_eq!(text(&["-s#Q", "u"]), "curl's -Q is not supported: subrosa speaks HTTP only");
    }

    #[test]
    fn the_nearest_flag_is_offered() {
        let hint = |word: &str| args(&[word, "u"]).unwrap_err().hint();
        assert_eq!(hint("--reque").as_deref(), Some("did you mean --request?"));
        assert_eq!(hint("--haeder").as_deref(), Some("did you mean --header?"));
        assert_eq!(hint("--datta").as_deref(), Some("did you mean --data?"));
        assert_eq!(hint("--xyzzy").as_deref(), Some("subrosa send --help"));
    }

    #[test]
    fn differing_letters_are_counted() {
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("same", "same"), 0);
    }
}
