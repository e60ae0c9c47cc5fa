//! What is too old, by the times that a listener's retention gives. Pure.

use crds::listener::Retention;

/// A key this far ahead of the clock is one of a broken clock.
const FUTURE_MS: i64 = 24 * HOUR_MS;
const HOUR_MS: i64 = 3_600_000;
/// A year: who did what is asked for long after.
const AUDIT_HOURS: i64 = 365 * 24;

/// Before what time things are too old, epoch milliseconds.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Limits {
    pub(in crate::store) delivered: i64,
    pub(in crate::store) errors: i64,
    pub(in crate::store) audit: i64,
    pub(in crate::store) refused: i64,
    pub(in crate::store) keys: i64,
    pub(in crate::store) future: i64,
}

impl Limits {
    /// As of now.
    pub(in crate::store) fn new(retention: &Retention, now_ms: i64) -> Self {
        let Retention { delivered_hours, error_days, refused_hours, dedupe_hours } = *retention;
        let before = |hours: i64| now_ms.saturating_sub(hours.max(0).saturating_mul(HOUR_MS));
        Self {
            delivered: before(delivered_hours.into()),
            errors: before(i64::from(error_days) * 24),
            audit: before(AUDIT_HOURS.max(i64::from(error_days) * 24)),
            refused: before(refused_hours.into()),
            keys: before(dedupe_hours.into()),
            future: now_ms.saturating_add(FUTURE_MS),
        }
    }
}
