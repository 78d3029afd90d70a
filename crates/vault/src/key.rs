//! Vault keys and recovery keys: 256 random bits, and the text in which people see them
//! (`docs/spec/vault-key.md`, section 1).

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::role::KEY_LEN;

/// Crockford's base32: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHECK_LEN: usize = 3;
const PAYLOAD_LEN: usize = KEY_LEN + CHECK_LEN;
/// Symbols of key and checksum.
const SYMBOLS: usize = PAYLOAD_LEN * 8 / 5;
const GROUP: usize = 7;
const KIND_LEN: usize = 4;
/// Characters of a key as text: prefix, and a hyphen before each group.
const TEXT_LEN: usize = KIND_LEN + 1 + SYMBOLS + SYMBOLS / GROUP;

/// What a key in text form is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// `SRVK…`: kept in the operating system's keychain.
    Vault,
    /// `SRRK…`: kept on paper.
    Recovery,
}

impl KeyKind {
    /// The characters that a key of this kind begins with, its version excepted.
    const fn letters(self) -> &'static [u8; KIND_LEN] {
        match self {
            Self::Vault => b"SRVK",
            Self::Recovery => b"SRRK",
        }
    }

    /// What the checksum is computed over, before the key.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Vault => b"subrosa vault key 1",
            Self::Recovery => b"subrosa recovery key 1",
        }
    }

    fn of(letters: &[u8]) -> Option<Self> {
        [Self::Vault, Self::Recovery].into_iter().find(|kind| kind.letters() == letters)
    }

    fn check(self, key: &[u8]) -> [u8; CHECK_LEN] {
        let hash = Sha256::new().chain_update(self.label()).chain_update(key).finalize();
        [hash[0], hash[1], hash[2]]
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vault => "vault key",
            Self::Recovery => "recovery key",
        })
    }
}

/// Why a text is not a key. None of the variants holds any part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyTextError {
    /// It does not begin as a key of this kind does.
    #[error("this is not a {expected}: it does not begin with {}1-", std::str::from_utf8(.expected.letters()).unwrap_or_default())]
    WrongPrefix {
        /// What was asked for.
        expected: KeyKind,
    },
    /// It begins as a key of the other kind does.
    #[error("this is a {found}, not a {expected}")]
    OtherKind {
        /// What was asked for.
        expected: KeyKind,
        /// What it is.
        found: KeyKind,
    },
    /// It was written by a newer version.
    #[error("this {expected} needs a newer subrosa")]
    NewerVersion {
        /// What was asked for.
        expected: KeyKind,
    },
    /// A character that no key holds.
    #[error("character {position} cannot stand in a key")]
    BadCharacter {
        /// Where it stands in the text as it was given, counted in characters from 1.
        position: usize,
    },
    /// Characters are missing or too many.
    #[error(
        "the key has {found} characters after its prefix where it should have {SYMBOLS}: a part is missing or doubled"
    )]
    BadLength {
        /// Symbols found, hyphens and spaces not counted.
        found: usize,
    },
    /// All looks right, but the checksum says that something was mistyped.
    #[error("the key was mistyped: its checksum does not agree")]
    Checksum,
}

impl KeyTextError {
    /// A stable name for the kind of error, for programs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::WrongPrefix { .. } => "key_wrong_prefix",
            Self::OtherKind { .. } => "key_other_kind",
            Self::NewerVersion { .. } => "key_newer_version",
            Self::BadCharacter { .. } => "key_bad_character",
            Self::BadLength { .. } => "key_bad_length",
            Self::Checksum => "key_checksum",
        }
    }
}

