//! The authority: who may have a token, and for what.

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::assertion::Assertions;
use super::certificate::AzureCertificate;
use super::form::Form;
use super::{Azure, Place, json_answer, now, random_hex};
use crate::{Answer, Captured};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) struct Entra {
    /// how long tokens last, in seconds
    pub(super) life: i64,
    /// what the person says to devices; nothing yet
    pub(super) approves: Option<bool>,
    pub(super) made: usize,
    pub(super) secret: String,
    /// what access and refresh tokens hold
    pub(super) marks: [String; 2],
    assertions: Assertions,
    tokens: BTreeMap<String, Grant>,
    /// refresh tokens and the scope that they stand for
    refresh: BTreeMap<String, String>,
    codes: BTreeMap<String, Code>,
    devices: BTreeMap<String, String>,
}

/// What an access token is good for.
struct Grant {
    resource: String,
    expires: i64,
}

/// What a person said yes to in a browser.
struct Code {
    challenge: String,
    redirect: String,
    scope: String,
    nonce: String,
}

/// An error of the authority: status, its word, its number, its text.
struct Refusal(u16, &'static str, u32, &'static str);

impl Default for Entra {
    fn default() -> Self {
        Self {
            life: 3599,
            approves: None,
            made: 0,
            secret: Azure::SECRET.to_owned(),
            marks: Default::default(),
            assertions: Assertions::default(),
            tokens: BTreeMap::new(),
            refresh: BTreeMap::new(),
            codes: BTreeMap::new(),
            devices: BTreeMap::new(),
        }
    }
}

impl Entra {
    pub(super) fn register(&mut self, certificate: &AzureCertificate) {
        self.assertions.register(certificate);
    }

    pub(super) fn revoke(&mut self, refresh: bool) {
        self.tokens.clear();
        if refresh {
            self.refresh.clear();
        }
    }

    /// Whether a token is good for a resource.
    pub(super) fn knows(&self, token: &str, resource: &str) -> bool {
        self.tokens.get(token).is_some_and(|grant| grant.resource == resource && grant.expires > now())
    }

    pub(super) fn answer(&mut self, request: &Captured, place: &Place) -> Answer {
        let path = request.target.split('?').next().unwrap_or_default();
        let form = Form::parse(&String::from_utf8_lossy(&request.body));
        let query = Form::of_query(&request.target);
        let within = format!("/{}", Azure::TENANT);
        match (request.method.as_str(), path.strip_prefix(&within).unwrap_or(path)) {
            ("GET", "/v2.0/.well-known/openid-configuration") => json_answer(200, &configuration(place)),
            ("GET", "/common/discovery/instance") => json_answer(200, &instances(place)),
            ("GET", "/oauth2/v2.0/authorize") => page(),
            ("POST", "/oauth2/v2.0/authorize") => self.consent(&query),
            ("POST", "/oauth2/v2.0/devicecode") => self.device(&form, place),
            ("POST", "/oauth2/v2.0/token") => self.token(&form, place).unwrap_or_else(|error| error.answer()),
            _ => Refusal(404, "invalid_request", 90_002, "There is no such tenant or endpoint.").answer(),
        }
    }

    /// The endpoint of a machine of App Service, which asks without TLS.
    pub(super) fn of_machine(&mut self, request: &Captured) -> Answer {
        let query = Form::of_query(&request.target);
        let shown = request.header("x-identity-header");
        if shown != [Azure::IDENTITY_HEADER.as_bytes()] || query.text("api-version") != "2019-08-01" {
            return json_answer(401, &json!({ "statusCode": 401, "message": "The header is not valid." }));
        }
        if !["", Azure::CLIENT].contains(&query.text("client_id")) {
            return json_answer(
                400,
                &json!({ "statusCode": 400, "message": "No managed identity was found." }),
            );
        }
        let resource = query.text("resource");
        let token = self.access_token(resource);
        let expires = (now() + self.life).to_string();
        json_answer(
            200,
            &json!({ "access_token": token, "expires_on": expires, "resource": resource, "token_type": "Bearer" }),
        )
    }

