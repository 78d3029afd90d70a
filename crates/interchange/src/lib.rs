//! Secrets as other programs write them: reading and writing files of secrets.
//!
//! Each format is a module of its own with pure functions: `read` makes [`Contents`] of bytes, `write` an [`Outgoing`]
//! file of [`Items`]. [`Contents`] is what a file says, checked as far as the file alone allows: names are names, values are no
//! longer than a vault takes, rules are rules. Nothing is decided for the user: a host that the file tells is a
//! *proposal* until somebody accepts it, unless the file is one of subrosa's own exports.
//!
//! # What it is not
//! It opens no file and no vault, asks nothing and prints nothing. It does not merge: what happens where a name is taken
//! is the caller's.
//!
//! # Invariants
//! - No input can make a reader expand without bound: sizes, depths and counts are checked before memory is taken.
//! - A reader gives everything or an error; what it leaves out on purpose is a [`Notice`].
//! - No error or notice holds a value.

pub mod age;
mod detect;
pub mod document;
pub mod dotenv;
pub mod environment;
mod error;
mod format;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod item;
mod items;
mod json;
mod link;
mod naming;
mod notice;
mod outgoing;
pub mod postman;
pub mod subrosa;
mod text;

pub use detect::detect;
pub use error::InterchangeError;
pub use format::{Format, UnknownFormat};
pub use item::{Contents, Earlier, Item, Place, Written};
pub use items::{Items, Names};
pub use link::Link;
pub use notice::{Notice, Notices};
pub use outgoing::Outgoing;

/// The largest file that is read, in bytes: 256 MiB.
pub const MAX_FILE_LEN: usize = 256 << 20;
/// The most secrets that one file may hold.
pub const MAX_ITEMS: usize = 1_000_000;
/// The deepest nesting of a document that is followed.
pub const MAX_DEPTH: usize = 64;
