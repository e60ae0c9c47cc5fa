//! What HubSpot is answered when a delivery is stored.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// What HubSpot is answered when a delivery is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("!(self.statusCode in [204, 205]) || !has(self.body) || self.body == ''")
    .message("an answer with 204 or 205 has no body; remove body, or set statusCode to 200")
    .field_path(".body"))]
pub struct Response {
    /// Any 2xx.
    #[serde(default = "default_status_code")]
    #[schemars(range(min = 200, max = 299))]
    #[x_kube(validation = Rule::new("self >= 200 && self <= 299")
        .message("HubSpot takes only 2xx as success and sends everything else again; write a number from 200 to 299"))]
    pub status_code: i32,
    /// Media type of `body`.
    #[serde(default)]
    pub media_type: MediaType,
    /// Text or handlebars; empty by default. Not with 204.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::MAX_BODY_TEMPLATE))]
    pub body: Option<String>,
    /// Headers, at most 32; a value may be handlebars, and wins over an automatic header.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MAX_HEADERS))]
    #[x_kube(validation = Rule::new(
        "self.all(a, self.exists_one(b, a.name.lowerAscii() == b.name.lowerAscii()))"
    ).message("a header stands here twice; keep one of each name (small and capital letters are the same)"))]
    pub headers: Vec<AnswerHeader>,
}

impl Default for Response {
    fn default() -> Self {
        Self {
            status_code: default_status_code(),
            media_type: MediaType::default(),
            body: None,
            headers: Vec::new(),
        }
    }
}

/// Media type of the answer's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MediaType {
    /// `application/json`
    #[default]
    Json,
    /// `application/xml`
    Xml,
    /// `text/plain; charset=utf-8`
    Plaintext,
}

/// A header of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnswerHeader {
    /// Name.
    #[schemars(length(min = 1, max = limits::MAX_HEADER_NAME))]
    #[x_kube(
        validation = Rule::new(super::HEADER_NAME_RULE).message(super::HEADER_NAME_MESSAGE),
        validation = Rule::new(super::RESERVED_HEADER_RULE).message(super::RESERVED_HEADER_MESSAGE)
    )]
    pub name: String,
    /// Text or handlebars.
    #[schemars(length(max = limits::MAX_HEADER_VALUE))]
    pub value: String,
}

fn default_status_code() -> i32 {
    limits::DEFAULT_STATUS_CODE
}
