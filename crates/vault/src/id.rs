//! Identifiers: 16 random bytes each, one type a kind so that they cannot be mixed up.

use std::fmt;

use data_encoding::HEXLOWER;

/// Length of every identifier in bytes.
pub const ID_LEN: usize = 16;

/// The text is not 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an identifier is 32 hexadecimal digits")]
pub struct IdError;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; ID_LEN]);

        impl $name {
            /// Draws a new identifier from the operating system's generator.
            pub fn random() -> Result<Self, getrandom::Error> {
                let mut bytes = [0; ID_LEN];
                getrandom::fill(&mut bytes)?;
                Ok(Self(bytes))
            }

            /// The identifier that these bytes are.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; ID_LEN]) -> Self {
                Self(bytes)
            }

            /// The identifier in `bytes`, or `None` if they are not 16.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; ID_LEN] {
                &self.0
            }

            /// Reads 32 hexadecimal digits of either case.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let bytes =
                    HEXLOWER.decode(text.to_ascii_lowercase().as_bytes()).map_err(|_| IdError)?;
                Self::from_slice(&bytes).ok_or(IdError)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

identifier!(
    /// Names one vault for its whole life, through every rotation of its keys.
    VaultId
);
identifier!(
    /// Names one keyslot; with the vault id it is the keychain's account.
    SlotId
);
identifier!(
    /// Names one secret from its first value to its purge, through every rename.
    RecordId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trip_and_refusals() {
        let id = VaultId::from_bytes([0xab; ID_LEN]);
        assert_eq!(id.to_string(), "ab".repeat(16));
        assert_eq!(VaultId::parse(&"AB".repeat(16)), Ok(id));
        for bad in ["", "ab", &"zz".repeat(16), &"ab".repeat(17)] {
            assert_eq!(VaultId::parse(bad), Err(IdError), "{bad:?}");
        }
    }

    #[test]
    fn random_ids_differ() {
        assert_ne!(SlotId::random().expect("random"), SlotId::random().expect("random"));
    }
}
