//! The `PersistentVolumeClaim` of an embedded store.

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::ResourceExt;

use super::{metadata, names};
use crate::options::Defaults;
use crate::validate::Validated;

/// A claim, unless the store is a database.
pub(super) fn build(validated: &Validated, defaults: &Defaults) -> Option<PersistentVolumeClaim> {
    let storage = &validated.listener.spec.storage;
    if storage.postgres.is_some() {
        return None;
    }
    let embedded = storage.embedded.clone().unwrap_or_default();
    let mut metadata = metadata::of(validated);
    metadata.name = Some(names::claim(&validated.listener.name_any()));
    if defaults.keep_claims {
        // Without an owner it stays when the listener is deleted. A listener that is made anew
        // under the name takes it up again.
        metadata.owner_references = None;
    }
    Some(PersistentVolumeClaim {
        metadata,
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements {
                requests: Some([("storage".to_owned(), Quantity(embedded.size))].into()),
                ..VolumeResourceRequirements::default()
            }),
            storage_class_name: validated.storage_class.clone(),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    })
}
