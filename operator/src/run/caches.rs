//! What the operator knows of the cluster without asking: filled by [`super::watch`].
//!
//! Small on purpose, since a cluster may hold many Secrets and a thousand listeners: of most
//! kinds metadata only, and of that what a [`Shelf`] keeps; of pods the address and the
//! phase. Nothing holds `managedFields`. No value of a Secret is ever asked for here.

use crds::HubSpotListener;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, PodSpec, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{ObjectRef, Store};

use super::key::Key;
use super::shelf::Shelf;
use crate::apply::kind::Kind;

/// A listener, or why what says so is none.
pub type Guarded = DeserializeGuard<HubSpotListener>;

/// Everything that is known.
#[derive(Debug)]
pub struct Caches {
    /// Listeners, whole.
    pub listeners: Store<Guarded>,
    /// Secrets: which there are, in which version.
    pub secrets: Shelf,
    /// Children by [`Kind::index`]; that of `ConfigMap` holds all of them, also what is only read.
    pub children: [Shelf; Kind::ALL.len()],
    /// Deployments of listeners.
    pub deployments: Store<Deployment>,
    /// Claims of listeners.
    pub claims: Store<PersistentVolumeClaim>,
    /// Pods of listeners.
    pub pods: Store<Pod>,
}

/// The ends at which [`Caches`] are filled.
#[derive(Debug)]
pub struct Writers {
    pub(super) listeners: Writer<Guarded>,
    pub(super) deployments: Writer<Deployment>,
    pub(super) claims: Writer<PersistentVolumeClaim>,
    pub(super) pods: Writer<Pod>,
}

impl Caches {
    /// Empty, and the ends at which they are filled.
    pub fn new() -> (Self, Writers) {
        let writers = Writers {
            listeners: Writer::default(),
            deployments: Writer::default(),
            claims: Writer::default(),
            pods: Writer::default(),
        };
        let caches = Self {
            listeners: writers.listeners.as_reader(),
            secrets: Shelf::default(),
            children: std::array::from_fn(|_| Shelf::default()),
            deployments: writers.deployments.as_reader(),
            claims: writers.claims.as_reader(),
            pods: writers.pods.as_reader(),
        };
        (caches, writers)
    }

    /// Children of one kind.
    pub fn children(&self, kind: Kind) -> &Shelf {
        // `Kind::index` is a place in an array of this length.
        self.children.get(kind.index()).unwrap_or(&self.secrets)
    }

    /// A listener that can be read.
    pub fn listener(&self, key: &Key) -> Option<std::sync::Arc<Guarded>> {
        self.listeners.get(&key.reference())
    }

    /// The Deployment of this name.
    pub fn deployment(&self, key: &Key) -> Option<Deployment> {
        self.deployments.get(&ObjectRef::new(&key.name).within(&key.namespace)).map(|found| (*found).clone())
    }

    /// The claim of this name.
    pub fn claim(&self, key: &Key) -> Option<PersistentVolumeClaim> {
        self.claims.get(&ObjectRef::new(&key.name).within(&key.namespace)).map(|found| (*found).clone())
    }
}

/// Takes out what nobody looks at.
pub(super) fn slim_meta(meta: &mut ObjectMeta) {
    meta.managed_fields = None;
    if let Some(annotations) = &mut meta.annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

/// Leaves name, labels, address, phase and readiness.
pub(super) fn slim_pod(pod: &mut Pod) {
    slim_meta(&mut pod.metadata);
    pod.metadata.annotations = None;
    pod.metadata.owner_references = None;
    pod.spec = None::<PodSpec>;
    pod.status = pod.status.take().map(|status| PodStatus {
        phase: status.phase,
        pod_ip: status.pod_ip,
        ..PodStatus::default()
    });
}

/// Leaves metadata, status and the number of pods: what else is wanted is in the manifest.
pub(super) fn slim_deployment(deployment: &mut Deployment) {
    slim_meta(&mut deployment.metadata);
    deployment.spec = deployment
        .spec
        .take()
        .map(|spec| DeploymentSpec { replicas: spec.replicas, ..DeploymentSpec::default() });
}
