//! What is planted.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use data_encoding::{Encoding, Specification};

/// What a canary stands for: it decides where it may appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The value of a secret.
    Value,
    /// A value that was replaced.
    EarlierValue,
    /// The value of a secret that was deleted.
    DeletedValue,
    /// The name of a secret.
    Name,
    /// A host that a secret may go to.
    Host,
    /// A tag.
    Tag,
    /// A description.
    Description,
    /// A profile.
    Profile,
    /// A passphrase of the vault.
    Passphrase,
    /// A vault key.
    VaultKey,
    /// A recovery key.
    RecoveryKey,
    /// The vault's root key, or one that derives from it.
    RootKey,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Value,
        Self::EarlierValue,
        Self::DeletedValue,
        Self::Name,
        Self::Host,
        Self::Tag,
        Self::Description,
        Self::Profile,
        Self::Passphrase,
        Self::VaultKey,
        Self::RecoveryKey,
        Self::RootKey,
    ];
}

/// How much of a canary is looked for at once: a half, so that one that was cut is found as well.
const HALF: usize = 12;
/// What canaries are made of: whatever spells them leaves letters and digits in one of the known forms.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// One text that cannot be mistaken for anything else.
#[derive(Clone)]
pub struct Canary {
    /// What reports call it.
    pub(super) label: String,
    pub(super) kind: Kind,
    /// What is looked for, in every form.
    pub(super) needles: Vec<Vec<u8>>,
}

/// The canaries of one test.
#[derive(Clone, Default)]
pub struct Canaries(pub(super) Vec<Canary>);

impl Canaries {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a text that can stand for `kind`, and looks for it from now on under `label`. A value holds characters that
    /// every encoding changes.
    pub fn plant(&mut self, kind: Kind, label: &str) -> String {
        let core = random_letters(2 * HALF);
        let needles = core.as_bytes().chunks(HALF).map(<[u8]>::to_vec).collect();
        self.0.push(Canary { label: label.to_owned(), kind, needles });
        match kind {
            Kind::Value | Kind::EarlierValue | Kind::DeletedValue => format!("/ \"{core}\\\u{e9}~"),
            Kind::Name => format!("n.{core}"),
            Kind::Host => format!("h{core}.example"),
            Kind::Tag | Kind::Profile => format!("t-{core}"),
            Kind::Description => format!("what {core} is for"),
            Kind::Passphrase | Kind::VaultKey | Kind::RecoveryKey | Kind::RootKey => {
                format!("pass {core} phrase")
            }
        }
    }

    /// Looks for a text that exists already.
    ///
    /// # Panics
    /// If it is shorter than 12 bytes: it would be found by chance.
    pub fn add(&mut self, kind: Kind, label: &str, text: &[u8]) {
        assert!(text.len() >= HALF, "{label} is too short to be looked for");
        let mut needles: Vec<Vec<u8>> = text.chunks_exact(HALF).map(<[u8]>::to_vec).collect();
        needles.push(text[text.len() - HALF..].to_vec());
        self.0.push(Canary { label: label.to_owned(), kind, needles });
    }

    /// Looks for a vault key or recovery key: its text, with and without hyphens, and the bytes that it stands for.
    ///
    /// # Panics
    /// If it is not the text of a key.
    pub fn add_key(&mut self, kind: Kind, label: &str, text: &str) {
        let (_, groups) = text.trim().split_once('-').expect("a key's text");
        let symbols: String = groups.chars().filter(|letter| *letter != '-').collect();
        let bytes = crockford().decode(symbols.as_bytes()).expect("a key's text");
        for spelling in [groups.as_bytes(), symbols.as_bytes(), &bytes] {
            self.add(kind, label, spelling);
        }
    }
}

/// Crockford's base32, as keys are written.
fn crockford() -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    specification.encoding().expect("an alphabet of 32 symbols")
}

/// The standard library seeds each hasher from the system's random numbers.
fn random_letters(length: usize) -> String {
    let mut text = String::new();
    while text.len() < length {
        let mut bits = RandomState::new().build_hasher().finish();
        for _ in 0..12 {
            text.push(char::from(ALPHABET[usize::try_from(bits & 31).expect("five bits")]));
            bits >>= 5;
        }
    }
    text.truncate(length);
    text
}
