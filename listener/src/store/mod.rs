//! Where deliveries, pages, open errors and refused requests are kept.
//!
//! [`Store`] is the one door. What every store promises, and the shared suite proves:
//!
//! 1. `append` answers `Ok` only when the delivery survives a kill and a power cut.
//! 2. Each event of an appended delivery is counted exactly once as a record,
//!    a duplicate, ignored, or an open error; the dedupe key is kept in the
//!    transaction that makes the record.
//! 3. A record's bytes are the bytes received, unless the hook gave others.
//! 4. A page, once cut, keeps its id, its records and their order until it is settled.
//! 5. Where there is a hook ([`PRE_PAGE`] among the destinations), a destination is cut only
//!    records that lie before everything the hook has not settled, so in order of arrival;
//!    a record's outcome at the hook never changes, and each reading of the record obeys it.
//! 6. Nothing is queued without bound; what cannot be taken is refused with a reason.

pub mod copy;
mod cut;
mod desk;
mod error;
mod fate;
mod filling;
mod history;
pub mod index;
pub mod journal;
mod judge;
pub mod model;
mod names;
mod numbers;
mod packed;
pub mod postgres;
mod refusals;
mod removed;
mod retaining;
mod settling;
#[cfg(test)]
pub(crate) mod suite;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

pub use error::{AppendError, StoreError};
pub use filling::Filling;
pub use model::*;

use crate::verify::{Request, Verified};

/// A store of one listener.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// Puts a delivery on disk. `Ok` means that it stays there.
    async fn append(&self, delivery: Request<Verified>) -> Result<Appended, AppendError>;

    /// Keeps a refused request. Never waits: where too many wait already, it is
    /// only counted (`Status::refused_dropped`).
    fn refuse(&self, refused: Refused);

    /// Tells the store which destinations there are. A new one begins with what
    /// is indexed from now on, so nothing may be appended before the first call; one that is gone
    /// loses its cursor, its pages are for [`Store::fail_orphans`]. [`PRE_PAGE`] among the names is the
    /// hook; when that is gone, what it has not settled goes on unchanged.
    async fn set_destinations(&self, names: &[String]) -> Result<(), StoreError>;

    /// Turns pages of destinations that are gone into open errors of class `missing`, a few at a time.
    async fn fail_orphans(&self) -> Result<(), StoreError>;

    /// The next page of a destination that is due, cut if need be and leased to the caller.
    async fn lease(&self, request: PageRequest) -> Result<Lease, StoreError>;

    /// Says what became of a leased page, in one transaction.
    async fn settle(&self, settlement: Settlement) -> Result<(), StoreError>;

    /// Takes places of a destination's rate limit, which holds over all processes that share the
    /// store. A store of one process leaves it to the caller.
    async fn places(&self, _destination: &str, _wanted: PlacesWanted) -> Result<Places, StoreError> {
        Ok(Places::Alone)
    }

    /// Changes whenever there may be something new to lease.
    fn changes(&self) -> watch::Receiver<u64>;

    /// Open errors, newest first.
    async fn open_errors(&self, limit: usize) -> Result<Vec<OpenError>, StoreError>;

    /// Refused requests, newest first.
    async fn refused(&self, limit: usize) -> Result<Vec<Refused>, StoreError>;

    /// Counters as they are now.
    async fn status(&self) -> Result<Status, StoreError>;

    /// Removes what is older than `retention` allows; in small steps, so that ingest is not disturbed.
    async fn retain(&self, retention: &crds::listener::Retention) -> Result<Retained, StoreError>;

    /// Whether an append would work now; the reason where it would not.
    fn health(&self) -> Result<(), String>;

    /// Stops taking, finishes what is taken, closes the files.
    async fn close(&self);
}

/// How the store learns what the elements of a delivery are to be; given by the listener's live configuration.
pub trait Sort: Send + Sync + std::fmt::Debug {
    /// Judges each element of `body`, in order.
    fn sort(&self, body: &[u8]) -> Vec<Sorted>;

    /// Whether the store keeps the payload of an error that it makes itself
    /// (`Sorted::Failed`, a removed destination); false where retry data is not to be stored.
    fn keeps_payload(&self) -> bool {
        true
    }

    /// Whether a newer error or a later success of one trace key closes the older errors.
    fn folds(&self) -> bool {
        true
    }

    /// Trace key and data URI of an error that the store makes itself, over the record's bytes.
    fn label(&self, _record: &[u8], _failure: &Failure) -> Label {
        Label::default()
    }

    /// Trace key and data URI of a record that did not fail. Called for each record that is listed or
    /// put into the search index, so it counts no failures: a template that fails gives nothing.
    fn name(&self, _record: &[u8]) -> Label {
        Label::default()
    }
}

/// What a record, or an open error, is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// Names the record.
    pub trace_key: String,
    /// A link to the record.
    pub data_uri: String,
}

/// A sorter that can be shared.
pub type Sorter = Arc<dyn Sort>;
