//! The generated command lines: the same in every run.
//!
//! Each flag has numbers of its own, made from its name. A flag that comes or goes changes the command lines that it
//! leads, and of the others only those few in which it is met.

use std::collections::BTreeMap;

use crate::rules::{How, PLAIN, RULES, TARGETS};
use crate::station::Case;

/// How many command lines there are at least.
pub const COUNT: usize = 700;
/// In how many command lines a flag is the first of several.
const LED: u64 = 3;

/// Numbers that look random and are the same in every run (splitmix64).
struct Numbers(u64);

impl Numbers {
    /// Those of a name (FNV-1a).
    fn of(name: &str) -> Self {
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Self(name.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(count).expect("a count")).expect("below a count")
    }

    fn one<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// Words of one flag, and whether they name a URL.
#[derive(Clone)]
struct Fragment {
    words: Vec<String>,
    has_url: bool,
}

/// All that is tried of one flag.
struct OfFlag {
    long: &'static str,
    fragments: Vec<Fragment>,
}

/// Every command line, for the flags that `send` has.
pub fn cases(flags: &BTreeMap<String, Option<char>>) -> Vec<Case> {
    let mut cases: Vec<Case> = PLAIN.iter().map(|words| Case::new(*words)).collect();
    let mut tried: Vec<OfFlag> = Vec::new();
    for (long, how) in RULES.iter().filter(|(long, _)| flags.contains_key(*long)) {
        match how {
            How::Alone(lists) => cases.extend(lists.iter().map(|words| Case::new(*words))),
            how => {
                let fragments = fragments(long, flags.get(*long).copied().flatten(), how);
                tried.extend((!fragments.is_empty()).then_some(OfFlag { long, fragments }));
            }
        }
    }
    for fragment in tried.iter().flat_map(|flag| &flag.fragments) {
        cases.push(with_target(vec![fragment.clone()], TARGETS[0]));
    }
    cases.extend(tried.iter().flat_map(|flag| (0..LED).map(|round| led_by(flag, round, &tried))));
    cases
}

/// What stands on command lines for one flag.
fn fragments(long: &str, letter: Option<char>, how: &How) -> Vec<Fragment> {
    let mut numbers = Numbers::of(long);
    let mut named = || match letter {
        Some(letter) if numbers.below(2) == 0 => format!("-{letter}"),
        _ => format!("--{long}"),
    };
    let made: Vec<Vec<String>> = match how {
        How::Switch => vec![vec![named()]],
        How::Values(values) => values.iter().map(|value| vec![named(), (*value).to_owned()]).collect(),
        How::Words(lists) => {
            lists.iter().map(|words| words.iter().map(|word| (*word).to_owned()).collect()).collect()
        }
        How::Alone(_) | How::Ours | How::Untried(_) => Vec::new(),
    };
    let is_url = |word: &String| word.starts_with("http") && word.contains("://");
    let fragment = |words: Vec<String>| {
        let is_value =
            |at: usize| at > 0 && ["-x", "-e", "--referer", "--proxy"].contains(&words[at - 1].as_str());
        let has_url = words.iter().enumerate().any(|(at, word)| is_url(word) && !is_value(at));
        Fragment { words, has_url }
    };
    made.into_iter().map(fragment).collect()
}

/// A command line of this flag and a few others.
fn led_by(flag: &OfFlag, round: u64, tried: &[OfFlag]) -> Case {
    let mut numbers = Numbers::of(&format!("{} {round}", flag.long));
    let mut picked = vec![numbers.one(&flag.fragments).clone()];
    for place in 0..=numbers.below(3) {
        // of all flags the one whose number is the highest: another flag changes nothing unless its own is higher
        let drawn =
            |other: &OfFlag| Numbers::of(&format!("{} {round} {place} {}", flag.long, other.long)).next();
        let other = tried.iter().max_by_key(|other| drawn(other)).expect("a flag");
        let mut numbers = Numbers::of(&format!("{} {round} {place} of {}", flag.long, other.long));
        picked.push(numbers.one(&other.fragments).clone());
    }
    // who is met may also stand in front
    if numbers.below(2) == 0 {
        picked.rotate_left(1);
    }
    with_target(picked, TARGETS[numbers.below(TARGETS.len())])
}

fn with_target(fragments: Vec<Fragment>, target: &[&str]) -> Case {
    let needs_target = !fragments.iter().any(|fragment| fragment.has_url);
    let mut words: Vec<String> = fragments.into_iter().flat_map(|fragment| fragment.words).collect();
    if needs_target {
        words.extend(target.iter().map(|word| (*word).to_owned()));
    }
    Case { words }
}
