use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;
use secrecy::SecretString;
use uuid::Uuid;

use super::*;
use crate::verify::SIGNATURE_VERSION;
use crate::verify::sign::{Signed, sign};

const NOW: i64 = 1_790_000_000_137;
const URL: &str = "https://hooks.example.com/sales/contacts";
const SECRET: &str = "0b9f3c52-6d1e-4a77-9c1b-3f5a2d8e7c41";

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn verifier(secrets: &[&str], versions: &[SignatureVersion]) -> Verifier {
    let secrets: Vec<_> = secrets.iter().map(|text| secret(text)).collect();
    Verifier::new(&secrets, URL, &Signature { versions: versions.to_vec(), ..Signature::default() })
}

/// A delivery signed with v3 over `URL`.
fn delivery(with: &str, query: &str, body: &[u8]) -> Received {
    let timestamp = NOW.to_string();
    let uri = format!("{URL}{query}");
    let signed = Signed { method: "POST", uri: &uri, body, timestamp: &timestamp };
    let mut headers = HeaderMap::new();
    let value = sign(SignatureVersion::V3, &secret(with), &signed);
    headers.insert(SIGNATURE_V3, HeaderValue::try_from(value).unwrap());
    headers.insert(REQUEST_TIMESTAMP, HeaderValue::try_from(timestamp).unwrap());
    Received {
        id: Uuid::nil(),
        at_ms: NOW,
        method: Method::POST,
        target: format!("/sales/contacts{query}"),
        host: None,
        headers,
        body: Bytes::copy_from_slice(body),
        peer: None,
    }
}

fn judged(verifier: &Verifier, received: Received) -> Result<(), Cause> {
    verifier.verify(Request::new(received), NOW).map(|_| ()).map_err(|rejection| rejection.cause)
}

const V3: &[SignatureVersion] = &[SignatureVersion::V3];
const ALL: &[SignatureVersion] = &[SignatureVersion::V1, SignatureVersion::V2, SignatureVersion::V3];

#[test]
fn any_of_the_secrets_may_have_signed_and_no_other() {
    let both = verifier(&["old", SECRET], V3);
    assert_eq!(judged(&both, delivery(SECRET, "", b"[]")), Ok(()));
    assert_eq!(judged(&both, delivery("old", "", b"[]")), Ok(()));
    assert_eq!(judged(&both, delivery("other", "", b"[]")), Err(Cause::BadSignature));
    assert_eq!(judged(&verifier(&[], V3), delivery(SECRET, "", b"[]")), Err(Cause::BadSignature));
}

#[test]
fn where_v3_is_allowed_and_there_it_decides_alone() {
    let mut received = delivery("other", "", b"[]");
    let signed = Signed { method: "POST", uri: URL, body: b"[]", timestamp: "" };
    let v1 = sign(SignatureVersion::V1, &secret(SECRET), &signed);
    received.headers.insert(SIGNATURE, HeaderValue::try_from(v1).unwrap());
    received.headers.insert(SIGNATURE_VERSION, HeaderValue::from_static("v1"));
    assert_eq!(judged(&verifier(&[SECRET], ALL), received.clone()), Err(Cause::BadSignature));
    // Without v3 in the list the v3 header says nothing, for HubSpot always sends it beside v1.
    assert_eq!(judged(&verifier(&[SECRET], &[SignatureVersion::V1]), received.clone()), Ok(()));
    assert_eq!(
        judged(&verifier(&[SECRET], &[SignatureVersion::V2]), received.clone()),
        Err(Cause::BadSignature)
    );
    received.headers.remove(SIGNATURE_V3);
    assert_eq!(judged(&verifier(&[SECRET], ALL), received.clone()), Ok(()));
    assert_eq!(judged(&verifier(&[SECRET], V3), received), Err(Cause::MissingSignature));
}

#[test]
fn the_version_header_never_matters() {
    for said in ["v1", "v2", "v3", "nonsense"] {
        let mut received = delivery(SECRET, "", b"[]");
        received.headers.insert(SIGNATURE_VERSION, HeaderValue::from_static(said));
        assert_eq!(judged(&verifier(&[SECRET], ALL), received), Ok(()), "{said}");
    }
    for version in [SignatureVersion::V1, SignatureVersion::V2] {
        let mut received = delivery(SECRET, "?a=1", b"[]");
        let uri = format!("{URL}?a=1");
        let signed = Signed { method: "POST", uri: &uri, body: b"[]", timestamp: "" };
        let value = sign(version, &secret(SECRET), &signed);
        received.headers.clear();
        received.headers.insert(SIGNATURE, HeaderValue::try_from(value).unwrap());
        received.headers.insert(SIGNATURE_VERSION, HeaderValue::from_static("v3"));
        assert_eq!(judged(&verifier(&[SECRET], ALL), received), Ok(()), "{version:?}");
    }
}

