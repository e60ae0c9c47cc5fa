//! References from a listener to keys of Secrets and `ConfigMaps` in its namespace.

use std::collections::BTreeSet;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Header, HubSpotListenerSpec};

/// One key of a Secret in the listener's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretKeyRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// One key of a `ConfigMap` in the listener's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigMapKeyRef {
    /// Name of the `ConfigMap`.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in the `ConfigMap`.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// Settings shared by many listeners, under a scope: `settings.<scope>.…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettingsFrom {
    /// Name under `settings`: letters, digits and `_`, not beginning with a digit.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z_][A-Za-z0-9_]*$')").message(
        "a scope is a name that templates can use; write letters, digits and _ only, such as integration"
    ))]
    pub scope: String,
    /// The `ConfigMap` key that holds a JSON object.
    pub config_map_key_ref: ConfigMapKeyRef,
}

impl HubSpotListenerSpec {
    /// Every key of a Secret that the listener reads, with the path of the field that names it.
    pub fn secret_references(&self) -> Vec<(String, &SecretKeyRef)> {
        let clients = self.client_secrets.iter().enumerate();
        let mut references: Vec<_> =
            clients.map(|(at, reference)| (format!("spec.clientSecrets[{at}]"), reference)).collect();
        references.extend(
            self.pre_page.iter().flat_map(|hook| of_headers("spec.prePage.http", &hook.http.headers)),
        );
        for (at, destination) in self.destinations.iter().enumerate() {
            let headers = destination.http.iter().map(|http| &http.headers);
            references.extend(
                headers.flat_map(|headers| of_headers(&format!("spec.destinations[{at}].http"), headers)),
            );
        }
        for (at, notice) in self.desk.notices.iter().enumerate() {
            let target = notice.target().into_iter();
            references.extend(target.flat_map(|(field, target)| {
                of_headers(&format!("spec.desk.notices[{at}].{field}"), &target.headers)
            }));
        }
        if let Some(postgres) = &self.storage.postgres {
            references.push(("spec.storage.postgres.urlSecretRef".to_owned(), &postgres.url_secret_ref));
        }
        references
    }

    /// Every Secret that the listener reads whole, whatever its keys, with the path of the field that names it.
    pub fn whole_secrets(&self) -> Vec<(String, &str)> {
        let tokens = self.desk.tokens.iter();
        tokens.map(|tokens| ("spec.desk.tokens.secretName".to_owned(), tokens.secret_name.as_str())).collect()
    }

    /// Name of every Secret that the listener reads, whole or a key of it, once each.
    pub fn secret_names(&self) -> BTreeSet<&str> {
        let keys = self.secret_references().into_iter().map(|(_, reference)| reference.name.as_str());
        keys.chain(self.whole_secrets().into_iter().map(|(_, name)| name)).collect()
    }

    /// Every key of a ConfigMap that the listener reads, with the path of the field that names it.
    pub fn config_map_references(&self) -> Vec<(String, &ConfigMapKeyRef)> {
        let shared = self.settings_from.iter().enumerate();
        shared
            .map(|(at, from)| (format!("spec.settingsFrom[{at}].configMapKeyRef"), &from.config_map_key_ref))
            .collect()
    }
}

/// Keys that the headers of `field` are read from.
fn of_headers<'a>(field: &str, headers: &'a [Header]) -> Vec<(String, &'a SecretKeyRef)> {
    let from = |(at, header): (usize, &'a Header)| {
        let from = header.value_from.as_ref()?;
        Some((format!("{field}.headers[{at}].valueFrom.secretKeyRef"), &from.secret_key_ref))
    };
    headers.iter().enumerate().filter_map(from).collect()
}
