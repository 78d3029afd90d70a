//! What text that is no JSON can be, by its first lines.

use crate::{Format, InterchangeError};

/// How much of a text is searched for what other programs put into it.
const SEARCHED: usize = 1 << 20;
/// How far into a text its first line of substance is looked for, and has to end.
const LOOKED: usize = 64 << 10;

/// The formats that a text can be of. Where one of them is what the file's name says, no others need to be there.
pub(super) fn candidates(bytes: &[u8], named: Option<Format>) -> Result<Vec<Format>, InterchangeError> {
    if let Some(what) = foreign(&bytes[..bytes.len().min(SEARCHED)]) {
        return Err(InterchangeError::Unsupported { what });
    }
    let line = first_line(bytes);
    if is_yaml(line) {
        return Ok(vec![Format::Yaml]);
    }
    if line.starts_with('[') {
        return Ok(vec![Format::Toml]);
    }
    if line.starts_with('{') {
        return Ok(vec![Format::Yaml]);
    }
    let Some((key, value)) = line.split_once('=') else { return Ok(Vec::new()) };
    let mut formats = Vec::new();
    if is_variable(key) {
        formats.push(Format::Dotenv);
    }
    if named.is_some_and(|named| formats.contains(&named)) {
        return Ok(formats);
    }
    if is_toml_key(key) && is_toml_value(value.trim()) && crate::document::is_toml(bytes) {
        formats.push(Format::Toml);
    }
    Ok(formats)
}

/// The first line that says something, empty where there is none or it is too long.
fn first_line(bytes: &[u8]) -> &str {
    let mut rest = &bytes[..bytes.len().min(LOOKED)];
    while !rest.is_empty() {
        let end = memchr::memchr2(b'\n', b'\r', rest);
        if end.is_none() && bytes.len() > LOOKED {
            break;
        }
        let (line, behind) = rest.split_at(end.unwrap_or(rest.len()));
        let line = line.trim_ascii();
        if !line.is_empty() && !line.starts_with(b"#") {
            return str::from_utf8(line).unwrap_or_default();
        }
        rest = behind.get(1..).unwrap_or_default();
    }
    ""
}

/// `NAME` or `export NAME`.
fn is_variable(text: &str) -> bool {
    let name = text.trim_end();
    let name = name.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])).unwrap_or(name);
    let name = name.trim_start();
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn is_toml_key(text: &str) -> bool {
    let key = text.trim();
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-\"' ".contains(&byte))
}

/// Whether this can begin a value of TOML: everything is quoted there but numbers, dates and two words.
fn is_toml_value(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || "\"'[{+-".contains(c))
        || ["true", "false", "inf", "nan"].iter().any(|word| text.starts_with(word))
}

/// A directive, a document, an item of a list, or a key.
fn is_yaml(line: &str) -> bool {
    let is_key = |key: &str| {
        !key.is_empty()
            && !key.contains('=')
            && (key.starts_with(['"', '\'']) || !key.trim_end().contains([' ', '"']))
    };
    line == "---"
        || ["--- ", "%YAML ", "- "].iter().any(|start| line.starts_with(start))
        || line.strip_suffix(':').is_some_and(is_key)
        || line.split_once(": ").is_some_and(|(key, _)| is_key(key))
}

fn foreign(first: &[u8]) -> Option<&'static str> {
    let has = |text: &str| memchr::memmem::find(first, text.as_bytes()).is_some();
    match () {
        () if has("ENC[AES256_GCM,data:") => Some("a file encrypted by SOPS"),
        () if has("DOTENV_PUBLIC_KEY") && has("encrypted:") => Some("a file encrypted by dotenvx"),
        () if has("!vault |") && has("$ANSIBLE_VAULT;") => {
            Some("a file with values encrypted by ansible-vault")
        }
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Format::{Dotenv, Toml, Yaml};

    #[test]
    fn the_first_line_that_says_something_tells() {
        let cases: &[(&str, &[Format])] = &[
            ("# remark\n\nTOKEN=abc\n", &[Dotenv]),
            ("export TOKEN = abc\r\n", &[Dotenv]),
            ("TOKEN=\"a\"\nOTHER=b c\n", &[Dotenv]),
            ("A='x'\n", &[Dotenv, Toml]),
            ("a-b.c=1\n", &[Dotenv, Toml]),
            ("[table]\na='x'\n", &[Toml]),
            ("\"a b\" = 'x'\n", &[Toml]),
            ("---\na: b\n", &[Yaml]),
            ("token: abc\n", &[Yaml]),
            ("services:\n  api: x\n", &[Yaml]),
            ("- a\n", &[Yaml]),
            ("\"a b\": x\n", &[Yaml]),
            ("{a: b}\n", &[Yaml]),
            ("URL=https://x.example: 1", &[Dotenv]),
            ("text without anything", &[]),
            ("=x", &[]),
            ("two words=x", &[]),
        ];
        for (text, formats) in cases {
            assert_eq!(&candidates(text.as_bytes(), None).unwrap(), formats, "{text:?}");
        }
    }

    #[test]
    fn a_name_that_fits_needs_no_other_candidate() {
        assert_eq!(candidates(b"A=1\n", Some(Dotenv)).unwrap(), [Dotenv]);
        assert_eq!(candidates(b"A=1\n", Some(Toml)).unwrap(), [Dotenv, Toml]);
        assert_eq!(candidates(b"A=1\n", Some(Yaml)).unwrap(), [Dotenv, Toml]);
    }

    #[test]
    fn encrypted_files_are_named() {
        for (text, named) in [
            ("a: ENC[AES256_GCM,data:x,iv:y]\nsops:\n  mac: z\n", "SOPS"),
            ("A=ENC[AES256_GCM,data:x]\nsops_mac=y\n", "SOPS"),
            ("DOTENV_PUBLIC_KEY=\"03\"\nA=\"encrypted:BD\"\n", "dotenvx"),
            ("a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n", "ansible-vault"),
        ] {
            assert!(candidates(text.as_bytes(), None).unwrap_err().to_string().contains(named), "{text}");
        }
    }
}
