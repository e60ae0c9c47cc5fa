//! What a destination would be handed, without a store and without sending: the plan that sends
//! judges each record and says what it costs, and the type that fills pages for the store fills
//! them here. Time plays no part: a page that would leave because its time is up is the last one.

use std::sync::Arc;

use bytes::Bytes;

use super::plan::Plan;
use crate::config::Live;
use crate::metrics::Metrics;
use crate::store::{Failure, Filling, PageRequest, Record, RecordId, Route};
use language::clock::Clock;

/// What a destination would be handed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Handed {
    /// Of each record, in order.
    pub(crate) routes: Vec<Routed>,
    /// In order.
    pub(crate) pages: Vec<HandedPage>,
}

/// What becomes of one record at the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Routed {
    /// It goes there.
    Page {
        /// Number of the page, from 1.
        number: usize,
        /// The record as handed on.
        bytes: Bytes,
    },
    /// The destination's filter leaves it out.
    Skipped,
    /// It becomes an open error at the destination.
    Failed(Failure),
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HandedPage {
    /// Its records.
    pub(crate) records: Vec<RecordId>,
    /// Bytes of its body as sent.
    pub(crate) bytes: usize,
    /// Why it ends where it ends.
    pub(crate) closed: Closed,
}

/// Why a page ends where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// It has as many records as a page may have.
    Size,
    /// The next record would have made it larger than 5 MB.
    Bytes,
    /// Its only record is larger than 5 MB.
    Oversized,
    /// No further record came in time.
    Linger,
}

/// What the destination `name` would be handed of `records`; none where there is no such destination.
pub(crate) fn rehearse(
    live: &Arc<Live>,
    name: &str,
    records: &[Record],
    clock: &Clock,
    metrics: &Arc<Metrics>,
) -> Option<Handed> {
    let plan = Plan::of(name, live, clock, metrics)?;
    let request = plan.request(clock.now_ms());
    let mut handed = Handed::default();
    let mut filling = Filling::default();
    for record in records {
        match (request.route)(record) {
            Route::Skip => handed.routes.push(Routed::Skipped),
            Route::Fail(error) => handed.routes.push(Routed::Failed(error.failure)),
            Route::Take => {
                if let Err(left) = filling.offer(record.clone(), &request) {
                    handed.close(&mut filling, &request, Closed::Bytes);
                    // An empty page takes any record.
                    let _taken = filling.offer(left, &request);
                }
                handed
                    .routes
                    .push(Routed::Page { number: handed.pages.len() + 1, bytes: plan.handed_on(record) });
                if filling.is_full(&request) {
                    let closed = if filling.oversized() { Closed::Oversized } else { Closed::Size };
                    handed.close(&mut filling, &request, closed);
                }
            }
        }
    }
    if !filling.records().is_empty() {
        handed.close(&mut filling, &request, Closed::Linger);
    }
    Some(handed)
}

impl Handed {
    fn close(&mut self, filling: &mut Filling, request: &PageRequest, closed: Closed) {
        let bytes = request.envelope_bytes.saturating_add(filling.bytes());
        let (records, _) = std::mem::take(filling).into_records();
        let records = records.iter().map(|record| record.id).collect();
        self.pages.push(HandedPage { records, bytes, closed });
    }
}
