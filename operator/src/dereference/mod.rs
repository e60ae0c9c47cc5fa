//! Step 1: reads everything that the steps after it need.
//!
//! From caches. A request is made only for a Secret or `ConfigMap` that the listener names and
//! that is there in a version that was not read yet. Of a Secret the names of its keys are
//! kept; its values are wiped as soon as they are read, and neither logged nor printed.

mod contents;

use std::collections::BTreeMap;
use std::sync::Arc;

use crds::HubSpotListener;
use kube::{Client, ResourceExt};

pub use contents::Contents;

use crate::build::names;
use crate::observed::Observed;
use crate::options::Defaults;
use crate::run::caches::{Caches, Guarded};
use crate::run::index::{Index, Referred};
use crate::run::key::Key;
use crate::run::reports::Reported;
use crate::run::said::said;
use crate::validate::public_url;

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DereferenceError {
    /// The API server did not give what a listener names.
    #[error("{kind} {name} could not be read: {}", said(source))]
    Api {
        /// Secret or `ConfigMap`.
        kind: &'static str,
        /// Its namespace and name.
        name: Key,
        /// What happened.
        source: kube::Error,
    },
}

/// Reads for one listener at a time.
#[derive(Debug)]
pub struct Reader {
    /// What is known of the cluster.
    pub caches: Arc<Caches>,
    /// Who has which URL.
    pub index: Arc<Index>,
    /// What was read of Secrets and `ConfigMaps`.
    pub contents: Contents,
    /// What pods told.
    pub reported: Reported,
    /// For the URL.
    pub defaults: Arc<Defaults>,
}

impl Reader {
    /// Reads.
    pub async fn dereference(
        &self,
        client: &Client,
        listener: &Arc<HubSpotListener>,
    ) -> Result<Observed, DereferenceError> {
        let key = Key::of(&**listener);
        let mut secrets = BTreeMap::new();
        for name in listener.spec.secret_names() {
            let secret = Key::new(&key.namespace, name);
            let seen = self.caches.secrets.get(&secret);
            secrets.insert(name.to_owned(), self.contents.secret(client, &secret, seen.as_deref()).await?);
        }
        let mut config_maps = BTreeMap::new();
        for (_, to) in listener.spec.config_map_references() {
            if !config_maps.contains_key(&to.name) {
                let map = Key::new(&key.namespace, &to.name);
                let seen = self.caches.children(crate::apply::Kind::ConfigMap).get(&map);
                config_maps
                    .insert(to.name.clone(), self.contents.config_map(client, &map, seen.as_deref()).await?);
            }
        }
        Ok(Observed {
            listener: Arc::clone(listener),
            secrets,
            config_maps,
            url_holder: self.url_holder(listener).map(|holder| holder.to_string()),
            claim: self.caches.claim(&Key::new(&key.namespace, &names::claim(&key.name))),
            deployment: self.caches.deployment(&key),
            foreign: Vec::new(),
            pods: self.reported.of(&key),
        })
    }

    /// The oldest listener with this URL, where it is not this one.
    fn url_holder(&self, listener: &HubSpotListener) -> Option<Key> {
        let url = public_url(listener, &self.defaults)?;
        let own = age(listener);
        let others = self.index.with_url(&url).into_iter().filter_map(|key| {
            let found = self.caches.listener(&key)?;
            let Guarded { 0: Ok(other) } = &*found else { return None };
            (other.metadata.deletion_timestamp.is_none()).then(|| (age(other), key))
        });
        others.filter(|(age, _)| *age < own).min().map(|(_, key)| key)
    }

    /// Forgets what nobody names any more.
    pub fn forget(&self, listener: &Key) {
        self.reported.forget(listener);
        self.contents.retain(|what, key| !self.index.users(what, key).is_empty());
    }
}

/// What is compared: creation, then namespace and name, so that two of one second have an order, too.
fn age(listener: &HubSpotListener) -> (Option<k8s_openapi::jiff::Timestamp>, String, String) {
    let created = listener.metadata.creation_timestamp.as_ref().map(|time| time.0);
    (created, listener.namespace().unwrap_or_default(), listener.name_any())
}

impl Referred {
    /// As it stands in a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }
}
