//! Payloads as they are shown: to `operate` and above, with the masked fields replaced.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

/// Why somebody is shown no payload.
pub(super) const ROLE: &str = "payloads are shown to the roles operate and admin";
/// Why nobody is.
pub(super) const MASKED: &str = "fields are masked, and without a JSON object they cannot be found";

/// A payload: `text`, or `base64` where it is no UTF-8.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(in crate::admin) struct Payload {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::admin) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::admin) base64: Option<String>,
}

impl Payload {
    pub(super) fn of(bytes: Bytes) -> Self {
        match String::from_utf8(bytes.into()) {
            Ok(text) => Self { text: Some(text), base64: None },
            Err(error) => Self { text: None, base64: Some(STANDARD.encode(error.as_bytes())) },
        }
    }
}
