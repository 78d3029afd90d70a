//! The format's promises: golden vaults open for ever, and a reader written from the specification alone agrees.

mod golden;
mod reader;
