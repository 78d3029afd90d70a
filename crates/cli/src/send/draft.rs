//! From flags to drafts: what curl would send, with the references still in it.

use super::command_line::CommandLine;
use super::condition::{self, TimeCondition};
use super::connection::{self, Refs};
use super::files::{self, Files};
use super::operation::Operation;
use super::secrets::Secrets;
use super::transfers::Output;
use super::way::Way;
use super::{body, cookies, glob, kept, outputs, query, resume, upload};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use subrosa_http::{Connection, CookieJar, HeaderField, RangeHeader, RequestDraft, Text};
use subrosa_secret::UrlParts;

/// One request of a command line.
pub(super) struct Job<'a> {
    pub(super) operation: &'a Operation,
    pub(super) connection: Arc<Connection>,
    pub(super) draft: RequestDraft,
    /// The URL as written, patterns expanded.
    pub(super) url: String,
    /// Where the body goes; standard output if nowhere.
    pub(super) output: Option<PathBuf>,
    /// `-C`: how much of it is there already.
    pub(super) resumed_at: u64,
    /// `-O`: the file is named after the URL.
    pub(super) is_remote_name: bool,
    /// The first of its operation.
    pub(super) is_first: bool,
    /// Which of all URLs, patterns unexpanded, it came from; counted from 0.
    pub(super) number: usize,
    /// Whether standard output was asked for by name, which is consent to whatever comes.
    pub(super) asks_for_stdout: bool,
    /// `-w`
    pub(super) format: Option<Arc<str>>,
    /// `-z`
    pub(super) condition: Option<TimeCondition>,
}

/// Every request that the command line stands for.
pub(super) fn jobs<'a>(
    context: &Context,
    line: &'a CommandLine,
    secrets: &mut Secrets,
) -> Outcome<Vec<Job<'a>>> {
    let mut jobs = Vec::new();
    let mut jar = None;
    let kept = kept::load(context, line, secrets)?;
    // operations that want the same kind of connection share it
    let mut ways: Vec<(&Way, Refs<'_>, Arc<Connection>)> = Vec::new();
    for operation in line.operations() {
        let refs = Refs { no_refs: operation.no_refs, user_agent: operation.user_agent.as_deref() };
        let known = ways.iter().find(|(way, known, _)| **way == operation.way && *known == refs);
        let connection = match known {
            Some((_, _, connection)) => Arc::clone(connection),
            None => connection::prepare(context, secrets, &operation.way, refs, &kept)?,
        };
        ways.push((&operation.way, refs, Arc::clone(&connection)));
        jobs_of(context, operation, &connection, &mut jar, &mut jobs)?;
    }
    Ok(jobs)
}

