//! Judges requests for one listener.

use crds::listener::{Signature, SignatureVersion};
use secrecy::SecretString;
use subtle::Choice;

use super::cause::{Cause, Rejection};
use super::diagnose::{self, Diagnosis};
use super::escape;
use super::headers::{REQUEST_TIMESTAMP, SIGNATURE, SIGNATURE_V3, Single, single, timestamp_ms};
use super::key::{Key, Uri, is_base64_of, is_hex_of};
use super::request::{Received, Request, Unverified, Verified};

/// Judges requests for one listener. Its secrets are wiped when it is dropped, and its debug form shows none.
#[derive(Debug)]
pub struct Verifier {
    pub(super) keys: Vec<Key>,
    /// Scheme, host and path; no query.
    pub(super) base: String,
    pub(super) allowed: Allowed,
    pub(super) max_age_ms: i64,
    pub(super) future_skew_ms: i64,
}

/// The versions that are taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    pub(super) v1: bool,
    pub(super) v2: bool,
    pub(super) v3: bool,
}

impl Verifier {
    /// For the public URL as it is registered in HubSpot (scheme, host, path; a query is not part of it).
    pub fn new(secrets: &[SecretString], public_url: &str, signature: &Signature) -> Self {
        let Signature { versions, max_age_seconds, future_skew_seconds } = signature;
        let base = public_url.split(['?', '#']).next().unwrap_or_default().to_owned();
        Self {
            keys: secrets.iter().cloned().map(Key::new).collect(),
            base,
            allowed: Allowed {
                v1: versions.contains(&SignatureVersion::V1),
                v2: versions.contains(&SignatureVersion::V2),
                v3: versions.contains(&SignatureVersion::V3),
            },
            max_age_ms: i64::from(*max_age_seconds) * 1000,
            future_skew_ms: i64::from(*future_skew_seconds) * 1000,
        }
    }

    /// Judges one request at `now_ms`.
    pub fn verify(
        &self,
        request: Request<Unverified>,
        now_ms: i64,
    ) -> Result<Request<Verified>, Box<Rejection>> {
        match self.judge(request.received(), now_ms) {
            Ok(()) => Ok(request.into_verified()),
            Err(cause) => Err(Box::new(Rejection { request, cause })),
        }
    }

    /// Finds out what is really wrong with a refused request. Slow (up to some tenths of a second of computing);
    /// not for the answer's path.
    pub fn diagnose(&self, received: &Received, cause: Cause, now_ms: i64) -> Option<Diagnosis> {
        Some(diagnose::diagnose(self, received, cause, now_ms))
    }

    fn judge(&self, received: &Received, now_ms: i64) -> Result<(), Cause> {
        if self.allowed.v3 {
            match single(&received.headers, &SIGNATURE_V3) {
                Single::One(text) => return self.judge_v3(received, text, now_ms),
                Single::Several => return Err(Cause::BadSignature),
                Single::Absent => {}
            }
        }
        if self.allowed.v1 || self.allowed.v2 {
            match single(&received.headers, &SIGNATURE) {
                Single::One(text) => return self.judge_plain(received, text),
                Single::Several => return Err(Cause::BadSignature),
                Single::Absent => {}
            }
        }
        Err(Cause::MissingSignature)
    }

    fn judge_v3(&self, received: &Received, text: &[u8], now_ms: i64) -> Result<(), Cause> {
        let timestamp = match single(&received.headers, &REQUEST_TIMESTAMP) {
            Single::One(timestamp) => timestamp,
            Single::Absent => return Err(Cause::MissingTimestamp),
            Single::Several => return Err(Cause::BadTimestamp),
        };
        let signed_ms = timestamp_ms(timestamp).ok_or(Cause::BadTimestamp)?;
        // Both limits themselves are still in.
        if now_ms.saturating_sub(signed_ms) > self.max_age_ms {
            return Err(Cause::StaleTimestamp);
        }
        if signed_ms.saturating_sub(now_ms) > self.future_skew_ms {
            return Err(Cause::FutureTimestamp);
        }

        let method = received.method.as_str().as_bytes();
        let raw =
            Uri { base: self.base.as_bytes(), query: query(&received.target).as_bytes(), decoded: false };
        let has_escape = escape::is_in(raw.base) || escape::is_in(raw.query);
        let mut found = Choice::from(0);
        for key in &self.keys {
            found |= is_base64_of(text, &key.v3(method, raw, &received.body, timestamp));
            if has_escape {
                let decoded = Uri { decoded: true, ..raw };
                found |= is_base64_of(text, &key.v3(method, decoded, &received.body, timestamp));
            }
        }
        if bool::from(found) { Ok(()) } else { Err(Cause::BadSignature) }
    }

    /// v1 and v2 share a header, and what tells them apart is not to be relied upon: each allowed one is tried.
    fn judge_plain(&self, received: &Received, text: &[u8]) -> Result<(), Cause> {
        let method = received.method.as_str().as_bytes();
        let uri =
            Uri { base: self.base.as_bytes(), query: query(&received.target).as_bytes(), decoded: false };
        let mut found = Choice::from(0);
        for key in &self.keys {
            if self.allowed.v1 {
                found |= is_hex_of(text, &key.v1(&received.body));
            }
            if self.allowed.v2 {
                found |= is_hex_of(text, &key.v2(method, uri, &received.body));
            }
        }
        if bool::from(found) { Ok(()) } else { Err(Cause::BadSignature) }
    }
}

/// The query of a request target, from its `?` on, exactly as received.
pub(super) fn query(target: &str) -> &str {
    target.find('?').map_or("", |at| &target[at..])
}

#[cfg(test)]
mod tests;
