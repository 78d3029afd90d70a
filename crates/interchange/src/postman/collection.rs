//! Collections: their variables, and the secrets in their auth blocks.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;
use subrosa_secret::{HostRule, Name, Origin};

use super::Take;
use super::auth::{Auth, Block, read as read_auth};
use super::found::{Found, value};
use super::variable::{Variable, is_made_of_variables};
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
    #[serde(borrow)]
    variable: Option<&'a RawValue>,
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
    #[serde(borrow)]
    variable: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    auth: Option<&'a RawValue>,
    #[serde(borrow)]
    url: Option<&'a RawValue>,
}

/// A URL in parts. Postman sends by these, and keeps the text beside them for people.
#[derive(Deserialize)]
struct Url<'a> {
    #[serde(borrow)]
    raw: Option<&'a RawValue>,
    #[serde(borrow)]
    protocol: Option<&'a RawValue>,
    /// A text, or a list of its labels.
    #[serde(borrow)]
    host: Option<&'a RawValue>,
    #[serde(borrow)]
    port: Option<&'a RawValue>,
}

/// An auth block and those who use it.
struct Owner {
    name: String,
    block: Block,
    place: Place,
    hosts: BTreeSet<HostRule>,
}

/// Whose auth counts in a part of a collection.
enum Counts {
    /// That of what holds the part.
    Above,
    Nobodys,
    Own(Owner),
}

/// Reads a collection of version 2.0 or 2.1: its variables, and what its auth blocks keep secret, under
/// `<name of the collection, folder or request>-<type of auth>:<field>`.
///
/// The hosts of the requests that use an auth block are proposed for its secrets. Fields that are made of variables are
/// no secrets. Literals in headers, URLs, bodies and scripts are not looked for: that is a scanner's work. What a folder
/// keeps secret follows what stands in it.
///
/// # Errors
/// [`InterchangeError`]: no text, no JSON, another form, folders too deep, or a name that none can be made of.
pub fn read_collection(bytes: &[u8], take: Take) -> Result<Contents, InterchangeError> {
    let text = text(bytes)?;
    let collection: Collection<'_> = json::document_of_objects(text)?;
    let mut walk = Walk { text, take, found: Found::default(), bases: HashMap::new() };
    walk.variables(collection.variable, "variable")?;
    let name = scalar(collection.info.and_then(|info| info.name).or(collection.name));
    let mut counts = walk.counts(collection.auth, &name, "auth".to_owned());
    for (at, node) in collection.item.iter().enumerate() {
        walk.node(node, counts.owner(None), &format!("item[{at}]"), 0)?;
    }
    walk.leave(counts)?;
    Ok(walk.found.done())
}

fn scalar(raw: Option<&RawValue>) -> String {
    raw.and_then(json::scalar).map(|text| text.as_str().to_owned()).unwrap_or_default()
}

impl Counts {
    fn owner<'o>(&'o mut self, above: Option<&'o mut Owner>) -> Option<&'o mut Owner> {
        match self {
            Self::Above => above,
            Self::Nobodys => None,
            Self::Own(owner) => Some(owner),
        }
    }
}

struct Walk<'a> {
    text: &'a str,
    take: Take,
    found: Found,
    /// What variables of the collection say, for the hosts of URLs.
    bases: HashMap<String, String>,
}

