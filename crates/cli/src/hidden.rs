//! Reading a secret from the terminal without echo.
//!
//! On Unix this is done here and not by a crate, for three reasons. The prompt must appear after the echo is off, or
//! what is typed at once is shown. ^C must not end the process while the terminal is mute: it arrives as a byte, the
//! settings go back, and the command ends by itself. And what is typed must never lie in a buffer that nobody wipes.

use std::io;
use zeroize::Zeroizing;

/// Asks on the terminal; `None` if the user pressed ^C, or ^D on an empty line.
pub(crate) fn ask(prompt: &str) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    platform::ask(prompt)
}

#[cfg(unix)]
mod platform {
    use super::line::{Line, State};
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
    use std::fs::{File, OpenOptions};
    use std::io::{self, Read, Write};
    use zeroize::Zeroizing;

    /// The terminal while it is mute; its settings go back when this is dropped.
    struct Mute {
        terminal: File,
        before: Termios,
    }

    impl Mute {
        fn new(terminal: File) -> io::Result<Mute> {
            let before = tcgetattr(&terminal)?;
            let mut mute = before.clone();
            // no lines either: the kernel's are at most 4,095 bytes long, and a token may be longer
            mute.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
            mute.special_codes[SpecialCodeIndex::VMIN] = 1;
            mute.special_codes[SpecialCodeIndex::VTIME] = 0;
            // what was typed ahead is kept: a person may have pasted the answers to two prompts
            tcsetattr(&terminal, OptionalActions::Now, &mute)?;
            Ok(Mute { terminal, before })
        }
    }

    impl Drop for Mute {
        fn drop(&mut self) {
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
        }
    }

    pub(super) fn ask(prompt: &str) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        let mut mute = Mute::new(OpenOptions::new().read(true).write(true).open("/dev/tty")?)?;
        mute.terminal.write_all(prompt.as_bytes())?;
        let mut line = Line::new();
        let mut byte = Zeroizing::new([0]);
        // one byte at a time: what follows the line belongs to somebody else
        let answer = loop {
            let state = match mute.terminal.read(&mut byte[..]) {
                Ok(0) => State::Given,
                Ok(_) => line.press(byte[0]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            match state {
                State::Open => {}
                State::Given => break Some(line.into_bytes()),
                State::Interrupted => break None,
            }
        };
        mute.terminal.write_all(b"\n")?;
        Ok(answer)
    }
}

#[cfg(not(unix))]
mod platform {
    use std::io;
    use zeroize::Zeroizing;

    pub(super) fn ask(prompt: &str) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        match rpassword::prompt_password(prompt) {
            Ok(text) => Ok(Some(Zeroizing::new(text.into_bytes()))),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The line that is being typed, with the keys that edit it.
#[cfg(unix)]
mod line {
    use subrosa_secret::MAX_VALUE_LEN;
    use zeroize::Zeroizing;

    const CTRL_C: u8 = 0x03;
    const CTRL_D: u8 = 0x04;
    const BACKSPACE: u8 = 0x08;
    const CTRL_U: u8 = 0x15;
    const DELETE: u8 = 0x7f;

    #[derive(Debug, PartialEq, Eq)]
    pub(super) enum State {
        Open,
        Given,
        Interrupted,
    }

    pub(super) struct Line(Zeroizing<Vec<u8>>);

    impl Line {
        pub(super) fn new() -> Line {
            // never moved: a buffer that grows leaves copies behind
            Line(Zeroizing::new(Vec::with_capacity(MAX_VALUE_LEN + 1)))
        }

        pub(super) fn press(&mut self, key: u8) -> State {
            match key {
                b'\r' | b'\n' => return State::Given,
                CTRL_C => return State::Interrupted,
                CTRL_D if self.0.is_empty() => return State::Interrupted,
                CTRL_D => return State::Given,
                CTRL_U => self.0.clear(),
                DELETE | BACKSPACE => self.remove_letter(),
                // one byte too many is kept, so that a value that is too long is refused and not cut
                key if self.0.len() <= MAX_VALUE_LEN => self.0.push(key),
                _ => {}
            }
            State::Open
        }

        /// A letter of UTF-8 ends where no continuation byte (10xxxxxx) follows.
        fn remove_letter(&mut self) {
            while self.0.pop().is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {}
        }

        pub(super) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
            self.0
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn typed(keys: &[u8]) -> (Vec<u8>, State) {
            let mut line = Line::new();
            for key in keys {
                match line.press(*key) {
                    State::Open => {}
                    ended => return (line.into_bytes().to_vec(), ended),
                }
            }
            (line.into_bytes().to_vec(), State::Open)
        }

        #[test]
        fn keys_that_edit() {
            assert_eq!(typed(b"ab\x7fc\r"), (b"ac".to_vec(), State::Given));
            assert_eq!(typed("a\u{e9}\x7fb\n".as_bytes()), (b"ab".to_vec(), State::Given));
            assert_eq!(typed("\u{1f511}\x7f\n".as_bytes()), (Vec::new(), State::Given));
            assert_eq!(typed(b"\x7f\x7fa\n"), (b"a".to_vec(), State::Given));
            assert_eq!(typed(b"wrong\x15right\n"), (b"right".to_vec(), State::Given));
        }

        #[test]
        fn keys_that_end() {
            assert_eq!(typed(b"ab\x03").1, State::Interrupted);
            assert_eq!(typed(b"\x04").1, State::Interrupted);
            assert_eq!(typed(b"ab\x04"), (b"ab".to_vec(), State::Given));
        }

        #[test]
        fn a_long_value_is_neither_cut_nor_moved() {
            let mut line = Line::new();
            let at = line.0.as_ptr();
            (0..MAX_VALUE_LEN + 10).for_each(|_| assert_eq!(line.press(b'x'), State::Open));
            assert_eq!(line.0.as_ptr(), at);
            assert_eq!(line.into_bytes().len(), MAX_VALUE_LEN + 1);
        }
    }
}
