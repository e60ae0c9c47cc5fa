//! What a destination asks for, and the answer.

use std::fmt;
use std::sync::Arc;

use super::{NewError, Page, Record};

/// Where a destination's filter sends a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Into the page.
    Take,
    /// Not here.
    Skip,
    /// The filter failed: an open error at this destination.
    Fail(Box<NewError>),
}

/// Decides on one record; the destination's filter.
pub type Router = Arc<dyn Fn(&Record) -> Route + Send + Sync>;

/// Bytes that one record adds to a page's body as sent, separators included.
pub type Cost = Arc<dyn Fn(&Record) -> usize + Send + Sync>;

/// What a destination asks for.
#[derive(Clone)]
pub struct PageRequest {
    /// The destination.
    pub destination: String,
    /// Records in a page at most.
    pub size: usize,
    /// Bytes of a page's body as sent at most.
    pub max_bytes: usize,
    /// Bytes of the body of an empty page.
    pub envelope_bytes: usize,
    /// Bytes that a record adds.
    pub cost: Cost,
    /// The destination's filter.
    pub route: Router,
    /// Milliseconds that a page waits to fill, from the arrival of its first record.
    pub linger_ms: i64,
    /// false: only pages that are cut already and due (a retry).
    pub cut: bool,
    /// Pages of the destination in flight at most, over all processes that share the store. A store
    /// of one process may leave it to the caller, who keeps it there.
    pub max_leased: usize,
    /// Pages that may wait for a retry before no new one is cut.
    pub max_waiting: usize,
    /// Epoch milliseconds.
    pub now_ms: i64,
}

impl fmt::Debug for PageRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageRequest")
            .field("destination", &self.destination)
            .field("size", &self.size)
            .field("cut", &self.cut)
            .finish_non_exhaustive()
    }
}

/// The answer to a [`PageRequest`].
#[derive(Debug)]
pub enum Lease {
    /// A page, the caller's until it is settled or the process ends.
    Page(Page),
    /// Nothing is due. Ask again at this time, or when the store changes.
    Wait {
        /// Epoch milliseconds of the next page that becomes due by time alone.
        until_ms: Option<i64>,
    },
}
