//! Where a response goes: a terminal, masked; a pipe or a file, byte for byte.

use super::command_line::CommandLine;
use super::draft::Job;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, reason};
use crate::terminal;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use subrosa_secret::{RedactStream, Redactor};

/// The sink of one response.
pub(super) struct Delivery<'r> {
    redactor: &'r Redactor,
    sink: Sink,
    /// Masks the body; `None` where it goes on as it is.
    stream: Option<RedactStream>,
    masks: bool,
    /// Whether nothing of the body has been looked at yet, and it goes to a terminal that binary data would upset.
    wary: bool,
}

enum Sink {
    Stdout,
    /// Opened at the first byte, as curl does.
    File(PathBuf, Option<File>),
}

impl<'r> Delivery<'r> {
    pub(super) fn new(line: &CommandLine, job: &Job<'_>, redactor: &'r Redactor) -> Outcome<Self> {
        let file = job.output.clone();
        let on_terminal = file.is_none() && terminal::stdout_is_terminal();
        let masks = if on_terminal { !line.unmask } else { line.mask };
        Ok(Self {
            redactor,
            sink: file.map_or(Sink::Stdout, |path| Sink::File(path, None)),
            stream: masks.then(|| redactor.stream()),
            masks,
            wary: on_terminal && !job.asks_for_stdout,
        })
    }

    /// Text that is complete in itself, such as a head.
    pub(super) fn write(&mut self, text: &[u8]) -> Outcome {
        if self.masks {
            let masked = self.redactor.redact(text).into_owned();
            return self.put(&masked);
        }
        self.put(text)
    }

    pub(super) fn write_body(&mut self, chunk: &[u8]) -> Outcome {
        if std::mem::take(&mut self.wary) && chunk.contains(&0) {
            return Err(Failure::new(
                Exit::WRITE_ERROR,
                "the response is binary and would upset the terminal",
            )
            .hint("-o FILE saves it, -o - shows it nonetheless"));
        }
        match &mut self.stream {
            Some(stream) => {
                let mut masked = Vec::with_capacity(chunk.len());
                stream.push(chunk, &mut masked);
                self.put(&masked)
            }
            None => self.put(chunk),
        }
    }

    /// Writes what a masked body still holds back, and makes the file of an empty one.
    pub(super) fn finish(&mut self) -> Outcome {
        let mut rest = Vec::new();
        if let Some(stream) = self.stream.take() {
            stream.finish(&mut rest);
        }
        self.put(&rest)?;
        match &mut self.sink {
            Sink::Stdout => io::stdout().flush().map_err(lost),
            Sink::File(..) => Ok(()),
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Outcome {
        match &mut self.sink {
            Sink::Stdout => io::stdout().lock().write_all(bytes).map_err(lost),
            Sink::File(path, file) => {
                let fail = |error: io::Error| {
                    let text = format!("cannot write {}: {}", path.display(), reason(&error));
                    Failure::new(Exit::WRITE_ERROR, text)
                };
                let file = match file {
                    Some(file) => file,
                    None => file.insert(File::create(&*path).map_err(fail)?),
                };
                file.write_all(bytes).map_err(fail)
            }
        }
    }
}

/// A reader that went away is curl's write error too, but nobody is told.
fn lost(error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::silent(Exit::WRITE_ERROR);
    }
    Failure::new(Exit::WRITE_ERROR, format!("cannot write to standard output: {}", reason(&error)))
}
