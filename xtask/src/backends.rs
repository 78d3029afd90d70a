//! What the tests run against: real programs, installed from the ordinary package registries.

use std::fs;
use std::path::PathBuf;

use crate::process::{self, is_installed, output, program, succeeds};
use crate::project::{in_ci, root, target};

/// How to tell whether something is there.
enum Probe {
    Program(&'static str),
    /// Modules of the machine's Python.
    Python(&'static str),
}

/// Something that tests need from the operating system.
struct Need {
    probe: Probe,
    debian: &'static str,
    tests: &'static str,
}

const fn need(probe: Probe, debian: &'static str, tests: &'static str) -> Need {
    Need { probe, debian, tests }
}

const NEEDS: [Need; 24] = [
    need(Probe::Program("dbus-daemon"), "dbus", "the keychain"),
    need(Probe::Program("gnome-keyring-daemon"), "gnome-keyring", "the keychain"),
    need(Probe::Program("secret-tool"), "libsecret-tools", "the keychain"),
    need(Probe::Program("gdbus"), "libglib2.0-bin", "the keychain"),
    need(Probe::Program("keepassxc"), "keepassxc", "the keychain"),
    need(Probe::Program("keepassxc-cli"), "keepassxc", "the keychain"),
    need(Probe::Program("Xvfb"), "xvfb", "the keychain"),
    need(Probe::Program("gdb"), "gdb", "what is left in memory"),
    need(Probe::Program("gcore"), "gdb", "what is left in memory"),
    need(Probe::Program("time"), "time", "how much memory is taken"),
    need(Probe::Program("strace"), "strace", "crashes and failing disks"),
    need(Probe::Program("mount"), "mount", "crashes and failing disks"),
    need(Probe::Program("python3"), "python3", "the independent reader of the formats"),
    need(Probe::Python("ensurepip, venv"), "python3-venv", "the independent reader of the formats"),
    need(Probe::Program("node"), "nodejs", "files of other programs"),
    need(Probe::Program("tinyproxy"), "tinyproxy-bin", "proxies"),
    need(Probe::Program("microsocks"), "microsocks", "proxies"),
    need(Probe::Program("npm"), "npm", "files of other programs"),
    need(Probe::Program("age"), "age", "files of other programs"),
    need(Probe::Program("age-keygen"), "age", "files of other programs"),
    need(Probe::Program("ssh-keygen"), "openssh-client", "files of other programs"),
    need(Probe::Program("curl"), "curl", "external vaults"),
    need(Probe::Program("psql"), "postgresql", "external vaults"),
    need(Probe::Program("chromium"), "chromium", "logins in a browser"),
];

impl Need {
    fn is_there(&self) -> bool {
        match self.probe {
            Probe::Program(name) => is_installed(name),
            Probe::Python(modules) => succeeds(program("python3").args(["-c", &format!("import {modules}")])),
        }
    }
}

/// The folder that the tests look into (`subrosa_testkit::backend_python`).
pub(crate) fn folder() -> PathBuf {
    target().join("backends")
}

/// Installs what is missing. What cannot be installed is named, with the command that does it; only in CI is that a
/// failure.
pub(crate) fn run(install_system: bool) -> Result<(), String> {
    let system = system(install_system);
    // each is tried, whatever becomes of the others
    let environments: Vec<_> = ENVIRONMENTS.iter().map(Environment::install).collect();
    let python = environments.into_iter().collect::<Result<(), _>>();
    let node = node();
    for missing in [&system, &python, &node].into_iter().filter_map(|it| it.as_ref().err()) {
        println!("backends: {missing}");
    }
    match (in_ci(), system.and(python).and(node)) {
        (true, Err(message)) => Err(message),
        (false, Err(_)) => Ok(()),
        (_, Ok(())) => {
            println!("backends: all there");
            Ok(())
        }
    }
}

fn system(install: bool) -> Result<(), String> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !need.is_there()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.debian).collect();
    if (install || in_ci()) && is_root() && is_installed("apt-get") {
        // a fresh machine has no lists of packages yet
        run_apt(&["update", "-q"])?;
        run_apt(&[&["install", "-q", "-y", "--no-install-recommends"], packages.as_slice()].concat())?;
        return match missing.iter().find(|need| !need.is_there()) {
            Some(need) => Err(format!("{} was installed, but what it is for is not there", need.debian)),
            None => Ok(()),
        };
    }
    let mut tests: Vec<&str> = missing.iter().map(|need| need.tests).collect();
    tests.dedup();
    Err(format!(
        "skipped: tests of {}; to run them: sudo apt-get install --no-install-recommends {}",
        tests.join(" and "),
        packages.join(" ")
    ))
}

