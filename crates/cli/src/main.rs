//! The `subrosa` command.
fn main() {}
