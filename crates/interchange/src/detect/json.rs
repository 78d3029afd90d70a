//! What a JSON document is, by the fields of its outermost object.

use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::malformed;
use crate::text::text;
use crate::{Format, InterchangeError};

/// The fields that tell formats apart.
const TELLING: &[&str] = &[
    "format",
    "_postman_variable_scope",
    "id",
    "prefix",
    "values",
    "info",
    "item",
    "sops",
    "encrypted",
    "passwordProtected",
    "encKeyValidation_DO_NOT_EDIT",
    "items",
    "folders",
    "_type",
    "__export_format",
    "iv",
    "nonce",
    "salt",
    "cipher",
    "ciphertext",
    "secrets",
    "collections",
    "environments",
    "version",
    "suite",
    "keys",
    "payload",
];

/// What subrosa's own documents say that they are.
const OWN: [(&str, Format); 2] =
    [("subrosa-export", Format::Subrosa), ("subrosa-plain", Format::SubrosaPlain)];
/// How far into a text that is looked for.
const HEAD: usize = 1 << 10;
/// So many letters of such a word can be wrong, and it is still clear what was meant.
const SLIPS: usize = 3;

/// The telling fields of a document, none for an array.
#[derive(Default)]
struct Outline<'a>(Vec<(&'static str, &'a RawValue)>);

/// The format of a JSON document; `None` for text that only begins like one.
pub(super) fn detect(bytes: &[u8]) -> Result<Option<Format>, InterchangeError> {
    let text = text(bytes)?;
    let mut json = serde_json::Deserializer::from_str(text);
    let outline = json.deserialize_any(OutlineVisitor).and_then(|outline| json.end().map(|()| outline));
    match outline {
        Ok(outline) => outline.format().map(Some),
        Err(_) if begins_otherwise(text) => match named(text) {
            Some(format) => Err(InterchangeError::NearMiss { format }),
            None => Ok(None),
        },
        Err(error) => Err(malformed(&error)),
    }
}

