//! The requests: apply, look for a name, delete.

use std::sync::Arc;

use crds::HubSpotListener;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, Preconditions};
use kube::{Api, Client, ResourceExt};
use serde_json::Value;
use tracing::info;

use super::children::Desired;
use super::kind::Kind;
use super::label::FIELD_MANAGER;
use super::memory::{Applied, Memory, older, stands};
use super::refusal::{ApplyError, Refusal};
use crate::run::caches::Caches;
use crate::run::gateway::GatewayApi;
use crate::run::key::Key;
use crate::run::shelf::Seen;

/// Applies children.
#[derive(Debug)]
pub struct Applier {
    /// Where requests go.
    client: ClientBox,
    caches: Arc<Caches>,
    memory: Memory,
    gateway: GatewayApi,
}

struct ClientBox(Client);

impl std::fmt::Debug for ClientBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

/// Who a child belongs to.
struct Owner<'a> {
    key: Key,
    uid: &'a str,
}

impl Applier {
    /// Through this client.
    pub fn new(client: Client, caches: Arc<Caches>, gateway: GatewayApi) -> Self {
        Self { client: ClientBox(client), caches, memory: Memory::default(), gateway }
    }

    /// Applies what differs and prunes the rest. Goes on after a child that was not taken, but
    /// leaves the Deployment as it is while something that its pods need is not there.
    pub async fn apply(&self, listener: &HubSpotListener, wanted: &[Desired]) -> Vec<ApplyError> {
        let owner = Owner { key: Key::of(listener), uid: listener.metadata.uid.as_deref().unwrap_or_default() };
        let mut errors = Vec::new();
        let mut furnished = true;
        for child in wanted {
            if child.kind == Kind::Deployment && !furnished {
                continue;
            }
            if let Err(error) = self.one(&owner, child).await {
                furnished &= !child.kind.pods_need_it();
                errors.push(error);
            }
        }
        for kind in Kind::ALL {
            for seen in self.caches.children(kind).owned(owner.uid) {
                let keep = wanted.iter().any(|child| child.kind == kind && child.name == seen.key.name);
                // What somebody made a listener own by hand has no label of ours, and is not ours to delete.
                let ours = super::label::listener(&seen.labels) == Some(owner.key.name.as_str());
                if !keep && ours && !seen.terminating
                    && let Err(error) = self.prune(&owner, kind, &seen).await
                {
                    errors.push(error);
                }
            }
        }
        errors
    }

    /// Forgets a listener that is gone.
    pub fn forget(&self, listener: &Key) {
        self.memory.forget(listener);
    }

    async fn one(&self, owner: &Owner<'_>, child: &Desired) -> Result<(), ApplyError> {
        let Desired { kind, name, .. } = child;
        let key = Key::new(&owner.key.namespace, name);
        let applied = self.memory.get(&owner.key, *kind, name);
        if *kind == Kind::HttpRoute
            && !self.gateway.served().await.map_err(|error| ApplyError::of(*kind, name, error))?
        {
            return Err(Refusal::NoGatewayApi { name: name.clone() }.into());
        }
        let mut seen = self.caches.children(*kind).get(&key).filter(|seen| {
            // Deleted and made anew, or the cache has not come so far: ask.
            applied.as_ref().is_none_or(|applied| applied.uid == seen.uid || !older(&seen.version, &applied.version))
        });
        if seen.is_none() {
            seen = self.look(&key, *kind).await?.map(Arc::new);
        }
        if let Some(seen) = &seen {
            if !seen.belongs_to(&owner.key.name, owner.uid) {
                let (kind, name) = (*kind, name.clone());
                let earlier = seen.owner.as_ref().is_some_and(|(of, _)| *of == owner.key.name);
                return Err(if earlier { Refusal::Leaving { kind, name } } else { Refusal::Foreign { kind, name } }.into());
            }
            if stands(child, applied.as_ref(), seen) {
                return Ok(());
            }
            if seen.terminating {
                return Err(Refusal::Leaving { kind: *kind, name: name.clone() }.into());
            }
        }
        let mut manifest = child.manifest.clone();
        if let Some(seen) = &seen
            && let Some(meta) = manifest.get_mut("metadata").and_then(Value::as_object_mut)
        {
            meta.insert("uid".to_owned(), seen.uid.clone().into());
        }
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let written = self.api(*kind, &key.namespace).patch(name, &parameters, &Patch::Apply(&manifest)).await;
        let written = written.map_err(|error| ApplyError::of(*kind, name, error))?;
        let changed = applied.as_ref().map(|applied| &applied.version) != written.metadata.resource_version.as_ref();
        if changed {
            info!(listener = %owner.key, child.kind = %kind, child.name = %name, "applied a child of {}", owner.key);
        }
        let applied = Applied {
            hash: child.hash,
            uid: written.uid().unwrap_or_default(),
            version: written.resource_version().unwrap_or_default(),
            generation: written.metadata.generation,
        };
        self.memory.set(&owner.key, *kind, name, applied);
        Ok(())
    }

    /// What has this name, whatever its labels.
    async fn look(&self, key: &Key, kind: Kind) -> Result<Option<Seen>, ApplyError> {
        let by_name = ListParams::default().fields(&format!("metadata.name={}", key.name)).limit(1);
        let found = self.api(kind, &key.namespace).list_metadata(&by_name).await;
        let found = found.map_err(|error| ApplyError::of(kind, &key.name, error))?;
        Ok(found.items.first().map(|object| Seen::of(&object.metadata)))
    }

    async fn prune(&self, owner: &Owner<'_>, kind: Kind, seen: &Seen) -> Result<(), ApplyError> {
        let parameters = DeleteParams::background().preconditions(Preconditions {
            uid: Some(seen.uid.clone()),
            resource_version: None,
        });
        match self.api(kind, &seen.key.namespace).delete(&seen.key.name, &parameters).await {
            Ok(_) => {
                info!(listener = %owner.key, child.kind = %kind, child.name = %seen.key.name, "removed a child that {} no longer wants", owner.key);
            }
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {}
            Err(error) => return Err(ApplyError::of(kind, &seen.key.name, error)),
        }
        self.memory.remove(&owner.key, kind, &seen.key.name);
        Ok(())
    }

    fn api(&self, kind: Kind, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.0.clone(), namespace, &kind.resource())
    }
}
