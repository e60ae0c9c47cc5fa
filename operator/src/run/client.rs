//! The client of the API server.

use std::sync::Arc;

use kube::client::ClientBuilder;
use kube::{Client, Config};

use super::claim::Claim;
use super::metrics::Metrics;
use super::requests::Requests;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Neither a pod's service account nor a kubeconfig.
    #[error("no way to the API server: {0}; run in a cluster, or set KUBECONFIG")]
    Config(#[from] kube::config::InferConfigError),
    /// The configuration is there and cannot be used.
    #[error("the way to the API server cannot be used: {0}")]
    Client(#[from] kube::Error),
}

/// From the pod's service account, or from KUBECONFIG. Nothing is asked of the API server yet.
pub(super) async fn make(metrics: &Arc<Metrics>, claim: &Claim) -> Result<Client, ClientError> {
    let config = Config::infer().await?;
    let layer = Requests { metrics: Arc::clone(metrics), claim: claim.clone() };
    Ok(ClientBuilder::try_from(config)?.with_layer(&layer).build())
}
