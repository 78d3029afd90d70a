//! References in text that is too long to be held in memory.

use crate::reference::scan;

/// Looks for references in a text that comes in pieces.
///
/// It tells whether [`scan`] would find anything in the whole, well formed or not, without keeping the whole.
///
/// ```
/// use subrosa_secret::Detector;
///
/// let mut detector = Detector::default();
/// assert!(!detector.finds(b"a: <<vau"));
/// assert!(detector.finds(b"lt:key>>"));
/// ```
#[derive(Default)]
pub struct Detector {
    /// What an opening may have begun with: the last characters, each run of white space as one.
    carry: Vec<u8>,
}

/// `<<vault`: what can stand in front of the colon, white space aside.
const OPENING: usize = 7;

impl Detector {
    /// Whether a reference, or what looks like one, opens in this piece, or in one before and goes on in this.
    pub fn finds(&mut self, piece: &[u8]) -> bool {
        // only the beginning of a piece can go on with what was carried
        let joint = end_of_opening(piece);
        let head = [&self.carry, &piece[..joint]].concat();
        if is_in(&head) || is_in(piece) {
            return true;
        }
        self.carry = tail(if joint == piece.len() { &head } else { piece });
        false
    }
}

fn is_in(text: &[u8]) -> bool {
    let found = scan(text);
    !found.references.is_empty() || !found.malformed.is_empty()
}

/// How much of the front of `piece` an opening that began before it can reach.
fn end_of_opening(piece: &[u8]) -> usize {
    let mut left = OPENING + 1;
    let end = piece.iter().position(|byte| {
        left -= usize::from(!byte.is_ascii_whitespace());
        left == 0
    });
    end.map_or(piece.len(), |at| at + 1)
}

/// The end of `text`, as far as an opening can be in it.
fn tail(text: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(2 * OPENING + 1);
    let mut letters = 0;
    for byte in text.iter().rev() {
        let is_space = byte.is_ascii_whitespace();
        if is_space && kept.last() == Some(&b' ') {
            continue;
        }
        if !is_space {
            letters += 1;
            if letters > OPENING {
                break;
            }
        }
        kept.push(if is_space { b' ' } else { *byte });
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_pieces(text: &[u8], size: usize) -> bool {
        let mut detector = Detector::default();
        text.chunks(size).any(|piece| detector.finds(piece))
    }

    #[test]
    fn finds_what_a_scan_of_the_whole_finds_wherever_it_is_cut() {
        let space = " \n\t".repeat(30);
        for text in [
            "<<vault:key>>",
            "x{{vault:key}}y",
            "text <<vault:a",
            "<<VAULT:key>>",
            "<<vault :key>>",
            &format!("ab <<{space}vault{space}:key>>"),
            "<vault:key> vault:key vault << :key",
            "< <vault:key>> <<vaul t:key>> <<vaultt:key>>",
            "vvvv<<<<<vault:key>>",
            "{{variable}} <<EOF vault",
            "",
        ] {
            let whole = is_in(text.as_bytes());
            for size in 1..=text.len().max(1) {
                assert_eq!(in_pieces(text.as_bytes(), size), whole, "{text:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn keeps_little() {
        let mut detector = Detector::default();
        for _ in 0..100 {
            assert!(!detector.finds(&b"<< \n".repeat(1000)));
            assert!(detector.carry.len() <= 2 * OPENING + 1);
        }
    }
}
