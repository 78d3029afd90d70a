//! Judging all uses of a request, then looking up their values.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use subrosa_provider::{Provider, ProviderError, Registered, Registry};
use subrosa_secret::{Destination, Name, Origin, Placement, Profile, SecretValue, TrustRules};

use crate::{
    Overrides, Reason, Unresolved,
    judge::{Judgement, judge},
};

/// One reference of a request, and what would become of its value.
#[derive(Debug, Clone)]
pub struct Use {
    /// The name as the reference writes it.
    pub name: Name,
    /// The part of the request.
    pub placement: Placement,
    /// That part in words, such as `header Authorization`.
    pub place: String,
    /// Where the request goes.
    pub destination: Destination,
}

/// Something that only the user can decide, once for all uses that it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The stored secret, its profile included.
    pub secret: Name,
    /// Where it would go.
    pub origin: Origin,
    /// In which parts of the request.
    pub placements: BTreeSet<Placement>,
}

/// What the user said to a [`Question`]. Storing a rule for "always" is the caller's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It may go there, this time or from now on.
    Yes,
    /// It may not.
    No,
}

/// Turns uses into values. One serves any number of requests.
pub struct Resolver<'r, S> {
    source: &'r S,
    profile: Option<Profile>,
    trust: &'r TrustRules,
    overrides: &'r Overrides,
}

/// A value that was looked up, and under which stored name.
pub struct Resolved {
    /// The stored secret; where a value was given for this call and nothing is stored, the name of the reference.
    pub secret: Name,
    /// The value.
    pub value: Arc<SecretValue>,
}

impl<'r, S, L> Resolver<'r, S>
where
    S: Registry<Locator = L> + Provider<Locator = L>,
{
    /// A resolver over a source, with the user's own trust rules and the values given for this call.
    pub fn new(
        source: &'r S,
        profile: Option<Profile>,
        trust: &'r TrustRules,
        overrides: &'r Overrides,
    ) -> Self {
        Self { source, profile, trust, overrides }
    }

    /// Judges every use; nothing is looked up.
    ///
    /// With a profile, `name` is first looked for as `profile/name`; the first that exists counts, whatever its state.
    ///
    /// # Errors
    /// Why the registry cannot be read.
    pub fn judge(&self, uses: &[Use]) -> Result<Verdicts<'_, S, L>, ProviderError> {
        let stored = self.stored(uses)?;
        let mut verdicts = Verdicts {
            resolver: self,
            uses: Vec::new(),
            asked: Vec::new(),
            questions: Vec::new(),
            unresolved: Vec::new(),
            stored,
        };
        for wanted in uses {
            let placements = verdicts.placements(wanted, uses);
            verdicts.judge(wanted, placements);
        }
        Ok(verdicts)
    }

    /// The stored secret for each name, if there is one.
    fn stored(&self, uses: &[Use]) -> Result<BTreeMap<Name, (Name, Registered<L>)>, ProviderError> {
        let written: BTreeSet<&Name> = uses.iter().map(|wanted| &wanted.name).collect();
        let mut candidates = Vec::new();
        for name in written {
            let in_profile = self.profile.as_ref().and_then(|profile| name.in_profile(profile).ok());
            candidates.extend(in_profile.map(|full| (name.clone(), full)));
            candidates.push((name.clone(), name.clone()));
        }
        let names: Vec<Name> = candidates.iter().map(|(_, full)| full.clone()).collect();
        let found = self.source.find(&names)?;
        let mut stored = BTreeMap::new();
        for ((written, full), found) in candidates.into_iter().zip(found) {
            if let Some(found) = found {
                stored.entry(written).or_insert((full, found));
            }
        }
        Ok(stored)
    }
}

/// The uses of one request, judged.
pub struct Verdicts<'r, S, L> {
    resolver: &'r Resolver<'r, S>,
    uses: Vec<Use>,
    /// Those of the uses that a question is about; the others have their reason or none.
    asked: Vec<Use>,
    questions: Vec<Question>,
    unresolved: Vec<Unresolved>,
    stored: BTreeMap<Name, (Name, Registered<L>)>,
}

