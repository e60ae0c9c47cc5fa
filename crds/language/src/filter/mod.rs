//! Filters: CEL over `event`, `settings` and `listener`, or Celigo's prefix rules.
//!
//! A filter whose text is a JSON array is prefix rules ([`rules`]), any other is CEL ([`cel`]). What can be written stands in `docs/filters.md`.
//!
//! # Invariants
//!
//! 1. What is wrong with a filter is said when it is compiled, with its place. What depends on the
//!    event alone is a [`FilterError`].
//! 2. No filter and no event overflows the stack, panics, or runs without bound: the text is at
//!    most [`MAX_TEXT`] bytes, nests at most [`MAX_DEPTH`] deep, and each evaluation has the same
//!    fuel ([`fuel`]). An exhausted one is an error of that record.
//! 3. A [`FilterError`] names members as the filter's text does and kinds of values, never a
//!    value: it is kept with the open error even where retry data is not to be stored.
//! 4. The event is read where it lies: only what the filter asks for is looked at, numbers as
//!    64-bit integers where they are integers.

mod cel;
mod fuel;
mod json;
mod place;
mod rules;
mod surroundings;
mod value;

#[cfg(test)]
mod tests;

pub use surroundings::Surroundings;

use crate::mistake::Mistake;

/// Bytes of a filter's text at most.
pub const MAX_TEXT: usize = 4096;

/// Levels of nesting in a filter at most.
pub const MAX_DEPTH: usize = 64;

/// Why a filter gave no answer for one event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct FilterError {
    /// What went wrong.
    pub reason: String,
}

/// A filter, compiled once.
#[derive(Debug)]
pub struct Filter {
    text: String,
    plan: Plan,
}

#[derive(Debug)]
enum Plan {
    Cel(cel::Plan),
    Rules(rules::Plan),
}

impl Filter {
    /// Compiles `text`, or says what is wrong with it.
    pub fn compile(text: &str) -> Result<Self, Mistake> {
        if text.trim().is_empty() {
            let remedy = "leave `filter` out to take every event";
            return Err(place::mistake(text, 0..0, "the filter is empty", remedy));
        }
        if text.len() > MAX_TEXT {
            let reason = format!("the filter is longer than {MAX_TEXT} bytes");
            return Err(place::mistake(text, 0..text.len(), reason, "put long lists into `settings`"));
        }
        let plan = if rules::are_meant(text) {
            Plan::Rules(rules::compile(text)?)
        } else {
            Plan::Cel(cel::compile(text)?)
        };
        Ok(Self { text: text.to_owned(), plan })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether `event`, one element's JSON as it came, passes.
    pub fn matches(&self, event: &[u8], surroundings: &Surroundings) -> Result<bool, FilterError> {
        let answer = match &self.plan {
            Plan::Cel(plan) => cel::evaluate(plan, event, surroundings),
            Plan::Rules(plan) => rules::evaluate(plan, event, surroundings),
        };
        answer.map_err(|failure| FilterError { reason: failure.to_string() })
    }
}
