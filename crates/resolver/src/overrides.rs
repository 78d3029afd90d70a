//! Values given for one call only.

use std::{collections::BTreeMap, sync::Arc};

use subrosa_secret::{Name, SecretValue};

/// Values for names as references write them, from the terminal or standard input, never from the command line.
#[derive(Default)]
pub struct Overrides(BTreeMap<Name, Arc<SecretValue>>);

impl Overrides {
    /// Gives a name a value; a second one replaces the first.
    pub fn insert(&mut self, name: Name, value: SecretValue) {
        self.0.insert(name, Arc::new(value));
    }

    /// The value given for a name.
    #[must_use]
    pub fn value(&self, name: &Name) -> Option<&Arc<SecretValue>> {
        self.0.get(name)
    }

    /// The names that were given values.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.0.keys()
    }
}
