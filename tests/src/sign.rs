//! Signatures, written here a second time on purpose: a mistake in the
//! listener's own signing must not hide one in its verification.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The sample client secret of every test.
pub const SECRET: &str = "0b9f3c52-6d1e-4a77-9c1b-3f5a2d8e7c41";

/// Epoch milliseconds.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64
}

/// base64(HMAC-SHA256(secret, method + uri + body + timestamp))
pub fn sign_v3(secret: &str, method: &str, uri: &str, body: &[u8], timestamp: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    for part in [method.as_bytes(), uri.as_bytes(), body, timestamp.as_bytes()] {
        mac.update(part);
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The headers of a good v3 delivery to `url`, now.
pub fn hubspot_headers(secret: &str, url: &str, body: &[u8]) -> Vec<(String, String)> {
    let timestamp = now_ms().to_string();
    let signature = sign_v3(secret, "POST", url, body, &timestamp);
    vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("x-hubspot-signature-v3".to_owned(), signature),
        ("x-hubspot-request-timestamp".to_owned(), timestamp),
    ]
}
