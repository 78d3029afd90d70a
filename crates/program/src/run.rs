//! Starting a program, and what it prints.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use subrosa_provider::{ErrorKind, ProviderError};
use zeroize::Zeroizing;

/// So much of what it complains of is read.
const MAX_COMPLAINT: usize = 64 << 10;
const TICK: Duration = Duration::from_millis(2);

/// What is run.
pub struct Run<'r> {
    /// What it is called in errors.
    pub name: &'r str,
    /// The file itself.
    pub program: &'r Path,
    /// None of them secret: other users see them.
    pub arguments: &'r [&'r str],
    /// All that its environment holds beside `HOME`.
    pub environment: &'r [(&'r str, &'r OsStr)],
    /// For its standard input.
    pub input: Option<Zeroizing<Vec<u8>>>,
    /// The longest output.
    pub limit: usize,
    /// How long it may take.
    pub patience: Duration,
}

/// What came of it. Both texts may hold secrets.
pub struct Ended {
    /// Whether it says that all went well.
    pub success: bool,
    /// What it printed.
    pub output: Zeroizing<Vec<u8>>,
    /// What it complained of, as far as it was read.
    pub complaint: Zeroizing<Vec<u8>>,
}

impl Run<'_> {
    /// Runs it to its end.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) for one that takes too long, [`BadAnswer`](ErrorKind::BadAnswer) for one that prints too much,
    /// [`BadSettings`](ErrorKind::BadSettings) for one that cannot be started.
    pub fn end(self) -> Result<Ended, ProviderError> {
        let mut child = self.command().spawn().map_err(|error| {
            ProviderError::new(ErrorKind::BadSettings, format!("{} cannot be started: {error}", self.name))
        })?;
        let ended = watch(&mut child, self);
        if ended.is_err() {
            let _ = child.kill();
            let _ = child.wait();
        }
        ended
    }

    /// Its environment says where its settings are and what it was given, and holds nothing of ours: no other account or server, no
    /// proxy, no library to load.
    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.args(self.arguments);
        command.env_clear().current_dir("/");
        if let Some(home) = std::env::var_os("HOME") {
            command.env("HOME", home);
        }
        command.envs(self.environment.iter().copied());
        let input = if self.input.is_some() { Stdio::piped() } else { Stdio::null() };
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// One of the pipes came to its end.
enum End {
    Output(Option<Zeroizing<Vec<u8>>>),
    Complaint(Option<Zeroizing<Vec<u8>>>),
}

fn watch(child: &mut Child, run: Run<'_>) -> Result<Ended, ProviderError> {
    let Run { name, input, limit, patience, .. } = run;
    let deadline = Instant::now() + patience;
    let (sender, ends) = channel();
    if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
        // one that reads nothing is none of ours: it says why elsewhere
        thread::spawn(move || pipe.write_all(&input));
    }
    collect(child.stdout.take(), limit, End::Output, &sender);
    collect(child.stderr.take(), MAX_COMPLAINT, End::Complaint, &sender);
    drop(sender);
    let (mut output, mut complaint) = (None, None);
    while output.is_none() || complaint.is_none() {
        match next(&ends, deadline, name)? {
            End::Output(read) => output = Some(read.ok_or_else(|| too_long(name, limit))?),
            End::Complaint(read) => complaint = Some(read.unwrap_or_default()),
        }
    }
    let success = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status.success(),
            Ok(None) if Instant::now() < deadline => thread::sleep(TICK),
            _ => return Err(late(name)),
        }
    };
    Ok(Ended { success, output: output.unwrap_or_default(), complaint: complaint.unwrap_or_default() })
}

fn next(ends: &Receiver<End>, deadline: Instant, name: &str) -> Result<End, ProviderError> {
    ends.recv_timeout(deadline.saturating_duration_since(Instant::now())).map_err(|_| late(name))
}

fn late(name: &str) -> ProviderError {
    ProviderError::new(ErrorKind::Unavailable, format!("{name} has not answered in time"))
}

fn too_long(name: &str, limit: usize) -> ProviderError {
    let text = format!("what {name} printed is longer than {} MiB", limit >> 20);
    ProviderError::new(ErrorKind::BadAnswer, text)
}

/// Reads a pipe to its end on a thread of its own.
fn collect<R: Read + Send + 'static>(
    pipe: Option<R>,
    limit: usize,
    end: fn(Option<Zeroizing<Vec<u8>>>) -> End,
    sender: &Sender<End>,
) {
    let sender = sender.clone();
    thread::spawn(move || {
        let read = pipe.and_then(|pipe| read(pipe, limit));
        // nobody waits any more after the deadline
        let _ = sender.send(end(read));
        subrosa_secret::wipe_dead_stack();
    });
}

/// All of it; `None` where that is more than the limit, or cannot be read.
fn read(mut pipe: impl Read, limit: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut all = Zeroizing::new(Vec::with_capacity(4096));
    let mut chunk = Zeroizing::new([0; 4096]);
    loop {
        let count = pipe.read(&mut chunk[..]).ok()?;
        if count == 0 {
            return Some(all);
        }
        if all.len() + count > limit {
            return None;
        }
        extend(&mut all, &chunk[..count]);
    }
}

/// Appends; where that needs more room, what was there is wiped where it stood.
pub fn extend(all: &mut Zeroizing<Vec<u8>>, more: &[u8]) {
    if all.len() + more.len() > all.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(2 * (all.len() + more.len())));
        larger.extend_from_slice(all);
        *all = larger;
    }
    all.extend_from_slice(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(
        script: &str,
        input: Option<&[u8]>,
        limit: usize,
        patience: Duration,
    ) -> Result<Ended, ProviderError> {
        let input = input.map(|input| Zeroizing::new(input.to_vec()));
        let (program, arguments) = (Path::new("/bin/sh"), &["-c", script][..]);
        Run { name: "sh", program, arguments, environment: &[], input, limit, patience }.end()
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn what_goes_in_and_comes_out() {
        let many = vec![b'x'; 1 << 20];
        let ended = shell("cat; echo no >&2; exit 3", Some(&many), 2 << 20, LONG).expect("it ends");
        assert!(!ended.success && *ended.output == many && *ended.complaint == b"no\n");
        let ended = shell("exec echo done", Some(&many), 1 << 10, LONG).expect("one that reads nothing");
        assert!(ended.success && *ended.output == b"done\n");
    }

    #[test]
    fn hostile_h85_one_that_never_ends_is_ended() {
        let short = Duration::from_millis(100);
        for script in ["exec sleep 600", "exec >&- 2>&-; exec sleep 600", "sleep 2 & exit 0"] {
            let begun = Instant::now();
            let error = shell(script, None, 1 << 10, short).err().expect("it never ends");
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(begun.elapsed() < LONG, "{script}");
        }
        let error = shell("exec cat /dev/zero", None, 1 << 20, LONG).err().expect("too much");
        assert_eq!(error.kind(), ErrorKind::BadAnswer);
    }
}
