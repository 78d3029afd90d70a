//! The vault scope in the shape in which Postman's runtime takes it.

use serde::Deserialize;
use serde_json::value::RawValue;
use subrosa_secret::{HostRule, Name, PostmanRule, import_postman_rule};

use super::Take;
use super::found::Found;
use super::variable::Variable;
use crate::text::text;
use crate::{Contents, InterchangeError, Place, json};

/// The prefix that a name carries there.
const PREFIX: &str = "vault:";

#[derive(Deserialize)]
struct Vault<'a> {
    #[serde(borrow)]
    values: &'a RawValue,
}

/// Reads secrets in the shape of the vault scope: `{"id": "vault", "values": [{"key": "vault:name", "value": "…",
/// "_domains": ["https://*.example.com"]}]}`.
///
/// It is what postman-runtime takes from its caller. How Postman writes a vault that is exported is not published, and
/// this does not claim to read it.
///
/// Allowed domains become proposed hosts; each difference of the two notations is a notice, and so is a domain that is
/// refused.
///
/// # Errors
/// [`InterchangeError`]: no text, no JSON, another form, or a name that none can be made of.
pub fn read_vault(bytes: &[u8]) -> Result<Contents, InterchangeError> {
    let text = text(bytes)?;
    let vault: Vault<'_> = json::document(text)?;
    let mut found = Found::default();
    json::each(text, vault.values, |at, variable: Variable<'_>| {
        let place = Place::Path(format!("values[{at}]"));
        let key = variable.key();
        let key = key.strip_prefix(PREFIX).unwrap_or(&key);
        found.variable(&variable, key, Take::All, place.clone(), |found, name| {
            let domains = domains(&variable, &place)?;
            Ok(proposed(found, name, &domains, &place))
        })
    })?;
    Ok(found.done())
}

fn domains(variable: &Variable<'_>, place: &Place) -> Result<Vec<String>, InterchangeError> {
    let Some(raw): Option<&RawValue> = variable.domains.filter(|raw| raw.get() != "null") else {
        return Ok(Vec::new());
    };
    serde_json::from_str(raw.get()).map_err(|_| InterchangeError::Malformed {
        place: place.clone(),
        what: "`_domains` is no list of texts".to_owned(),
    })
}

fn proposed(found: &mut Found, name: &Name, domains: &[String], place: &Place) -> Vec<HostRule> {
    let mut proposed = Vec::new();
    for domain in domains {
        match import_postman_rule(domain) {
            PostmanRule::Rules(rules, notices) => {
                proposed.extend(rules);
                notices.iter().for_each(|notice| found.notice(place, format!("{name}: {notice}")));
            }
            PostmanRule::Undecided(notice) => found.notice(place, format!("{name}: {notice}")),
            PostmanRule::Refused(error) => {
                found.notice(place, format!("{name}: an allowed domain is left out: {error}"));
            }
        }
    }
    proposed
}
