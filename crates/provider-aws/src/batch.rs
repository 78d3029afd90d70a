//! Questions as Secrets Manager takes them: one secret, or up to twenty.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::batch_get_secret_value::BatchGetSecretValueError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use subrosa_provider::{ErrorKind, ProviderError};

use crate::fault;
use crate::read::Found;
use crate::target::{Place, Version};

/// So many secrets are asked for at once (BatchGetSecretValue, `SecretIdList`).
pub(crate) const AT_ONCE: usize = 20;
/// An answer may come in pages, of at most as many as there are secrets.
const PAGES: usize = AT_ONCE + 1;

/// What was found out of one place; `None` where there is nothing.
pub(crate) type Answer = Result<Option<Found>, ProviderError>;

/// What came of a question.
#[derive(Default)]
pub(crate) struct Round {
    pub(crate) answers: Vec<(Place, Answer)>,
    /// Places that have to be asked for one by one.
    pub(crate) left: Vec<Place>,
    /// Whether the right to ask for several is missing.
    pub(crate) is_refused: bool,
    /// Whether the keys are not known any more.
    pub(crate) is_dead: bool,
}

/// Asks for one secret.
pub(crate) async fn one(client: Client, place: Place) -> Round {
    let call = client.get_secret_value().secret_id(&place.id);
    let call = match &place.version {
        Version::Current => call,
        Version::Stage(stage) => call.version_stage(stage),
        Version::Id(id) => call.version_id(id),
    };
    let (answer, is_dead) = match call.send().await {
        Ok(answer) => (Found::of(answer.secret_string, answer.secret_binary).map(Some), false),
        Err(error) if is_absent(error.as_service_error()) => (Ok(None), false),
        Err(error) => (Err(fault::of(&error, &place.to_string())), fault::keys_are_dead(&error)),
    };
    Round { answers: vec![(place, answer)], is_dead, ..Round::default() }
}

fn is_absent(error: Option<&GetSecretValueError>) -> bool {
    error.is_some_and(|error| error.is_resource_not_found_exception())
}

/// Asks for several secrets at their current version. What is not among the answers is left to be asked for alone, as is everything
/// where the whole question was refused for the sake of one, or for want of the right to ask so.
pub(crate) async fn several(client: Client, places: Vec<Place>) -> Round {
    let mut round = Round { left: places, ..Round::default() };
    let ids: Vec<String> = round.left.iter().map(|place| place.id.clone()).collect();
    let mut next = None;
    for _ in 0..PAGES {
        let call = client.batch_get_secret_value().set_next_token(next.take());
        let answer = match call.set_secret_id_list(Some(ids.clone())).send().await {
            Ok(answer) => answer,
            Err(error) => {
                round.refused(&error);
                return round;
            }
        };
        for value in answer.secret_values.unwrap_or_default() {
            let names = [value.arn, value.name];
            let those = round.taken(|place| names.iter().flatten().any(|name| is_named(&place.id, name)));
            round.add(those, Found::of(value.secret_string, value.secret_binary));
        }
        for error in answer.errors.unwrap_or_default() {
            if let (Some(id), Some(code)) = (error.secret_id, error.error_code) {
                let those = round.taken(|place| is_named(&place.id, &id));
                round.fail(those, &code);
            }
        }
        match answer.next_token {
            Some(token) if !token.is_empty() && !round.left.is_empty() => next = Some(token),
            _ => break,
        }
    }
    round
}

impl Round {
    /// What is left is answered with what will not be otherwise soon, or stays to be asked for alone.
    fn refused(&mut self, error: &SdkError<BatchGetSecretValueError>) {
        use ErrorKind::{Denied, Expired, Throttled, Unavailable};
        self.is_dead = fault::keys_are_dead(error);
        let is_unanswered = matches!(error, SdkError::TimeoutError(_) | SdkError::DispatchFailure(_));
        let error = fault::of(error, "lookup");
        if self.is_dead || is_unanswered || matches!(error.kind(), Expired | Throttled | Unavailable) {
            let places = std::mem::take(&mut self.left);
            self.answers.extend(places.into_iter().map(|place| (place, Err(error.again()))));
        }
        self.is_refused = error.kind() == Denied;
    }

    /// Takes out of what is left those that are meant.
    fn taken(&mut self, is_meant: impl Fn(&Place) -> bool) -> Vec<Place> {
        let (those, left) = std::mem::take(&mut self.left).into_iter().partition(is_meant);
        self.left = left;
        those
    }

    /// The same code for all who asked for it.
    fn fail(&mut self, places: Vec<Place>, code: &str) {
        for place in places {
            let answer = match code {
                "ResourceNotFoundException" => Ok(None),
                code => Err(fault::of_code(code, &place.to_string())),
            };
            self.answers.push((place, answer));
        }
    }

    /// The same answer to all who asked for it, by name and by ARN.
    fn add(&mut self, places: Vec<Place>, found: Result<Found, ProviderError>) {
        for place in places {
            let answer = match &found {
                Ok(Found::Text(text)) => Ok(Some(Found::Text(text.clone()))),
                Ok(Found::Binary(bytes)) => Ok(Some(Found::Binary(bytes.clone()))),
                Err(error) => Err(error.again().about(&place.to_string())),
            };
            self.answers.push((place, answer));
        }
    }
}

/// Whether what was asked for is what is so called: the same, or an ARN without its last part, a hyphen and six letters.
fn is_named(id: &str, name: &str) -> bool {
    let rest = name.strip_prefix(id);
    rest == Some("")
        || (id.starts_with("arn:") && rest.is_some_and(|rest| rest.len() == 7 && rest.starts_with('-')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_belongs_to_who_asked() {
        const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/stripe-AbCdEf";
        assert!(is_named("prod/stripe", "prod/stripe"));
        assert!(is_named(ARN, ARN));
        assert!(is_named(&ARN[..ARN.len() - 7], ARN));
        for id in ["prod/strip", "prod/stripe-AbCdEf", &ARN[..ARN.len() - 6], &ARN[..ARN.len() - 8], ""] {
            assert!(!is_named(id, ARN), "{id}");
        }
        assert!(!is_named("prod/stripe", "prod/stripe-AbCdEf"));
    }
}
