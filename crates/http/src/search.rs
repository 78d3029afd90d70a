//! Whether a file that is going to be sent holds references.

use std::fs::File;
use std::io;
use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use subrosa_secret::Detector;

use crate::source::read_at;

/// How much is looked at in one piece.
const PIECE: usize = 256 * 1024;
/// The shortest part that is worth a thread of its own.
const PART: u64 = 16 << 20;
/// More threads than this gain nothing: memory is what limits them.
const MAX_THREADS: u64 = 4;
/// After so many bytes that are no white space nothing goes on that began before them.
const DECIDED: usize = 64;

/// Whether a reference, or what looks like one, stands in the file.
///
/// Reading a long file takes half as long as sending it over a fast connection, and has to be done before the first byte
/// leaves: its parts are read at the same time.
///
/// # Errors
/// The system's, when the file cannot be read.
pub fn holds_references(file: &File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    let threads = thread::available_parallelism().map_or(1, NonZero::get) as u64;
    in_parts(file, length, (length / PART).clamp(1, threads.min(MAX_THREADS)))
}

fn in_parts(file: &File, length: u64, parts: u64) -> io::Result<bool> {
    let found = AtomicBool::new(false);
    let each = length.div_ceil(parts).max(1);
    // the last one ends where the file does, however long it has become
    let part = |at: u64| at * each..if at + 1 == parts { u64::MAX } else { (at + 1) * each };
    thread::scope(|scope| {
        let found = &found;
        let spawn = |part| scope.spawn(move || search(file, part, found));
        let others: Vec<_> = (1..parts).map(part).map(spawn).collect();
        let first = search(file, part(0), found);
        let joined = |other: thread::ScopedJoinHandle<'_, _>| {
            other.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
        };
        others.into_iter().map(joined).fold(first, Result::and)
    })?;
    Ok(found.load(Ordering::Relaxed))
}

/// Looks through a part, and behind its end as far as something that began in it can reach.
fn search(file: &File, part: Range<u64>, found: &AtomicBool) -> io::Result<()> {
    let mut detector = Detector::default();
    let mut piece = vec![0; PIECE];
    let (mut at, mut behind) = (part.start, 0);
    while behind < DECIDED && !found.load(Ordering::Relaxed) {
        let left = usize::try_from(part.end.saturating_sub(at)).unwrap_or(PIECE);
        let room = if left == 0 { DECIDED } else { left.min(PIECE) };
        let count = match read_at(file, &mut piece[..room], at) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if detector.finds(&piece[..count]) {
            found.store(true, Ordering::Relaxed);
        }
        if left == 0 {
            behind += piece[..count].iter().filter(|byte| !byte.is_ascii_whitespace()).count();
        }
        at += count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn a_reference_is_found_wherever_parts_meet() {
        let length = 300;
        for reference in [&b"<<vault:a>>"[..], b"{{vault:a}}", b"<<        vault        :a>>"] {
            for at in 0..length - reference.len() {
                let mut text = vec![b'x'; length];
                text[at..at + reference.len()].copy_from_slice(reference);
                let file = file_of(&text);
                for parts in [1, 2, 3, 7] {
                    assert!(in_parts(&file, length as u64, parts).unwrap(), "{at} in {parts} parts");
                }
            }
        }
    }

    #[test]
    fn white_space_at_a_joint_is_followed_to_its_end() {
        let text = [&b"<<"[..], &[b' '; 1000], b"vault:a>>", &[b'x'; 1000]].concat();
        let file = file_of(&text);
        assert!((1..20).all(|parts| in_parts(&file, text.len() as u64, parts).unwrap()));
    }

    #[test]
    fn a_file_without_any_is_looked_through_to_its_end() {
        let text = b"<<vaults>> {vault:a} << vault a>> ".repeat(50);
        let file = file_of(&text);
        assert!((1..20).all(|parts| !in_parts(&file, text.len() as u64, parts).unwrap()));
        assert!(!holds_references(&file_of(b"")).unwrap());
        // it has grown since its length was asked for
        assert!(in_parts(&file_of(b"abcdef<<vault:a>>"), 3, 2).unwrap());
    }
}
