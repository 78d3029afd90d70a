//! Where a response goes: a terminal, masked; a pipe or a file, byte for byte.

use super::command_line::CommandLine;
use super::disposition;
use super::draft::Job;
use super::saving::{OutputFile, dump_file};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, reason};
use crate::terminal;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;
use subrosa_http::ResponseHead;
use subrosa_secret::{RedactStream, Redactor};

/// The sinks of one transfer.
pub(super) struct Delivery<'a> {
    job: &'a Job<'a>,
    redactor: &'a Redactor,
    sink: Sink<'a>,
    /// `-D`
    dump: Option<Dump>,
    /// Masks the body; `None` where it goes on as it is.
    stream: Option<RedactStream>,
    masks: bool,
    /// Whether nothing of the body has been looked at yet, and it goes to a terminal that binary data would upset.
    wary: bool,
    /// Bytes of the body that were taken.
    taken: u64,
    /// What kept a head from being written.
    failure: Option<Failure>,
    /// Whether what comes of a body is dropped: there is nothing to go on with.
    drops: bool,
}

enum Sink<'a> {
    Stdout,
    File(OutputFile<'a>),
}

enum Dump {
    Stdout,
    File(File),
}

impl<'a> Delivery<'a> {
    pub(super) fn new(line: &CommandLine, job: &'a Job<'a>, redactor: &'a Redactor) -> Outcome<Self> {
        let on_terminal = job.output.is_none() && terminal::stdout_is_terminal();
        let masks = if on_terminal { !line.unmask } else { line.mask };
        let sink = match &job.output {
            Some(name) => Sink::File(OutputFile::new(&job.operation.saving, name, job.resumed_at)),
            None => Sink::Stdout,
        };
        let dump = match &job.operation.dump_header {
            Some(file) if file == "-" => Some(Dump::Stdout),
            Some(file) => Some(Dump::File(dump_file(Path::new(file), job.is_first)?)),
            None => None,
        };
        Ok(Self {
            job,
            redactor,
            sink,
            dump,
            stream: masks.then(|| redactor.stream()),
            masks,
            wary: on_terminal && !job.asks_for_stdout,
            taken: 0,
            failure: None,
            drops: false,
        })
    }

    /// The file that is written to.
    pub(super) fn file(&self) -> Option<&Path> {
        match &self.sink {
            Sink::Stdout => None,
            Sink::File(file) => Some(file.path()),
        }
    }

    /// Whether secrets in the body are masked.
    pub(super) fn masks(&self) -> bool {
        self.masks
    }

    /// `--skip-existing`, and the file is there.
    pub(super) fn is_skipped(&self) -> bool {
        matches!(&self.sink, Sink::File(file) if file.is_skipped())
    }

    /// Takes the head of any response as it comes in. [`Delivery::check`] reports what went wrong.
    pub(super) fn head(&mut self, head: &ResponseHead) {
        if let Err(failure) = self.write_head(&head.raw) {
            self.failure.get_or_insert(failure);
        }
    }

    fn write_head(&mut self, head: &[u8]) -> Outcome {
        match &mut self.dump {
            Some(Dump::File(file)) => file.write_all(head).map_err(|error| {
                let path = self.job.operation.dump_header.as_deref().unwrap_or_default();
                let text = format!("cannot write {}: {}", Path::new(path).display(), reason(&error));
                Failure::new(Exit::WRITE_ERROR, text)
            })?,
            Some(Dump::Stdout) if self.masks || terminal::stdout_is_terminal() => {
                put_stdout(&self.redactor.redact(head))?;
            }
            Some(Dump::Stdout) => put_stdout(head)?,
            None => {}
        }
        if !self.job.operation.include && !self.job.operation.head {
            return Ok(());
        }
        if self.masks {
            let masked = self.redactor.redact(head).into_owned();
            return self.put(&masked);
        }
        self.put(head)
    }

