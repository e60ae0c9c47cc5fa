//! Who refers to what: from a Secret, a `ConfigMap` or a URL to the listeners that name it.
//! Kept by the watch of listeners, so that an event of a Secret costs one look and not a walk
//! over all listeners.

use std::collections::{BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};

use crds::HubSpotListener;

use super::key::Key;

/// What a listener can refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Referred {
    /// A Secret.
    Secret,
    /// A `ConfigMap`.
    ConfigMap,
}

/// Who refers to what.
#[derive(Debug, Default)]
pub struct Index(RwLock<Inner>);

#[derive(Debug, Default)]
struct Inner {
    listeners: HashMap<Key, References>,
    by_object: HashMap<(Referred, Key), BTreeSet<Key>>,
    by_url: HashMap<String, BTreeSet<Key>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct References {
    objects: BTreeSet<(Referred, Key)>,
    url: Option<String>,
}

impl Index {
    /// Notes what a listener refers to; gives the others for which its URL makes a difference.
    pub fn set(&self, key: &Key, listener: &HubSpotListener, url: Option<String>) -> BTreeSet<Key> {
        let secrets = listener.spec.secret_names().into_iter();
        let secrets = secrets.map(|name| (Referred::Secret, Key::new(&key.namespace, name)));
        let maps = listener.spec.config_map_references().into_iter();
        let maps = maps.map(|(_, to)| (Referred::ConfigMap, Key::new(&key.namespace, &to.name)));
        self.replace(key, Some(References { objects: secrets.chain(maps).collect(), url }))
    }

    /// Forgets a listener; gives the others for which that makes a difference.
    pub fn remove(&self, key: &Key) -> BTreeSet<Key> {
        self.replace(key, None)
    }

    fn replace(&self, key: &Key, new: Option<References>) -> BTreeSet<Key> {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *inner;
        let old = inner.listeners.remove(key).unwrap_or_default();
        let mut touched = BTreeSet::new();
        if new.as_ref() == Some(&old) {
            inner.listeners.insert(key.clone(), old);
            return touched;
        }
        for object in &old.objects {
            if let Some(users) = inner.by_object.get_mut(object) {
                users.remove(key);
                if users.is_empty() {
                    inner.by_object.remove(object);
                }
            }
        }
        let new_url = new.as_ref().and_then(|new| new.url.as_ref());
        if old.url.as_ref() != new_url
            && let Some(url) = &old.url
            && let Some(users) = inner.by_url.get_mut(url)
        {
            users.remove(key);
            touched.extend(users.iter().cloned());
            if users.is_empty() {
                inner.by_url.remove(url);
            }
        }
        let Some(new) = new else { return touched };
        for object in &new.objects {
            inner.by_object.entry(object.clone()).or_default().insert(key.clone());
        }
        if let Some(url) = &new.url {
            let users = inner.by_url.entry(url.clone()).or_default();
            if users.insert(key.clone()) {
                touched.extend(users.iter().filter(|user| *user != key).cloned());
            }
        }
        inner.listeners.insert(key.clone(), new);
        touched
    }

    /// The listeners that refer to an object.
    pub fn users(&self, what: Referred, object: &Key) -> Vec<Key> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        inner.by_object.get(&(what, object.clone())).into_iter().flatten().cloned().collect()
    }

    /// The listeners with a URL.
    pub fn with_url(&self, url: &str) -> Vec<Key> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        inner.by_url.get(url).into_iter().flatten().cloned().collect()
    }

    /// Every listener that is known.
    pub fn listeners(&self) -> Vec<Key> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).listeners.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listener(secret: &str, map: &str) -> HubSpotListener {
        serde_json::from_value(json!({
            "apiVersion": "hubspot-listener.dev/v1alpha1",
            "kind": "HubSpotListener",
            "metadata": {"name": "x", "namespace": "sales"},
            "spec": {
                "displayName": "X",
                "clientSecrets": [{"name": secret, "key": "k"}],
                "destinations": [{"name": "audit", "log": {}}],
                "settingsFrom": [{"scope": "shared", "configMapKeyRef": {"name": map, "key": "k"}}],
            },
        }))
        .unwrap()
    }

    #[test]
    fn users_follow_what_a_listener_refers_to() {
        let index = Index::default();
        let (a, b) = (Key::new("sales", "a"), Key::new("sales", "b"));
        index.set(&a, &listener("one", "map"), None);
        index.set(&b, &listener("two", "map"), None);
        assert_eq!(index.users(Referred::ConfigMap, &Key::new("sales", "map")), [a.clone(), b.clone()]);
        assert_eq!(index.users(Referred::Secret, &Key::new("sales", "one")), std::slice::from_ref(&a));
        // Another namespace is another object.
        assert!(index.users(Referred::Secret, &Key::new("other", "one")).is_empty());
        index.set(&a, &listener("two", "map"), None);
        assert!(index.users(Referred::Secret, &Key::new("sales", "one")).is_empty());
        index.remove(&b);
        assert_eq!(index.users(Referred::Secret, &Key::new("sales", "two")), [a]);
    }

    #[test]
    fn a_url_that_is_taken_or_left_touches_the_others_that_have_it() {
        let index = Index::default();
        let (a, b) = (Key::new("sales", "a"), Key::new("sales", "b"));
        let set = |key: &Key, url: &str| index.set(key, &listener("s", "m"), Some(url.to_owned()));
        assert!(set(&a, "u").is_empty());
        assert_eq!(set(&b, "u"), BTreeSet::from([a.clone()]));
        assert!(set(&b, "u").is_empty(), "no news, no work");
        assert_eq!(index.with_url("u"), [a.clone(), b.clone()]);
        assert_eq!(set(&a, "v"), BTreeSet::from([b.clone()]));
        assert_eq!(set(&a, "u"), BTreeSet::from([b.clone()]));
        assert_eq!(index.remove(&a), BTreeSet::from([b]));
    }
}
