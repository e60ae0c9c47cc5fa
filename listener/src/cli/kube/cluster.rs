//! The API server, as a kubeconfig or a pod's `ServiceAccount` names it.

use std::fmt::Debug;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use k8s_openapi::NamespaceResourceScope;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, Resource};

use super::fault::{Fault, Wanted};
use crate::deliver::install_provider;

/// How long one answer of the API server may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a connection to it may take.
const CONNECT: Duration = Duration::from_secs(5);

/// A cluster.
#[derive(Clone)]
pub(super) struct Cluster {
    client: Client,
    /// For messages.
    server: String,
    /// Namespace of the context.
    pub(super) namespace: String,
}

impl Cluster {
    /// By a kubeconfig (or `KUBECONFIG`, `~/.kube/config`, and without one a pod's `ServiceAccount`) and a
    /// context of it. Nothing is asked of the API server yet.
    pub(super) async fn of(kubeconfig: Option<PathBuf>, context: Option<String>) -> anyhow::Result<Self> {
        install_provider();
        let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
        let config = match kubeconfig {
            Some(path) => {
                let file = Kubeconfig::read_from(&path)
                    .with_context(|| format!("--kubeconfig {} cannot be read", path.display()))?;
                Config::from_custom_kubeconfig(file, &options).await.context("the kubeconfig cannot be used")
            }
            None if options.context.is_some() => {
                Config::from_kubeconfig(&options).await.context("the kubeconfig cannot be used")
            }
            None => Config::infer()
                .await
                .context("no way to a cluster: set KUBECONFIG, or give --kubeconfig, or use --url"),
        };
        let mut config = config?;
        config.connect_timeout = Some(CONNECT);
        // A command says at once that the API server is busy or away.
        config.default_retry = false;
        let (server, namespace) = (config.cluster_url.to_string(), config.default_namespace.clone());
        let client = Client::try_from(config).context("the kubeconfig cannot be used")?;
        Ok(Self { client, server: server.trim_end_matches('/').to_owned(), namespace })
    }

    /// Objects of one kind in one namespace.
    pub(super) fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// An answer of the API server, or what is wrong, in words for whoever called.
    pub(super) async fn ask<T: Debug>(
        &self,
        wanted: Wanted<'_>,
        answer: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, Fault> {
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Fault::of(&error, wanted, &self.server)),
            Err(_) => Err(Fault::Away {
                server: self.server.clone(),
                reason: format!("no answer within {} s", PATIENCE.as_secs()),
            }),
        }
    }
}