macro_rules! text_key {
    ($(#[$doc:meta])* $name:ident, $kind:expr) => {
        $(#[$doc])*
        ///
        /// Wiped when dropped. It cannot be printed, compared or serialised by accident:
        ///
        /// ```compile_fail,E0277
        #[doc = concat!("fn debug<T: std::fmt::Debug>() {}\ndebug::<subrosa_vault::", stringify!($name), ">();")]
        /// ```
        /// ```compile_fail,E0277
        #[doc = concat!("fn display<T: std::fmt::Display>() {}\ndisplay::<subrosa_vault::", stringify!($name), ">();")]
        /// ```
        /// ```compile_fail,E0277
        #[doc = concat!("fn compare<T: PartialEq>() {}\ncompare::<subrosa_vault::", stringify!($name), ">();")]
        /// ```
        /// ```compile_fail,E0277
        #[doc = concat!("fn serialize<T: serde::Serialize>() {}\nserialize::<subrosa_vault::", stringify!($name), ">();")]
        /// ```
        // on the heap: whoever moves an array leaves a copy on the stack, which nobody wipes
        pub struct $name(Box<Zeroizing<[u8; KEY_LEN]>>);

        impl $name {
            /// Draws a new key from the operating system's generator.
            ///
            /// # Errors
            /// That of the generator.
            pub fn generate() -> Result<Self, getrandom::Error> {
                let mut bytes = Box::new(Zeroizing::new([0; KEY_LEN]));
                getrandom::fill(&mut bytes[..])?;
                Ok(Self(bytes))
            }

            /// Reads a key from its text form. Case, spaces, line ends and hyphens do not matter.
            ///
            /// # Errors
            /// [`KeyTextError`], the first rule of the spec that the text breaks.
            pub fn parse(text: &str) -> Result<Self, KeyTextError> {
                read($kind, text).map(Self)
            }

            /// The key in its text form, 69 characters.
            #[must_use]
            pub fn to_text(&self) -> Zeroizing<String> {
                write($kind, &self.0)
            }

            #[cfg(test)]
            pub(crate) fn from_key(key: [u8; KEY_LEN]) -> Self {
                Self(Box::new(Zeroizing::new(key)))
            }

            pub(crate) fn expose_key(&self) -> &[u8; KEY_LEN] {
                &self.0
            }
        }
    };
}

text_key!(
    /// Opens a vault from the operating system's keychain.
    VaultKey,
    KeyKind::Vault
);
text_key!(
    /// Opens a vault from paper, when all else is lost.
    RecoveryKey,
    KeyKind::Recovery
);

fn write(kind: KeyKind, key: &[u8; KEY_LEN]) -> Zeroizing<String> {
    let mut payload = Zeroizing::new([0; PAYLOAD_LEN]);
    payload[..KEY_LEN].copy_from_slice(key);
    payload[KEY_LEN..].copy_from_slice(&kind.check(key));
    // the capacity is exact: growing would leave a copy behind
    let mut text = Zeroizing::new(String::with_capacity(TEXT_LEN));
    text.extend(kind.letters().iter().copied().chain([b'1']).map(char::from));
    for symbol in 0..SYMBOLS {
        if symbol % GROUP == 0 {
            text.push('-');
        }
        let value =
            (0..5).map(|bit| symbol * 5 + bit).fold(0, |value, bit| value << 1 | bit_at(&payload[..], bit));
        text.push(char::from(ALPHABET[usize::from(value)]));
    }
    text
}

fn bit_at(bytes: &[u8], bit: usize) -> u8 {
    bytes[bit / 8] >> (7 - bit % 8) & 1
}

fn read(expected: KeyKind, text: &str) -> Result<Box<Zeroizing<[u8; KEY_LEN]>>, KeyTextError> {
    let mut characters = (1..)
        .zip(text.chars())
        .filter(|(_, character)| !matches!(character, ' ' | '\t' | '\r' | '\n' | '-'))
        .map(|(position, character)| (position, character.to_ascii_uppercase()));
    read_prefix(expected, characters.by_ref().take(KIND_LEN + 1).map(|(_, character)| character))?;

    let mut payload = Zeroizing::new([0; PAYLOAD_LEN]);
    let mut found = 0;
    for (position, character) in characters {
        let value = symbol_of(character).ok_or(KeyTextError::BadCharacter { position })?;
        if found < SYMBOLS {
            for bit in 0..5 {
                let place = found * 5 + bit;
                payload[place / 8] |= (value >> (4 - bit) & 1) << (7 - place % 8);
            }
        }
        found += 1;
    }
    if found != SYMBOLS {
        return Err(KeyTextError::BadLength { found });
    }
    let mut key = Box::new(Zeroizing::new([0; KEY_LEN]));
    key.copy_from_slice(&payload[..KEY_LEN]);
    if payload[KEY_LEN..] != expected.check(&key[..]) {
        return Err(KeyTextError::Checksum);
    }
    Ok(key)
}

fn read_prefix(expected: KeyKind, mut characters: impl Iterator<Item = char>) -> Result<(), KeyTextError> {
    let wrong = KeyTextError::WrongPrefix { expected };
    let mut letters = [0; KIND_LEN];
    for letter in &mut letters {
        *letter = characters.next().and_then(|character| u8::try_from(character).ok()).ok_or(wrong)?;
    }
    let found = KeyKind::of(&letters).ok_or(wrong)?;
    if found != expected {
        return Err(KeyTextError::OtherKind { expected, found });
    }
    match characters.next().and_then(symbol_of) {
        Some(1) => Ok(()),
        Some(2..) => Err(KeyTextError::NewerVersion { expected }),
        _ => Err(wrong),
    }
}

/// The value of a symbol in upper case, with the letters that are read as digits.
fn symbol_of(character: char) -> Option<u8> {
    let symbol = match character {
        'O' => b'0',
        'I' | 'L' => b'1',
        other => u8::try_from(other).ok()?,
    };
    (0..).zip(ALPHABET).find_map(|(value, known)| (*known == symbol).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<[u8; KEY_LEN], KeyTextError> {
        VaultKey::parse(text).map(|key| *key.expose_key())
    }

    fn sample() -> (VaultKey, Zeroizing<String>) {
        let key = VaultKey::from_key(std::array::from_fn(|index| index as u8 * 7));
        let text = key.to_text();
        (key, text)
    }

    #[test]
    fn text_has_eight_groups_of_seven_and_does_not_grow() {
        let (_, text) = sample();
        let groups: Vec<&str> = text.split('-').collect();
        assert_eq!(groups[0], "SRVK1");
        assert!(groups.len() == 9 && groups[1..].iter().all(|group| group.len() == 7), "{groups:?}");
        assert_eq!((text.len(), text.capacity()), (TEXT_LEN, TEXT_LEN));
    }

    #[test]
    fn every_way_of_typing_it_reads_the_same() {
        let (key, text) = sample();
        let ways = [
            text.to_string(),
            text.to_lowercase(),
            text.replace('-', ""),
            text.replace('-', " \r\n\t"),
            text.replace('0', "O").replace('1', "l"),
            text.replace('0', "o").replace('1', "I"),
            format!("\n{}\n", *text),
        ];
        for way in ways {
            assert_eq!(parsed(&way), Ok(*key.expose_key()), "{way}");
        }
    }

    #[test]
    fn every_mistyped_symbol_is_noticed() {
        let (_, text) = sample();
        for at in TEXT_LEN - SYMBOLS - 7..TEXT_LEN {
            let right = text.as_bytes()[at];
            for wrong in ALPHABET.iter().filter(|wrong| **wrong != right && right != b'-') {
                let mut typed = text.as_bytes().to_vec();
                typed[at] = *wrong;
                assert_eq!(
                    parsed(std::str::from_utf8(&typed).expect("ASCII")),
                    Err(KeyTextError::Checksum),
                    "{at}"
                );
            }
        }
    }

    #[test]
    fn swapped_neighbours_are_noticed() {
        let (_, text) = sample();
        for at in 6..TEXT_LEN - 1 {
            let mut typed = text.as_bytes().to_vec();
            typed.swap(at, at + 1);
            let typed = String::from_utf8(typed).expect("ASCII");
            let same = typed.replace('-', "") == text.replace('-', "");
            assert_eq!(parsed(&typed).is_ok(), same, "{at}");
        }
    }

    #[test]
    fn each_fault_has_its_error() {
        let (_, text) = sample();
        let expected = KeyKind::Vault;
        let wrong = Err(KeyTextError::WrongPrefix { expected });
        for not_a_key in ["", "S", "SRVK", "SRVK0-", "SRVKU", "subrosa", "ŚRVK1", "SRXK1-0000000"] {
            assert_eq!(parsed(not_a_key), wrong, "{not_a_key}");
        }
        assert_eq!(parsed(&text.replace("SRVK1", "srvk2")), Err(KeyTextError::NewerVersion { expected }));
        assert_eq!(parsed(&text[..text.len() - 1]), Err(KeyTextError::BadLength { found: 55 }));
        assert_eq!(parsed(&format!("{}0", *text)), Err(KeyTextError::BadLength { found: 57 }));
        for bad in ['U', 'u', '!', 'é', '\0', '\u{2013}', '０'] {
            let typed = format!("{}{bad}{}", &text[..20], &text[21..]);
            assert_eq!(parsed(&typed), Err(KeyTextError::BadCharacter { position: 21 }), "{bad}");
        }
    }

    #[test]
    fn a_recovery_key_is_not_taken_for_a_vault_key() {
        let recovery = RecoveryKey::generate().expect("random");
        let text = recovery.to_text();
        let told = KeyTextError::OtherKind { expected: KeyKind::Vault, found: KeyKind::Recovery };
        assert_eq!(parsed(&text), Err(told));
        assert_eq!(told.to_string(), "this is a recovery key, not a vault key");
        assert_eq!(parsed(&text.replace("SRRK", "SRVK")), Err(KeyTextError::Checksum));
        assert!(RecoveryKey::parse(&text).is_ok());
    }

    #[test]
    fn generated_keys_differ_and_round_trip() {
        let (one, two) = (VaultKey::generate().expect("random"), VaultKey::generate().expect("random"));
        assert_ne!(one.expose_key(), two.expose_key());
        assert_eq!(parsed(&one.to_text()), Ok(*one.expose_key()));
    }

    #[test]
    fn messages_hold_nothing_of_the_text() {
        let message =
            |text: &str| VaultKey::parse(text).err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(message("hunter2"), "this is not a vault key: it does not begin with SRVK1-");
        assert_eq!(message("SRVK1-ABC?DEF"), "character 10 cannot stand in a key");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,200}") {
            let _ = VaultKey::parse(&text);
            let _ = RecoveryKey::parse(&format!("SRRK1-{text}"));
        }
    }
}
