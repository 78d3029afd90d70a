//! What one `-F` says, by curl's rules (`man curl`, `--form`).
//!
//! Where curl warns and leaves a part of the text out, this is an error: what was written should be sent.

use std::fmt;

/// What becomes of one `-F`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// One part.
    Part(Part),
    /// `name=@a,b`: parts of one part.
    Group { name: Vec<u8>, files: Vec<Part> },
    /// `name=(`: what follows are parts of this one.
    Begin(Part),
    /// `=)`
    End,
}

/// A part as written; an empty name is none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: Vec<u8>,
    pub(crate) content: Content,
    pub(crate) media_type: Option<Vec<u8>>,
    pub(crate) file_name: Option<Vec<u8>>,
    pub(crate) headers: Vec<Header>,
    pub(crate) encoder: Option<Vec<u8>>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Content {
    /// Other parts.
    #[default]
    Parts,
    Text(Vec<u8>),
    /// `@file`
    File(Vec<u8>),
    /// `<file`: its content as if it stood here
    Inserted(Vec<u8>),
}

/// `;headers=`
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Header {
    Line(Vec<u8>),
    /// `@file` or `<file`
    File(Vec<u8>),
}

/// Why it makes no sense. Repeats nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FormError {
    NoEqualsSign,
    MediaType,
    UnknownAttribute,
    NoPlace(&'static str),
    Trailing,
    NothingToEnd,
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FormError::NoEqualsSign => f.write_str("the text is no 'name=content'"),
            FormError::MediaType => f.write_str("';type=' is no media type such as text/plain"),
            FormError::UnknownAttribute => f.write_str(
                "what follows a ';' is none of type=, filename=, headers=, encoder=; quote a content that has one: 'name=\"a;b\"'",
            ),
            FormError::NoPlace(attribute) => write!(f, "';{attribute}=' has no meaning for this content"),
            FormError::Trailing => f.write_str("text follows a quote that ends"),
            FormError::NothingToEnd => f.write_str("'=)' ends no '=('"),
        }
    }
}

/// Reads `name=content;attributes`; with `literal` (`--form-string`) all of the content is text.
pub(crate) fn parse(text: &[u8], literal: bool) -> Result<Field, FormError> {
    let at = text.iter().position(|byte| *byte == b'=').ok_or(FormError::NoEqualsSign)?;
    let (name, content) = (text[..at].to_vec(), &text[at + 1..]);
    match content.first() {
        _ if literal => {
            Ok(Field::Part(Part { name, content: Content::Text(content.to_vec()), ..Part::default() }))
        }
        Some(b'(') => {
            let (_, part) = Cursor::new(content, None).part()?;
            refuse(part.file_name.is_some(), "filename")?;
            refuse(part.encoder.is_some(), "encoder")?;
            Ok(Field::Begin(Part { name, ..part }))
        }
        Some(b')') if name.is_empty() && content.len() == 1 => Ok(Field::End),
        Some(b'@') => files(name, &content[1..]),
        Some(b'<') => {
            let (file, part) = Cursor::new(&content[1..], None).part()?;
            refuse(part.file_name.is_some(), "filename")?;
            Ok(Field::Part(Part { name, content: Content::Inserted(file), ..part }))
        }
        _ => {
            let (text, part) = Cursor::new(content, None).part()?;
            Ok(Field::Part(Part { name, content: Content::Text(text), ..part }))
        }
    }
}

/// One file or, parted by commas, several.
fn files(name: Vec<u8>, text: &[u8]) -> Result<Field, FormError> {
    let mut cursor = Cursor::new(text, Some(b','));
    let mut files = Vec::new();
    loop {
        let (file, part) = cursor.part()?;
        files.push(Part { content: Content::File(file), ..part });
        if !cursor.skip(b',') {
            break;
        }
    }
    match files.len() {
        1 => Ok(Field::Part(Part { name, ..files.remove(0) })),
        _ => Ok(Field::Group { name, files }),
    }
}

