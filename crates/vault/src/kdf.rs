//! From a passphrase to 32 bytes: Argon2id with bounded parameters (`docs/spec/vault-key.md`, sections 2 and 3).
//!
//! Parameters come from a file that an attacker may have edited, so they are judged before anything is allocated:
//! a value of [`KdfParams`] is within the bounds by construction.

use std::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use zeroize::Zeroizing;

use crate::role::KEY_LEN;

/// Length of a salt in bytes.
pub const SALT_LEN: usize = 16;
/// Length of the public parameters in bytes, salt included.
pub const KDF_LEN: usize = 14 + SALT_LEN;
/// The longest passphrase in bytes: 1 MiB.
pub const MAX_PASSPHRASE_LEN: usize = 1 << 20;

const ALGORITHM: u8 = 1;
const VERSION: u8 = 0x13;
const MIB: u32 = 1024;

/// Why a passphrase or its parameters cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KdfError {
    /// There is no passphrase.
    #[error("the passphrase is empty")]
    Empty,
    /// It is longer than [`MAX_PASSPHRASE_LEN`].
    #[error("the passphrase is longer than 1 MiB")]
    TooLong,
    /// It is not UTF-8.
    #[error("the passphrase is not UTF-8 text")]
    NotText,
    /// The parameters are outside what is accepted, or are not parameters at all.
    #[error("key derivation parameters are outside the limits: {0}")]
    Parameters(&'static str),
    /// The memory that the parameters ask for cannot be had.
    #[error("not enough memory: the passphrase needs {mebibytes} MiB")]
    OutOfMemory {
        /// Mebibytes asked for.
        mebibytes: u32,
    },
}

impl KdfError {
    /// A stable name for the kind of error, for programs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "passphrase_empty",
            Self::TooLong => "passphrase_too_long",
            Self::NotText => "passphrase_not_text",
            Self::Parameters(_) => "kdf_parameters",
            Self::OutOfMemory { .. } => "out_of_memory",
        }
    }
}

/// Argon2id's cost, always within what is accepted from a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KdfParams {
    memory: u32,
    passes: u32,
    lanes: u32,
}

impl KdfParams {
    /// The least that a new slot or export gets: 64 MiB, 3 passes, 4 lanes (RFC 9106, section 4).
    pub const MINIMUM: Self = Self { memory: 64 * MIB, passes: 3, lanes: 4 };
    /// The most memory in KiB: 1 GiB.
    pub const MAX_MEMORY: u32 = 1024 * MIB;

    /// Parameters as they were read, memory in KiB.
    ///
    /// # Errors
    /// [`KdfError::Parameters`] outside 19 MiB to 1 GiB, 2 to 10 passes, 1 to 16 lanes.
    pub fn accept(memory: u32, passes: u32, lanes: u32) -> Result<Self, KdfError> {
        if !(19 * MIB..=Self::MAX_MEMORY).contains(&memory) {
            return Err(KdfError::Parameters("memory must be 19 MiB to 1 GiB"));
        }
        if !(2..=10).contains(&passes) {
            return Err(KdfError::Parameters("passes must be 2 to 10"));
        }
        if !(1..=16).contains(&lanes) {
            return Err(KdfError::Parameters("lanes must be 1 to 16"));
        }
        Ok(Self { memory, passes, lanes })
    }

    /// Whether something new must not be made with these, and what has them should be replaced. Lanes do not
    /// count: fewer of them make an attack no cheaper.
    #[must_use]
    pub fn is_weak(self) -> bool {
        self.memory < Self::MINIMUM.memory || self.passes < Self::MINIMUM.passes
    }

    /// Memory in KiB.
    #[must_use]
    pub fn memory(self) -> u32 {
        self.memory
    }

    /// Passes over the memory.
    #[must_use]
    pub fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes, which may be filled in parallel.
    #[must_use]
    pub fn lanes(self) -> u32 {
        self.lanes
    }

    pub(crate) const fn of_minimum_with(memory: u32) -> Self {
        Self { memory, ..Self::MINIMUM }
    }
}

impl fmt::Display for KdfParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Argon2id, {} MiB, {} passes, {} lanes", self.memory / MIB, self.passes, self.lanes)
    }
}

