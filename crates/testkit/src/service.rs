//! Servers that tests start as processes of their own.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to answer, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that ends with the value, and also when the test process dies.
#[derive(Debug)]
pub(crate) struct Service(Child);

impl Service {
    /// Starts `command` by a shell that sends it this signal once the shell's own input ends.
    pub(crate) fn start(command: &Command, signal: &str, prepare: impl FnOnce(&mut Command)) -> Self {
        const SCRIPT: &str =
            r#"signal=$1; shift; "$@" & server=$!; cat >/dev/null; kill -"$signal" "$server"; wait"#;
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SCRIPT, "sh", signal]).arg(command.get_program()).args(command.get_args());
        shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.env("PATH", "/usr/bin:/bin").current_dir("/");
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        prepare(&mut shell);
        Self(shell.spawn().expect("a shell"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// A port of loopback on which nothing listens, nor on the one after it.
pub(crate) fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = port.expect("a free port").port();
        let next = port.checked_add(1).map(|next| TcpListener::bind((Ipv4Addr::LOCALHOST, next)));
        if next.is_some_and(|next| next.is_ok()) {
            return port;
        }
    }
}

/// Waits until `ready` says so; whether it did in time.
pub(crate) fn wait_until(mut ready: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if ready() {
            return true;
        }
        thread::sleep(Duration::from_millis(30));
    }
    false
}
