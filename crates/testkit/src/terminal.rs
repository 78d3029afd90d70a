//! A program on a pseudo-terminal.

use std::io::{ErrorKind, Read as _, Write as _};
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Pty, open};

/// How long [`Terminal::expect`] and [`Terminal::finish`] wait before the test fails: far above what any step takes,
/// so that a busy machine fails no test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program whose standard streams are a pseudo-terminal, as a person's are. The terminal echoes what is
/// typed unless the program switches that off, so that a test can tell a prompt that hides its answer from one that
/// does not.
///
/// Standard input, output or error that were set on the [`Command`] stay as they were set.
pub struct Terminal {
    child: Child,
    keyboard: Arc<Pty>,
    screen: Receiver<Vec<u8>>,
    shown: Vec<u8>,
    looked_at: usize,
}

/// What a program left behind.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// All that the terminal showed from the start, echoes among it, with the terminal's `\r\n`.
    pub shown: String,
}

impl Terminal {
    /// Starts `command` on a terminal of 100 columns and 40 rows.
    #[must_use]
    pub fn start(command: Command) -> Self {
        let (pty, pts) = open().expect("a pseudo-terminal");
        pty.resize(Size::new(40, 100)).expect("the terminal's size");
        let child = pty_process::blocking::Command::from(command).spawn(pts).expect("the program starts");
        let keyboard = Arc::new(pty);
        let screen = watch(Arc::clone(&keyboard));
        Self { child, keyboard, screen, shown: Vec::new(), looked_at: 0 }
    }

    /// Waits until `text` has been shown since the last `expect`, and answers what was shown up to its end.
    ///
    /// # Panics
    /// If the program ends or a minute passes without it; the message tells what was shown.
    pub fn expect(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = position(&self.shown[self.looked_at..], text.as_bytes()) {
                let end = self.looked_at + at + text.len();
                let seen = String::from_utf8_lossy(&self.shown[self.looked_at..end]).into_owned();
                self.looked_at = end;
                return seen;
            }
            assert!(self.read_more(deadline), "expected {text:?}, but the terminal showed {:?}", self.text());
        }
    }

    /// Types `line` and Enter.
    pub fn type_line(&self, line: &str) {
        self.press(format!("{line}\n").as_bytes());
    }

    /// Presses keys, for example `b"\x03"` for Ctrl-C or `b"\x04"` for Ctrl-D.
    pub fn press(&self, keys: &[u8]) {
        (&*self.keyboard).write_all(keys).expect("the terminal takes what is typed");
    }

    /// Waits for the program's end.
    ///
    /// # Panics
    /// If it has not ended in a minute: it is then killed.
    #[must_use]
    pub fn finish(mut self) -> Finished {
        let deadline = Instant::now() + PATIENCE;
        while self.read_more(deadline) {}
        if Instant::now() >= deadline {
            self.child.kill().expect("the program can be killed");
            panic!("the program did not end; the terminal showed {:?}", self.text());
        }
        Finished { status: self.child.wait().expect("the program's status"), shown: self.text() }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    /// Whether something was shown before the deadline.
    fn read_more(&mut self, deadline: Instant) -> bool {
        match self.screen.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(bytes) => self.shown.extend(bytes),
            Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => return false,
        }
        true
    }
}

/// Reads the terminal on a thread of its own, because a read of a pseudo-terminal knows no deadline.
fn watch(pty: Arc<Pty>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            match (&*pty).read(&mut buffer) {
                Ok(0) => break,
                Ok(n) if sender.send(buffer[..n].to_vec()).is_err() => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Linux answers EIO once the last program has left the terminal
                Err(_) => break,
            }
        }
    });
    receiver
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Terminal {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Terminal::start(command)
    }

    #[test]
    fn a_question_is_answered_and_echoed() {
        let mut terminal =
            shell("test -t 0 && test -t 1 && printf 'name? ' && read name && echo \"<$name>\"");
        terminal.expect("name? ");
        terminal.type_line("rose");
        terminal.expect("<rose>");
        let finished = terminal.finish();
        assert!(finished.status.success());
        assert_eq!(finished.shown, "name? rose\r\n<rose>\r\n");
    }

    #[test]
    fn a_hidden_answer_is_not_shown() {
        let mut terminal = shell("stty -echo; printf 'key? '; read key; stty echo; exit 7");
        terminal.expect("key? ");
        terminal.type_line("not-to-be-seen");
        let finished = terminal.finish();
        assert_eq!(finished.status.code(), Some(7));
        assert!(!finished.shown.contains("not-to-be-seen"));
    }

    #[test]
    fn keys_reach_the_program_as_signals() {
        let mut terminal = shell("trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.05; done");
        terminal.expect("ready");
        terminal.press(b"\x03");
        terminal.expect("caught");
        assert_eq!(terminal.finish().status.code(), Some(3));
    }

    #[test]
    #[should_panic(expected = "expected \"never\"")]
    fn what_is_not_shown_fails_the_test() {
        shell("echo something else").expect("never");
    }
}
