//! The kinds of a listener's children, in the order in which they are applied.

use std::fmt;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{ApiResource, GroupVersionKind};

/// `apiVersion` of an `HTTPRoute`.
pub const GATEWAY_API: &str = "gateway.networking.k8s.io/v1";

/// A kind of child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// v1
    ServiceAccount,
    /// v1
    ConfigMap,
    /// v1
    PersistentVolumeClaim,
    /// v1
    Service,
    /// networking.k8s.io/v1
    NetworkPolicy,
    /// policy/v1
    PodDisruptionBudget,
    /// networking.k8s.io/v1
    Ingress,
    /// gateway.networking.k8s.io/v1
    HttpRoute,
    /// autoscaling/v2
    HorizontalPodAutoscaler,
    /// apps/v1
    Deployment,
}

impl Kind {
    /// All of them: what a pod needs first, the Deployment last, so that no pod starts half furnished.
    pub const ALL: [Self; 10] = [
        Self::ServiceAccount,
        Self::ConfigMap,
        Self::PersistentVolumeClaim,
        Self::Service,
        Self::NetworkPolicy,
        Self::PodDisruptionBudget,
        Self::Ingress,
        Self::HttpRoute,
        Self::HorizontalPodAutoscaler,
        Self::Deployment,
    ];

    /// Place in [`Kind::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// As it stands in a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceAccount => "ServiceAccount",
            Self::ConfigMap => "ConfigMap",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::Service => "Service",
            Self::NetworkPolicy => "NetworkPolicy",
            Self::PodDisruptionBudget => "PodDisruptionBudget",
            Self::Ingress => "Ingress",
            Self::HttpRoute => "HTTPRoute",
            Self::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
            Self::Deployment => "Deployment",
        }
    }

    /// Whether it goes when the manifest no longer wants it. A claim does not: it may hold what was
    /// accepted and not delivered, and goes with its listener or by a person's hand. The others are
    /// always wanted.
    pub fn is_pruned(self) -> bool {
        matches!(
            self,
            Self::NetworkPolicy
                | Self::PodDisruptionBudget
                | Self::Ingress
                | Self::HttpRoute
                | Self::HorizontalPodAutoscaler
        )
    }

    /// Whether a pod cannot start without it.
    pub fn pods_need_it(self) -> bool {
        matches!(self, Self::ServiceAccount | Self::ConfigMap | Self::PersistentVolumeClaim)
    }

    /// Where the API server serves it.
    pub fn resource(self) -> ApiResource {
        match self {
            Self::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
            Self::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
            Self::PersistentVolumeClaim => ApiResource::erase::<PersistentVolumeClaim>(&()),
            Self::Service => ApiResource::erase::<Service>(&()),
            Self::NetworkPolicy => ApiResource::erase::<NetworkPolicy>(&()),
            Self::PodDisruptionBudget => ApiResource::erase::<PodDisruptionBudget>(&()),
            Self::Ingress => ApiResource::erase::<Ingress>(&()),
            Self::HttpRoute => ApiResource::from_gvk_with_plural(
                &GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "HTTPRoute"),
                "httproutes",
            ),
            Self::HorizontalPodAutoscaler => ApiResource::erase::<HorizontalPodAutoscaler>(&()),
            Self::Deployment => ApiResource::erase::<Deployment>(&()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_knows_its_place_and_the_deployment_is_last() {
        for (at, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), at);
            assert_eq!(kind.resource().kind, kind.as_str());
        }
        assert_eq!(Kind::ALL.last(), Some(&Kind::Deployment));
        assert_eq!(Kind::HttpRoute.resource().api_version, GATEWAY_API);
    }
}
