//! Lookups: which questions are asked, by whom and where.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_secret::SecretValue;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::batch::{self, Answer, Round};
use crate::connected::Connected;
use crate::target::{Place, Target, Version};

/// So many questions are under way at the same time; each has a connection.
const AT_ONCE: usize = 32;

type Value = Result<Option<SecretValue>, ProviderError>;
type Answers = BTreeMap<Place, Answer>;

impl Connected<'_> {
    pub(crate) fn look_up(&self, targets: &[&String]) -> Vec<Value> {
        let parsed: Vec<_> = targets.iter().map(|text| Target::parse(text)).collect();
        let places: BTreeSet<Place> = parsed.iter().flatten().map(|target| target.place.clone()).collect();
        let answers = self.read(places);
        let value = |(text, target): (&&String, Result<Target, ProviderError>)| {
            let target = target?;
            match answers.get(&target.place) {
                Some(Ok(Some(found))) => {
                    self.note_end(text, &target);
                    found.value(&target)
                }
                Some(Err(error)) => Err(error.again()),
                Some(Ok(None)) => Ok(None),
                None => {
                    Err(ProviderError::new(ErrorKind::Unavailable, format!("{}: no answer", target.place)))
                }
            }
        };
        targets.iter().zip(parsed).map(value).collect()
    }

    /// What was read in a role is used as long as the role is had.
    fn note_end(&self, text: &str, target: &Target) {
        let role = self.role(target.place.role.as_deref());
        let end = role.and_then(|role| self.state.borrow().roles.get(role)?.expires);
        if let Some(end) = end {
            self.ends.borrow_mut().insert(text.to_owned(), end);
        }
    }

    /// Asks for places; where the session died on the way, once more after another login.
    fn read(&self, places: BTreeSet<Place>) -> Answers {
        let (mut answers, mut dead) = (Answers::new(), BTreeSet::new());
        self.attempt(places, &mut answers, &mut dead);
        if !dead.is_empty() && self.drop_dead_session() {
            let again = std::mem::take(&mut dead);
            self.attempt(again, &mut answers, &mut dead);
        }
        answers
    }

    fn attempt(&self, places: BTreeSet<Place>, answers: &mut Answers, dead: &mut BTreeSet<Place>) {
        let clients = self.clients(&places, answers);
        let places: Vec<Place> =
            places.into_iter().filter(|place| clients.contains_key(&side(place))).collect();
        if places.is_empty() {
            return;
        }
        let (several, single) = self.divided(places);
        let questions =
            several.into_iter().map(Question::Several).chain(single.into_iter().map(Question::One));
        let left = self.asked(&clients, questions.collect(), answers, dead);
        self.asked(&clients, left.into_iter().map(Question::One).collect(), answers, dead);
    }

    /// Asks; what comes back is what has to be asked for alone.
    fn asked(
        &self,
        clients: &Clients,
        questions: Vec<Question>,
        answers: &mut Answers,
        dead: &mut BTreeSet<Place>,
    ) -> Vec<Place> {
        let mut left = Vec::new();
        for round in self.services.wait(ask(clients, questions)).unwrap_or_default() {
            if round.is_refused {
                self.batches.set(false);
            }
            if round.is_dead {
                dead.extend(round.answers.iter().map(|(place, _)| place.clone()));
            }
            answers.extend(round.answers);
            left.extend(round.left);
        }
        left
    }

    /// A client for each role and region; where there is none, that is the answer.
    fn clients(&self, places: &BTreeSet<Place>, answers: &mut Answers) -> Clients {
        let mut made = BTreeMap::new();
        for place in places {
            made.entry(side(place)).or_insert_with(|| {
                let region = match place.region() {
                    Some(region) => region,
                    None => self.services.region()?,
                };
                let role = self.role(place.role.as_deref());
                self.with_keys(role, |keys| self.services.secrets(region, keys))
            });
        }
        for place in places {
            if let Some(Err(error)) = made.get(&side(place)) {
                answers.insert(place.clone(), Err(error.again()));
            }
        }
        made.into_iter().filter_map(|(side, client)| Some((side, client.ok()?))).collect()
    }

    /// Those that can be asked for together, twenty at once of one side, and those that cannot.
    fn divided(&self, places: Vec<Place>) -> (Vec<Vec<Place>>, Vec<Place>) {
        let together = |place: &Place| self.batches.get() && place.version == Version::Current;
        let (together, mut single): (Vec<Place>, Vec<Place>) = places.into_iter().partition(together);
        let mut sides: BTreeMap<Side, Vec<Place>> = BTreeMap::new();
        for place in together {
            sides.entry(side(&place)).or_default().push(place);
        }
        let mut several = Vec::new();
        for mut places in sides.into_values() {
            while places.len() > 1 {
                let rest = places.split_off(places.len().min(batch::AT_ONCE));
                several.push(std::mem::replace(&mut places, rest));
            }
            single.append(&mut places);
        }
        (several, single)
    }
}

/// Role and region of a place.
type Side = (Option<String>, Option<String>);
type Clients = BTreeMap<Side, Client>;

fn side(place: &Place) -> Side {
    (place.role.clone(), place.region().map(str::to_owned))
}

enum Question {
    One(Place),
    Several(Vec<Place>),
}

/// Asks everything at the same time, within bounds.
async fn ask(clients: &Clients, questions: Vec<Question>) -> Vec<Round> {
    let (seats, mut tasks) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for question in questions {
        let first = match &question {
            Question::One(place) => place,
            Question::Several(places) => &places[0],
        };
        let Some(client) = clients.get(&side(first)).cloned() else { continue };
        let seats = Arc::clone(&seats);
        tasks.spawn(async move {
            let _seat = seats.acquire().await;
            match question {
                Question::One(place) => batch::one(client, place).await,
                Question::Several(places) => batch::several(client, places).await,
            }
        });
    }
    tasks.join_all().await
}
