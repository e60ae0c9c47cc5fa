//! The running state of a listener from manifests alone: what only a cluster has is stood in for.

use std::sync::Arc;

use crds::listener::EmbeddedStorage;
use secrecy::{ExposeSecret, SecretString};

use crate::config::{Live, ManifestFiles, Refused, compile};
use language::manifest::{ManifestListener, Manifests};

/// Stands in for each Secret: nothing is verified and nothing is sent.
const NO_SECRET: &str = "preview";
/// The address of `listener dev`, where nobody names another.
const LOCAL: &str = "http://127.0.0.1:8080";

/// A listener that can be previewed.
#[derive(Debug)]
pub struct Ready {
    pub(super) live: Arc<Live>,
    pub(super) file: String,
    pub(super) notes: Vec<String>,
}

/// Makes a listener of the files ready, or says what is wrong with it. A Secret that is in none of
/// the files does not matter; a ConfigMap that is not gives an empty scope and a note.
pub fn ready(
    listener: &ManifestListener,
    manifests: &Manifests,
    public_base: Option<&str>,
) -> Result<Ready, Refused> {
    let spec = &listener.spec;
    let public_base = match (public_base, &spec.url.host) {
        (Some(base), _) => base.to_owned(),
        (None, Some(host)) => format!("https://{host}"),
        (None, None) => LOCAL.to_owned(),
    };
    let source = ManifestFiles { files: Vec::new(), public_base, allowed_addresses: Vec::new() };
    let mut inputs = source.inputs(listener, manifests);
    for (_, secret) in spec.secret_references() {
        let value = inputs
            .secrets
            .entry((secret.name.clone(), secret.key.clone()))
            .or_insert_with(|| SecretString::from(NO_SECRET));
        if value.expose_secret().is_empty() {
            *value = SecretString::from(NO_SECRET);
        }
    }
    let mut notes = Vec::new();
    for from in &spec.settings_from {
        let (name, key) = (&from.config_map_key_ref.name, &from.config_map_key_ref.key);
        inputs.config_maps.entry((name.clone(), key.clone())).or_insert_with(|| {
            notes.push(format!(
                "key {key} of ConfigMap {name} is in none of the files: settings.{} is empty here; add the \
                 ConfigMap to the files",
                from.scope
            ));
            "{}".to_owned()
        });
    }
    // Nothing is stored.
    if inputs.configuration.spec.storage.postgres.take().is_some() {
        inputs.configuration.spec.storage.embedded = Some(EmbeddedStorage::default());
        inputs.configuration.spec.replicas = 1;
    }
    if spec.pre_page.is_some() {
        notes.push("prePage: the hook is not called; records are shown as they would reach it".to_owned());
    }
    if spec.paused {
        notes.push("paused: no page leaves until `paused` is false".to_owned());
    }
    if spec.do_not_store_retry_data {
        notes.push("doNotStoreRetryData: an open error is kept without its record".to_owned());
    }
    let live = compile(inputs)?;
    Ok(Ready { live: Arc::new(live), file: listener.file.clone(), notes })
}
