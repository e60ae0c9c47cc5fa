//! How the operator knows what it made.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use crate::build::labels::{LISTENER, MANAGED_BY, OPERATOR};

/// Field manager of everything that the operator applies.
pub const FIELD_MANAGER: &str = "hubspot-listener-operator";

/// The selector of everything that the operator made, and of the pods.
pub const SELECTOR: &str = LISTENER;

/// The listener that these labels name, where they are labels of something that the operator made.
pub fn listener(labels: &BTreeMap<String, String>) -> Option<&str> {
    labels.get(MANAGED_BY).filter(|value| *value == OPERATOR)?;
    labels.get(LISTENER).map(String::as_str)
}

/// Whether this owner is a listener.
pub fn is_listener(owner: &OwnerReference) -> bool {
    owner.kind == "HubSpotListener"
        && owner.api_version.split_once('/').is_some_and(|(group, _)| group == crds::limits::GROUP)
}
