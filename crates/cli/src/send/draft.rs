//! From flags to drafts: what curl would send, with the references still in it.

use super::command_line::CommandLine;
use super::connection::{self, Refs};
use super::operation::{Data, DataKind, Operation};
use super::secrets::Secrets;
use super::transfers::Output;
use super::way::Way;
use super::{glob, outputs, query};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, reason};
use crate::fault::quoted;
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use subrosa_http::{Body, BodyKind, Connection, HeaderField, RequestDraft, Text};

/// One request of a command line.
pub(super) struct Job<'a> {
    pub(super) operation: &'a Operation,
    pub(super) connection: Arc<Connection>,
    pub(super) draft: RequestDraft,
    /// The URL as written, patterns expanded.
    pub(super) url: String,
    /// Where the body goes; standard output if nowhere.
    pub(super) output: Option<PathBuf>,
    /// `-O`: the file is named after the URL.
    pub(super) is_remote_name: bool,
    /// The first of its operation.
    pub(super) is_first: bool,
    /// Whether standard output was asked for by name, which is consent to whatever comes.
    pub(super) asks_for_stdout: bool,
    /// `-w`
    pub(super) format: Option<Arc<str>>,
}

/// Every request that the command line stands for.
pub(super) fn jobs<'a>(
    context: &Context,
    line: &'a CommandLine,
    secrets: &mut Secrets,
) -> Outcome<Vec<Job<'a>>> {
    let mut jobs = Vec::new();
    // operations that want the same kind of connection share it
    let mut ways: Vec<(&Way, Refs<'_>, Arc<Connection>)> = Vec::new();
    for operation in line.operations() {
        let refs = Refs { no_refs: operation.no_refs, user_agent: operation.user_agent.as_deref() };
        let known = ways.iter().find(|(way, known, _)| **way == operation.way && *known == refs);
        let connection = match known {
            Some((_, _, connection)) => Arc::clone(connection),
            None => connection::prepare(context, secrets, &operation.way, refs)?,
        };
        ways.push((&operation.way, refs, Arc::clone(&connection)));
        jobs_of(context, operation, &connection, &mut jobs)?;
    }
    Ok(jobs)
}

fn jobs_of<'a>(
    context: &Context,
    operation: &'a Operation,
    connection: &Arc<Connection>,
    jobs: &mut Vec<Job<'a>>,
) -> Outcome {
    let reader = Reader { args: operation };
    let base = reader.base(context)?;
    let query = query::of(&operation.query, !operation.no_refs)?;
    let format = operation.write_out.as_ref().map(write_out_format).transpose()?.map(Arc::from);
    let mut is_first = true;
    for (pattern, output) in operation.transfers.pairs() {
        let pattern = pattern.to_str().ok_or_else(|| malformed("the URL is not UTF-8 text"))?;
        for found in expand(pattern, operation)? {
            let mut draft = base.clone();
            draft.url = reader.text(&query::added(found.url.as_bytes(), &query));
            jobs.push(Job {
                operation,
                connection: Arc::clone(connection),
                draft,
                output: outputs::path(&output, &found)?,
                is_remote_name: output == Output::RemoteName,
                is_first: std::mem::take(&mut is_first),
                asks_for_stdout: matches!(&output, Output::File(file) if file == "-"),
                url: found.url,
                format: format.clone(),
            });
        }
    }
    Ok(())
}

fn expand(pattern: &str, args: &Operation) -> Outcome<Vec<glob::Expansion>> {
    if args.globoff {
        return Ok(vec![glob::Expansion { url: pattern.to_owned(), matched: Vec::new() }]);
    }
    let failed = |why: &dyn Display| {
        malformed(format!("URL {pattern}: {why}")).hint("-g takes braces and brackets literally")
    };
    let spans = if args.no_refs { Vec::new() } else { references(pattern) };
    let expanded = glob::expand(pattern, &spans).map_err(|error| failed(&error))?;
    let written: Vec<&str> = spans.into_iter().map(|span| &pattern[span]).collect();
    let is_made = |url: &str| references(url).into_iter().any(|span| !written.contains(&&url[span]));
    if !args.no_refs && expanded.iter().any(|one| is_made(&one.url)) {
        return Err(failed(&"braces and brackets cannot make a reference"));
    }
    Ok(expanded)
}

