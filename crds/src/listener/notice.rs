//! Notices: who is told by itself that something is wrong.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Format, Header, HttpDestination};
use crate::limits;

/// Somebody who is told by itself that something is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.webhook) != has(self.alertmanager)")
    .message("a notice goes to exactly one place; write either webhook or alertmanager, with a url"))]
pub struct Notice {
    /// Unique among the notices: small letters, digits and `-`.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')").message(
        "a notice's name is a label of metrics; write small letters, digits and - only, such as on-call"
    ))]
    pub name: String,
    /// JSON is posted to this URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<NoticeTarget>,
    /// Alerts are posted to `/api/v2/alerts` under this URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alertmanager: Option<NoticeTarget>,
    /// What is told, each kind once.
    #[serde(default = "all_kinds")]
    #[schemars(length(min = 1, max = 3))]
    #[x_kube(validation = Rule::new("self.all(a, self.exists_one(b, a == b))")
        .message("a kind stands here twice; keep one of each"))]
    pub kinds: Vec<NoticeKind>,
    /// A webhook is told of the same thing at most once in so many minutes, 1 to 1440; refused
    /// requests are counted over this time.
    #[serde(default = "default_every")]
    #[schemars(range(min = 1, max = limits::MAX_NOTICE_MINUTES))]
    pub every_minutes: i32,
    /// Refused requests per minute, in the mean over `everyMinutes`, from which it is told, 1 to 100000.
    #[serde(default = "default_refusals")]
    #[schemars(range(min = 1, max = 100_000))]
    pub refusals_per_minute: i32,
    /// Trace keys that are named of each group of errors, 0 to 20. A trace key may name a person.
    #[serde(default)]
    #[schemars(range(min = 0, max = limits::MAX_NOTICE_TRACE_KEYS))]
    pub trace_keys: i32,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum NoticeKind {
    /// Errors that are open.
    NewErrors,
    /// A destination is paused because it does not answer, and answers again.
    DestinationPaused,
    /// Many requests are refused.
    Refusals,
}

/// Where a notice goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoticeTarget {
    /// `http://` or `https://`; may be handlebars over `settings` and `listener`.
    #[schemars(length(min = 1, max = limits::MAX_URL))]
    #[x_kube(validation = Rule::new(
        "self.startsWith('https://') || self.startsWith('http://') || self.startsWith('{{')"
    ).message("notices are posted over HTTP only; write a URL that begins with https:// or http://"))]
    pub url: String,
    /// Headers of each request, at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MAX_HEADERS))]
    #[x_kube(validation = Rule::new(
        "self.all(a, self.exists_one(b, a.name.lowerAscii() == b.name.lowerAscii()))"
    ).message("a header stands here twice; keep one of each name (small and capital letters are the same)"))]
    pub headers: Vec<Header>,
    /// Seconds that one request may take, 1 to 60.
    #[serde(default = "default_timeout")]
    #[schemars(range(min = 1, max = 60))]
    pub timeout_seconds: i32,
}

impl Notice {
    /// The place it goes to, with the field's name.
    pub fn target(&self) -> Option<(&'static str, &NoticeTarget)> {
        match (&self.webhook, &self.alertmanager) {
            (Some(target), None) => Some(("webhook", target)),
            (None, Some(target)) => Some(("alertmanager", target)),
            _ => None,
        }
    }
}

impl NoticeTarget {
    /// The same as a destination: where a notice goes is judged as where a page goes.
    pub fn as_destination(&self) -> HttpDestination {
        let Self { url, headers, timeout_seconds } = self.clone();
        HttpDestination { url, format: Format::Json, headers, timeout_seconds }
    }
}

fn all_kinds() -> Vec<NoticeKind> {
    vec![NoticeKind::NewErrors, NoticeKind::DestinationPaused, NoticeKind::Refusals]
}

fn default_every() -> i32 {
    limits::DEFAULT_NOTICE_MINUTES
}

fn default_refusals() -> i32 {
    limits::DEFAULT_NOTICE_REFUSALS
}

fn default_timeout() -> i32 {
    limits::DEFAULT_NOTICE_TIMEOUT_SECONDS
}
