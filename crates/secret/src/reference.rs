//! References to secrets in text.

use std::ops::Range;

use memchr::memchr2;
use thiserror::Error;

use crate::{Name, NameError};

/// How a reference is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// `<<vault:name>>`, the canonical form.
    Angle,
    /// `{{vault:name}}`, Postman's form.
    Brace,
}

/// A well-formed reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The secret that it names.
    pub name: Name,
    /// How it is written.
    pub form: Form,
    /// Its byte range, brackets included.
    pub span: Range<usize>,
}

/// What is wrong with something that looks like a reference.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// The closing brackets are missing.
    #[error("the reference is not closed")]
    Unterminated,
    /// There is no name between `vault:` and the closing brackets.
    #[error("the reference names no secret")]
    EmptyName,
    /// The name is refused.
    #[error("{0}")]
    BadName(#[from] NameError),
    /// White space between `vault` and the colon.
    #[error("no white space can stand between 'vault' and ':'")]
    SpaceBeforeColon,
    /// Another bracketed text inside: resolve that first.
    #[error("a reference cannot hold another reference or variable")]
    Nested,
    /// `vault` in other than lower-case letters.
    #[error("'vault' must be written in lower-case letters")]
    Case,
}

/// Something that looks like a reference and is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Its byte range.
    pub span: Range<usize>,
    /// What is wrong with it.
    pub fault: Fault,
}

/// Everything in a text that is or looks like a reference, each list in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// The well-formed references.
    pub references: Vec<Reference>,
    /// What looks like one and must stop a request.
    pub malformed: Vec<Malformed>,
}

/// How far after the colon the closing brackets may stand: the longest name and some white space.
const WINDOW: usize = crate::name::MAX_NAME_LEN * 2;
/// Deeper brackets than this within one reference are not followed.
const MAX_DEPTH: usize = 4;
const WORD: &[u8] = b"vault";

/// Finds all references of a text, which need not be UTF-8, in time linear to its length.
///
/// `<<` or `{{`, then optional white space, `vault:`, a [`Name`], optional white space and the matching
/// brackets. Text with such brackets around anything else is plain. A span never begins or ends within a
/// character of valid UTF-8.
pub fn scan(text: &[u8]) -> Scan {
    let mut scan = Scan::default();
    // the word is searched rather than brackets: it is rare in every kind of body, `<<` or `{{` need not be
    let (mut decided, mut from) = (0, 0);
    while let Some(at) = memchr2(b'v', b'V', &text[from..]) {
        let word = from + at;
        from = word + 1;
        let Some(opening) = Opening::around(text, decided, word) else { continue };
        match opening.read(text) {
            Ok(reference) => {
                decided = reference.span.end;
                scan.references.push(reference);
            }
            Err(malformed) => {
                decided = malformed.span.end;
                scan.malformed.push(malformed);
            }
        }
        from = from.max(decided);
    }
    scan
}

impl Form {
    fn opened_by(brackets: &[u8]) -> Option<Self> {
        match brackets {
            b"<<" => Some(Self::Angle),
            b"{{" => Some(Self::Brace),
            _ => None,
        }
    }

    fn closing(self) -> &'static [u8] {
        match self {
            Self::Angle => b">>",
            Self::Brace => b"}}",
        }
    }
}

/// `<<vault:`, as it was found.
struct Opening {
    form: Form,
    start: usize,
    /// Where the name begins.
    name: usize,
    fault: Option<Fault>,
}

impl Opening {
    /// The opening whose word begins at `word`, if there is one at or after `decided`.
    fn around(text: &[u8], decided: usize, word: usize) -> Option<Self> {
        let end = word + WORD.len();
        let found = text.get(word..end).filter(|found| found.eq_ignore_ascii_case(WORD))?;
        let colon = end + leading_space(&text[end..]);
        text.get(colon).filter(|byte| **byte == b':')?;
        let before = text[decided..word].trim_ascii_end();
        let form = Form::opened_by(&before[before.len().checked_sub(2)?..])?;
        let fault = match () {
            () if found != WORD => Some(Fault::Case),
            () if colon != end => Some(Fault::SpaceBeforeColon),
            () => None,
        };
        Some(Self { form, start: decided + before.len() - 2, name: colon + 1, fault })
    }

