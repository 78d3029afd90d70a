//! The vault: secrets with their versions, asked for with a token.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::entra::Entra;
use super::form::Form;
use super::{Place, json_answer, now, random_hex, vault_error};
use crate::{Answer, Captured};

/// How many secrets stand on a page where nobody asks for fewer.
const PAGE: usize = 25;

/// What keeps the vault from answering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AzureFault {
    /// Too many requests; again after so many seconds.
    Throttled(u32),
    /// The service is not there.
    Unavailable,
    /// The firewall of the vault lets nobody in from here.
    Firewall,
    /// Nobody gave this identity the right to do so.
    Unauthorized,
    /// Another status and body than the documentation knows.
    Other(u16, Vec<u8>),
    /// A redirect to there.
    Redirect(String),
}

#[derive(Default)]
pub(super) struct KeyVault {
    secrets: BTreeMap<String, Vec<Version>>,
    faults: BTreeMap<String, AzureFault>,
}

struct Version {
    id: String,
    value: String,
    content_type: Option<String>,
    enabled: bool,
    created: i64,
}

impl KeyVault {
    pub(super) fn put(&mut self, name: &str, value: &str, content_type: Option<&str>) -> String {
        let (id, value) = (random_hex(16), value.to_owned());
        let content_type = content_type.map(str::to_owned);
        let version = Version { id: id.clone(), value, content_type, enabled: true, created: now() };
        self.secrets.entry(name.to_owned()).or_default().push(version);
        id
    }

    pub(super) fn enable(&mut self, name: &str, enabled: bool) {
        let latest = self.secrets.get_mut(name).and_then(|versions| versions.last_mut());
        latest.expect("a secret of that name").enabled = enabled;
    }

    pub(super) fn value(&self, name: &str) -> Option<String> {
        Some(self.secrets.get(name)?.last()?.value.clone())
    }

    pub(super) fn content_type(&self, name: &str) -> Option<String> {
        self.secrets.get(name)?.last()?.content_type.clone()
    }

    pub(super) fn delete(&mut self, name: &str) {
        self.secrets.remove(name).expect("a secret of that name");
    }

    pub(super) fn fail(&mut self, name: &str, fault: Option<AzureFault>) {
        match fault {
            Some(fault) => drop(self.faults.insert(name.to_owned(), fault)),
            None => drop(self.faults.remove(name)),
        }
    }

    pub(super) fn answer(&mut self, request: &Captured, place: &Place, entra: &Entra) -> Answer {
        // who asks comes first: nobody learns whether there is such a secret before
        let token = request.header("authorization").first().map(|value| String::from_utf8_lossy(value));
        let token = token.as_ref().and_then(|text| text.strip_prefix("Bearer "));
        if !token.is_some_and(|token| entra.knows(token, &place.resource)) {
            return challenge(place, token.is_some());
        }
        let query = Form::of_query(&request.target);
        if query.text("api-version").is_empty() {
            let text = "The request URI does not specify the version";
            return vault_error(400, "BadParameter", text, None);
        }
        let path = request.target.split('?').next().unwrap_or_default();
        let mut parts = path.trim_matches('/').split('/').skip(1);
        // names have no case, and are shown as they were written
        let named = parts.next().unwrap_or_default();
        let written = self.secrets.keys().find(|key| key.eq_ignore_ascii_case(named)).cloned();
        let name = written.as_deref().unwrap_or(named);
        let version = parts.next().unwrap_or_default();
        if let Some(fault) = self.faults.get(name).or_else(|| self.faults.get("")) {
            return refusal(fault);
        }
        match (request.method.as_str(), name, version) {
            ("GET", "", _) => self.list(place, &query),
            ("GET", _, _) => self.get(place, name, version),
            ("PUT", _, "") if !name.is_empty() => self.set(place, name, &request.body),
            _ => vault_error(405, "MethodNotAllowed", "The method is not allowed", None),
        }
    }

