//! Filters as Celigo's prefix rules: `["equals", ["string", ["extract", "status"]], "open"]`.
//!
//! A rule is an array of an operator and what it works on; what is no array stands for itself.
//! Where Celigo's documentation is silent, these hold:
//!
//! - A missing member and `null` are *empty*: equal to empty text and to each other, to nothing
//!   else; neither greater nor less than anything; `string` makes empty text of it, `number` and
//!   `epochtime` leave it empty, `boolean` makes false of it.
//! - Two numbers are compared as numbers, also beyond 2^53; anything else as text. So text that
//!   holds digits is compared as text, unless it is cast.
//! - Nothing in an event is an error: what has no sense is empty, and a comparison with it false.

mod evaluate;
mod parse;
mod rule;

#[cfg(test)]
mod tests;

pub(super) use evaluate::evaluate;
pub(super) use parse::{are_meant, compile};
pub(super) use rule::Plan;
