//! The answer that names the records a destination did not take:
//! `{"failed":[{"index":3,"code":"bad_email","message":"no @ in it","retryable":false}]}`
//!
//! `index` is the place in the page, from 0; the others may be left out, and
//! `retryable` then is false. Unknown members are ignored, and so is an entry
//! without a usable index, with one out of range, or with one that stands before:
//! each is logged. A body that is not such an object names nothing.
//!
//! The class of the open error is the code where that is the name of a class,
//! else `value`.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{KEPT_BYTES, beginning};
use crate::store::{ErrorClass, Failure};

/// Bytes of a code that are kept.
const CODE_BYTES: usize = 128;
/// Bytes of a message that are kept.
const MESSAGE_BYTES: usize = 1024;

/// A record that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct RecordFailure {
    /// Place in the page, from 0.
    pub(in super::super) index: usize,
    /// Why.
    pub(in super::super) failure: Failure,
    /// Whether sending it again may help.
    pub(in super::super) retryable: bool,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    failed: Vec<&'a RawValue>,
}

/// The records that `body` names, by index.
pub(super) fn read(body: &[u8], records: usize, status: u16) -> Vec<RecordFailure> {
    // Most answers are empty or something else.
    if !may_name_failures(body) {
        return Vec::new();
    }
    let Ok(Body { failed }) = serde_json::from_slice::<Body<'_>>(body) else { return Vec::new() };
    let mut failures: Vec<RecordFailure> =
        failed.into_iter().filter_map(|entry| read_entry(entry.get(), records, status)).collect();
    // Stable: of one index the first entry counts.
    failures.sort_by_key(|failure| failure.index);
    failures.dedup_by(|later, first| {
        let same = later.index == first.index;
        if same {
            tracing::warn!(record.index = first.index, "the destination named one failed record twice");
        }
        same
    });
    failures
}

/// Whether a body that may be cut off looks like one.
pub(super) fn may_name_failures(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{') && memchr::memmem::find(body, b"\"failed\"").is_some()
}

fn read_entry(json: &str, records: usize, status: u16) -> Option<RecordFailure> {
    let entry: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
    let index = entry.get("index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
    let Some(index) = index.filter(|&index| index < records) else {
        tracing::warn!(
            page.records = records,
            "the destination named a failed record that is not in the page"
        );
        return None;
    };
    let (failure, retryable) = failure_in(&entry, json, status);
    Some(RecordFailure { index, failure, retryable })
}

/// Why a record failed, of an object with `code`, `message` and `retryable`.
pub(in super::super) fn failure_of(json: &str, status: u16) -> (Failure, bool) {
    failure_in(&serde_json::from_str(json).unwrap_or_default(), json, status)
}

fn failure_in(entry: &Map<String, Value>, json: &str, status: u16) -> (Failure, bool) {
    let text = |name: &str, bytes: usize, default: &str| match entry.get(name) {
        Some(Value::String(text)) if !text.is_empty() => beginning(text, bytes).to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => default.to_owned(),
    };
    let code = text("code", CODE_BYTES, "failed");
    let failure = Failure {
        class: ErrorClass::parse(&code).unwrap_or(ErrorClass::Value),
        code,
        message: text("message", MESSAGE_BYTES, "the destination did not take this record"),
        status: Some(status),
        response: Some(beginning(json, KEPT_BYTES).to_owned()),
    };
    (failure, entry.get("retryable").and_then(Value::as_bool).unwrap_or(false))
}
