//! Name, namespace, labels and owner of every child.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::{Resource, ResourceExt};

use super::labels;
use crate::validate::Validated;

/// Of a child that has the listener's name.
pub(super) fn of(validated: &Validated) -> ObjectMeta {
    let listener = &validated.listener;
    ObjectMeta {
        name: Some(listener.name_any()),
        namespace: listener.namespace(),
        labels: Some(labels::of(&listener.name_any())),
        owner_references: owner(validated).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}

/// The listener as owner: its children go with it, without a finalizer that would hold a deletion
/// up while the operator is down.
fn owner(validated: &Validated) -> Option<OwnerReference> {
    let reference = validated.listener.controller_owner_ref(&())?;
    // true would need the right to update hubspotlisteners/finalizers where the admission plugin
    // OwnerReferencesPermissionEnforcement is on, and would only matter to a deletion in the foreground.
    Some(OwnerReference { block_owner_deletion: Some(false), ..reference })
}