impl<'a> Walk<'a> {
    fn variables(&mut self, list: Option<&'a RawValue>, at: &str) -> Result<(), InterchangeError> {
        let Some(list) = list else { return Ok(()) };
        json::each(self.text, list, |index, variable: Variable<'_>| {
            let key = variable.key();
            // an address can be the value of a variable; nothing else of it is kept
            let origin = variable.value().and_then(|text| Origin::of_url(&text).ok());
            if let Some(origin) = origin {
                self.bases.insert(key.clone(), origin.to_string());
            }
            let place = Place::Path(format!("{at}[{index}]"));
            self.found.variable(&variable, &key, self.take, place, |_, _| Ok(Vec::new()))
        })
    }

    fn counts(&mut self, raw: Option<&RawValue>, name: &str, at: String) -> Counts {
        let place = Place::Path(at);
        match read_auth(raw) {
            Some(Auth::Inherited) => Counts::Above,
            Some(Auth::Off) => Counts::Nobodys,
            Some(Auth::Block(block)) => {
                Counts::Own(Owner { name: name.to_owned(), block, place, hosts: BTreeSet::new() })
            }
            None => {
                self.found.notice(&place, "this kind of auth is not known and is left out".to_owned());
                Counts::Nobodys
            }
        }
    }

    fn node(
        &mut self,
        node: &Node<'a>,
        above: Option<&mut Owner>,
        at: &str,
        depth: usize,
    ) -> Result<(), InterchangeError> {
        if depth == MAX_DEPTH {
            return Err(InterchangeError::TooDeep { place: Place::Path(at.to_owned()) });
        }
        self.variables(node.variable, &format!("{at}.variable"))?;
        let name = scalar(node.name);
        let mut counts = self.counts(node.auth, &name, format!("{at}.auth"));
        let mut owner = counts.owner(above);
        for (index, node) in node.item.iter().flatten().enumerate() {
            self.node(node, owner.as_deref_mut(), &format!("{at}.item[{index}]"), depth + 1)?;
        }
        if let Some(raw) = node.request {
            self.request(raw, &name, owner, at)?;
        }
        self.leave(counts)
    }

    fn request(
        &mut self,
        raw: &RawValue,
        name: &str,
        above: Option<&mut Owner>,
        at: &str,
    ) -> Result<(), InterchangeError> {
        let (mut counts, url) = match serde_json::from_str::<Request<'_>>(raw.get()) {
            Ok(request) => {
                (self.counts(request.auth, name, format!("{at}.request.auth")), request.url.map(address))
            }
            // a request can be nothing but its URL
            Err(_) => (Counts::Above, json::scalar(raw).map(|text| text.as_str().to_owned())),
        };
        if let (Some(owner), Some(url)) = (counts.owner(above), url) {
            self.propose(owner, &url);
        }
        self.leave(counts)
    }

    fn propose(&self, owner: &mut Owner, url: &str) {
        let begins = url.trim_start().strip_prefix("{{").and_then(|rest| rest.split_once("}}"));
        let address = match begins {
            Some((variable, _)) => self.bases.get(variable).cloned(),
            None => Some(url.to_owned()),
        };
        let Some(origin) = address.and_then(|address| origin(&address)) else { return };
        if owner.hosts.len() < MAX_PROPOSED {
            owner.hosts.insert(HostRule::exactly(&origin).limited_to([owner.block.placement]));
        }
    }

    /// What a part keeps secret, once all hosts are known where it is sent.
    fn leave(&mut self, counts: Counts) -> Result<(), InterchangeError> {
        let Counts::Own(owner) = counts else { return Ok(()) };
        let (secret, made): (Vec<_>, Vec<_>) =
            owner.block.fields.iter().partition(|(_, text)| !is_made(text));
        for (field, _) in made {
            let text =
                format!("{}:{field} is made of variables or references and is left out", owner.block.kind);
            self.found.notice(&owner.place, text);
        }
        if secret.is_empty() {
            return Ok(());
        }
        let title = self.title(&owner)?;
        secret.into_iter().try_for_each(|(field, text)| self.secret(&owner, &title, field, text))
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
            match self.found.find(&name) {
                None => {
                    let mut item = Item::new(name, value(text, place)?, place.clone());
                    item.proposed = owner.hosts.iter().cloned().collect();
                    if number > 1 {
                        let text = format!("{} has a number, since another value has its name", item.name);
                        self.found.notice(place, text);
                    }
                    return self.found.push(&item);
                }
                Some((other, mut item)) if says(&item, text) => {
                    let known = item.proposed.len();
                    add_hosts(&mut item.proposed, &owner.hosts);
                    return if item.proposed.len() > known {
                        self.found.replace(other, &item)
                    } else {
                        Ok(())
                    };
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

fn add_hosts(proposed: &mut Vec<HostRule>, hosts: &BTreeSet<HostRule>) {
    for host in hosts {
        if proposed.len() < MAX_PROPOSED && !proposed.contains(host) {
            proposed.push(host.clone());
        }
    }
}

fn says(item: &Item, text: &str) -> bool {
    item.value.as_ref().is_some_and(|value| value.expose_secret() == text.as_bytes())
}

/// The URL of a request, which is a text, or an object with its parts.
fn address(raw: &RawValue) -> String {
    match serde_json::from_str::<Url<'_>>(raw.get()) {
        Ok(url) => url.address(),
        Err(_) => scalar(Some(raw)),
    }
}

impl Url<'_> {
    /// As far as the origin, where there are parts.
    fn address(&self) -> String {
        let labels = self.host.and_then(|raw| serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok());
        let host = match labels {
            Some(labels) => labels.into_iter().map(|raw| scalar(Some(raw))).collect::<Vec<_>>().join("."),
            None => scalar(self.host),
        };
        if host.is_empty() {
            return scalar(self.raw);
        }
        let protocol = scalar(self.protocol);
        let protocol = protocol.strip_suffix("://").unwrap_or(&protocol);
        let begin = if protocol.is_empty() { String::new() } else { format!("{protocol}://") };
        let port = scalar(self.port);
        let end = if port.is_empty() { String::new() } else { format!(":{port}") };
        format!("{begin}{host}{end}")
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