fn refuse(is_there: bool, attribute: &'static str) -> Result<(), FormError> {
    if is_there { Err(FormError::NoPlace(attribute)) } else { Ok(()) }
}

/// A place in the text of one or several parts.
struct Cursor<'a> {
    rest: &'a [u8],
    /// What ends a part beside the end of the text.
    end: Option<u8>,
}

impl<'a> Cursor<'a> {
    fn new(rest: &'a [u8], end: Option<u8>) -> Self {
        Self { rest, end }
    }

    fn skip(&mut self, byte: u8) -> bool {
        let found = self.rest.first() == Some(&byte);
        self.rest = &self.rest[usize::from(found)..];
        found
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    /// Takes that attribute's name, whose letters may be of either case.
    fn skip_name(&mut self, name: &[u8]) -> bool {
        let found = self.rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        self.rest = &self.rest[if found { name.len() } else { 0 }..];
        found
    }

    fn ends(&self, byte: u8) -> bool {
        byte == b';' || Some(byte) == self.end
    }

    /// A content and the attributes behind it.
    fn part(&mut self) -> Result<(Vec<u8>, Part), FormError> {
        let content = self.word()?;
        let mut part = Part::default();
        let mut after_type = false;
        while self.skip(b';') {
            let behind = self.rest;
            self.skip_space();
            if !after_type && self.skip_name(b"type=") {
                part.media_type = Some(self.media_type()?);
                after_type = true;
                continue;
            }
            match () {
                () if self.skip_name(b"filename=") => part.file_name = Some(self.word()?),
                () if self.skip_name(b"headers=") => part.headers.push(self.header()?),
                () if self.skip_name(b"encoder=") => part.encoder = Some(self.word()?),
                // a parameter of the type, such as charset=utf-8
                () if after_type => {
                    let parameter = self.plain().trim_ascii_end();
                    let space = behind.len() - behind.trim_ascii_start().len();
                    let media_type = part.media_type.get_or_insert_default();
                    media_type.extend([b";", &behind[..space], parameter].concat());
                    continue;
                }
                () if self.rest.is_empty() => continue,
                () => return Err(FormError::UnknownAttribute),
            }
            after_type = false;
        }
        Ok((content, part))
    }

    fn header(&mut self) -> Result<Header, FormError> {
        if self.skip(b'@') || self.skip(b'<') {
            return self.word().map(Header::File);
        }
        self.word().map(Header::Line)
    }

    fn media_type(&mut self) -> Result<Vec<u8>, FormError> {
        self.skip_space();
        let text = self.plain().trim_ascii_end();
        let slash = text.iter().position(|byte| matches!(byte, b'/' | b' '));
        let is_type = slash.is_some_and(|at| {
            let minor = text.get(at + 1);
            at > 0 && text[at] == b'/' && minor.is_some_and(|byte| !b";, \n".contains(byte))
        });
        if is_type { Ok(text.to_vec()) } else { Err(FormError::MediaType) }
    }

    /// Everything up to the next attribute or part.
    fn plain(&mut self) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| self.ends(*byte)).unwrap_or(self.rest.len());
        let (plain, rest) = self.rest.split_at(end);
        self.rest = rest;
        plain
    }

    /// A word in quotes, in which a backslash makes the next quote or backslash plain, or one without.
    fn word(&mut self) -> Result<Vec<u8>, FormError> {
        self.skip_space();
        let Some((word, length)) = quoted(self.rest) else {
            return Ok(self.plain().trim_ascii_end().to_vec());
        };
        self.rest = &self.rest[length..];
        if self.plain().trim_ascii().is_empty() { Ok(word) } else { Err(FormError::Trailing) }
    }
}

