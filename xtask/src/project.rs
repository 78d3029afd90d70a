//! Where things are, and what kind of run this is.

use std::env;
use std::path::PathBuf;

/// The folder of the project.
pub(crate) fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or_else(|| manifest.clone(), PathBuf::from)
}

/// The build folder, as cargo finds it.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Whether this is CI, where nothing may be skipped in silence.
pub(crate) fn in_ci() -> bool {
    matches!(env::var("CI").as_deref(), Ok("true" | "1"))
}
