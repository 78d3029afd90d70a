//! Programs that do the same, in turn.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::is_installed;

/// What measures the most memory that a process had: GNU time.
const GNU_TIME: &str = "/usr/bin/time";

type Make<'c> = Box<dyn Fn(usize) -> Command + 'c>;

/// One program, and the command that it runs in a round.
pub(super) struct Entrant<'c> {
    name: &'static str,
    make: Make<'c>,
    input: Option<fn(usize) -> String>,
    times: Vec<Duration>,
    failures: usize,
}

impl<'c> Entrant<'c> {
    pub(super) fn new(name: &'static str, make: impl Fn(usize) -> Command + 'c) -> Self {
        Self { name, make: Box::new(make), input: None, times: Vec::new(), failures: 0 }
    }

    /// Gives the command something to read, another text in every round.
    pub(super) fn reading(mut self, input: fn(usize) -> String) -> Self {
        self.input = Some(input);
        self
    }

    fn run(&self, round: usize) -> (Duration, bool) {
        let mut command = (self.make)(round);
        command.stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let begun = Instant::now();
        let Ok(mut child) = command.spawn() else { return (Duration::ZERO, false) };
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), self.input) {
            let _ = stdin.write_all(input(round).as_bytes());
        }
        let ended = child.wait().is_ok_and(|status| status.success());
        (begun.elapsed(), ended)
    }

    /// The most memory that was resident, in MB, where there is a program that tells it.
    fn peak(&self) -> Option<f64> {
        peak(&(self.make)(0))
    }

    fn median(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort();
        times.get(times.len() / 2).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }

    fn least(&self) -> f64 {
        self.times.iter().min().map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }
}

/// One piece of work, and who does it.
pub(super) struct Contest<'c> {
    title: String,
    budget: &'static str,
    entrants: Vec<Entrant<'c>>,
}

impl<'c> Contest<'c> {
    pub(super) fn new(title: impl Into<String>, budget: &'static str) -> Self {
        Self { title: title.into(), budget, entrants: Vec::new() }
    }

    pub(super) fn add(&mut self, entrant: Entrant<'c>) {
        self.entrants.push(entrant);
    }

    pub(super) fn enter(&mut self, name: &'static str, make: impl Fn(usize) -> Command + 'c) {
        self.add(Entrant::new(name, make));
    }

    /// Enters a peer, if it is there.
    pub(super) fn enter_installed(&mut self, name: &'static str, make: impl Fn(usize) -> Command + 'c) {
        if is_installed(name) {
            self.enter(name, make);
        }
    }

    /// Lets everybody run in turn, and prints a table. Ratios are to the first, which is subrosa.
    pub(super) fn hold(mut self, rounds: usize) {
        for round in 0..=rounds {
            for entrant in &mut self.entrants {
                let (time, done) = entrant.run(round);
                entrant.failures += usize::from(!done);
                if round > 0 {
                    entrant.times.push(time);
                }
            }
        }
        let budget =
            if self.budget.is_empty() { String::new() } else { format!(" (budget {})", self.budget) };
        println!("\n{}{budget}", self.title);
        println!("  | program | median ms | least ms | subrosa takes | peak MB |");
        println!("  |---|---|---|---|---|");
        let ours = self.entrants.first().map_or(f64::NAN, Entrant::median);
        for entrant in &self.entrants {
            let peak = entrant.input.is_none().then(|| entrant.peak()).flatten();
            let peak = peak.map_or("-".to_owned(), |peak| format!("{peak:.1}"));
            let (median, least) = (entrant.median(), entrant.least());
            let failed = match entrant.failures {
                0 => String::new(),
                count => format!(" FAILED in {count} rounds"),
            };
            println!(
                "  | {} | {median:.1} | {least:.1} | {:.2} x | {peak} |{failed}",
                entrant.name,
                ours / median
            );
        }
    }
}

/// The most memory that a command had, in MB; `None` where nothing tells it, or the command failed.
pub(super) fn peak(command: &Command) -> Option<f64> {
    let mut timed = Command::new(GNU_TIME);
    timed.args(["-f", "%M", "--"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        value.map(|value| timed.env(name, value));
    }
    let output = timed.stdin(Stdio::null()).stdout(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(text.lines().last()?.trim().parse::<f64>().ok()? * 1024.0 / 1e6)
}

pub(super) fn command(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}
