//! The error desk: who may see and do what, what is shown, and who is told.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Header, SecretKeyRef};
use crate::limits;

/// The error desk: who may see and do what, what is shown, and who is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Desk {
    /// Secret with the bearer tokens: each key is `<role>.<name>`, such as `operate.alice`, and its
    /// value the token. Roles: `view`, `operate`, `admin`. Without it the API and the web page are closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokensRef>,
    /// true: a newer error, or a later success, of one trace key at one destination closes the older errors.
    #[serde(default = "yes")]
    pub fold_errors: bool,
    /// JSON pointers (RFC 6901) of fields that nobody is shown, such as `/properties/email`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MAX_MASKED_FIELDS))]
    #[x_kube(
        validation = Rule::new("self.all(field, field.startsWith('/') && field.size() <= 512)")
            .message("a masked field is a JSON pointer; begin it with /, such as /properties/email")
    )]
    pub masked_fields: Vec<String>,
    /// Who is told when errors arise, at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MAX_NOTICES))]
    #[x_kube(validation = Rule::new("self.all(a, self.exists_one(b, a.name == b.name))")
        .message("two notices have one name; rename one"))]
    pub notices: Vec<Notice>,
}

impl Default for Desk {
    fn default() -> Self {
        Self { tokens: None, fold_errors: true, masked_fields: Vec::new(), notices: Vec::new() }
    }
}

/// Secret with bearer tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokensRef {
    /// Name of the Secret in the listener's namespace.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
}

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("has(self.url) != has(self.urlSecretRef)")
        .message("a notice goes to exactly one place; write either url or urlSecretRef"),
    validation = Rule::new("self.on.size() > 0")
        .message("the notice is about nothing; remove on for all of them, or name openErrors, paused or refusals")
)]
pub struct Notice {
    /// Unique within the listener: small letters, digits and `-`.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')")
        .message("a notice's name is a label of metrics; write small letters, digits and - only, such as on-call"))]
    pub name: String,
    /// What is sent: our own JSON, or alerts as Alertmanager takes them at `/api/v2/alerts`.
    #[serde(default)]
    pub format: NoticeFormat,
    /// `http://` or `https://`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::MAX_URL))]
    #[x_kube(validation = Rule::new("self.startsWith('https://') || self.startsWith('http://')")
        .message("notices are posted over HTTP only; write a URL that begins with https:// or http://"))]
    pub url: Option<String>,
    /// A key of a Secret with the URL, where the URL itself is a secret, as those of chat programs are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_secret_ref: Option<SecretKeyRef>,
    /// Headers of each request, at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MAX_HEADERS))]
    pub headers: Vec<Header>,
    /// Minutes between two notices about errors at least, 1 to 1440.
    #[serde(default = "default_minutes")]
    #[schemars(range(min = 1, max = 1_440))]
    pub every_minutes: i32,
    /// What it is about.
    #[serde(default = "everything")]
    #[schemars(length(max = 3))]
    pub on: Vec<NoticeOn>,
    /// Refused requests in a minute above which somebody is told, 1 to 1000000.
    #[serde(default = "default_refusals")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub refusals_per_minute: i32,
}

/// What a notice is sent as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NoticeFormat {
    /// One JSON object, documented in docs/notices.md.
    #[default]
    Json,
    /// A list of alerts, as Alertmanager's API v2 takes it.
    Alertmanager,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum NoticeOn {
    /// New open errors, grouped, as far as they are still open.
    OpenErrors,
    /// A destination was paused, or goes on.
    Paused,
    /// Requests are refused more often than `refusalsPerMinute`.
    Refusals,
}

fn yes() -> bool {
    true
}

fn default_minutes() -> i32 {
    limits::DEFAULT_NOTICE_MINUTES
}

fn default_refusals() -> i32 {
    limits::DEFAULT_NOTICE_REFUSALS_PER_MINUTE
}

fn everything() -> Vec<NoticeOn> {
    vec![NoticeOn::OpenErrors, NoticeOn::Paused, NoticeOn::Refusals]
}
