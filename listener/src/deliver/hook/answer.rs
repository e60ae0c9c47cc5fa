//! The answer that says what becomes of each record:
//! `{"records":[{"index":0,"record":{..}},{"index":1,"drop":true},{"index":2,"error":{..}}]}`
//!
//! `index` is the place in the call, from 0, and may be named once. An entry says exactly
//! one of: `record`, a JSON object that takes the place of the record, its bytes as they
//! stand in the answer; `drop`, true; `error`, with `code`, `message` and `retryable`, as of
//! a destination. What an answer does not name goes on unchanged, so whatever cannot be
//! understood in it spoils the whole of it: nothing goes on by mistake. Unknown members
//! beside these are ignored.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::super::classify::{RecordFailure, Verdict, failure_of};
use super::Judged;

/// Entries at most: as many as `spec.prePage.size` allows.
const MOST_ENTRIES: usize = 10_000;

/// Why an answer cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) code: &'static str,
    pub(super) message: String,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    records: Entries<'a>,
}

struct Entries<'a>(Vec<Entry<'a>>);

#[derive(Deserialize)]
struct Entry<'a> {
    index: u64,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
    drop: Option<bool>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(EntriesVisitor).map(Entries)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Vec<Entry<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while let Some(entry) = entries.next_element()? {
            if found.len() >= MOST_ENTRIES {
                return Err(A::Error::custom(format!("more than {MOST_ENTRIES} entries")));
            }
            found.push(entry);
        }
        Ok(found)
    }
}

/// What `body` says of a page of `records`.
pub(super) fn read(body: &[u8], records: usize) -> Result<Judged, Malformed> {
    let Body { records: Entries(entries) } = serde_json::from_slice(body).map_err(|error| {
        let code = match error.classify() {
            Category::Data => "hook_answer_invalid",
            Category::Syntax | Category::Eof | Category::Io => "hook_answer_not_json",
        };
        // Of the answer's content the error names at most one word; it is cut all the same.
        let what: String = error.to_string().chars().take(200).collect();
        Malformed { code, message: format!("the hook's answer cannot be used: {what}") }
    })?;
    let (mut changed, mut dropped, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for entry in entries {
        let Entry { index: named, record, drop, error } = entry;
        let index = usize::try_from(named).ok().filter(|index| *index < records);
        let Some(index) = index else {
            return Err(invalid(named, &format!("there is no such record: the call had {records}")));
        };
        if !seen.insert(index) {
            return Err(invalid(named, "it stands there twice"));
        }
        match (record, drop.unwrap_or(false), error) {
            (Some(record), false, None) if record.get().starts_with('{') => {
                changed.push((index, Bytes::copy_from_slice(record.get().as_bytes())));
            }
            (Some(_), false, None) => return Err(invalid(named, "its record is no JSON object")),
            (None, true, None) => dropped.push(index),
            (None, false, Some(error)) if error.get().starts_with('{') => {
                let (failure, retryable) = failure_of(error.get(), 200);
                failed.push(RecordFailure { index, failure, retryable });
            }
            (None, false, Some(_)) => return Err(invalid(named, "its error is no JSON object")),
            _ => {
                return Err(invalid(named, "it must say exactly one of record, drop: true, and error"));
            }
        }
    }
    failed.sort_by_key(|failure| failure.index);
    let verdict = if failed.is_empty() { Verdict::Delivered } else { Verdict::Partly(failed) };
    Ok(Judged { verdict, changed, dropped })
}

fn invalid(index: u64, why: &str) -> Malformed {
    let message = format!("the hook's answer cannot be used: index {index}: {why}");
    Malformed { code: "hook_answer_invalid", message }
}
