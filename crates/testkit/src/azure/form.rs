//! What forms and queries hold.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

/// Names and values, decoded (WHATWG URL, application/x-www-form-urlencoded).
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    pub(super) fn parse(text: &str) -> Self {
        let decoded =
            |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self(pairs.map(|(name, value)| (decoded(name), decoded(value))).collect())
    }

    pub(super) fn of_query(target: &str) -> Self {
        Self::parse(target.split_once('?').map_or("", |(_, query)| query))
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}
