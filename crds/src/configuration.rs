//! The configuration file: written by the operator (or made by `listener dev`
//! from a manifest), read by `listener serve`. It holds no secret: a Secret's
//! key is a file `<secretsDirectory>/<name>/<key>`, a ConfigMap's key a file
//! `<configMapsDirectory>/<name>/<key>`.

use serde::{Deserialize, Serialize};

use crate::listener::HubSpotListenerSpec;

/// Everything that one listener runs by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Configuration {
    /// Version of this file's format.
    pub version: ConfigurationVersion,
    /// Namespace of the resource.
    pub namespace: String,
    /// Name of the resource.
    pub name: String,
    /// Generation of the resource that this file was made from.
    #[serde(default)]
    pub generation: i64,
    /// The public URL as it is registered in HubSpot: scheme, host, path.
    pub public_url: String,
    /// Address blocks (CIDR) that destinations may reach although the address guard bars them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_addresses: Vec<String>,
    /// The resource's spec, whole.
    pub spec: HubSpotListenerSpec,
}

/// Version of the configuration file's format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConfigurationVersion {
    /// The first.
    #[default]
    #[serde(rename = "v1")]
    V1,
}