fn run_apt(arguments: &[&str]) -> Result<(), String> {
    process::run(program("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
}

fn is_root() -> bool {
    output(program("id").arg("-u")).is_ok_and(|id| id == "0")
}

/// A virtual environment of Python packages.
struct Environment {
    /// of its folder under `target/backends`
    name: &'static str,
    /// in `xtask/backends`
    requirements: &'static str,
    /// a module by which it is known to be whole
    module: &'static str,
}

/// The emulators of AWS need packages that do not go together.
const ENVIRONMENTS: [Environment; 3] = [
    Environment { name: "python", requirements: "requirements.txt", module: "cryptography" },
    Environment { name: "moto", requirements: "moto.txt", module: "moto.server" },
    Environment { name: "ministack", requirements: "ministack.txt", module: "ministack" },
];

impl Environment {
    /// Makes it with exactly the packages of its file, anew when they change.
    fn install(&self) -> Result<(), String> {
        let wanted = root().join("xtask/backends").join(self.requirements);
        let wanted_text = fs::read(&wanted).map_err(|error| format!("{}: {error}", wanted.display()))?;
        let home = folder().join(self.name);
        let (stamp, interpreter) = (home.join("requirements.txt"), interpreter(&home));
        let there = fs::read(&stamp).is_ok_and(|text| text == wanted_text);
        if there && succeeds(program(&interpreter).args(["-c", &format!("import {}", self.module)])) {
            return Ok(());
        }
        if !(NEEDS.iter().all(|need| !matches!(need.probe, Probe::Python(_)) || need.is_there())) {
            return Err(
                "skipped: the Python packages; they need python3 with its venv and ensurepip modules"
                    .to_owned(),
            );
        }
        process::run(program("python3").args(["-m", "venv", "--clear"]).arg(&home))
            .and_then(|()| {
                let mut pip = program(&interpreter);
                pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
                    .arg(&wanted);
                process::run(&mut pip)
            })
            .map_err(|error| format!("skipped: the Python packages of {}; {error}", self.requirements))?;
        fs::write(&stamp, wanted_text).map_err(|error| format!("{}: {error}", stamp.display()))
    }
}

/// Exactly the packages of `xtask/backends/node`, installed anew when they change. No script of a package is run.
fn node() -> Result<(), String> {
    const FILES: [&str; 2] = ["package.json", "package-lock.json"];
    let (wanted, home) = (root().join("xtask/backends/node"), folder().join("node"));
    let is_same = |file: &str| {
        // the lock as npm itself keeps it is written last
        let installed = home.join("node_modules/.package-lock.json").is_file();
        installed && fs::read(wanted.join(file)).ok() == fs::read(home.join(file)).ok()
    };
    if FILES.iter().all(|file| is_same(file)) {
        return Ok(());
    }
    if !(is_installed("node") && is_installed("npm")) {
        return Err("skipped: the npm packages; they need node and npm".to_owned());
    }
    let copied = fs::create_dir_all(&home).and_then(|()| {
        FILES.iter().try_for_each(|file| fs::copy(wanted.join(file), home.join(file)).map(drop))
    });
    copied.map_err(|error| format!("{}: {error}", home.display()))?;
    let mut npm = program("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&home);
    process::run(&mut npm).map_err(|error| format!("skipped: the npm packages; {error}"))
}

fn interpreter(home: &std::path::Path) -> PathBuf {
    if cfg!(windows) { home.join("Scripts/python.exe") } else { home.join("bin/python") }
}
