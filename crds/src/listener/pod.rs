//! Additions to the listener's pod.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, LocalObjectReference, ResourceRequirements, Toleration, TopologySpreadConstraint,
};
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Additions to the listener's pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PodTemplate {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Node labels that the pod needs.
    pub node_selector: BTreeMap<String, String>,
    /// Taints that the pod bears.
    #[schemars(length(max = 64))]
    pub tolerations: Vec<Toleration>,
    /// Affinity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// Spread over nodes and zones.
    #[schemars(length(max = 16))]
    pub topology_spread_constraints: Vec<TopologySpreadConstraint>,
    /// Priority class.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub priority_class_name: Option<String>,
    /// Secrets to pull the image with.
    #[schemars(length(max = 16))]
    pub image_pull_secrets: Vec<LocalObjectReference>,
}

/// Takes `cpu: 2` as well as `cpu: "2"`: the API server does, and stores the number,
/// but k8s-openapi's `Quantity` reads text only.
pub(super) fn resources_with_numbers<'de, D>(
    deserializer: D,
) -> Result<Option<ResourceRequirements>, D::Error>
where
    D: Deserializer<'de>,
{
    let Some(mut value) = Option::<Value>::deserialize(deserializer)? else { return Ok(None) };
    for group in ["limits", "requests"] {
        let Some(quantities) = value.get_mut(group).and_then(Value::as_object_mut) else { continue };
        for quantity in quantities.values_mut() {
            if let Value::Number(number) = quantity {
                *quantity = Value::String(number.to_string());
            }
        }
    }
    serde_json::from_value(value).map(Some).map_err(D::Error::custom)
}
