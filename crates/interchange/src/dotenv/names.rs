//! Names of secrets as names of variables.

use std::collections::HashMap;

use crate::{InterchangeError, Item, Notice, Place};

/// A name for each of the items. What a shell takes as a variable is kept; of any other name the letters and digits of
/// ASCII stay, in capitals, and all else becomes `_`: `prod/stripe-key` is `PROD_STRIPE_KEY`.
pub(super) fn variables(items: &[Item], notices: &mut Vec<Notice>) -> Result<Vec<String>, InterchangeError> {
    let mut taken: HashMap<String, &str> = HashMap::new();
    let mut variables = Vec::with_capacity(items.len());
    for item in items {
        let name = item.name.as_str();
        let variable = variable(name);
        if variable != name {
            notices.push(Notice { place: Place::File, text: format!("{name} is written as {variable}") });
        }
        if let Some(other) = taken.insert(variable.clone(), name) {
            let what = format!("{other} and {name} would both be written as {variable}");
            return Err(InterchangeError::Unwritable { what });
        }
        variables.push(variable);
    }
    Ok(variables)
}

fn variable(name: &str) -> String {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let digit = name.starts_with(|c: char| c.is_ascii_digit());
    if plain && !digit {
        return name.to_owned();
    }
    let mapped = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    (if digit { "_" } else { "" }).chars().chain(mapped).collect()
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
