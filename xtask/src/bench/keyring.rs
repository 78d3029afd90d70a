//! The key from the system's keychain, against `secret-tool`, in a keyring that lives as long as this.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::contest::{self, Contest};
use super::home::Home;
use super::{ROUNDS, prepare};
use crate::process::is_installed;
use crate::project::root;

pub(super) fn get(folder: &Path, subrosa: &Path) -> Result<(), String> {
    if !["dbus-daemon", "gnome-keyring-daemon", "secret-tool", "gdbus"].iter().all(|name| is_installed(name))
    {
        println!(
            "\nget, key from the keychain: skipped; `cargo xtask backends --install-system` installs a keychain"
        );
        return Ok(());
    }
    let home = Home::bare(folder, subrosa)?;
    let service = folder.join("service");
    fs::create_dir_all(&service).map_err(|error| format!("{}: {error}", service.display()))?;
    let mut keyring = Command::new("sh")
        .arg(root().join("crates/testkit/src/keyring.sh"))
        .arg(&service)
        .arg("unlocked")
        .env("HOME", &service)
        .env("DBUS_SESSION_BUS_ADDRESS", address(&service))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("a keyring: {error}"))?;
    let mut line = String::new();
    let ready = keyring.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
    let done = match ready {
        Some(Ok(_)) if line.trim() == "ready" => hold(&home, &service),
        _ => Err("the keyring did not start".to_owned()),
    };
    // its end of input is the keyring's end
    drop(keyring.stdin.take());
    let _ = keyring.wait();
    done
}

fn address(service: &Path) -> String {
    format!("unix:path={}", service.join("bus").display())
}

fn hold(home: &Home, service: &Path) -> Result<(), String> {
    let on_bus = |mut command: Command| {
        command.env("DBUS_SESSION_BUS_ADDRESS", address(service));
        command
    };
    let ours = |words: &[&str]| on_bus(home.without_key(words));
    prepare(&mut ours(&["init", "--no-recovery"]))?;
    prepare(&mut ours(&["set", "bench", "--empty"]))?;
    let tool = "printf %s made-up | secret-tool store --label=bench bench bench";
    prepare(&mut on_bus(contest::command(Path::new("sh"), &["-c", tool])))?;
    let mut contest = Contest::new("list of one, key from the keychain", "<= secret-tool + 3 ms");
    contest.enter("subrosa", |_| ours(&["list"]));
    contest.enter("secret-tool", |_| {
        on_bus(contest::command(Path::new("secret-tool"), &["lookup", "bench", "bench"]))
    });
    contest.hold(ROUNDS);
    Ok(())
}
