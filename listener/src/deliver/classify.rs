//! What an attempt means for the records of its page. Pure.
//!
//! | Reply | Meaning |
//! |---|---|
//! | 2xx | delivered |
//! | 200, 207 with `{"failed":[..]}` | delivered, but for those records; see [`partly`] |
//! | 200, 207 whose answer broke off | again: nobody knows whether it named failed records |
//! | no connection, no answer in time | again; class `connection` |
//! | 408, 425, 5xx | again; class `intermittent` |
//! | 429 | again; class `rate_limit`; with `Retry-After` the whole destination waits |
//! | 3xx | open errors at once, `http_3xx`: redirects are not followed |
//! | 404, 410 | open errors at once, class `missing` |
//! | 409 | open errors at once, class `duplicate` |
//! | 413 | open errors at once, class `too_large` |
//! | other 4xx, and what is no status at all | open errors at once, class `value` |
//! | a barred address | open errors at once, class `connection`, code `address_barred` |
//!
//! What fails, fails for every record of the page: a destination that wants to
//! refuse some of them says so record by record.

mod partly;

use std::time::Duration;

use http::StatusCode;

pub(super) use partly::{RecordFailure, failure_of};

use super::gate::Sign;
use crate::store::{ErrorClass, Failure};

/// Bytes of an answer that an open error keeps.
const KEPT_BYTES: usize = 4 * 1024;

/// What came of sending a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The destination answered.
    Answer(Answer),
    /// No connection was made.
    NoConnection(String),
    /// Connected, but no answer in time.
    NoAnswerInTime(String),
    /// The connection broke before there was an answer.
    Broken(String),
    /// The address guard bars the destination's address.
    Barred(String),
    /// The request could not be made: a mistake in the configuration.
    Unsendable(String),
}

/// An answer, as far as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Status.
    pub(super) status: u16,
    /// `Retry-After`, read.
    pub(super) retry_after: Option<Duration>,
    /// `Location`.
    pub(super) location: Option<String>,
    /// The beginning of the body.
    pub(super) body: Vec<u8>,
    /// How the body ended.
    pub(super) end: BodyEnd,
}

/// How a body ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// All of it was read.
    #[default]
    Whole,
    /// There was more than is read.
    TooLong,
    /// It broke off.
    Broken,
}

/// What it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Every record was taken.
    Delivered,
    /// These were not; each index once, within the page.
    Partly(Vec<RecordFailure>),
    /// The page goes again, unless it is over.
    Again {
        /// What it is when it is over.
        failure: Failure,
        /// What the destination asked for.
        retry_after: Option<Duration>,
    },
    /// No use in sending it again.
    Refused(Failure),
}

impl Reply {
    /// Status of the answer.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Answer(answer) => Some(answer.status),
            _ => None,
        }
    }

    /// What it shows about the destination.
    pub(super) fn sign(&self) -> Sign {
        match self {
            Self::Answer(Answer { status: 429, retry_after: Some(asked), .. }) => Sign::Wait(*asked),
            Self::Answer(_) => Sign::Answered,
            Self::NoConnection(_) | Self::NoAnswerInTime(_) | Self::Broken(_) => Sign::Silent,
            Self::Barred(_) | Self::Unsendable(_) => Sign::Nothing,
        }
    }
}

/// What `reply` means for a page of `records`.
pub(super) fn classify(reply: &Reply, records: usize) -> Verdict {
    let again = |code: &str, message: &String| Verdict::Again {
        failure: failure(ErrorClass::Connection, code, message.clone()),
        retry_after: None,
    };
    match reply {
        Reply::NoConnection(message) => again("no_connection", message),
        Reply::NoAnswerInTime(message) => again("timeout", message),
        Reply::Broken(message) => again("connection_broken", message),
        Reply::Barred(message) => {
            Verdict::Refused(failure(ErrorClass::Connection, "address_barred", message.clone()))
        }
        Reply::Unsendable(message) => {
            Verdict::Refused(failure(ErrorClass::Value, "request_invalid", message.clone()))
        }
        Reply::Answer(answer) => classify_answer(answer, records),
    }
}

fn classify_answer(answer: &Answer, records: usize) -> Verdict {
    match answer.status {
        200 | 207 => match answer.end {
            BodyEnd::Broken => Verdict::Again {
                failure: with_answer(ErrorClass::Connection, "answer_broken", "the answer broke off", answer),
                retry_after: None,
            },
            BodyEnd::TooLong if partly::may_name_failures(&answer.body) => Verdict::Refused(with_answer(
                ErrorClass::Value,
                "answer_too_long",
                "the answer that names the failed records is longer than is read, so it is not known which failed; \
                 use smaller pages or shorter messages",
                answer,
            )),
            BodyEnd::TooLong => Verdict::Delivered,
            BodyEnd::Whole => match partly::read(&answer.body, records, answer.status) {
                failures if failures.is_empty() => Verdict::Delivered,
                failures => Verdict::Partly(failures),
            },
        },
        200..=299 => Verdict::Delivered,
        300..=399 => Verdict::Refused(redirect(answer)),
        408 | 425 | 500..=599 => again(ErrorClass::Intermittent, answer),
        429 => again(ErrorClass::RateLimit, answer),
        404 | 410 => Verdict::Refused(by_status(ErrorClass::Missing, answer)),
        409 => Verdict::Refused(by_status(ErrorClass::Duplicate, answer)),
        413 => Verdict::Refused(by_status(ErrorClass::TooLarge, answer)),
        _ => Verdict::Refused(by_status(ErrorClass::Value, answer)),
    }
}

fn again(class: ErrorClass, answer: &Answer) -> Verdict {
    Verdict::Again { failure: by_status(class, answer), retry_after: answer.retry_after }
}

fn redirect(answer: &Answer) -> Failure {
    let to = answer.location.as_deref().map(|location| format!(" to {}", beginning(location, 512)));
    let message = format!(
        "the destination answered {} and redirects{}; redirects are not followed: put the final address into the \
         destination's URL",
        spoken(answer.status),
        to.unwrap_or_default(),
    );
    with_answer(ErrorClass::Value, "http_3xx", &message, answer)
}

fn by_status(class: ErrorClass, answer: &Answer) -> Failure {
    let message = format!("the destination answered {}", spoken(answer.status));
    with_answer(class, &format!("http_{}", answer.status), &message, answer)
}

fn spoken(status: u16) -> String {
    match StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()) {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}

/// A failure that keeps the beginning of the answer.
pub(super) fn with_answer(class: ErrorClass, code: &str, message: &str, answer: &Answer) -> Failure {
    let kept = &answer.body[..answer.body.len().min(KEPT_BYTES)];
    // Replacing what is not UTF-8 may make it longer.
    let text = beginning(&String::from_utf8_lossy(kept), KEPT_BYTES).to_owned();
    Failure {
        class,
        code: code.to_owned(),
        message: message.to_owned(),
        status: Some(answer.status),
        response: (!text.is_empty()).then_some(text),
    }
}

fn failure(class: ErrorClass, code: &str, message: String) -> Failure {
    Failure { class, code: code.to_owned(), message, status: None, response: None }
}

/// At most `bytes` of `text`, no scalar value cut.
pub(super) fn beginning(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests;
