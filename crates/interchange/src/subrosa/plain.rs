//! Secrets in plain text, as one JSON document (export-format.md, section 6).

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::json::{self, document};
use super::secret;
use crate::text::text;
use crate::{Contents, InterchangeError, Item, MAX_ITEMS};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    version: u64,
    #[serde(borrow)]
    secrets: Secrets<'a>,
}

/// The texts of the secrets; one more than there may be of a list that is longer.
struct Secrets<'a>(Vec<&'a RawValue>);

struct SecretsVisitor;

impl<'de> Visitor<'de> for SecretsVisitor {
    type Value = Secrets<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of secrets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Secrets<'de>, A::Error> {
        let mut secrets = Vec::new();
        while let Some(secret) = list.next_element()? {
            if secrets.len() <= MAX_ITEMS {
                secrets.push(secret);
            }
        }
        Ok(Secrets(secrets))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Secrets<'a> {
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
pub fn write_plain(items: &[Item]) -> Result<Zeroizing<Vec<u8>>, InterchangeError> {
    secret::check_links(items)?;
    let mut length = Length(0);
    write_document(items, &mut length).expect("counting does not fail");
    super::check_size(items.len(), length.0)?;
    // room for all of it: growing would leave copies behind
    let mut out = Zeroizing::new(Vec::with_capacity(length.0));
    write_document(items, &mut *out).expect("a buffer takes all");
    Ok(out)
}

fn write_document(items: &[Item], mut out: impl Write) -> io::Result<()> {
    out.write_all(b"{\n \"format\": \"subrosa-plain\",\n \"version\": 1,\n \"secrets\": [")?;
    for (at, item) in items.iter().enumerate() {
        out.write_all(if at == 0 { b"\n  " } else { b",\n  " })?;
        secret::write(item, &mut out)?;
    }
    out.write_all(b"\n ]\n}\n")
}

/// Reads what [`write_plain`] writes, and what people write like it: all but the name of a secret can be missing.
///
/// # Errors
/// [`InterchangeError`] with the place of what is wrong.
pub fn read_plain(bytes: &[u8]) -> Result<Contents, InterchangeError> {
    let Plain { secrets: Secrets(secrets), .. } = document(text(bytes)?)?;
    if secrets.len() > MAX_ITEMS {
        return Err(InterchangeError::TooMany);
    }
    let mut contents = Contents { items: Vec::with_capacity(secrets.len()), notices: Vec::new() };
    for (number, secret) in secrets.iter().enumerate() {
        secret::read(secret.get().as_bytes(), secret::place(number), &mut contents)?;
    }
    secret::check_names(&contents)?;
    Ok(contents)
}

/// Counts what would be written.
pub(super) struct Length(pub usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use subrosa_secret::Policy;

    use super::*;
    use crate::subrosa::scratch::{items, told, told_of};
    use crate::{Format, Place, detect};

    #[test]
    fn what_was_written_is_read_with_all_that_is_told() {
        let items = items();
        let file = write_plain(&items).expect("written");
        assert_eq!(detect(&file, None).expect("recognised"), Format::SubrosaPlain);
        assert_eq!(told_of(&read_plain(&file).expect("read")), told(&items));
        assert_eq!(file.len(), file.capacity(), "no copy was left behind");
        assert!(read_plain(&write_plain(&[]).expect("written")).expect("read").items.is_empty());
    }

    #[test]
    fn what_people_write_needs_little_more_than_names() {
        let text = br#"{"version":1,"format":"subrosa-plain","secrets":[{"name":"a"},{"value":"\u0062","name":"b"}]}"#;
        let items = read_plain(text).expect("read").items;
        assert!(items[0].value.is_none() && items[0].policy == Policy::default());
        assert_eq!(items[1].value.as_ref().expect("a value").expose_secret(), b"b");
        assert_eq!(items[1].place, Place::Path("secrets[1]".to_owned()));
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
            serde_json::to_value(&contents.items[0].policy.access).expect("JSON"),
            serde_json::json!({"restricted": ["api.example.com"]})
        );
        assert!(contents.notices[0].text.starts_with("the rule *.co.uk allows more"));
    }
}
