//! The public address, and the way in that the operator makes for it.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// The public address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new(
        "(has(self.ingress) ? 1 : 0) + (has(self.gateway) ? 1 : 0) + (has(self.external) && self.external ? 1 : 0) <= 1"
    ).message("a listener has one way in; keep one of ingress, gateway and external"),
    validation = Rule::new("!(has(self.ingress) || has(self.gateway)) || !has(self.host) || !self.host.contains(':')")
        .message("an Ingress or HTTPRoute has no port in its host; remove the port, or set external: true instead of ingress or gateway")
        .field_path(".host")
)]
pub struct PublicUrl {
    /// Host, with a port where it is not 443. Defaults to the operator's host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::MAX_HOST))]
    #[x_kube(validation = Rule::new(
        "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*(:[0-9]{1,5})?$')"
    ).message("this is not a host; write small letters, without scheme or path, such as hooks.example.com"))]
    pub host: Option<String>,
    /// Path, from `/`, without query. Defaults to `/<namespace>/<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::MAX_PATH))]
    #[x_kube(
        validation = Rule::new("self.startsWith('/')")
            .message("a path begins with /; write it in front, such as /sales/contacts"),
        validation = Rule::new("!self.contains('?') && !self.contains('#')")
            .message("a path has no query and no fragment; remove what begins with ? or #")
    )]
    pub path: Option<String>,
    /// An Ingress made by the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Ingress>,
    /// An `HTTPRoute` made by the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,
    /// true: the way in is made by somebody else; neither Ingress nor `HTTPRoute`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<bool>,
}

/// An Ingress made by the operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ingress {
    /// `spec.ingressClassName`; defaults to the operator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub class_name: Option<String>,
    /// Annotations of the Ingress.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// TLS of the Ingress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<IngressTls>,
}

/// TLS of the Ingress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IngressTls {
    /// Secret with the certificate.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
}

/// An `HTTPRoute` made by the operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gateway {
    /// Gateways that the route hangs on, 1 to 8.
    #[schemars(length(max = 8))]
    #[x_kube(validation = Rule::new("self.size() > 0")
        .message("the route hangs on no Gateway; name one, such as {name: public, namespace: gateways}"))]
    pub parent_refs: Vec<ParentRef>,
}

/// A Gateway that a route hangs on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ParentRef {
    /// Name of the Gateway.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Namespace of the Gateway; defaults to the listener's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// Listener of the Gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub section_name: Option<String>,
}
