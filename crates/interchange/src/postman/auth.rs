//! Auth blocks: which of their fields are secret, and where these stand in a request.

use serde::Deserialize;
use serde_json::value::RawValue;
use subrosa_secret::Placement;
use zeroize::Zeroizing;

use crate::json;

/// What a collection, a folder or a request says about auth.
pub(super) enum Auth {
    /// Nothing: that of what holds it counts.
    Inherited,
    /// None at all.
    Off,
    Block(Block),
}

/// The secret fields of one auth block.
pub(super) struct Block {
    /// The type, such as `basic`.
    pub(super) kind: String,
    /// Each secret field and its text, in the order of the file.
    pub(super) fields: Vec<(&'static str, Zeroizing<String>)>,
    /// The part of a request that they enter.
    pub(super) placement: Placement,
}

/// The fields that hold secrets, for each type of the schema. Names of users, keys' identifiers and settings are none.
const SECRET: &[(&str, &[&str])] = &[
    ("apikey", &["value"]),
    ("asap", &["privateKey"]),
    ("awsv4", &["secretKey", "sessionToken"]),
    ("basic", &["password"]),
    ("bearer", &["token"]),
    ("digest", &["password"]),
    ("edgegrid", &["accessToken", "clientToken", "clientSecret"]),
    ("hawk", &["authKey"]),
    ("jwt", &["secret", "privateKey"]),
    ("ntlm", &["password"]),
    ("oauth1", &["consumerSecret", "tokenSecret", "privateKey"]),
    ("oauth2", &["accessToken", "refreshToken", "clientSecret", "password"]),
];

/// A field of version 2.1; version 2.0 has an object in place of a list of these.
#[derive(Deserialize)]
struct Field<'a> {
    key: String,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

type Fields<'a> = Vec<(String, Option<&'a RawValue>)>;

/// Reads an auth block; `None` where its form is not known.
pub(super) fn read(raw: Option<&RawValue>) -> Option<Auth> {
    let Some(raw) = raw.filter(|raw| raw.get() != "null") else { return Some(Auth::Inherited) };
    let block = object(raw)?;
    let get = |wanted: &str| block.iter().find(|(key, _)| key == wanted).and_then(|(_, raw)| *raw);
    let kind = get("type").and_then(json::scalar)?;
    if kind.as_str() == "noauth" {
        return Some(Auth::Off);
    }
    let (kind, secret) = SECRET.iter().find(|(known, _)| *known == kind.as_str())?;
    let fields = match get(kind).filter(|raw| raw.get() != "null") {
        Some(raw) => fields(raw)?,
        None => Vec::new(),
    };
    let setting = |wanted: &str| {
        let raw = fields.iter().find(|(key, _)| key == wanted).and_then(|(_, raw)| *raw);
        raw.and_then(json::scalar).map(|text| text.as_str().to_owned())
    };
    let in_query = setting("in").as_deref() == Some("query")
        || setting("addTokenTo").as_deref() == Some("queryParams")
        || setting("addAuthDataToQuery").as_deref() == Some("true");
    let found = secret.iter().filter_map(|name| {
        let raw = fields.iter().find(|(key, _)| key == name).and_then(|(_, raw)| *raw)?;
        json::scalar(raw).filter(|text| !text.is_empty()).map(|text| (*name, text))
    });
    let placement = if in_query { Placement::Query } else { Placement::Header };
    Some(Auth::Block(Block { kind: (*kind).to_owned(), fields: found.collect(), placement }))
}

fn fields(raw: &RawValue) -> Option<Fields<'_>> {
    match serde_json::from_str::<Vec<Field<'_>>>(raw.get()) {
        Ok(list) => Some(list.into_iter().map(|field| (field.key, field.value)).collect()),
        Err(_) => object(raw),
    }
}

fn object(raw: &RawValue) -> Option<Fields<'_>> {
    serde_json::from_str::<std::collections::BTreeMap<String, Option<&RawValue>>>(raw.get())
        .ok()
        .map(|map| map.into_iter().collect())
}
