//! A connection by a Connect server.

mod api;
mod offer;
mod place;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use subrosa_provider::{
    Capabilities, ErrorKind, External, Identity, Login, Offers, Provider, ProviderError, Session, Settings,
    WriteMode,
};
use subrosa_rest::{Answer, encoded};
use subrosa_secret::SecretValue;

use crate::credential::Credential;
use crate::item::{Found, Item};
use crate::named::{id as id_of, listed};
use crate::target::{Place, Target, value_end};
use api::Api;
use place::Spot;

type Value = Result<Option<SecretValue>, ProviderError>;

/// A server and the token that it is asked with.
pub(crate) struct Connect<'a> {
    api: Api,
    credential: Credential<'a>,
}

impl<'a> Connect<'a> {
    pub(crate) fn new(settings: &Settings, login: Login<'a>) -> Result<Self, ProviderError> {
        Ok(Self { api: Api::new(settings)?, credential: Credential::new(login) })
    }

    fn get(&self, paths: &[String]) -> Result<Vec<Result<Answer, ProviderError>>, ProviderError> {
        self.api.get(paths, self.credential.token()?)
    }

    /// The item at each place, as the server answered.
    fn items(
        &self,
        places: BTreeSet<&Place>,
    ) -> Result<BTreeMap<Place, (Spot, Option<Answer>)>, ProviderError> {
        let spots = self.spots(&places)?;
        let paths = spots.iter().filter_map(|spot| spot.path()).collect::<Vec<_>>();
        let mut answers = self.get(&paths)?.into_iter();
        let mut answered = |place: &Place, spot: Spot| {
            let asked = spot.path().and_then(|_| answers.next());
            let answer = asked.map(|answer| {
                let answer = answer.map_err(|error| error.about(&place.to_string()))?;
                api::item(answer, place)
            });
            match answer {
                None => (spot, None),
                Some(Ok(Some(answer))) => (spot, Some(answer)),
                Some(Ok(None)) => (Spot::Nothing(None), None),
                Some(Err(error)) => (Spot::Failed(error), None),
            }
        };
        Ok(places
            .into_iter()
            .zip(spots)
            .map(|(place, spot)| (place.clone(), answered(place, spot)))
            .collect())
    }

    /// The contents of files, by the path of each.
    fn contents(&self, paths: BTreeSet<String>) -> Result<BTreeMap<String, Value>, ProviderError> {
        let paths: Vec<String> = paths.into_iter().collect();
        let answers = self.get(&paths)?;
        Ok(paths.into_iter().zip(answers.into_iter().map(api::content)).collect())
    }
}

/// What a target leads to, before files are asked for.
enum Step {
    Done(Value),
    File(String),
}

fn step(target: &Target, items: &BTreeMap<Place, (Spot, Option<Answer>)>) -> Result<Step, ProviderError> {
    let (spot, answer) = match items.get(&target.place) {
        Some((Spot::Failed(error), _)) => return Err(error.again()),
        Some((Spot::Nothing(_), _)) => return Ok(Step::Done(Ok(None))),
        Some((spot, Some(answer))) => (spot, answer),
        Some((Spot::Item { .. }, None)) | None => return Err(unanswered()),
    };
    let about = |error: ProviderError| error.about(&target.place.to_string());
    let item: Item<'_> = answer.json().map_err(about)?;
    if !spot.is(&item.id) {
        let text = format!("{}: the answer is about another item", target.place);
        return Err(ProviderError::new(ErrorKind::BadAnswer, text));
    }
    Ok(match item.read(target)? {
        Found::Nothing => Step::Done(Ok(None)),
        Found::Value(value) => Step::Done(Ok(Some(value))),
        Found::Content(id) => {
            let item = spot.path().unwrap_or_default();
            Step::File(format!("{item}/files/{}/content", encoded(id_of(&id).map_err(about)?)))
        }
    })
}

/// What nobody answered is not absent.
fn unanswered() -> ProviderError {
    ProviderError::new(ErrorKind::Unavailable, "there was no answer")
}

/// A content that several targets lead to.
fn repeated(content: &Value) -> Value {
    let content = content.as_ref().map_err(ProviderError::again)?;
    Ok(content.as_ref().and_then(|value| SecretValue::new(value.expose_secret().to_vec()).ok()))
}

impl Provider for Connect<'_> {
    type Locator = String;

    fn name(&self) -> &str {
        "onepassword"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { batch: true, write: true, browse: true }
    }

    fn lookup(&self, target: &String) -> Value {
        self.lookup_many(&[target]).pop().unwrap_or(Ok(None))
    }

    fn lookup_many(&self, targets: &[&String]) -> Vec<Value> {
        let targets: Vec<_> = targets.iter().map(|text| Target::parse(text)).collect();
        let places: BTreeSet<&Place> = targets.iter().flatten().map(|target| &target.place).collect();
        let items = match places.is_empty() {
            true => Ok(BTreeMap::new()),
            false => self.items(places),
        };
        let step = |target: Result<Target, ProviderError>| {
            let target = target?;
            let step = step(&target, items.as_ref().map_err(ProviderError::again)?)?;
            Ok((target, step))
        };
        let steps: Vec<Result<(Target, Step), ProviderError>> = targets.into_iter().map(step).collect();
        let files: BTreeSet<String> = steps
            .iter()
            .flatten()
            .filter_map(|(_, step)| if let Step::File(path) = step { Some(path.clone()) } else { None })
            .collect();
        let contents = match files.is_empty() {
            true => Ok(BTreeMap::new()),
            false => self.contents(files),
        };
        let value = |step: Result<(Target, Step), ProviderError>| match step? {
            (_, Step::Done(value)) => value,
            (target, Step::File(path)) => {
                let contents = contents.as_ref().map_err(ProviderError::again)?;
                let content = contents.get(&path).map_or_else(|| Err(unanswered()), repeated);
                content.map_err(|error| error.about(&target.to_string()))
            }
        };
        steps.into_iter().map(value).collect()
    }
}

impl External for Connect<'_> {
    fn describe(&self) -> Result<Identity, ProviderError> {
        let vaults = self.vaults()?;
        let who = format!("a Connect token for {}", listed(&vaults));
        Ok(Identity { who, expires: self.credential.expires() })
    }

    fn offers(&self, search: &str, limit: usize) -> Result<Offers, ProviderError> {
        self.offered(search, limit)
    }

    fn write(&self, target: &String, value: &SecretValue, mode: WriteMode) -> Result<(), ProviderError> {
        self.written(&Target::parse(target)?, value, mode)
    }

    fn session(&self) -> Option<Session> {
        self.credential.session()
    }

    fn session_end(&self) -> Option<i64> {
        self.credential.expires()
    }

    fn value_end(&self, target: &String) -> Option<i64> {
        value_end(target)
    }
}
