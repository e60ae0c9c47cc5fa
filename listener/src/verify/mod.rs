//! Proof that a request comes from HubSpot, over the exact bytes received and
//! the configured public URL. Pure: the clock is an argument.
//!
//! | Version | Header | Value |
//! |---|---|---|
//! | v1 | `X-HubSpot-Signature` | lower-case hex of SHA-256(secret + body) |
//! | v2 | `X-HubSpot-Signature` | lower-case hex of SHA-256(secret + method + URI + body) |
//! | v3 | `X-HubSpot-Signature-v3` | Base64 of HMAC-SHA-256(secret, method + URI + body + timestamp) |
//!
//! What holds:
//! - Where v3 is allowed and its header is there, v3 alone decides: a right v1 value beside it changes nothing.
//! - Where v3 is not allowed, its header is not looked at, for HubSpot sends it beside v1 always. Allowing v1 or
//!   v2 means to take requests that can be replayed, and v1 says nothing about the URL.
//! - `X-HubSpot-Signature-Version` never matters: real deliveries say `v1` there and carry v3.
//! - The URI is the public URL (scheme, host, path) with `?` and everything after it as received. v3 takes either
//!   of two candidates: with the twelve escapes of [`escape`] decoded, or as it came. v1 and v2 decode nothing.
//! - The body and the timestamp are hashed as the bytes received. Nothing is trimmed or printed again.
//! - A signature header that stands more than once, is not ASCII, or is the right digest in another spelling, is a
//!   wrong signature. Nothing malformed is more than a refusal.
//! - The text is compared in constant time, and all secrets are tried without an early exit.

mod cause;
mod headers;
mod key;
mod verifier;

pub mod diagnose;
pub mod escape;
pub mod request;
pub mod secret;
pub mod sign;
pub mod vectors;

pub use cause::{Cause, Rejection};
pub use diagnose::{Code, Diagnosis};
pub use headers::{REQUEST_TIMESTAMP, SIGNATURE, SIGNATURE_V3, SIGNATURE_VERSION};
pub use request::{Received, Request, Unverified, Verified};
pub use verifier::Verifier;