    fn token(&mut self, form: &Form, place: &Place) -> Result<Answer, Refusal> {
        if form.text("client_id") != Azure::CLIENT {
            let text = "Application with that identifier was not found in the directory.";
            return Err(Refusal(400, "unauthorized_client", 700_016, text));
        }
        let scope = form.text("scope");
        match form.text("grant_type") {
            "client_credentials" => {
                self.authenticate(form, place)?;
                self.granted(place, scope, None)
            }
            "authorization_code" => {
                let code = self.codes.remove(form.text("code"));
                let code =
                    code.ok_or(Refusal(400, "invalid_grant", 70_008, "The code is over or unknown."))?;
                let verifier = Sha256::digest(form.text("code_verifier"));
                if BASE64URL_NOPAD.encode(&verifier) != code.challenge {
                    let text = "The Code_Verifier does not match the code_challenge.";
                    return Err(Refusal(400, "invalid_grant", 501_481, text));
                }
                if form.text("redirect_uri") != code.redirect {
                    return Err(Refusal(400, "invalid_grant", 50_011, "The redirect URI is another one."));
                }
                self.granted(place, &code.scope, Some(&code.nonce))
            }
            "refresh_token" => {
                let known = self.refresh.remove(form.text("refresh_token"));
                let over = Refusal(400, "invalid_grant", 700_082, "The refresh token has expired.");
                known.ok_or(over)?;
                self.granted(place, scope, Some(""))
            }
            DEVICE => self.of_device(form.text("device_code"), place),
            _ => Err(Refusal(400, "unsupported_grant_type", 70_003, "The grant type is not supported.")),
        }
    }

    fn authenticate(&mut self, form: &Form, place: &Place) -> Result<(), Refusal> {
        let assertion = form.text("client_assertion");
        if assertion.is_empty() {
            let refused = Refusal(401, "invalid_client", 7_000_215, "Invalid client secret provided.");
            return if form.text("client_secret") == self.secret { Ok(()) } else { Err(refused) };
        }
        if form.text("client_assertion_type") != ASSERTION_TYPE {
            return Err(Refusal(400, "invalid_request", 900_144, "The assertion's type is missing."));
        }
        if assertion == Azure::FEDERATED {
            return Ok(());
        }
        let verified = self.assertions.verify(assertion, &place.token_endpoint());
        verified.map_err(|(number, text)| Refusal(401, "invalid_client", number, text))
    }

    fn of_device(&mut self, code: &str, place: &Place) -> Result<Answer, Refusal> {
        let scope = self.devices.get(code).cloned();
        let scope = scope.ok_or(Refusal(400, "expired_token", 70_020, "The code is over or unknown."))?;
        match self.approves {
            None => Err(Refusal(400, "authorization_pending", 70_016, "The person has not answered yet.")),
            Some(false) => Err(Refusal(400, "authorization_declined", 70_000, "The person said no.")),
            Some(true) => {
                self.devices.remove(code);
                self.granted(place, &scope, Some(""))
            }
        }
    }

    fn device(&mut self, form: &Form, place: &Place) -> Answer {
        if form.text("client_id") != Azure::CLIENT {
            let text = "Application with that identifier was not found in the directory.";
            return Refusal(400, "unauthorized_client", 700_016, text).answer();
        }
        let (code, authority) = (random_hex(24), &place.authority);
        self.devices.insert(code.clone(), form.text("scope").to_owned());
        json_answer(
            200,
            &json!({
                "device_code": code, "user_code": "EXAMPLE12", "verification_uri": format!("{authority}/device"),
                "expires_in": 900, "interval": 1, "message": "Open the page and enter the code EXAMPLE12.",
            }),
        )
    }

    /// The person said yes.
    fn consent(&mut self, query: &Form) -> Answer {
        let redirect = query.text("redirect_uri");
        let loopback = ["http://localhost", "http://127.0.0.1"].iter().any(|begin| {
            redirect.strip_prefix(begin).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        });
        let pkce = query.text("code_challenge_method") == "S256" && !query.text("code_challenge").is_empty();
        if !loopback
            || !pkce
            || query.text("response_type") != "code"
            || query.text("client_id") != Azure::CLIENT
        {
            return Answer::status(400)
                .with_body("AADSTS900144: the request is not one that this stand-in takes");
        }
        let (code, challenge) = (random_hex(24), query.text("code_challenge").to_owned());
        let (redirect, scope) = (redirect.to_owned(), query.text("scope").to_owned());
        let joint = if redirect.contains('?') { '&' } else { '?' };
        let to = format!("{redirect}{joint}code={code}&state={}", query.text("state"));
        let nonce = query.text("nonce").to_owned();
        self.codes.insert(code, Code { challenge, redirect, scope, nonce });
        Answer::redirect(302, &to)
    }

