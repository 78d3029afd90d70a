//! How an input is cut into what a target needs. Parts are separated by NUL, so that seeds are text where that goes.

/// The first part, and what comes after it.
pub(crate) fn part(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == 0) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[]),
    }
}

/// The first `N` parts; those that are missing are empty, and the last one is all the rest.
pub(crate) fn parts<const N: usize>(mut data: &[u8]) -> [&[u8]; N] {
    let mut parts = [&[][..]; N];
    for (index, slot) in parts.iter_mut().enumerate() {
        (*slot, data) = if index + 1 == N { (data, &[][..]) } else { part(data) };
    }
    parts
}

/// Bytes as numbers, taken from the front; zero once they are used up.
pub(crate) struct Numbers<'d>(pub(crate) &'d [u8]);

impl<'d> Numbers<'d> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or_default()
    }

    /// A number below `limit`; zero if that is zero.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let number = self.bytes(3).iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
        number.checked_rem(limit).unwrap_or_default()
    }

    /// Up to `length` bytes.
    pub(crate) fn bytes(&mut self, length: usize) -> &'d [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// Cuts `data` into pieces of the lengths that `sizes` gives in turn, none of them empty.
pub(crate) fn pieces<'d>(mut data: &'d [u8], sizes: &[u8]) -> Vec<&'d [u8]> {
    let mut sizes = sizes.iter().map(|size| usize::from(*size) % 19 + 1).cycle();
    let mut pieces = Vec::new();
    while !data.is_empty() {
        let (piece, rest) = data.split_at(sizes.next().unwrap_or(7).min(data.len()));
        pieces.push(piece);
        data = rest;
    }
    pieces
}
