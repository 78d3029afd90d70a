//! What is cached of connections: when it counts, and for how long.

use super::connection::Place;
use super::{Connection, DEFAULT_TTL};
use crate::output;
use subrosa_secret::SecretValue;
use subrosa_vault::{Cache, CacheEntry, CacheKind, CachePlace, Loaded};

/// Where the cache keeps what a connection answered for a target.
pub(crate) fn place_of(place: Place, target: &str) -> CachePlace<'_> {
    let Place { id, version } = place;
    CachePlace { kind: CacheKind::Value, connection: id, version, target }
}

/// What the cache holds for a target. Damage is said once for the file and is as if there were nothing.
pub(super) fn find(loaded: &Loaded<'_>, place: Place, target: &str, warned: &mut bool) -> Option<CacheEntry> {
    let found = loaded.find(&place_of(place, target));
    let problem = loaded
        .problem()
        .map(str::to_owned)
        .or_else(|| found.as_ref().err().map(|_| String::from("is damaged or was tampered with")));
    if let Some(problem) = problem.filter(|_| !std::mem::replace(warned, true)) {
        output::warn(&format!("the vault's cache {problem}; what is damaged is not used"));
        output::hint("subrosa cache clear");
    }
    found.ok().flatten()
}

/// For how long an answer of now is kept, and for how long it is a last resort.
pub(super) fn entry(
    connection: &Connection,
    link_ttl: Option<u64>,
    vault_ttl: Option<u64>,
    session_end: Option<i64>,
    now: i64,
    content: SecretValue,
) -> Option<CacheEntry> {
    let ttl = link_ttl.or(connection.ttl).or(vault_ttl).unwrap_or(DEFAULT_TTL);
    let after = |from: i64, seconds: u64| from.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX));
    let end = session_end.unwrap_or(i64::MAX);
    let expires = after(now, ttl).min(end);
    let kept = after(expires, connection.stale_if_error.unwrap_or(0)).min(end);
    (kept > now).then_some(CacheEntry { fetched: now, expires, kept, content })
}

/// Drops what is kept for these targets. That it cannot be dropped is worth a warning: it would be used again.
pub(crate) fn drop_targets(cache: &Cache, places: &[CachePlace<'_>]) {
    if let Err(error) = cache.remove(places) {
        output::warn(&format!("the vault's cache cannot be written: {}", crate::failure::reason(&error)));
    }
}
