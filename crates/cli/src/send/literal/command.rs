//! The command line with references in place of its literals, as a shell takes it.

use super::Edit;
use crate::failure::visible;
use crate::fault::quoted;
use memchr::memmem;
use std::ffi::OsString;

const FLAG: &str = "--vault-literal";
/// What is shorter stands in too many words by chance.
const SHORT: usize = 6;

/// Nothing where one of the literals would be left in it.
pub(super) fn rewritten<'v>(
    words: &[OsString],
    edits: &[Edit],
    flags: &[String],
    mut values: impl Iterator<Item = &'v [u8]>,
) -> Option<String> {
    let mut command = vec![String::from("subrosa"), String::from("send")];
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == FLAG
            && rest.as_slice().first().is_some_and(|next| flags.iter().any(|flag| next == flag.as_str()))
        {
            rest.next();
            continue;
        }
        let word = edits.iter().fold(word.clone(), edited);
        command.push(shown(&word.to_string_lossy()));
    }
    let command = command.join(" ");
    let is_left =
        values.any(|value| value.len() >= SHORT && memmem::find(command.as_bytes(), value).is_some());
    (!is_left).then_some(command)
}

/// A word that is the text of an edit, or a short flag with it behind.
fn edited(word: OsString, edit: &Edit) -> OsString {
    if word == edit.before {
        return edit.after.clone();
    }
    let (Some(text), Some(before)) = (word.to_str(), edit.before.to_str()) else { return word };
    match text.strip_suffix(before) {
        Some(flags) if is_short(flags) => {
            let mut joined = OsString::from(flags);
            joined.push(&edit.after);
            joined
        }
        _ => word,
    }
}

/// `-H`, or several letters behind one dash.
fn is_short(flags: &str) -> bool {
    let letters = flags.strip_prefix('-').unwrap_or_default();
    !letters.is_empty() && letters.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A word as a shell takes it. Line breaks stay in it; for other characters that a terminal obeys, `$'…'` is needed, which
/// the newer shells know.
fn shown(word: &str) -> String {
    let is_obeyed = |letter: char| {
        !matches!(letter, '\n' | '\t') && visible(&letter.to_string()).len() > letter.len_utf8()
    };
    if !word.chars().any(is_obeyed) {
        return quoted(word);
    }
    let escaped: String = word
        .chars()
        .map(|letter| match letter {
            '\'' => String::from("\\'"),
            '\\' => String::from("\\\\"),
            letter if is_obeyed(letter) => {
                let mut bytes = [0; 4];
                letter.encode_utf8(&mut bytes).bytes().map(|byte| format!("\\x{byte:02x}")).collect()
            }
            letter => letter.to_string(),
        })
        .collect();
    format!("$'{escaped}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten_of(words: &[&str], edits: &[(&str, &str)], value: &str) -> Option<String> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let edit = |(before, after): &(&str, &str)| Edit { before: before.into(), after: after.into() };
        let edits: Vec<Edit> = edits.iter().map(edit).collect();
        rewritten(&words, &edits, &["k=header:A".to_owned()], [value.as_bytes()].into_iter())
    }

    #[test]
    fn the_command_can_be_copied() {
        let edits = [("A: s3cr3t", "A: <<vault:k>>")];
        for (words, expected) in [
            (
                &["-H", "A: s3cr3t", "--vault-literal", "k=header:A", "https://a.example"][..],
                "-H 'A: <<vault:k>>' https://a.example",
            ),
            (&["-sHA: s3cr3t", "u"], "'-sHA: <<vault:k>>' u"),
            (&["-H", "A: s3cr3t", "-d", "it's\n\\x"], "-H 'A: <<vault:k>>' -d 'it'\\''s\n\\x'"),
            (&["-H", "A: s3cr3t", "-d", "it's\u{1b}\\\n"], "-H 'A: <<vault:k>>' -d $'it\\'s\\x1b\\\\\n'"),
            (&["-H", "A: s3cr3t", "-o", "--vault-literal"], "-H 'A: <<vault:k>>' -o --vault-literal"),
        ] {
            assert_eq!(
                rewritten_of(words, &edits, "s3cr3t"),
                Some(format!("subrosa send {expected}")),
                "{words:?}"
            );
        }
    }

    #[test]
    fn a_literal_that_would_be_left_is_none() {
        let edits = [("A: s3cr3t", "A: <<vault:k>>")];
        assert!(rewritten_of(&["-H", "A: s3cr3t", "-d", "xs3cr3tx"], &edits, "s3cr3t").is_none());
    }
}
