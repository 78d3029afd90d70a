//! From references to values: judged first, looked up late, each value once.
//!
//! 1. [`Resolver::judge`] takes every [`Use`] that a request makes of secrets and asks the registry for policies, in one
//!    consistent view. What comes out is a [`Verdicts`]: what is refused and why, what the user must be asked, and what is ready.
//! 2. The caller asks its questions, all of them before the first request, and gives the answers to [`Verdicts::answer`].
//! 3. [`Verdicts::values`] looks up what is ready, each secret once, and only if nothing at all was refused.
//!
//! What this crate is not: it knows no vault and no HTTP, asks nobody and prints nothing.
//!
//! Invariants: no value is looked up before every use of the request has been judged and allowed; a value given for one call
//! obeys the rules of the stored secret of that name.

mod judge;
mod overrides;
mod reason;
mod resolver;
#[cfg(test)]
mod tests;

pub use overrides::Overrides;
pub use reason::{Reason, Unresolved, quoted};
pub use resolver::{Answer, Question, Resolved, Resolver, Use, Verdicts};
