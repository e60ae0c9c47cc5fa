//! What an evaluation may cost.
//!
//! One unit is one step of the expression, or 64 bytes looked at or made. The whole comes to a few
//! hundredths of a second at worst; a filter on an event of HubSpot's size takes some dozens of
//! units. Counting is exact, so that the same filter gives the same answer on every machine.

use std::cell::Cell;

/// Units of one evaluation.
pub(super) const FUEL: usize = 500_000;

/// Why an evaluation gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// The fuel is used up. Unlike other failures, nothing makes up for it.
    #[error("the filter takes too many steps on this event")]
    Exhausted,
    /// The expression has no value for this event.
    #[error("{0}")]
    Value(String),
}

impl Failure {
    pub(super) fn value(reason: impl Into<String>) -> Self {
        Self::Value(reason.into())
    }
}

/// The fuel of one evaluation.
#[derive(Debug)]
pub(super) struct Fuel(Cell<usize>);

impl Fuel {
    pub(super) fn new() -> Self {
        Self(Cell::new(FUEL))
    }

    /// Uses up `units`.
    pub(super) fn burn(&self, units: usize) -> Result<(), Failure> {
        let left = self.0.get().checked_sub(units);
        self.0.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or(Failure::Exhausted)
    }

    /// Uses up what looking at `bytes` bytes costs.
    pub(super) fn bytes(&self, bytes: usize) -> Result<(), Failure> {
        self.burn(1 + bytes / 64)
    }
}