    fn get(&self, place: &Place, name: &str, version: &str) -> Answer {
        let versions = self.secrets.get(name).map_or(&[][..], Vec::as_slice);
        let found = match version {
            "" => versions.last(),
            id => versions.iter().find(|version| version.id == id),
        };
        match found {
            None => {
                let text = format!(
                    "A secret with (name/id) {name}/{version} was not found in this key vault. If you recently deleted \
                     this secret you may be able to recover it using the correct recovery command."
                );
                vault_error(404, "SecretNotFound", &text, None)
            }
            Some(version) if !version.enabled => {
                let text = "Operation get is not allowed on a disabled secret.";
                vault_error(403, "Forbidden", text, Some("SecretDisabled"))
            }
            Some(version) => json_answer(200, &version.bundle(place, name)),
        }
    }

    fn set(&mut self, place: &Place, name: &str, body: &[u8]) -> Answer {
        let sent: Value = serde_json::from_slice(body).unwrap_or_default();
        let fits = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        match sent["value"].as_str() {
            Some(value) if fits(name) && value.len() <= 25 * 1024 => {
                self.put(name, value, sent["contentType"].as_str());
                self.get(place, name, "")
            }
            _ => vault_error(400, "BadParameter", "The request has a bad parameter", None),
        }
    }

    /// Properties without values, a page at a time.
    fn list(&self, place: &Place, query: &Form) -> Answer {
        let page = query.text("maxresults").parse().unwrap_or(PAGE);
        let from: usize = query.text("$skiptoken").parse().unwrap_or(0);
        let names = self.secrets.iter().skip(from).take(page);
        let value: Vec<Value> = names
            .filter_map(|(name, versions)| {
                let mut item = versions.last()?.bundle(place, name);
                item["id"] = json!(format!("https://{}/secrets/{name}", place.host));
                item.as_object_mut()?.remove("value");
                Some(item)
            })
            .collect();
        let next = (from + page < self.secrets.len()).then(|| {
            let host = &place.host;
            format!("https://{host}/secrets?api-version=7.4&$skiptoken={}&maxresults={page}", from + page)
        });
        json_answer(200, &json!({ "value": value, "nextLink": next }))
    }
}

impl Version {
    fn bundle(&self, place: &Place, name: &str) -> Value {
        let mut bundle = json!({
            "value": self.value,
            "id": format!("https://{}/secrets/{name}/{}", place.host, self.id),
            "attributes": {
                "enabled": self.enabled, "created": self.created, "updated": self.created,
                "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90,
            },
            "tags": {},
        });
        if let Some(content_type) = &self.content_type {
            bundle["contentType"] = json!(content_type);
        }
        bundle
    }
}

/// Says which authority makes tokens for this vault.
fn challenge(place: &Place, was_shown_one: bool) -> Answer {
    let (authority, resource) = (&place.authority, &place.resource);
    let tenant = super::Azure::TENANT;
    let mut header = format!("Bearer authorization=\"{authority}/{tenant}\", resource=\"{resource}\"");
    if was_shown_one {
        header.push_str(", error=\"invalid_token\", error_description=\"Error validating token\"");
    }
    vault_error(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.", None)
        .with("WWW-Authenticate", &header)
}

fn refusal(fault: &AzureFault) -> Answer {
    match fault {
        AzureFault::Throttled(seconds) => {
            let text = "Request was not processed because too many requests were received.";
            vault_error(429, "Throttled", text, None).with("Retry-After", &seconds.to_string())
        }
        AzureFault::Unavailable => {
            vault_error(503, "ServiceUnavailable", "The service is temporarily unavailable.", None)
        }
        AzureFault::Firewall => {
            let text = "Client address is not authorized and caller is not a trusted service.";
            vault_error(403, "Forbidden", text, Some("ForbiddenByFirewall"))
        }
        AzureFault::Unauthorized => {
            let text = "Caller is not authorized to perform action on resource.";
            vault_error(403, "Forbidden", text, Some("ForbiddenByRbac"))
        }
        AzureFault::Other(status, body) => Answer::status(*status).with_body(body.clone()),
        AzureFault::Redirect(to) => Answer::redirect(307, to),
    }
}
