//! Secrets and `ConfigMap`s that the manifest names.

use std::collections::BTreeMap;

use crds::check::{Refusal, nearest};
use crds::condition::Reason;
use language::settings;

use super::Finding;
use crate::observed::Observed;
use crate::options::Defaults;

/// Each Secret is there and, where a key of it is named, has the key. What is under the key is never read here.
pub(super) fn secrets(observed: &Observed, _: &Defaults) -> Vec<Finding> {
    let spec = &observed.listener.spec;
    let there = |name: &str| observed.secrets.get(name).is_some_and(Option::is_some);
    let whole = spec.whole_secrets().into_iter().filter(|(_, name)| !there(name));
    let whole = whole.map(|(field, name)| missing(field, name));
    spec.secret_references()
        .into_iter()
        .filter_map(|(field, reference)| {
            let (name, key) = (&reference.name, &reference.key);
            match observed.secrets.get(name).and_then(Option::as_ref) {
                None => Some(missing(format!("{field}.name"), name)),
                Some(keys) if !keys.contains(key) => Some(Finding::unresolved(
                    Reason::SecretKeyNotFound,
                    key_missing(&field, "Secret", name, key, keys.iter().map(String::as_str)),
                )),
                Some(_) => None,
            }
        })
        .chain(whole)
        .collect()
}

fn missing(field: String, name: &str) -> Finding {
    Finding::unresolved(
        Reason::SecretNotFound,
        Refusal::new(
            field,
            format!("there is no Secret {name} in the listener's namespace"),
            "create it there, or correct its name",
        ),
    )
}

/// Each ConfigMap is there, has the key, and holds a JSON object under it.
pub(super) fn config_maps(observed: &Observed, _: &Defaults) -> Vec<Finding> {
    let spec = &observed.listener.spec;
    let mut findings = Vec::new();
    let mut missing = Vec::new();
    let mut texts = BTreeMap::new();
    for (field, reference) in spec.config_map_references() {
        let (name, key) = (&reference.name, &reference.key);
        let Some(data) = observed.config_maps.get(name).and_then(Option::as_ref) else {
            let refusal = Refusal::new(
                format!("{field}.name"),
                format!("there is no ConfigMap {name} in the listener's namespace"),
                "create it there, or correct its name",
            );
            findings.push(Finding::unresolved(Reason::ConfigMapNotFound, refusal));
            missing.push(field);
            continue;
        };
        if let Some(text) = data.get(key) {
            texts.insert((name.clone(), key.clone()), text.clone());
        } else {
            let refusal = key_missing(&field, "ConfigMap", name, key, data.keys().map(String::as_str));
            findings.push(Finding::unresolved(Reason::ConfigMapKeyNotFound, refusal));
            missing.push(field);
        }
    }
    // Merged by the code that the listener merges them by; it speaks of the missing ones too.
    let mut refusals = settings::merge(spec, &texts).err().unwrap_or_default();
    if !missing.is_empty() {
        refusals.retain(|refusal| !missing.contains(&refusal.field));
        // Without all of them the schema is judged as far as it can be.
        for refusal in settings::check(spec, &texts) {
            if !refusals.iter().any(|known| known.field == refusal.field) {
                refusals.push(refusal);
            }
        }
    }
    findings.extend(refusals.into_iter().map(|refusal| match settings::reason(&refusal) {
        Reason::SettingsInvalid => Finding::unresolved(Reason::SettingsInvalid, refusal),
        reason => Finding::accepted(reason, refusal),
    }));
    findings
}

fn key_missing<'a>(
    field: &str,
    kind: &str,
    name: &str,
    key: &str,
    keys: impl Iterator<Item = &'a str>,
) -> Refusal {
    let remedy = match nearest(key, keys) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("add the key to the {kind}, or correct it here"),
    };
    Refusal::new(format!("{field}.key"), format!("the {kind} {name} has no key {key}"), remedy)
}
