//! The user's own service that sees records before they are cut into pages, and may change,
//! drop or fail them one by one.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::destination::{Format, Header, HttpDestination, RateLimit, Retry};
use crate::limits;

/// A service that is called with records before they are cut into pages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrePage {
    /// Where the service is.
    pub http: PrePageHttp,
    /// Records in a call, 1 to 10000; a call is also cut at 5 MB.
    #[serde(default = "default_size")]
    #[schemars(range(min = 1, max = 10_000))]
    pub size: i32,
    /// Calls in flight, 1 to 256.
    #[serde(default = "super::one")]
    #[schemars(range(min = 1, max = 256))]
    pub concurrency: i32,
    /// Calls in a span of time; no limit by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// When to give up; until then the records behind wait.
    #[serde(default)]
    pub retry: Retry,
}

/// Where the service is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrePageHttp {
    /// `http://` or `https://`; may be handlebars over `settings` and `listener`.
    #[schemars(length(min = 1, max = limits::MAX_URL))]
    #[x_kube(validation = Rule::new(
        "self.startsWith('https://') || self.startsWith('http://') || self.startsWith('{{')"
    ).message("a hook is called over HTTP only; write a URL that begins with https:// or http://"))]
    pub url: String,
    /// Headers of each call, at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MAX_HEADERS))]
    #[x_kube(validation = Rule::new(
        "self.all(a, self.exists_one(b, a.name.lowerAscii() == b.name.lowerAscii()))"
    ).message("a header stands here twice; keep one of each name (small and capital letters are the same)"))]
    pub headers: Vec<Header>,
    /// Seconds that one call may take, 1 to 600.
    #[serde(default = "default_timeout")]
    #[schemars(range(min = 1, max = 600))]
    pub timeout_seconds: i32,
}

impl PrePageHttp {
    /// The same as a destination: where a hook is, is judged as where a page goes.
    pub fn as_destination(&self) -> HttpDestination {
        let Self { url, headers, timeout_seconds } = self.clone();
        HttpDestination { url, format: Format::Json, headers, timeout_seconds }
    }
}

fn default_size() -> i32 {
    limits::DEFAULT_PAGE_SIZE
}

fn default_timeout() -> i32 {
    limits::DEFAULT_TIMEOUT_SECONDS
}
