//! Values on their way in: typed without echo, from standard input, or from a file. A value on the command line
//! is taken with a warning, because every process of the machine and the shell's history can read it.

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{output, terminal};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use subrosa_secret::{MAX_VALUE_LEN, SecretValue};
use zeroize::Zeroizing;

/// The least room for what is read.
const FIRST: usize = 4096;
/// One byte more than a value may have.
const LIMIT: usize = MAX_VALUE_LEN + 1;

/// Where a value comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Typed on the terminal; read from standard input where that is a pipe or a file.
    Asked,
    /// Standard input.
    Stdin,
    File(PathBuf),
    /// The command line.
    Argument(String),
}

impl Source {
    /// `-` is standard input, anything else a value; nothing is a question.
    pub(crate) fn of_argument(argument: Option<&String>, file: Option<&PathBuf>) -> Source {
        match (argument.map(String::as_str), file) {
            (_, Some(path)) if path == Path::new("-") => Source::Stdin,
            (_, Some(path)) => Source::File(path.clone()),
            (Some("-"), None) => Source::Stdin,
            (Some(text), None) => Source::Argument(text.to_owned()),
            (None, None) => Source::Asked,
        }
    }
}

/// Reads a value. Of a single line of text the line break at its end is dropped unless `exact`: files and pipes end
/// with one that belongs to no key. Several lines (a PEM) and binary values are kept byte for byte.
pub(crate) fn value(context: &Context, source: Source, what: &str, exact: bool) -> Outcome<SecretValue> {
    let bytes = match source {
        Source::Argument(text) => {
            output::warn("the value stood on the command line, where other programs can read it");
            output::hint("leave it out to be asked, or pipe it in");
            return made(Zeroizing::new(text.into_bytes()), what);
        }
        Source::Asked if terminal::stdin_is_terminal() => {
            let mut terminal = context.terminal()?.ok_or_else(|| nobody_to_ask(what))?;
            return made(terminal.secret(&format!("{what}:"))?, what);
        }
        Source::Asked | Source::Stdin => read_limited(stdin()?, 0, LIMIT, Path::new("standard input"))?,
        Source::File(path) => {
            let file = File::open(&path).map_err(|error| Failure::file("read", &path, &error))?;
            let expected = expected_len(&file);
            read_limited(file, expected, LIMIT, &path)?
        }
    };
    made(if exact { bytes } else { without_line_break(bytes) }, what)
}

/// Reads a text such as a key or a passphrase from a file, without its line break.
pub(crate) fn line_of_file(path: &Path) -> Outcome<Zeroizing<Vec<u8>>> {
    let file = File::open(path).map_err(|error| Failure::file("read", path, &error))?;
    let expected = expected_len(&file);
    Ok(without_line_break(read_limited(file, expected, LIMIT, path)?))
}

/// The same from standard input.
pub(crate) fn line_of_stdin() -> Outcome<Zeroizing<Vec<u8>>> {
    Ok(without_line_break(read_limited(stdin()?, 0, LIMIT, Path::new("standard input"))?))
}

/// Standard input without the buffer of the standard library, which lives as long as the process and is never wiped.
#[cfg(unix)]
pub(crate) fn stdin() -> Outcome<impl Read> {
    use std::os::fd::AsFd;
    let input = io::stdin().as_fd().try_clone_to_owned();
    input.map(File::from).map_err(|error| Failure::file("read", Path::new("standard input"), &error))
}

#[cfg(not(unix))]
pub(crate) fn stdin() -> Outcome<impl Read> {
    Ok(io::stdin().lock())
}

fn nobody_to_ask(what: &str) -> Failure {
    Failure::usage(format!("no terminal to ask for {what}"))
        .hint("pipe the value in, or name a file with --file")
}

fn made(bytes: Zeroizing<Vec<u8>>, what: &str) -> Outcome<SecretValue> {
    if bytes.is_empty() {
        return Err(Failure::usage(format!("{what} is empty")));
    }
    SecretValue::from_zeroizing(bytes).map_err(|error| Failure::usage(format!("{what}: {error}")))
}

/// How much a file is going to give; 0 for what does not know, as a pipe.
pub(crate) fn expected_len(file: &File) -> usize {
    file.metadata().ok().and_then(|metadata| usize::try_from(metadata.len()).ok()).unwrap_or(0)
}

/// Reads at most `limit` bytes. The buffer is as large as what is expected, so that a key of 70
/// bytes costs no megabyte; where that was too little, what moves to a larger one is wiped where it stood.
pub(crate) fn read_limited(
    mut reader: impl Read,
    expected: usize,
    limit: usize,
    from: &Path,
) -> Outcome<Zeroizing<Vec<u8>>> {
    // one byte of room more, in which the end is noticed without growing
    let mut bytes = Zeroizing::new(vec![0; expected.clamp(FIRST, limit) + 1]);
    let mut filled = 0;
    while filled < limit {
        if filled == bytes.len() {
            let mut larger = Zeroizing::new(vec![0; (2 * filled).min(limit)]);
            larger[..filled].copy_from_slice(&bytes);
            bytes = larger;
        }
        let end = bytes.len().min(limit);
        match reader.read(&mut bytes[filled..end]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::file("read", from, &error)),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

fn without_line_break(mut bytes: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    let Some(line) = bytes.strip_suffix(b"\n") else { return bytes };
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let single = !line.contains(&b'\n') && std::str::from_utf8(line).is_ok();
    let length = line.len();
    if single {
        bytes.truncate(length);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_loses_its_break_and_nothing_else_does() {
        for (given, kept) in [
            (&b"key\n"[..], &b"key"[..]),
            (b"key\r\n", b"key"),
            (b"key", b"key"),
            (b"key \n", b"key "),
            (b"key\n\n", b"key\n\n"),
            (b"-----BEGIN\nabc\n-----END\n", b"-----BEGIN\nabc\n-----END\n"),
            (b"\xff\xfe\n", b"\xff\xfe\n"),
            (b"\n", b""),
        ] {
            assert_eq!(*without_line_break(Zeroizing::new(given.to_vec())), kept, "{given:?}");
        }
    }

    #[test]
    fn a_value_that_is_too_long_is_refused() {
        let bytes = read_limited(io::repeat(b'x'), 0, LIMIT, Path::new("-")).unwrap();
        assert_eq!(bytes.len(), MAX_VALUE_LEN + 1);
        assert!(made(bytes, "value").is_err());
        assert!(made(Zeroizing::new(Vec::new()), "value").is_err());
    }

    #[test]
    fn what_is_read_does_not_depend_on_what_was_expected() {
        for len in [0, 1, FIRST, FIRST + 1, FIRST + 2, 3 * FIRST, MAX_VALUE_LEN - 1, MAX_VALUE_LEN] {
            let all: Vec<u8> = (0u8..251).cycle().take(len).collect();
            for expected in [0, len / 2, len, len + 1, usize::MAX] {
                let read = read_limited(all.as_slice(), expected, LIMIT, Path::new("-")).unwrap();
                assert!(*read == all, "{len} bytes where {expected} were expected");
            }
        }
    }

    #[test]
    fn sources_of_a_value() {
        let (dash, text) = (String::from("-"), String::from("abc"));
        assert_eq!(Source::of_argument(None, None), Source::Asked);
        assert_eq!(Source::of_argument(Some(&dash), None), Source::Stdin);
        assert_eq!(Source::of_argument(Some(&text), None), Source::Argument("abc".into()));
        assert_eq!(Source::of_argument(None, Some(&PathBuf::from("f"))), Source::File("f".into()));
    }
}
