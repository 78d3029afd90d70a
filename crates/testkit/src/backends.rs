//! Backends that `cargo xtask backends` installs into the build folder.

use std::env;
use std::path::{Path, PathBuf};

use crate::{needs, skip};

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

/// The Python of an environment of its own, by the name of its file in `xtask/backends`.
#[cfg(unix)]
pub(crate) fn environment(name: &str) -> Option<PathBuf> {
    let python = folder().join(name).join("bin/python");
    if python.is_file() {
        return Some(python);
    }
    skip(&format!("the Python packages of xtask/backends/{name}.txt"));
    None
}

/// The folder whose `node_modules` holds the packages of `xtask/backends/node`, for a program that is started with `node`;
/// `None` if they are not installed: the test is then to return.
///
/// # Panics
/// In CI, if they are not installed: see [`skip`].
#[must_use]
pub fn backend_node() -> Option<PathBuf> {
    if !needs(&["node"]) {
        return None;
    }
    let home = folder().join("node");
    if home.join("node_modules/.package-lock.json").is_file() {
        return Some(home);
    }
    skip("the npm packages of xtask/backends/node");
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
        let status = Command::new(python)
            .args(["-c", "import cryptography, dotenv, spnego, azure.identity, azure.keyvault.secrets"])
            .status()
            .expect("it runs");
        assert!(status.success());
    }

    #[test]
    fn node_has_its_packages() {
        let Some(home) = backend_node() else { return };
        let script = "require('dotenv'); require('newman')";
        let status = Command::new("node").args(["-e", script]).current_dir(home).status().expect("it runs");
        assert!(status.success());
    }
}
