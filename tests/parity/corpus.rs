//! The generated command lines: the same in every run.

use std::collections::BTreeMap;

use crate::rules::{How, PLAIN, RULES, TARGETS};
use crate::station::Case;

/// How many command lines there are at least.
pub const COUNT: usize = 700;

/// Numbers that look random and are the same in every run (splitmix64).
struct Numbers(u64);

impl Numbers {
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

/// Every command line, for the flags that `send` has.
pub fn cases(flags: &BTreeMap<String, Option<char>>) -> Vec<Case> {
    let mut numbers = Numbers(7);
    let mut cases: Vec<Case> = PLAIN.iter().map(|words| Case::new(*words)).collect();
    let mut fragments: Vec<Vec<Fragment>> = Vec::new();
    for (long, how) in RULES.iter().filter(|(long, _)| flags.contains_key(*long)) {
        let named = |numbers: &mut Numbers| match flags.get(*long).copied().flatten() {
            Some(letter) if numbers.below(2) == 0 => format!("-{letter}"),
            _ => format!("--{long}"),
        };
        let made: Vec<Vec<String>> = match how {
            How::Switch => vec![vec![named(&mut numbers)]],
            How::Values(values) => {
                values.iter().map(|value| vec![named(&mut numbers), (*value).to_owned()]).collect()
            }
            How::Words(lists) => {
                lists.iter().map(|words| words.iter().map(|word| (*word).to_owned()).collect()).collect()
            }
            How::Alone(lists) => {
                cases.extend(lists.iter().map(|words| Case::new(*words)));
                Vec::new()
            }
            How::Ours | How::Untried(_) => Vec::new(),
        };
        let is_url = |word: &String| word.starts_with("http") && word.contains("://");
        let fragment = |words: Vec<String>| {
            let is_value =
                |at: usize| at > 0 && ["-x", "-e", "--referer", "--proxy"].contains(&words[at - 1].as_str());
            let has_url = words.iter().enumerate().any(|(at, word)| is_url(word) && !is_value(at));
            Fragment { words, has_url }
        };
        fragments.push(made.into_iter().map(fragment).collect());
    }
    fragments.retain(|of_flag| !of_flag.is_empty());
    for fragment in fragments.iter().flatten() {
        cases.push(with_target(vec![fragment.clone()], TARGETS[0]));
    }
    while cases.len() < COUNT {
        let count = 2 + numbers.below(3);
        let picked = (0..count).map(|_| {
            let of_flag = numbers.one(&fragments).clone();
            numbers.one(&of_flag).clone()
        });
        let picked: Vec<Fragment> = picked.collect();
        let target = numbers.one(TARGETS);
        cases.push(with_target(picked, target));
    }
    cases
}

fn with_target(fragments: Vec<Fragment>, target: &[&str]) -> Case {
    let needs_target = !fragments.iter().any(|fragment| fragment.has_url);
    let mut words: Vec<String> = fragments.into_iter().flat_map(|fragment| fragment.words).collect();
    if needs_target {
        words.extend(target.iter().map(|word| (*word).to_owned()));
    }
    Case { words }
}
