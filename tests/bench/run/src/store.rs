//! The stores that are measured.

use std::sync::Arc;

use postgres_server::Server;

/// A store that a manifest can name.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) name: &'static str,
    /// `spec.storage`, as YAML in one line.
    pub(crate) storage: String,
    /// Further documents of the manifest, each with a line of `---` before it.
    pub(crate) documents: String,
    /// What holds it, where it is no directory of the listener's.
    server: Option<Arc<Server>>,
}

impl Store {
    /// Every store that is measured, each empty.
    pub(crate) fn all() -> Vec<Self> {
        vec![Self::embedded(), Self::postgres(&Arc::new(Server::start()))]
    }

    /// In a directory of the listener's own.
    pub(crate) fn embedded() -> Self {
        Self {
            name: "embedded",
            storage: "{embedded: {size: 50Gi}}".to_owned(),
            documents: String::new(),
            server: None,
        }
    }

    /// In a new database of this server.
    pub(crate) fn postgres(server: &Arc<Server>) -> Self {
        let documents = format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: database, namespace: bench}}\n\
             stringData: {{url: '{}'}}\n",
            server.database()
        );
        Self {
            name: "postgres",
            storage: "{postgres: {urlSecretRef: {name: database, key: url}}}".to_owned(),
            documents,
            server: Some(Arc::clone(server)),
        }
    }

    /// An empty one of the same kind, on the same server.
    pub(crate) fn another(&self) -> Self {
        self.server.as_ref().map_or_else(Self::embedded, Self::postgres)
    }

    /// Of a listener on this store that hands nothing on, with the path `/bench/bench`.
    pub(crate) fn manifest(&self) -> String {
        let Self { storage, documents, .. } = self;
        format!(
            "apiVersion: v1
kind: Secret
metadata: {{name: app, namespace: bench}}
stringData: {{clientSecret: 0b9f3c52-6d1e-4a77-9c1b-3f5a2d8e7c41}}
---
apiVersion: hubspot-listener.dev/v1alpha1
kind: HubSpotListener
metadata: {{name: bench, namespace: bench}}
spec:
  displayName: Benchmark
  clientSecrets: [{{name: app, key: clientSecret}}]
  paused: true
  destinations: [{{name: held, log: {{}}}}]
  storage: {storage}
{documents}"
        )
    }
}
