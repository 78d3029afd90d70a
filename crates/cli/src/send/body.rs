//! The body of a request: data, a form, or a file to upload.

use super::files::{self, Content, Files};
use super::form::{self, Field, Header};
use super::operation::{Data, DataKind, FormText, Operation};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use std::ffi::OsStr;
use std::path::Path;
use subrosa_http::{Body, BodyKind, Form, Part, PartContent, PartEncoding};
use zeroize::Zeroizing;

/// Parts within parts go no deeper than this.
const MAX_DEPTH: usize = 32;

/// What `-d` and its kin, or `-F`, make of an operation's requests.
pub(super) fn of(operation: &Operation, files: &Files) -> Outcome<Option<Body>> {
    let ways: Vec<&str> = [
        (!operation.data.is_empty(), "POST (-d)"),
        (!operation.form.is_empty(), "POST (-F)"),
        (operation.head && !operation.get, "HEAD (-I)"),
        (operation.transfers.uploads(), "PUT (-T)"),
    ]
    .into_iter()
    .filter_map(|(asked, way)| asked.then_some(way))
    .collect();
    if ways.len() > 1 {
        return Err(Failure::usage(format!("one request cannot be both {}", ways.join(" and "))));
    }
    if !operation.form.is_empty() {
        return form_of(operation, files).map(Some);
    }
    data_of(operation, files)
}

fn data_of(operation: &Operation, files: &Files) -> Outcome<Option<Body>> {
    let data = &operation.data;
    if data.is_empty() {
        return Ok(None);
    }
    let json = data.iter().any(|data| data.kind == DataKind::Json);
    let mut body = Body::new(if json { BodyKind::Json } else { BodyKind::Form });
    // where references stand, the syntax of the whole decides how values are written: all of it is looked at then
    let may_stream = !operation.get && !data.iter().any(|one| holds_reference(one, files));
    for (at, one) in data.iter().enumerate() {
        // a JSON body joins nothing by itself; curl joins all but --json
        let joined = json && at > 0 && one.kind != DataKind::Json;
        append(&mut body, one, files, if joined { b"&" } else { b"" }, may_stream)?;
    }
    Ok(Some(body))
}

fn holds_reference(data: &Data, files: &Files) -> bool {
    let text = files.typed(data.text.as_encoded_bytes());
    !text.is_literal() && !subrosa_secret::scan(text.as_bytes()).references.is_empty()
}

fn append(body: &mut Body, data: &Data, files: &Files, before: &[u8], may_stream: bool) -> Outcome {
    let text = data.text.as_encoded_bytes();
    let file = text.strip_prefix(b"@").filter(|_| data.kind != DataKind::Raw);
    match (data.kind, file.map(files::path)) {
        (DataKind::Encoded, _) => {
            if !before.is_empty() {
                body.append(files.typed(before));
            }
            return append_encoded(body, text, files);
        }
        (DataKind::Ascii, Some(file)) => {
            let mut bytes = files::read(Path::new(&file))?;
            // curl reads the file as a string of lines
            bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
            body.append(files.text(&[before, &bytes].concat(), &file.to_string_lossy())?);
        }
        (_, Some(file)) => {
            let large = if may_stream { files.large(Path::new(&file))? } else { None };
            match large {
                Some(Content::Source(source)) => {
                    if !before.is_empty() {
                        body.append(files.typed(before));
                    }
                    body.append_source(source);
                }
                Some(Content::Text(text)) => body.append(text),
                None => {
                    let bytes = [before, &files::read(Path::new(&file))?].concat();
                    body.append(files.text(&bytes, &file.to_string_lossy())?);
                }
            }
        }
        (_, None) => body.append(files.typed(&[before, text].concat())),
    }
    Ok(())
}

/// `content`, `=content`, `name=content`, `@file`, `name@file`.
fn append_encoded(body: &mut Body, bytes: &[u8], files: &Files) -> Outcome {
    let name_of = |name: &[u8]| (!name.is_empty()).then(|| files.typed(name));
    // an equals sign anywhere counts before an at sign anywhere
    let at = |sign: u8| bytes.iter().position(|byte| *byte == sign);
    match at(b'=').or_else(|| at(b'@')) {
        None => body.append_urlencoded(None, files.typed(bytes)),
        Some(at) if bytes[at] == b'=' => {
            body.append_urlencoded(name_of(&bytes[..at]), files.typed(&bytes[at + 1..]));
        }
        Some(at) => {
            let file = files::path(&bytes[at + 1..]);
            let content = files.text(&files::read(Path::new(&file))?, &file.to_string_lossy())?;
            body.append_urlencoded(name_of(&bytes[..at]), content);
        }
    }
    Ok(())
}

/// What `-T` uploads.
pub(super) fn upload(file: &str, files: &Files) -> Outcome<Body> {
    let content = match file {
        "-" | "." => files.streamed_stdin()?,
        file => files.content(Path::new(file))?,
    };
    Ok(match content {
        Content::Text(text) => Body::of(BodyKind::Upload, text),
        Content::Source(source) => Body::upload(source),
    })
}

