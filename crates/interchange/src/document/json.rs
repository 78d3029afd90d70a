//! JSON documents.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::collector::{Collector, Keys};
use crate::text::text;
use crate::{Contents, InterchangeError, json};

/// Reads every value of a JSON document, or of what stands at `path` in it.
///
/// # Errors
/// [`InterchangeError`]: no text, no JSON, a key that stands twice, a name that none can be made of or that two values
/// would have, or one of the bounds.
pub fn read_json(bytes: &[u8], path: Option<&str>) -> Result<Contents, InterchangeError> {
    let text = text(bytes)?;
    let mut walk = Walk { collector: Collector::new(path), numbers: Numbers(text), error: None };
    let mut parser = serde_json::Deserializer::from_str(text);
    let read = (&mut walk).deserialize(&mut parser).and_then(|()| parser.end());
    match (walk.error, read) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(json::malformed(&error)),
        (None, Ok(())) => walk.collector.done(),
    }
}

struct Walk<'t> {
    collector: Collector,
    numbers: Numbers<'t>,
    /// What stopped the walk, where it was not the parser.
    error: Option<InterchangeError>,
}

/// The numbers of a JSON document as they are written, one after the other. The parser turns them into binary ones, in
/// which `1.10` and long ones are not the same any more.
struct Numbers<'t>(&'t str);

impl<'t> Iterator for Numbers<'t> {
    type Item = &'t str;

    /// The text was checked by the parser up to here: outside of strings, a digit or a minus begins a number.
    fn next(&mut self) -> Option<&'t str> {
        loop {
            let at = self.0.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit())?;
            let rest = &self.0[at..];
            if let Some(string) = rest.strip_prefix('"') {
                self.0 = &string[end_of_string(string)?..];
                continue;
            }
            let len = rest.find(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c))).unwrap_or(rest.len());
            self.0 = &rest[len..];
            return Some(&rest[..len]);
        }
    }
}

/// Where the text behind the closing quote begins.
fn end_of_string(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', text.as_bytes().get(from..)?)?;
        match text.as_bytes()[at] {
            b'"' => return Some(at + 1),
            _ => from = at + 2,
        }
    }
}

impl Walk<'_> {
    fn check<E: serde::de::Error>(&mut self, result: Result<(), InterchangeError>) -> Result<(), E> {
        result.map_err(|error| {
            self.error = Some(error);
            E::custom("stopped")
        })
    }

    fn take<E: serde::de::Error>(&mut self, text: Option<&str>) -> Result<(), E> {
        let taken = self.collector.value(text);
        self.check(taken)
    }

    fn number<E: serde::de::Error>(&mut self) -> Result<(), E> {
        let number = self.numbers.next().ok_or_else(|| E::custom("no number"))?;
        self.take(Some(number))
    }

    fn enter<E: serde::de::Error>(&mut self, part: &str) -> Result<(), E> {
        let entered = self.collector.enter(part);
        self.check(entered)
    }
}

impl<'de> DeserializeSeed<'de> for &mut Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.take(Some(text))
    }

    fn visit_bool<E: serde::de::Error>(self, is: bool) -> Result<(), E> {
        self.take(Some(if is { "true" } else { "false" }))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.take(None)
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.number()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.number()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.number()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        for index in 0_usize.. {
            self.enter(&index.to_string())?;
            let more = list.next_element_seed(&mut *self)?;
            self.collector.leave();
            if more.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut keys = Keys::new();
        while let Some(key) = map.next_key::<String>()? {
            let entered = self.collector.enter_field(&mut keys, &key);
            self.check(entered)?;
            map.next_value_seed(&mut *self)?;
            self.collector.leave();
        }
        self.collector.forget(&keys);
        Ok(())
    }
}
