//! The error desk: what people (and their programs) see of a listener, and what they may do.
//!
//! [`Desk`] is the one door, beside [`Store`](crate::store::Store): the API and the commands speak
//! to it, and each store implements it. What every desk promises:
//!
//! 1. An act is done as a whole or not at all, and stands in the audit log in the same transaction.
//! 2. A bulk act touches exactly what its filter matches at the time of its plan, and nothing that
//!    somebody closed meanwhile; it goes on after a restart, and no error is done twice.
//! 3. A retry runs from the failed step: an error at a destination goes there alone, with the edited
//!    payload where there is one; an error before any destination goes the whole way again.
//! 4. A payload is never given to somebody who may not see it: [`Desk`] gives it, the API's roles
//!    and masks stand before it.
//! 5. Every list ends: a limit and a cursor, never an offset.

mod act;
mod bulk;
mod error;
mod filter;
mod history;
mod listing;
mod pretty;
mod shown;

use async_trait::async_trait;

pub use act::{Act, Acted, Actor, AuditEntry, MAX_NOTE, MAX_TAG, MAX_TAGS};
pub use bulk::{Bulk, BulkState, Effect, Plan, Selection};
pub use error::DeskError;
pub use filter::{ErrorFilter, State};
pub use history::{
    DeliveryFilter, DeliveryShown, History, MAX_POINTS, Point, Range, RecordDetail, RecordFilter,
    RecordShown, Records, RefusedFilter, Series, Step, StepKind,
};
pub use listing::{Cursor, Listing, MAX_LIMIT, Query};
pub use pretty::pretty;
pub use shown::{Counting, Counts, ErrorDetail, ErrorShown, Note, Resolution};

/// What people see of a listener's errors, and what they may do.
#[async_trait]
pub trait Desk: Send + Sync + std::fmt::Debug {
    /// Errors, newest first, without payloads.
    async fn errors(&self, query: Query<ErrorFilter>) -> Result<Listing<ErrorShown>, DeskError>;

    /// How many errors match, by state, class and destination.
    async fn count(&self, filter: ErrorFilter, counting: Counting) -> Result<Counts, DeskError>;

    /// One error, whole.
    async fn error(&self, id: i64) -> Result<ErrorDetail, DeskError>;

    /// Does one act on one error.
    async fn act(&self, actor: Actor, error: i64, act: Act) -> Result<Acted, DeskError>;

    /// What a bulk act would do. A plan is kept for an hour.
    async fn plan(&self, actor: Actor, selection: Selection, act: Act) -> Result<Plan, DeskError>;

    /// Begins what was planned. It runs in the store, also after a restart.
    async fn start(&self, actor: Actor, plan: i64) -> Result<Bulk, DeskError>;

    /// A bulk act and how far it is.
    async fn bulk(&self, id: i64) -> Result<Bulk, DeskError>;

    /// Bulk acts, newest first.
    async fn bulks(&self, query: Query<()>) -> Result<Listing<Bulk>, DeskError>;

    /// Stops a bulk act; what is done stays done.
    async fn cancel(&self, actor: Actor, id: i64) -> Result<Bulk, DeskError>;

    /// Writes into the audit log, as the act `settings`, that settings are to be saved or were.
    async fn note_settings(&self, actor: Actor, detail: String) -> Result<(), DeskError>;

    /// The audit log, newest first; of one error where it is given.
    async fn audit(&self, query: Query<Option<i64>>) -> Result<Listing<AuditEntry>, DeskError>;
}
