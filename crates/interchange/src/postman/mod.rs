//! Postman: environments, globals, collections, and the vault scope of its runtime.
//!
//! Facts are of Postman's published schemas and of the sources of postman-collection and postman-runtime; where a file
//! is not documented, as the export of a vault, it is named and not guessed at.

mod auth;
mod collection;
mod environment;
mod found;
mod variable;
mod vault;

pub use collection::read_collection;
pub use environment::{read_environment, write_environment};
pub use vault::read_vault;

/// Which variables are taken for secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Take {
    /// Those of type `secret`. The others are named by one notice.
    #[default]
    Secrets,
    /// Every one.
    All,
}

#[cfg(test)]
mod tests;
