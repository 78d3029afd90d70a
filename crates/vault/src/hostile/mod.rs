//! Attacks by whoever can write the files of a locked vault, below the level of rows.

mod clock;
mod flips;
#[cfg(unix)]
mod journals;
mod legible;
mod pages;
#[cfg(unix)]
mod paths;
