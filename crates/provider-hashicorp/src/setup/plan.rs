//! From settings to the objects to make.

use subrosa_provider::{Plan, ProviderError, Settings, Step, Work};
use subrosa_secret::{Origin, SecretValue};

use super::names::{Names, bad};
use super::object::{Field, Kind, Object, Part, quoted};
use super::policy::{self, Mount};
use super::work::Hands;
use crate::auth::oidc::{MOUNT, PORTS};

/// How long an identity token is good for: it is exchanged at once, in seconds.
const IDENTITY: i64 = 300;
/// How long a session lasts unless it is renewed, and when it ends for good: a day's work.
const SESSION: i64 = 3600;
const DAY: i64 = 43_200;

/// What has to be done on a server.
pub(super) struct ServerPlan {
    pub(super) settings: Settings,
    pub(super) objects: Vec<Object>,
    pub(super) names: Names,
}

impl ServerPlan {
    pub(super) fn new(settings: &Settings) -> Result<Self, ProviderError> {
        let names = Names::of(settings)?;
        let mounts = Mount::list(settings.text("mounts").unwrap_or_default())?;
        if mounts.is_empty() {
            return Err(bad("what may be read is not said: --mounts secret"));
        }
        let mut objects = vec![allowed(&names, &mounts)];
        objects.extend(provider(&names, settings)?);
        objects.extend(method(&names, settings));
        if settings.is_on("entity-alias") {
            objects.extend(names.people.iter().map(|person| alias(&names, person)));
        }
        Ok(Self { settings: settings.clone(), objects, names })
    }
}

fn plain(about: impl Into<String>, path: String, fields: Vec<Field>) -> Object {
    Object { about: about.into(), kind: Kind::Plain, path, fields }
}

fn allowed(names: &Names, mounts: &[Mount]) -> Object {
    Object {
        about: "what subrosa may read".to_owned(),
        kind: Kind::Policy,
        path: format!("sys/policies/acl/{}", names.common),
        fields: vec![Field::text("policy", policy::of_mounts(mounts))],
    }
}

/// The server as an OIDC provider, with one client.
fn provider(names: &Names, settings: &Settings) -> Result<Vec<Object>, ProviderError> {
    let common = &names.common;
    let path = |kind: &str| format!("identity/oidc/{kind}/{common}");
    let ids = |kind: &'static str, list: &[String]| {
        let part = |one: &String| Part::Of { path: format!("identity/{kind}/name/{one}"), field: "id" };
        list.iter().map(part).collect::<Vec<_>>()
    };
    let mut objects =
        vec![plain("a key that signs who logged in", path("key"), vec![Field::text("algorithm", "RS256")])];
    let everybody = settings.is_on("everybody");
    if !everybody {
        let mut fields = Vec::new();
        for (name, kind, list) in
            [("entity_ids", "entity", &names.people), ("group_ids", "group", &names.groups)]
        {
            if !list.is_empty() {
                fields.push(Field::many(name, ids(kind, list)));
            }
        }
        objects.push(plain("who may log in", path("assignment"), fields));
    }
    let redirects = PORTS.iter().map(|port| Part::Text(format!("http://127.0.0.1:{port}/"))).collect();
    // the server's own word for everybody
    let assignment = if everybody { "allow_all" } else { common };
    objects.push(plain(
        "subrosa as a client without a secret",
        path("client"),
        vec![
            Field::text("client_type", "public"),
            Field::text("key", common),
            Field::many("assignments", vec![Part::Text(assignment.to_owned())]),
            Field::many("redirect_uris", redirects),
            Field::time("id_token_ttl", IDENTITY),
            Field::time("access_token_ttl", IDENTITY),
        ],
    ));
    let allowed_client = || Field::many("allowed_client_ids", vec![names.client_id()]);
    objects.push(Object {
        kind: Kind::Addition,
        ..plain("the key is for that client", path("key"), vec![allowed_client()])
    });
    if let Some(claim) = &names.claim {
        let template = format!("{{\"{claim}\": {{{{identity.entity.name}}}}}}");
        objects.push(plain(
            "a scope that tells the entity's name",
            path("scope"),
            vec![Field::text("template", template)],
        ));
    }
    let address = settings.text("address").unwrap_or_default();
    let origin = Origin::of_url(address).map_err(|_| bad("the address is none"))?.to_string();
    let issuer = Field { reads: Some(issuer(names, settings)), ..Field::text("issuer", origin) };
    let mut fields = vec![issuer, allowed_client()];
    if names.claim.is_some() {
        fields.push(Field::many("scopes_supported", vec![Part::Text(common.clone())]));
    }
    objects.push(plain(
        "the provider that people log in at",
        format!("identity/oidc/provider/{}", names.provider),
        fields,
    ));
    Ok(objects)
}

/// What the provider calls itself, which is where it is.
fn issuer(names: &Names, settings: &Settings) -> String {
    crate::oidc_provider(settings, &names.provider)
}

