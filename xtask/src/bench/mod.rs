//! `cargo xtask bench`: whole processes against peers, one after another in one run.
//!
//! What is quoted from it are medians and ratios: two programs that take turns on one machine share its noise, absolute
//! times of different days do not. Nothing here passes or fails.

mod contest;
mod external;
mod external_aws;
mod home;
mod keyring;
mod memory;
mod moving;
mod peers;
mod sending;
mod server;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::process::{self, cargo};
use crate::project::target;
use contest::{Contest, Entrant};
use home::Home;

/// How many secrets the vaults hold.
const SIZES: [u32; 4] = [10, 1_000, 10_000, 100_000];
/// Rounds that are counted, after one that is not.
const ROUNDS: usize = 15;

/// Builds what users get and measures it. With `micro`, parts of it by themselves instead.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    match arguments {
        [] => whole(&SIZES),
        ["micro"] => micro(),
        ["moving"] => moving_only(10_000),
        ["sending"] => sending_only(),
        ["external"] => external_only(),
        ["sizes", rest @ ..] if !rest.is_empty() => {
            let sizes: Result<Vec<u32>, _> = rest.iter().map(|text| text.parse()).collect();
            whole(&sizes.map_err(|_| "sizes: write numbers after it".to_owned())?)
        }
        _ => Err("bench knows `micro`, `moving`, `sending`, `external` and `sizes N…`".to_owned()),
    }
}

fn micro() -> Result<(), String> {
    process::run(cargo().args([
        "bench",
        "-p",
        "subrosa-secret",
        "-p",
        "subrosa-vault",
        "-p",
        "subrosa-http",
    ]))?;
    // its benchmarks reach into what only fuzzing opens
    process::run(cargo().args(["bench", "-p", "subrosa-interchange", "--features", "fuzzing"]))
}

/// Exports and imports alone, of so many secrets.
fn moving_only(count: u32) -> Result<(), String> {
    let (subrosa, populate) = built()?;
    let place = target().join("bench");
    let _ = fs::remove_dir_all(&place);
    let home = Home::fill(&place.join("full"), &subrosa, &populate, count)?;
    let peers = peers::Peers::fill_for_moving(&place.join("peers"), count);
    moving::measure(&home, &peers, count, &Home::made(&place.join("empty"), &subrosa)?)?;
    memory::measure(&place.join("memory"), &subrosa)
}

/// Requests alone.
fn sending_only() -> Result<(), String> {
    let (subrosa, populate) = built()?;
    let place = target().join("bench");
    let _ = fs::remove_dir_all(&place);
    sending::measure(&Home::fill(&place.join("send"), &subrosa, &populate, 10)?)
}

/// Secrets of an external vault alone.
fn external_only() -> Result<(), String> {
    let (subrosa, _) = built()?;
    let place = target().join("bench/external");
    let _ = fs::remove_dir_all(&place);
    external::measure(&place, &subrosa)?;
    external_aws::measure(&place, &subrosa)
}

/// The program as users get it, and what fills vaults.
fn built() -> Result<(PathBuf, PathBuf), String> {
    let release = target().join("release");
    process::run(cargo().args(["build", "--release", "--package", "subrosa"]))?;
    process::run(cargo().args([
        "build",
        "--release",
        "--package",
        "subrosa-vault",
        "--example",
        "populate",
    ]))?;
    Ok((release.join(format!("subrosa{}", env::consts::EXE_SUFFIX)), release.join("examples/populate")))
}

fn whole(sizes: &[u32]) -> Result<(), String> {
    let (subrosa, populate) = built()?;
    let place = target().join("bench");
    let _ = fs::remove_dir_all(&place);
    println!("binary: {:.1} MB", size(&subrosa) / 1e6);
    start(&subrosa);
    for count in sizes {
        let home = Home::fill(&place.join(count.to_string()), &subrosa, &populate, *count)?;
        let peers = peers::Peers::fill(&place.join(format!("peers-{count}")), *count);
        reading(&home, &peers, *count);
        writing(&home, &peers, *count);
        let empty = Home::made(&place.join(format!("empty-{count}")), &subrosa)?;
        moving::measure(&home, &peers, *count, &empty)?;
    }
    keyring::get(&place.join("keyring"), &subrosa)?;
    external::measure(&place.join("external"), &subrosa)?;
    external_aws::measure(&place.join("external"), &subrosa)?;
    let home = Home::fill(&place.join("send"), &subrosa, &populate, 10)?;
    sending::measure(&home)
}

fn size(path: &Path) -> f64 {
    fs::metadata(path).map_or(0.0, |file| file.len() as f64)
}

fn start(subrosa: &Path) {
    let version = |program: PathBuf| move |_| contest::command(&program, &["--version"]);
    let mut contest = Contest::new("start: --version", "<= 2.5 ms");
    contest.enter("subrosa", version(subrosa.to_owned()));
    for peer in ["age", "sqlite3", "curl", "fnox", "rage"] {
        contest.enter_installed(peer, version(peer.into()));
    }
    contest.hold(ROUNDS);
}

fn reading(home: &Home, peers: &peers::Peers, count: u32) {
    let name = home::name(count / 2);
    let mut get = Contest::new(format!("get, key from a file, {count} secrets"), "<= 4 ms, <= 8 MB");
    get.enter("subrosa", |_| home.command(&["get", &name]));
    peers.enter_get(&mut get, count / 2);
    get.hold(ROUNDS);
    let mut list =
        Contest::new(format!("list, {count} secrets"), if count == 10_000 { "<= 25 ms" } else { "" });
    list.enter("subrosa", |_| home.command(&["list"]));
    peers.enter_list(&mut list);
    list.hold(ROUNDS);
    let mut verify = Contest::new(format!("verify, {count} secrets"), "");
    verify.enter("subrosa", |_| home.command(&["verify"]));
    verify.hold(ROUNDS.min(5));
}

fn writing(home: &Home, peers: &peers::Peers, count: u32) {
    let mut set =
        Contest::new(format!("set, durable, {count} secrets"), if count == 10_000 { "<= 8 ms" } else { "" });
    set.add(Entrant::new("subrosa", |_| home.command(&["set", "bench/new"])).reading(peers::fresh_value));
    peers.enter_set(&mut set);
    set.hold(ROUNDS);
}

/// Runs a command that only prepares something.
fn prepare(command: &mut Command) -> Result<(), String> {
    process::output(command).map(drop)
}
