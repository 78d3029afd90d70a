//! A bound on what a server sends in place of the response head that it is asked for.
//!
//! Over HTTP/2 interim heads, pings and settings are dealt with below this crate, each in little memory, and there could
//! be more of them for ever.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stream::Stream;

/// Far above the largest head and what may still come of a body that nobody reads any more.
const MAX_BYTES: usize = 8 << 20;

/// How much has come since something useful came.
#[derive(Default)]
pub(super) struct Awaited {
    heads: AtomicUsize,
    bytes: AtomicUsize,
}

/// A head that is waited for, until this is dropped.
pub(super) struct Wait<'a>(&'a Awaited);

impl Awaited {
    /// A head is waited for.
    pub(super) fn head(&self) -> Wait<'_> {
        self.heads.fetch_add(1, Ordering::Relaxed);
        self.progress();
        Wait(self)
    }

    /// Something useful came.
    pub(super) fn progress(&self) {
        self.bytes.store(0, Ordering::Relaxed);
    }

    fn count(&self, bytes: usize) -> io::Result<()> {
        let all = self.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if self.heads.load(Ordering::Relaxed) > 0 && all > MAX_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no response head among all that came"));
        }
        Ok(())
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.0.heads.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream whose incoming bytes are counted.
pub(super) struct Counted {
    pub(super) stream: Stream,
    pub(super) awaited: Arc<Awaited>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        Poll::Ready(self.awaited.count(buffer.filled().len() - before))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
