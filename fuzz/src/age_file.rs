//! Age files, and what they are opened and made with.

use std::sync::OnceLock;

use subrosa_interchange::age::{self, File, Form, Identities, Key, KeyFile, Lock, Recipients};

use crate::input::Numbers;

/// Made for this; it opens nothing else.
const SECRET: &str = "AGE-SECRET-KEY-1EHDQDSLGUQ2FGCR7N3L3PP78JJ8QPJ283LWF2JQJLYDVUXWF4R6S233W43";
const PUBLIC: &str = "age1vk8mzztnvl6pgvqlum39vgja6yfzxwmdgtdlnhyc9x0hknvn5cfqs8y90w";
const PLAIN: &[u8] = b"API_KEY=made-up";

/// The first byte says what the rest is: a `f`ile, `c`hanges of one that is sound, a file of `k`eys, or `r`ecipients.
pub fn age_file(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    match kind {
        b'f' => file(data),
        b'c' => changes(&mut Numbers(data)),
        b'k' => drop(KeyFile::read(data)),
        b'r' => recipients(&String::from_utf8_lossy(data)),
        _ => {}
    }
}

fn identities() -> &'static Identities {
    static IDENTITIES: OnceLock<Identities> = OnceLock::new();
    IDENTITIES.get_or_init(|| match KeyFile::read(SECRET.as_bytes()) {
        Ok(KeyFile::Ready(identities)) => identities,
        _ => panic!("a key of age"),
    })
}

/// Any file, tried with a key. Passphrases are not tried: a file may ask for a gibibyte of work.
fn file(data: &[u8]) {
    let Ok(file) = File::parse(data) else { return };
    if file.lock() == Lock::Recipients {
        let _ = file.open(&Key::Identities(identities()));
    }
}

/// A sound file with bytes changed, taken out or added: refused, or it is as it was.
fn changes(numbers: &mut Numbers<'_>) {
    let form = if numbers.byte().is_multiple_of(2) { Form::Binary } else { Form::Armored };
    let sound =
        age::seal(PLAIN.into(), &Recipients::parse(PUBLIC).expect("a recipient"), form).expect("sealed");
    let sound = sound.to_bytes().expect("in memory").to_vec();
    let mut file = sound.clone();
    while !numbers.is_empty() {
        let (action, at) = (numbers.byte(), numbers.below(file.len() + 1));
        match action % 4 {
            0 if at < file.len() => file[at] ^= numbers.byte(),
            1 if at < file.len() => drop(file.remove(at)),
            2 => file.insert(at, numbers.byte()),
            _ => file.truncate(at),
        }
    }
    match age::open(&file, &Key::Identities(identities())) {
        Ok(plain) => {
            assert_eq!(*plain, PLAIN);
            // white space around an armor, and how its lines end, counts for nothing
            let without = |file: &[u8]| {
                file.iter().filter(|byte| !byte.is_ascii_whitespace()).copied().collect::<Vec<u8>>()
            };
            assert!(file == sound || (form == Form::Armored && without(&file) == without(&sound)));
        }
        Err(_) => assert!(file != sound),
    }
}

/// Any list of recipients: who is taken can be written to.
fn recipients(text: &str) {
    let Ok(recipients) = Recipients::parse(text) else { return };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert_eq!(recipients.len(), lines.count());
    // RSA is slow, and one of each is enough
    if (1..=2).contains(&recipients.len()) {
        let file = age::seal(PLAIN.into(), &recipients, Form::Binary).expect("it is ready");
        file.to_bytes().expect("it is written");
    }
}