/// A quoted word at the front of `text` and how long it is with its quotes; a quote that does not end is a plain one.
fn quoted(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut word = Vec::new();
    let mut at = 1;
    text.first().filter(|byte| **byte == b'"')?;
    loop {
        match text.get(at..)? {
            [b'\\', next @ (b'\\' | b'"'), ..] => {
                word.push(*next);
                at += 2;
            }
            [b'"', ..] => return Some((word, at + 1)),
            [byte, ..] => {
                word.push(*byte);
                at += 1;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> Part {
        match parse(text.as_bytes(), false) {
            Ok(Field::Part(part)) => part,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn text(text: &str) -> Content {
        Content::Text(text.into())
    }

    #[test]
    fn contents_are_text_files_and_what_files_hold() {
        assert_eq!(part("a=b").content, text("b"));
        assert_eq!(part("a=b=c@d").content, text("b=c@d"));
        assert_eq!(part("a=").content, text(""));
        assert_eq!(part("=x").name, b"");
        assert_eq!(part("a=@b c ;type=x/y").content, Content::File(b"b c".to_vec()));
        assert_eq!(part("a=<-").content, Content::Inserted(b"-".to_vec()));
        assert_eq!(part("a= b ").content, text("b"));
        assert_eq!(part("a=\" b;\\\"\\\\\\c \" ").content, text(" b;\"\\\\c "));
        assert_eq!(part("a=\"b").content, text("\"b"));
    }

    #[test]
    fn attributes_follow_a_semicolon() {
        let all =
            part("f=@x;type=text/plain; charset=utf-8;filename=\"a;b\";HEADERS=X: y;headers=@h;encoder=7bit");
        assert_eq!(all.media_type.as_deref(), Some(&b"text/plain; charset=utf-8"[..]));
        assert_eq!(all.file_name.as_deref(), Some(&b"a;b"[..]));
        assert_eq!(all.headers, [Header::Line(b"X: y".to_vec()), Header::File(b"h".to_vec())]);
        assert_eq!(all.encoder.as_deref(), Some(&b"7bit"[..]));
        assert_eq!(part("a=b;").content, text("b"));
    }

    #[test]
    fn commas_part_files() {
        let Ok(Field::Group { name, files }) = parse(b"f=@a;type=x/y,\"b,c\",d", false) else { panic!() };
        assert_eq!(name, b"f");
        let names: Vec<_> = files.iter().map(|part| &part.content).collect();
        let file = |name: &str| Content::File(name.into());
        assert_eq!(names, [&file("a"), &file("b,c"), &file("d")]);
        assert_eq!(files[0].media_type.as_deref(), Some(&b"x/y"[..]));
        assert_eq!(part("a=b,c").content, text("b,c"));
    }

    #[test]
    fn brackets_hold_parts() {
        let Ok(Field::Begin(begun)) = parse(b"a=(;type=multipart/alternative", false) else { panic!() };
        assert_eq!(begun.name, b"a");
        assert_eq!(begun.media_type.as_deref(), Some(&b"multipart/alternative"[..]));
        assert_eq!(parse(b"=)", false), Ok(Field::End));
        assert_eq!(part("a=)").content, text(")"));
    }

    #[test]
    fn form_string_takes_everything_literally() {
        for content in ["@x;type=y", "(", ")", "<f", "\"q\""] {
            let field = parse(format!("={content}").as_bytes(), true);
            assert_eq!(field, Ok(Field::Part(Part { content: text(content), ..Part::default() })));
        }
    }

    #[test]
    fn what_curl_would_leave_out_is_an_error() {
        for (text, error) in [
            ("a", FormError::NoEqualsSign),
            ("a=b;c", FormError::UnknownAttribute),
            ("a=b;type=x", FormError::MediaType),
            ("a=b;type=/x", FormError::MediaType),
            ("a=\"b\"c", FormError::Trailing),
            ("a=<b;filename=c", FormError::NoPlace("filename")),
            ("a=(;encoder=7bit", FormError::NoPlace("encoder")),
        ] {
            assert_eq!(parse(text.as_bytes(), false), Err(error), "{text}");
        }
    }
}
