//! A system that pages go to: which records, how, how fast, and when to give up.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SecretKeyRef, Transform};
use crate::limits;

/// A system that pages go to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.http) != has(self.log)")
    .message("a destination is of exactly one kind; write either http with a url, or log: {}"))]
pub struct Destination {
    /// Unique within the listener: small letters, digits and `-`.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')").message(
        "a destination's name is a label of metrics; write small letters, digits and - only, such as warehouse"
    ))]
    pub name: String,
    /// CEL over `event`, `settings` and `listener`; false = the record does not go here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::MAX_EXPRESSION))]
    pub filter: Option<String>,
    /// What goes here in the place of each record; without it the record goes as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<Transform>,
    /// Pages are posted to a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpDestination>,
    /// Pages are written to the pod's standard output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogDestination>,
    /// Pages in flight, 1 to 256.
    #[serde(default = "default_concurrency")]
    #[schemars(range(min = 1, max = 256))]
    pub concurrency: i32,
    /// Requests in a span of time; no limit by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// When to give up.
    #[serde(default)]
    pub retry: Retry,
}

/// Pages are posted to a URL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpDestination {
    /// `http://` or `https://`; may be handlebars over `settings` and `listener`.
    #[schemars(length(min = 1, max = limits::MAX_URL))]
    #[x_kube(validation = Rule::new(
        "self.startsWith('https://') || self.startsWith('http://') || self.startsWith('{{')"
    ).message("pages are posted over HTTP only; write a URL that begins with https:// or http://"))]
    pub url: String,
    /// Shape of the body.
    #[serde(default)]
    pub format: Format,
    /// Headers of each request, at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MAX_HEADERS))]
    #[x_kube(validation = Rule::new(
        "self.all(a, self.exists_one(b, a.name.lowerAscii() == b.name.lowerAscii()))"
    ).message("a header stands here twice; keep one of each name (small and capital letters are the same)"))]
    pub headers: Vec<Header>,
    /// Seconds that one request may take, 1 to 600.
    #[serde(default = "default_timeout")]
    #[schemars(range(min = 1, max = 600))]
    pub timeout_seconds: i32,
}

/// Shape of a page's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A JSON array of the records, `application/json`.
    #[default]
    Json,
    /// A record on each line, `application/x-ndjson`.
    Ndjson,
    /// CloudEvents 1.0, batched, `application/cloudevents-batch+json`; a page of size 1 goes structured, `application/cloudevents+json`.
    Cloudevents,
}

/// A header of each request to a destination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.value) != has(self.valueFrom)")
    .message("a header has exactly one source; write either value, or valueFrom with a secretKeyRef"))]
pub struct Header {
    /// Name.
    #[schemars(length(min = 1, max = limits::MAX_HEADER_NAME))]
    #[x_kube(
        validation = Rule::new(super::HEADER_NAME_RULE).message(super::HEADER_NAME_MESSAGE),
        validation = Rule::new(super::RESERVED_HEADER_RULE).message(super::RESERVED_HEADER_MESSAGE)
    )]
    pub name: String,
    /// The value; may be handlebars over `settings` and `listener`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::MAX_HEADER_VALUE))]
    pub value: Option<String>,
    /// Where the value is read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<HeaderSource>,
}

/// Where a header's value is read from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeaderSource {
    /// A key of a Secret.
    pub secret_key_ref: SecretKeyRef,
}

/// Pages are written to the pod's standard output, one JSON line each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogDestination {}

/// Requests in a span of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateLimit {
    /// Requests in each span, 1 to 1000000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub requests: i32,
    /// Seconds of the span, 1 to 86400.
    #[serde(default = "super::one")]
    #[schemars(range(min = 1, max = 86_400))]
    pub per_seconds: i32,
}

/// When to give up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Retry {
    /// Attempts in all, 1 to 1000.
    #[schemars(range(min = 1, max = 1_000))]
    pub max_attempts: i32,
    /// Seconds from the first attempt, 1 to 2592000 (30 days).
    #[schemars(range(min = 1, max = 2_592_000))]
    pub max_age_seconds: i32,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_attempts: limits::DEFAULT_MAX_ATTEMPTS,
            max_age_seconds: limits::DEFAULT_MAX_AGE_OF_RETRY_SECONDS,
        }
    }
}

fn default_concurrency() -> i32 {
    limits::DEFAULT_CONCURRENCY
}

fn default_timeout() -> i32 {
    limits::DEFAULT_TIMEOUT_SECONDS
}
