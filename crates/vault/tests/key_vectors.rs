//! The language-neutral vectors of keys in text form (`docs/spec/vault-key.md`, section 1).

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use subrosa_vault::{KeyTextError, RecoveryKey, VaultKey};

#[derive(Deserialize)]
struct File<T> {
    vectors: Vec<T>,
}

#[derive(Deserialize)]
struct Valid {
    kind: String,
    key: String,
    text: String,
    canonical: bool,
}

#[derive(Deserialize)]
struct Invalid {
    kind: String,
    text: String,
    failure: String,
    position: Option<usize>,
    symbols: Option<usize>,
}

fn vectors<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = format!("{}/../../tests/vectors/vault-key/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    serde_json::from_str::<File<T>>(&text).expect(&path).vectors
}

/// The canonical text of what `text` reads as.
fn reread(kind: &str, text: &str) -> Result<String, KeyTextError> {
    match kind {
        "vault" => VaultKey::parse(text).map(|key| key.to_text().to_string()),
        "recovery" => RecoveryKey::parse(text).map(|key| key.to_text().to_string()),
        other => panic!("no such kind: {other}"),
    }
}

/// The 32 bytes that a canonical text holds, decoded here by other means than the crate's.
fn bytes_of(text: &str) -> Vec<u8> {
    let mut crockford = data_encoding::Specification::new();
    crockford.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    let symbols = text[6..].replace('-', "");
    let mut payload = crockford.encoding().expect("alphabet").decode(symbols.as_bytes()).expect("symbols");
    payload.truncate(32);
    payload
}

#[test]
fn valid_texts_read_as_their_keys() {
    let vectors: Vec<Valid> = vectors("valid.json");
    assert!(vectors.len() > 10);
    for vector in vectors {
        let canonical = reread(&vector.kind, &vector.text).expect(&vector.text);
        assert_eq!(HEXLOWER.encode(&bytes_of(&canonical)), vector.key, "{}", vector.text);
        assert_eq!(canonical == vector.text, vector.canonical, "{}", vector.text);
    }
}

#[test]
fn invalid_texts_fail_for_their_reason() {
    let vectors: Vec<Invalid> = vectors("invalid.json");
    assert!(vectors.len() > 20);
    for vector in vectors {
        let error = reread(&vector.kind, &vector.text).expect_err(&vector.text);
        let class = error.kind().trim_start_matches("key_").replace('_', "-");
        assert_eq!(class, vector.failure, "{}", vector.text);
        match error {
            KeyTextError::BadCharacter { position } => assert_eq!(Some(position), vector.position),
            KeyTextError::BadLength { found } => assert_eq!(Some(found), vector.symbols),
            _ => assert_eq!((vector.position, vector.symbols), (None, None)),
        }
    }
}
