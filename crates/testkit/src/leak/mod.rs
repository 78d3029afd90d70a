//! Leaks: unique texts ("canaries") are planted, and looked for in whatever bytes there are, however they were spelled.
//!
//! A part of the product that gets commands of its own plants its canaries with [`Canaries::plant`], runs its commands,
//! and hands everything that they printed, sent, stored or left in memory to [`Scanner::scan`], with the kind of
//! [`Sink`] that it is. What a canary stands for ([`Kind`]) decides where it may stand.
//!
//! ```
//! use subrosa_testkit::leak::{Canaries, Kind, Scanner, Sink};
//!
//! let mut canaries = Canaries::new();
//! let value = canaries.plant(Kind::Value, "the value of bird");
//! let scanner = Scanner::new(&canaries);
//! assert!(scanner.scan(Sink::Report, "list", b"bird  text", &[]).is_empty());
//! let leaks = scanner.scan(Sink::Report, "list", value.as_bytes(), &[]);
//! assert_eq!(leaks[0].to_string(), "the value of bird stands as it is in list (Report), at byte 3");
//! // what a command was asked to show is named
//! assert!(scanner.scan(Sink::Report, "get", value.as_bytes(), &["the value of bird"]).is_empty());
//! ```

mod canary;
mod form;
mod sink;

use std::collections::BTreeMap;
use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};

pub use canary::{Canaries, Kind};
pub use form::Form;
pub use sink::Sink;

/// A canary where it may not be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leak {
    /// The label of the canary.
    pub canary: String,
    /// The kind of place.
    pub sink: Sink,
    /// The place's name.
    pub place: String,
    /// How it is spelled there.
    pub form: Form,
    /// Where it was seen first.
    pub at: usize,
}

/// Names canary, form and place, never the canary itself: a report of a leak is read in logs.
impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { canary, sink, place, form, at } = self;
        write!(f, "{canary} stands {form} in {place} ({sink:?}), at byte {at}")
    }
}

/// Looks for canaries in every form at once.
pub struct Scanner {
    canaries: Canaries,
    automaton: AhoCorasick,
    /// The canary and the form of each pattern.
    meanings: Vec<(usize, Form)>,
}

impl Scanner {
    /// Looks for these, and for none that is planted later.
    ///
    /// # Panics
    /// If there is none: a scanner that finds nothing proves nothing.
    #[must_use]
    pub fn new(canaries: &Canaries) -> Self {
        assert!(!canaries.0.is_empty(), "nothing to look for");
        let (mut patterns, mut meanings) = (Vec::new(), Vec::new());
        for (at, canary) in canaries.0.iter().enumerate() {
            for (form, pattern) in canary.needles.iter().flat_map(|needle| form::spellings(needle)) {
                patterns.push(pattern);
                meanings.push((at, form));
            }
        }
        let mut builder = AhoCorasick::builder();
        builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard);
        let automaton = builder.build(patterns).expect("patterns of a few megabytes");
        Self { canaries: canaries.clone(), automaton, meanings }
    }

    /// The canaries in `bytes` that may not be there, each form of each once, in the order of their labels. `shown` names
    /// those that this place was asked to hold.
    #[must_use]
    pub fn scan(&self, sink: Sink, place: &str, bytes: &[u8], shown: &[&str]) -> Vec<Leak> {
        let mut first = BTreeMap::new();
        for found in self.automaton.find_overlapping_iter(bytes) {
            let (canary, form) = self.meanings[found.pattern().as_usize()];
            let canary = &self.canaries.0[canary];
            if !sink.allows(canary.kind) && !shown.contains(&canary.label.as_str()) {
                first.entry((&canary.label, form)).or_insert(found.start());
            }
        }
        let leak = |((canary, form), at): ((&String, Form), usize)| Leak {
            canary: canary.clone(),
            sink,
            place: place.to_owned(),
            form,
            at,
        };
        first.into_iter().map(leak).collect()
    }

    /// The labels of the canaries that stand in `bytes` in any form, allowed or not: a scan that is to prove something
    /// looks where there is something.
    #[must_use]
    pub fn labels_in(&self, bytes: &[u8]) -> Vec<&str> {
        let found = self.automaton.find_overlapping_iter(bytes);
        let mut labels: Vec<&str> = found
            .map(|found| self.canaries.0[self.meanings[found.pattern().as_usize()].0].label.as_str())
            .collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    }
}

#[cfg(test)]
mod tests;
