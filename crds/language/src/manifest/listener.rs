//! One HubSpotListener: its shape, its rules, its meaning, its templates and filters.

use crds::HubSpotListenerSpec;
use crds::check::{Refusal, check_meaning, check_name, check_value, drop_nulls, nearest};
use serde_json::Value;

use super::document::{Object, Reading};
use super::yaml::{Content, Node};
use super::{ManifestListener, compile};

/// Its kind.
pub(super) const KIND: &str = "HubSpotListener";
/// Its version.
pub(super) const VERSION: &str = "v1alpha1";
/// What an object has.
const FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

/// Reads it; what is wrong goes to the mistakes, and a listener with a mistake is not kept.
pub(super) fn read(reading: &mut Reading, object: &Object<'_>) {
    let Object { file, node, namespace, name } = object;
    let mut refusals: Vec<Refusal> = unknown_fields(node);
    refusals.extend(check_name(name));
    let generation = generation(node, &mut refusals);
    let spec = spec(node, &mut refusals);
    if let Some(spec) = &spec {
        reading.references.listener(object, spec);
    }
    match spec {
        Some(spec) if refusals.is_empty() => reading.manifests.listeners.push(ManifestListener {
            namespace: namespace.clone(),
            name: name.clone(),
            generation,
            spec,
            file: (*file).to_owned(),
        }),
        _ => {}
    }
    for refusal in refusals {
        reading.mistake(file, node.place_of(&refusal.field), refusal);
    }
}

fn unknown_fields(node: &Node) -> Vec<Refusal> {
    let Content::Mapping(entries) = &node.content else { return Vec::new() };
    let unknown = entries.iter().map(|(key, _)| key.text.as_str()).filter(|name| !FIELDS.contains(name));
    unknown
        .map(|name| {
            let remedy = match nearest(name, FIELDS) {
                Some(meant) => format!("did you mean {meant}?"),
                None => "remove it, or move it below spec".to_owned(),
            };
            Refusal::new(name, "there is no such field", remedy)
        })
        .collect()
}

fn generation(node: &Node, refusals: &mut Vec<Refusal>) -> i64 {
    match node.get("metadata").and_then(|metadata| metadata.get("generation")).map(Node::value) {
        None | Some(Value::Null) => 1,
        Some(value) => value.as_i64().unwrap_or_else(|| {
            let reason = "a whole number is expected here";
            refusals.push(Refusal::new("metadata.generation", reason, "remove it, the cluster counts it"));
            1
        }),
    }
}

/// The spec, if it can be read at all; a spec that is refused may still be read, so that one
/// look finds all mistakes.
fn spec(node: &Node, refusals: &mut Vec<Refusal>) -> Option<HubSpotListenerSpec> {
    let Some(spec) = node.get("spec") else {
        refusals.push(Refusal::new(
            "spec",
            "this field is required",
            "add it with displayName, clientSecrets and destinations",
        ));
        return None;
    };
    let mut value = spec.value();
    refusals.extend(check_value(&value));
    drop_nulls(&mut value);
    match serde_path_to_error::deserialize::<_, HubSpotListenerSpec>(value) {
        Ok(spec) => {
            refusals.extend(check_meaning(&spec));
            refusals.extend(compile::compile(&spec));
            Some(spec)
        }
        Err(error) => {
            // The schema finds these first, except within types of Kubernetes.
            if refusals.iter().all(|refusal| !refusal.field.starts_with("spec")) {
                let field = match error.path().to_string().as_str() {
                    "." => "spec".to_owned(),
                    path => format!("spec.{path}"),
                };
                refusals.push(Refusal::new(field, error.into_inner().to_string(), "correct this field"));
            }
            None
        }
    }
}
