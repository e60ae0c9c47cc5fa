//! The requests: apply, look for a name, delete.

use std::sync::Arc;

use crds::HubSpotListener;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, Preconditions};
use kube::{Api, Client, ResourceExt};
use serde_json::Value;
use tracing::info;

use super::children::Desired;
use super::handover;
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

/// What stands where the children are to stand.
#[derive(Debug, Default)]
pub struct Survey {
    /// Each child, and what has its name now.
    children: Vec<(Desired, Option<Arc<Seen>>)>,
    /// What has a child's name and is somebody else's.
    pub foreign: Vec<Refusal>,
}

/// Who a child belongs to.
struct Owner<'a> {
    key: Key,
    uid: &'a str,
}

impl<'a> Owner<'a> {
    fn of(listener: &'a HubSpotListener) -> Self {
        Self { key: Key::of(listener), uid: listener.metadata.uid.as_deref().unwrap_or_default() }
    }

    /// Whether this was a child of an earlier listener of the same name: it is on its way out.
    fn had_before(&self, seen: &Seen) -> bool {
        seen.owner.as_ref().is_some_and(|(name, uid)| *name == self.key.name && uid != self.uid)
    }
}

impl Applier {
    /// Through this client.
    pub fn new(client: Client, caches: Arc<Caches>, gateway: GatewayApi) -> Self {
        Self { client: ClientBox(client), caches, memory: Memory::default(), gateway }
    }

    /// Looks at what stands where the children are to stand. Reads only.
    pub async fn survey(
        &self,
        listener: &HubSpotListener,
        wanted: Vec<Desired>,
    ) -> Result<Survey, ApplyError> {
        let owner = Owner::of(listener);
        let mut survey = Survey::default();
        for child in wanted {
            let seen = self.find(&owner, &child).await?;
            if let Some(seen) = &seen
                && !seen.belongs_to(&owner.key.name, owner.uid)
                && !owner.had_before(seen)
            {
                survey.foreign.push(Refusal::Foreign { kind: child.kind, name: child.name.clone() });
            }
            survey.children.push((child, seen));
        }
        Ok(survey)
    }

    /// Applies what differs and prunes the rest. Goes on after a child that was not taken, but
    /// leaves the Deployment as it is while something that its pods need is not there.
    pub async fn apply(&self, listener: &HubSpotListener, survey: &Survey) -> Vec<ApplyError> {
        let owner = Owner::of(listener);
        let mut errors: Vec<ApplyError> = survey.foreign.iter().cloned().map(ApplyError::from).collect();
        if !errors.is_empty() {
            return errors;
        }
        let mut furnished = true;
        for (child, seen) in &survey.children {
            if child.kind == Kind::Deployment && !furnished {
                continue;
            }
            if let Err(error) = self.one(&owner, child, seen.as_deref()).await {
                furnished &= !child.kind.pods_need_it();
                errors.push(error);
            }
        }
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_pruned()) {
            for seen in self.caches.children(kind).owned(owner.uid) {
                let name = &seen.key.name;
                let keep = survey.children.iter().any(|(child, _)| child.kind == kind && child.name == *name);
                // What somebody made a listener own by hand has no label of ours, and is not ours to delete.
                let ours = super::label::listener(&seen.labels) == Some(owner.key.name.as_str());
                if !keep
                    && ours
                    && !seen.terminating
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

    /// What stands where this child is to stand.
    async fn find(&self, owner: &Owner<'_>, child: &Desired) -> Result<Option<Arc<Seen>>, ApplyError> {
        let Desired { kind, name, .. } = child;
        if *kind == Kind::HttpRoute && !self.served(name).await? {
            return Ok(None);
        }
        let key = Key::new(&owner.key.namespace, name);
        let applied = self.memory.get(&owner.key, *kind, name);
        let seen = self.caches.children(*kind).get(&key).filter(|seen| {
            // Made anew and the cache has not come so far: ask.
            applied
                .as_ref()
                .is_none_or(|applied| applied.uid == seen.uid || !older(&seen.version, &applied.version))
        });
        match seen {
            Some(seen) => Ok(Some(seen)),
            None => Ok(self.look(&key, *kind).await?.map(Arc::new)),
        }
    }

    async fn served(&self, name: &str) -> Result<bool, ApplyError> {
        self.gateway.served().await.map_err(|error| ApplyError::of(Kind::HttpRoute, name, error))
    }

    async fn one(&self, owner: &Owner<'_>, child: &Desired, seen: Option<&Seen>) -> Result<(), ApplyError> {
        let Desired { kind, name, .. } = child;
        let (kind, applied) = (*kind, self.memory.get(&owner.key, *kind, name));
        if kind == Kind::HttpRoute && !self.served(name).await? {
            return Err(Refusal::NoGatewayApi { name: name.clone() }.into());
        }
        let mut manifest = child.manifest.clone();
        if let Some(seen) = seen {
            if stands(child, applied.as_ref(), seen) {
                return Ok(());
            }
            if seen.terminating || owner.had_before(seen) {
                return Err(Refusal::Leaving { kind, name: name.clone() }.into());
            }
            if let Some(meta) = manifest.get_mut("metadata").and_then(Value::as_object_mut) {
                meta.insert("uid".to_owned(), seen.uid.clone().into());
            }
        }
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let api = self.api(kind, &owner.key.namespace);
        if let Some(seen) = seen
            && handover::is_due(child)
            && applied.as_ref().is_none_or(|applied| applied.hash != child.hash)
            && let Some(replicas) = self.replicas(&seen.key)
        {
            let handed = handover::hand_over(&api, child, &seen.uid, replicas).await;
            handed.map_err(|error| ApplyError::of(kind, name, error))?;
        }
        let written = api.patch(name, &parameters, &Patch::Apply(&manifest)).await;
        let written = written.map_err(|error| ApplyError::of(kind, name, error))?;
        if seen.map(|seen| &seen.version) != written.metadata.resource_version.as_ref() {
            info!(listener = %owner.key, child.kind = %kind, child.name = %name, "applied a child of {}", owner.key);
        }
        let applied = Applied {
            hash: child.hash,
            uid: written.uid().unwrap_or_default(),
            version: written.resource_version().unwrap_or_default(),
            generation: written.metadata.generation,
        };
        self.memory.set(&owner.key, kind, name, applied);
        Ok(())
    }

    /// The number of pods that a Deployment asks for now.
    fn replicas(&self, deployment: &Key) -> Option<i32> {
        self.caches.deployment(deployment)?.spec?.replicas
    }

    /// What has this name, whatever its labels.
    async fn look(&self, key: &Key, kind: Kind) -> Result<Option<Seen>, ApplyError> {
        let by_name = ListParams::default().fields(&format!("metadata.name={}", key.name)).limit(1);
        let found = self.api(kind, &key.namespace).list_metadata(&by_name).await;
        let found = found.map_err(|error| ApplyError::of(kind, &key.name, error))?;
        Ok(found.items.first().map(|object| Seen::of(&object.metadata)))
    }

    async fn prune(&self, owner: &Owner<'_>, kind: Kind, seen: &Seen) -> Result<(), ApplyError> {
        let parameters = DeleteParams::background()
            .preconditions(Preconditions { uid: Some(seen.uid.clone()), resource_version: None });
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
