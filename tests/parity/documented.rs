//! Command lines as vendors document them. Their hosts are this machine's, everything else is as it was written.

use serde_json::Value;

use crate::station::{Case, PLAIN, TLS};

/// The command lines, without the word `curl`. Beside each stands in the file where it was found.
pub fn cases() -> Vec<Case> {
    let data: Value = serde_json::from_str(include_str!("../data/public-api-requests.json")).expect("JSON");
    let requests = data["requests"].as_array().expect("a list of requests");
    let case = |request: &Value| {
        let words = request["argv"].as_array().expect("a command line").iter().skip(1);
        let words = words.map(|word| here(word.as_str().expect("a word")));
        Case::new(words.chain(["-k".to_owned()]))
    };
    requests.iter().map(case).collect()
}

/// A URL with an origin of this machine in place of its own.
fn here(word: &str) -> String {
    for (scheme, origin) in [("https://", TLS), ("http://", PLAIN)] {
        if let Some(rest) = word.strip_prefix(scheme) {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            return format!("{origin}{}", &rest[end..]);
        }
    }
    word.to_owned()
}
