//! One request as HubSpot makes it, signed, and spoilt where that is wanted.

use bytes::Bytes;
use crds::listener::SignatureVersion;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::verify::sign::{Signed, Signer};
use crate::verify::{REQUEST_TIMESTAMP, SIGNATURE, SIGNATURE_V3, SIGNATURE_VERSION};

const AGENT: &str = "HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks-nio-http-client) - \
                     WebhooksExecutorDaemon-executor";
const TIMEOUT_MILLIS: HeaderName = HeaderName::from_static("x-hubspot-timeout-millis");

/// What is spoilt after signing, so that the delivery must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Tamper {
    /// One byte of the body is changed.
    Body,
    /// One character of the signature is changed.
    Signature,
    /// The timestamp header says one millisecond more than what was signed.
    Timestamp,
    /// The signature is over another URL.
    Url,
}

/// How deliveries are signed. Its debug form shows no secret.
#[derive(Debug)]
pub struct Signing {
    /// Of the client secret.
    pub signer: Signer,
    /// Of the signature.
    pub version: SignatureVersion,
    /// What is signed as the URL, with its query.
    pub url: String,
    /// Seconds that the timestamp is old; negative = ahead.
    pub age_seconds: i64,
    /// What is spoilt.
    pub tamper: Option<Tamper>,
}

/// One request, ready to be sent.
#[derive(Debug)]
pub struct Delivery {
    /// As HubSpot sends them.
    pub headers: HeaderMap,
    /// The events.
    pub body: Bytes,
}

impl Tamper {
    /// Why this cannot be spoilt with signatures of this version.
    pub fn objection(self, version: SignatureVersion) -> Option<&'static str> {
        match (self, version) {
            (Self::Timestamp, SignatureVersion::V1 | SignatureVersion::V2) => {
                Some("only v3 signs the timestamp: use --signature v3 with --tamper timestamp")
            }
            (Self::Url, SignatureVersion::V1) => {
                Some("v1 does not sign the URL: use --signature v3 or v2 with --tamper url")
            }
            _ => None,
        }
    }
}

impl Signing {
    /// Signs a body at `now_ms`.
    pub fn delivery(&self, body: Bytes, now_ms: i64) -> Delivery {
        let Self { signer, version, url, age_seconds, tamper } = self;
        let signed_ms = now_ms.saturating_sub(age_seconds.saturating_mul(1000));
        let timestamp = signed_ms.to_string();
        let other_url;
        let uri = if *tamper == Some(Tamper::Url) {
            other_url = format!("{url}/elsewhere");
            &other_url
        } else {
            url
        };
        let signed = Signed { method: "POST", uri, body: &body, timestamp: &timestamp };
        let mut signature = signer.sign(*version, &signed);
        let mut shown_ms = signed_ms;
        match tamper {
            Some(Tamper::Signature) => {
                let first = if signature.starts_with('a') { "b" } else { "a" };
                signature.replace_range(..1, first);
            }
            Some(Tamper::Timestamp) => shown_ms = signed_ms.saturating_add(1),
            _ => {}
        }

        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(TIMEOUT_MILLIS, HeaderValue::from_static("10000"));
        headers.insert(REQUEST_TIMESTAMP, HeaderValue::from(shown_ms));
        let mut insert = |name, text: &str| {
            // Hex and Base64 are always fit for a header.
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(name, value);
            }
        };
        match version {
            SignatureVersion::V3 => {
                insert(SIGNATURE_V3, &signature);
                // Real deliveries carry v1 beside v3, and name it.
                insert(SIGNATURE, &signer.sign(SignatureVersion::V1, &signed));
                insert(SIGNATURE_VERSION, "v1");
            }
            SignatureVersion::V2 => {
                insert(SIGNATURE, &signature);
                insert(SIGNATURE_VERSION, "v2");
            }
            SignatureVersion::V1 => {
                insert(SIGNATURE, &signature);
                insert(SIGNATURE_VERSION, "v1");
            }
        }
        let body = if *tamper == Some(Tamper::Body) { changed(&body) } else { body };
        Delivery { headers, body }
    }
}

/// The body with its last digit changed, so that JSON stays JSON; a body without a digit gets a space more.
fn changed(body: &[u8]) -> Bytes {
    let mut changed = body.to_vec();
    match changed.iter_mut().rev().find(|byte| byte.is_ascii_digit()) {
        Some(digit) => *digit = if *digit == b'9' { b'8' } else { *digit + 1 },
        None => changed.push(b' '),
    }
    Bytes::from(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{Cause, Received, Request, Verifier};
    use crds::listener::Signature;
    use http::Method;
    use rstest::rstest;
    use secrecy::SecretString;
    use uuid::Uuid;

    const NOW: i64 = 1_790_000_000_137;
    const BODY: &[u8] = br#"[{"eventId":19}]"#;

    fn signing(version: SignatureVersion, tamper: Option<Tamper>, age_seconds: i64) -> Signing {
        Signing {
            signer: Signer::new(&SecretString::from("s")),
            version,
            url: "https://a.example/b?c=%3A%20".to_owned(),
            age_seconds,
            tamper,
        }
    }

    fn judged(signing: &Signing) -> Result<(), Cause> {
        let Delivery { headers, body } = signing.delivery(Bytes::from_static(BODY), NOW);
        let received = Received {
            id: Uuid::nil(),
            at_ms: NOW,
            method: Method::POST,
            target: "/b?c=%3A%20".to_owned(),
            host: None,
            headers,
            body,
            peer: None,
        };
        let allowed = Signature { versions: vec![signing.version], ..Signature::default() };
        Verifier::new(&[SecretString::from("s")], "https://a.example/b", &allowed)
            .verify(Request::new(received), NOW)
            .map(|_| ())
            .map_err(|rejection| rejection.cause)
    }

    #[rstest]
    fn what_is_signed_is_taken_and_what_is_spoilt_is_not(
        #[values(SignatureVersion::V1, SignatureVersion::V2, SignatureVersion::V3)] version: SignatureVersion,
    ) {
        assert_eq!(judged(&signing(version, None, 0)), Ok(()));
        for tamper in [Tamper::Body, Tamper::Signature, Tamper::Timestamp, Tamper::Url] {
            let expected =
                if tamper.objection(version).is_some() { Ok(()) } else { Err(Cause::BadSignature) };
            assert_eq!(judged(&signing(version, Some(tamper), 0)), expected, "{tamper:?}");
        }
    }

    #[test]
    fn an_age_gives_a_right_signature_outside_the_window() {
        assert_eq!(judged(&signing(SignatureVersion::V3, None, 301)), Err(Cause::StaleTimestamp));
        assert_eq!(judged(&signing(SignatureVersion::V3, None, -61)), Err(Cause::FutureTimestamp));
    }

    #[test]
    fn headers_are_those_of_a_real_delivery() {
        let delivery = signing(SignatureVersion::V3, None, 0).delivery(Bytes::from_static(BODY), NOW);
        let names: Vec<_> = delivery.headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(
            names,
            [
                "user-agent",
                "accept",
                "content-type",
                "x-hubspot-timeout-millis",
                "x-hubspot-request-timestamp",
                "x-hubspot-signature-v3",
                "x-hubspot-signature",
                "x-hubspot-signature-version",
            ]
        );
        assert_eq!(delivery.headers[SIGNATURE_VERSION], "v1");
    }
}
