//! The `PodDisruptionBudget`: a drain takes one pod at a time.

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;

use super::{labels, metadata};
use crate::validate::Validated;

/// A budget, where there may be more than one pod: one at a time may go.
pub(super) fn build(validated: &Validated) -> Option<PodDisruptionBudget> {
    let spec = &validated.listener.spec;
    (spec.replicas > 1 || spec.autoscaling.is_some()).then(|| PodDisruptionBudget {
        metadata: metadata::of(validated),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(LabelSelector {
                match_labels: Some(labels::selector(&validated.listener.name_any())),
                ..LabelSelector::default()
            }),
            // A pod that is not ready anyway must not hold a drain up.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            ..PodDisruptionBudgetSpec::default()
        }),
        ..PodDisruptionBudget::default()
    })
}
