//! Checks of the timestamp of v3.

use super::{Case, Code, Diagnosis, signature};
use crate::verify::cause::Cause;
use crate::verify::headers::timestamp_ms;

/// A year: how far a time in seconds may lie from the clock to be taken for one.
const YEAR_MS: i64 = 366 * 24 * 3600 * 1000;

/// Not plain digits that fit 64 bits.
pub(super) fn form(case: &Case<'_>) -> Option<Diagnosis> {
    if case.cause != Cause::BadTimestamp {
        return None;
    }
    let text = case.timestamp?;
    let found = if text.is_empty() {
        "it is empty".to_owned()
    } else if text.iter().all(u8::is_ascii_digit) {
        format!("it has {} digits, more than 64 bits can hold", text.len())
    } else {
        let shown: String = String::from_utf8_lossy(text).chars().take(40).collect();
        format!("it says `{}`", shown.escape_debug())
    };
    Some(Diagnosis::new(
        Code::TimestampForm,
        format!(
            "X-HubSpot-Request-Timestamp must be epoch milliseconds in plain digits, as 1790000000000, but {found}. {}",
            rightness(case)
        ),
    ))
}

/// Seconds instead of milliseconds.
pub(super) fn in_seconds(case: &Case<'_>) -> Option<Diagnosis> {
    if case.cause != Cause::StaleTimestamp {
        return None;
    }
    let seconds = timestamp_ms(case.timestamp?)?;
    let distance = case.now_ms.saturating_sub(seconds.saturating_mul(1000)).saturating_abs();
    (distance < YEAR_MS).then(|| {
        Diagnosis::new(
            Code::TimestampInSeconds,
            format!(
                "X-HubSpot-Request-Timestamp is in seconds; it must be in milliseconds, and signed so. {}",
                rightness(case)
            ),
        )
    })
}

/// Older or further ahead than allowed.
pub(super) fn outside_window(case: &Case<'_>) -> Option<Diagnosis> {
    let stale = match case.cause {
        Cause::StaleTimestamp => true,
        Cause::FutureTimestamp => false,
        _ => return None,
    };
    let signed_ms = timestamp_ms(case.timestamp?)?;
    let (distance_ms, limit_ms, direction) = if stale {
        (case.now_ms.saturating_sub(signed_ms), case.verifier.max_age_ms, "old")
    } else {
        (
            signed_ms.saturating_sub(case.now_ms),
            case.verifier.future_skew_ms,
            "ahead of this listener's clock",
        )
    };
    let found =
        format!("The timestamp is {} {direction} ({} are allowed)", seconds(distance_ms), seconds(limit_ms));
    let exact = case.spelling.is_some_and(|spelling| spelling.defect.is_none());
    if exact && case.is_right() {
        let (code, remedy) = if stale {
            (
                Code::TooOld,
                "so this is an old request sent again, one that waited long on the way, or a clock that is wrong. \
                 Compare the clock of the node with a time server; if it is right, nothing is to be done: HubSpot \
                 signs each attempt anew",
            )
        } else {
            (Code::Ahead, "so a clock is wrong: compare the clock of the node with a time server")
        };
        return Some(Diagnosis::new(code, format!("{found}. The signature is right otherwise, {remedy}.")));
    }
    let further = signature::any_of(case);
    let code = if stale { Code::TooOldAndWrong } else { Code::AheadAndWrong };
    Some(Diagnosis::new(code, format!("{found}, and the signature is wrong as well. {}", further.message)))
}

fn rightness(case: &Case<'_>) -> &'static str {
    if case.is_right() {
        "The signature over it is right, so the secret and the URL are."
    } else {
        "The signature over it is wrong as well."
    }
}

/// Milliseconds as a person reads them.
fn seconds(ms: i64) -> String {
    if ms % 1000 == 0 { format!("{} s", ms / 1000) } else { format!("{}.{:03} s", ms / 1000, ms % 1000) }
}
