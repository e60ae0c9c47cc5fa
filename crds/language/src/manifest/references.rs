//! What listeners refer to, held against what the files have.

use std::collections::{BTreeMap, BTreeSet};

use crds::HubSpotListenerSpec;
use crds::check::{Refusal, nearest};
use serde_json::{Map, Value};

use super::Manifests;
use super::data::{CONFIG_MAP, SECRET};
use super::document::Object;
use super::mistake::{ManifestMistake, Severity};
use super::yaml::{Node, Place};
use crate::settings;

/// Collected while files are read, looked at when all are.
#[derive(Default)]
pub(super) struct References {
    wanted: Vec<Wanted>,
    objects: BTreeSet<(&'static str, String, String)>,
    /// Host and path of each listener, with where it stands.
    urls: BTreeMap<(String, String), String>,
    taken: Vec<ManifestMistake>,
    schemas: Vec<Schema>,
}

/// A listener whose settings a schema judges, when all ConfigMaps are read.
struct Schema {
    namespace: String,
    file: String,
    spec: HubSpotListenerSpec,
    node: Node,
}

/// A key of an object that a listener names.
struct Wanted {
    kind: &'static str,
    namespace: String,
    name: String,
    key: String,
    field: String,
    file: String,
    place: Place,
}

impl References {
    /// Says that an object is there, with or without keys.
    pub(super) fn object(&mut self, kind: &'static str, namespace: &str, name: &str) {
        self.objects.insert((kind, namespace.to_owned(), name.to_owned()));
    }

    /// Collects what a listener refers to, and its URL.
    pub(super) fn listener(&mut self, object: &Object<'_>, spec: &HubSpotListenerSpec) {
        self.url(object, spec);
        if spec.settings_schema.is_some() {
            self.schemas.push(Schema {
                namespace: object.namespace.clone(),
                file: object.file.to_owned(),
                spec: spec.clone(),
                node: object.node.clone(),
            });
        }
        let mut want = |kind, name: &str, key: &str, field: String| {
            let place = object.node.place_of(&field);
            let (name, key) = (name.to_owned(), key.to_owned());
            let (namespace, file) = (object.namespace.clone(), object.file.to_owned());
            self.wanted.push(Wanted { kind, namespace, name, key, field, file, place });
        };
        for (at, secret) in spec.client_secrets.iter().enumerate() {
            want(SECRET, &secret.name, &secret.key, format!("spec.clientSecrets[{at}]"));
        }
        for (at, destination) in spec.destinations.iter().enumerate() {
            let headers = destination.http.iter().flat_map(|http| http.headers.iter().enumerate());
            for (header_at, header) in headers {
                if let Some(from) = &header.value_from {
                    let field =
                        format!("spec.destinations[{at}].http.headers[{header_at}].valueFrom.secretKeyRef");
                    want(SECRET, &from.secret_key_ref.name, &from.secret_key_ref.key, field);
                }
            }
        }
        for (at, from) in spec.settings_from.iter().enumerate() {
            let (name, key) = (&from.config_map_key_ref.name, &from.config_map_key_ref.key);
            want(CONFIG_MAP, name, key, format!("spec.settingsFrom[{at}].configMapKeyRef"));
        }
        if let Some(postgres) = &spec.storage.postgres {
            let secret = &postgres.url_secret_ref;
            want(SECRET, &secret.name, &secret.key, "spec.storage.postgres.urlSecretRef".to_owned());
        }
    }

    fn url(&mut self, object: &Object<'_>, spec: &HubSpotListenerSpec) {
        let host = spec.url.host.clone().unwrap_or_default();
        let own = || format!("/{}/{}", object.namespace, object.name);
        let path = spec.url.path.clone().unwrap_or_else(own);
        let here = format!("{}/{}", object.namespace, object.name);
        if let Some(first) = self.urls.get(&(host.clone(), path.clone())) {
            let refusal = Refusal::new(
                "spec.url.path",
                format!("listener {first} has this URL already"),
                "give one of them another path",
            );
            let place = object.node.place_of("spec.url.path");
            self.taken.push(ManifestMistake::at(object.file, place, refusal, Severity::Mistake));
        } else {
            self.urls.insert((host, path), here);
        }
    }