/// The JWT method that takes what the provider signed.
fn method(names: &Names, settings: &Settings) -> Vec<Object> {
    let mount = &names.mount;
    let issuer = issuer(names, settings);
    let mut config = vec![Field::text("oidc_discovery_url", &issuer), Field::text("bound_issuer", &issuer)];
    if let Some(ca) = settings.text("ca") {
        config.push(Field::text("oidc_discovery_ca_pem", ca));
    }
    let role = vec![
        Field::text("role_type", "jwt"),
        Field::text("user_claim", names.claim.as_deref().unwrap_or("sub")),
        Field::many("bound_audiences", vec![names.client_id()]),
        Field::many("token_policies", vec![Part::Text(names.common.clone())]),
        Field::time("token_ttl", SESSION),
        Field::time("token_max_ttl", DAY),
    ];
    let enabled = Object {
        about: "a way to log in with a JWT".to_owned(),
        kind: Kind::Mount,
        path: format!("sys/auth/{mount}"),
        fields: vec![Field::text("type", "jwt")],
    };
    vec![
        enabled,
        plain("whose JWTs it takes", format!("auth/{mount}/config"), config),
        plain("the role that the client gets", format!("auth/{mount}/role/{}", names.role), role),
    ]
}

fn alias(names: &Names, person: &str) -> Object {
    let entity = format!("identity/entity/name/{person}");
    let id = Part::Of { path: entity.clone(), field: "id" };
    let called = if names.claim.is_some() { Part::Text(person.to_owned()) } else { id.clone() };
    let accessor = Part::Of { path: format!("sys/auth/{}", names.mount), field: "accessor" };
    Object {
        about: format!("{person} stays the same entity"),
        kind: Kind::Alias,
        path: entity,
        fields: vec![
            Field::one("name", called),
            Field::one("canonical_id", id),
            Field::one("mount_accessor", accessor),
        ],
    }
}

impl Plan for ServerPlan {
    fn before(&self) -> Vec<String> {
        let prefix = self.names.program.to_ascii_uppercase();
        let address = self.settings.text("address").unwrap_or_default();
        let mut lines = vec![format!("export {prefix}_ADDR={}", quoted(address))];
        if self.settings.text("ca").is_some() {
            lines.push(format!("export {prefix}_CACERT=FILE"));
        }
        lines.push(format!("{} login", self.names.program));
        lines
    }

    fn steps(&self) -> Vec<Step> {
        let client = self.names.client();
        let step = |object: &Object| Step { about: object.about.clone(), command: client.command(object) };
        self.objects.iter().map(step).collect()
    }

    fn after(&self, connection: &str, learned: &Settings) -> String {
        let mut command = format!("subrosa connect hashicorp {} --auth oidc", quoted(connection));
        let mut flag = |name: &str, word: String| command.push_str(&format!(" \\\n  --{name} {word}"));
        for name in ["address", "namespace"] {
            if let Some(text) = self.settings.text(name) {
                flag(name, quoted(text));
            }
        }
        if self.settings.text("ca").is_some() {
            flag("ca", "FILE".to_owned());
        }
        flag("oidc-provider", quoted(&self.names.provider));
        let id = learned.text("client-id").map(quoted);
        flag("client-id", id.unwrap_or_else(|| self.names.client().part(&self.names.client_id())));
        flag("role", quoted(&self.names.role));
        if self.names.mount != MOUNT {
            flag("auth-path", quoted(&self.names.mount));
        }
        if self.names.claim.is_some() {
            flag("scope", quoted(&self.names.common));
        }
        if self.settings.is_on("insecure-http") {
            command.push_str(" \\\n  --insecure-http");
        }
        command
    }

    fn permissions(&self) -> Option<String> {
        const WRITES: &str = r#""create", "read", "update""#;
        let mut rules: Vec<(String, &str)> = Vec::new();
        for object in &self.objects {
            let (path, may) = match object.kind {
                // a mount is made by whom the system trusts most
                Kind::Mount => (object.path.clone(), r#""create", "read", "update", "sudo""#),
                Kind::Alias => ("identity/entity-alias".to_owned(), r#""create", "update""#),
                _ => (object.path.clone(), WRITES),
            };
            if !rules.iter().any(|(known, _)| *known == path) {
                rules.push((path, may));
            }
        }
        for (kind, list) in [("entity", &self.names.people), ("group", &self.names.groups)] {
            rules.extend(list.iter().map(|one| (format!("identity/{kind}/name/{one}"), r#""read""#)));
        }
        Some(policy::written(rules.iter().map(|(path, may)| (path.as_str(), *may))))
    }

    fn credential(&self) -> Option<&'static str> {
        Some("token to set it up with")
    }

    fn begin(&self, credential: SecretValue) -> Result<Box<dyn Work + '_>, ProviderError> {
        Ok(Box::new(Hands::new(self, credential)?))
    }
}
