//! `cargo xtask docs`: what is generated from the program itself.

use std::fs;

use crate::process::{self, cargo};
use crate::project::target;

/// Writes man pages to `target/docs/man` and shell completions to `target/docs/completions`.
pub(crate) fn run() -> Result<(), String> {
    for what in ["man", "completions"] {
        let folder = target().join("docs").join(what);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        process::run(
            cargo().args(["run", "--quiet", "--package", "subrosa", "--", "generate", what]).arg(&folder),
        )?;
        let files = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?.count();
        println!("{}: {files} files", folder.display());
    }
    Ok(())
}
