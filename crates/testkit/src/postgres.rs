//! A PostgreSQL server of a test's own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::service::{Service, free_port, wait_until};
use crate::{Folder, OrdinaryUser, needs, skip};

/// A database on loopback that asks for passwords. It ends with the value.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    // the order matters: the server ends before its folder goes
    _server: Service,
    _folder: Folder,
}

impl Postgres {
    /// The password of the user `postgres`.
    pub const PASSWORD: &str = "of-the-administrator";

    /// Starts one; `None` where it is not installed: the test is then to return.
    ///
    /// # Panics
    /// In CI, where it is not installed; and when it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        if !needs(&["psql"]) {
            return None;
        }
        let Some(programs) = programs() else {
            skip("the server of PostgreSQL");
            return None;
        };
        // it does not run as root
        let (user, folder, port) = (OrdinaryUser::new(), Folder::new(), free_port());
        let (data, password) = (folder.join("data"), folder.write("password", Self::PASSWORD));
        user.give(folder.path());
        let mut initdb = Command::new(programs.join("initdb"));
        initdb.args([
            "--no-sync",
            "--username=postgres",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
        ]);
        initdb.arg(format!("--pwfile={}", password.display())).arg("-D").arg(&data).current_dir("/");
        let output = user.run(&mut initdb).output().expect("initdb runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut command = Command::new(programs.join("postgres"));
        command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &port.to_string(), "-c", "fsync=off"]);
        command.arg("-k").arg(folder.path());
        // to INT it ends at once; to TERM when the last client has gone
        let server = Service::start(&command, "INT", |shell| {
            user.run(shell);
        });
        let started = Self { port, _server: server, _folder: folder };
        assert!(wait_until(|| started.lets_in("postgres", Self::PASSWORD)), "PostgreSQL does not start");
        Some(started)
    }

    /// Where it listens, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether somebody can log in.
    ///
    /// # Panics
    /// When psql cannot be run.
    #[must_use]
    pub fn lets_in(&self, user: &str, password: &str) -> bool {
        let mut psql = Command::new("psql");
        psql.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", user, "-d", "postgres", "-w"]);
        psql.args(["-c", "SELECT 1"]).env("PGPASSWORD", password).current_dir("/");
        psql.output().expect("psql runs").status.success()
    }
}

/// Debian keeps the server's programs apart, by version.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.flatten().map(|version| version.path().join("bin"));
    folders.filter(|folder| folder.join("initdb").is_file()).max()
}
