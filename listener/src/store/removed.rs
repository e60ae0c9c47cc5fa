//! What a destination that was removed leaves. Pure.

use super::{ErrorClass, Failure, Label, NewError, Record, Sort};

/// Code of the open errors that a removed destination leaves.
const CODE: &str = "destination_removed";

/// The open error of a record that `destination` had not taken.
pub(in crate::store) fn error(record: Record, destination: &str, sorter: &dyn Sort, now_ms: i64) -> NewError {
    let failure = Failure {
        class: ErrorClass::Missing,
        code: CODE.to_owned(),
        message: format!("the destination {destination} was removed before it took the record"),
        status: None,
        response: None,
    };
    let Label { trace_key, data_uri } = sorter.label(&record.bytes, &failure);
    NewError {
        record: record.id,
        failure,
        trace_key,
        data_uri,
        payload: sorter.keeps_payload().then_some(record.bytes),
        at_ms: now_ms,
    }
}
