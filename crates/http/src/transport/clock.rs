//! Time limits and the times of `-w`.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use crate::error::HttpError;

/// How long things may take.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// `--connect-timeout`: name lookup, TCP and TLS together. Without it 300 s, as with curl.
    pub connect: Option<Duration>,
    /// `-m`: everything, redirects and the response body included.
    pub total: Option<Duration>,
    /// `--speed-limit`: a transfer that is slower for so long is given up.
    pub slowest: Option<Slowest>,
}

/// How slow a transfer may be, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slowest {
    /// Bytes a second, of the request's body and the response's together.
    pub bytes: u64,
    /// How long fewer of them are put up with.
    pub time: Duration,
}

const DEFAULT_CONNECT: Duration = Duration::from_secs(300);

/// Limits that have begun to run.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    connect: Duration,
    deadline: Option<Instant>,
    slowest: Option<Slowest>,
}

impl Clock {
    /// Starts the total limit now.
    #[must_use]
    pub fn start(limits: &Limits) -> Self {
        let started = Instant::now();
        Self {
            started,
            connect: limits.connect.unwrap_or(DEFAULT_CONNECT),
            deadline: limits.total.and_then(|total| started.checked_add(total)),
            slowest: limits.slowest,
        }
    }

    /// When it was started.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.started
    }

    pub(super) fn slowest(&self) -> Option<Slowest> {
        self.slowest
    }

    /// Waits for `work` no longer than the total limit allows.
    pub(crate) async fn within<T>(
        &self,
        doing: &'static str,
        work: impl Future<Output = Result<T, HttpError>>,
    ) -> Result<T, HttpError> {
        until(self.deadline, doing, work).await
    }

    /// Waits for a connection no longer than both limits allow.
    pub(crate) async fn connecting<T>(
        &self,
        work: impl Future<Output = Result<T, HttpError>>,
    ) -> Result<T, HttpError> {
        let own = Instant::now().checked_add(self.connect);
        let earlier = [self.deadline, own].into_iter().flatten().min();
        until(earlier, "connecting", work).await
    }
}

async fn until<T>(
    deadline: Option<Instant>,
    doing: &'static str,
    work: impl Future<Output = Result<T, HttpError>>,
) -> Result<T, HttpError> {
    match deadline {
        None => work.await,
        Some(deadline) => {
            timeout_at(deadline.into(), work).await.unwrap_or(Err(HttpError::Timeout { doing }))
        }
    }
}
