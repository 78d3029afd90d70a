//! YAML documents.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use zeroize::Zeroizing;

use super::bounded;
use super::collector::{Collector, Keys};
use crate::{Contents, InterchangeError, MAX_ITEMS, Place};

/// Reads every value of a YAML document, or of what stands at `path` in it.
///
/// Tags mean nothing here, each is told by a notice. An alias of a single value is followed; one of a list or a mapping
/// is refused, and so is a second document.
///
/// # Errors
/// [`InterchangeError`]: no text, no YAML, a key that stands twice or is no single value, a name that none can be made
/// of or that two values would have, or one of the bounds.
pub fn read_yaml(bytes: &[u8], path: Option<&str>) -> Result<Contents, InterchangeError> {
    let mut walk =
        Walk { collector: Collector::new(path), within: Vec::new(), anchors: HashMap::new(), documents: 0 };
    let text = bounded(bytes)?;
    check_brackets(text)?;
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| InterchangeError::Malformed {
            place: Place::Line(error.marker().line().max(1)),
            what: "this is no YAML".to_owned(),
        })?;
        walk.event(event)?;
    }
    walk.collector.done()
}

/// Refuses brackets that hold very much. The parser looks for their end before it gives anything of them out, since all of
/// it could be a key, and keeps hundreds of bytes for each word until then.
fn check_brackets(text: &str) -> Result<(), InterchangeError> {
    let Some(opening) = memchr::memchr2(b'[', b'{', text.as_bytes()) else { return Ok(()) };
    let behind = text.as_bytes()[opening..].iter();
    match behind.filter(|byte| b"[]{},:?\"'&*!%".contains(byte)).count() {
        marks if marks > MAX_ITEMS => Err(InterchangeError::TooMany),
        _ => Ok(()),
    }
}

struct Walk {
    collector: Collector,
    /// The lists and mappings around what comes next.
    within: Vec<Within>,
    /// What the anchors of single values stand for.
    anchors: HashMap<usize, Option<Zeroizing<String>>>,
    documents: usize,
}

enum Within {
    /// The number of the next item.
    List(usize),
    /// The keys so far, and whether a value is due.
    Mapping(Keys, bool),
}

impl Walk {
    fn event(&mut self, event: Event<'_>) -> Result<(), InterchangeError> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let what = "the file holds several documents; one is read".to_owned();
                    return Err(InterchangeError::Malformed { place: Place::File, what });
                }
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor),
            Event::Scalar(text, style, anchor, tag) => {
                let is_null =
                    style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                if anchor > 0 {
                    let kept = (!is_null).then(|| Zeroizing::new(text.to_string()));
                    self.anchors.insert(anchor, kept);
                }
                if self.is_key_due() {
                    return self.key(&text);
                }
                self.value((!is_null).then_some(&*text), tag.is_some())
            }
            Event::SequenceStart(..) => self.open(Within::List(0)),
            Event::MappingStart(..) => self.open(Within::Mapping(Keys::new(), false)),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Within::Mapping(keys, _)) = self.within.pop() {
                    self.collector.forget(&keys);
                }
                self.leave();
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn is_key_due(&self) -> bool {
        matches!(self.within.last(), Some(Within::Mapping(_, false)))
    }

    fn key(&mut self, key: &str) -> Result<(), InterchangeError> {
        let Some(Within::Mapping(keys, is_value_due)) = self.within.last_mut() else { return Ok(()) };
        *is_value_due = true;
        self.collector.enter_field(keys, key)
    }

    fn value(&mut self, text: Option<&str>, is_tagged: bool) -> Result<(), InterchangeError> {
        self.enter()?;
        if is_tagged && self.collector.is_wanted() {
            self.collector.notice("the tag means nothing here: the text behind it is taken as it stands");
        }
        self.collector.value(text)?;
        self.leave();
        Ok(())
    }

    fn alias(&mut self, anchor: usize) -> Result<(), InterchangeError> {
        if self.is_key_due() {
            return Err(self.collector.malformed("a key cannot be an alias"));
        }
        match self.anchors.get(&anchor) {
            Some(text) => {
                let text = text.clone();
                self.value(text.as_ref().map(|text| text.as_str()), false)
            }
            None => {
                Err(self.collector.malformed("an alias of a list or a mapping is not followed: write it out"))
            }
        }
    }

    fn open(&mut self, within: Within) -> Result<(), InterchangeError> {
        if self.is_key_due() {
            return Err(self.collector.malformed("a key cannot be a list or a mapping"));
        }
        self.enter()?;
        self.within.push(within);
        Ok(())
    }

    /// Into the next item of a list; a field of a mapping was entered by its key.
    fn enter(&mut self) -> Result<(), InterchangeError> {
        match self.within.last_mut() {
            Some(Within::List(next)) => {
                let index = next.to_string();
                *next += 1;
                self.collector.enter(&index)
            }
            _ => Ok(()),
        }
    }

    fn leave(&mut self) {
        match self.within.last_mut() {
            Some(Within::Mapping(_, is_value_due)) => *is_value_due = false,
            Some(Within::List(_)) => {}
            None => return,
        }
        self.collector.leave();
    }
}