    /// Says what is missing, and what is there and is not what it should be.
    pub(super) fn resolve(self, manifests: &mut Manifests) {
        let Self { wanted, objects, urls: _, taken, schemas } = self;
        manifests.mistakes.extend(taken);
        let judged: Vec<_> = schemas.iter().flat_map(|schema| schema.judge(manifests)).collect();
        manifests.mistakes.extend(judged);
        for Wanted { kind, namespace, name, key, field, file, place } in wanted {
            let at = (namespace.clone(), name.clone(), key.clone());
            let there = match kind {
                SECRET => manifests.secrets.contains_key(&at),
                _ => manifests.config_maps.contains_key(&at),
            };
            if !there {
                let refusal = if objects.contains(&(kind, namespace.clone(), name.clone())) {
                    let keys = keys(manifests, kind, &namespace, &name);
                    let remedy = match nearest(&key, keys.iter().map(String::as_str)) {
                        Some(meant) => format!("did you mean {meant}?"),
                        None => "add the key, or correct it here".to_owned(),
                    };
                    Refusal::new(format!("{field}.key"), format!("{kind} {name} has no key {key}"), remedy)
                } else {
                    Refusal::new(
                        field,
                        format!("{kind} {name} in namespace {namespace} is in none of the files"),
                        "add it, or see that the cluster has it",
                    )
                };
                manifests.missing.push(ManifestMistake::at(&file, place, refusal, Severity::Note));
            } else if kind == CONFIG_MAP
                && let Some(reason) = manifests.config_maps.get(&at).and_then(|text| not_an_object(text))
            {
                let refusal = Refusal::new(
                    field,
                    format!("{key} of ConfigMap {name} holds no JSON object: {reason}"),
                    "write a JSON object there, such as {\"region\": \"eu\"}",
                );
                manifests.mistakes.push(ManifestMistake::at(&file, place, refusal, Severity::Mistake));
            }
        }
    }
}

impl Schema {
    /// By the ConfigMaps that the files have.
    fn judge(&self, manifests: &Manifests) -> Vec<ManifestMistake> {
        let Self { namespace, file, spec, node } = self;
        let known = spec.config_map_references().into_iter().filter_map(|(_, reference)| {
            let (name, key) = (reference.name.clone(), reference.key.clone());
            let text = manifests.config_maps.get(&(namespace.clone(), name.clone(), key.clone()))?;
            Some(((name, key), text.clone()))
        });
        let place = |field: &str| {
            let Some(path) = field.strip_prefix("settings") else { return node.place_of(field) };
            let own = format!("spec.settings{path}");
            let scope = path.trim_start_matches('.').split(['.', '[']).next().unwrap_or_default();
            match spec.settings_from.iter().position(|from| from.scope == scope) {
                Some(at) if !spec.settings.contains_key(scope) => {
                    node.place_of(&format!("spec.settingsFrom[{at}].scope"))
                }
                _ => node.place_of(&own),
            }
        };
        settings::check(spec, &known.collect())
            .into_iter()
            .map(|refusal| ManifestMistake::at(file, place(&refusal.field), refusal, Severity::Mistake))
            .collect()
    }
}

fn not_an_object(text: &str) -> Option<String> {
    serde_json::from_str::<Map<String, Value>>(text).err().map(|error| error.to_string())
}

/// The keys that an object of the files has.
fn keys(manifests: &Manifests, kind: &str, namespace: &str, name: &str) -> Vec<String> {
    let of = |at: &&super::KeyOf| at.0 == namespace && at.1 == name;
    if kind == SECRET {
        manifests.secrets.keys().filter(of).map(|at| at.2.clone()).collect()
    } else {
        manifests.config_maps.keys().filter(of).map(|at| at.2.clone()).collect()
    }
}
