//! Places of a destination's rate limit, where several processes share the destination.

use std::time::Duration;

/// What is asked for: so many places, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacesWanted {
    /// Between two places, over all processes.
    pub spacing: Duration,
    /// Places; at least 1.
    pub number: u32,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// No other process has the store: the caller keeps the limit by itself.
    Alone,
    /// All of them. A place that is not used is lost.
    Given {
        /// Until the first one; the others follow at the spacing.
        after: Duration,
    },
}
