//! `--retry`: what is tried again, and when.
//!
//! Which faults pass by themselves is curl's choice, as is the back-off: 1 s, 2 s, 4 s up to ten minutes. Beyond curl,
//! a server that limits rates is understood in the three ways in which servers say when to come back.

use super::http_date;
use super::operation::Operation;
use std::time::Duration;
use subrosa_http::ResponseHead;

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// How an attempt ended, as far as it matters here.
pub(super) struct Ended<'a> {
    /// The exit code of the attempt alone.
    pub(super) code: u8,
    /// Whether nobody listened at the address.
    pub(super) is_refused: bool,
    /// Whether the body was read from a stream, which is gone.
    pub(super) is_spent: bool,
    pub(super) head: Option<&'a ResponseHead>,
}

/// The attempts that one transfer has left.
pub(super) struct Retries<'a> {
    operation: &'a Operation,
    left: u64,
    delay: Duration,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This is how it ends.
    Stop,
    /// The server asks for a wait that is longer than the user allows.
    TooLong(Duration),
    /// The body cannot be sent again.
    Spent,
    Again {
        after: Duration,
        why: String,
    },
}

impl<'a> Retries<'a> {
    pub(super) fn new(operation: &'a Operation) -> Self {
        Self { operation, left: operation.retry.count, delay: operation.retry.delay.unwrap_or(FIRST_WAIT) }
    }

    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// `passed` is the time since the first attempt began, `now` is that of the wall in seconds since 1970.
    pub(super) fn next(&mut self, ended: &Ended<'_>, passed: Duration, now: i64) -> Next {
        let limit = self.operation.retry.max_time;
        if self.left == 0 || limit.is_some_and(|limit| passed >= limit) {
            return Next::Stop;
        }
        let Some(why) = self.reason(ended) else { return Next::Stop };
        if ended.is_spent {
            return Next::Spent;
        }
        let asked = ended.head.filter(|_| is_http(ended)).and_then(|head| asked_wait(head, now));
        if let Some(asked) = asked {
            let rest = limit.map(|limit| limit.saturating_sub(passed));
            if [rest, self.operation.max_time].into_iter().flatten().any(|most| asked > most) {
                return Next::TooLong(asked);
            }
        }
        let after = self.delay.max(asked.unwrap_or_default());
        self.left -= 1;
        if self.operation.retry.delay.is_none() {
            self.delay = (self.delay * 2).min(LONGEST_WAIT);
        }
        Next::Again { after, why }
    }

    /// Why it is worth another attempt.
    fn reason(&self, ended: &Ended<'_>) -> Option<String> {
        let retry = &self.operation.retry;
        Some(match ended.code {
            28 => "timed out".to_owned(),
            5 | 6 => "could not resolve the host".to_owned(),
            7 if ended.is_refused && retry.refused => "connection refused".to_owned(),
            _ if is_http(ended) => format!("status {}", ended.head?.status),
            code if code != 0 && retry.all => format!("failed (exit code {code})"),
            _ => return None,
        })
    }
}