    /// Whether heads could be written, and what was announced is not too long.
    pub(super) fn check(&mut self, head: &ResponseHead) -> Outcome {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let length =
            head.header("content-length").and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        self.check_size(length.unwrap_or(0))
    }

    /// The head of the response that is delivered is there; its body comes next.
    pub(super) fn begin(&mut self, head: &ResponseHead) -> Outcome {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let announced =
            head.header("content-length").and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        self.check_size(announced.unwrap_or(0))?;
        self.drops = self.job.resumed_at > 0 && self.is_nothing_to_add(head)?;
        if self.job.is_remote_name && self.job.operation.saving.server_names {
            self.take_name(head)?;
        }
        Ok(())
    }

    /// Whether a download that is to go on is complete already. One that would begin anew is an error, as in curl.
    fn is_nothing_to_add(&self, head: &ResponseHead) -> Outcome<bool> {
        let number = |name: &str, from: usize| {
            let text = head.header(name)?.get(from..)?;
            let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            std::str::from_utf8(&text[..digits]).ok()?.parse::<u64>().ok()
        };
        let from = Some(self.job.resumed_at);
        let length = number("content-length", 0);
        match head.status {
            416 => Ok(true),
            _ if number("content-range", "bytes ".len()) == from => Ok(false),
            _ if length == Some(0) => Ok(false),
            _ if length == from => Ok(true),
            _ => Err(Failure::new(
                Exit::curl(33),
                "the server sends all of it again; it cannot be gone on with",
            )),
        }
    }

    fn take_name(&mut self, head: &ResponseHead) -> Outcome {
        let (Sink::File(file), Some(header)) = (&mut self.sink, head.header("content-disposition")) else {
            return Ok(());
        };
        match disposition::name(header) {
            Ok(Some(name)) => file.rename(&name),
            Ok(None) => {}
            Err(why) => {
                let text = format!("the name that the server gives the file is not taken: {why}");
                return Err(Failure::new(Exit::WRITE_ERROR, text).hint("-o FILE names the file"));
            }
        }
        Ok(())
    }

    fn check_size(&self, size: u64) -> Outcome {
        match self.job.operation.max_filesize {
            Some(limit) if size > limit => {
                let text = format!("the response is longer than the {limit} bytes of --max-filesize");
                Err(Failure::new(Exit::FILE_TOO_LARGE, text))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn body(&mut self, chunk: &[u8]) -> Outcome {
        if self.drops {
            return Ok(());
        }
        self.taken += chunk.len() as u64;
        self.check_size(self.taken)?;
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
        if !self.drops {
            self.put(&rest)?;
        }
        match &mut self.sink {
            Sink::Stdout => io::stdout().flush().map_err(lost),
            Sink::File(..) => Ok(()),
        }
    }

    /// The transfer is over, well or not.
    pub(super) fn close(&mut self, failed: bool, modified: Option<SystemTime>) {
        if let Sink::File(file) = &mut self.sink {
            file.close(failed, modified);
        }
    }

    /// Begins anew for another attempt. What went to standard output is gone, as with curl.
    pub(super) fn restart(&mut self) -> Outcome {
        self.stream = self.masks.then(|| self.redactor.stream());
        (self.taken, self.failure) = (0, None);
        match &mut self.sink {
            Sink::Stdout => Ok(()),
            Sink::File(file) => file.restart(),
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Outcome {
        match &mut self.sink {
            Sink::Stdout => put_stdout(bytes),
            Sink::File(file) => file.write(bytes),
        }
    }
}

fn put_stdout(bytes: &[u8]) -> Outcome {
    io::stdout().lock().write_all(bytes).map_err(lost)
}

/// A reader that went away is curl's write error too, but nobody is told.
fn lost(error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::silent(Exit::WRITE_ERROR);
    }
    Failure::new(Exit::WRITE_ERROR, format!("cannot write to standard output: {}", reason(&error)))
}
