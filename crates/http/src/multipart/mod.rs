//! Forms of several parts (RFC 7578) as curl's `-F` writes them.

mod encoding;
mod media_type;

pub use encoding::PartEncoding;

use data_encoding::HEXLOWER;

use crate::body::{Segment, Style};
use crate::error::HttpError;
use crate::source::Source;
use crate::text::Text;

const FORM_DATA: &[u8] = b"multipart/form-data";

/// The parts of a form, or of a part that holds parts itself.
#[derive(Clone)]
pub struct Form {
    parts: Vec<Part>,
    boundary: String,
    backslashes: bool,
}

/// One part of a form. References in its names, type, headers and text are filled; what a value would change of the
/// form, such as a line break in a header, is refused then.
#[derive(Clone)]
#[non_exhaustive]
pub struct Part {
    /// What it holds.
    pub content: PartContent,
    /// `name=`.
    pub name: Option<Text>,
    /// `;filename=`, or the name of the file that is sent with `@`.
    pub file_name: Option<Text>,
    /// `;type=`; without it, what the name of a file ends in tells.
    pub content_type: Option<Text>,
    /// `;headers=`, each `Name: value`.
    pub headers: Vec<Text>,
    /// `;encoder=`.
    pub encoding: Option<PartEncoding>,
    /// The path of the file on disk that it holds.
    pub path: Option<String>,
}

/// What a part holds.
#[derive(Clone)]
pub enum PartContent {
    /// Text, with references in it or without.
    Text(Text),
    /// What is read while it is sent.
    Source(Source),
    /// Other parts.
    Parts(Form),
}

impl Part {
    /// A part with nothing but that in it.
    #[must_use]
    pub fn new(content: PartContent) -> Self {
        Self {
            content,
            name: None,
            file_name: None,
            content_type: None,
            headers: Vec::new(),
            encoding: None,
            path: None,
        }
    }

    /// The value of one of its own headers.
    fn own_header(&self, name: &[u8]) -> Option<&[u8]> {
        self.headers.iter().find_map(|line| value_of(line.as_bytes(), name))
    }
}

impl Form {
    /// A form without parts, with a boundary that nobody can guess. `backslashes` is `--form-escape`.
    ///
    /// # Errors
    /// `Setup`, when the system has no random bytes.
    pub fn new(backslashes: bool) -> Result<Self, HttpError> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| HttpError::Setup { why: error.to_string() })?;
        let boundary = format!("{}{}", "-".repeat(24), HEXLOWER.encode(&random));
        Ok(Self { parts: Vec::new(), boundary, backslashes })
    }

    /// Adds a part.
    pub fn push(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// The Content-Type of a request that sends it; `written` is the user's own.
    pub(crate) fn content_type(&self, written: Option<Text>) -> Text {
        let written = written.unwrap_or_else(|| Text::literal(FORM_DATA));
        written.followed_by(format!("; boundary={}", self.boundary).as_bytes())
    }

    /// Whether its length is told in front, as curl would: it cannot tell how long quoted-printable gets.
    pub(crate) fn tells_its_length(&self) -> bool {
        self.parts.iter().all(|part| match &part.content {
            PartContent::Parts(form) => form.tells_its_length(),
            _ => part.encoding != Some(PartEncoding::QuotedPrintable),
        })
    }

    /// The form as it goes into the body of a request with that Content-Type.
    pub(crate) fn segments(&self, content_type: Option<&[u8]>) -> Vec<Segment> {
        let mut segments = Vec::new();
        self.write(content_type.unwrap_or(FORM_DATA), &mut segments);
        segments
    }

    fn write(&self, content_type: &[u8], out: &mut Vec<Segment>) {
        let media_type = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let disposition = if media_type.eq_ignore_ascii_case(FORM_DATA) { "form-data" } else { "attachment" };
        for part in &self.parts {
            out.push(framing(format!("--{}\r\n", self.boundary)));
            self.head(part, disposition, out);
            out.push(framing("\r\n"));
            let style = part.encoding.map_or(Style::Raw, Style::Encoded);
            match &part.content {
                PartContent::Text(text) => out.push(Segment::text(text.clone(), style)),
                PartContent::Source(source) => out.push(Segment::source(source.clone())),
                PartContent::Parts(form) => form.write(part_type(part).unwrap_or(b"multipart/mixed"), out),
            }
            out.push(framing("\r\n"));
        }
        out.push(framing(format!("--{}--\r\n", self.boundary)));
    }

    /// Content-Disposition, Content-Type, Content-Transfer-Encoding, then the part's own headers.
    fn head(&self, part: &Part, disposition: &str, out: &mut Vec<Segment>) {
        let is_named = part.name.is_some() || part.file_name.is_some();
        let is_wanted = is_named || disposition == "form-data";
        if is_wanted && part.own_header(b"content-disposition").is_none() {
            out.push(framing(format!("Content-Disposition: {disposition}")));
            for (label, text) in [("name", &part.name), ("filename", &part.file_name)] {
                let Some(text) = text else { continue };
                out.push(framing(format!("; {label}=\"")));
                out.push(Segment::text(self.escaped(text), Style::PartHeader));
                out.push(framing("\""));
            }
            out.push(framing("\r\n"));
        }
        content_type_header(part, out);
        if let Some(encoding) = part.encoding
            && part.own_header(b"content-transfer-encoding").is_none()
        {
            out.push(framing(format!("Content-Transfer-Encoding: {encoding}\r\n")));
        }
        for line in part.headers.iter().filter(|line| value_of(line.as_bytes(), b"content-type").is_none()) {
            out.push(Segment::text(line.clone(), Style::PartHeader));
            out.push(framing("\r\n"));
        }
    }

    /// Quotes and line breaks as the WHATWG's form encoding writes them, or with backslashes as in mail. No reference
    /// holds one of these characters.
    fn escaped(&self, text: &Text) -> Text {
        let mut escaped = Vec::with_capacity(text.as_bytes().len());
        for byte in text.as_bytes() {
            match (byte, self.backslashes) {
                (b'"' | b'\\', true) => escaped.extend([b'\\', *byte]),
                (b'"', false) => escaped.extend(b"%22"),
                (b'\r', _) => escaped.extend(b"%0D"),
                (b'\n', _) => escaped.extend(b"%0A"),
                _ => escaped.push(*byte),
            }
        }
        text.with_bytes(escaped)
    }
}

