//! What a store refuses, and why.

/// Why a delivery is not on disk. All of them are answered 503 with Retry-After.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Too many deliveries wait for the disk.
    #[error("too many deliveries wait to be written")]
    Busy,
    /// The bound on what is accepted but not indexed is reached.
    #[error("{unindexed_bytes} bytes wait to be indexed, more than the limit")]
    Backlog {
        /// Bytes that wait.
        unindexed_bytes: u64,
    },
    /// The disk did not take it: full, or broken.
    #[error("the store cannot write: {0}")]
    Write(String),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

/// A store's refusal to do something other than append.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Opening found something that must not be overwritten.
    #[error("{0}")]
    Open(String),
    /// The page is not this caller's any more: its lease ran out and another has it, or it is settled.
    /// Trying again does not help.
    #[error("page {0} is not leased to this process any more")]
    NotLeased(String),
    /// Reading or writing failed; the caller may try again.
    #[error("the store failed: {0}")]
    Failed(String),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}
