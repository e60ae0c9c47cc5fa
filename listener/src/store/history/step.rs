//! A step of a record's way.

use crate::desk::{Step, StepKind};

/// A step of a record's way without anything but its kind, its time and its place.
pub(in crate::store) fn step(what: StepKind, at_ms: Option<i64>, destination: Option<&str>) -> Step {
    Step {
        at_ms,
        destination: destination.map(str::to_owned),
        what,
        page: None,
        status: None,
        took_ms: None,
        error: None,
        bulk: None,
    }
}
