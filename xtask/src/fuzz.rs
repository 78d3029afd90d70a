//! `cargo xtask fuzz`: every fuzz target under libFuzzer, for its share of the time.

use std::fs;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{self, cargo, output, program};
use crate::project::{root, target};
use crate::tools;

/// Which version is installed where there is none.
const CARGO_FUZZ: &str = "0.13.2";
/// One input that takes longer than this many seconds is a finding.
const TIMEOUT: u64 = 10;
/// And one that takes more memory than this, in MiB, though inputs are of kilobytes.
const MEMORY: u64 = 1024;

/// Runs all targets, together for this many seconds.
pub(crate) fn run(seconds: u64) -> Result<(), String> {
    let names = names()?;
    let share = (seconds / names.len().max(1) as u64).max(1);
    run_targets(&build(None)?, &names, share)
}

/// Runs one target for this many seconds.
pub(crate) fn run_one(seconds: u64, name: &str) -> Result<(), String> {
    let names = names()?;
    if !names.iter().any(|known| known == name) {
        return Err(format!("there is no fuzz target {name}; there are {}", names.join(", ")));
    }
    run_targets(&build(Some(name))?, &[name.to_owned()], seconds.max(1))
}

/// The smoke run: seeds and some changes of them, on the stable toolchain and without libFuzzer.
pub(crate) fn smoke() -> Result<(), String> {
    let mut test = on_fuzz(&["test", "--no-default-features"]);
    process::run(test.arg("--target-dir").arg(target()))
}

/// A cargo command on the package of the targets, which is outside of the workspace.
pub(crate) fn on_fuzz(words: &[&str]) -> Command {
    let mut command = cargo();
    command.args(words).args(["--manifest-path", "fuzz/Cargo.toml", "--locked"]);
    command
}

fn names() -> Result<Vec<String>, String> {
    let folder = root().join("fuzz/fuzz_targets");
    let files = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let paths = files.filter_map(|file| Some(file.ok()?.path()));
    let mut names: Vec<String> =
        paths.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

/// What became of one target.
struct Ran {
    name: String,
    executions: u64,
    finding: Option<PathBuf>,
}

fn run_targets(binaries: &Path, names: &[String], seconds: u64) -> Result<(), String> {
    let ran = names.iter().map(|name| run_target(binaries, name, seconds)).collect::<Result<Vec<_>, _>>()?;
    println!("\n{:<14}{:>14}  finding", "target", "executions");
    for ran in &ran {
        let finding = ran.finding.as_ref().map_or_else(|| "none".into(), |path| path.display().to_string());
        println!("{:<14}{:>14}  {finding}", ran.name, ran.executions);
    }
    let executions: u64 = ran.iter().map(|ran| ran.executions).sum();
    let findings = ran.iter().filter(|ran| ran.finding.is_some()).count();
    println!("{:<14}{executions:>14}  {findings} of {} targets", "all", ran.len());
    if findings == 0 { Ok(()) } else { Err(format!("fuzzing found something in {findings} targets")) }
}

/// Builds every target, or one, and says where the binaries are.
fn build(name: Option<&str>) -> Result<PathBuf, String> {
    let cargo_fuzz = tools::installed("cargo-fuzz", CARGO_FUZZ, &[])?;
    let version = output(program("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or("rustc names no host")?;
    let folder = folder();
    // coverage is a flag of nightly compilers; a stable one takes it when it is told to. Without a sanitizer: there is
    // no unsafe code here for one to watch, and SQLite's would not be instrumented
    let mut build = program(cargo_fuzz);
    build.env("RUSTC_BOOTSTRAP", "1").args(["build", "--sanitizer", "none", "--target", host]);
    process::run(build.arg("--target-dir").arg(&folder).args(name))?;
    Ok(folder.join(host).join("release"))
}

/// Where everything goes that fuzzing makes.
fn folder() -> PathBuf {
    target().join("fuzz")
}

fn run_target(binaries: &Path, name: &str, seconds: u64) -> Result<Ran, String> {
    let folder = folder().join("runs").join(name);
    let blame = |error: std::io::Error| format!("{}: {error}", folder.display());
    let (corpus, findings) = (folder.join("corpus"), folder.join("findings"));
    fs::create_dir_all(&corpus).and_then(|()| fs::create_dir_all(&findings)).map_err(blame)?;
    let log = folder.join("log");
    println!("{name}: {seconds} s");
    let mut fuzz = program(binaries.join(name));
    // libFuzzer writes what it finds to the first folder and reads the seeds in the second
    fuzz.arg(&corpus).arg(root().join("fuzz/corpus").join(name));
    fuzz.arg(format!("-max_total_time={seconds}")).arg(format!("-timeout={TIMEOUT}"));
    fuzz.arg(format!("-rss_limit_mb={MEMORY}"));
    fuzz.arg(format!("-artifact_prefix={}/", findings.display())).arg("-print_final_stats=1");
    let words = root().join("fuzz/dictionaries").join(name).with_extension("dict");
    if words.is_file() {
        fuzz.arg(format!("-dict={}", words.display()));
    }
    let status = fuzz.stdout(File::create(folder.join("out")).map_err(blame)?);
    let status = status.stderr(File::create(&log).map_err(blame)?).status().map_err(blame)?;
    let text = String::from_utf8_lossy(&fs::read(&log).map_err(blame)?).into_owned();
    let stat = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    let executions = stat("stat::number_of_executed_units:").unwrap_or(0);
    if status.success() {
        return Ok(Ran { name: name.to_owned(), executions, finding: None });
    }
    let tail = text.lines().filter(|line| line.contains("panicked at") || line.contains("ERROR: "));
    tail.for_each(|line| println!("{name}: {line}"));
    let written = text.lines().find_map(|line| line.split_once("Test unit written to "));
    let finding = written.map_or(log, |(_, path)| path.trim().into());
    Ok(Ran { name: name.to_owned(), executions, finding: Some(finding) })
}
