//! A Connect server: the reading and editing half of API 1.7.1, over TLS.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::BASE64;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::Vaults;
use crate::{Answer, CaptureOptions, CaptureServer, Captured};

/// A server of some [`Vaults`]. It ends with the value.
pub struct ConnectServer {
    server: CaptureServer,
    state: Arc<Mutex<State>>,
}

struct State {
    vaults: Value,
    token: String,
    /// Answers everything, where there is one.
    instead: Option<Answer>,
}

impl ConnectServer {
    /// The token that it accepts, of the form of a JWT, and signed by nobody. It says that it ends in 2100.
    pub const TOKEN: &str = "e30.eyJleHAiOjQxMDI0NDQ4MDB9.not-a-signature";
    /// When that is, in seconds since 1970.
    pub const TOKEN_END: i64 = 4_102_444_800;

    /// Starts one.
    #[must_use]
    pub fn start(vaults: Vaults) -> Self {
        let state =
            Arc::new(Mutex::new(State { vaults: vaults.0, token: Self::TOKEN.to_owned(), instead: None }));
        let served = Arc::clone(&state);
        let script = move |_: usize, request: &Captured| {
            let mut state = served.lock().unwrap_or_else(PoisonError::into_inner);
            state.instead.clone().unwrap_or_else(|| answer(&mut state, request))
        };
        Self { server: CaptureServer::start(CaptureOptions::tls().answering(script)), state }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> String {
        self.server.url("")
    }

    /// The PEM file of its authority.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.server.ca_path()
    }

    /// The server itself, for what arrived there.
    #[must_use]
    pub fn server(&self) -> &CaptureServer {
        &self.server
    }

    /// Lets it accept no token but this one.
    pub fn accept(&self, token: &str) {
        token.clone_into(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).token);
    }

    /// From now on everything is answered so, or by the vaults again.
    pub fn answer(&self, instead: Option<Answer>) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).instead = instead;
    }
}

fn reply(status: u16, body: &Value) -> Answer {
    Answer::status(status).with("Content-Type", "application/json").with_body(body.to_string())
}

/// A status, and why.
struct Refused(u16, String);

fn refuse(status: u16, message: impl Into<String>) -> Refused {
    Refused(status, message.into())
}

impl From<Refused> for Answer {
    fn from(Refused(status, message): Refused) -> Self {
        reply(status, &json!({ "status": status, "message": message }))
    }
}

fn answer(state: &mut State, request: &Captured) -> Answer {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    // one of the official clients puts a slash behind each path
    let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match path[..] {
        ["heartbeat"] => return Answer::ok("."),
        ["health"] => return reply(200, &json!({ "name": "1Password Connect API", "version": "1.7.1" })),
        _ => {}
    }
    let (token, vaults) = (format!("Bearer {}", state.token), &mut state.vaults);
    if request.header("authorization") != [token.as_bytes()] {
        return refuse(401, "Invalid token signature").into();
    }
    let result = match path[..] {
        ["v1", "vaults"] => Ok(list_of_vaults(vaults, query)),
        ["v1", "vaults", vault, ref rest @ ..] => in_vault(vaults, vault, rest, query, request),
        _ => Err(refuse(404, "not found")),
    };
    result.unwrap_or_else(Answer::from)
}

/// `name eq "…"`, or everything. The contract calls it `title` for items; one of the official clients does so for vaults too.
fn is_wanted(query: &str, title: &Value) -> bool {
    let Some(filter) = query.split('&').find_map(|pair| pair.strip_prefix("filter=")) else { return true };
    let filter = percent_decode_str(&filter.replace('+', " ")).decode_utf8_lossy().into_owned();
    let wanted = filter.strip_prefix("name eq \"").or_else(|| filter.strip_prefix("title eq \""));
    wanted.and_then(|rest| rest.strip_suffix('"')) == title.as_str()
}

fn granted(vaults: &Value) -> impl Iterator<Item = &Value> {
    vaults.as_array().into_iter().flatten().filter(|vault| vault["name"] != "Private")
}

fn without(one: &Value, fields: &[&str]) -> Value {
    let mut one = one.clone();
    for field in fields {
        one.as_object_mut().expect("an object").remove(*field);
    }
    one
}

fn list_of_vaults(vaults: &Value, query: &str) -> Answer {
    let wanted = granted(vaults).filter(|vault| is_wanted(query, &vault["name"]));
    reply(200, &wanted.map(|vault| without(vault, &["content"])).collect())
}

