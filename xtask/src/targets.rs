//! `cargo xtask check-targets`: does the code that other operating systems get still compile?

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::process::{self, cargo, output, program};
use crate::project::target;

const TARGETS: [&str; 2] = ["x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

/// Type-checks the program for every one of the targets that is installed, and names those that are not.
///
/// Rust code is checked as it is. C code, SQLite's and ring's, is not compiled: that takes a cross compiler for each
/// target, for macOS an SDK that cannot be had elsewhere, and a check reads nothing of it.
pub(crate) fn run() -> Result<(), String> {
    let compiler = target().join("check-targets/cc");
    write_stub(&compiler).map_err(|error| format!("{}: {error}", compiler.display()))?;
    let mut failed = Vec::new();
    for triple in TARGETS {
        if !is_installed(triple) {
            println!("{triple}: skipped; `rustup target add {triple}` installs it");
            continue;
        }
        match process::run(&mut check(triple, &compiler)) {
            Ok(()) => println!("{triple}: ok"),
            Err(message) => failed.push(message),
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

fn check(triple: &str, compiler: &Path) -> Command {
    let mut command = cargo();
    command.args(["check", "--locked", "--workspace", "--target", triple]);
    // what is for tests and for building runs where it is developed
    command.args(["--exclude", "subrosa-testkit", "--exclude", "xtask"]);
    let suffix = triple.replace('-', "_");
    for tool in ["CC", "CXX", "AR", "RANLIB"] {
        command.env(format!("{tool}_{suffix}"), compiler);
    }
    // else build scripts ask a Mac's own tools for these
    command.env("SDKROOT", "/").env("MACOSX_DEPLOYMENT_TARGET", "11.0");
    command
}

/// A compiler and archiver that writes an empty file wherever a file is asked for.
const STUB: &str = "\
#!/bin/sh
previous=
for word; do
	case $previous in -o) : >\"$word\" ;; esac
	case $word in *.a | *.lib) : >\"$word\" ;; esac
	previous=$word
done
";

fn write_stub(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::write(path, STUB)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn is_installed(triple: &str) -> bool {
    let libraries = output(program("rustc").args(["--print", "target-libdir", "--target", triple]));
    libraries.is_ok_and(|folder| Path::new(&folder).is_dir())
}
