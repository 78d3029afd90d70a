//! Idle connections, kept apart by everything that makes two connections differ.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use subrosa_secret::Origin;

use super::http1::Http1;
use super::http2::Http2;
use crate::auth::Credentials;
use crate::connection::Connection;
use crate::response::Ends;

/// More idle connections than this to one place are closed.
const MAX_IDLE: usize = 8;
/// More than this in all close the one that has been idle the longest: each costs a file descriptor.
const MAX_ALL: usize = 64;
/// What has been idle for longer is closed by now at the other end, or by something in between; curl's own limit.
const MAX_AGE: Duration = Duration::from_secs(118);

/// What a connection was opened for. Two requests share a connection only if these are the same: the origin,
/// and the very same [`Connection`], so trust, client certificate, route and protocol agree (`Arc` identity); and the user
/// whom a handshake on it (NTLM) made it the connection of.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) origin: Origin,
    pub(super) connection: Arc<Connection>,
    pub(super) bound: Option<Arc<Credentials>>,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let same_user = match (&self.bound, &other.bound) {
            (None, None) => true,
            (Some(mine), Some(theirs)) => mine.are_those(theirs),
            _ => false,
        };
        same_user && self.origin == other.origin && Arc::ptr_eq(&self.connection, &other.connection)
    }
}

/// A connection that can carry a request.
pub(super) enum Channel {
    Http1(Box<Http1>),
    Http2(Http2),
}

pub(super) struct Idle {
    pub(super) channel: Channel,
    pub(super) ends: Ends,
}

#[derive(Default)]
pub(super) struct Pool {
    /// In the order in which they became idle.
    idle: Mutex<Vec<Entry>>,
}

struct Entry {
    key: Key,
    idle: Idle,
    since: Instant,
}

impl Entry {
    fn new(key: Key, idle: Idle) -> Self {
        Self { key, idle, since: Instant::now() }
    }

    fn is_good(&self) -> bool {
        let is_closed = matches!(&self.idle.channel, Channel::Http2(shared) if !shared.is_open());
        !is_closed && self.since.elapsed() < MAX_AGE
    }
}

impl Pool {
    /// Takes an idle HTTP/1 connection out, or shares an HTTP/2 one.
    pub(super) fn take(&self, key: &Key) -> Option<Idle> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(Entry::is_good);
        let at = idle.iter().rposition(|entry| entry.key == *key)?;
        let Entry { key, idle: taken, .. } = idle.remove(at);
        if let Channel::Http2(shared) = &taken.channel {
            let again = Idle { channel: Channel::Http2(shared.clone()), ends: taken.ends };
            idle.push(Entry::new(key, again));
        }
        Some(taken)
    }

    pub(super) fn put(&self, key: Key, entry: Idle) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.iter().filter(|entry| entry.key == key).count() < MAX_IDLE {
            idle.push(Entry::new(key, entry));
        }
        if idle.len() > MAX_ALL {
            idle.remove(0);
        }
    }
}

/// The loopback check is about where a connection really ends, so it takes no name.
pub(super) fn ends_here(remote: SocketAddr) -> bool {
    remote.ip().is_loopback()
}
