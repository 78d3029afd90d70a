//! JSON with a secret in it, as it is written.

use std::io::{self, Write};

use zeroize::Zeroizing;

/// The text so far. Where it needs more room, what was there is wiped where it stood.
#[derive(Default)]
pub(super) struct Json(Zeroizing<Vec<u8>>);

impl Json {
    /// Appends what is JSON already.
    pub(super) fn raw(&mut self, json: &str) -> &mut Self {
        self.append(json.as_bytes());
        self
    }

    /// Appends a text, within quotes.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        serde_json::to_writer(&mut *self, text).expect("a text is JSON, and memory takes it");
        self
    }

    pub(super) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    fn append(&mut self, bytes: &[u8]) {
        subrosa_program::extend(&mut self.0, bytes);
    }
}

impl Write for Json {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
