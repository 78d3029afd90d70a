//! Text with places for values in it.

use std::ops::Range;
use std::sync::Arc;

use subrosa_secret::{Fault, Name, scan};
use zeroize::Zeroizing;

use crate::error::HttpError;
use crate::outline::Written;
use crate::substitute::Rule;
use crate::text::{Sink, Text};
use crate::values::Values;

/// A reference that is begun but not well formed: nothing may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedUse {
    /// Where it stands: "header Authorization", "body" ...
    pub place: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// How the text around the references is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Around {
    /// As it is.
    AsIs,
    /// Encoded for a form (`--data-urlencode`).
    Urlencoded,
    /// Encoded as curl encodes a path.
    Path,
    /// With its `%XX` decoded, as curl decodes `user:pass@`.
    Decoded,
}

/// One piece of a request with the rules for filling it.
#[derive(Clone)]
pub(crate) struct Template {
    bytes: Arc<Zeroizing<Vec<u8>>>,
    range: Range<usize>,
    slots: Vec<Slot>,
    around: Around,
    pub(crate) place: Arc<str>,
}

#[derive(Clone)]
pub(crate) struct Slot {
    pub(crate) name: Name,
    pub(crate) span: Range<usize>,
    pub(crate) rule: Rule,
}

/// What a text's references are, before each is given its rule.
pub(crate) struct Scanned {
    pub(crate) references: Vec<(Name, Range<usize>)>,
    pub(crate) malformed: Vec<Fault>,
}

impl Scanned {
    pub(crate) fn of(text: &Text) -> Self {
        if text.is_literal() {
            return Self { references: Vec::new(), malformed: Vec::new() };
        }
        let found = scan(text.as_bytes());
        Self {
            references: found.references.into_iter().map(|found| (found.name, found.span)).collect(),
            malformed: found.malformed.into_iter().map(|found| found.fault).collect(),
        }
    }

    /// The text with every reference overwritten by `filler`, byte for byte in the same places.
    pub(crate) fn masked(&self, text: &[u8], filler: u8) -> Zeroizing<Vec<u8>> {
        let mut masked = Zeroizing::new(text.to_vec());
        for (_, span) in &self.references {
            masked[span.clone()].fill(filler);
        }
        masked
    }
}

impl Template {
    /// The whole of `text`, each reference under the same `rule`.
    pub(crate) fn new(text: &Text, place: &str, rule: Rule, malformed: &mut Vec<MalformedUse>) -> Self {
        let scanned = Scanned::of(text);
        malformed
            .extend(scanned.malformed.into_iter().map(|fault| MalformedUse { place: place.into(), fault }));
        let slots = scanned.references.into_iter().map(|(name, span)| Slot { name, span, rule }).collect();
        Self::with_slots(text, 0..text.as_bytes().len(), slots, place)
    }

    /// A part of `text` with the slots that lie in it, given with spans of the whole text.
    pub(crate) fn with_slots(text: &Text, range: Range<usize>, slots: Vec<Slot>, place: &str) -> Self {
        Self { bytes: text.shared(), range, slots, around: Around::AsIs, place: place.into() }
    }

    /// Text of our own.
    pub(crate) fn fixed(text: impl Into<Vec<u8>>) -> Self {
        let text = Text::literal(text);
        let range = 0..text.as_bytes().len();
        Self::with_slots(&text, range, Vec::new(), "")
    }

    pub(crate) fn around(mut self, around: Around) -> Self {
        self.around = around;
        self
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The text and the references in it, in their order.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Written<'_>> {
        let starts = [self.range.start].into_iter().chain(self.slots.iter().map(|slot| slot.span.end));
        let ends = self.slots.iter().map(|slot| slot.span.start).chain([self.range.end]);
        let references = self.slots.iter().map(|slot| Some(Written::Reference(&slot.name))).chain([None]);
        let texts = starts.zip(ends).map(|(start, end)| &self.bytes[start..end]);
        texts.zip(references).flat_map(|(text, reference)| {
            let text = (!text.is_empty()).then_some(Written::Text(text));
            text.into_iter().chain(reference)
        })
    }

    /// The text as written, references included.
    pub(crate) fn written(&self) -> &[u8] {
        &self.bytes[self.range.clone()]
    }

    /// Whether text that is not encoded holds what no URL can hold.
    pub(crate) fn holds_space_as_is(&self) -> bool {
        let in_slot = |at: usize| self.slots.iter().any(|slot| slot.span.contains(&at));
        let unfit = |byte: u8| byte <= b' ' || byte == 0x7f;
        self.around == Around::AsIs && self.range.clone().any(|at| unfit(self.bytes[at]) && !in_slot(at))
    }

    /// The bytes themselves, if filling would only copy all of them.
    pub(crate) fn unchanged(&self) -> Option<Arc<Zeroizing<Vec<u8>>>> {
        let whole = self.range == (0..self.bytes.len()) && self.around == Around::AsIs;
        (whole && self.slots.is_empty()).then(|| self.bytes.clone())
    }

    /// Writes the text with values in place of references.
    pub(crate) fn fill(&self, values: &dyn Values, out: &mut Sink) -> Result<(), HttpError> {
        let mut done = self.range.start;
        for slot in &self.slots {
            self.write_around(&self.bytes[done..slot.span.start], out);
            let reference = || format!("<<vault:{}>>", slot.name);
            let value = values.value(&slot.name).ok_or_else(|| HttpError::NoValue {
                reference: reference(),
                place: self.place.to_string(),
            })?;
            slot.rule.write(value.expose_secret(), out).map_err(|why| HttpError::ValueRefused {
                reference: reference(),
                place: self.place.to_string(),
                why,
            })?;
            done = slot.span.end;
        }
        self.write_around(&self.bytes[done..self.range.end], out);
        Ok(())
    }

    fn write_around(&self, text: &[u8], out: &mut Sink) {
        use crate::percent;
        match self.around {
            Around::AsIs => out.extend(text),
            Around::Urlencoded => percent::encode_form(text, out),
            Around::Path => percent::encode_non_ascii(text, out),
            Around::Decoded => out.extend(&percent::decode(text)),
        }
    }
}