    fn read(self, text: &[u8]) -> Result<Reference, Malformed> {
        let start = self.start;
        let failed = |end, fault| Malformed { span: start..end, fault };
        let Some(close) = self.close(text) else {
            return Err(failed(self.name + plain_run(&text[self.name..]), Fault::Unterminated));
        };
        let end = close.at + 2;
        if let Some(fault) = self.fault {
            return Err(failed(end, fault));
        }
        if close.nested {
            return Err(failed(end, Fault::Nested));
        }
        let name =
            parse_name(text[self.name..close.at].trim_ascii_end()).map_err(|fault| failed(end, fault))?;
        Ok(Reference { name, form: self.form, span: start..end })
    }

    /// The brackets that close this opening, with inner ones skipped in pairs.
    fn close(&self, text: &[u8]) -> Option<Close> {
        let limit = text.len().min(self.name + WINDOW);
        let mut open: Vec<Form> = Vec::new();
        let mut nested = false;
        let mut at = self.name;
        while let Some(pair) = text.get(at..at + 2).filter(|_| at < limit) {
            let awaited = open.last().unwrap_or(&self.form).closing();
            if pair == awaited {
                if open.pop().is_none() {
                    return Some(Close { at, nested });
                }
                at += 2;
            } else if let Some(form) = Form::opened_by(pair) {
                if open.len() == MAX_DEPTH {
                    return None;
                }
                open.push(form);
                nested = true;
                at += 2;
            } else if matches!(pair[0], b'\r' | b'\n') {
                // a name has no line break: only closing brackets can follow one
                at += leading_space(&text[at..limit]);
                return (open.is_empty() && text[at..].starts_with(awaited)).then_some(Close { at, nested });
            } else {
                at += 1;
            }
        }
        None
    }
}

struct Close {
    at: usize,
    nested: bool,
}

fn parse_name(bytes: &[u8]) -> Result<Name, Fault> {
    if bytes.is_empty() {
        return Err(Fault::EmptyName);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| NameError::Character(char::REPLACEMENT_CHARACTER))?;
    Ok(Name::parse(text)?)
}

fn leading_space(text: &[u8]) -> usize {
    text.len() - text.trim_ascii_start().len()
}

