//! What is known of the objects of one kind: metadata, and of that only what is compared.
//!
//! A listing replaces the shelf as a whole when it is complete. What it shows to be gone or
//! different counts as touched, as if an event had said so: a deletion while a watch was
//! down is not lost.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::runtime::watcher::Event;

use super::key::Key;
use crate::apply::label;

/// What is known of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Namespace and name.
    pub key: Key,
    /// `metadata.uid`
    pub uid: String,
    /// `metadata.resourceVersion`
    pub version: String,
    /// `metadata.generation`, for kinds that have one.
    pub generation: Option<i64>,
    /// Labels; none are kept of what the operator did not make.
    pub labels: BTreeMap<String, String>,
    /// Annotations; none are kept of what the operator did not make.
    pub annotations: BTreeMap<String, String>,
    /// Name and uid of the listener that owns it.
    pub owner: Option<(String, String)>,
    /// Whether it is being deleted.
    pub terminating: bool,
}

impl Seen {
    /// Of this metadata.
    pub fn of(meta: &ObjectMeta) -> Self {
        let mut labels = meta.labels.clone().unwrap_or_default();
        let mut annotations = meta.annotations.clone().unwrap_or_default();
        if label::listener(&labels).is_none() {
            labels = BTreeMap::new();
            annotations = BTreeMap::new();
        }
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        let owner = meta.owner_references.iter().flatten().find(|owner| label::is_listener(owner));
        Self {
            key: Key {
                namespace: meta.namespace.clone().unwrap_or_default(),
                name: meta.name.clone().unwrap_or_default(),
            },
            uid: meta.uid.clone().unwrap_or_default(),
            version: meta.resource_version.clone().unwrap_or_default(),
            generation: meta.generation,
            labels,
            annotations,
            owner: owner.map(|owner| (owner.name.clone(), owner.uid.clone())),
            terminating: meta.deletion_timestamp.is_some(),
        }
    }

    /// The listener it belongs to: its owner, or for a claim that is kept, the one its label names.
    pub fn listener(&self) -> Option<Key> {
        let owner = self.owner.as_ref().map(|(name, _)| name.as_str());
        let name = owner.or_else(|| label::listener(&self.labels))?;
        Some(Key::new(&self.key.namespace, name))
    }
}

impl Seen {
    /// Whether it belongs to the listener with this name and uid: by its owner, or, where it has
    /// none, by its labels (a claim that was kept, or an owner that somebody removed).
    pub fn belongs_to(&self, name: &str, uid: &str) -> bool {
        match &self.owner {
            Some((_, owner)) => owner == uid,
            None => label::listener(&self.labels) == Some(name),
        }
    }
}

/// The objects of one kind.
#[derive(Debug, Default)]
pub struct Shelf {
    objects: RwLock<Objects>,
    filled: AtomicBool,
}

#[derive(Debug, Default)]
struct Objects {
    by_key: HashMap<Key, Arc<Seen>>,
    by_owner: HashMap<String, BTreeSet<Key>>,
    /// A listing that is not complete yet.
    listing: HashMap<Key, Arc<Seen>>,
}

impl Shelf {
    /// Takes an event in, and gives what it touched.
    pub fn take<K: Resource>(&self, event: &Event<K>) -> Vec<Arc<Seen>> {
        let mut objects = self.objects.write().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Init => {
                objects.listing = HashMap::new();
                Vec::new()
            }
            Event::InitApply(object) => {
                let seen = Arc::new(Seen::of(object.meta()));
                objects.listing.insert(seen.key.clone(), seen);
                Vec::new()
            }
            Event::InitDone => {
                let touched = objects.replace();
                self.filled.store(true, Ordering::Release);
                touched
            }
            Event::Apply(object) => {
                let seen = Arc::new(Seen::of(object.meta()));
                let mut touched: Vec<_> = objects.remove(&seen.key).into_iter().collect();
                objects.insert(Arc::clone(&seen));
                // The object as it was matters only where it belonged to somebody else.
                touched.retain(|old| old.listener() != seen.listener());
                touched.push(seen);
                touched
            }
            Event::Delete(object) => {
                let seen = Arc::new(Seen::of(object.meta()));
                objects.remove(&seen.key);
                vec![seen]
            }
        }
    }

    /// Whether a first listing is complete.
    pub fn filled(&self) -> bool {
        self.filled.load(Ordering::Acquire)
    }

    /// One object.
    pub fn get(&self, key: &Key) -> Option<Arc<Seen>> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner).by_key.get(key).cloned()
    }

    /// What the listener with this uid owns.
    pub fn owned(&self, uid: &str) -> Vec<Arc<Seen>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let keys = objects.by_owner.get(uid).into_iter().flatten();
        keys.filter_map(|key| objects.by_key.get(key).cloned()).collect()
    }
}

impl Objects {
    fn insert(&mut self, seen: Arc<Seen>) {
        if let Some((_, uid)) = &seen.owner {
            self.by_owner.entry(uid.clone()).or_default().insert(seen.key.clone());
        }
        self.by_key.insert(seen.key.clone(), seen);
    }

    fn remove(&mut self, key: &Key) -> Option<Arc<Seen>> {
        let old = self.by_key.remove(key)?;
        if let Some((_, uid)) = &old.owner
            && let Some(keys) = self.by_owner.get_mut(uid)
        {
            keys.remove(key);
            if keys.is_empty() {
                self.by_owner.remove(uid);
            }
        }
        Some(old)
    }

    fn replace(&mut self) -> Vec<Arc<Seen>> {
        let listed = std::mem::take(&mut self.listing);
        let old = std::mem::take(&mut self.by_key);
        self.by_owner = HashMap::new();
        let mut touched = Vec::new();
        for (key, seen) in &old {
            match listed.get(key) {
                Some(now) if now.uid == seen.uid && now.version == seen.version => {}
                Some(now) => touched.push(Arc::clone(now)),
                None => touched.push(Arc::clone(seen)),
            }
        }
        touched.extend(
            listed.iter().filter(|(key, _)| !old.contains_key(key)).map(|(_, seen)| Arc::clone(seen)),
        );
        for seen in listed.into_values() {
            self.insert(seen);
        }
        touched
    }
}

#[cfg(test)]
mod tests;
