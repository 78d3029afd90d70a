//! Names of secrets as names of variables.

use std::borrow::Cow;

use crate::{InterchangeError, Items};

/// Refuses names of which two would become one variable.
pub(super) fn check(items: &Items) -> Result<(), InterchangeError> {
    let doubles = items.doubles_by(|one, other| letters(items.name(one)).cmp(letters(items.name(other))));
    let Some((first, later)) = doubles.first() else { return Ok(()) };
    let (first, later) = (items.name(*first), items.name(*later));
    let what = format!("{first} and {later} would both be written as {}", variable(later));
    Err(InterchangeError::Unwritable { what })
}

/// What a name is written as. What a shell takes as a variable is kept; of any other name the letters and digits of
/// ASCII stay, in capitals, and all else becomes `_`: `prod/stripe-key` is `PROD_STRIPE_KEY`.
pub(super) fn variable(name: &str) -> Cow<'_, str> {
    match is_variable(name) {
        true => Cow::Borrowed(name),
        false => Cow::Owned(letters(name).collect()),
    }
}

fn is_variable(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain && !begins_with_digit(name)
}

fn begins_with_digit(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_digit())
}

/// The characters of the variable.
fn letters(name: &str) -> impl Iterator<Item = char> + '_ {
    let kept = is_variable(name);
    let first = begins_with_digit(name).then_some('_');
    first.into_iter().chain(name.chars().map(move |c| match c {
        _ if kept => c,
        c if c.is_ascii_alphanumeric() => c.to_ascii_uppercase(),
        _ => '_',
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_variables() {
        for (name, mapped) in [
            ("STRIPE_KEY", "STRIPE_KEY"),
            ("stripe_key", "stripe_key"),
            ("prod/stripe-key", "PROD_STRIPE_KEY"),
            ("postman-api:token", "POSTMAN_API_TOKEN"),
            ("2fa", "_2FA"),
            ("schlüssel", "SCHL_SSEL"),
        ] {
            assert_eq!(variable(name), mapped);
        }
    }
}
