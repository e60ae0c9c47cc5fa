//! Records as lists show them.

use language::event::{Field, fields};
use rusqlite::Connection;

use super::rows;
use crate::desk::RecordShown;
use crate::store::index::trouble::Trouble;
use crate::store::journal::Journal;
use crate::store::{Label, RecordId, Sort};

/// `objectId` of an event, as text.
pub(super) fn object_id(record: &[u8]) -> Option<String> {
    fields(record).text(Field::ObjectId).map(std::borrow::Cow::into_owned)
}

/// A record; `searched` is the trace key by which it was found. Without its bytes it has no names.
pub(super) fn of(
    id: RecordId,
    received_at_ms: i64,
    bytes: Option<&[u8]>,
    sorter: &dyn Sort,
    searched: Option<&str>,
) -> RecordShown {
    let fields = fields(bytes.unwrap_or_default());
    let Label { trace_key, data_uri } = bytes.map_or_else(Label::default, |bytes| sorter.name(bytes));
    RecordShown {
        record: id.to_string(),
        received_at_ms,
        subscription_type: fields.text(Field::SubscriptionType).map(std::borrow::Cow::into_owned),
        object_id: fields.text(Field::ObjectId).map(std::borrow::Cow::into_owned),
        trace_key: searched.map_or(trace_key, str::to_owned),
        data_uri,
    }
}

/// Records by name, in the order of the names; those that are gone meanwhile are left out.
pub(super) fn all(
    connection: &Connection,
    journal: &Journal,
    sorter: &dyn Sort,
    ids: &[RecordId],
    searched: Option<&str>,
) -> Result<Vec<RecordShown>, Trouble> {
    let mut shown = Vec::with_capacity(ids.len());
    for ids in ids.chunk_by(|left, right| left.delivery == right.delivery) {
        let Some(first) = ids.first() else { continue };
        let Some(delivery) = rows::one(connection, first.delivery)? else { continue };
        for id in ids {
            let bytes = delivery.bytes(journal, id.element)?;
            shown.push(of(*id, delivery.received_at_ms, bytes.as_deref(), sorter, searched));
        }
    }
    Ok(shown)
}
