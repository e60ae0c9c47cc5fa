use bytes::Bytes;
use crds::listener::{Signature, SignatureVersion};
use http::{HeaderMap, HeaderValue, Method};
use secrecy::SecretString;
use uuid::Uuid;

use super::*;
use crate::verify::sign::{Signed, sign};
use crate::verify::{REQUEST_TIMESTAMP, Request, SIGNATURE, SIGNATURE_V3};

const NOW: i64 = 1_790_000_000_137;
const URL: &str = "https://hooks.example.com/sales/contacts";
const SECRET: &str = "0b9f3c52-6d1e-4a77-9c1b-3f5a2d8e7c41";
const BODY: &[u8] = br#"[ { "eventId": 12345678901234567890123, "name": "\u00e9/" } ]"#;

/// What the sender signs, and what then arrives.
struct Trial {
    configured: &'static str,
    versions: Vec<SignatureVersion>,
    secret: String,
    version: SignatureVersion,
    method: &'static str,
    uri: String,
    signed_body: Vec<u8>,
    timestamp: String,
    target: &'static str,
    host: Option<&'static str>,
    body: Vec<u8>,
    now_ms: i64,
}

impl Default for Trial {
    fn default() -> Self {
        Self {
            configured: SECRET,
            versions: vec![SignatureVersion::V3],
            secret: SECRET.to_owned(),
            version: SignatureVersion::V3,
            method: "POST",
            uri: URL.to_owned(),
            signed_body: BODY.to_vec(),
            timestamp: NOW.to_string(),
            target: "/sales/contacts",
            host: Some("listener.sales.svc:8080"),
            body: BODY.to_vec(),
            now_ms: NOW,
        }
    }
}

impl Trial {
    fn signature(&self, version: SignatureVersion) -> HeaderValue {
        let Self { method, uri, signed_body: body, timestamp, .. } = self;
        let signed = Signed { method, uri, body, timestamp };
        HeaderValue::try_from(sign(version, &SecretString::from(self.secret.as_str()), &signed)).unwrap()
    }

    fn received(&self) -> Received {
        let mut headers = HeaderMap::new();
        let header = if self.version == SignatureVersion::V3 { SIGNATURE_V3 } else { SIGNATURE };
        headers.insert(header, self.signature(self.version));
        headers.insert(REQUEST_TIMESTAMP, HeaderValue::try_from(&self.timestamp).unwrap());
        Received {
            id: Uuid::nil(),
            at_ms: self.now_ms,
            method: Method::POST,
            target: self.target.to_owned(),
            host: self.host.map(str::to_owned),
            headers,
            body: Bytes::from(self.body.clone()),
            peer: None,
        }
    }

    fn diagnosed(&self, received: Received) -> Diagnosis {
        let signature = Signature { versions: self.versions.clone(), ..Signature::default() };
        let verifier = Verifier::new(&[SecretString::from(self.configured)], URL, &signature);
        let rejection = verifier.verify(Request::new(received), self.now_ms).unwrap_err();
        let diagnosis =
            verifier.diagnose(rejection.request.received(), rejection.cause, self.now_ms).unwrap();
        let right = self.signature(self.version);
        assert!(!diagnosis.message.contains(right.to_str().unwrap()), "{}", diagnosis.message);
        assert!(!diagnosis.message.contains(SECRET), "{}", diagnosis.message);
        diagnosis
    }

    fn code(&self) -> &'static str {
        self.diagnosed(self.received()).code
    }
}

