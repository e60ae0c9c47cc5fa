//! What a reconcile works with: everything that was read, and nothing that can wait or fail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crds::HubSpotListener;
use crds::report::Reports;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;

/// Everything that [`crate::dereference`] read for one listener.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The resource.
    pub listener: Arc<HubSpotListener>,
    /// Each Secret that the spec names: its keys, or none where it is not there. Never a value.
    pub secrets: BTreeMap<String, Option<BTreeSet<String>>>,
    /// Each `ConfigMap` that the spec names: its data, or none where it is not there.
    pub config_maps: BTreeMap<String, Option<BTreeMap<String, String>>>,
    /// The older listener that has the same host and path, as `namespace/name`.
    pub url_holder: Option<String>,
    /// The listener's claim, where it is there: its class cannot change, and it cannot shrink.
    pub claim: Option<PersistentVolumeClaim>,
    /// The listener's Deployment, where it is there.
    pub deployment: Option<Deployment>,
    /// Kind and name of each object that stands where a child would stand and is not this listener's.
    pub foreign: Vec<(String, String)>,
    /// What each pod that runs told of itself.
    pub pods: Vec<PodReport>,
}

/// What one pod told of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodReport {
    /// Name of the pod.
    pub pod: String,
    /// Its report, or why there is none.
    pub reports: Result<Reports, String>,
}
