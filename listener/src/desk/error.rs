//! Why the desk did not do what was asked.

use crate::store::StoreError;

/// Why the desk did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// There is no such error, bulk act, plan or record (any more).
    #[error("{what} {id} is not there (any more)")]
    NotFound {
        /// `error`, `plan`, ...
        what: &'static str,
        /// As it was asked for.
        id: String,
    },
    /// It is there, and in a state in which this cannot be done.
    #[error("{reason}; {remedy}")]
    Conflict {
        /// What is in the way.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// What was asked makes no sense.
    #[error("{field}: {reason}; {remedy}")]
    Invalid {
        /// The field or parameter.
        field: &'static str,
        /// What is wrong.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
