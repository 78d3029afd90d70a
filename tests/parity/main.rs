//! The same words do the same in `subrosa send` as in the installed curl: what goes over the wire, the exit code,
//! standard output and the files written are compared. Where they differ, that was decided, and `decided` says why.
#![cfg(unix)]

mod answers;
mod corpus;
mod decided;
mod digest;
mod documented;
mod proxy;
mod rules;
mod station;
mod verbose;

use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use decided::{Change, DECIDED, How};
use rules::RULES;
use station::{Aspect, Case, Seen, Station};
use subrosa_testkit::needs;

/// What a comparison of many cases found.
#[derive(Default)]
struct Found {
    /// Differences that nobody decided.
    differing: Vec<String>,
    /// The decisions that were needed, by their place in [`DECIDED`].
    used: BTreeSet<usize>,
}

/// Runs each case by both programs, several at a time.
fn compare(cases: &[Case]) -> Found {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Found::default()));
    let workers = 2 * thread::available_parallelism().map_or(2, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let station = Station::new();
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (curl, ours) = (station.curl(case), station.subrosa(case));
                    judge(case, &curl, &ours, &mut found.lock().expect("no test has failed"));
                }
            });
        }
    });
    found.into_inner().expect("no test has failed")
}

fn judge(case: &Case, curl: &Seen, ours: &Seen, found: &mut Found) {
    let mut aspects = curl.differs(ours);
    if aspects.contains(&Aspect::Wire)
        && let Some(needed) = same_but_for(case, curl, ours)
    {
        found.used.extend(needed);
        aspects.retain(|aspect| *aspect != Aspect::Wire);
    }
    for (at, decision) in DECIDED.iter().enumerate() {
        let How::Outcome(when, not_compared) = &decision.how else { continue };
        let before = aspects.len();
        if before > 0 && when(case, curl, ours) {
            aspects.retain(|aspect| !not_compared.contains(aspect));
        }
        if aspects.len() < before {
            found.used.insert(at);
        }
    }
    if !aspects.is_empty() {
        let typed = station::typed(&case.words);
        let (theirs, ours) = (curl.shown(&aspects), ours.shown(&aspects));
        found.differing.push(format!("{typed}\n  {aspects:?}\n  curl: {theirs}\n  ours: {ours}\n"));
    }
}

/// The decisions by which the requests are the same, each of which is needed for that.
fn same_but_for(case: &Case, curl: &Seen, ours: &Seen) -> Option<Vec<usize>> {
    let mut changes: Vec<(usize, Change)> = Vec::new();
    for (at, decision) in DECIDED.iter().enumerate() {
        match decision.how {
            How::Wire(when, change) if when(case, curl, ours) => changes.push((at, change)),
            _ => {}
        }
    }
    let same_without = |left_out: Option<usize>| {
        let changed = |seen: &Seen| -> Vec<String> {
            let kept = || changes.iter().filter(|(at, _)| Some(*at) != left_out);
            let change = |text: &String| kept().fold(text.clone(), |text, (_, change)| change(&text));
            seen.requests.iter().map(change).filter(|text| !text.is_empty()).collect()
        };
        changed(curl) == changed(ours)
    };
    let needed = changes.iter().map(|(at, _)| *at).filter(|at| !same_without(Some(*at)));
    same_without(None).then(|| needed.collect())
}

#[test]
fn generated_command_lines_do_what_they_do_in_curl() {
    if !needs(&["curl"]) {
        return;
    }
    let cases = corpus::cases(&station::supported());
    assert!(cases.len() >= corpus::COUNT);
    let found = compare(&cases);
    let count = found.differing.len();
    assert_eq!(count, 0, "{count} of {} differ:\n{}", cases.len(), found.differing.join("\n"));
    let unneeded = DECIDED.iter().enumerate().filter(|(at, _)| !found.used.contains(at));
    let unneeded: Vec<&str> = unneeded.map(|(_, decision)| decision.what).collect();
    assert!(unneeded.is_empty(), "no longer different: {unneeded:?}");
}

#[test]
fn documented_command_lines_do_what_they_do_in_curl() {
    if !needs(&["curl"]) {
        return;
    }
    let mut cases = documented::cases();
    assert!(cases.len() >= 100);
    let flags = station::supported();
    for (long, words) in [("form", ["-F", "--form"]), ("remote-header-name", ["-J", "--remote-header-name"])]
    {
        cases.retain(|case| flags.contains_key(long) || !case.has(&words));
    }
    let found = compare(&cases);
    assert!(found.differing.is_empty(), "{}", found.differing.join("\n"));
}

#[test]
fn every_flag_has_a_rule() {
    let flags = station::supported();
    assert!(flags.len() > 50, "{flags:?}");
    let ruled: BTreeSet<&str> = RULES.iter().map(|(long, _)| *long).collect();
    assert_eq!(ruled.len(), RULES.len(), "a flag has two rules");
    let missing: Vec<&String> = flags.keys().filter(|long| !ruled.contains(long.as_str())).collect();
    assert!(missing.is_empty(), "tests/parity/rules.rs has no rule for {missing:?}");
}

#[test]
fn the_documentation_lists_what_was_decided() {
    let text = include_str!("../../docs/curl.md");
    let listed: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    let decided: Vec<String> =
        DECIDED.iter().map(|decision| format!("| {} | {} |", decision.what, decision.why)).collect();
    assert_eq!(listed, decided);
}
