//! What a listener's pod tells of itself on its admin port at `/report`, without a token:
//! counters and the state of its configuration, never a payload, a trace key or a secret.
//! The operator reads it for the status of the resource.

use serde::{Deserialize, Serialize};

/// Path on the admin port.
pub const PATH: &str = "/report";

/// One listener of one pod.
///
/// Unknown fields are left, and absent ones have a default: operator and listener may be of
/// neighbouring versions while an upgrade runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Report {
    /// Namespace of the resource.
    pub namespace: String,
    /// Name of the resource.
    pub name: String,
    /// Generation of the resource that the running configuration was made from; 0 where none runs.
    pub generation: i64,
    /// Why the newest configuration was refused; the one before it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration_refused: Option<String>,
    /// Why the store does not take deliveries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_failed: Option<String>,
    /// Records accepted and not yet settled; none where the store cannot count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_records: Option<u64>,
    /// Records that a destination did not take and that wait for somebody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_errors: Option<u64>,
    /// When the last delivery was accepted, epoch milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_delivery_ms: Option<i64>,
    /// Settings that somebody saved on the web page, for the operator to fetch: see [`crate::saving`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings_wanted: Option<crate::saving::Wanted>,
}

/// Everything that runs in one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reports {
    /// One for each listener; none where no configuration is live.
    pub listeners: Vec<Report>,
    /// Why no configuration is live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
