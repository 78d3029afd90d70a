//! Secrets in plain text, as one JSON document (export-format.md, section 6).

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::json::{self, document};
use super::secret;
use crate::text::text;
use crate::{Contents, InterchangeError, Items, MAX_ITEMS, Notices, Outgoing, Place};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    version: u64,
    secrets: Secrets,
}

/// The secrets, read as they come; what was wrong with the first one that was wrong.
struct Secrets(Result<Contents, InterchangeError>);

struct SecretsVisitor;

impl<'de> Visitor<'de> for SecretsVisitor {
    type Value = Secrets;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of secrets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Secrets, A::Error> {
        let (mut read, mut count) = (Ok(Contents::default()), 0);
        while let Some(secret) = list.next_element::<&RawValue>()? {
            // the document is gone through to its end: what is wrong with it as a whole is told before this
            read = match count {
                MAX_ITEMS => Err(InterchangeError::TooMany),
                number if number < MAX_ITEMS => read.and_then(|contents| add(secret, number, contents)),
                _ => read,
            };
            count += 1;
        }
        Ok(Secrets(read))
    }
}

fn add(secret: &RawValue, number: usize, mut contents: Contents) -> Result<Contents, InterchangeError> {
    secret::read(secret.get().as_bytes(), Place::Secret(number), &mut contents)?;
    Ok(contents)
}

impl<'de> Deserialize<'de> for Secrets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(SecretsVisitor)
    }
}

impl<'a> json::Document<'a> for Plain<'a> {
    const FORMAT: &'static str = "subrosa-plain";

    fn preamble(&self) -> (&str, u64) {
        (&self.format, self.version)
    }
}

/// Writes secrets as anybody can read them, each in a line of its own. What the items propose is not written.
///
/// # Errors
/// [`InterchangeError`]: more secrets or bytes than a file may have, a link that no file could have.
pub fn write_plain(items: &Items) -> Result<Outgoing<'_>, InterchangeError> {
    secret::check_links(items)?;
    let separators = items.len() * SEPARATOR.len();
    super::check_size(items, |len| len + separators, |out| write_document(items, out))?;
    Ok(Outgoing::new(Notices::default(), |out| write_document(items, out)))
}

/// What stands between two secrets.
const SEPARATOR: &[u8] = b",\n  ";

fn write_document(items: &Items, mut out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"{\n \"format\": \"subrosa-plain\",\n \"version\": 1,\n \"secrets\": [")?;
    for (at, item) in items.iter().enumerate() {
        out.write_all(if at == 0 { &SEPARATOR[1..] } else { SEPARATOR })?;
        secret::write(&item, &mut out)?;
    }
    out.write_all(b"\n ]\n}\n")
}

