//! Step 3: makes every child of a listener. Pure, and it cannot fail.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::DynamicObject;

/// Every child. What is none is pruned, but for a claim that is kept.
#[derive(Clone, Debug)]
pub struct Children {
    /// Without a token.
    pub service_account: ServiceAccount,
    /// The configuration file.
    pub config_map: ConfigMap,
    /// Embedded store only.
    pub claim: Option<PersistentVolumeClaim>,
    /// Ports `http` and `admin`.
    pub service: Service,
    /// The pods.
    pub deployment: Deployment,
    /// Unless the way in is a Gateway or somebody else's.
    pub ingress: Option<Ingress>,
    /// `gateway.networking.k8s.io/v1` HTTPRoute, when the manifest names a Gateway.
    pub http_route: Option<DynamicObject>,
    /// With more than one replica.
    pub disruption_budget: Option<PodDisruptionBudget>,
    /// By the operator's switch.
    pub network_policy: Option<NetworkPolicy>,
}
