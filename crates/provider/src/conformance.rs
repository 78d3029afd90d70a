//! What every provider must hold to. Each provider's tests call [`check`] against its real system.

use subrosa_secret::SecretValue;

use crate::{ErrorKind, Provider, ProviderError};

/// Looks up what is there and what is not, alone and together.
///
/// `present` are locators with the values that stand behind them, `absent` a well-formed locator without a value.
///
/// # Panics
/// When the provider breaks the contract: this is for tests.
pub fn check<P: Provider + ?Sized>(provider: &P, present: &[(P::Locator, Vec<u8>)], absent: &P::Locator) {
    assert!(!provider.name().is_empty(), "a provider has a name");
    assert!(!present.is_empty(), "the suite needs values to look up");
    for (locator, expected) in present {
        let found = provider.lookup(locator).expect("a lookup of what is there succeeds");
        let found = found.expect("what is there is found");
        assert!(found.expose_secret() == expected.as_slice(), "a value comes back byte for byte");
    }
    let found = provider.lookup(absent).expect("absence is no error");
    assert!(found.is_none(), "absence is None");

    let mut locators: Vec<&P::Locator> = present.iter().map(|(locator, _)| locator).collect();
    locators.insert(1, absent);
    locators.push(locators[0]);
    let many = provider.lookup_many(&locators);
    assert_eq!(many.len(), locators.len(), "one answer for each locator, in their order");
    for (at, answer) in many.into_iter().enumerate() {
        let answer = answer.expect("a lookup among others succeeds");
        let expected = match at {
            1 => None,
            0 => Some(&present[0].1),
            _ if at == locators.len() - 1 => Some(&present[0].1),
            _ => Some(&present[at - 1].1),
        };
        let found = answer.as_ref().map(|value| value.expose_secret());
        assert!(found == expected.map(Vec::as_slice), "answers stand in the order of their locators");
    }
    assert!(provider.lookup_many(&[]).is_empty(), "no locators, no answers");
}

/// Looks up something by a provider that cannot answer: locked, disconnected, or given a locator that it refuses.
///
/// Alone and among several the failure is of this `kind`, and never looks like absence. Its text is one line and quotes
/// none of `values`.
///
/// # Panics
/// When the provider breaks the contract: this is for tests.
pub fn check_failure<P: Provider + ?Sized>(
    provider: &P,
    locator: &P::Locator,
    kind: ErrorKind,
    values: &[&str],
) {
    let mut answers = provider.lookup_many(&[locator, locator]);
    assert_eq!(answers.len(), 2, "one answer for each locator, failures too");
    answers.push(provider.lookup(locator));
    for answer in answers {
        let error = failure(answer);
        assert_eq!(error.kind(), kind, "the kind of the failure");
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(!text.contains('\n'), "an error is one line: {text:?}");
            assert!(!values.iter().any(|value| text.contains(value)), "an error quotes a value");
        }
    }
}

fn failure(answer: Result<Option<SecretValue>, ProviderError>) -> ProviderError {
    match answer {
        Err(error) => error,
        Ok(None) => panic!("a failure must not look like absence"),
        Ok(Some(_)) => panic!("a provider that cannot answer gave a value"),
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::Capabilities;

    #[derive(Clone, Copy, PartialEq, Debug)]
    enum Defect {
        None,
        AbsenceIsAnError,
        FailureIsAbsence,
        TrimsValues,
        Reorders,
        DropsDoubles,
        QuotesValues,
        WritesLines,
    }

    struct Defective(Defect);

    impl Provider for Defective {
        type Locator = &'static str;

        fn name(&self) -> &str {
            "defective"
        }

        fn capabilities(&self) -> Capabilities {
            Capabilities::default()
        }

        fn lookup(&self, locator: &&'static str) -> Result<Option<SecretValue>, ProviderError> {
            let refused = |text: &str| Err(ProviderError::new(ErrorKind::BadLink, text));
            let text: &[u8] = match (*locator, self.0) {
                ("one", Defect::TrimsValues) => b"value one",
                ("one", _) => b"value one\n",
                ("two", _) => b"value two",
                ("bad", Defect::FailureIsAbsence) => return Ok(None),
                ("bad", Defect::QuotesValues) => return refused("it is not value two"),
                ("bad", Defect::WritesLines) => return refused("it is\nno link"),
                ("bad", _) => return refused("it is no link"),
                (_, Defect::AbsenceIsAnError) => return refused("there is none"),
                _ => return Ok(None),
            };
            Ok(SecretValue::new(text.to_vec()).ok())
        }

        fn lookup_many(&self, locators: &[&&'static str]) -> Vec<Result<Option<SecretValue>, ProviderError>> {
            let mut locators = locators.to_vec();
            match self.0 {
                Defect::Reorders => locators.sort(),
                Defect::DropsDoubles => {
                    let mut seen = std::collections::BTreeSet::new();
                    locators.retain(|locator| seen.insert(**locator));
                }
                _ => {}
            }
            locators.into_iter().map(|locator| self.lookup(locator)).collect()
        }
    }

    fn passes(defect: Defect) -> bool {
        let provider = Defective(defect);
        let present = [("two", b"value two".to_vec()), ("one", b"value one\n".to_vec())];
        let suite = || {
            check(&provider, &present, &"nothing");
            check_failure(&provider, &"bad", ErrorKind::BadLink, &["value one", "value two"]);
        };
        catch_unwind(AssertUnwindSafe(suite)).is_ok()
    }

    #[test]
    fn the_suite_finds_each_defect() {
        assert!(passes(Defect::None));
        let defects = [
            Defect::AbsenceIsAnError,
            Defect::FailureIsAbsence,
            Defect::TrimsValues,
            Defect::Reorders,
            Defect::DropsDoubles,
            Defect::QuotesValues,
            Defect::WritesLines,
        ];
        for defect in defects {
            assert!(!passes(defect), "{defect:?}");
        }
    }
}