fn in_vault(
    vaults: &mut Value,
    vault: &str,
    rest: &[&str],
    query: &str,
    request: &Captured,
) -> Result<Answer, Refused> {
    let known = |value: &Value| value["id"] == vault;
    if !vaults.as_array().into_iter().flatten().any(known) {
        return Err(refuse(404, format!("vault {vault} not found")));
    }
    if !granted(vaults).any(known) {
        return Err(refuse(403, format!("vault {vault} is not in scope")));
    }
    let found = vaults.as_array_mut().into_iter().flatten().find(|value| known(value)).expect("it is there");
    if let ("POST", ["items"]) = (request.method.as_str(), rest) {
        return create(found, &request.body);
    }
    let [_, item, rest @ ..] = rest else {
        let items = found["content"].as_array().into_iter().flatten();
        let items = items.filter(|item| is_wanted(query, &item["title"]));
        return Ok(match rest {
            [] => reply(200, &without(found, &["content"])),
            _ => reply(200, &items.map(|item| without(item, &["fields", "sections", "files"])).collect()),
        });
    };
    let items = found["content"].as_array_mut().into_iter().flatten();
    let missing = || refuse(404, format!("item {item} not found"));
    let found = items.into_iter().find(|value| value["id"] == *item).ok_or_else(missing)?;
    match (request.method.as_str(), rest) {
        ("GET", []) => Ok(reply(200, &shown(found))),
        ("PATCH", []) => patch(found, &request.body).map(|()| reply(200, &shown(found))),
        ("GET", ["files", rest @ ..]) => files(found, rest),
        _ => Err(refuse(404, "not found")),
    }
}

/// An item as it is answered: what is in its files is asked for by itself.
fn shown(item: &Value) -> Value {
    let mut item = item.clone();
    for file in item["files"].as_array_mut().into_iter().flatten() {
        *file = without(file, &["bytes"]);
    }
    if item["files"].is_null() {
        item = without(&item, &["files"]);
    }
    item
}

fn files(item: &Value, rest: &[&str]) -> Result<Answer, Refused> {
    let shown = shown(item);
    let [id, rest @ ..] = rest else { return Ok(reply(200, &shown["files"])) };
    let of =
        |item: &Value| item["files"].as_array().into_iter().flatten().find(|file| file["id"] == *id).cloned();
    let file = of(item).ok_or_else(|| refuse(404, format!("file {id} not found")))?;
    match rest {
        [] => Ok(reply(200, &of(&shown).unwrap_or_default())),
        ["content"] => {
            let bytes = file["bytes"].as_str().unwrap_or_default().as_bytes();
            let bytes = BASE64.decode(bytes).expect("base64 of this kit's own");
            Ok(Answer::ok(bytes).with("Content-Type", "application/octet-stream"))
        }
        _ => Err(refuse(404, "not found")),
    }
}

fn create(vault: &mut Value, body: &[u8]) -> Result<Answer, Refused> {
    let mut item: Value = serde_json::from_slice(body).map_err(|_| refuse(400, "no JSON"))?;
    if item["vault"]["id"] != vault["id"] || item["category"].as_str().is_none() {
        return Err(refuse(400, "Invalid item category"));
    }
    let items = vault["content"].as_array_mut().ok_or_else(|| refuse(400, "no items"))?;
    item["id"] = json!(Vaults::id(&format!("itemnew{}", items.len())));
    item["version"] = json!(1);
    items.push(item.clone());
    Ok(reply(200, &item))
}

/// RFC 6902 as far as the API has it: `add`, `replace` and `remove` of a field, or of an attribute of one.
fn patch(item: &mut Value, body: &[u8]) -> Result<(), Refused> {
    let bad = |why: &str| refuse(400, why);
    let operations: Vec<Value> = serde_json::from_slice(body).map_err(|_| bad("no JSON patch"))?;
    for one in &operations {
        let path = one["path"].as_str().unwrap_or_default();
        let path: Vec<&str> =
            path.strip_prefix("/fields").ok_or_else(|| bad("no field"))?.split('/').skip(1).collect();
        let fields = item["fields"].as_array_mut().ok_or_else(|| bad("no fields"))?;
        let at =
            |id: &str| fields.iter().position(|field| field["id"] == id).ok_or_else(|| bad("no such field"));
        match (one["op"].as_str(), &path[..]) {
            (Some("add"), []) => {
                let mut field = one["value"].clone();
                if field["id"].is_null() {
                    field["id"] = json!(format!("new{}", fields.len()));
                }
                fields.push(field);
            }
            (Some("remove"), [id]) => drop(fields.remove(at(id)?)),
            (Some("replace"), [id]) => {
                let place = at(id)?;
                fields[place] = one["value"].clone();
                fields[place]["id"] = json!(id);
            }
            (Some("add" | "replace"), [id, attribute]) => {
                let place = at(id)?;
                fields[place][*attribute] = one["value"].clone();
            }
            _ => return Err(bad("an operation that is not supported")),
        }
    }
    item["version"] = json!(item["version"].as_u64().unwrap_or(0) + 1);
    Ok(())
}
