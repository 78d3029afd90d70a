//! Collections: their variables, and the secrets in their auth blocks.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;
use subrosa_secret::{HostRule, Name, Origin};

use super::Take;
use super::auth::{Auth, Block, read as read_auth};
use super::variable::{Found, Variable, is_made_of_variables, value};
use crate::item::holds_reference;
use crate::text::text;
use crate::{Contents, InterchangeError, Item, MAX_DEPTH, Place, json, naming};

/// How many hosts are proposed for one secret.
const MAX_PROPOSED: usize = 32;
/// How many characters of a title enter a name.
const MAX_TITLE: usize = 80;
/// What a name begins with where there is no title.
const NO_TITLE: &str = "postman";
/// How many values may share one name, told apart by numbers.
const MAX_SAME: usize = 100;

#[derive(Deserialize)]
struct Collection<'a> {
    #[serde(borrow)]
    info: Option<Info<'a>>,
    /// What one without `info` is called.
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    item: Vec<Node<'a>>,
    #[serde(borrow, default)]
    variable: Vec<Variable<'a>>,
    #[serde(borrow)]
    auth: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Info<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
}

/// A folder or a request.
#[derive(Deserialize)]
struct Node<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    item: Option<Vec<Node<'a>>>,
    #[serde(borrow)]
    request: Option<&'a RawValue>,
    #[serde(borrow)]
    auth: Option<&'a RawValue>,
    #[serde(borrow, default)]
    variable: Vec<Variable<'a>>,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    auth: Option<&'a RawValue>,
    #[serde(borrow)]
    url: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Url<'a> {
    #[serde(borrow)]
    raw: Option<&'a RawValue>,
}

/// An auth block and those who use it.
struct Owner {
    name: String,
    block: Block,
    place: Place,
    hosts: BTreeSet<HostRule>,
}

/// Reads a collection of version 2.0 or 2.1: its variables, and what its auth blocks keep secret, under
/// `<name of the collection, folder or request>-<type of auth>:<field>`.
///
/// The hosts of the requests that use an auth block are proposed for its secrets. Fields that are made of variables are
/// no secrets. Literals in headers, URLs, bodies and scripts are not looked for: that is a scanner's work.
///
/// # Errors
/// [`InterchangeError`]: no text, no JSON, another form, folders too deep, or a name that none can be made of.
pub fn read_collection(bytes: &[u8], take: Take) -> Result<Contents, InterchangeError> {
    let collection: Collection<'_> = json::document_of_objects(text(bytes)?)?;
    let mut walk = Walk::default();
    walk.variables(&collection.variable, take, "variable")?;
    let name = scalar(collection.info.and_then(|info| info.name).or(collection.name));
    let owner = walk.owner(collection.auth, name, "auth".to_owned(), None);
    for (at, node) in collection.item.iter().enumerate() {
        walk.node(node, owner, take, &format!("item[{at}]"), 0)?;
    }
    walk.secrets()
}

fn scalar(raw: Option<&RawValue>) -> String {
    raw.and_then(json::scalar).map(|text| text.as_str().to_owned()).unwrap_or_default()
}

#[derive(Default)]
struct Walk {
    found: Found,
    owners: Vec<Owner>,
    /// What variables of the collection say, for the hosts of URLs.
    bases: HashMap<String, String>,
}

impl Walk {
    fn variables(
        &mut self,
        variables: &[Variable<'_>],
        take: Take,
        at: &str,
    ) -> Result<(), InterchangeError> {
        for (index, variable) in variables.iter().enumerate() {
            let key = variable.key();
            // an address can be the value of a variable; nothing else of it is kept
            let origin = variable.value().and_then(|text| Origin::of_url(&text).ok());
            if let Some(origin) = origin {
                self.bases.insert(key.clone(), origin.to_string());
            }
            self.found.variable(variable, &key, take, Place::Path(format!("{at}[{index}]")))?;
        }
        Ok(())
    }

    /// The owner of the auth that counts here.
    fn owner(
        &mut self,
        raw: Option<&RawValue>,
        name: String,
        at: String,
        above: Option<usize>,
    ) -> Option<usize> {
        let place = Place::Path(at);
        match read_auth(raw) {
            Some(Auth::Inherited) => above,
            Some(Auth::Off) => None,
            Some(Auth::Block(block)) => {
                self.owners.push(Owner { name, block, place, hosts: BTreeSet::new() });
                Some(self.owners.len() - 1)
            }
            None => {
                self.found.notice(&place, "this kind of auth is not known and is left out".to_owned());
                None
            }
        }
    }

    fn node(
        &mut self,
        node: &Node<'_>,
        above: Option<usize>,
        take: Take,
        at: &str,
        depth: usize,
    ) -> Result<(), InterchangeError> {
        if depth == MAX_DEPTH {
            return Err(InterchangeError::TooDeep { place: Place::Path(at.to_owned()) });
        }
        self.variables(&node.variable, take, &format!("{at}.variable"))?;
        let name = scalar(node.name);
        let mut owner = self.owner(node.auth, name.clone(), format!("{at}.auth"), above);
        for (index, node) in node.item.iter().flatten().enumerate() {
            self.node(node, owner, take, &format!("{at}.item[{index}]"), depth + 1)?;
        }
        let Some(raw) = node.request else { return Ok(()) };
        let url = match serde_json::from_str::<Request<'_>>(raw.get()) {
            Ok(request) => {
                owner = self.owner(request.auth, name, format!("{at}.request.auth"), owner);
                request.url.map(address)
            }
            // a request can be nothing but its URL
            Err(_) => json::scalar(raw).map(|text| text.as_str().to_owned()),
        };
        if let (Some(owner), Some(url)) = (owner, url) {
            self.propose(owner, &url);
        }
        Ok(())
    }