#[test]
fn both_limits_of_the_window_are_still_in() {
    let verifier = verifier(&[SECRET], V3);
    for (now_ms, expected) in [
        (NOW + 300_000, Ok(())),
        (NOW + 300_001, Err(Cause::StaleTimestamp)),
        (NOW - 60_000, Ok(())),
        (NOW - 60_001, Err(Cause::FutureTimestamp)),
        (i64::MAX, Err(Cause::StaleTimestamp)),
        (i64::MIN, Err(Cause::FutureTimestamp)),
    ] {
        let request = Request::new(delivery(SECRET, "", b"[]"));
        let got = verifier.verify(request, now_ms).map(|_| ()).map_err(|rejection| rejection.cause);
        assert_eq!(got, expected, "{now_ms}");
    }
}

#[test]
fn a_header_that_stands_twice_is_refused() {
    for (name, cause) in [(SIGNATURE_V3, Cause::BadSignature), (REQUEST_TIMESTAMP, Cause::BadTimestamp)] {
        let mut received = delivery(SECRET, "", b"[]");
        let again = received.headers[&name].clone();
        received.headers.append(name, again);
        assert_eq!(judged(&verifier(&[SECRET], ALL), received), Err(cause));
    }
}

#[test]
fn a_query_in_the_public_url_is_no_part_of_it() {
    let secrets = [secret(SECRET)];
    let verifier = Verifier::new(&secrets, &format!("{URL}?a=1"), &Signature::default());
    assert_eq!(judged(&verifier, delivery(SECRET, "?a=1", b"[]")), Ok(()));
    assert_eq!(judged(&verifier, delivery(SECRET, "?x=%3A%zz?&&", b"[]")), Ok(()));
}

#[test]
fn the_debug_form_of_a_verifier_shows_no_secret() {
    let shown = format!("{:?}", verifier(&[SECRET], ALL));
    assert!(!shown.contains(SECRET), "{shown}");
}

proptest! {
    #[test]
    fn what_is_signed_as_hubspot_signs_is_accepted(
        query in "(\\?[a-z0-9%2F3A=&?+@:/]{0,30})?", body: Vec<u8>, with in "[ -~]{1,80}",
    ) {
        prop_assert_eq!(judged(&verifier(&["other", &with], V3), delivery(&with, &query, &body)), Ok(()));
    }

    #[test]
    fn any_one_byte_changed_is_refused(
        body in proptest::collection::vec(any::<u8>(), 1..200),
        at: prop::sample::Index, part in 0..4_u8, change in 1..=255_u8,
    ) {
        let mut received = delivery(SECRET, "?a=b&c=d", &body);
        match part {
            0 => {
                let mut body = body;
                let at = at.index(body.len());
                body[at] ^= change;
                received.body = Bytes::from(body);
            }
            1 | 2 => {
                let name = if part == 1 { SIGNATURE_V3 } else { REQUEST_TIMESTAMP };
                let mut value = received.headers[&name].as_bytes().to_vec();
                let at = at.index(value.len());
                value[at] ^= change;
                let Ok(value) = HeaderValue::from_bytes(&value) else { return Ok(()) };
                received.headers.insert(name, value);
            }
            _ => {
                let mut query = b"?a=b&c=d".to_vec();
                let at = at.index(query.len() - 1) + 1;
                query[at] = if query[at] == b'z' { b'y' } else { b'z' };
                received.target = format!("/sales/contacts{}", String::from_utf8(query).unwrap());
            }
        }
        prop_assert!(judged(&verifier(&[SECRET], ALL), received).is_err());
    }

    #[test]
    fn arbitrary_headers_targets_and_bodies_never_panic_and_are_never_taken(
        signature: Option<Vec<u8>>, v3: Option<Vec<u8>>, timestamp: Option<Vec<u8>>, target: String,
        host: Option<String>, body: Vec<u8>, at: bool,
    ) {
        let mut received = delivery(SECRET, "", &body);
        received.headers.clear();
        let timestamp = if at { Some(NOW.to_string().into_bytes()) } else { timestamp };
        let headers: [(HeaderName, _); 3] =
            [(SIGNATURE, signature), (SIGNATURE_V3, v3), (REQUEST_TIMESTAMP, timestamp)];
        for (name, value) in headers {
            if let Some(value) = value.and_then(|value| HeaderValue::from_bytes(&value).ok()) {
                received.headers.insert(name, value);
            }
        }
        received.target = target;
        received.host = host;
        let verifier = verifier(&[SECRET, " pat-x "], ALL);
        let cause = judged(&verifier, received.clone()).unwrap_err();
        let diagnosis = verifier.diagnose(&received, cause, NOW).unwrap();
        prop_assert!(!diagnosis.message.contains(SECRET));
    }
}