fn jobs_of<'a>(
    context: &Context,
    operation: &'a Operation,
    connection: &Arc<Connection>,
    jar: &mut Option<CookieJar>,
    jobs: &mut Vec<Job<'a>>,
) -> Outcome {
    let reader = Reader { args: operation, files: Files::of(operation) };
    let mut base = reader.base(context)?;
    base.jar = cookies::jar(operation, &reader.files, jar)?;
    let query = query::of(&operation.query, !operation.no_refs)?;
    let format = operation.write_out.as_ref().map(write_out_format).transpose()?.map(Arc::from);
    let condition = condition(operation)?;
    let mut is_first = true;
    let before = jobs.last().map_or(0, |job| job.number + 1);
    for (at, (pattern, output, upload)) in operation.transfers.each().enumerate() {
        let pattern = pattern.to_str().ok_or_else(|| malformed("the URL is not UTF-8 text"))?;
        for upload in upload::files(upload, operation)? {
            for mut found in expand(pattern, operation)? {
                let mut draft = base.clone();
                let output_file = outputs::path(&output, &found)?;
                let resumed_at = match &upload {
                    Some(file) => {
                        found.url = upload::url(&found.url, file);
                        upload::attach(file, operation, &reader.files, &mut draft)?;
                        0
                    }
                    None => resume::download(&mut draft, operation, output_file.as_deref())?,
                };
                found.url = with_scheme(found.url, operation);
                draft.url = reader.text(&query::added(found.url.as_bytes(), &query));
                jobs.push(Job {
                    operation,
                    connection: Arc::clone(connection),
                    draft,
                    output: output_file,
                    resumed_at,
                    is_remote_name: output == Output::RemoteName,
                    is_first: std::mem::take(&mut is_first),
                    number: before + at,
                    asks_for_stdout: matches!(&output, Output::File(file) if file == "-"),
                    url: found.url,
                    format: format.clone(),
                    condition,
                });
            }
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

/// `--proto-default`: a URL without a scheme has this one.
fn with_scheme(url: String, args: &Operation) -> String {
    let spans = if args.no_refs { Vec::new() } else { references(&url) };
    match (&args.default_scheme, UrlParts::split(&url, &spans)) {
        (Some(scheme), Ok(parts)) if !parts.scheme_written => format!("{scheme}://{url}"),
        _ => url,
    }
}

/// `-z`
pub(super) fn condition(args: &Operation) -> Outcome<Option<TimeCondition>> {
    args.condition.as_deref().map(TimeCondition::parse).transpose()
}

fn malformed(text: impl Into<String>) -> Failure {
    Failure::new(Exit::URL_MALFORMED, text)
}

struct Reader<'a> {
    args: &'a Operation,
    files: Files,
}

impl Reader<'_> {
    fn text(&self, bytes: &[u8]) -> Text {
        self.files.typed(bytes)
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
        // as in curl, there is nothing of a form or an upload that goes into a query
        draft.data_in_query = args.get && args.form.is_empty();
        draft.user_agent = args.user_agent.as_deref().map(|value| self.option(value));
        draft.referer = args.referer.as_deref().map(|value| self.option(value));
        if !args.cookies.is_empty() {
            let joined: Vec<&[u8]> = args.cookies.iter().map(|cookie| cookie.as_encoded_bytes()).collect();
            draft.cookies = Some(self.text(&joined.join(&b";"[..])));
        }
        draft.accept_encoding = args.compressed.then(|| subrosa_http::CODINGS.to_owned());
        draft.headers = self.headers()?;
        draft.basic_auth = self.user(context)?;
        draft.auth = args.auth;
        draft.body = body::of(self.args, &self.files)?;
        // as in curl, a form has no range
        let range = args.range.as_deref().filter(|_| args.form.is_empty());
        let sends = draft.body.is_some() && !draft.data_in_query;
        draft.range = range.map(|range| match sends {
            false => RangeHeader::Wanted(self.option(range)),
            true => RangeHeader::Sent { part: self.option(range), before: None },
        });
        draft.path_as_is = args.path_as_is;
        draft.kept_post = args.kept_post;
        draft.schemes = args.schemes;
        draft.redirect_schemes = args.redirect_schemes;
        draft.refuses_user_in_url = args.refuses_user_in_url;
        draft.method_by_status = args.method_by_status;
        draft.request_target = args.request_target.as_deref().map(|target| self.option(target));
        draft.condition = condition(args)?.map(|condition| condition.header());
        draft.raw = args.raw;
        draft.ignores_length = args.ignores_length;
        if let Some(limit) = args.expect_timeout {
            draft.expect_timeout = limit;
        }
        Ok(draft)
    }

    fn headers(&self) -> Outcome<Vec<HeaderField>> {
        let mut fields = Vec::new();
        for line in &self.args.headers {
            match line.to_str().and_then(|text| text.strip_prefix('@')) {
                Some(file) => {
                    let bytes = files::read(Path::new(file))?;
                    for line in bytes.split(|byte| *byte == b'\n') {
                        let line = line.strip_suffix(b"\r").unwrap_or(line);
                        fields.extend(HeaderField::parse(&self.files.text(line, file)?)?);
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
        if let Some(file) = &self.args.etag_compare {
            fields.push(condition::of_etag(file)?);
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
}

/// The text of `-w`: `@file` is read.
fn write_out_format(value: &OsString) -> Outcome<String> {
    let text = value.to_str().ok_or_else(|| Failure::usage("the format of -w is not UTF-8 text"))?;
    match text.strip_prefix('@') {
        Some(file) => String::from_utf8(files::read(Path::new(file))?)
            .map_err(|_| Failure::usage(format!("{file} is not UTF-8 text"))),
        None => Ok(text.to_owned()),
    }
}
