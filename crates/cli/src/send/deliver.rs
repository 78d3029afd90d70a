//! Where a response goes: a terminal, masked; a pipe or a file, byte for byte.

use super::command_line::CommandLine;
use super::condition::EtagFile;
use super::disposition;
use super::draft::Job;
use super::pretty::Pretty;
use super::saving::{OutputFile, dump_file};
use super::transfer::length_of;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, reason};
use crate::terminal;
use std::borrow::Cow;
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
    /// `--etag-save`
    etag: Option<EtagFile>,
    /// Masks the body; `None` where it goes on as it is.
    stream: Option<RedactStream>,
    masks: bool,
    /// Whether a terminal shows it that can do more than plain text.
    styled: bool,
    /// A body that is laid out anew.
    pretty: Option<Pretty>,
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
    pub(super) fn new(
        line: &CommandLine,
        colored: bool,
        job: &'a Job<'a>,
        redactor: &'a Redactor,
    ) -> Outcome<Self> {
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
        let etag = job.operation.etag_save.as_deref();
        Ok(Self {
            job,
            redactor,
            sink,
            dump,
            etag: etag.map(|file| EtagFile::new(file, job.is_first)).transpose()?,
            stream: masks.then(|| redactor.stream()),
            masks,
            styled: on_terminal && colored && !line.unstyled && !job.asks_for_stdout,
            pretty: None,
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

    /// Whether the body is shown on a terminal.
    pub(super) fn shows_body(&self) -> bool {
        matches!(self.sink, Sink::Stdout) && terminal::stdout_is_terminal()
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
        let saved = self.etag.as_mut().map_or(Ok(()), |file| file.head(head));
        if let Err(failure) = saved.and_then(|()| self.write_head(&head.raw)) {
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
        let head = if self.masks { self.redactor.redact(head) } else { Cow::Borrowed(head) };
        if self.styled { self.put(&bold(&head)) } else { self.put(&head) }
    }

    /// Whether heads could be written, and what was announced is not too long.
    pub(super) fn check(&mut self, head: &ResponseHead) -> Outcome {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.check_size(length_of(head).unwrap_or(0))
    }

    /// The head of the response that is delivered is there; its body comes next.
    pub(super) fn begin(&mut self, head: &ResponseHead) -> Outcome {
        // a head alone is no download that goes on
        let goes_on = self.job.resumed_at > 0 && !self.job.operation.head;
        self.drops = goes_on && self.is_nothing_to_add(head)?;
        let kind = head.header("content-type").unwrap_or_default();
        // a captured value is masked by who captures it, and not looked for again in another layout
        let styled = self.styled && self.job.operation.captures.is_empty();
        self.pretty = (styled && is_json(kind)).then(Pretty::new);
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
                let masked = stream.push(chunk);
                self.show(&masked)
            }
            None => self.show(chunk),
        }
    }

    fn show(&mut self, body: &[u8]) -> Outcome {
        match &mut self.pretty {
            Some(pretty) => {
                let ready = pretty.push(body);
                self.put(&ready)
            }
            None => self.put(body),
        }
    }

    /// Writes what a masked body still holds back, and makes the file of an empty one.
    pub(super) fn finish(&mut self) -> Outcome {
        let mut rest = Vec::new();
        if let Some(stream) = self.stream.take() {
            stream.finish(&mut rest);
        }
        if !self.drops {
            self.show(&rest)?;
        }
        if let Some(mut pretty) = self.pretty.take() {
            self.put(&pretty.finish(self.redactor))?;
        }
        match &mut self.sink {
            Sink::Stdout => io::stdout().flush().map_err(lost),
            Sink::File(..) => Ok(()),
        }
    }

    /// The transfer is over, well or not.
    pub(super) fn close(&mut self, failed: bool, modified: Option<SystemTime>) {
        // what came before the fault is shown; that it cannot be is no news any more
        if let Some(mut pretty) = self.pretty.take() {
            let _ = self.put(&pretty.finish(self.redactor));
        }
        if let Sink::File(file) = &mut self.sink {
            file.close(failed, modified);
        }
    }

    /// Begins anew for another attempt. What went to standard output is gone, as with curl.
    pub(super) fn restart(&mut self) -> Outcome {
        self.stream = self.masks.then(|| self.redactor.stream());
        (self.taken, self.failure, self.pretty) = (0, None, None);
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

/// `application/json` and the kinds that are built on it, such as `application/problem+json`.
fn is_json(kind: &[u8]) -> bool {
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
    kind.ends_with(b"/json") || kind.ends_with(b"+json")
}

/// The names of headers in bold, as curl shows them.
fn bold(head: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.len() * 2);
    for (at, line) in head.split_inclusive(|byte| *byte == b'\n').enumerate() {
        match line.iter().position(|byte| *byte == b':').filter(|_| at > 0) {
            Some(colon) => {
                let (name, value) = line.split_at(colon);
                out.extend([&b"\x1b[1m"[..], name, b"\x1b[0m", value].concat());
            }
            None => out.extend(line),
        }
    }
    out
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
