//! References in place of values.

use subrosa_secret::Name;
use zeroize::Zeroizing;

use super::escape::decode;
use super::scanner::Scanner;
use crate::InterchangeError;
use crate::item::{Written, holds_reference};
use crate::text::text;

/// The file with references in place of those values for whose names `reference` gives one, and every other byte as it
/// was. All values of a name are replaced, not only the one that counts ([`superseded`](super::superseded) tells those
/// that would be lost); an empty one, and one that is a reference already, stay.
///
/// The references stand in double quotes. A remark that looks like an assignment stays as it is and is told.
///
/// # Errors
/// Those of [`read`](super::read).
pub fn rewrite(
    bytes: &[u8],
    reference: impl Fn(&Name) -> Option<String>,
) -> Result<Written, InterchangeError> {
    let text = text(bytes)?;
    let mark = &bytes[..bytes.len() - text.len()];
    let (mut scanner, mut replacements) = (Scanner::new(text), Vec::new());
    while let Some(entry) = scanner.next_entry()? {
        let name = entry.name(text)?;
        let stays =
            entry.inner.is_empty() || holds_reference(&decode(entry.quote, &text[entry.inner.clone()]));
        if let Some(reference) = reference(&name).filter(|_| !stays) {
            replacements.push((entry.span, reference));
        }
    }
    let added: usize = replacements.iter().map(|(_, reference)| reference.len() + 2).sum();
    let mut written = Zeroizing::new(Vec::with_capacity(bytes.len() + added));
    written.extend(mark);
    let mut from = 0;
    for (span, reference) in replacements {
        written.extend(&text.as_bytes()[from..span.start]);
        written.extend(format!("\"{reference}\"").bytes());
        from = span.end;
    }
    written.extend(&text.as_bytes()[from..]);
    Ok(Written { bytes: written, notices: scanner.remarks })
}
