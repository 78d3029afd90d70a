//! The progress of a long transfer, on one line of a terminal.
//!
//! curl shows its meter wherever standard error goes. Here a person has to be there to see it: standard error is a
//! terminal, the body goes elsewhere, and half a second has passed. A crate for this would bring more than the line.

use super::command_line::CommandLine;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_millis(500);
const PERIOD: Duration = Duration::from_millis(200);

/// Counts the bytes of one body and shows them now and then.
pub(super) struct Meter {
    started: Instant,
    shown: Option<Instant>,
    bytes: u64,
    total: Option<u64>,
}

impl Meter {
    /// A meter, where there is somebody to look at it.
    pub(super) fn new(line: &CommandLine, has_stdout: bool, total: Option<u64>) -> Option<Meter> {
        let free = !(has_stdout && io::stdout().is_terminal());
        let wanted = !line.silent && !line.no_meter && !line.verbose;
        (wanted && free && io::stderr().is_terminal()).then(|| Meter {
            started: Instant::now(),
            shown: None,
            bytes: 0,
            total,
        })
    }

    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        let now = Instant::now();
        let passed = now.duration_since(self.started);
        if passed < PATIENCE || self.shown.is_some_and(|shown| now.duration_since(shown) < PERIOD) {
            return;
        }
        self.shown = Some(now);
        let _ = write!(io::stderr(), "\r\u{1b}[K{}", line(self.bytes, self.total, passed));
    }
}

impl Drop for Meter {
    /// The line makes way for what comes next.
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}

/// `12.0 MiB of 40.0 MiB, 3.0 MiB/s, 9 s left`
fn line(bytes: u64, total: Option<u64>, passed: Duration) -> String {
    let speed = bytes as f64 / passed.as_secs_f64().max(0.001);
    let mut text = size(bytes as f64);
    if let Some(total) = total {
        text = format!("{text} of {}", size(total as f64));
    }
    text = format!("{text}, {}/s", size(speed));
    match total.and_then(|total| total.checked_sub(bytes)) {
        Some(rest) if speed >= 1.0 => format!("{text}, {:.0} s left", rest as f64 / speed),
        _ => text,
    }
}

fn size(bytes: f64) -> String {
    let (mut number, mut units) = (bytes, ["KiB", "MiB", "GiB", "TiB"].iter());
    let mut unit = "B";
    while number >= 1024.0
        && let Some(next) = units.next()
    {
        (number, unit) = (number / 1024.0, next);
    }
    if unit == "B" { format!("{number:.0} B") } else { format!("{number:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_how_fast_and_how_long() {
        let second = Duration::from_secs(1);
        assert_eq!(line(12 << 20, Some(40 << 20), 4 * second), "12.0 MiB of 40.0 MiB, 3.0 MiB/s, 9 s left");
        assert_eq!(line(2048, None, 2 * second), "2.0 KiB, 1.0 KiB/s");
        assert_eq!(line(0, Some(10), second), "0 B of 10 B, 0 B/s");
        // a body that is longer than it said, decoded as it is
        assert_eq!(line(20, Some(10), second), "20 B of 10 B, 20 B/s");
    }
}
