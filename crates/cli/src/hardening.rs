//! Making this process a poor source of secrets for others of the same user. Made hard, not promised: see docs/threat-model.md.

/// No core file, no debugger, no `/proc/PID/mem`. What the system refuses is let be: nothing depends on it.
#[cfg(target_os = "linux")]
pub(crate) fn apply() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

/// No core file.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn apply() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

/// Windows writes no core files unless the user sets up error reporting to do so.
#[cfg(not(unix))]
pub(crate) fn apply() {}
