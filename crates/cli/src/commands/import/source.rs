//! The file that is imported, or the environment.

use super::flags::Flags;
use crate::context::Context;
use crate::failure::{Failure, Outcome, reason};
use crate::{exchange, input};
use clap::ArgMatches;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use subrosa_interchange::{Contents, Format, InterchangeError, MAX_FILE_LEN};
use zeroize::Zeroizing;

/// So much of a long file is looked at before the rest is read.
const FIRST: usize = 16 << 10;

pub(super) struct Source {
    pub(super) file: PathBuf,
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// `None` for the environment.
    pub(super) format: Option<Format>,
}

impl Source {
    /// Reads the file and finds out what it is.
    pub(super) fn read(flags: &Flags) -> Outcome<Source> {
        let path = &flags.file;
        if !flags.variables.is_empty() {
            return Ok(Source { file: path.clone(), bytes: Zeroizing::default(), format: None });
        }
        let bytes = match is_stdin(path) {
            true => bounded(input::stdin()?, 0, path, flags.format)?,
            false => {
                let file = File::open(path).map_err(|error| Failure::file("read", path, &error))?;
                let length = length(&file, path)?;
                bounded(file, length, path, flags.format)?
            }
        };
        if flags.format.is_none() && bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(Failure::general(format!("{} is empty; nothing was imported", shown(path))));
        }
        let format = match flags.format {
            Some(format) => format,
            None => detected(&bytes, path).map_err(|error| refused(error, path))?,
        };
        Ok(Source { file: path.clone(), bytes, format: Some(format) })
    }

    /// What it says. Asks for a passphrase where it takes one.
    pub(super) fn contents(
        &mut self,
        context: &Context,
        arguments: &ArgMatches,
        flags: &Flags,
    ) -> Outcome<Contents> {
        let (identities, from) = (flags.identities.as_slice(), self.shown());
        let Some(mut format) = self.format else {
            return exchange::environment(&flags.variables).map_err(|failure| self.named(failure));
        };
        if format != Format::Age && !identities.is_empty() {
            return Err(self.beside("--identity", "age files", format));
        }
        let unlocking = exchange::Unlocking { context, arguments, identities, from };
        if format == Format::Age {
            self.bytes = unlocking.open_age(&self.bytes).map_err(|failure| self.named(failure))?;
            // what the age file is called tells nothing of what is within
            format =
                subrosa_interchange::detect(&self.bytes, None).map_err(|error| refused(error, &self.file))?;
            self.format = Some(format);
        }
        if flags.path.is_some() && !matches!(format, Format::Json | Format::Yaml | Format::Toml) {
            return Err(self.beside("--path", "JSON, YAML and TOML", format));
        }
        let wanted = exchange::Wanted { all: flags.all, path: flags.path.clone() };
        unlocking.read(&self.bytes, format, &wanted).map_err(|failure| self.named(failure))
    }

    /// Gives the memory back that the file takes, once all of it is known.
    pub(super) fn forget(&mut self) {
        self.bytes = Zeroizing::default();
    }

    /// Whether the file says what may be done with its secrets, because subrosa wrote it.
    pub(super) fn is_of_subrosa(&self) -> bool {
        matches!(self.format, Some(Format::Subrosa | Format::SubrosaPlain))
    }

    /// Whether the file marks some of its variables as secret.
    pub(super) fn marks_secrets(&self) -> bool {
        matches!(
            self.format,
            Some(Format::PostmanEnvironment | Format::PostmanGlobals | Format::PostmanCollection)
        )
    }

    pub(super) fn is_stdin(&self) -> bool {
        is_stdin(&self.file)
    }

    /// What it is called in messages.
    pub(super) fn shown(&self) -> String {
        match self.format {
            None => String::from("the environment"),
            Some(_) => shown(&self.file),
        }
    }

    /// As the audit log has it.
    pub(super) fn told(&self) -> String {
        if self.is_stdin() || self.format.is_none() {
            return self.shown();
        }
        let whole = std::path::absolute(&self.file).unwrap_or_else(|_| self.file.clone());
        format!("file {}", whole.display())
    }

    /// A flag that says nothing about this file: who gave it expects another one.
    fn beside(&self, flag: &str, what: &str, format: Format) -> Failure {
        Failure::usage(format!(
            "{flag} is for {what}, and {} is read as {format}; nothing was imported",
            self.shown()
        ))
        .hint(format!("leave {flag} out, or say --format where the file is another one than it looks"))
    }

    fn named(&self, failure: Failure) -> Failure {
        failure.in_file(&self.shown()).adding("; nothing was imported")
    }
}

fn detected(bytes: &[u8], path: &Path) -> Result<Format, InterchangeError> {
    let name = path.file_name().filter(|_| !is_stdin(path));
    subrosa_interchange::detect(bytes, name.and_then(|name| name.to_str()))
}

fn refused(error: InterchangeError, path: &Path) -> Failure {
    exchange::failure(error).in_file(&shown(path)).adding("; nothing was imported")
}

fn shown(path: &Path) -> String {
    if is_stdin(path) { String::from("standard input") } else { path.display().to_string() }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The length of a file that can be read; a pipe has none.
fn length(file: &File, path: &Path) -> Outcome<usize> {
    let found = file.metadata().map_err(|error| Failure::file("read", path, &error))?;
    if found.is_dir() {
        return Err(Failure::usage(format!("{} is a folder", path.display())));
    }
    match found.len() {
        len if len > MAX_FILE_LEN as u64 => Err(refused(InterchangeError::TooLong { len }, path)),
        len => Ok(usize::try_from(len).unwrap_or(MAX_FILE_LEN)),
    }
}

/// All of it, unless it begins like nothing that can be read, or never ends.
fn bounded(
    mut reader: impl Read,
    expected: usize,
    path: &Path,
    format: Option<Format>,
) -> Outcome<Zeroizing<Vec<u8>>> {
    let mut first = Zeroizing::new(Vec::with_capacity(FIRST));
    let read = reader.by_ref().take(FIRST as u64).read_to_end(&mut first);
    read.map_err(|error| Failure::general(format!("cannot read {}: {}", path.display(), reason(&error))))?;
    if format.is_none() && first.len() == FIRST {
        // what is wrong with a part may be the cut, but not this
        let found = subrosa_interchange::detect(&first, None);
        if let Err(error @ (InterchangeError::NotText { .. } | InterchangeError::Encoding { .. })) = found {
            return Err(refused(error, path));
        }
    }
    let bytes = input::read_limited(first.as_slice().chain(reader), expected, MAX_FILE_LEN + 1, path)?;
    if bytes.len() > MAX_FILE_LEN {
        let text =
            format!("{} has more than {MAX_FILE_LEN} bytes, which is more than is read", path.display());
        return Err(Failure::general(text));
    }
    Ok(bytes)
}