fn form_of(operation: &Operation, files: &Files) -> Outcome<Body> {
    let writer = FormWriter { files, backslashes: operation.form_escape };
    let mut form = Form::new(writer.backslashes)?;
    let mut outer: Vec<(Form, Part)> = Vec::new();
    for FormText { text, literal } in &operation.form {
        let wrong = |error: form::FormError| {
            let flag = if *literal { "--form-string" } else { "-F" };
            Failure::usage(format!("{flag}: {error}; nothing was sent"))
        };
        match form::parse(text.as_encoded_bytes(), *literal).map_err(wrong)? {
            Field::Part(part) => form.push(writer.part(part)?),
            Field::Group { name, files } => form.push(writer.group(&name, files)?),
            Field::Begin(part) => {
                if outer.len() == MAX_DEPTH {
                    return Err(Failure::usage(format!("-F: more than {MAX_DEPTH} '=(' in one another")));
                }
                let part = writer.part(part)?;
                outer.push((std::mem::replace(&mut form, Form::new(writer.backslashes)?), part));
            }
            Field::End => {
                let (around, part) = outer.pop().ok_or_else(|| wrong(form::FormError::NothingToEnd))?;
                form = closed(form, around, part);
            }
        }
    }
    // as in curl, the end of the command line ends them all
    while let Some((around, part)) = outer.pop() {
        form = closed(form, around, part);
    }
    Ok(Body::form(form))
}

fn closed(inner: Form, mut around: Form, mut part: Part) -> Form {
    part.content = PartContent::Parts(inner);
    around.push(part);
    around
}

struct FormWriter<'a> {
    files: &'a Files,
    backslashes: bool,
}

impl FormWriter<'_> {
    fn group(&self, name: &[u8], files: Vec<form::Part>) -> Outcome<Part> {
        let mut inner = Form::new(self.backslashes)?;
        for file in files {
            inner.push(self.part(file)?);
        }
        let mut part = Part::new(PartContent::Parts(inner));
        part.name = Some(self.files.typed(name));
        Ok(part)
    }

    fn part(&self, written: form::Part) -> Outcome<Part> {
        let typed = |bytes: &[u8]| self.files.typed(bytes);
        let encoding = written.encoder.as_deref().map(encoding).transpose()?;
        let mut part = match written.content {
            form::Content::Parts => Part::new(PartContent::Parts(Form::new(self.backslashes)?)),
            form::Content::Text(text) => Part::new(PartContent::Text(typed(&text))),
            form::Content::Inserted(file) => self.file(&file, encoding)?,
            form::Content::File(file) => {
                let mut part = self.file(&file, encoding)?;
                part.file_name = Some(typed(files::base_name(&file)));
                part
            }
        };
        part.encoding = encoding;
        part.name = (!written.name.is_empty()).then(|| typed(&written.name));
        part.content_type = written.media_type.as_deref().map(typed);
        if let Some(name) = &written.file_name {
            part.file_name = Some(typed(name));
        }
        for header in written.headers {
            match header {
                Header::Line(line) => part.headers.push(typed(&line)),
                Header::File(file) => self.header_file(&files::path(&file), &mut part)?,
            }
        }
        Ok(part)
    }

    /// A part that holds a file. What has to be encoded is read at once.
    fn file(&self, name: &[u8], encoding: Option<PartEncoding>) -> Outcome<Part> {
        let path = files::path(name);
        let content = match encoding {
            None => self.files.content(Path::new(&path))?,
            Some(_) => {
                let bytes = Zeroizing::new(files::read(Path::new(&path))?);
                Content::Text(self.files.text(&bytes, &path.to_string_lossy())?)
            }
        };
        let mut part = Part::new(match content {
            Content::Text(text) => PartContent::Text(text),
            Content::Source(source) => PartContent::Source(source),
        });
        part.path = (name != b"-").then(|| path.to_string_lossy().into_owned());
        Ok(part)
    }

    /// Lines of a file, without comments; a line that begins with white space goes on with the one before.
    fn header_file(&self, path: &OsStr, part: &mut Part) -> Outcome {
        let bytes = files::read(Path::new(path))?;
        let mut lines: Vec<Vec<u8>> = Vec::new();
        for line in bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end) {
            match (line.first(), lines.last_mut()) {
                (None | Some(b'#'), _) => {}
                (Some(b' ' | b'\t'), Some(last)) => last.extend([b" ", line.trim_ascii_start()].concat()),
                _ => lines.push(line.trim_ascii().to_vec()),
            }
        }
        for line in lines {
            part.headers.push(self.files.text(&line, &path.to_string_lossy())?);
        }
        Ok(())
    }
}

fn encoding(name: &[u8]) -> Outcome<PartEncoding> {
    let known = PartEncoding::named(&String::from_utf8_lossy(name));
    known.ok_or_else(|| {
        Failure::new(Exit::USAGE, "-F: ';encoder=' is none of binary, 8bit, 7bit, base64, quoted-printable")
    })
}
