//! What every provider must hold to. Each provider's tests call [`check`] against its real system.

use crate::Provider;

/// Looks up what is there and what is not, alone and together.
///
/// `present` are locators with the values that stand behind them, `absent` a well-formed locator without a value.
///
/// # Panics
/// When the provider breaks the contract: this is for tests.
pub fn check<P: Provider>(provider: &P, present: &[(P::Locator, Vec<u8>)], absent: &P::Locator) {
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