/// A passphrase in Unicode NFC, wiped when dropped.
///
/// ```compile_fail,E0277
/// fn debug<T: std::fmt::Debug>() {}
/// debug::<subrosa_vault::Passphrase>();
/// ```
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Normalises a passphrase. Every byte counts, also those after a NUL.
    ///
    /// # Errors
    /// [`KdfError`]: empty, longer than 1 MiB, not UTF-8.
    pub fn new(bytes: &[u8]) -> Result<Self, KdfError> {
        if bytes.is_empty() {
            return Err(KdfError::Empty);
        }
        if bytes.len() > MAX_PASSPHRASE_LEN {
            return Err(KdfError::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| KdfError::NotText)?;
        // NFC makes UTF-8 at most three times as long; room for all of it, since growing would leave copies behind
        let mut normal = Zeroizing::new(String::with_capacity(text.len() * 3));
        if is_nfc_quick(text.chars()) == IsNormalized::Yes {
            normal.push_str(text);
        } else {
            normal.extend(text.nfc());
        }
        Ok(Self(normal))
    }

    /// How many characters it has in NFC: what a rule about the least length counts.
    #[must_use]
    pub fn characters(&self) -> usize {
        self.0.chars().count()
    }
}

/// The public parameters of one derivation: cost and salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kdf {
    params: KdfParams,
    salt: [u8; SALT_LEN],
}

impl Kdf {
    /// A new derivation with a fresh salt.
    ///
    /// # Errors
    /// That of the system's random generator.
    pub fn generate(params: KdfParams) -> Result<Self, getrandom::Error> {
        let mut salt = [0; SALT_LEN];
        getrandom::fill(&mut salt)?;
        Ok(Self { params, salt })
    }

    /// Parts that were read from elsewhere than a keyslot.
    #[must_use]
    pub fn from_parts(params: KdfParams, salt: [u8; SALT_LEN]) -> Self {
        Self { params, salt }
    }

    /// The cost.
    #[must_use]
    pub fn params(&self) -> KdfParams {
        self.params
    }

    /// The salt.
    #[must_use]
    pub fn salt(&self) -> &[u8; SALT_LEN] {
        &self.salt
    }

    /// The fixed binary form.
    #[must_use]
    pub fn encode(&self) -> [u8; KDF_LEN] {
        let mut out = [0; KDF_LEN];
        out[..2].copy_from_slice(&[ALGORITHM, VERSION]);
        out[2..6].copy_from_slice(&self.params.memory.to_le_bytes());
        out[6..10].copy_from_slice(&self.params.passes.to_le_bytes());
        out[10..14].copy_from_slice(&self.params.lanes.to_le_bytes());
        out[14..].copy_from_slice(&self.salt);
        out
    }

    /// Reads the fixed binary form. Nothing is allocated.
    ///
    /// # Errors
    /// [`KdfError::Parameters`] for another length, algorithm or version, and for costs that are not accepted.
    pub fn decode(bytes: &[u8]) -> Result<Self, KdfError> {
        let bytes: &[u8; KDF_LEN] =
            bytes.try_into().map_err(|_| KdfError::Parameters("the salt must be 16 bytes"))?;
        if bytes[0] != ALGORITHM {
            return Err(KdfError::Parameters("the algorithm must be Argon2id"));
        }
        if bytes[1] != VERSION {
            return Err(KdfError::Parameters("Argon2's version must be 0x13"));
        }
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let mut salt = [0; SALT_LEN];
        salt.copy_from_slice(&bytes[14..]);
        Ok(Self { params: KdfParams::accept(number(2), number(6), number(10))?, salt })
    }

