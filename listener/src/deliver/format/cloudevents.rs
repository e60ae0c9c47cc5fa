//! CloudEvents 1.0 in JSON: one object for each record, with the record as `data`.
//!
//! | Attribute | Value |
//! |---|---|
//! | `specversion` | `1.0` |
//! | `id` | `<store>-<delivery>.<element>`: the record's own name, so the same in each attempt, at each destination and in each page |
//! | `source` | the listener's public URL |
//! | `type` | `com.hubspot.<subscriptionType>`; `com.hubspot.record` where there is none |
//! | `subject` | `objectId`, or `<fromObjectId>/<toObjectId>`; left out where there is none |
//! | `time` | `occurredAt` as RFC 3339; left out where it is no time |
//! | `datacontenttype` | `application/json` |
//! | `data` | the record's bytes, unchanged; or what the destination's transform made of it |
//!
//! The attributes are those of the record as it came, whatever a transform makes of it.
//!
//! The length must be known before a page (and with it the store's name) is: the
//! store's part of the id always has 16 characters. A store is named by 16 hex
//! digits; of any other name the first 16 hex digits of its SHA-256 are taken.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::super::facts::Facts;
use super::super::mapped::Outgoing;
use crate::store::Record;

/// Characters of the store's part of an id.
const STORE_CHARACTERS: usize = 16;

/// The attribute `source`, as JSON.
pub(super) fn source(public_url: &str) -> String {
    // A source must not be empty; a URI reference is enough.
    json_string(if public_url.is_empty() { "/hubspot" } else { public_url })
}

/// The store's part of each id.
pub(super) fn id_prefix(store: &str) -> Cow<'_, str> {
    if store.len() == STORE_CHARACTERS && store.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Cow::Borrowed(store);
    }
    let hash = Sha256::digest(store.as_bytes());
    Cow::Owned(hex::encode(&hash[..STORE_CHARACTERS / 2]))
}

/// Bytes of a record's event.
pub(super) fn length(source: &str, record: &Record, data: &[u8]) -> usize {
    let Parts { before, after } = Parts::of(source, record);
    before.len() + STORE_CHARACTERS + after.len() + data.len() + END.len()
}

/// Appends a record's event.
pub(super) fn write(body: &mut Vec<u8>, source: &str, id_prefix: &str, outgoing: &Outgoing<'_>) {
    let Parts { before, after } = Parts::of(source, outgoing.record);
    body.extend_from_slice(before.as_bytes());
    body.extend_from_slice(id_prefix.as_bytes());
    body.extend_from_slice(after.as_bytes());
    body.extend_from_slice(outgoing.data);
    body.extend_from_slice(END.as_bytes());
}

const BEFORE: &str = r#"{"specversion":"1.0","id":""#;
const END: &str = "}";

/// An event around the store's part of its id, and without its data.
struct Parts {
    before: &'static str,
    after: String,
}

impl Parts {
    fn of(source: &str, record: &Record) -> Self {
        let facts = Facts::read(&record.bytes);
        let id = record.id;
        let kind = facts.subscription_type.as_deref().unwrap_or("record");
        let kind = json_string(&format!("com.hubspot.{kind}"));
        let subject = match (&facts.object_id, &facts.from_object_id, &facts.to_object_id) {
            (Some(id), _, _) => Some(id.to_string()),
            (None, Some(from), Some(to)) => Some(format!("{from}/{to}")),
            _ => None,
        };
        let subject =
            subject.map(|subject| format!(r#""subject":{},"#, json_string(&subject))).unwrap_or_default();
        let time = facts.occurred_at.as_deref().and_then(time);
        let time = time.map(|time| format!(r#""time":"{time}","#)).unwrap_or_default();
        Self {
            before: BEFORE,
            after: format!(
                r#"-{id}","source":{source},"type":{kind},{subject}{time}"datacontenttype":"application/json","data":"#
            ),
        }
    }
}

/// RFC 3339 of epoch milliseconds.
fn time(millis: &str) -> Option<String> {
    Some(jiff::Timestamp::from_millisecond(millis.parse().ok()?).ok()?.to_string())
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
