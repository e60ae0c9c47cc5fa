//! Records as lists show them.

use language::event::{Field, fields};

use crate::desk::RecordShown;
use crate::store::{Label, RecordId, Sort};

/// `objectId` of an event, as text.
pub(in crate::store) fn object_id(record: &[u8]) -> Option<String> {
    fields(record).text(Field::ObjectId).map(std::borrow::Cow::into_owned)
}

/// A record; `searched` is the trace key by which it was found. Without its bytes it has no names.
pub(in crate::store) fn of(
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
