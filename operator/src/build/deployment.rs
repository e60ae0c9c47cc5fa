//! The Deployment of the listener's pods.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;

use super::{labels, metadata, pod};
use crate::options::Defaults;
use crate::validate::Validated;

/// Old `ReplicaSet`s that are kept. The operator brings the newest back anyway; two are for a look.
const HISTORY: i32 = 2;
/// Seconds after which pods that are still not ready count as stuck, long enough to pull an image
/// and to attach a volume.
pub const PROGRESS_DEADLINE_SECONDS: i32 = 300;

/// The pods, and how one set of them follows another.
pub(super) fn build(validated: &Validated, defaults: &Defaults) -> Deployment {
    let spec = &validated.listener.spec;
    Deployment {
        metadata: metadata::of(validated),
        spec: Some(DeploymentSpec {
            // What is not said here is the autoscaler's: see `apply::handover`.
            replicas: spec.autoscaling.is_none().then_some(spec.replicas),
            revision_history_limit: Some(HISTORY),
            progress_deadline_seconds: Some(PROGRESS_DEADLINE_SECONDS),
            selector: LabelSelector {
                match_labels: Some(labels::selector(&validated.listener.name_any())),
                ..LabelSelector::default()
            },
            strategy: Some(strategy(spec.storage.postgres.is_some())),
            template: pod::template(validated, defaults),
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    }
}

/// An embedded store is open in one pod only: the old one ends before the new one begins. With a
/// database the new one is ready before the old one ends.
fn strategy(shared: bool) -> DeploymentStrategy {
    if !shared {
        return DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None };
    }
    DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(IntOrString::Int(1)),
            max_unavailable: Some(IntOrString::Int(0)),
        }),
    }
}