/// Whether the first line could be a heading of TOML, or a collection of YAML without quotes.
fn begins_otherwise(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default().trim_end();
    let inner = line.trim_start_matches(['[', '{']).trim_start();
    inner.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Which of subrosa's own documents a text says that it is, where that is no JSON.
fn named(text: &str) -> Option<Format> {
    let head = &text.as_bytes()[..text.len().min(HEAD)];
    let says = |word: &str| memchr::memmem::find(head, format!("\"{word}\"").as_bytes()).is_some();
    OWN.into_iter().find(|(word, _)| says(word)).map(|(_, format)| format)
}

impl Outline<'_> {
    fn raw(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, raw)| raw.get())
    }

    fn has(&self, field: &str) -> bool {
        self.raw(field).is_some()
    }

    fn text(&self, field: &str) -> Option<String> {
        self.raw(field).and_then(|raw| serde_json::from_str(raw).ok())
    }

    fn is_text(&self, field: &str, wanted: &str) -> bool {
        self.text(field).is_some_and(|text| text == wanted)
    }

    /// Whether a list or an object holds a field of this name somewhere. Names alone are looked for, so that an escape
    /// within one could hide it: good enough to tell formats apart, where nobody gains by hiding.
    fn mentions(&self, field: &str, name: &str) -> bool {
        self.raw(field).is_some_and(|raw| memchr::memmem::find(raw.as_bytes(), name.as_bytes()).is_some())
    }

    fn format(&self) -> Result<Format, InterchangeError> {
        if let Some(own) = self.own()? {
            return Ok(own);
        }
        match self.foreign() {
            Some(what) => Err(InterchangeError::Unsupported { what }),
            None => Ok(self.postman().unwrap_or(Format::Json)),
        }
    }

    /// One of subrosa's own documents. What is made like one and says something else is refused: as any other document its
    /// ciphertexts would become secrets.
    fn own(&self) -> Result<Option<Format>, InterchangeError> {
        let word = self.text("format").unwrap_or_default();
        if let Some((_, format)) = OWN.into_iter().find(|(own, _)| *own == word) {
            return Ok(Some(format));
        }
        let is_sealed = self.has("payload")
            && (self.has("suite")
                || self.mentions("keys", "\"wrapped\"")
                || self.mentions("keys", "\"kdf\""));
        let is_plain = self.mentions("secrets", "\"send_only\"") && self.mentions("secrets", "\"access\"");
        let meant = OWN.into_iter().find(|(own, _)| is_slip(own, &word)).map(|(_, format)| format);
        let format = match meant {
            _ if is_sealed => Format::Subrosa,
            _ if is_plain => Format::SubrosaPlain,
            Some(format) => format,
            None if word.starts_with("subrosa") => Format::Subrosa,
            None => return Ok(None),
        };
        Err(InterchangeError::NearMiss { format })
    }

    fn postman(&self) -> Option<Format> {
        let scope = |wanted| self.is_text("_postman_variable_scope", wanted);
        let values = self.raw("values").is_some_and(|raw| raw.starts_with('['));
        match () {
            () if self.mentions("info", "getpostman.com/json/collection") => Some(Format::PostmanCollection),
            () if self.has("info") && self.raw("item").is_some_and(|raw| raw.starts_with('[')) => {
                Some(Format::PostmanCollection)
            }
            // newman takes one without `info`
            () if self.mentions("item", "\"request\"") => Some(Format::PostmanCollection),
            () if !values => None,
            () if self.is_text("id", "vault") || self.is_text("prefix", "vault:") || scope("vault") => {
                Some(Format::PostmanVault)
            }
            () if self.mentions("values", "\"_domains\"") => Some(Format::PostmanVault),
            () if scope("globals") => Some(Format::PostmanGlobals),
            // exports of old name no scope
            () if scope("environment") || self.mentions("values", "\"key\"") => {
                Some(Format::PostmanEnvironment)
            }
            () => None,
        }
    }

    fn foreign(&self) -> Option<&'static str> {
        let encrypted = ["iv", "nonce", "salt", "cipher", "ciphertext"].iter().any(|field| self.has(field));
        match () {
            () if self.mentions("sops", "\"mac\"") => Some("a file encrypted by SOPS"),
            () if self.has("encKeyValidation_DO_NOT_EDIT") || self.has("passwordProtected") => {
                Some("an encrypted export of Bitwarden")
            }
            () if self.raw("encrypted") == Some("false") && self.has("items") => {
                Some("an export of Bitwarden")
            }
            () if self.is_text("_type", "export") && self.has("__export_format") => {
                Some("an export of Insomnia")
            }
            () if self.mentions("info", "\"bruno-environment\"") => Some("environments of Bruno"),
            () if self.has("collections") && self.has("environments") && self.has("version") => {
                Some("a data dump of Postman, which holds several files in one")
            }
            () if self.has("format") => None,
            () if encrypted && !self.has("values") => Some(
                "encrypted JSON of a program that is not known (how Postman encrypts an exported vault is not published)",
            ),
            () if self.mentions("secrets", "\"value\"") && self.mentions("secrets", "omains\"") => {
                Some("what may be a vault exported by Postman, whose format is not published")
            }
            () => None,
        }
    }
}

/// Whether a word is another one with a few letters changed.
fn is_slip(meant: &str, word: &str) -> bool {
    let differing = meant.chars().zip(word.chars()).filter(|(one, other)| one != other).count();
    meant.chars().count() == word.chars().count() && differing <= SLIPS
}

/// Goes over the document once and keeps what is telling.
struct OutlineVisitor;

