//! What a change is given to take in.

use std::ops::Deref;

use super::{Over, Portable};

/// Secrets that come in, each made when its turn comes.
pub trait Arrivals: Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of one, counted from 0.
    fn name(&self, number: usize) -> &str;

    /// What it comes upon, as it was when that was decided.
    fn over(&self, number: usize) -> Over;

    /// About how many bytes there are of it.
    fn weight(&self, number: usize) -> usize;

    /// The secret itself. Any thread may ask for it.
    fn secret(&self, number: usize) -> Given<'_>;
}

/// A secret that is lent, or made on the spot.
pub enum Given<'a> {
    /// It stays where it is.
    Lent(&'a Portable),
    /// It is let go once it is stored.
    Made(Box<Portable>),
}

impl Deref for Given<'_> {
    type Target = Portable;

    fn deref(&self) -> &Portable {
        match self {
            Self::Lent(secret) => secret,
            Self::Made(secret) => secret,
        }
    }
}

/// One secret that is there already.
pub struct Arrival<'a> {
    /// What it will be.
    pub secret: &'a Portable,
    /// What it comes upon, as it was when that was decided.
    pub over: Over,
}

impl Arrivals for [Arrival<'_>] {
    fn len(&self) -> usize {
        <[Arrival<'_>]>::len(self)
    }

    fn name(&self, number: usize) -> &str {
        self[number].secret.name.as_str()
    }

    fn over(&self, number: usize) -> Over {
        self[number].over
    }

    fn weight(&self, number: usize) -> usize {
        self[number].secret.weight()
    }

    fn secret(&self, number: usize) -> Given<'_> {
        Given::Lent(self[number].secret)
    }
}
