//! All spellings of all values, searched for in one pass.

use std::{ops::Range, sync::OnceLock};

use aho_corasick::{
    Anchored, MatchKind, Span,
    automaton::{Automaton, StateID},
    nfa::contiguous::NFA,
    packed,
};
use zeroize::Zeroizing;

use super::forms::{Spelling, spellings};
use crate::Name;

/// How much of a spelling the automaton holds. What is longer is followed byte by byte once this much of it has
/// been seen, so that the cost of building depends on the number of secrets and not on their size.
const ANCHOR_LEN: usize = 32;

/// How much of each spelling the scout looks for. More is compared slower, less is found too often in plain text.
const SCOUTED_LEN: usize = 3;

/// The searcher for a set of values.
pub(super) struct Patterns {
    automaton: NFA,
    scout: Option<packed::Searcher>,
    /// In the order of the automaton's patterns, which is byte order.
    anchors: Vec<Anchor>,
    long: Vec<Long>,
    names: Vec<Name>,
}

/// The beginning of one or more spellings.
struct Anchor {
    text: Spelling,
    /// The name whose spelling ends here.
    complete: Option<usize>,
    /// The spellings that go on, as range of [`Patterns::long`].
    long: Range<usize>,
}

/// A spelling longer than its anchor.
struct Long {
    text: Spelling,
    name: usize,
    borders: OnceLock<Zeroizing<Vec<u32>>>,
}

/// An occurrence of a value, in bytes from the beginning of the text.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) name: usize,
}

impl Patterns {
    /// `None` when there is nothing to search for, or more than an automaton can hold.
    pub(super) fn build(values: Vec<(Name, &[u8])>) -> Option<Self> {
        let mut all: Vec<(Spelling, usize)> = Vec::new();
        for (index, (_, value)) in values.iter().enumerate() {
            all.extend(spellings(value).into_iter().map(|spelling| (spelling, index)));
        }
        if all.is_empty() {
            return None;
        }
        // of two secrets with the same value the first one lends its name
        all.sort_unstable_by(|(a, first), (b, second)| (a.as_slice(), first).cmp(&(b.as_slice(), second)));
        all.dedup_by(|later, earlier| later.0 == earlier.0);
        let (anchors, long) = anchored(all);
        let texts = anchors.iter().map(|anchor| anchor.text.as_slice());
        let automaton = NFA::builder().match_kind(MatchKind::Standard).build(texts).ok()?;
        let scout = scout(&anchors);
        let names = values.into_iter().map(|(name, _)| name).collect();
        Some(Self { automaton, scout, anchors, long, names })
    }

    pub(super) fn name(&self, index: usize) -> &Name {
        &self.names[index]
    }

    /// The first place from `at` on where a spelling may begin, so that the automaton need not look at what is before it.
    fn skip(&self, text: &[u8], at: usize) -> usize {
        let Some(scout) = self.scout.as_ref().filter(|_| text.len() - at >= SCOUTED_LEN) else { return at };
        match scout.find_in(text, Span::from(at..text.len())) {
            Some(found) => found.start(),
            // the next piece may complete what begins in the last bytes
            None => text.len() - (SCOUTED_LEN - 1),
        }
    }

    /// How many of the last bytes of `text` may be the beginning of an occurrence.
    pub(super) fn begun(&self, text: &[u8]) -> usize {
        let most = text.len().min(ANCHOR_LEN - 1);
        let begins = |tail: &[u8]| {
            let at = self.anchors.partition_point(|anchor| anchor.text.as_slice() < tail);
            self.anchors.get(at).is_some_and(|anchor| anchor.text.starts_with(tail))
        };
        (1..=most).rev().find(|len| begins(&text[text.len() - len..])).unwrap_or(0)
    }
}

/// Splits sorted spellings into what the automaton holds and what goes on after it.
fn anchored(all: Vec<(Spelling, usize)>) -> (Vec<Anchor>, Vec<Long>) {
    let mut anchors: Vec<Anchor> = Vec::with_capacity(all.len());
    let mut long = Vec::new();
    for (text, name) in all {
        let head = &text[..text.len().min(ANCHOR_LEN)];
        if anchors.last().is_none_or(|anchor| anchor.text.as_slice() != head) {
            let at = long.len();
            anchors.push(Anchor { text: Spelling::new(head.to_vec()), complete: None, long: at..at });
        }
        let Some(anchor) = anchors.last_mut() else { continue };
        if text.len() <= ANCHOR_LEN {
            anchor.complete = Some(name);
        } else {
            long.push(Long { text, name, borders: OnceLock::new() });
            anchor.long.end = long.len();
        }
    }
    (anchors, long)
}

