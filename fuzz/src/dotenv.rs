//! Files of variables: read, rewritten with references, and written.

use std::cell::RefCell;

use subrosa_interchange::{Contents, Items, dotenv as format};

use crate::silence;

/// What begins the names in the references that are put in.
const MARK: &str = "fuzz-mark-";

/// What is read is written and read again, and a file that is rewritten keeps every byte that is no value.
pub fn dotenv(data: &[u8]) {
    let read = format::read(data);
    // no name can be the canary, so that it is told of nothing
    silence::is_kept(&read);
    let Ok(contents) = read else {
        assert!(format::rewrite(data, |_| None).is_err(), "what is not read is rewritten");
        return;
    };
    is_written_again(&contents);
    is_rewritten(data);
}

fn values(items: &Items) -> Vec<Vec<u8>> {
    items.iter().filter_map(|item| item.value).map(|value| value.expose_secret().to_vec()).collect()
}

fn is_written_again(contents: &Contents) {
    let Ok(written) = format::write(&contents.items) else { return };
    let written = written.to_bytes().expect("in memory");
    let again = format::read(&written).expect("what is written is read");
    assert_eq!(values(&again.items), values(&contents.items));
}

fn is_rewritten(data: &[u8]) {
    let text = std::str::from_utf8(data).expect("it was read");
    let none = format::rewrite(data, |_| None).expect("it was read");
    assert_eq!(none.bytes.as_slice(), data, "without a reference something changes");
    if text.contains(MARK) {
        return;
    }
    let references = RefCell::new(Vec::new());
    let written = format::rewrite(data, |_| {
        let mut references = references.borrow_mut();
        let reference = format!("<<vault:{MARK}{}>>", references.len());
        references.push(reference.clone());
        Some(reference)
    });
    let written = written.expect("it was read").bytes;
    stands_around(text, std::str::from_utf8(&written).expect("text"), &references.into_inner());
    let again = format::read(&written).expect("what is rewritten is read");
    assert!(values(&again.items).is_empty(), "a value is left");
    let twice = format::rewrite(&written, |_| Some(format!("<<vault:{MARK}>>"))).expect("it is read");
    assert_eq!(*twice.bytes, *written, "a reference is taken for a value");
}

/// What stands between the references stood in the file, in this order, from its beginning to its end.
fn stands_around(text: &str, written: &str, references: &[String]) {
    let (mut rest, mut left) = (text, written);
    let mut is_first = true;
    for reference in references {
        // asked for, and not used: the value was empty, or a reference
        let Some((before, behind)) = left.split_once(&format!("\"{reference}\"")) else { continue };
        let at = rest.find(before).expect("it stood in the file");
        assert!(at == 0 || !is_first, "the beginning changed");
        (rest, left, is_first) = (&rest[at + before.len()..], behind, false);
    }
    assert!(if is_first { rest == left } else { rest.ends_with(left) }, "the end changed");
}
