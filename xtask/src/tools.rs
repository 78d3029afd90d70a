//! Programs that tasks need and cargo installs.

use std::path::PathBuf;

use crate::process::{self, cargo, is_installed};
use crate::project::target;

/// The one that is on the `PATH`, else the one under `target/tools`, which is installed where it is missing.
pub(crate) fn installed(name: &str, version: &str, options: &[&str]) -> Result<PathBuf, String> {
    if is_installed(name) {
        return Ok(name.into());
    }
    let tools = target().join("tools");
    let there = tools.join("bin").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !there.is_file() {
        let mut install = cargo();
        install.args(["install", name, "--version", version, "--locked"]).args(options);
        process::run(install.arg("--root").arg(&tools))?;
    }
    Ok(there)
}