    /// Derives 32 bytes. Takes as long, and as much memory, as the parameters say.
    ///
    /// # Errors
    /// [`KdfError::OutOfMemory`].
    pub fn derive(&self, passphrase: &Passphrase) -> Result<Zeroizing<[u8; KEY_LEN]>, KdfError> {
        let KdfParams { memory, passes, lanes } = self.params;
        let within = KdfError::Parameters("Argon2 refuses them");
        let params = Params::new(memory, passes, lanes, Some(KEY_LEN)).map_err(|_| within)?;
        let mut blocks = Zeroizing::new(Vec::new());
        blocks
            .try_reserve_exact(params.block_count())
            .map_err(|_| KdfError::OutOfMemory { mebibytes: memory.div_ceil(MIB) })?;
        blocks.resize(params.block_count(), Block::new());
        let mut out = Zeroizing::new([0; KEY_LEN]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                passphrase.0.as_bytes(),
                &self.salt,
                out.as_mut(),
                blocks.as_mut_slice(),
            )
            .map_err(|_| within)?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Costs little, and is accepted.
    const CHEAP: Kdf =
        Kdf { params: KdfParams { memory: 19 * MIB, passes: 2, lanes: 1 }, salt: [7; SALT_LEN] };

    fn encoded(memory: u32, passes: u32, lanes: u32) -> [u8; KDF_LEN] {
        Kdf { params: KdfParams { memory, passes, lanes }, salt: [7; SALT_LEN] }.encode()
    }

    fn derived(passphrase: &str) -> [u8; KEY_LEN] {
        *CHEAP.derive(&Passphrase::new(passphrase.as_bytes()).expect("passphrase")).expect("derive")
    }

    #[test]
    fn hostile_b19_extreme_costs_are_refused_at_once() {
        // decoding is all that happens before memory is asked for, and it allocates nothing
        for (memory, passes, lanes) in [
            (u32::MAX, 3, 4),
            (KdfParams::MAX_MEMORY + 1, 3, 4),
            (64 * MIB, u32::MAX, 4),
            (64 * MIB, 11, 4),
            (64 * MIB, 3, 0),
            (64 * MIB, 3, 17),
            (64 * MIB, 3, u32::MAX),
            (u32::MAX, u32::MAX, u32::MAX),
            (u32::MAX, u32::MAX, 0),
        ] {
            let refused = Kdf::decode(&encoded(memory, passes, lanes));
            assert!(matches!(refused, Err(KdfError::Parameters(_))), "{memory} {passes} {lanes}");
        }
    }

    #[test]
    fn hostile_b20_weak_costs_other_algorithms_and_versions_are_refused() {
        for (memory, passes, lanes) in
            [(8, 3, 1), (0, 3, 4), (19 * MIB - 1, 2, 1), (64 * MIB, 1, 4), (64 * MIB, 0, 4)]
        {
            assert!(Kdf::decode(&encoded(memory, passes, lanes)).is_err(), "{memory} {passes} {lanes}");
        }
        for (at, bytes) in [(0, [0, 2, 3, 0xff]), (1, [0, 0x10, 0x12, 0x14])] {
            for byte in bytes {
                let mut edited = CHEAP.encode();
                edited[at] = byte;
                assert!(matches!(Kdf::decode(&edited), Err(KdfError::Parameters(_))), "{at}: {byte:#x}");
            }
        }
    }

    #[test]
    fn hostile_b21_salts_of_other_lengths_are_refused() {
        for salt in [0, 8, 15, 17, 1 << 20] {
            let mut edited = CHEAP.encode().to_vec();
            edited.resize(14 + salt, 7);
            assert!(Kdf::decode(&edited).is_err(), "{salt}");
        }
    }

    #[test]
    fn bounds_are_inclusive() {
        for (memory, passes, lanes) in [(19 * MIB, 2, 1), (1024 * MIB, 10, 16), (64 * MIB, 3, 4)] {
            let kdf = Kdf::decode(&encoded(memory, passes, lanes)).expect("within the bounds");
            assert_eq!(kdf.encode(), encoded(memory, passes, lanes));
        }
    }

    #[test]
    fn hostile_b23_empty_nul_long_and_decomposed_passphrases() {
        let refused = |bytes: &[u8]| Passphrase::new(bytes).err();
        assert_eq!(refused(b""), Some(KdfError::Empty));
        assert_eq!(refused(&vec![b'x'; MAX_PASSPHRASE_LEN + 1]), Some(KdfError::TooLong));
        assert_eq!(refused(b"\xff\xfe"), Some(KdfError::NotText));
        assert_eq!(refused(&[0]), None);

        assert_eq!(derived("\u{e9}\u{1e69}"), derived("e\u{301}s\u{307}\u{323}"), "NFC and NFD");
        assert_ne!(derived("a\0b"), derived("a\0c"));
        assert_ne!(derived("a\0"), derived("a"));
        assert_ne!(derived("a"), derived("a "));
        assert_ne!(derived("a"), derived("A"));
        let mut long = "x".repeat(MAX_PASSPHRASE_LEN);
        let first = derived(&long);
        long.replace_range(long.len() - 1.., "y");
        assert_ne!(first, derived(&long), "the last byte of 1 MiB counts");
    }

    #[test]
    fn normalising_does_not_grow_the_buffer() {
        // the worst case of NFC's expansion in UTF-8
        let worst = "\u{1d160}".repeat(1000);
        let passphrase = Passphrase::new(worst.as_bytes()).expect("passphrase");
        assert_eq!(passphrase.0.capacity(), worst.len() * 3);
    }

    #[test]
    fn weak_is_less_than_the_minimum() {
        let weak = |memory, passes, lanes| KdfParams::accept(memory, passes, lanes).map(KdfParams::is_weak);
        assert_eq!(weak(64 * MIB, 3, 4), Ok(false));
        assert_eq!(weak(64 * MIB, 3, 1), Ok(false));
        assert_eq!(weak(64 * MIB - 1, 3, 4), Ok(true));
        assert_eq!(weak(64 * MIB, 2, 4), Ok(true));
    }

    #[test]
    fn salts_differ() {
        let salt = || *Kdf::generate(KdfParams::MINIMUM).expect("random").salt();
        assert_ne!(salt(), salt());
    }
}
