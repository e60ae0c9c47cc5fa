//! `settings` as templates and filters see them: the shared ones under their
//! scopes, the listener's own over them.

use std::collections::BTreeMap;

use crds::HubSpotListenerSpec;
use crds::check::Refusal;
use serde_json::{Map, Value};

/// Merges, or says which ConfigMap is missing or holds no JSON object.
pub fn merge(
    spec: &HubSpotListenerSpec,
    config_maps: &BTreeMap<(String, String), String>,
) -> Result<Value, Vec<Refusal>> {
    let mut settings = Map::new();
    let mut refusals = Vec::new();
    for (at, from) in spec.settings_from.iter().enumerate() {
        let reference = &from.config_map_key_ref;
        let field = format!("spec.settingsFrom[{at}].configMapKeyRef");
        let Some(text) = config_maps.get(&(reference.name.clone(), reference.key.clone())) else {
            refusals.push(Refusal {
                field,
                reason: format!("ConfigMap {} has no key {}, or is not there", reference.name, reference.key),
                remedy: "make the ConfigMap with that key, or correct the reference".to_owned(),
            });
            continue;
        };
        match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(shared) => {
                overlay(&mut settings, Map::from_iter([(from.scope.clone(), Value::Object(shared))]));
            }
            Err(error) => refusals.push(Refusal {
                field,
                reason: format!(
                    "ConfigMap {} key {} is no JSON object: {error}",
                    reference.name, reference.key
                ),
                remedy: "write one JSON object into that key".to_owned(),
            }),
        }
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    overlay(&mut settings, spec.settings.clone());
    Ok(Value::Object(settings))
}

/// Objects are merged member by member; anything else of `over` wins.
/// Depth is bounded by serde_json's own limit of 128 on what is parsed.
fn overlay(under: &mut Map<String, Value>, over: Map<String, Value>) {
    for (name, value) in over {
        match (under.get_mut(&name), value) {
            (Some(Value::Object(below)), Value::Object(above)) => overlay(below, above),
            (_, value) => {
                under.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_settings_win_over_shared_ones_member_by_member() {
        let mut under = Map::new();
        let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap();
        overlay(&mut under, object(r#"{"integration":{"region":"eu","owner":"crm"}}"#));
        overlay(&mut under, object(r#"{"integration":{"region":"us"},"a":1}"#));
        assert_eq!(
            Value::Object(under).to_string(),
            r#"{"integration":{"region":"us","owner":"crm"},"a":1}"#
        );
    }
}
