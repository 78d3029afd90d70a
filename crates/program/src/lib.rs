//! Programs of others that are asked for secrets: command lines of external vaults.
//!
//! A [`Known`] program is looked for where nobody but root and the user can have put it; a [`Run`] starts it, and reads what it prints.
//!
//! What it is not: it knows no program's command line, and what a complaint means, the provider says.
//!
//! Invariants: a program is started by an absolute path, every part of which belongs to root or the user. It gets no environment but what
//! is named, and no terminal. What it prints is bounded, in length and in time, and wiped.
//!
//! On Unix alone: elsewhere it is not known who can exchange a program.
#![cfg(unix)]

mod known;
mod run;

pub use known::Known;
pub use run::{Ended, Run, extend};