    fn propose(&mut self, owner: usize, url: &str) {
        let begins = url.trim_start().strip_prefix("{{").and_then(|rest| rest.split_once("}}"));
        let address = match begins {
            Some((variable, _)) => self.bases.get(variable).cloned(),
            None => Some(url.to_owned()),
        };
        let Some(origin) = address.and_then(|address| origin(&address)) else { return };
        let owner = &mut self.owners[owner];
        if owner.hosts.len() < MAX_PROPOSED {
            owner.hosts.insert(HostRule::exactly(&origin).limited_to([owner.block.placement]));
        }
    }

    fn secrets(mut self) -> Result<Contents, InterchangeError> {
        for owner in std::mem::take(&mut self.owners) {
            let (secret, made): (Vec<_>, Vec<_>) =
                owner.block.fields.iter().partition(|(_, text)| !is_made(text));
            for (field, _) in made {
                let text = format!(
                    "{}:{field} is made of variables or references and is left out",
                    owner.block.kind
                );
                self.found.notice(&owner.place, text);
            }
            if secret.is_empty() {
                continue;
            }
            let title = self.title(&owner)?;
            for (field, text) in secret {
                self.secret(&owner, &title, field, text)?;
            }
        }
        self.found.done()
    }

    /// What the names of an owner's secrets begin with.
    fn title(&mut self, owner: &Owner) -> Result<String, InterchangeError> {
        // the name of a request can be its URL, whose query is no part of a name
        let title = owner.name.split('?').next().unwrap_or_default().replace('/', "-");
        let title: String = title.chars().take(MAX_TITLE).collect();
        if naming::is_nothing(&title) {
            return Ok(NO_TITLE.to_owned());
        }
        self.found.name(&title, &owner.place).map(String::from)
    }

    /// One secret. Another one of that name with another value gets a number; the same value adds its hosts.
    fn secret(
        &mut self,
        owner: &Owner,
        title: &str,
        field: &str,
        text: &str,
    ) -> Result<(), InterchangeError> {
        let (place, kind) = (&owner.place, &owner.block.kind);
        for number in 1..=MAX_SAME {
            let suffix = if number == 1 { String::new() } else { format!("-{number}") };
            let name = Name::parse(&format!("{title}-{kind}{suffix}:{field}"))
                .map_err(|source| InterchangeError::Name { place: place.clone(), source })?;
            match self.found.item(&name) {
                None => {
                    let mut item = Item::new(name.clone(), value(text, place)?, place.clone());
                    item.proposed = owner.hosts.iter().cloned().collect();
                    if number > 1 {
                        let text = format!("{name} has a number, since another value has its name");
                        self.found.notice(place, text);
                    }
                    return self.found.push(item);
                }
                Some(other) if says(other, text) => {
                    let known: BTreeSet<HostRule> = other.proposed.iter().cloned().collect();
                    other.proposed.extend(owner.hosts.difference(&known).cloned());
                    return Ok(());
                }
                Some(_) => {}
            }
        }
        let what =
            format!("more than {MAX_SAME} different values would have the name {title}-{kind}:{field}");
        Err(InterchangeError::Malformed { place: place.clone(), what })
    }
}

fn is_made(text: &str) -> bool {
    is_made_of_variables(text) || holds_reference(text.as_bytes())
}

fn says(item: &Item, text: &str) -> bool {
    item.value.as_ref().is_some_and(|value| value.expose_secret() == text.as_bytes())
}

/// The URL of a request, which is a text or an object with one.
fn address(raw: &RawValue) -> String {
    match serde_json::from_str::<Url<'_>>(raw.get()) {
        Ok(url) => scalar(url.raw),
        Err(_) => scalar(Some(raw)),
    }
}

/// Where a URL leads, as far as no variable stands in what says so. Without a scheme nothing is proposed: Postman would
/// send in clear text.
fn origin(url: &str) -> Option<Origin> {
    let (scheme, rest) = url.trim_start().split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    if is_made_of_variables(authority) || authority.contains("<<") {
        return None;
    }
    Origin::of_url(&format!("{scheme}://{authority}/")).ok()
}
