//! What is really wrong with a refused request, where it can be told.
//!
//! Each check is a named function that looks for one thing; the first in the order of [`CHECKS`] that finds
//! something speaks. Most of them guess: they compute the signature that would be right if the sender had made one
//! known mistake, and see whether it is the one that came.
//!
//! What holds:
//! - No message shows a right signature or a secret. Messages may show the URL, the method and the times.
//! - The work is bounded: at most [`case::BUDGET`] bytes are hashed for one request, and a body over
//!   [`case::MAX_GUESSED_BODY`] only gets the checks that cost no more than a verification.
//! - A request that is not signed with a known secret cannot make a guess fit: a diagnosis that names a mistake is
//!   sure. Only `no_match`, `access_token` and `v1_fits_v3_does_not` are conclusions.

mod address;
mod case;
mod code;
mod headers;
mod json;
mod signature;
mod spelling;
mod timestamp;
mod variants;

pub use code::Code;

use case::Case;

use super::cause::Cause;
use super::request::Received;
use super::verifier::Verifier;

/// What is really wrong with a request, where it can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// For programs and metrics: the text of a [`Code`].
    pub code: &'static str,
    /// For people: what was found and what to do.
    pub message: String,
}

impl Diagnosis {
    fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code: code.as_str(), message: message.into() }
    }
}

type Check = fn(&Case<'_>) -> Option<Diagnosis>;

/// In the order in which they are asked; the checks of [`signature`] follow.
const CHECKS: &[Check] = &[
    headers::several,
    headers::no_signature,
    headers::no_timestamp,
    timestamp::form,
    timestamp::in_seconds,
    timestamp::outside_window,
];

pub(super) fn diagnose(verifier: &Verifier, received: &Received, cause: Cause, now_ms: i64) -> Diagnosis {
    let refused = Case::new(verifier, received, cause, now_ms);
    CHECKS.iter().find_map(|check| check(&refused)).unwrap_or_else(|| signature::any_of(&refused))
}

#[cfg(test)]
mod tests;
