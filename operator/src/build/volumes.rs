//! What is mounted into the pods.
//!
//! Each Secret and ConfigMap is mounted whole, never by items and never by `subPath`: the kubelet
//! then swaps the directory's `..data` link when something in it changes, so that a new key, a
//! rotated secret and a new configuration reach the pod without a restart.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, EmptyDirVolumeSource, PersistentVolumeClaimVolumeSource, SecretVolumeSource,
    Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::ResourceExt;

use super::names;
use crate::validate::Validated;

/// `r--r-----`: root owns the files, and the pod's group, `fsGroup`, reads them.
const READABLE_BY_GROUP: i32 = 0o440;

/// Volumes and where they are mounted, in the same order.
pub(super) fn build(validated: &Validated) -> (Vec<Volume>, Vec<VolumeMount>) {
    let listener = &validated.listener;
    let spec = &listener.spec;
    let mut all = vec![
        // Not optional: without a configuration there is nothing to run, and the operator writes
        // it before the Deployment.
        mounted(
            config_map("configuration".to_owned(), &listener.name_any(), false),
            names::CONFIGURATION_DIRECTORY.to_owned(),
            true,
        ),
    ];
    for name in spec.secret_names() {
        let path = format!("{}/{name}", names::SECRETS_DIRECTORY);
        all.push(mounted(secret(name), path, true));
    }
    let config_maps: BTreeSet<&str> =
        spec.config_map_references().into_iter().map(|(_, reference)| reference.name.as_str()).collect();
    for name in config_maps {
        let path = format!("{}/{name}", names::CONFIG_MAPS_DIRECTORY);
        all.push(mounted(config_map(names::volume("configmap", name), name, true), path, true));
    }
    if spec.storage.postgres.is_none() {
        let claim = Volume {
            name: "data".to_owned(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: names::claim(&listener.name_any()),
                read_only: None,
            }),
            ..Volume::default()
        };
        all.push(mounted(claim, names::DATA_DIRECTORY.to_owned(), false));
    }
    all.push(mounted(temporary(), "/tmp".to_owned(), false));
    all.into_iter().unzip()
}

fn mounted(volume: Volume, path: String, read_only: bool) -> (Volume, VolumeMount) {
    let mount = VolumeMount {
        name: volume.name.clone(),
        mount_path: path,
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    };
    (volume, mount)
}

/// Optional: when a Secret was deleted, the kubelet would not start a pod that must have it, so
/// that a drain would end the listener. So the pod starts, alive and not ready, says in its report
/// what is missing, and takes the Secret up when it comes back. A pod that runs goes on by what it
/// has read.
fn secret(name: &str) -> Volume {
    Volume {
        name: names::volume("secret", name),
        secret: Some(SecretVolumeSource {
            secret_name: Some(name.to_owned()),
            default_mode: Some(READABLE_BY_GROUP),
            optional: Some(true),
            items: None,
        }),
        ..Volume::default()
    }
}

fn config_map(volume: String, name: &str, optional: bool) -> Volume {
    Volume {
        name: volume,
        config_map: Some(ConfigMapVolumeSource {
            name: name.to_owned(),
            default_mode: Some(READABLE_BY_GROUP),
            optional: Some(optional),
            items: None,
        }),
        ..Volume::default()
    }
}

/// The root is read-only, and `SQLite` writes large sorts to a temporary file.
fn temporary() -> Volume {
    Volume {
        name: "tmp".to_owned(),
        empty_dir: Some(EmptyDirVolumeSource { size_limit: Some(Quantity("1Gi".to_owned())), medium: None }),
        ..Volume::default()
    }
}
