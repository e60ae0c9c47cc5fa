//! What was read of Secrets and `ConfigMaps`, by version.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client};
use zeroize::Zeroize;

use super::DereferenceError;
use crate::run::index::Referred;
use crate::run::key::Key;
use crate::run::shelf::Seen;

/// What was read.
#[derive(Debug, Default)]
pub struct Contents(Mutex<HashMap<(Referred, Key), Read>>);

#[derive(Debug)]
struct Read {
    uid: String,
    version: String,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    /// Names only.
    Keys(BTreeSet<String>),
    Data(BTreeMap<String, String>),
}

impl Contents {
    /// Keys of a Secret; none where it is not there.
    pub(super) async fn secret(
        &self,
        client: &Client,
        key: &Key,
        seen: Option<&Seen>,
    ) -> Result<Option<BTreeSet<String>>, DereferenceError> {
        let Some(seen) = seen else { return Ok(None) };
        if let Some(Content::Keys(keys)) = self.known(Referred::Secret, key, seen) {
            return Ok(Some(keys));
        }
        let api: Api<Secret> = Api::namespaced(client.clone(), &key.namespace);
        let Some(secret) =
            api.get_opt(&key.name).await.map_err(|source| failed(Referred::Secret, key, source))?
        else {
            return Ok(None);
        };
        let (uid, version) = (secret.metadata.uid, secret.metadata.resource_version);
        let mut data = secret.data.unwrap_or_default();
        for value in data.values_mut() {
            value.0.zeroize();
        }
        let keys: BTreeSet<String> = data.into_keys().collect();
        self.keep(Referred::Secret, key, uid, version, Content::Keys(keys.clone()));
        Ok(Some(keys))
    }

    /// Data of a `ConfigMap`; none where it is not there.
    pub(super) async fn config_map(
        &self,
        client: &Client,
        key: &Key,
        seen: Option<&Seen>,
    ) -> Result<Option<BTreeMap<String, String>>, DereferenceError> {
        let Some(seen) = seen else { return Ok(None) };
        if let Some(Content::Data(data)) = self.known(Referred::ConfigMap, key, seen) {
            return Ok(Some(data));
        }
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), &key.namespace);
        let Some(map) =
            api.get_opt(&key.name).await.map_err(|source| failed(Referred::ConfigMap, key, source))?
        else {
            return Ok(None);
        };
        let data = map.data.unwrap_or_default();
        self.keep(
            Referred::ConfigMap,
            key,
            map.metadata.uid,
            map.metadata.resource_version,
            Content::Data(data.clone()),
        );
        Ok(Some(data))
    }

    /// What was read of this version, or of a newer one than the cache has seen.
    fn known(&self, what: Referred, key: &Key, seen: &Seen) -> Option<Content> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = all.get(&(what, key.clone()))?;
        let good = read.uid == seen.uid
            && (read.version == seen.version || crate::apply::memory::older(&seen.version, &read.version));
        good.then(|| read.content.clone())
    }

    fn keep(
        &self,
        what: Referred,
        key: &Key,
        uid: Option<String>,
        version: Option<String>,
        content: Content,
    ) {
        let read = Read { uid: uid.unwrap_or_default(), version: version.unwrap_or_default(), content };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((what, key.clone()), read);
    }

    /// Keeps what `wanted` says.
    pub(super) fn retain(&self, wanted: impl Fn(Referred, &Key) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(what, key), _| wanted(*what, key));
    }
}

fn failed(what: Referred, key: &Key, source: kube::Error) -> DereferenceError {
    DereferenceError::Api { kind: what.as_str(), name: key.clone(), source }
}