/// An answer that says "not now": with `-f` it counts as an error, without as a success.
fn is_http(ended: &Ended<'_>) -> bool {
    let status = ended.head.map_or(0, |head| head.status);
    matches!(ended.code, 0 | 22) && matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// When the server wants to be asked again.
fn asked_wait(head: &ResponseHead, now: i64) -> Option<Duration> {
    let number = |name: &str| std::str::from_utf8(head.header(name)?).ok()?.trim().parse::<u64>().ok();
    let from_now = |time: i64| Duration::from_secs(u64::try_from(time.saturating_sub(now)).unwrap_or(0));
    if let Some(value) = head.header("retry-after") {
        if let Some(seconds) = number("retry-after") {
            return Some(Duration::from_secs(seconds));
        }
        if let Some(time) = http_date::parse(value) {
            return Some(from_now(time.as_second()));
        }
    }
    if let Some(seconds) = number("x-throttle-wait-seconds") {
        return Some(Duration::from_secs(seconds));
    }
    // many servers count with every answer, whether there is something to wait for or not
    let reset = number("x-ratelimit-reset").filter(|_| matches!(head.status, 429 | 503))?;
    Some(match reset {
        // no window of a rate is thirty years long: this is a point in time, or one in milliseconds
        1_000_000_000..1_000_000_000_000 => from_now(i64::try_from(reset).unwrap_or(i64::MAX)),
        1_000_000_000_000.. => from_now(i64::try_from(reset / 1000).unwrap_or(i64::MAX)),
        seconds => Duration::from_secs(seconds),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::flags::Id;
    use subrosa_http::Version;

    const NOW: i64 = 1_700_000_000;

    fn operation(words: &[(Id, &str)]) -> Operation {
        let mut operation = Operation::default();
        for (id, value) in words {
            match *value {
                "" => operation.switch(*id, true).unwrap(),
                value => operation.take(*id, value.into()).unwrap(),
            }
        }
        operation
    }

    fn head(status: u16, headers: &[(&str, &str)]) -> ResponseHead {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
        ResponseHead {
            version: Version::Http11,
            status,
            reason: String::new(),
            headers: headers.collect(),
            raw: Vec::new(),
        }
    }

    fn seconds(next: &Next) -> Option<u64> {
        match next {
            Next::Again { after, .. } => Some(after.as_secs()),
            _ => None,
        }
    }

    fn answered(head: &ResponseHead) -> Ended<'_> {
        Ended { code: 0, is_refused: false, is_spent: false, head: Some(head) }
    }

    fn failed(code: u8) -> Ended<'static> {
        Ended { code, is_refused: false, is_spent: false, head: None }
    }

    #[test]
    fn waits_double_up_to_ten_minutes_and_come_to_an_end() {
        let operation = operation(&[(Id::Retry, "12")]);
        let mut retries = Retries::new(&operation);
        let busy = head(503, &[]);
        let mut waits = Vec::new();
        while let Some(wait) = seconds(&retries.next(&answered(&busy), Duration::ZERO, NOW)) {
            waits.push(wait);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
    }

    #[test]
    fn only_what_passes_by_itself_is_tried_again() {
        let plain = operation(&[(Id::Retry, "1")]);
        let next = |operation: &Operation, ended: &Ended<'_>| {
            seconds(&Retries::new(operation).next(ended, Duration::ZERO, NOW)).is_some()
        };
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(next(&plain, &answered(&head(status, &[]))), "{status}");
            assert!(next(&plain, &Ended { code: 22, ..answered(&head(status, &[])) }), "-f {status}");
        }
        for status in [200, 301, 400, 401, 403, 404, 501, 505] {
            assert!(!next(&plain, &answered(&head(status, &[]))), "{status}");
        }
        assert!([28, 6].iter().all(|code| next(&plain, &failed(*code))));
        assert!(![7, 52, 56, 60, 22].iter().any(|code| next(&plain, &failed(*code))));
        let refused = Ended { is_refused: true, ..failed(7) };
        assert!(!next(&plain, &refused));
        assert!(next(&operation(&[(Id::Retry, "1"), (Id::RetryConnrefused, "")]), &refused));
        let all = operation(&[(Id::Retry, "1"), (Id::RetryAllErrors, "")]);
        assert!([7, 52, 56, 60, 22].iter().all(|code| next(&all, &failed(*code))));
        assert!(!next(&all, &answered(&head(404, &[]))));
        assert!(!next(&operation(&[]), &answered(&head(503, &[]))));
    }

    #[test]
    fn a_body_that_is_gone_is_not_sent_again() {
        let operation = operation(&[(Id::Retry, "1")]);
        let next = |ended: &Ended<'_>| Retries::new(&operation).next(ended, Duration::ZERO, NOW);
        let busy = head(503, &[]);
        assert_eq!(next(&Ended { is_spent: true, ..answered(&busy) }), Next::Spent);
        assert_eq!(next(&Ended { is_spent: true, ..failed(28) }), Next::Spent);
        // where nothing would be tried again there is nothing to say
        assert_eq!(next(&Ended { is_spent: true, ..failed(52) }), Next::Stop);
        assert_eq!(seconds(&next(&answered(&busy))), Some(1));
    }

    #[test]
    fn the_server_says_when_in_three_ways() {
        let operation = operation(&[(Id::Retry, "1")]);
        let wait = |status, name, value: &str| {
            let head = head(status, &[(name, value)]);
            seconds(&Retries::new(&operation).next(&answered(&head), Duration::ZERO, NOW))
        };
        assert_eq!(wait(503, "Retry-After", "7"), Some(7));
        assert_eq!(wait(500, "Retry-After", "7"), Some(7));
        // 1700000000 is 22:13:20 on that day
        assert_eq!(wait(429, "Retry-After", "Tue, 14 Nov 2023 22:14:20 GMT"), Some(60));
        assert_eq!(wait(429, "Retry-After", "Tue, 14 Nov 2000 22:14:20 GMT"), Some(1));
        assert_eq!(wait(429, "Retry-After", "-5"), Some(1));
        assert_eq!(wait(429, "Retry-After", "soon"), Some(1));
        assert_eq!(wait(429, "X-Throttle-Wait-Seconds", "9"), Some(9));
        assert_eq!(wait(429, "X-RateLimit-Reset", "30"), Some(30));
        assert_eq!(wait(429, "X-RateLimit-Reset", "1700000045"), Some(45));
        assert_eq!(wait(429, "X-RateLimit-Reset", "1700000045000"), Some(45));
        assert_eq!(wait(429, "X-RateLimit-Reset", "1600000000"), Some(1));
        // sent with every answer, it says nothing about a fault
        assert_eq!(wait(500, "X-RateLimit-Reset", "30"), Some(1));
    }

    #[test]
    fn no_wait_is_longer_than_the_user_allows() {
        let busy = head(429, &[("Retry-After", "99999999999999")]);
        let limited = operation(&[(Id::Retry, "5"), (Id::RetryMaxTime, "10")]);
        let next = Retries::new(&limited).next(&answered(&busy), Duration::ZERO, NOW);
        assert_eq!(next, Next::TooLong(Duration::from_secs(99_999_999_999_999)));
        let limited = operation(&[(Id::Retry, "5"), (Id::MaxTime, "10")]);
        let mut retries = Retries::new(&limited);
        assert!(matches!(retries.next(&answered(&busy), Duration::ZERO, NOW), Next::TooLong(_)));
        let soon = head(429, &[("Retry-After", "10")]);
        assert_eq!(seconds(&retries.next(&answered(&soon), Duration::ZERO, NOW)), Some(10));

        let limited = operation(&[(Id::Retry, "5"), (Id::RetryMaxTime, "10"), (Id::RetryDelay, "2")]);
        let mut retries = Retries::new(&limited);
        let busy = head(503, &[]);
        assert_eq!(seconds(&retries.next(&answered(&busy), Duration::from_secs(9), NOW)), Some(2));
        assert_eq!(retries.next(&answered(&busy), Duration::from_secs(10), NOW), Next::Stop);
    }

    #[test]
    fn a_fixed_delay_stays_as_it_is() {
        let operation = operation(&[(Id::Retry, "3"), (Id::RetryDelay, "3")]);
        let mut retries = Retries::new(&operation);
        let busy = head(503, &[]);
        let waits: Vec<_> =
            (0..4).map(|_| seconds(&retries.next(&answered(&busy), Duration::ZERO, NOW))).collect();
        assert_eq!(waits, [Some(3), Some(3), Some(3), None]);
        assert_eq!(retries.left(), 0);
    }
}
