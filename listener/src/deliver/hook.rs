//! The hook before pages are cut: what it is sent, and what its answer means. Pure.
//!
//! # What it is sent
//!
//! `{"records":[..],"settings":{..},"listener":{..}}`, the records as the bytes that came.
//! `envelope_bytes + sum(cost)` is exactly the length of the body, for each page of at least
//! one record.
//!
//! # What it answers
//!
//! | Answer | Meaning |
//! |---|---|
//! | 204 | every record goes on as it came |
//! | 200 with `{"records":[..]}` | so does what is not named there; see [`answer`] |
//! | 200 with anything else, another 2xx | again; class `parse` |
//! | 200 with more than [`ANSWER_BYTES`] | open errors at once, class `value`: the answer would be as long again |
//! | anything else | as for a destination ([`super::classify`]) |

mod answer;

use bytes::Bytes;
use language::template::Json;

use super::classify::{self, Answer, BodyEnd, Reply, Verdict};
use super::format::json_array;
use crate::store::{ErrorClass, Failure, Record};

/// Bytes of an answer that are read: two pages, because changed records may have grown.
pub(super) const ANSWER_BYTES: usize = 2 * crds::limits::MAX_PAGE_BYTES;

const HEAD: &[u8] = b"{\"records\":";

/// What stands around the records of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    tail: Bytes,
}

impl Envelope {
    pub(super) fn new(settings: &Json, listener: &Json) -> Self {
        Self { tail: format!(",\"settings\":{settings},\"listener\":{listener}}}").into() }
    }

    /// Bytes of the body beside what each record costs.
    pub(super) fn bytes(&self) -> usize {
        // Two brackets, less the comma that the first record pays and does not need.
        HEAD.len() + 1 + self.tail.len()
    }

    /// Bytes that a record adds.
    pub(super) fn cost(record: &Record) -> usize {
        record.bytes.len() + 1
    }

    /// The body of a call.
    pub(super) fn body(&self, records: &[Record]) -> Bytes {
        let length = records.iter().map(Self::cost).sum::<usize>() + self.bytes();
        let mut body = Vec::with_capacity(length);
        body.extend_from_slice(HEAD);
        json_array(&mut body, records, |body, record| body.extend_from_slice(&record.bytes));
        body.extend_from_slice(&self.tail);
        body.into()
    }
}

/// What the hook made of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    /// As of a destination.
    pub(super) verdict: Verdict,
    /// Records with other bytes, by place in the page.
    pub(super) changed: Vec<(usize, Bytes)>,
    /// Records that go nowhere, by place in the page.
    pub(super) dropped: Vec<usize>,
}

impl From<Verdict> for Judged {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, changed: Vec::new(), dropped: Vec::new() }
    }
}

/// What `reply` means for a page of `records`.
pub(super) fn judge(reply: &Reply, records: usize) -> Judged {
    let mut judged = match reply {
        Reply::Answer(answer) if (200..300).contains(&answer.status) => success(answer, records),
        _ => classify::classify(reply, records).into(),
    };
    match &mut judged.verdict {
        Verdict::Delivered => {}
        Verdict::Partly(failures) => failures.iter_mut().for_each(|record| name_it(&mut record.failure)),
        Verdict::Again { failure, .. } | Verdict::Refused(failure) => name_it(failure),
    }
    judged
}

/// The rules of a destination speak of a destination.
fn name_it(failure: &mut Failure) {
    failure.message = failure.message.replacen("the destination", "the hook", 1);
}

fn success(answer: &Answer, records: usize) -> Judged {
    let again = |class, code: &str, message: &str| {
        let failure = classify::with_answer(class, code, message, answer);
        Verdict::Again { failure, retry_after: None }.into()
    };
    match (answer.status, answer.end) {
        (204, _) => Verdict::Delivered.into(),
        (200, BodyEnd::Broken) => {
            again(ErrorClass::Connection, "answer_broken", "the hook's answer broke off")
        }
        (200, BodyEnd::TooLong) => {
            let message = "the hook's answer is longer than is read (10 MiB); make spec.prePage.size smaller";
            Verdict::Refused(classify::with_answer(
                ErrorClass::Value,
                "hook_answer_too_long",
                message,
                answer,
            ))
            .into()
        }
        (200, BodyEnd::Whole) => match answer::read(&answer.body, records) {
            Ok(judged) => judged,
            Err(answer::Malformed { code, message }) => again(ErrorClass::Parse, code, &message),
        },
        (status, _) => {
            let message = format!("the hook answered {status}; it must answer 200 with records, or 204");
            again(ErrorClass::Parse, "hook_answer_invalid", &message)
        }
    }
}

#[cfg(test)]
mod tests;