/// How much of `text` could be a name: what an unclosed reference is shown with.
fn plain_run(text: &[u8]) -> usize {
    let could_be = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-/: ".contains(byte) || !byte.is_ascii();
    let run = &text[..text.iter().take_while(|byte| could_be(byte)).count()];
    run.trim_ascii_end().len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each reference as `name@span`, each fault as `!Fault@span`.
    fn found(text: &str) -> Vec<String> {
        let scan = scan(text.as_bytes());
        let mut found: Vec<(usize, String)> = Vec::new();
        for reference in scan.references {
            found.push((reference.span.start, format!("{}@{:?}", reference.name, reference.span)));
        }
        for malformed in scan.malformed {
            found.push((malformed.span.start, format!("!{:?}@{:?}", malformed.fault, malformed.span)));
        }
        found.sort();
        found.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn both_forms_with_inner_white_space() {
        assert_eq!(found("Bearer <<vault:a>>!"), ["a@7..18"]);
        assert_eq!(found("{{vault:a/b-c:d e}}"), ["a/b-c:d e@0..19"]);
        assert_eq!(found("<< \tvault:a  >>{{\nvault:b\r\n}}"), ["a@0..15", "b@15..29"]);
        assert_eq!(found("<<<vault:a>>>"), ["a@1..12"]);
        assert_eq!(found(r#"{"k":{{vault:a}}}"#), ["a@5..16"]);
        assert_eq!(found("<<vault:schlüssel>>"), ["schlüssel@0..20"]);
        assert_eq!(scan("{{vault:a}}".as_bytes()).references[0].form, Form::Brace);
        assert_eq!(scan("<<vault:a>>".as_bytes()).references[0].form, Form::Angle);
    }

    #[test]
    fn other_brackets_are_plain_text() {
        for text in [
            "<<",
            "{{",
            "<<a>>",
            "{{variable}}",
            "<vault:a>",
            "a << b >> c",
            "vault:a",
            "<<vaults:a>>",
            "< <vault:a>>",
            "{{vault}}",
            "cout << vault;",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn hostile_e65_malformed_references_have_spans() {
        assert_eq!(found("<<vault:"), ["!Unterminated@0..8"]);
        assert_eq!(found("<<vault:>>"), ["!EmptyName@0..10"]);
        assert_eq!(found("<<vault: >>"), ["!EmptyName@0..11"]);
        assert_eq!(found("<<vault:a"), ["!Unterminated@0..9"]);
        assert_eq!(found("<< vault : a >>"), ["!SpaceBeforeColon@0..15"]);
        assert_eq!(found("{{vault:{{x}}_key}}"), ["!Nested@0..19"]);
        assert_eq!(found("{{vault:<<vault:a>>}}"), ["!Nested@0..21"]);
        assert_eq!(found("<<Vault:a>>"), ["!Case@0..11"]);
        assert_eq!(found("<<vault:a}}"), ["!Unterminated@0..9"]);
        assert_eq!(found("<<vault: a>>"), ["!BadName(OuterSpace)@0..12"]);
        assert_eq!(found("<<vault:a//b>>"), ["!BadName(EmptySegment)@0..14"]);
        assert_eq!(found("<<vault:a\nb>>"), ["!Unterminated@0..9"]);
        assert_eq!(found(r#"{"a":"<<vault:x","b":1}"#), ["!Unterminated@6..15"]);
    }

    #[test]
    fn an_unclosed_reference_hides_no_later_one() {
        assert_eq!(found("<<vault:a and <<vault:b>>"), ["!Unterminated@0..13", "b@14..25"]);
        assert_eq!(found("<<vault:a\n<<vault:b>>"), ["!Unterminated@0..9", "b@10..21"]);
        let far = format!("<<vault:a{}>>", "!".repeat(2 * WINDOW));
        assert_eq!(found(&far), ["!Unterminated@0..9"]);
    }

    #[test]
    fn input_need_not_be_text() {
        let scanned = scan(b"\xff\xfe<<vault:a>>\xff<<vault:\xff>>");
        assert_eq!(scanned.references[0].span, 2..13);
        let fault = Fault::BadName(NameError::Character(char::REPLACEMENT_CHARACTER));
        assert_eq!(scanned.malformed, [Malformed { span: 14..25, fault }]);
    }

    /// Work, not time, is what can be asserted: a quadratic scan of these would not end within a test run.
    #[test]
    fn hostile_e65_large_bodies_of_brackets() {
        let size = 10 << 20;
        for (unit, malformed) in [("<<", 0), ("{{", 0), ("<<vault:", size / 8), ("v", 0), ("<< ", 0)] {
            let text = unit.repeat(size / unit.len());
            let scanned = scan(text.as_bytes());
            assert_eq!((scanned.references.len(), scanned.malformed.len()), (0, malformed), "{unit}");
        }
        let spaces = format!("<<{}vault:a>>", " ".repeat(size));
        assert_eq!(scan(spaces.as_bytes()).references.len(), 1);
    }

    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("<<".to_owned()),
            Just("{{".to_owned()),
            Just(">>".to_owned()),
            Just("}}".to_owned()),
            Just("vault:".to_owned()),
            Just("vault".to_owned()),
            Just("<<vault:a>>".to_owned()),
            Just("\n ".to_owned()),
            "[a-zA-Z:/ü<{>}. ]{0,6}",
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn spans_are_ordered_disjoint_and_on_character_boundaries(text in pieces()) {
            let scan = scan(text.as_bytes());
            let mut spans: Vec<_> = scan.references.iter().map(|r| r.span.clone()).collect();
            prop_assert!(spans.is_sorted_by_key(|span| span.start));
            prop_assert!(scan.malformed.is_sorted_by_key(|malformed| malformed.span.start));
            spans.extend(scan.malformed.iter().map(|m| m.span.clone()));
            spans.sort_by_key(|span| span.start);
            prop_assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start));
            for span in spans {
                prop_assert!(text.get(span).is_some_and(|text| text.starts_with("<<") || text.starts_with("{{")));
            }
        }

        #[test]
        fn replacing_each_reference_by_itself_gives_the_text_back(text in pieces()) {
            let scan = scan(text.as_bytes());
            let (mut rebuilt, mut done) = (String::new(), 0);
            for reference in &scan.references {
                rebuilt.push_str(&text[done..reference.span.start]);
                rebuilt.push_str(&text[reference.span.clone()]);
                done = reference.span.end;
            }
            rebuilt.push_str(&text[done..]);
            prop_assert_eq!(rebuilt, text);
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let scan = scan(&bytes);
            prop_assert!(scan.references.iter().all(|r| r.span.end <= bytes.len()));
        }

        #[test]
        fn every_valid_name_is_found_again(name in "[a-z0-9._:-]{1,20}(/[a-zäö_-]{1,20}){0,3}") {
            let text = format!("x<<vault:{name}>>y{{{{ vault:{name} }}}}");
            let names: Vec<_> = scan(text.as_bytes()).references.into_iter().map(|r| String::from(r.name)).collect();
            prop_assert_eq!(names, [name.clone(), name]);
        }
    }
}