impl<'de> Visitor<'de> for OutlineVisitor {
    type Value = Outline<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut outline = Outline::default();
        while let Some(key) = map.next_key::<String>()? {
            match TELLING.iter().find(|telling| **telling == key) {
                Some(telling) if !outline.has(telling) => outline.0.push((telling, map.next_value()?)),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(outline)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Outline::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> String {
        match detect(text.as_bytes()) {
            Ok(format) => format.map_or("none", Format::as_str).to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn each_format_of_postman_is_told() {
        for (text, format) in [
            (r#"{"name":"e","values":[],"_postman_variable_scope":"environment"}"#, "postman-environment"),
            (r#"{"name":"e","values":[{"key":"k","value":"v"}],"synced":false}"#, "postman-environment"),
            (r#"{"values":[],"_postman_variable_scope":"globals"}"#, "postman-globals"),
            (r#"{"id":"vault","values":[]}"#, "postman-vault"),
            (r#"{"values":[{"key":"a","value":"b","_domains":[]}]}"#, "postman-vault"),
            (
                r#"{"info":{"schema":"https://schema.getpostman.com/json/collection/v2.1.0/collection.json"}}"#,
                "postman-collection",
            ),
            (r#"{"info":{"name":"c"},"item":[]}"#, "postman-collection"),
            (r#"{"auth":{},"item":[{"name":"r","request":{"url":"x"}}]}"#, "postman-collection"),
        ] {
            assert_eq!(found(text), format, "{text}");
        }
    }

    #[test]
    fn own_exports_and_anything_else() {
        assert_eq!(found(r#"{"format":"subrosa-export"}"#), "subrosa");
        assert_eq!(found(r#"{"format":"subrosa-plain"}"#), "subrosa-plain");
        for text in
            [r#"{"values":[1]}"#, "{}", "[]", r#"[{"a":1}]"#, r#"{"info":{},"values":3}"#, r#"{"format":7}"#]
        {
            assert_eq!(found(text), "json", "{text}");
        }
    }

    #[test]
    fn what_is_made_like_an_export_and_says_something_else_is_neither() {
        for (text, what) in [
            (r#"{"format":"subrosa-expo\u0000t","version":1,"secrets":[]}"#, "an encrypted export"),
            (r#"{"format":"SubRosa-export"}"#, "an encrypted export"),
            (r#"{"format":"subrosa-sealed","version":3}"#, "an encrypted export"),
            (r#"{"version":1,"suite":1,"id":"00","keys":[],"payload":["x"]}"#, "an encrypted export"),
            (
                r#"{"format":7,"keys":[{"kind":"passphrase","wrapped":"x"}],"payload":[]}"#,
                "an encrypted export",
            ),
            ("{x \"format\": \"subrosa-export\",\n \"version\": 1}", "an encrypted export"),
            (r#"{"format":"subrosa-plaim","version":1}"#, "an export of subrosa in plain text"),
            (
                r#"{"version":1,"secrets":[{"name":"a","policy":{"enabled":true,"send_only":false,"access":"undecided"}}]}"#,
                "an export of subrosa in plain text",
            ),
        ] {
            let said = found(text);
            assert!(said.starts_with("the file looks like ") && said.contains(what), "{text}: {said}");
        }
        for text in [r#"{"payload":{"a":"b"},"keys":["c"]}"#, r#"{"format":"json","secrets":[{"name":"a"}]}"#]
        {
            assert_eq!(found(text), "json", "{text}");
        }
    }

    #[test]
    fn files_of_other_programs_are_named() {
        for (text, named) in [
            (r#"{"a":"ENC[AES256_GCM,data:x]","sops":{"mac":"ENC[x]"}}"#, "SOPS"),
            (
                r#"{"encrypted":true,"passwordProtected":true,"salt":"x","data":"y"}"#,
                "encrypted export of Bitwarden",
            ),
            (r#"{"encrypted":false,"folders":[],"items":[]}"#, "export of Bitwarden"),
            (r#"{"_type":"export","__export_format":4,"resources":[]}"#, "Insomnia"),
            (r#"{"info":{"type":"bruno-environment"},"environments":[]}"#, "Bruno"),
            (r#"{"version":1,"collections":[],"environments":[]}"#, "data dump"),
            (r#"{"iv":"x","ciphertext":"y"}"#, "not published"),
            (
                r#"{"secrets":[{"name":"a","value":"b","allowedDomains":[]}]}"#,
                "may be a vault exported by Postman",
            ),
        ] {
            let said = found(text);
            assert!(said.contains(named) && said.ends_with("is not supported yet"), "{text}: {said}");
        }
    }

    #[test]
    fn broken_json_is_told_from_other_text() {
        assert_eq!(found("{\"a\":\n 1,}"), "line 2: this is no JSON");
        assert_eq!(found("{\"a\": 1"), "line 1: the JSON document ends too early");
        assert_eq!(found("{} {}"), "line 1: this is no JSON");
        assert_eq!(found("[section]\na = 1"), "none");
        assert_eq!(found("{a: 1}"), "none");
    }
}