/// The type that a part says it is: with `;type=` or in a header of its own.
fn part_type(part: &Part) -> Option<&[u8]> {
    part.content_type.as_ref().map(Text::as_bytes).or_else(|| part.own_header(b"content-type"))
}

fn content_type_header(part: &Part, out: &mut Vec<Segment>) {
    let boundary = match &part.content {
        PartContent::Parts(form) => Some(form.boundary.as_str()),
        _ => None,
    };
    if let Some(text) = &part.content_type {
        out.push(framing("Content-Type: "));
        out.push(Segment::text(text.clone(), Style::PartHeader));
    } else if let Some(line) =
        part.headers.iter().find(|line| value_of(line.as_bytes(), b"content-type").is_some())
    {
        out.push(Segment::text(line.clone(), Style::PartHeader));
    } else if let Some(guess) = guessed(part) {
        out.push(framing(format!("Content-Type: {guess}")));
    } else {
        return;
    }
    if let Some(boundary) = boundary {
        out.push(framing(format!("; boundary={boundary}")));
    }
    out.push(framing("\r\n"));
}

/// curl's guess: plain text without a file's name needs no type.
fn guessed(part: &Part) -> Option<&'static str> {
    if matches!(part.content, PartContent::Parts(_)) {
        return Some("multipart/mixed");
    }
    let named = part.file_name.as_ref().and_then(|name| media_type::of(name.as_bytes()));
    let on_disk = || part.path.as_ref().and_then(|path| media_type::of(path.as_bytes()));
    let default = (part.path.is_some() && part.file_name.is_some()).then_some("application/octet-stream");
    let guess = named.or_else(on_disk).or(default)?;
    (guess != "text/plain" || part.file_name.is_some()).then_some(guess)
}

/// What stands behind the colon in a line of that name.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (have, value) = line.split_at(line.iter().position(|byte| *byte == b':')?);
    have.eq_ignore_ascii_case(name).then(|| value[1..].trim_ascii())
}

fn framing(text: impl Into<Vec<u8>>) -> Segment {
    Segment::text(Text::literal(text), Style::AsIs)
}