    /// The answer with a token; for a person, who gave a nonce or an empty one, with all else that was asked for.
    fn granted(&mut self, place: &Place, scope: &str, person: Option<&str>) -> Result<Answer, Refusal> {
        let scopes: Vec<&str> = scope.split(' ').collect();
        let of_vault = |scope: &&&str| scope.starts_with("https://");
        let wanted = scopes.iter().find(of_vault).and_then(|scope| scope.rsplit_once('/'));
        let resource = match wanted {
            Some((resource, ".default")) => resource,
            Some((resource, "user_impersonation")) if person.is_some() => resource,
            _ => return Err(Refusal(400, "invalid_scope", 70_011, "The scope is not valid.")),
        };
        let mut answer = json!({
            "token_type": "Bearer", "expires_in": self.life, "ext_expires_in": self.life,
            "access_token": self.access_token(resource),
        });
        if person.is_some() && scopes.contains(&"offline_access") {
            let token = format!("{}{}", random_hex(32), self.marks[1]);
            self.refresh.insert(token.clone(), scope.to_owned());
            answer["refresh_token"] = json!(token);
        }
        if let Some(nonce) = person.filter(|_| scopes.contains(&"openid")) {
            answer["id_token"] = json!(id_token(place, nonce, self.life));
        }
        Ok(json_answer(200, &answer))
    }

    /// A token as clients see it: they are not to look into it, and some do.
    pub(super) fn access_token(&mut self, resource: &str) -> String {
        self.made += 1;
        let expires = now() + self.life;
        let claims = json!({
            "aud": resource, "exp": expires, "tid": Azure::TENANT, "appid": Azure::CLIENT, "jti": random_hex(16),
        });
        let token = format!("{}{}", unsigned(&claims), self.marks[0]);
        self.tokens.insert(token.clone(), Grant { resource: resource.to_owned(), expires });
        token
    }
}

impl Refusal {
    fn answer(self) -> Answer {
        let Self(status, error, number, text) = self;
        let description = format!("AADSTS{number}: {text} Trace ID: 0 Correlation ID: 0");
        let body = json!({
            "error": error, "error_description": description, "error_codes": [number],
            "timestamp": "2026-01-01 00:00:00Z", "trace_id": "0", "correlation_id": "0",
        });
        json_answer(status, &body)
    }
}

/// A JWT whose signature nobody here looks at.
fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    format!("{}.{}.{}", part(&json!({ "alg": "none" })), part(claims), random_hex(16))
}

/// Who the person is.
fn id_token(place: &Place, nonce: &str, life: i64) -> String {
    unsigned(&json!({
        "iss": format!("{}/{}/v2.0", place.authority, Azure::TENANT), "aud": Azure::CLIENT, "iat": now(),
        "exp": now() + life, "tid": Azure::TENANT, "oid": "ada", "sub": "ada", "nonce": nonce,
        "preferred_username": "ada@example.com",
    }))
}

fn configuration(place: &Place) -> Value {
    let (authority, tenant) = (&place.authority, Azure::TENANT);
    json!({
        "issuer": format!("{authority}/{tenant}/v2.0"),
        "authorization_endpoint": format!("{authority}/{tenant}/oauth2/v2.0/authorize"),
        "token_endpoint": place.token_endpoint(),
        "device_authorization_endpoint": format!("{authority}/{tenant}/oauth2/v2.0/devicecode"),
        "jwks_uri": format!("{authority}/{tenant}/discovery/v2.0/keys"),
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
    })
}

fn instances(place: &Place) -> Value {
    let endpoint = format!("{}/{}/v2.0/.well-known/openid-configuration", place.authority, Azure::TENANT);
    json!({ "tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": [] })
}

/// Where a person says yes: the form sends the query again.
fn page() -> Answer {
    const HTML: &str = "<!doctype html><title>Sign in</title><form method=\"post\"><button id=\"accept\">Accept</button></form>";
    Answer::ok(HTML).with("Content-Type", "text/html; charset=utf-8")
}
