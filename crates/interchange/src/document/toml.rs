//! TOML documents.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::collector::Collector;
use super::{MAX_LEN, bounded};
use crate::text::line_of;
use crate::{Contents, InterchangeError, Place};

/// Reads every value of a TOML document, or of what stands at `path` in it. Dates are taken as they are written.
///
/// # Errors
/// [`InterchangeError`]: no text, no TOML, a name that none can be made of or that two values would have, or one of the
/// bounds.
pub fn read_toml(bytes: &[u8], path: Option<&str>) -> Result<Contents, InterchangeError> {
    let text = bounded(bytes)?;
    let table = DeTable::parse(text).map_err(|error| InterchangeError::Malformed {
        place: Place::Line(line_of(text, error.span().map_or(0, |span| span.start))),
        what: "this is no TOML".to_owned(),
    })?;
    let mut collector = Collector::new(path);
    fields(&mut collector, text, table.get_ref())?;
    collector.done()
}

/// Whether these bytes are a TOML document.
pub(crate) fn is_document(bytes: &[u8]) -> bool {
    bytes.len() <= MAX_LEN && str::from_utf8(bytes).is_ok_and(|text| DeTable::parse(text).is_ok())
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