/// Finds the beginnings of spellings many bytes at a time; `None` where the processor cannot, or there are too many.
fn scout(anchors: &[Anchor]) -> Option<packed::Searcher> {
    let mut heads: Vec<&[u8]> =
        anchors.iter().map(|anchor| &anchor.text[..anchor.text.len().min(SCOUTED_LEN)]).collect();
    heads.dedup();
    packed::Config::new().builder().extend(heads).build()
}

impl Long {
    /// For each prefix the length of its longest proper border (Knuth, Morris and Pratt), computed when the
    /// anchor is first seen.
    fn borders(&self) -> &[u32] {
        self.borders.get_or_init(|| {
            let mut borders: Zeroizing<Vec<u32>> = Zeroizing::new(vec![0; self.text.len()]);
            let mut len = 0;
            for at in 1..self.text.len() {
                while len > 0 && self.text[at] != self.text[len] {
                    len = borders[len - 1] as usize;
                }
                len += usize::from(self.text[at] == self.text[len]);
                // a spelling has at most six times the bytes of a value: far below 4 GiB
                borders[at] = len as u32;
            }
            borders
        })
    }
}

/// A search that can go on with the next piece of a text.
pub(super) struct Search {
    state: Option<StateID>,
    /// Whether the last bytes are the beginning of no spelling.
    is_idle: bool,
    trails: Vec<Trail>,
    /// Bytes seen so far.
    at: usize,
}

/// A long spelling of which `matched` bytes, at least its anchor, have just been seen.
struct Trail {
    long: usize,
    matched: usize,
}

impl Search {
    pub(super) fn new() -> Self {
        Self { state: None, is_idle: true, trails: Vec::new(), at: 0 }
    }

    /// Whether the last bytes are the beginning of no spelling.
    pub(super) fn is_idle(&self) -> bool {
        self.is_idle
    }

    /// Where the earliest spelling begins that is longer than its anchor and may still be completed.
    pub(super) fn trail_start(&self) -> usize {
        self.trails.iter().map(|trail| self.at - trail.matched).min().unwrap_or(self.at)
    }

    /// Looks through the next piece and appends every occurrence that ends in it.
    pub(super) fn feed(&mut self, patterns: &Patterns, piece: &[u8], found: &mut Vec<Found>) {
        let automaton = &patterns.automaton;
        let Ok(start) = automaton.start_state(Anchored::No) else { return };
        let mut state = self.state.unwrap_or(start);
        let (begun, mut next) = (self.at, 0);
        loop {
            if state == start && self.trails.is_empty() {
                next = patterns.skip(piece, next);
            }
            let Some(&byte) = piece.get(next) else { break };
            state = automaton.next_state(Anchored::No, state, byte);
            next += 1;
            self.at = begun + next;
            if !self.trails.is_empty() {
                self.follow(patterns, byte, found);
            }
            if automaton.is_special(state) && automaton.is_match(state) {
                for index in 0..automaton.match_len(state) {
                    self.hit(patterns, automaton.match_pattern(state, index).as_usize(), found);
                }
            }
        }
        self.at = begun + piece.len();
        self.is_idle = state == start;
        self.state = Some(state);
    }

    fn hit(&mut self, patterns: &Patterns, anchor: usize, found: &mut Vec<Found>) {
        let anchor = &patterns.anchors[anchor];
        if let Some(name) = anchor.complete {
            record(found, Found { start: self.at - anchor.text.len(), end: self.at, name });
        }
        for long in anchor.long.clone() {
            if !self.trails.iter().any(|trail| trail.long == long) {
                self.trails.push(Trail { long, matched: ANCHOR_LEN });
            }
        }
    }

    fn follow(&mut self, patterns: &Patterns, byte: u8, found: &mut Vec<Found>) {
        let at = self.at;
        self.trails.retain_mut(|trail| {
            let long = &patterns.long[trail.long];
            // below the anchor the automaton knows more
            while trail.matched >= ANCHOR_LEN && long.text[trail.matched] != byte {
                trail.matched = long.borders()[trail.matched - 1] as usize;
            }
            if trail.matched < ANCHOR_LEN {
                return false;
            }
            trail.matched += 1;
            if trail.matched == long.text.len() {
                record(found, Found { start: at - trail.matched, end: at, name: long.name });
                trail.matched = long.borders()[trail.matched - 1] as usize;
            }
            trail.matched >= ANCHOR_LEN
        });
    }
}

/// Appends an occurrence; one that overlaps the last of the same secret is joined with it, so that a text made
/// of one repeated value costs no memory.
fn record(found: &mut Vec<Found>, next: Found) {
    match found.last_mut() {
        Some(last) if last.name == next.name && last.start <= next.start && next.start < last.end => {
            last.end = last.end.max(next.end);
        }
        _ => found.push(next),
    }
}
