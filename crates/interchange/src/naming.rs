//! Names of secrets from what other programs call them.

use subrosa_secret::{MAX_NAME_LEN, Name, NameError};

use crate::{InterchangeError, Notice, Notices, Place};

/// The longest text that a name is made of, in bytes.
const MAX_TEXT_LEN: usize = 4 << 10;

/// The name that a text becomes.
///
/// A text that is a name is kept. In any other, each run of characters that a name cannot hold becomes one `-`, and
/// what may not stand at an end goes; a notice says so. What nobody can see in a text is refused: two names would look
/// the same.
pub(crate) fn name(text: &str, place: &Place, notices: &mut Notices) -> Result<Name, InterchangeError> {
    let refused = |source| InterchangeError::Name { place: place.clone(), source };
    let error = match Name::parse(text) {
        Ok(name) => return Ok(name),
        Err(error) => error,
    };
    check_len(text, place)?;
    if let Some(hidden) = text.chars().find(|c| is_hidden(*c)) {
        return Err(refused(NameError::Character(hidden)));
    }
    let name = match Name::parse(&mended(text)) {
        Ok(name) => name,
        // nothing is left: what was wrong with the text itself says more
        Err(NameError::Empty) => return Err(refused(error)),
        Err(error) => return Err(refused(error)),
    };
    notices
        .push(Notice { place: place.clone(), text: format!("{text:?} cannot be a name and becomes {name}") });
    Ok(name)
}

/// Refuses a text that is much longer than any name, before work is done on it or it is told.
pub(crate) fn check_len(text: &str, place: &Place) -> Result<(), InterchangeError> {
    match text.len() {
        len if len > MAX_TEXT_LEN => {
            let source = NameError::TooLong { len, max: MAX_NAME_LEN };
            Err(InterchangeError::Name { place: place.clone(), source })
        }
        _ => Ok(()),
    }
}

/// Whether nothing of a text can stand in a name.
pub(crate) fn is_nothing(text: &str) -> bool {
    !text.chars().any(is_hidden) && mended(text).is_empty()
}

fn mended(text: &str) -> String {
    let segments = text.split('/').map(segment);
    segments.filter(|segment| !segment.is_empty()).collect::<Vec<_>>().join("/")
}

fn segment(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    for c in text.chars() {
        let mut alone = [0; 4];
        let fits = matches!(c, ' ' | '-') || Name::parse(c.encode_utf8(&mut alone)).is_ok() || is_mark(c);
        match fits {
            true => mended.push(c),
            false if !mended.ends_with('-') => mended.push('-'),
            false => {}
        }
    }
    mended.trim_matches([' ', '-']).to_owned()
}

/// A combining mark, which stands on a letter and not alone.
fn is_mark(c: char) -> bool {
    Name::parse(&format!("a{c}")).is_ok()
}

/// Controls, and characters that show nothing or turn the direction of what does.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> (String, usize) {
        let mut notices = Notices::default();
        match name(text, &Place::File, &mut notices) {
            Ok(name) => (name.to_string(), notices.len()),
            Err(error) => (error.kind().to_owned(), 0),
        }
    }

    #[test]
    fn names_stay_and_other_texts_become_some() {
        for (text, name, notices) in [
            ("prod/stripe-key", "prod/stripe-key", 0),
            ("My API (v2): key!", "My API -v2-: key", 1),
            (" outer ", "outer", 1),
            ("a//b/", "a/b", 1),
            ("{{x}}", "x", 1),
            ("Zahlung – €", "Zahlung", 1),
            ("e\u{301}t\u{e9}?", "\u{e9}t\u{e9}", 1),
            ("!?", "name", 0),
            ("", "name", 0),
        ] {
            assert_eq!(named(text), (name.to_owned(), notices), "{text:?}");
        }
    }

    #[test]
    fn hostile_i89_what_cannot_be_seen_is_refused() {
        for c in [
            '\0',
            '\n',
            '\u{1b}',
            '\u{7f}',
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{feff}',
            '\u{3164}',
            '\u{e0041}',
        ] {
            assert_eq!(named(&format!("a{c}b")).0, "name", "{c:?}");
        }
        // a name is no path: nothing is opened by it
        assert_eq!(named("../x").0, "../x");
        assert_eq!(named(&"x".repeat(257)).0, "name");
    }

    #[test]
    fn hostile_i88_a_text_without_end_is_no_name_and_is_not_told() {
        assert_eq!(named(&format!("{}a", "!".repeat(MAX_TEXT_LEN - 1))), ("a".to_owned(), 1));
        assert_eq!(named(&format!("{}a", "!".repeat(MAX_TEXT_LEN))).0, "name");
    }
}
