//! What is told of a file, beside what is in it.

use std::ops::Deref;

use crate::Place;

/// How many notices are kept.
const KEPT: usize = 100;

/// Something that was left out, or that means something else here. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Where it stands.
    pub place: Place,
    /// One line for people.
    pub text: String,
}

/// The first hundred notices, which are more than anybody reads, and how many there were: a file can give one for each of
/// its lines.
#[derive(Debug, Default)]
pub struct Notices {
    kept: Vec<Notice>,
    more: usize,
}

impl Notices {
    /// Adds a notice.
    pub fn push(&mut self, notice: Notice) {
        match self.kept.len() {
            KEPT => self.more += 1,
            _ => self.kept.push(notice),
        }
    }

    /// How many there were, of which [`Deref`] gives those that were kept.
    #[must_use]
    pub fn total(&self) -> usize {
        self.kept.len() + self.more
    }

    /// Puts those that were kept into the order of their lines.
    pub(crate) fn sort_by_line(&mut self) {
        self.kept.sort_by_key(|notice| if let Place::Line(line) = notice.place { line } else { 0 });
    }
}

impl Deref for Notices {
    type Target = [Notice];

    fn deref(&self) -> &[Notice] {
        &self.kept
    }
}

impl Extend<Notice> for Notices {
    fn extend<T: IntoIterator<Item = Notice>>(&mut self, notices: T) {
        notices.into_iter().for_each(|notice| self.push(notice));
    }
}

impl FromIterator<Notice> for Notices {
    fn from_iter<T: IntoIterator<Item = Notice>>(notices: T) -> Self {
        let mut all = Self::default();
        all.extend(notices);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_are_kept_and_all_are_counted() {
        let notice = |line| Notice { place: Place::Line(line), text: String::new() };
        let mut notices: Notices = (0..250).rev().map(notice).collect();
        assert_eq!((notices.len(), notices.total()), (100, 250));
        notices.sort_by_line();
        assert_eq!(notices[0], notice(150));
    }
}
