//! The answers of Digest as a server checks them (RFC 7616, 3.4.1; RFC 2617, 3.2.2.1 without `qop`).

use std::collections::BTreeMap;

use md5::Md5;
use sha2::{Digest, Sha256};
use subrosa_testkit::Captured;

/// The question of one kind of server.
pub fn question(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "digest" => {
            "Digest realm=\"a realm\", nonce=\"dcd98b7102dd\", qop=\"auth\", algorithm=SHA-256, opaque=\"5ccc\""
        }
        "digest-md5" => "Digest realm=\"a \\\"realm\\\"\", nonce=\"n\", qop=\"auth,auth-int\", algorithm=MD5",
        "digest-sess" => "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=MD5-sess",
        "digest-256-sess" => "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256-sess",
        "digest-old" => "Digest realm=\"r\", nonce=\"n\", opaque=\"o\"",
        _ => return None,
    })
}

/// Whether a request carries the answer to a question that it was asked.
pub fn is_answer(request: &Captured) -> bool {
    let given =
        request.header("authorization").first().map(|value| String::from_utf8_lossy(value).into_owned());
    let Some(parameters) = given.as_deref().and_then(|text| text.strip_prefix("Digest ")).map(parameters)
    else {
        return false;
    };
    let get = |name: &str| parameters.get(name).map(String::as_str);
    let is_of_request = get("uri").is_some_and(|uri| request.target.ends_with(uri));
    let password = match get("username") {
        Some("me") => "pass",
        _ => return false,
    };
    is_of_request && get("response") == Some(&response(&get, &request.method, password))
}

fn response<'a>(get: &dyn Fn(&str) -> Option<&'a str>, method: &str, password: &str) -> String {
    let algorithm = get("algorithm").unwrap_or("MD5");
    let hash = |parts: &[&str]| {
        let text = parts.join(":");
        let bytes = if algorithm.starts_with("SHA-256") {
            Sha256::digest(text).to_vec()
        } else {
            Md5::digest(text).to_vec()
        };
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let part = |name: &str| get(name).unwrap_or_default();
    let mut secret = hash(&[part("username"), part("realm"), password]);
    if algorithm.ends_with("-sess") {
        secret = hash(&[&secret, part("nonce"), part("cnonce")]);
    }
    let asked = hash(&[method, part("uri")]);
    match get("qop") {
        Some(qop) => hash(&[&secret, part("nonce"), part("nc"), part("cnonce"), qop, &asked]),
        None => hash(&[&secret, part("nonce"), &asked]),
    }
}

/// Names and values, quotes and backslashes taken away.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut letters = text.chars().peekable();
    while letters.peek().is_some() {
        let name: String = letters.by_ref().take_while(|letter| *letter != '=').collect();
        let mut value = String::new();
        let is_quoted = letters.next_if_eq(&'"').is_some();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' if is_quoted => value.extend(letters.next()),
                '"' if is_quoted => break,
                ',' if !is_quoted => break,
                _ => value.push(letter),
            }
        }
        while letters.next_if(|letter| [',', ' '].contains(letter)).is_some() {}
        found.insert(name, value);
    }
    found
}
