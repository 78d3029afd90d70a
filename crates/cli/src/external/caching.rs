//! What a command line says of the cache; the fuzz targets take this file in with the command line.

/// How a command treats what is cached.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Caching {
    /// Looks everything up anew, and keeps it.
    pub(crate) refresh: bool,
    /// Neither uses nor keeps anything.
    pub(crate) off: bool,
}