#[test]
fn a_url_that_differs_in_one_or_several_parts_is_found_and_shown() {
    for (uri, target, code) in [
        ("http://hooks.example.com/sales/contacts", "/sales/contacts", "scheme"),
        ("https://listener.sales.svc:8080/sales/contacts", "/sales/contacts", "host"),
        ("http://listener.sales.svc:8080/contacts/?a=1", "/contacts/?a=1", "host"),
        ("https://hooks.example.com:443/sales/contacts", "/sales/contacts", "host"),
        ("https://hooks.example.com/contacts", "/contacts", "path"),
        ("https://hooks.example.com/sales/contacts/", "/sales/contacts", "trailing_slash"),
        ("/sales/contacts?a=b", "/sales/contacts?a=b", "path_only"),
        ("https://hooks.example.com/sales/contacts", "/sales/contacts?a=b", "query_missing"),
        ("http://hooks.example.com/sales/contacts/", "/sales/contacts?a=b", "scheme"),
        ("https://hooks.example.com/sales/contacts?a=b c", "/sales/contacts?a=b+c", "uri_decoding"),
        ("https://hooks.example.com/sales/contacts?a=1&b=2", "/sales/contacts?b=2&a=1", "query_reordered"),
    ] {
        let trial = Trial { uri: uri.to_owned(), target, ..Trial::default() };
        let diagnosis = trial.diagnosed(trial.received());
        assert_eq!(diagnosis.code, code, "{uri}: {}", diagnosis.message);
        assert!(diagnosis.message.contains(uri), "{}", diagnosis.message);
    }
}

#[test]
fn another_method_is_found_alone_and_with_another_url() {
    assert_eq!(Trial { method: "PUT", ..Trial::default() }.code(), "method");
    let both = Trial { method: "GET", uri: URL.replace("https", "http"), ..Trial::default() };
    let diagnosis = both.diagnosed(both.received());
    assert_eq!(diagnosis.code, "scheme");
    assert!(diagnosis.message.contains("GET"), "{}", diagnosis.message);
}

#[test]
fn json_printed_again_is_found_whatever_its_numbers() {
    for signed in [
        r#"[{"eventId":12345678901234567890123,"name":"é/"}]"#,
        r#"[{"eventId": 12345678901234567890123, "name": "\u00e9/"}]"#,
        r#"[{"eventId":12345678901234567890123,"name":"\u00e9\/"}]"#,
        "[\n  {\n    \"eventId\": 12345678901234567890123,\n    \"name\": \"é/\"\n  }\n]",
    ] {
        let trial = Trial { signed_body: signed.as_bytes().to_vec(), ..Trial::default() };
        assert_eq!(trial.code(), "body_reserialised", "{signed}");
    }
    let ends: [&[u8]; 2] = [b"\n", b"\r\n"];
    for end in ends {
        let longer = [BODY, end].concat();
        assert_eq!(Trial { body: longer.clone(), ..Trial::default() }.code(), "body_whitespace");
        assert_eq!(Trial { signed_body: longer, ..Trial::default() }.code(), "body_whitespace");
    }
}

#[test]
fn white_space_around_a_secret_is_found_on_either_side() {
    let configured = Trial { configured: "0b9f3c52-6d1e-4a77-9c1b-3f5a2d8e7c41\n", ..Trial::default() };
    assert_eq!(configured.code(), "secret_whitespace");
    assert_eq!(Trial { secret: format!("{SECRET}\n"), ..Trial::default() }.code(), "secret_whitespace");
}

#[test]
fn a_value_of_another_version_is_found_in_either_header() {
    for (version, code) in [(SignatureVersion::V1, "v1_value"), (SignatureVersion::V2, "v2_value")] {
        let trial = Trial::default();
        let mut received = trial.received();
        received.headers.insert(SIGNATURE_V3, trial.signature(version));
        assert_eq!(trial.diagnosed(received).code, code);
    }
    let plain =
        Trial { versions: vec![SignatureVersion::V2], version: SignatureVersion::V1, ..Trial::default() };
    assert_eq!(plain.code(), "v1_value");
    let mut received = plain.received();
    received.headers.insert(SIGNATURE, plain.signature(SignatureVersion::V3));
    assert_eq!(plain.diagnosed(received).code, "v3_value");
}

