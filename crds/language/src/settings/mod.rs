//! `settings` as templates and filters see them.
//!
//! Three layers, made in this order:
//! 1. the shared ones, each ConfigMap's object under its scope;
//! 2. the listener's own over them: objects are merged member by member, anything else of the
//!    listener's own wins;
//! 3. the defaults of `settingsSchema`, where a member is still absent ([`defaults`]).
//!
//! What comes out is judged by the schema ([`schema`]). It is kept as JSON text ([`Json`]), so that
//! a number prints with the digits that its ConfigMap has, at any size. (The listener's own went
//! through the API server, which keeps 64 bits of a whole number.)
//!
//! Nothing that a user writes here overflows the stack or runs without bound: settings and schema
//! nest at most 128 deep (the limit of `serde_json`), and [`bounds`] weighs the work before it is done.

mod bounds;
mod certain;
mod defaults;
mod schema;
mod tree;
mod violation;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crds::HubSpotListenerSpec;
use crds::check::Refusal;
use crds::condition::Reason;
use serde_json::{Map, Value};

use crate::template::Json;
use schema::Schema;
use tree::Tree;

/// Texts of keys of `ConfigMap`s, by name and key.
pub type ConfigMaps = BTreeMap<(String, String), String>;

/// Makes the settings, or says everything that is wrong with them: a ConfigMap that is missing or
/// holds no JSON object (`spec.settingsFrom[0].configMapKeyRef`), a schema that is none
/// (`spec.settingsSchema...`), a value that the schema does not take (`settings.integration.region`).
pub fn merge(spec: &HubSpotListenerSpec, config_maps: &ConfigMaps) -> Result<Json, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let mut layers = Layers::new();
    for (at, from) in spec.settings_from.iter().enumerate() {
        let reference = &from.config_map_key_ref;
        let field = format!("spec.settingsFrom[{at}].configMapKeyRef");
        match config_maps.get(&(reference.name.clone(), reference.key.clone())) {
            None => refusals.push(Refusal::new(
                field,
                format!("ConfigMap {} has no key {}, or is not there", reference.name, reference.key),
                "make the ConfigMap with that key, or correct the reference",
            )),
            Some(text) => refusals.extend(layers.shared(&from.scope, text).err().map(|reason| {
                Refusal::new(
                    field,
                    format!("ConfigMap {} key {} is no JSON object: {reason}", reference.name, reference.key),
                    "write one JSON object into that key",
                )
            })),
        }
    }
    let schema = match spec.settings_schema.as_ref().map(Schema::new).transpose() {
        Ok(schema) => schema,
        Err(refusal) => {
            refusals.push(refusal);
            None
        }
    };
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let mut tree = layers.own(&spec.settings);
    if let Some(schema) = schema {
        schema.fill(&mut tree).map_err(|refusal| vec![refusal])?;
        let violations = schema.judge(&tree)?;
        if !violations.is_empty() {
            return Err(violations.iter().map(|violation| violation.refusal(spec)).collect());
        }
    }
    Ok(tree.json())
}

/// What is certainly wrong, by the ConfigMaps that are known.
///
/// One that is not known is not reported (it may be in the cluster), nor is what it might still mend:
/// a member that the schema requires and that may be in it. ConfigMaps that hold no JSON object are
/// left out likewise.
pub fn check(spec: &HubSpotListenerSpec, config_maps: &ConfigMaps) -> Vec<Refusal> {
    let schema = match spec.settings_schema.as_ref().map(Schema::new).transpose() {
        Ok(None) => return Vec::new(),
        Ok(Some(schema)) => schema,
        Err(refusal) => return vec![refusal],
    };
    let mut layers = Layers::new();
    let mut unknown = Vec::new();
    for from in &spec.settings_from {
        let reference = &from.config_map_key_ref;
        let text = config_maps.get(&(reference.name.clone(), reference.key.clone()));
        if text.is_none_or(|text| layers.shared(&from.scope, text).is_err()) {
            unknown.push(from.scope.as_str());
        }
    }
    let mut tree = layers.own(&spec.settings);
    if let Err(refusal) = schema.fill(&mut tree) {
        return vec![refusal];
    }
    match schema.judge(&tree) {
        Err(refusals) => refusals,
        Ok(violations) => {
            let certain = violations.iter().filter(|violation| certain::is_certain(violation, &unknown));
            certain.map(|violation| violation.refusal(spec)).collect()
        }
    }
}

/// The condition's reason that a refusal of [`merge`] or [`check`] stands for.
///
/// [`Reason::SettingsInvalid`] belongs to the condition `ResolvedRefs`, the others to Accepted.
pub fn reason(refusal: &Refusal) -> Reason {
    if refusal.field.starts_with("spec.settingsSchema") {
        Reason::InvalidSettingsSchema
    } else if refusal.field.starts_with("spec.settingsFrom") {
        Reason::SettingsInvalid
    } else {
        Reason::SettingsAgainstSchema
    }
}

/// The layers that were laid so far.
struct Layers(Tree);

impl Layers {
    fn new() -> Self {
        Self(Tree::empty())
    }

    /// Lays a ConfigMap's object under its scope.
    fn shared(&mut self, scope: &str, text: &str) -> Result<(), String> {
        // serde_json says the place in the text, and bounds the depth.
        serde_json::from_str::<Map<String, Value>>(text).map_err(|error| error.to_string())?;
        self.0.overlay(Tree::under(scope, Tree::read(text.as_bytes())));
        Ok(())
    }

    /// Lays the listener's own over them.
    fn own(self, own: &Map<String, Value>) -> Tree {
        let mut tree = self.0;
        tree.overlay(Tree::object(own));
        tree
    }
}
