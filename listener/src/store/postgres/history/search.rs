//! Which records match a filter, newest first, in bounded steps: deliveries are walked through from
//! the newest on, and of them only those of slices whose times fit. There is no search index here: an
//! entry for each record at a random place would cost more at acceptance than a search is worth.

use std::collections::HashSet;

use super::delivered;
use super::rows::{self, Delivery};
use crate::desk::RecordFilter;
use crate::store::history::bounds::Bounds;
use crate::store::history::shown;
use crate::store::packed::spans::Span;
use crate::store::postgres::trouble::Trouble;
use crate::store::postgres::tx::Tx;
use crate::store::{RecordId, Sort};

/// Records and deliveries that one step looks at.
const LOOKS: usize = 20_000;
/// Bytes of records that one step reads.
const BYTES: usize = 16 * 1024 * 1024;
/// Deliveries that one query reads.
const ROWS: i64 = 64;

/// What a step found.
#[derive(Debug)]
pub(super) struct Found {
    /// Newest first.
    pub(super) records: Vec<RecordId>,
    /// Before what to go on; none: this is the end.
    pub(super) next: Option<RecordId>,
}

/// At most `want` records before `before` that match.
pub(super) async fn step(
    tx: &Tx<'_>,
    sorter: &dyn Sort,
    filter: &RecordFilter,
    before: RecordId,
    want: usize,
) -> Result<Found, Trouble> {
    let RecordFilter { delivery, trace_key: _, object_id: _, delivered_to, from_ms, until_ms } = filter;
    let bounds = Bounds {
        from_ms: *from_ms,
        until_ms: *until_ms,
        first: delivery.unwrap_or(0),
        last: delivery.map_or(before.delivery, |delivery| delivery.min(before.delivery)),
    };
    let bounds = rows::there(tx, bounds).await?;
    let mut step = Step { sorter, filter, cursor: before, want, looks: 0, bytes: 0, records: Vec::new() };
    let mut last = bounds.last;
    while last >= bounds.first && last > 0 {
        if step.is_full() {
            return Ok(step.goes_on());
        }
        let deliveries = rows::between(tx, bounds.first, last, ROWS).await?;
        let (Some(newest), Some(oldest)) = (deliveries.first(), deliveries.last()) else { break };
        let taken = match delivered_to {
            Some(name) => Some(delivered::within(tx, name, oldest.number, newest.number).await?),
            None => None,
        };
        last = oldest.number.saturating_sub(1);
        for delivery in &deliveries {
            step.looks += 1;
            if bounds.holds(delivery.received_at_ms) && !step.look_at(tx, delivery, taken.as_ref()).await? {
                return Ok(step.goes_on());
            }
            step.cursor = step.cursor.min(RecordId { delivery: delivery.number, element: 0 });
        }
    }
    Ok(Found { records: step.records, next: None })
}

struct Step<'a> {
    sorter: &'a dyn Sort,
    filter: &'a RecordFilter,
    /// Everything from here on was looked at.
    cursor: RecordId,
    want: usize,
    looks: usize,
    bytes: usize,
    records: Vec<RecordId>,
}

impl Step<'_> {
    fn is_full(&self) -> bool {
        self.records.len() >= self.want || self.looks >= LOOKS || self.bytes >= BYTES
    }

    fn goes_on(self) -> Found {
        Found { records: self.records, next: Some(self.cursor) }
    }

    /// Looks at the records of a delivery; false where there is more to look at.
    async fn look_at(
        &mut self,
        tx: &Tx<'_>,
        delivery: &Delivery,
        taken: Option<&HashSet<RecordId>>,
    ) -> Result<bool, Trouble> {
        let wanted: Vec<(RecordId, Span)> = delivery
            .spans
            .iter()
            .rev()
            .map(|span| (delivery.id(*span), *span))
            .filter(|(id, _)| *id < self.cursor && taken.is_none_or(|taken| taken.contains(id)))
            .collect();
        self.looks += delivery.spans.len();
        let reads = self.filter.trace_key.is_some() || self.filter.object_id.is_some();
        let bytes = if reads { rows::bytes(tx, &wanted).await? } else { Vec::new() };
        for (at, (id, _)) in wanted.iter().enumerate() {
            if self.records.len() >= self.want {
                return Ok(false);
            }
            self.cursor = *id;
            let fits = !reads
                || bytes.get(at).is_some_and(|bytes| bytes.as_ref().is_some_and(|bytes| self.fits(bytes)));
            if fits {
                self.records.push(*id);
            }
        }
        self.bytes += bytes.iter().flatten().map(bytes::Bytes::len).sum::<usize>();
        Ok(true)
    }

    /// Whether a record has the trace key and the object's id that are asked for.
    fn fits(&self, bytes: &[u8]) -> bool {
        let RecordFilter { trace_key, object_id, .. } = self.filter;
        trace_key.as_ref().is_none_or(|wanted| self.sorter.name(bytes).trace_key == *wanted)
            && object_id.as_ref().is_none_or(|wanted| shown::object_id(bytes).as_ref() == Some(wanted))
    }
}
