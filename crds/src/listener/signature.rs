//! Which of HubSpot's signatures a listener takes.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// Which signatures are taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Signature {
    /// Versions; where a v3 header is present, v3 alone decides.
    #[serde(default = "default_versions")]
    #[schemars(length(max = 3))]
    #[x_kube(
        validation = Rule::new("self.size() > 0")
            .message("no signature version is taken, so nobody could be proven; write [v3]"),
        validation = Rule::new("self.all(a, self.exists_one(b, a == b))")
            .message("a signature version stands here twice; remove one")
    )]
    pub versions: Vec<SignatureVersion>,
    /// Seconds that a v3 timestamp may be old, 1 to 86400.
    #[serde(default = "default_max_age")]
    #[schemars(range(min = 1, max = 86_400))]
    pub max_age_seconds: i32,
    /// Seconds that a v3 timestamp may be ahead of the clock, 0 to 3600.
    #[serde(default = "default_future_skew")]
    #[schemars(range(min = 0, max = 3_600))]
    pub future_skew_seconds: i32,
}

impl Default for Signature {
    fn default() -> Self {
        Self {
            versions: default_versions(),
            max_age_seconds: default_max_age(),
            future_skew_seconds: default_future_skew(),
        }
    }
}

/// A HubSpot signature version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignatureVersion {
    /// SHA-256 over secret and body.
    V1,
    /// SHA-256 over secret, method, URI and body.
    V2,
    /// HMAC-SHA-256 over method, URI, body and timestamp.
    V3,
}

fn default_versions() -> Vec<SignatureVersion> {
    vec![SignatureVersion::V3]
}

fn default_max_age() -> i32 {
    limits::DEFAULT_MAX_AGE_SECONDS
}

fn default_future_skew() -> i32 {
    limits::DEFAULT_FUTURE_SKEW_SECONDS
}
