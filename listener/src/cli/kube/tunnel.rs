//! The way itself: a Unix socket here, each of whose connections is one port-forward to the pod.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use crds::limits::ADMIN_PORT;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::Portforwarder;
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use super::cluster::Cluster;
use super::fault::{Wanted, whole};

/// Connections at once: a command makes one or two.
const AT_ONCE: usize = 16;
/// How long the API server may take to open the way.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a reason for a connection that ended is waited for.
const LAST_WORD: Duration = Duration::from_millis(200);

/// An open way.
#[derive(Debug)]
pub(in crate::cli) struct Tunnel {
    socket: PathBuf,
    _task: AbortOnDropHandle<()>,
    _directory: TempDir,
}

impl Tunnel {
    /// Opens it; the first connection is made at once, so that what is not allowed is said now.
    pub(super) async fn open(cluster: &Cluster, pod: String, namespace: &str) -> anyhow::Result<Self> {
        let api = cluster.api::<Pod>(namespace);
        let wanted = Wanted { verb: "create", resource: "pods/portforward", namespace };
        let asked = async { api.portforward(&pod, &[ADMIN_PORT]).await.map(First) };
        let First(first) = cluster.ask(wanted, asked).await?;
        // A directory that only its owner can enter.
        let directory = tempfile::tempdir().context("no directory for the way to the pod")?;
        let socket = directory.path().join("admin");
        let listener =
            UnixListener::bind(&socket).with_context(|| format!("{} cannot be made", socket.display()))?;
        let task = AbortOnDropHandle::new(tokio::spawn(serve(listener, api, pod, first)));
        Ok(Self { socket, _task: task, _directory: directory })
    }

    /// Where it begins.
    pub(in crate::cli) fn socket(&self) -> &Path {
        &self.socket
    }
}

/// A connection that is open already.
struct First(Portforwarder);

impl std::fmt::Debug for First {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Portforwarder")
    }
}

async fn serve(listener: UnixListener, api: Api<Pod>, pod: String, first: Portforwarder) {
    let (mut first, room) = (Some(first), Arc::new(Semaphore::new(AT_ONCE)));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else { return };
        while connections.try_join_next().is_some() {}
        let (ready, api, pod) = (first.take(), api.clone(), pod.clone());
        connections.spawn(async move {
            if let Err(reason) = forward(stream, ready, &api, &pod).await {
                eprintln!("the way to pod {pod} broke: {reason}");
            }
            drop(place);
        });
    }
}

async fn forward(
    mut stream: UnixStream,
    ready: Option<Portforwarder>,
    api: &Api<Pod>,
    pod: &str,
) -> Result<(), String> {
    let mut forwarder = match ready {
        Some(ready) => ready,
        None => tokio::time::timeout(PATIENCE, api.portforward(pod, &[ADMIN_PORT]))
            .await
            .map_err(|_| format!("the API server did not answer within {} s", PATIENCE.as_secs()))?
            .map_err(|error| whole(&error))?,
    };
    let no_port = || "the API server forwards no port".to_owned();
    let mut port = forwarder.take_stream(ADMIN_PORT).ok_or_else(no_port)?;
    let failed = forwarder.take_error(ADMIN_PORT).ok_or_else(no_port)?;
    // A side that closes first is how a connection ends.
    let _ = copy_bidirectional(&mut stream, &mut port).await;
    drop(port);
    // What the kubelet said of this connection; nothing where all went well.
    let said = tokio::time::timeout(LAST_WORD, failed).await.ok().flatten();
    forwarder.abort();
    said.map_or(Ok(()), |said| Err(crate::cli::remote::text::line(&said)))
}
