//! A word for a person who waits longer than half a second.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_millis(500);

/// Says on the terminal what is being done, if it takes long, and takes it back when this is dropped.
pub(crate) struct Progress {
    done: Option<Sender<()>>,
    speaker: Option<JoinHandle<()>>,
}

impl Progress {
    pub(crate) fn of(what: &str) -> Progress {
        if !io::stderr().is_terminal() {
            return Progress { done: None, speaker: None };
        }
        let (done, ended) = channel();
        let what = what.to_owned();
        let speaker = thread::spawn(move || {
            if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let mut out = io::stderr();
                let _ = write!(out, "{what} …");
                let _ = out.flush();
                let _ = ended.recv();
                let _ = write!(out, "\r\u{1b}[K");
            }
        });
        Progress { done: Some(done), speaker: Some(speaker) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.done.take());
        if let Some(speaker) = self.speaker.take() {
            let _ = speaker.join();
        }
    }
}
