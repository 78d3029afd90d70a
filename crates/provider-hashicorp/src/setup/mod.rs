//! The server's side of a login by `oidc`: who may log in, what the browser's login is exchanged for, and what that may read.
//!
//! The server is its own OIDC provider here. People log in to it in the browser by whatever method it knows them by; the identity
//! token that comes of it logs in at a JWT method, with a role whose policy is for subrosa alone.

mod names;
mod object;
mod plan;
mod policy;
mod work;

use subrosa_provider::{Plan, ProviderError, Setting, Settings, Setup};

/// How a server is prepared.
pub(crate) struct Server;

const SETTINGS: &[Setting] = &[
    Setting::place(
        "mounts",
        "LIST",
        "what may be read: secret,kv1:plain,path:database/creds/app; a name alone is a KV 2 engine",
    ),
    Setting::place("people", "LIST", "entities that may log in, by their names"),
    Setting::place("groups", "LIST", "groups whose members may log in, by their names"),
    Setting::place("everybody", "", "whoever the server knows may log in"),
    Setting::place("name", "NAME", "what all that is made is called [default: subrosa]"),
    Setting::place(
        "claim",
        "NAME",
        "adds a scope in which this claim is the entity's name; the role knows people by it",
    ),
    Setting::place(
        "entity-alias",
        "",
        "people stay the same entity: each of --people gets an alias at the JWT method",
    ),
    Setting::place(
        "program",
        "NAME",
        "how the printed commands call the client: bao or vault [default: bao]",
    ),
];

impl Setup for Server {
    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn plan(&self, settings: &Settings) -> Result<Box<dyn Plan>, ProviderError> {
        Ok(Box::new(plan::ServerPlan::new(settings)?))
    }
}
