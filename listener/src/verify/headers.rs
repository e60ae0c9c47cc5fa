//! The headers that a proof is made of.

use http::{HeaderMap, HeaderName};

/// Carries v1 or v2.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-hubspot-signature");
/// Carries v3.
pub const SIGNATURE_V3: HeaderName = HeaderName::from_static("x-hubspot-signature-v3");
/// Says which of v1 and v2 a sender means; not to be relied upon.
pub const SIGNATURE_VERSION: HeaderName = HeaderName::from_static("x-hubspot-signature-version");
/// Carries the time of a v3 signature, epoch milliseconds.
pub const REQUEST_TIMESTAMP: HeaderName = HeaderName::from_static("x-hubspot-request-timestamp");

/// A header that may stand once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Single<'a> {
    /// Not there.
    Absent,
    /// There once, as these bytes.
    One(&'a [u8]),
    /// There more than once: which one counts is anybody's guess, so none does.
    Several,
}

/// Finds a header that may stand once.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Single<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Single::Absent,
        (Some(value), None) => Single::One(value.as_bytes()),
        (Some(_), Some(_)) => Single::Several,
    }
}

/// A timestamp: ASCII digits and nothing else, that fit a signed 64-bit integer.
pub(super) fn timestamp_ms(text: &[u8]) -> Option<i64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}
