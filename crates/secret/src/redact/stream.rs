//! Masking of output that comes in pieces.

use std::{borrow::Cow, sync::Arc};

use zeroize::Zeroizing;

use super::{
    clusters,
    patterns::{Found, Patterns, Search},
};

/// Masks output that comes in pieces, with the same result however it is cut.
///
/// Only bytes that may be the beginning of a value are held back until the next piece decides; everything else
/// is passed on at once, so that a prompt without a line break is seen.
pub struct RedactStream {
    patterns: Option<Arc<Patterns>>,
    search: Search,
    found: Vec<Found>,
    /// What has not been passed on, from byte `passed` of the whole text.
    held: Zeroizing<Vec<u8>>,
    passed: usize,
}

impl RedactStream {
    pub(super) fn new(patterns: Option<Arc<Patterns>>) -> Self {
        Self {
            patterns,
            search: Search::new(),
            found: Vec::new(),
            held: Zeroizing::new(Vec::new()),
            passed: 0,
        }
    }

    /// Takes the next piece and gives what is decided: nearly always the piece itself.
    pub fn push<'p>(&mut self, piece: &'p [u8]) -> Cow<'p, [u8]> {
        let Some(patterns) = self.patterns.clone() else { return Cow::Borrowed(piece) };
        self.search.feed(&patterns, piece, &mut self.found);
        if self.held.is_empty() && self.found.is_empty() {
            let decided = self.decided(&patterns, piece);
            self.held.extend_from_slice(&piece[decided..]);
            self.passed += decided;
            return Cow::Borrowed(&piece[..decided]);
        }
        self.held.extend_from_slice(piece);
        let decided = self.passed + self.decided(&patterns, &self.held);
        let mut out = Vec::with_capacity(self.held.len());
        self.pass(&patterns, decided, &mut out);
        Cow::Owned(out)
    }

    /// How much of what is not passed on has nothing in it that may be the beginning of an occurrence.
    fn decided(&self, patterns: &Patterns, held: &[u8]) -> usize {
        let begun = if self.search.is_idle() { 0 } else { patterns.begun(held) };
        (self.search.trail_start() - self.passed).min(held.len() - begun)
    }

    /// Appends what was held back: the output has ended.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        if let Some(patterns) = self.patterns.take() {
            let seen = self.passed + self.held.len();
            self.pass(&patterns, seen, out);
        }
    }

    /// How many bytes are held back.
    pub fn held_len(&self) -> usize {
        self.held.len()
    }

    /// Passes on what lies before `decided`, where no further occurrence can begin. Occurrences that reach
    /// beyond it wait: another one may overlap them.
    fn pass(&mut self, patterns: &Patterns, decided: usize, out: &mut Vec<u8>) {
        let mut done = self.passed;
        let mut stop = decided;
        // a sorted copy: what is recorded next is joined with what was recorded last
        for cluster in clusters(&mut self.found.clone()) {
            if cluster.end > decided {
                stop = decided.min(cluster.start);
                break;
            }
            out.extend_from_slice(&self.held[done - self.passed..cluster.start - self.passed]);
            cluster.write(patterns, out);
            done = cluster.end;
        }
        out.extend_from_slice(&self.held[done - self.passed..stop - self.passed]);
        self.held.drain(..stop - self.passed);
        self.passed = stop;
        self.found.retain(|found| found.start >= stop);
    }
}
