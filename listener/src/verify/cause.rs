//! Why a request is not proven.

use super::request::{Request, Unverified};

/// Why a request is not proven. The sender sees the code and nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// No signature header of an allowed version.
    MissingSignature,
    /// v3 without its timestamp header.
    MissingTimestamp,
    /// The timestamp is not ASCII digits that fit 64 bits.
    BadTimestamp,
    /// Older than allowed.
    StaleTimestamp,
    /// Further ahead than allowed.
    FutureTimestamp,
    /// The signature is not that of this request with any of the secrets.
    BadSignature,
}

impl Cause {
    /// Each of them, once.
    pub const ALL: [Self; 6] = [
        Self::MissingSignature,
        Self::MissingTimestamp,
        Self::BadTimestamp,
        Self::StaleTimestamp,
        Self::FutureTimestamp,
        Self::BadSignature,
    ];

    /// The code that the sender sees.
    pub fn code(self) -> &'static str {
        match self {
            Self::MissingSignature => "missing_signature",
            Self::MissingTimestamp => "missing_timestamp",
            Self::BadTimestamp => "bad_timestamp",
            Self::StaleTimestamp => "stale_timestamp",
            Self::FutureTimestamp => "future_timestamp",
            Self::BadSignature => "bad_signature",
        }
    }
}

/// A request that is not proven.
#[derive(Debug)]
pub struct Rejection {
    /// What came.
    pub request: Request<Unverified>,
    /// Why.
    pub cause: Cause,
}
