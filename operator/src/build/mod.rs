//! Step 3: makes every child of a listener. Pure, and it cannot fail.
//!
//! # Invariants
//!
//! 1. The same manifest and the same defaults give the same children, byte for byte: whoever
//!    applies them can compare, and nothing is written where nothing changed.
//! 2. The pods' template knows the configuration, the Secrets and the `ConfigMap`s by name only.
//!    A change of what is in them reaches the pods as files, without a restart.
//! 3. Selectors never change: the API server refuses that of a Deployment.

pub mod autoscaler;
pub mod claim;
pub mod config_map;
pub mod deployment;
pub mod disruption_budget;
pub mod http_route;
pub mod ingress;
pub mod labels;
pub mod metadata;
pub mod names;
pub mod network_policy;
mod pod;
pub mod service;
pub mod service_account;
#[cfg(test)]
mod tests;
mod volumes;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::DynamicObject;

use crate::options::Defaults;
use crate::validate::Validated;

/// Every child. What is none is pruned, but for a claim.
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
    /// `gateway.networking.k8s.io/v1` `HTTPRoute`, when the manifest names a Gateway.
    pub http_route: Option<DynamicObject>,
    /// With more than one replica, or with autoscaling.
    pub disruption_budget: Option<PodDisruptionBudget>,
    /// With autoscaling.
    pub autoscaler: Option<HorizontalPodAutoscaler>,
    /// By the operator's switch.
    pub network_policy: Option<NetworkPolicy>,
}

/// Makes every child.
pub fn build(validated: &Validated, defaults: &Defaults) -> Children {
    Children {
        service_account: service_account::build(validated),
        config_map: config_map::build(validated),
        claim: claim::build(validated, defaults),
        service: service::build(validated),
        deployment: deployment::build(validated, defaults),
        ingress: ingress::build(validated, defaults),
        http_route: http_route::build(validated),
        disruption_budget: disruption_budget::build(validated),
        autoscaler: autoscaler::build(validated),
        network_policy: network_policy::build(validated, defaults),
    }
}