/// Reads what [`write_plain`] writes, and what people write like it: all but the name of a secret can be missing.
///
/// # Errors
/// [`InterchangeError`] with the place of what is wrong.
pub fn read_plain(bytes: &[u8]) -> Result<Contents, InterchangeError> {
    let Plain { secrets: Secrets(read), .. } = document(text(bytes)?)?;
    let contents = read?;
    secret::check_names(&contents)?;
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use subrosa_secret::Policy;

    use super::*;
    use crate::subrosa::scratch::{items, told, told_of, written};
    use crate::{Format, detect};

    #[test]
    fn what_was_written_is_read_with_all_that_is_told() {
        let items = items();
        let file = written(&items);
        assert_eq!(detect(&file, None).expect("recognised"), Format::SubrosaPlain);
        assert_eq!(told_of(&read_plain(&file).expect("read")), told(&items));
        assert!(read_plain(&written(&[])).expect("read").items.is_empty());
    }

    #[test]
    fn what_people_write_needs_little_more_than_names() {
        let text = br#"{"version":1,"format":"subrosa-plain","secrets":[{"name":"a"},{"value":"\u0062","name":"b"}]}"#;
        let items: Vec<_> = read_plain(text).expect("read").items.iter().collect();
        assert!(items[0].value.is_none() && items[0].policy == Policy::default());
        assert_eq!(items[1].value.as_ref().expect("a value").expose_secret(), b"b");
        assert_eq!(items[1].place, Place::Secret(1));
    }

    fn refused(secrets: &str) -> InterchangeError {
        let text = format!(r#"{{"format":"subrosa-plain","version":1,"secrets":[{secrets}]}}"#);
        read_plain(text.as_bytes()).err().expect("it is refused")
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place_and_never_quoted() {
        for (secrets, kind) in [
            (r#"{"name":"a"},{"name":"hunter2/"}"#, "name"),
            (r#"{"name":"a","value":"x"},{"name":"a","value":"hunter2"}"#, "malformed"),
            (r#"{"name":"a"},{"name":"b","value":"hunter2","base64":"eA=="}"#, "malformed"),
            (r#"{"name":"a"},{"name":"b","base64":"hunter2"}"#, "malformed"),
            (r#"{"name":"a"},{"name":"b","base64":"eB=="}"#, "malformed"),
            (r#"{"name":"a"},{"name":"b","changed":"hunter2"}"#, "malformed"),
            (r#"{"name":"a"},{"name":"b","changed":253402207201}"#, "malformed"),
            (r#"{"name":"a"},{"name":"b","history":[{"changed":1}]}"#, "malformed"),
            (r#"{"name":"a"},{"name":"b","policy":{"enabled":true}}"#, "malformed"),
            (r#"{"name":"a"},{"name":"b","hunter2":1}"#, "needs_newer"),
            (r#"{"name":"a"},{"name":"b","link":{"to":"hunter2"}}"#, "needs_newer"),
            (r#"{"name":"a"},{"name":"b","link":"hunter2"}"#, "malformed"),
            (r#"{"name":"a"},{"name":"b","link":{"connection":"c","system":"s"}}"#, "malformed"),
            (
                r#"{"name":"a"},{"name":"b","link":{"connection":"hunter2/","system":"s","target":"t"}}"#,
                "malformed",
            ),
            (
                r#"{"name":"a"},{"name":"b","value":"hunter2","link":{"connection":"c","system":"s","target":"t"}}"#,
                "malformed",
            ),
            (
                r#"{"name":"a","link":{"connection":"c","system":"s","target":"t"}},
                   {"name":"b","link":{"connection":"c","system":"hunter2","target":"t"}}"#,
                "malformed",
            ),
            (
                r#"{"name":"a","link":{"connection":"c","system":"s","target":"t"}},
                   {"name":"b","link":{"connection":"c","system":"s","settings":{"p":"hunter2"},"target":"t"}}"#,
                "malformed",
            ),
            (
                r#"{"name":"a"},{"name":"b","policy":{"enabled":true,"send_only":false,"access":"hunter2"}}"#,
                "needs_newer",
            ),
        ] {
            let error = refused(secrets);
            assert_eq!(error.kind(), kind, "{secrets}: {error}");
            let text = error.to_string();
            assert!(text.starts_with("secrets[1]: ") && !text.contains("hunter2"), "{text}");
        }
        let long = format!(r#"{{"name":"a"}},{{"name":"b","value":"{}"}}"#, "x".repeat((1 << 20) + 1));
        assert_eq!(refused(&long).kind(), "value_too_large");
    }

    #[test]
    fn other_documents_and_versions_are_told_apart() {
        let kind = |text: &str| read_plain(text.as_bytes()).err().map(|error| error.kind());
        assert_eq!(
            kind(r#"{"format":"subrosa-plain","version":2,"secrets":{},"more":1}"#),
            Some("needs_newer")
        );
        assert_eq!(
            kind(r#"{"format":"subrosa-plain","version":1,"secrets":[],"more":1}"#),
            Some("needs_newer")
        );
        for text in [
            r#"{"format":"subrosa-plain","version":0,"secrets":[]}"#,
            r#"{"format":"subrosa-export","version":1,"secrets":[]}"#,
            r#"{"format":"subrosa-plain","version":1,"secrets":[],"secrets":[]}"#,
            r#"{"format":"subrosa-plain","version":1,"secrets":[]} x"#,
            r#"{"format":"subrosa-plain","version":1,"secrets":["#,
            r#"{"format":"subrosa-plain","version":1}"#,
            "[]",
        ] {
            assert_eq!(kind(text), Some("malformed"), "{text}");
        }
    }

    #[test]
    fn hostile_e56_rules_that_nobody_could_save_are_left_out_with_a_notice() {
        let text = br#"{"format":"subrosa-plain","version":1,"secrets":[{"name":"a","policy":
            {"enabled":true,"send_only":false,"access":{"restricted":["*.co.uk","api.example.com"]}}}]}"#;
        let contents = read_plain(text).expect("read");
        assert_eq!(
            serde_json::to_value(&contents.items.get(0).policy.access).expect("JSON"),
            serde_json::json!({"restricted": ["api.example.com"]})
        );
        assert!(contents.notices[0].text.starts_with("the rule *.co.uk allows more"));
    }
}
