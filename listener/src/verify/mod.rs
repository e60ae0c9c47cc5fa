//! Proof that a request comes from HubSpot, over the exact bytes received and
//! the configured public URL. Pure: the clock is an argument.

pub mod request;

use secrecy::SecretString;

pub use request::{Received, Request, Unverified, Verified};

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

/// What is really wrong with a request, where it can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// For programs and metrics.
    pub code: &'static str,
    /// For people: what was found and what to do.
    pub message: String,
}

/// A request that is not proven.
#[derive(Debug)]
pub struct Rejection {
    /// What came.
    pub request: Request<Unverified>,
    /// Why.
    pub cause: Cause,
}

/// Judges requests for one listener.
#[derive(Debug)]
pub struct Verifier {}

impl Verifier {
    /// For the public URL as it is registered in HubSpot (scheme, host, path; a query is not part of it).
    pub fn new(_secrets: &[SecretString], _public_url: &str, _signature: &crds::listener::Signature) -> Self {
        Self {}
    }

    /// Judges one request at `now_ms`.
    pub fn verify(
        &self,
        request: Request<Unverified>,
        _now_ms: i64,
    ) -> Result<Request<Verified>, Box<Rejection>> {
        Err(Box::new(Rejection { request, cause: Cause::MissingSignature }))
    }

    /// Finds out what is really wrong with a refused request. Slow; not for the answer's path.
    pub fn diagnose(&self, _received: &Received, _cause: Cause, _now_ms: i64) -> Option<Diagnosis> {
        None
    }
}
