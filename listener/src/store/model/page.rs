//! Records handed on in one call.

use std::fmt;
use std::sync::Arc;

use super::Record;

/// A page's name: the store's own random name and a number, `5f0c9a7be13d4c28-42`.
/// The same for every attempt, and never given again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageId {
    /// Name of the store, made when it was made.
    pub store: Arc<str>,
    /// Number of the page, from 1.
    pub number: u64,
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.store, self.number)
    }
}

/// Records handed on in one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its name.
    pub id: PageId,
    /// Where it goes.
    pub destination: String,
    /// In order of arrival; never empty.
    pub records: Vec<Record>,
    /// Attempts that were made before this lease.
    pub attempts: u32,
    /// Epoch milliseconds of the first attempt.
    pub first_attempt_at_ms: Option<i64>,
    /// One record that is larger than a page may be.
    pub oversized: bool,
    /// The destination has errors that a success of the same trace key closes: the settlement
    /// names the trace keys of what was taken.
    pub heals: bool,
}
