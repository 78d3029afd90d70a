//! The language-neutral vectors of key derivation from passphrases (`docs/spec/vault-key.md`, sections 2 and 3).
//! Their outputs were made by another implementation of Argon2id.

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use subrosa_vault::{Kdf, Passphrase};

#[derive(Deserialize)]
struct File<T> {
    vectors: Vec<T>,
}

#[derive(Deserialize)]
struct Valid {
    passphrase: String,
    parameters: String,
    output: String,
    weak: bool,
}

#[derive(Deserialize)]
struct Invalid {
    parameters: String,
    comment: String,
}

fn vectors<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = format!("{}/../../tests/vectors/passphrase/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    serde_json::from_str::<File<T>>(&text).expect(&path).vectors
}

fn bytes(hex: &str) -> Vec<u8> {
    HEXLOWER.decode(hex.as_bytes()).expect(hex)
}

#[test]
fn passphrases_derive_what_others_derive() {
    let vectors: Vec<Valid> = vectors("valid.json");
    assert!(vectors.len() > 5);
    for vector in vectors {
        let kdf = Kdf::decode(&bytes(&vector.parameters)).expect(&vector.parameters);
        let passphrase = Passphrase::new(vector.passphrase.as_bytes()).expect("passphrase");
        let output = kdf.derive(&passphrase).expect("derive");
        assert_eq!(HEXLOWER.encode(&output[..]), vector.output, "{:?}", vector.passphrase);
        assert_eq!(kdf.params().is_weak(), vector.weak, "{}", vector.parameters);
        assert_eq!(kdf.encode().as_slice(), bytes(&vector.parameters));
    }
}

#[test]
fn parameters_outside_the_limits_are_refused() {
    let vectors: Vec<Invalid> = vectors("invalid.json");
    assert!(vectors.len() > 10);
    for vector in vectors {
        let error = Kdf::decode(&bytes(&vector.parameters)).expect_err(&vector.comment);
        assert_eq!(error.kind(), "kdf_parameters", "{}", vector.comment);
    }
}
