//! The children as they are sent: JSON, each with a hash by which it is known again.

use kube::Resource;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::kind::Kind;
use crate::build::Children;

/// One child as it is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The whole of what the operator says of it.
    pub manifest: Value,
    /// Of `manifest`.
    pub hash: [u8; 32],
}

impl Desired {
    /// A child of this kind; none where it has no name, which `build` never leaves out.
    pub fn new<K: Resource + Serialize>(kind: Kind, child: &K) -> Option<Self> {
        let name = child.meta().name.clone()?;
        let mut manifest = serde_json::to_value(child).ok()?;
        let resource = kind.resource();
        let object = manifest.as_object_mut()?;
        object.insert("apiVersion".to_owned(), resource.api_version.into());
        object.insert("kind".to_owned(), resource.kind.into());
        // A status is not ours to say, and not of this request.
        object.remove("status");
        let hash = Sha256::digest(manifest.to_string().as_bytes()).into();
        Some(Self { kind, name, manifest, hash })
    }
}

/// What is wanted, in the order in which it is applied.
pub fn desired(children: &Children) -> Vec<Desired> {
    let Children {
        service_account,
        config_map,
        claim,
        service,
        deployment,
        ingress,
        http_route,
        disruption_budget,
        autoscaler,
        network_policy,
    } = children;
    let mut all: Vec<Desired> = [
        Desired::new(Kind::ServiceAccount, service_account),
        Desired::new(Kind::ConfigMap, config_map),
        claim.as_ref().and_then(|claim| Desired::new(Kind::PersistentVolumeClaim, claim)),
        Desired::new(Kind::Service, service),
        network_policy.as_ref().and_then(|policy| Desired::new(Kind::NetworkPolicy, policy)),
        disruption_budget.as_ref().and_then(|budget| Desired::new(Kind::PodDisruptionBudget, budget)),
        ingress.as_ref().and_then(|ingress| Desired::new(Kind::Ingress, ingress)),
        http_route.as_ref().and_then(|route| Desired::new(Kind::HttpRoute, route)),
        autoscaler.as_ref().and_then(|autoscaler| Desired::new(Kind::HorizontalPodAutoscaler, autoscaler)),
        Desired::new(Kind::Deployment, deployment),
    ]
    .into_iter()
    .flatten()
    .collect();
    all.sort_by_key(|child| child.kind);
    all
}