#[test]
fn a_version_that_is_not_taken_is_named() {
    let v2 = Trial { version: SignatureVersion::V2, ..Trial::default() };
    let diagnosis = v2.diagnosed(v2.received());
    assert_eq!(diagnosis.code, "version_not_allowed");
    assert!(diagnosis.message.contains("right v2 signature"), "{}", diagnosis.message);
    let v3 = Trial { versions: vec![SignatureVersion::V1], ..Trial::default() };
    assert_eq!(v3.code(), "version_not_allowed");
    let none = Trial::default();
    let mut received = none.received();
    received.headers.clear();
    assert_eq!(none.diagnosed(received).code, "no_signature");
}

#[test]
fn a_time_outside_the_window_says_whether_the_signature_is_right_and_by_how_much() {
    let stale = Trial { now_ms: NOW + 301_500, ..Trial::default() };
    let diagnosis = stale.diagnosed(stale.received());
    assert_eq!(diagnosis.code, "too_old");
    assert!(diagnosis.message.contains("301.500 s old (300 s are allowed)"), "{}", diagnosis.message);
    let ahead = Trial { now_ms: NOW - 61_000, ..Trial::default() };
    assert_eq!(ahead.code(), "ahead");
    let wrong = Trial { now_ms: NOW - 61_000, uri: URL.replace("https", "http"), ..Trial::default() };
    let diagnosis = wrong.diagnosed(wrong.received());
    assert_eq!(diagnosis.code, "ahead_and_wrong");
    assert!(diagnosis.message.contains("http://"), "{}", diagnosis.message);
    let other = Trial { now_ms: NOW + 400_000, secret: "other".to_owned(), ..Trial::default() };
    assert_eq!(other.code(), "too_old_and_wrong");
    assert_eq!(
        Trial { timestamp: "1790000000".to_owned(), ..Trial::default() }.code(),
        "timestamp_in_seconds"
    );
}

#[test]
fn a_header_that_stands_twice_is_named() {
    let trial = Trial::default();
    let mut received = trial.received();
    received.headers.append(SIGNATURE_V3, HeaderValue::from_static("x"));
    assert_eq!(trial.diagnosed(received).code, "several_headers");
}

#[test]
fn an_access_token_as_the_secret_is_noticed() {
    let trial = Trial { configured: "pat-eu1-0000", ..Trial::default() };
    assert_eq!(trial.code(), "access_token");
}

#[test]
fn the_v1_signature_beside_tells_the_secret_from_the_url() {
    let url = Trial { uri: "https://elsewhere.example/x".to_owned(), ..Trial::default() };
    let mut received = url.received();
    received.headers.insert(SIGNATURE, url.signature(SignatureVersion::V1));
    assert_eq!(url.diagnosed(received).code, "v1_fits_v3_does_not");
    let secret = Trial { secret: "other".to_owned(), ..Trial::default() };
    let mut received = secret.received();
    received.headers.insert(SIGNATURE, secret.signature(SignatureVersion::V1));
    let diagnosis = secret.diagnosed(received);
    assert_eq!(diagnosis.code, "no_match");
    assert!(diagnosis.message.contains("the secret or the body"), "{}", diagnosis.message);
}

#[test]
fn a_huge_body_gets_the_cheap_checks_only() {
    let body = vec![b'['; 3 * 1024 * 1024];
    let trial = Trial {
        body: body.clone(),
        signed_body: body,
        uri: URL.replace("https", "http"),
        ..Trial::default()
    };
    let diagnosis = trial.diagnosed(trial.received());
    assert_eq!(diagnosis.code, "no_match");
    assert!(diagnosis.message.contains("over 1 MiB"), "{}", diagnosis.message);
}

#[test]
fn the_work_on_one_request_is_bounded() {
    let trial = Trial {
        body: vec![b' '; 1024 * 1024],
        secret: "other".to_owned(),
        target: "/elsewhere?a=%20b+c&b=%3A",
        ..Trial::default()
    };
    let diagnosis = trial.diagnosed(trial.received());
    assert!(diagnosis.message.contains("Not every combination"), "{}", diagnosis.message);
}

#[test]
fn each_code_has_a_text_of_its_own() {
    let texts: std::collections::HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(texts.len(), Code::ALL.len());
}
