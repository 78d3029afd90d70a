//! Finding the secret that a name on the command line means.

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use clap::{Arg, ArgMatches};
use subrosa_secret::{Name, scan};
use subrosa_vault::{Entry, Vault};

/// `NAME`, the argument of a command about one secret.
pub(crate) fn one_name() -> Arg {
    Arg::new("name")
        .value_name("NAME")
        .required(true)
        .help("the secret; with --profile, the profile's own first")
}

/// `NAME...`, that of a command about several; see [`require_all`].
pub(crate) fn names() -> Arg {
    Arg::new("names").value_name("NAME").num_args(1..).required(true).help("the secrets")
}

/// A name as typed.
pub(crate) fn name(text: &str) -> Outcome<Name> {
    Name::parse(text).map_err(|error| {
        let failure = Failure::usage(format!("name {text:?}: {error}"));
        // a reference that was pasted whole
        match scan(text.as_bytes()).references.as_slice() {
            [one] => failure.hint(format!("write the name alone: {}", quoted(one.name.as_str()))),
            _ => failure,
        }
    })
}

/// The names under which a secret is looked for: with a profile its own first, then the name as it stands.
pub(crate) fn candidates(context: &Context, name: &Name) -> Outcome<Vec<Name>> {
    let mut names = Vec::new();
    if let Some(profile) = context.profile()? {
        // a name that gets too long with the profile in front cannot be there
        names.extend(name.in_profile(&profile));
    }
    names.push(name.clone());
    Ok(names)
}

/// The secret of that name, in the profile first.
pub(crate) fn find(context: &Context, vault: &Vault, name: &Name) -> Outcome<Option<Entry>> {
    let names = candidates(context, name)?;
    Ok(vault.find_many(&names)?.into_iter().flatten().next())
}

/// The secret of that name, or an error that names the ones most like it.
pub(crate) fn require(context: &Context, vault: &Vault, name: &Name) -> Outcome<Entry> {
    match find(context, vault, name)? {
        Some(entry) => Ok(entry),
        None => Err(missing(vault, name)),
    }
}

/// The names of the secrets that the arguments `NAME...` mean, each of which must be there.
pub(crate) fn require_all(context: &Context, vault: &Vault, arguments: &ArgMatches) -> Outcome<Vec<Name>> {
    let mut names = Vec::new();
    for text in arguments.get_many::<String>("names").unwrap_or_default() {
        let found = require(context, vault, &name(text)?)?.metadata.name;
        if !names.contains(&found) {
            names.push(found);
        }
    }
    Ok(names)
}

fn missing(vault: &Vault, name: &Name) -> Failure {
    let failure = Failure::general(format!("no secret named {name}"));
    let entries = vault.list().unwrap_or_default();
    let alike = entries.iter().map(|entry| entry.metadata.name.as_str());
    let alike = alike.filter(|other| is_alike(other, name.as_str())).take(3);
    let alike: Vec<&str> = alike.collect();
    if alike.is_empty() {
        return failure.hint(format!("subrosa set {}", quoted(name.as_str()))).hint("subrosa list");
    }
    failure.hint(format!("did you mean {}?", alike.join(" or ")))
}

/// The same but for the profile, for case and punctuation, or one within the other.
fn is_alike(one: &str, other: &str) -> bool {
    if one.rsplit('/').next() == other.rsplit('/').next() {
        return true;
    }
    let letters = |text: &str| {
        text.chars()
            .filter(|letter| letter.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect::<String>()
    };
    let (one, other) = (letters(one), letters(other));
    other.len() >= 3 && (one.contains(&other) || (one.len() >= 3 && other.contains(&one)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_no_name_but_holds_one() {
        let said = name("<<vault:stripe-key>>").unwrap_err().to_string();
        assert!(said.ends_with("hint: write the name alone: stripe-key\n"), "{said}");
        assert!(!name("a b/").unwrap_err().to_string().contains("hint:"));
    }

    #[test]
    fn names_that_are_alike() {
        for (one, other) in [
            ("stripe-key", "stripe_key"),
            ("prod/stripe-key", "stripe-key"),
            ("Stripe", "stripekey"),
            ("dev/a", "a"),
        ] {
            assert!(is_alike(one, other), "{one} {other}");
        }
        for (one, other) in [("stripe-key", "github"), ("a", "ab"), ("x", "y")] {
            assert!(!is_alike(one, other), "{one} {other}");
        }
    }
}
