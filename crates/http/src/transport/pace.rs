//! Giving up on a transfer that is too slow (`--speed-limit`, `--speed-time`).

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::clock::Slowest;
use crate::error::HttpError;

/// How often it is looked at while nothing comes.
const TICK: Duration = Duration::from_secs(1);
/// The speed is that of so long a time, as with curl.
const WINDOW: Duration = Duration::from_secs(5);

/// How fast one transfer has been.
pub(super) struct Pace {
    limit: Option<Slowest>,
    /// When so many bytes had gone or come in all.
    seen: VecDeque<(Instant, u64)>,
    slow_since: Option<Instant>,
}

impl Pace {
    pub(super) fn new(limit: Option<Slowest>, now: Instant) -> Self {
        Self { limit, seen: VecDeque::from([(now, 0)]), slow_since: None }
    }

    /// Waits for `work` as long as it is fast enough; `bytes` says how many have gone or come.
    ///
    /// The work stays where it is: a future within another makes the stack deeper, which has to be wiped.
    pub(super) async fn watch<T>(
        &mut self,
        bytes: impl Fn() -> u64,
        mut work: Pin<&mut impl Future<Output = Result<T, HttpError>>>,
    ) -> Result<T, HttpError> {
        if self.limit.is_none() {
            return work.await;
        }
        loop {
            match timeout(TICK, work.as_mut()).await {
                Ok(done) => return done,
                Err(_) => self.judge(Instant::now(), bytes())?,
            }
        }
    }

    /// Too slow for too long is an error.
    pub(super) fn judge(&mut self, now: Instant, bytes: u64) -> Result<(), HttpError> {
        let Some(limit) = self.limit else { return Ok(()) };
        // one sample of the window's beginning is kept
        while self.seen.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            self.seen.pop_front();
        }
        let (from, before) = self.seen.front().copied().unwrap_or((now, bytes));
        if self.seen.back().is_none_or(|(at, _)| now.duration_since(*at) >= TICK) {
            self.seen.push_back((now, bytes));
        }
        let seconds = now.duration_since(from).as_secs_f64();
        if bytes.saturating_sub(before) as f64 >= limit.bytes as f64 * seconds {
            self.slow_since = None;
            return Ok(());
        }
        let since = *self.slow_since.get_or_insert(from);
        if now.duration_since(since) < limit.time {
            return Ok(());
        }
        Err(HttpError::TooSlow { bytes: limit.bytes, seconds: limit.time.as_secs() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second in which a transfer of so many bytes each second is given up.
    fn given_up(limit: Slowest, each_second: impl Fn(u64) -> u64) -> Option<u64> {
        let start = Instant::now();
        let mut pace = Pace::new(Some(limit), start);
        let mut bytes = 0;
        (1..60).find(|second| {
            bytes += each_second(*second);
            pace.judge(start + Duration::from_secs(*second), bytes).is_err()
        })
    }

    #[test]
    fn too_slow_for_too_long_ends_it() {
        let limit = Slowest { bytes: 100, time: Duration::from_secs(3) };
        assert_eq!(given_up(limit, |_| 0), Some(3));
        assert_eq!(given_up(limit, |_| 99), Some(3));
        assert_eq!(given_up(limit, |_| 100), None);
        // fast at first: the window has to be left behind, and then it is slow for its time
        let late = given_up(limit, |second| if second < 10 { 1000 } else { 0 });
        assert!(late.is_some_and(|second| (12..=18).contains(&second)), "{late:?}");
        // a short pause is none
        assert_eq!(given_up(limit, |second| if second % 4 == 0 { 0 } else { 1000 }), None);
    }
}
