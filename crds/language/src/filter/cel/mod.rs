//! Filters in the Common Expression Language.
//!
//! The crate `cel` parses, as it does for the rules of the resource; from its tree we compile a
//! [`Plan`] of our own and evaluate that. Its own interpreter was left aside: it has no limit on
//! steps, copies the event for each call, says a member of something that is no object is `false`,
//! holds `1 == 1.0` false, compiles a pattern anew for each event, and puts values into its errors.
//!
//! Before the parser, which recurses, [`token`] looks at the text: it bounds brackets and
//! conditions, and refuses what the parser takes wrongly (`!!x`, which it reads as `!x`). The parser runs
//! on a thread with a stack of its own, which also turns a panic in it into a mistake.

mod compile;
mod evaluate;
mod function;
mod operate;
mod plan;
mod token;

#[cfg(test)]
mod tests;

pub(super) use compile::{compile, pattern_mistake};
pub(super) use evaluate::evaluate;
pub(super) use function::{matches, pattern};
pub(super) use plan::Plan;
