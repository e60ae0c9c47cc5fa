//! The way from a terminal to the admin port of a listener in a cluster: through the API server, as
//! `kubectl port-forward` goes, with the rights of whoever calls.
//!
//! On this side it ends at a Unix socket in a directory that only the caller can enter: unlike a port on
//! loopback, it opens the admin port to nobody else on this machine.
//!
//! What whoever calls must be allowed, in the listener's namespace: `list` pods, `get` and `create`
//! pods/portforward; `list` hubspotlisteners where no name is given, and to be told that there is none;
//! with `--token-secret` `get` on that Secret and on the listener.

//!
//! The feature `cluster` brings it, as every build by default does. The listener's image goes without:
//! nobody calls a pod's program by hand, and it is a fifth smaller.

#[cfg(feature = "cluster")]
mod cluster;
#[cfg(feature = "cluster")]
mod fault;
mod name;
#[cfg(feature = "cluster")]
mod pod;
#[cfg(feature = "cluster")]
mod target;
#[cfg(feature = "cluster")]
mod token;
#[cfg(feature = "cluster")]
mod tunnel;
#[cfg(not(feature = "cluster"))]
#[path = "no_tunnel.rs"]
mod tunnel;

use std::path::PathBuf;

use secrecy::SecretString;

pub(in crate::cli) use self::name::Name;
pub(in crate::cli) use self::tunnel::Tunnel;

/// Which cluster, and which listener in it.
#[derive(Debug, Default, clap::Args)]
pub(in crate::cli) struct ClusterArgs {
    /// A listener in a cluster, reached through the API server; wins over --url
    #[arg(long, global = true, value_name = "[NAMESPACE/]NAME")]
    kube: Option<Name>,
    /// Namespace of the listener in a cluster; left out, that of the kubeconfig's context
    #[arg(long, short, global = true, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Context of the kubeconfig, in place of the current one
    #[arg(long, global = true, value_name = "NAME")]
    context: Option<String>,
    /// Kubeconfig, in place of `KUBECONFIG` and ~/.kube/config
    #[arg(long, global = true, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Read the token from the Secret that spec.desk.tokens names: this key of it, such as operate.alice
    #[arg(long, global = true, value_name = "KEY", conflicts_with = "token_file")]
    token_secret: Option<String>,
}

/// A listener in a cluster that can be asked.
#[derive(Debug)]
pub(in crate::cli) struct Reached {
    /// Namespace and name.
    pub(in crate::cli) listener: (String, String),
    /// The way to it; it is open as long as this is kept.
    pub(in crate::cli) tunnel: Tunnel,
    /// The token that the Secret holds, where one was wanted.
    pub(in crate::cli) token: Option<SecretString>,
}

impl ClusterArgs {
    /// Whether something in here asks for a cluster.
    pub(in crate::cli) fn is_wanted(&self) -> bool {
        let Self { kube, namespace, context, kubeconfig, token_secret } = self;
        kube.is_some()
            || namespace.is_some()
            || context.is_some()
            || kubeconfig.is_some()
            || token_secret.is_some()
    }

    /// There is no way.
    #[cfg(not(feature = "cluster"))]
    #[expect(clippy::unused_async, reason = "as the one that there is otherwise")]
    pub(in crate::cli) async fn reach(self, named: Option<Name>) -> anyhow::Result<Reached> {
        let _ = (self, named);
        anyhow::bail!(
            "this program was built without the way into a cluster, as that of the image is; use one that \
             `cargo build` makes, or kubectl port-forward and --url"
        )
    }

    /// Finds the listener and opens the way to one of its pods. `named` is the listener where `--kube` names none.
    #[cfg(feature = "cluster")]
    pub(in crate::cli) async fn reach(self, named: Option<Name>) -> anyhow::Result<Reached> {
        let Self { kube, namespace, context, kubeconfig, token_secret } = self;
        let cluster = cluster::Cluster::of(kubeconfig, context).await?;
        let (namespace, name) = target::find(&cluster, kube.or(named), namespace).await?;
        let pod = pod::find(&cluster, &namespace, &name).await?;
        let token = match token_secret {
            Some(key) => Some(token::read(&cluster, &namespace, &name, &key).await?),
            None => None,
        };
        let tunnel = Tunnel::open(&cluster, pod, &namespace).await?;
        Ok(Reached { listener: (namespace, name), tunnel, token })
    }
}
