//! TOML documents.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::collector::Collector;
use super::{MAX_LEN, bounded};
use crate::text::line_of;
use crate::{Contents, InterchangeError, MAX_ITEMS, Place};

/// So much of a text is tried before all of it.
const FIRST: usize = 16 << 10;

/// Reads every value of a TOML document, or of what stands at `path` in it. Dates are taken as they are written.
///
/// # Errors
/// [`InterchangeError`]: no text, no TOML, a name that none can be made of or that two values would have, or one of the
/// bounds.
pub fn read_toml(bytes: &[u8], path: Option<&str>) -> Result<Contents, InterchangeError> {
    let text = bounded(bytes)?;
    if !is_small(bytes) {
        return Err(InterchangeError::TooMany);
    }
    let table = DeTable::parse(text).map_err(|error| InterchangeError::Malformed {
        place: Place::Line(line_of(text, error.span().map_or(0, |span| span.start))),
        what: "this is no TOML".to_owned(),
    })?;
    let mut collector = Collector::new(path);
    fields(&mut collector, text, table.get_ref())?;
    collector.done()
}

/// Whether these bytes are a TOML document. Most that are none show it near their beginning, before all of them is parsed,
/// which takes many times the memory.
pub(crate) fn is_document(bytes: &[u8]) -> bool {
    let is_read = bytes.len() <= MAX_LEN && is_small(bytes);
    let text = if is_read { str::from_utf8(bytes).ok() } else { None };
    text.is_some_and(|text| may_begin(text) && DeTable::parse(text).is_ok())
}

/// Whether there is so little between its marks that the parser can keep all of it: it takes hundreds of bytes for each.
fn is_small(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| b"[]{}=,.'\"#\n".contains(byte)).count() <= MAX_ITEMS
}

/// Whether the first lines can be those of a TOML document. What is wrong at their end may be the cut.
fn may_begin(text: &str) -> bool {
    let first = &text[..text.floor_char_boundary(FIRST)];
    let lines = &first[..first.rfind('\n').unwrap_or_default()];
    match DeTable::parse(lines) {
        Ok(_) => true,
        Err(error) => error.span().is_none_or(|span| span.end >= lines.len()),
    }
}

/// In the order of the file: the parser sorts by key.
fn fields(collector: &mut Collector, text: &str, table: &DeTable<'_>) -> Result<(), InterchangeError> {
    let mut fields: Vec<_> = table.iter().collect();
    fields.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in fields {
        collector.enter(key.get_ref())?;
        walk(collector, text, value)?;
        collector.leave();
    }
    Ok(())
}

fn walk(collector: &mut Collector, text: &str, value: &Spanned<DeValue<'_>>) -> Result<(), InterchangeError> {
    match value.get_ref() {
        DeValue::String(string) => collector.value(Some(string)),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
            collector.value(text.get(value.span()).map(str::trim))
        }
        DeValue::Array(list) => list.iter().enumerate().try_for_each(|(index, value)| {
            collector.enter(&index.to_string())?;
            walk(collector, text, value)?;
            collector.leave();
            Ok(())
        }),
        DeValue::Table(table) => fields(collector, text, table),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_one_wherever_its_beginning_is_cut() {
        let lines = "line\n".repeat(FIRST);
        for (open, item, close) in [
            ("a = \"\"\"", lines.as_str(), "\"\"\"\n"),
            ("a = '''", &lines, "'''\n"),
            ("a = [\n", &"[\"x\",\n1\n],\n".repeat(FIRST / 4), "]\n"),
            ("a = 1\n", &(0..FIRST).map(|n| format!("b{n} = \"\"\"\nx\"\"\"\r\n")).collect::<String>(), ""),
            ("a = \"", &"\u{e9}".repeat(FIRST), "\"\n"),
            ("[a]\nb.c = {d = 1", &(0..FIRST).map(|n| format!(", e{n} = 1")).collect::<String>(), "}"),
        ] {
            for shift in 0..16 {
                let text = format!("{}{open}{item}{close}", "#\n".repeat(shift) + &"#".repeat(shift) + "\n");
                assert!(is_document(text.as_bytes()), "{open:?} {shift}");
            }
        }
    }

    #[test]
    fn what_is_none_near_its_beginning_or_its_end_is_none() {
        let good = "a1=1\n".to_owned();
        let many = |count: usize| (0..count).map(|n| format!("k{n}='x'\n")).collect::<String>();
        for text in [good.clone() + "b=x y\n" + &many(9_000), many(9_000) + "b=x y\n", good + "a1=2\n"] {
            assert!(!is_document(text.as_bytes()));
        }
        assert!(!may_begin(&("a=1\nb=x\n".to_owned() + &many(9_000))));
    }
}
