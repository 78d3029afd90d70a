//! The environment of a process.

use std::ffi::OsString;

use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use crate::item::holds_reference;
use crate::{Contents, InterchangeError, Item, Notice, Place, naming};

/// What begins the names of variables that hold keys of subrosa itself.
const OWN: &str = "SUBROSA_";

/// Takes those variables whose names one of `patterns` covers; `*` stands for any text. Without a pattern none is taken:
/// an environment holds much that nobody thinks of.
///
/// Variables that begin with `SUBROSA_` are left out with a notice: they can hold the vault's own key. Names that are not
/// UTF-8 are passed over.
///
/// # Errors
/// [`InterchangeError`]: a name that none can be made of, or a value that is too long.
pub fn read(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    patterns: &[&str],
) -> Result<Contents, InterchangeError> {
    let mut contents = Contents::default();
    for (variable, value) in variables {
        let value = Zeroizing::new(value.into_encoded_bytes());
        let Some(variable) = variable.to_str() else { continue };
        if !patterns.iter().any(|pattern| covers(pattern, variable)) {
            continue;
        }
        let place = Place::Path(variable.escape_debug().to_string());
        let left_out = match () {
            () if variable.starts_with(OWN) => Some("this is for subrosa itself and is left out"),
            () if holds_reference(&value) => Some("this holds a reference already and is left out"),
            () => None,
        };
        if let Some(text) = left_out {
            contents.notices.push(Notice { place, text: text.to_owned() });
            continue;
        }
        let name = naming::name(variable, &place, &mut contents.notices)?;
        let value = SecretValue::from_zeroizing(value)
            .map_err(|source| InterchangeError::Value { place: place.clone(), source })?;
        contents.items.push(&Item::new(name, Some(value).filter(|value| !value.is_empty()), place))?;
    }
    Ok(contents)
}

/// Whether a pattern with `*` covers the whole of a text.
fn covers(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(variables: &[(&str, &str)], patterns: &[&str]) -> (Vec<String>, usize) {
        let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let contents = read(variables, patterns).unwrap();
        (contents.items.iter().map(|item| item.name.to_string()).collect(), contents.notices.len())
    }

    #[test]
    fn only_what_is_asked_for_is_taken() {
        let all = [
            ("STRIPE_KEY", "1"),
            ("STRIPE_URL", "2"),
            ("HOME", "/x"),
            ("SUBROSA_KEY", "k"),
            ("R_KEY", "<<vault:r>>"),
        ];
        assert_eq!(taken(&all, &[]), (vec![], 0));
        assert_eq!(taken(&all, &["STRIPE_*"]), (vec!["STRIPE_KEY".into(), "STRIPE_URL".into()], 0));
        assert_eq!(taken(&all, &["*_KEY"]), (vec!["STRIPE_KEY".into()], 2));
        assert_eq!(taken(&all, &["HOME", "NONE"]), (vec!["HOME".into()], 0));
    }

    #[test]
    fn a_star_is_any_text() {
        for (pattern, text, is) in [
            ("*", "", true),
            ("A", "A", true),
            ("A", "AB", false),
            ("A*", "A", true),
            ("A*B*C", "AxBxBC", true),
            ("A*B*C", "AC", false),
            ("*B", "ABB", true),
            ("A*A", "A", false),
            ("", "A", false),
            ("a", "A", false),
        ] {
            assert_eq!(covers(pattern, text), is, "{pattern} {text}");
        }
    }

    #[test]
    fn hostile_i89_names_of_variables() {
        let bidi = read([("A\u{202e}".into(), "v".into())], &["*"]).err().unwrap();
        assert_eq!(bidi.kind(), "name");
        let long = read([("A".into(), "x".repeat((1 << 20) + 1).into())], &["*"]).err().unwrap();
        assert_eq!(long.kind(), "value_too_large");
        assert_eq!(taken(&[("../x", "v")], &["*"]).0, ["../x"]);
    }
}
