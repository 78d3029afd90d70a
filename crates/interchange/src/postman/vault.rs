//! The vault scope in the shape in which Postman's runtime takes it.

use serde::Deserialize;
use serde_json::value::RawValue;
use subrosa_secret::{PostmanRule, import_postman_rule};

use super::Take;
use super::variable::{Found, Variable};
use crate::text::text;
use crate::{Contents, InterchangeError, Place, json};

/// The prefix that a name carries there.
const PREFIX: &str = "vault:";

#[derive(Deserialize)]
struct Vault<'a> {
    #[serde(borrow)]
    values: Vec<Variable<'a>>,
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
    let vault: Vault<'_> = json::document_of_objects(text(bytes)?)?;
    let mut found = Found::default();
    for (at, variable) in vault.values.iter().enumerate() {
        let place = Place::Path(format!("values[{at}]"));
        let key = variable.key();
        let key = key.strip_prefix(PREFIX).unwrap_or(&key);
        if let Some(name) = found.variable(variable, key, Take::All, place.clone())? {
            let domains = domains(variable, &place)?;
            // of several of one name only the one that counts says where it may go
            if found.item(&name).is_some_and(|item| item.place == place) {
                propose(&mut found, &name, &domains, &place);
            }
        }
    }
    found.done()
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

fn propose(found: &mut Found, name: &subrosa_secret::Name, domains: &[String], place: &Place) {
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
    if let Some(item) = found.item(name) {
        item.proposed = proposed;
    }
}
