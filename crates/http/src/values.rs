//! Where substitution takes values from.

use std::collections::{BTreeMap, HashMap};

use subrosa_secret::{Name, SecretValue};

/// Values by name, as the caller resolved them for one plan.
pub trait Values {
    /// The value for `name`; `None` stops the request.
    fn value(&self, name: &Name) -> Option<&SecretValue>;
}

impl Values for BTreeMap<Name, SecretValue> {
    fn value(&self, name: &Name) -> Option<&SecretValue> {
        self.get(name)
    }
}

impl Values for HashMap<Name, SecretValue> {
    fn value(&self, name: &Name) -> Option<&SecretValue> {
        self.get(name)
    }
}

/// For requests without references.
impl Values for () {
    fn value(&self, _: &Name) -> Option<&SecretValue> {
        None
    }
}
