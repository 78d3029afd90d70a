//! Backends that `cargo xtask backends` installs into the build folder.

use std::env;
use std::path::{Path, PathBuf};

use crate::skip;

/// A Python with the packages of `xtask/backends/requirements.txt`; `None` if it is not installed: the test is then to
/// return.
///
/// # Panics
/// In CI, if it is not installed: see [`skip`].
#[must_use]
pub fn backend_python() -> Option<PathBuf> {
    let python = folder().join(if cfg!(windows) { "python/Scripts/python.exe" } else { "python/bin/python" });
    if python.is_file() {
        return Some(python);
    }
    skip("the Python packages of xtask/backends/requirements.txt");
    None
}

/// Where they are: `cargo xtask test` says so, else in the build folder as cargo finds it.
fn folder() -> PathBuf {
    if let Some(folder) = env::var_os("SUBROSA_BACKENDS") {
        return folder.into();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir)).join("backends")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn python_has_its_packages() {
        let Some(python) = backend_python() else { return };
        let status = Command::new(python).args(["-c", "import cryptography"]).status().expect("it runs");
        assert!(status.success());
    }
}
