//! Files of a request: read whole, or while they are sent. What a file holds was often written by somebody else, so
//! whether references in it count is the user's to say.

use super::operation::Operation;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, reason};
use crate::fault::quoted;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use subrosa_http::{Source, Text};
use subrosa_secret::Detector;
use zeroize::Zeroizing;

/// What standard input is called.
const STDIN: &str = "standard input";
/// A file that is not larger is read at once.
const SMALL: u64 = 1 << 20;

/// How references in texts and files are treated.
#[derive(Clone, Copy)]
pub(super) struct Files {
    no_refs: bool,
    expand: Option<bool>,
}

/// What is sent of a file.
pub(super) enum Content {
    Text(Text),
    /// Read while it is sent; no reference in it counts.
    Source(Source),
}

impl Files {
    pub(super) fn of(operation: &Operation) -> Self {
        Self { no_refs: operation.no_refs, expand: operation.expand_files }
    }

    /// Text of the command line.
    pub(super) fn typed(&self, bytes: &[u8]) -> Text {
        if self.no_refs { Text::literal(bytes) } else { Text::new(bytes) }
    }

    fn sends_as_is(&self) -> bool {
        self.no_refs || self.expand == Some(false)
    }

    /// Text of a file, or of a line of it.
    pub(super) fn text(&self, bytes: &[u8], file: &str) -> Outcome<Text> {
        if self.sends_as_is() {
            return Ok(Text::literal(bytes));
        }
        let holds = self.expand != Some(true) && Detector::default().finds(bytes);
        if holds { Err(holds_references(file)) } else { Ok(Text::new(bytes)) }
    }

    /// A file that is sent, whatever its length.
    pub(super) fn content(&self, path: &Path) -> Outcome<Content> {
        let name = path.to_string_lossy();
        if name == "-" {
            return self.stdin();
        }
        let mut file = File::open(path).map_err(|error| unreadable(&name, &error))?;
        self.opened(&mut file, &name)
    }

    /// A file whose text is no place for a reference.
    pub(super) fn plain(&self, path: &Path) -> Outcome<Zeroizing<Vec<u8>>> {
        let bytes = Zeroizing::new(read(path)?);
        if !self.sends_as_is() && Detector::default().finds(&bytes) {
            return Err(no_place(&path.to_string_lossy()));
        }
        Ok(bytes)
    }

    /// The same without its text.
    pub(super) fn check(&self, path: &Path) -> Outcome {
        let name = path.to_string_lossy();
        let file = File::open(path).map_err(|error| unreadable(&name, &error))?;
        if !self.sends_as_is()
            && subrosa_http::holds_references(&file).map_err(|error| unreadable(&name, &error))?
        {
            return Err(no_place(&name));
        }
        Ok(())
    }

    /// A file that is sent, if it is large enough for that to matter; a pipe is read to its end.
    pub(super) fn large(&self, path: &Path) -> Outcome<Option<Content>> {
        let name = path.to_string_lossy();
        if name == "-" || self.expand == Some(true) {
            return Ok(None);
        }
        let mut file = File::open(path).map_err(|error| unreadable(&name, &error))?;
        let facts = file.metadata().map_err(|error| unreadable(&name, &error))?;
        if !facts.is_file() || facts.len() <= SMALL {
            return Ok(None);
        }
        self.opened(&mut file, &name).map(Some)
    }

    fn opened(&self, file: &mut File, name: &str) -> Outcome<Content> {
        let failed = |error: io::Error| unreadable(name, &error);
        let facts = file.metadata().map_err(failed)?;
        if !facts.is_file() {
            return self.stream(file.try_clone().map_err(failed)?, name);
        }
        if !self.sends_as_is() && subrosa_http::holds_references(file).map_err(failed)? {
            if self.expand != Some(true) {
                return Err(holds_references(name));
            }
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes)).map_err(failed)?;
            return Ok(Content::Text(Text::new(bytes)));
        }
        let source = file.try_clone().and_then(|file| Source::file(file, name)).map_err(failed)?;
        Ok(Content::Source(source))
    }

    /// Standard input: as a file if it is one, else read to its end.
    fn stdin(&self) -> Outcome<Content> {
        #[cfg(unix)]
        {
            use std::os::fd::AsFd;
            let handle = io::stdin().as_fd().try_clone_to_owned().map(File::from);
            let mut file = handle.map_err(|error| unreadable(STDIN, &error))?;
            let is_whole = file.metadata().is_ok_and(|facts| facts.is_file())
                && file.stream_position().is_ok_and(|at| at == 0);
            if is_whole {
                return self.opened(&mut file, STDIN);
            }
        }
        let bytes = read(Path::new("-"))?;
        self.text(&bytes, STDIN).map(Content::Text)
    }

    /// Standard input as it comes (`-T -`).
    pub(super) fn streamed_stdin(&self) -> Outcome<Content> {
        self.stream(io::stdin(), STDIN)
    }

    /// What has no end that is known. References in it are found only when some of it has left: the rest does not.
    fn stream(&self, mut reader: impl Read + Send + 'static, name: &str) -> Outcome<Content> {
        if self.sends_as_is() {
            return Ok(Content::Source(Source::stream(reader, name)));
        }
        if self.expand == Some(true) {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
            return Ok(Content::Text(Text::new(bytes)));
        }
        let guarded = Guarded { reader, detector: Detector::default() };
        Ok(Content::Source(Source::stream(guarded, name)))
    }
}

/// A stream that breaks off where a reference begins.
struct Guarded<R> {
    reader: R,
    detector: Detector,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        if self.detector.finds(&buffer[..count]) {
            return Err(io::Error::other(
                "it holds references: --expand-files resolves them, --no-expand-files sends it as it is",
            ));
        }
        Ok(count)
    }
}

fn holds_references(file: &str) -> Failure {
    Failure::new(Exit::UNRESOLVED, format!("{file} holds references; nothing was sent"))
        .hint("--expand-files resolves them, --no-expand-files sends the file as it is")
        .hint(format!("subrosa refs {}", quoted(file)))
}

fn no_place(file: &str) -> Failure {
    let text = format!("{file} holds references, which cannot be resolved there; nothing was sent");
    Failure::new(Exit::UNRESOLVED, text).hint("--no-expand-files takes the file as it is")
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::new(Exit::READ_ERROR, format!("cannot read {name}: {}", reason(error)))
}

/// A file as a whole; `-` is standard input.
pub(super) fn read(path: &Path) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    let result = match path.to_str() {
        Some("-") => io::stdin().lock().read_to_end(&mut bytes),
        _ => File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)),
    };
    result.map_err(|error| unreadable(&path.to_string_lossy(), &error))?;
    Ok(bytes)
}

/// The path that a part of an argument is.
#[cfg(unix)]
pub(super) fn path(bytes: &[u8]) -> Cow<'_, OsStr> {
    use std::os::unix::ffi::OsStrExt;
    Cow::Borrowed(OsStr::from_bytes(bytes))
}

/// The same: Windows hands arguments over as UTF-16, so text is what there is.
#[cfg(not(unix))]
pub(super) fn path(bytes: &[u8]) -> Cow<'_, OsStr> {
    Cow::Owned(String::from_utf8_lossy(bytes).into_owned().into())
}

/// The name of a file without its folders.
pub(super) fn base_name(path: &[u8]) -> &[u8] {
    let is_separator = |byte: &u8| *byte == b'/' || (cfg!(windows) && *byte == b'\\');
    path.rsplit(is_separator).next().unwrap_or(path)
}
