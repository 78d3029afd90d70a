//! The cookie jar of a command line: `-b FILE`, `-j`, `-c`.

use super::command_line::CommandLine;
use super::files::Files;
use super::operation::Operation;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::{outfile, output};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use subrosa_http::CookieJar;

/// The jar of an operation, if it has one: all that have share it. `-b ""` is one that begins empty.
pub(super) fn jar(
    operation: &Operation,
    files: &Files,
    shared: &mut Option<CookieJar>,
) -> Outcome<Option<CookieJar>> {
    if operation.cookie_files.is_empty() && operation.cookie_jar.is_none() {
        return Ok(None);
    }
    let jar = shared.get_or_insert_default();
    for file in operation.cookie_files.iter().filter(|file| !file.is_empty()) {
        let path = Path::new(file);
        // the jar of -c is not there the first time
        if file != "-" && !path.exists() {
            continue;
        }
        let text = files.plain(path)?;
        jar.read(&text, operation.junk_session_cookies).map_err(|error| {
            Failure::new(
                Exit::READ_ERROR,
                format!("cannot read {}: {error}; nothing was sent", path.display()),
            )
        })?;
    }
    Ok(Some(jar.clone()))
}

/// Writes the jar to where each `-c` says. As in curl, a jar that cannot be written fails no transfer.
pub(super) fn save(line: &CommandLine, jar: &CookieJar) {
    let mut written: Vec<&std::ffi::OsStr> = Vec::new();
    for file in line.operations().filter_map(|operation| operation.cookie_jar.as_deref()) {
        if written.contains(&file) {
            continue;
        }
        written.push(file);
        if let Err(failure) = write(Path::new(file), &jar.write()) {
            output::warn(&format!("the cookies are not saved: {}", failure.message()));
        }
    }
}

/// A file of one's own, whole or as it was; what is no file, such as a terminal, is written to.
fn write(path: &Path, text: &[u8]) -> Outcome {
    if path == Path::new("-") {
        let mut out = io::stdout().lock();
        out.write_all(text)?;
        return Ok(out.flush()?);
    }
    let failed = |error: io::Error| Failure::file("write", path, &error);
    if fs::metadata(path).is_ok_and(|facts| !facts.is_file()) {
        return fs::OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|mut file| file.write_all(text))
            .map_err(failed);
    }
    outfile::draft(path, text)?.persist(path).map_err(|error| failed(error.error))?;
    outfile::sync_folder(path)
}