impl<S, L> Verdicts<'_, S, L>
where
    S: Registry<Locator = L> + Provider<Locator = L>,
{
    /// The parts of a request in which the secret of one use goes to the same origin, over all uses.
    fn placements(&self, wanted: &Use, uses: &[Use]) -> BTreeSet<Placement> {
        let secret = self.secret(&wanted.name);
        let same = |other: &&Use| {
            self.secret(&other.name) == secret && other.destination.origin == wanted.destination.origin
        };
        uses.iter().filter(same).map(|other| other.placement).collect()
    }

    fn judge(&mut self, wanted: &Use, placements: BTreeSet<Placement>) {
        let stored = self.stored.get(&wanted.name);
        let given = self.resolver.overrides.value(&wanted.name).is_some();
        let judgement = judge(wanted, stored.map(|(_, found)| found), given, placements, self.resolver.trust);
        match judgement {
            Judgement::Ready => {}
            Judgement::Ask => self.ask(wanted),
            Judgement::Refused(reason) => self.refuse(wanted, reason),
        }
        self.uses.push(wanted.clone());
    }

    fn ask(&mut self, wanted: &Use) {
        self.asked.push(wanted.clone());
        let (secret, origin) = (self.secret(&wanted.name).clone(), &wanted.destination.origin);
        match self
            .questions
            .iter_mut()
            .find(|question| question.secret == secret && question.origin == *origin)
        {
            Some(question) => drop(question.placements.insert(wanted.placement)),
            None => self.questions.push(Question {
                secret,
                origin: origin.clone(),
                placements: BTreeSet::from([wanted.placement]),
            }),
        }
    }

    fn refuse(&mut self, wanted: &Use, reason: Reason) {
        let hint = reason.hint(self.secret(&wanted.name));
        self.refuse_with(wanted, reason, hint);
    }

    fn refuse_with(&mut self, wanted: &Use, reason: Reason, hint: Option<String>) {
        let reference = format!("<<vault:{}>>", wanted.name);
        let refused = Unresolved { reference, place: wanted.place.clone(), reason, hint };
        if !self.unresolved.contains(&refused) {
            self.unresolved.push(refused);
        }
    }

    /// The stored name behind a written one; the written one where nothing is stored.
    #[must_use]
    pub fn secret<'n>(&'n self, written: &'n Name) -> &'n Name {
        self.stored.get(written).map_or(written, |(full, _)| full)
    }

    /// What is refused, in the order of the uses.
    #[must_use]
    pub fn unresolved(&self) -> &[Unresolved] {
        &self.unresolved
    }

    /// What must be asked, each question once.
    #[must_use]
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// Takes the user's answer to one of the questions.
    pub fn answer(&mut self, question: &Question, answer: Answer) {
        self.questions.retain(|open| open != question);
        if answer == Answer::Yes {
            return;
        }
        for wanted in self.asked_about(question) {
            self.refuse(&wanted, Reason::Declined(question.origin.clone()));
        }
    }

    /// Where nobody can be asked, every question is a refusal.
    pub fn refuse_questions(&mut self) {
        for question in std::mem::take(&mut self.questions) {
            for wanted in self.asked_about(&question) {
                let (origin, wanted_in) = (question.origin.clone(), question.placements.clone());
                self.refuse(&wanted, Reason::Undecided { origin, wanted: wanted_in });
            }
        }
    }

    fn asked_about(&self, question: &Question) -> Vec<Use> {
        let concerned = |wanted: &&Use| {
            *self.secret(&wanted.name) == question.secret && wanted.destination.origin == question.origin
        };
        self.asked.iter().filter(concerned).cloned().collect()
    }

    /// The values by the name that references write, each looked up once.
    ///
    /// # Errors
    /// Everything that is refused, still unanswered, or cannot be looked up. Then nothing may be sent.
    pub fn values(mut self) -> Result<BTreeMap<Name, Resolved>, Vec<Unresolved>> {
        self.refuse_questions();
        if !self.unresolved.is_empty() {
            return Err(self.unresolved);
        }
        let mut values = BTreeMap::new();
        // two written names can mean one secret: with a profile `key` and `prod/key` do
        let mut wanted: BTreeMap<&Name, (Vec<Name>, &L)> = BTreeMap::new();
        let written: BTreeSet<&Name> = self.uses.iter().map(|wanted| &wanted.name).collect();
        for name in written {
            if let Some(value) = self.resolver.overrides.value(name) {
                let secret = self.secret(name).clone();
                values.insert(name.clone(), Resolved { secret, value: value.clone() });
            } else if let Some((full, Registered { locator: Some(locator), .. })) = self.stored.get(name) {
                wanted.entry(full).or_insert((Vec::new(), locator)).0.push(name.clone());
            }
        }
        let locators: Vec<&L> = wanted.values().map(|(_, locator)| *locator).collect();
        let answers = self.resolver.source.lookup_many(&locators);
        let mut failed = Vec::new();
        for (answer, (full, (names, _))) in answers.into_iter().zip(&wanted) {
            let (reason, hint) = match answer {
                Ok(Some(value)) => {
                    let value = Arc::new(value);
                    let resolved = || Resolved { secret: (*full).clone(), value: value.clone() };
                    values.extend(names.iter().map(|name| (name.clone(), resolved())));
                    continue;
                }
                Ok(None) => (Reason::Empty, Reason::Empty.hint(full)),
                Err(error) => {
                    let reason = Reason::Provider(error.kind(), error.to_string());
                    let hint = error.hint().map(str::to_owned).or_else(|| reason.hint(full));
                    (reason, hint)
                }
            };
            failed.extend(names.iter().map(|name| (name.clone(), reason.clone(), hint.clone())));
        }
        for (name, reason, hint) in failed {
            let concerned: Vec<Use> =
                self.uses.iter().filter(|wanted| wanted.name == name).cloned().collect();
            concerned.iter().for_each(|wanted| self.refuse_with(wanted, reason.clone(), hint.clone()));
        }
        if self.unresolved.is_empty() { Ok(values) } else { Err(self.unresolved) }
    }
}
