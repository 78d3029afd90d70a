//! What `-F` says.

use crate::send::form::{Content, Field, parse};

/// The text of one `-F`: read the same twice, nothing of a literal text is taken for anything else, and no error
/// repeats it.
pub fn forms(data: &[u8]) {
    assert_eq!(parse(data, false), parse(data, false));
    if let Ok(Field::Part(part)) = parse(data, true) {
        let Content::Text(text) = part.content else { panic!("a literal text is text") };
        assert_eq!([&part.name[..], b"=", &text].concat(), data);
    }
    if let Err(error) = parse(data, false) {
        assert!(!error.to_string().is_empty());
    }
    if let Ok(Field::Group { files, .. }) = parse(data, false) {
        assert!(files.len() > 1 && files.iter().all(|part| matches!(part.content, Content::File(_))));
    }
}