fn references(url: &str) -> Vec<Range<usize>> {
    subrosa_secret::scan(url.as_bytes()).references.into_iter().map(|reference| reference.span).collect()
}

fn malformed(text: impl Into<String>) -> Failure {
    Failure::new(Exit::URL_MALFORMED, text)
}

struct Reader<'a> {
    args: &'a Operation,
}

impl Reader<'_> {
    fn text(&self, bytes: &[u8]) -> Text {
        if self.args.no_refs { Text::literal(bytes) } else { Text::new(bytes) }
    }

    fn option(&self, value: &OsStr) -> Text {
        self.text(value.as_encoded_bytes())
    }

    /// All that the requests of a command line have in common.
    fn base(&self, context: &Context) -> Outcome<RequestDraft> {
        let args = self.args;
        let mut draft = RequestDraft::new("");
        draft.method = args.method.clone();
        draft.head = args.head;
        draft.data_in_query = args.get;
        draft.user_agent = args.user_agent.as_deref().map(|value| self.option(value));
        draft.referer = args.referer.as_deref().map(|value| self.option(value));
        if !args.cookies.is_empty() {
            let joined: Vec<&[u8]> = args.cookies.iter().map(|cookie| cookie.as_encoded_bytes()).collect();
            draft.cookies = Some(self.text(&joined.join(&b";"[..])));
        }
        draft.accept_encoding = args.compressed.then(|| "deflate, gzip".to_owned());
        draft.headers = self.headers()?;
        draft.basic_auth = self.user(context)?;
        draft.body = self.body()?;
        Ok(draft)
    }

    fn headers(&self) -> Outcome<Vec<HeaderField>> {
        let mut fields = Vec::new();
        for line in &self.args.headers {
            match line.to_str().and_then(|text| text.strip_prefix('@')) {
                Some(file) => {
                    let bytes = read(Path::new(file))?;
                    for line in bytes.split(|byte| *byte == b'\n') {
                        let line = line.strip_suffix(b"\r").unwrap_or(line);
                        fields.extend(HeaderField::parse(&self.file_text(line, file)?)?);
                    }
                }
                None => match HeaderField::parse(&self.option(line))? {
                    Some(field) => fields.push(field),
                    // scripts write -H "$EXTRA" with nothing in it
                    None if line.is_empty() => {}
                    None => {
                        return Err(Failure::usage("-H: no header 'Name: value'; nothing was sent")
                            .hint("'Name:' takes a header away, 'Name;' sends it empty"));
                    }
                },
            }
        }
        if let Some(token) = &self.args.bearer {
            let value = [b"Bearer ", token.as_encoded_bytes()].concat();
            fields.push(HeaderField::new("Authorization", self.text(&value)));
        }
        if let Some(range) = &self.args.range {
            let value = [b"bytes=", range.as_encoded_bytes()].concat();
            fields.push(HeaderField::new("Range", self.text(&value)));
        }
        Ok(fields)
    }

    /// curl asks for a password that is not there. A text that is all reference may hold both.
    fn user(&self, context: &Context) -> Outcome<Option<Text>> {
        let Some(user) = &self.args.user else { return Ok(None) };
        let bytes = user.as_encoded_bytes();
        let references = subrosa_secret::scan(bytes).references;
        let inside = |at: usize| references.iter().any(|reference| reference.span.contains(&at));
        let has_colon = bytes.iter().enumerate().any(|(at, byte)| *byte == b':' && !inside(at));
        if has_colon || !references.is_empty() {
            return Ok(Some(self.option(user)));
        }
        let Some(mut terminal) = context.terminal()? else { return Ok(Some(self.option(user))) };
        let password = terminal.secret(&format!("password of {}:", user.to_string_lossy()))?;
        let whole = zeroize::Zeroizing::new([bytes, b":", &password].concat());
        // what was typed is a password, whatever it looks like
        Ok(Some(Text::literal(whole.as_slice())))
    }

    fn body(&self) -> Outcome<Option<Body>> {
        let data = &self.args.data;
        if data.is_empty() {
            return Ok(None);
        }
        let json = data.iter().any(|data| data.kind == DataKind::Json);
        let mut body = Body::new(if json { BodyKind::Json } else { BodyKind::Form });
        for (at, one) in data.iter().enumerate() {
            // a JSON body joins nothing by itself; curl joins all but --json
            let joined = json && at > 0 && one.kind != DataKind::Json;
            self.append(&mut body, one, if joined { b"&" } else { b"" })?;
        }
        Ok(Some(body))
    }

    fn append(&self, body: &mut Body, data: &Data, before: &[u8]) -> Outcome {
        let text = data.text.as_os_str();
        let file = text.to_str().and_then(|text| text.strip_prefix('@'));
        match (data.kind, file) {
            (DataKind::Encoded, _) => {
                if !before.is_empty() {
                    body.append(Text::literal(before));
                }
                return self.append_encoded(body, text);
            }
            (DataKind::Ascii, Some(file)) => {
                let mut bytes = read(Path::new(file))?;
                // curl reads the file as a string of lines
                bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
                body.append(self.file_text(&[before, &bytes].concat(), file)?);
            }
            (DataKind::Binary | DataKind::Json, Some(file)) => {
                let bytes = [before, &read(Path::new(file))?].concat();
                body.append(self.file_text(&bytes, file)?);
            }
            (DataKind::Raw, _) | (_, None) => {
                body.append(self.text(&[before, text.as_encoded_bytes()].concat()));
            }
        }
        Ok(())
    }

    /// `content`, `=content`, `name=content`, `@file`, `name@file`.
    fn append_encoded(&self, body: &mut Body, text: &OsStr) -> Outcome {
        let bytes = text.as_encoded_bytes();
        let name_of = |name: &[u8]| (!name.is_empty()).then(|| self.text(name));
        // an equals sign anywhere counts before an at sign anywhere
        let at = |sign: u8| bytes.iter().position(|byte| *byte == sign);
        match at(b'=').or_else(|| at(b'@')) {
            None => body.append_urlencoded(None, self.text(bytes)),
            Some(at) if bytes[at] == b'=' => {
                body.append_urlencoded(name_of(&bytes[..at]), self.text(&bytes[at + 1..]));
            }
            Some(at) => {
                let file = String::from_utf8_lossy(&bytes[at + 1..]).into_owned();
                let content = self.file_text(&read(Path::new(&file))?, &file)?;
                body.append_urlencoded(name_of(&bytes[..at]), content);
            }
        }
        Ok(())
    }

    /// What a file holds was often written by somebody else: whether references in it count is the user's to say.
    fn file_text(&self, bytes: &[u8], file: &str) -> Outcome<Text> {
        if self.args.no_refs || self.args.expand_files == Some(false) {
            return Ok(Text::literal(bytes));
        }
        let scan = subrosa_secret::scan(bytes);
        if self.args.expand_files == Some(true) || (scan.references.is_empty() && scan.malformed.is_empty()) {
            return Ok(Text::new(bytes));
        }
        Err(Failure::new(Exit::UNRESOLVED, format!("{file} holds references; nothing was sent"))
            .hint("--expand-files resolves them, --no-expand-files sends the file as it is")
            .hint(format!("subrosa refs {}", quoted(file))))
    }
}

/// A file of the request; `-` is standard input.
fn read(path: &Path) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    let result = match path.to_str() {
        Some("-") => io::stdin().lock().read_to_end(&mut bytes),
        _ => File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)),
    };
    match result {
        Ok(_) => Ok(bytes),
        Err(error) => {
            let text = format!("cannot read {}: {}", path.display(), reason(&error));
            Err(Failure::new(Exit::READ_ERROR, text))
        }
    }
}

/// The text of `-w`: `@file` is read.
fn write_out_format(value: &OsString) -> Outcome<String> {
    let text = value.to_str().ok_or_else(|| Failure::usage("the format of -w is not UTF-8 text"))?;
    match text.strip_prefix('@') {
        Some(file) => String::from_utf8(read(Path::new(file))?)
            .map_err(|_| Failure::usage(format!("{file} is not UTF-8 text"))),
        None => Ok(text.to_owned()),
    }
}
