//! Text of a draft, and the buffers that filled text goes to.

use std::sync::Arc;

use zeroize::Zeroizing;

/// Text of a request as its author wrote it: with references in it, or to be sent as it is.
///
/// It may hold a secret that somebody typed in clear, so it has no `Debug` and is wiped when dropped.
#[derive(Clone)]
pub struct Text {
    bytes: Arc<Zeroizing<Vec<u8>>>,
    literal: bool,
}

impl Text {
    /// Text in which references count.
    pub fn new(text: impl Into<Vec<u8>>) -> Self {
        Self { bytes: Arc::new(Zeroizing::new(text.into())), literal: false }
    }

    /// Text that is sent as it is, whatever it looks like (`--no-refs`, files that are not expanded).
    pub fn literal(text: impl Into<Vec<u8>>) -> Self {
        Self { bytes: Arc::new(Zeroizing::new(text.into())), literal: true }
    }

    /// The bytes as written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether references in it are plain text.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.literal
    }

    /// Bytes `from` to the end, treated alike.
    pub(crate) fn from(&self, from: usize) -> Self {
        Self { bytes: Arc::new(Zeroizing::new(self.bytes[from..].to_vec())), literal: self.literal }
    }

    /// Without the white space around it.
    pub(crate) fn trimmed(&self) -> Self {
        self.with_bytes(self.bytes.trim_ascii().to_vec())
    }

    /// Other bytes, treated alike.
    pub(crate) fn with_bytes(&self, bytes: Vec<u8>) -> Self {
        Self { bytes: Arc::new(Zeroizing::new(bytes)), literal: self.literal }
    }

    /// The same with more behind it, treated alike.
    pub(crate) fn followed_by(&self, more: &[u8]) -> Self {
        Self { bytes: Arc::new(Zeroizing::new([&self.bytes, more].concat())), literal: self.literal }
    }

    /// The same with more before it, treated alike.
    pub(crate) fn preceded_by(&self, more: &[u8]) -> Self {
        Self { bytes: Arc::new(Zeroizing::new([more, &self.bytes].concat())), literal: self.literal }
    }

    pub(crate) fn shared(&self) -> Arc<Zeroizing<Vec<u8>>> {
        self.bytes.clone()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// A growing buffer that leaves no copy behind: when it moves, the old place is wiped.
#[derive(Default)]
pub(crate) struct Sink(Zeroizing<Vec<u8>>);

impl Sink {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(capacity)))
    }

    pub(crate) fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity((self.0.capacity() * 2).max(needed).max(64)));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}
