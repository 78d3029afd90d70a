//! One module per operating system: which store is used, how an entry is labelled, what the store's errors mean.

#[cfg(any(target_os = "macos", test))]
mod apple_status;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod this;
#[cfg(any(
    target_os = "linux",
    target_os = "freebsd",
    target_os = "openbsd",
    target_os = "netbsd",
    target_os = "dragonfly"
))]
#[path = "secret_service.rs"]
mod this;
#[cfg(windows)]
#[path = "windows.rs"]
mod this;
#[cfg(not(any(
    windows,
    target_os = "macos",
    target_os = "linux",
    target_os = "freebsd",
    target_os = "openbsd",
    target_os = "netbsd",
    target_os = "dragonfly"
)))]
#[path = "none.rs"]
mod this;

pub(crate) use this::{connect, explain, has_display, is_locked, modifiers};
