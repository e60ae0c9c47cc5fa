//! The API server, asked as a client asks it: what it says comes as fields and messages.

use std::path::PathBuf;

use kube::api::{ApiResource, DynamicObject, GroupVersionKind, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::Value;
use tests::cluster::Cluster;
use tokio::runtime::Runtime;

/// Of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub field: String,
    pub message: String,
}

/// A cluster that has the definition, and a namespace in it.
pub struct Server {
    pub cluster: &'static Cluster,
    pub namespace: String,
    runtime: Runtime,
    api: Api<DynamicObject>,
}

impl Server {
    /// None where no cluster can run.
    pub fn start() -> Option<Self> {
        let cluster = Cluster::control_plane()?;
        let namespace = cluster.namespace(&[]);
        let definition = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crds/hubspotlisteners.yaml");
        let file = definition.to_str().unwrap();
        cluster.kubectl(&["apply", "--server-side", "-f", file]).ok();
        let name = "crd/hubspotlisteners.hubspot-listener.dev";
        cluster.kubectl(&["wait", "--for=condition=Established", "--timeout=60s", name]).ok();
        let runtime = Runtime::new().unwrap();
        let client = runtime.block_on(async {
            let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig()).unwrap();
            let options = KubeConfigOptions::default();
            let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
            Client::try_from(config).unwrap()
        });
        let kind = GroupVersionKind::gvk(crds::limits::GROUP, "v1alpha1", "HubSpotListener");
        let resource = ApiResource::from_gvk_with_plural(&kind, "hubspotlisteners");
        let api = Api::namespaced_with(client, &namespace, &resource);
        Some(Self { cluster, namespace, runtime, api })
    }

    /// Creates it, without keeping it: the object as the server would keep it, or what it refuses.
    pub fn create(&self, manifest: &Value) -> Result<Value, Vec<Said>> {
        let object: DynamicObject = serde_json::from_value(manifest.clone()).unwrap();
        let parameters = PostParams { dry_run: true, ..PostParams::default() };
        match self.runtime.block_on(self.api.create(&parameters, &object)) {
            Ok(made) => Ok(serde_json::to_value(made).unwrap()),
            Err(kube::Error::Api(status)) => {
                let causes =
                    status.details.as_ref().map(|details| details.causes.clone()).unwrap_or_default();
                assert!(!causes.is_empty(), "{status:?}");
                let said = causes.into_iter().filter(|cause| {
                    // Beside mistakes of the shape: that rules were not run because of them.
                    !cause.message.contains("some validation rules were not checked")
                });
                Err(said.map(|cause| Said { field: cause.field, message: cause.message }).collect())
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}
